//! The engine as others see it.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::Ordering::Relaxed,
        mpsc::{self, Sender},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use concierge::{
    intent::AgentName,
    ports::{ChatMessage, Engine, EngineError, EngineInfo, Generation, GenerationRequest, Role},
};
use futures::{StreamExt, channel::mpsc::unbounded};
use llama_cpp_2::{
    LogOptions,
    context::params::KvCacheType,
    list_llama_ggml_backend_devices,
    llama_backend::LlamaBackend,
    model::{LlamaModel, params::LlamaModelParams},
    send_logs_to_tracing,
};

use crate::{
    AdapterError, ChatTemplate, EngineConfig, LoadError, MetricsSnapshot,
    check::{self, ModelHeader},
    guess,
    metrics::Metrics,
    sample::Sampler,
    scheduler::{Job, Limits},
    template::Turns,
    worker::{AdapterChange, Command, Worker},
};

/// llama.cpp numbers sequences up to here.
const SEQUENCES_LIMIT: u32 = 256;
/// Sequences for agents' preambles, beside those of conversations.
const PREAMBLES: u32 = 8;
/// A grammar longer than this is no tool's.
const GRAMMAR_LIMIT: usize = 64 << 10;

/// A model in memory, with its thread.
pub struct Gemma {
    model: Arc<RwLock<LlamaModel>>,
    header: ModelHeader,
    turns: Turns,
    config: EngineConfig,
    metrics: Arc<Metrics>,
    adapters: RwLock<HashSet<AgentName>>,
    /// None once it is being dropped: that ends the thread.
    commands: Option<Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Gemma {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gemma").field("model", &self.header.name).field("config", &self.config).finish_non_exhaustive()
    }
}

impl Gemma {
    /// Loads a model and starts its thread. A file that is no model of ours is refused before llama.cpp sees it.
    pub fn load(mut config: EngineConfig) -> Result<Self, LoadError> {
        let header = check::model(&config.model)?;
        config.context_tokens = config.context_tokens.min(header.context_length);
        let sequences = check_settings(&config)?;
        let refused = |reason: String| LoadError::Refused { path: config.model.clone(), reason };
        let backend = backend().map_err(refused)?;
        let layers = config.gpu_layers.unwrap_or_else(|| layers_that_fit(backend, &header));
        let params = LlamaModelParams::default().with_n_gpu_layers(layers);
        let model =
            LlamaModel::load_from_file(backend, &config.model, &params).map_err(|error| refused(error.to_string()))?;
        let turns = Turns::of(&model).ok_or_else(|| LoadError::Unsupported {
            path: config.model.clone(),
            reason:
                "its vocabulary has no turn markers, neither Gemma's nor ChatML's, so it cannot hold a conversation"
                    .to_owned(),
        })?;

        let model = Arc::new(RwLock::new(model));
        let metrics = Arc::new(Metrics::default());
        let threads =
            config.threads.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), |n| n.get() as usize);
        let worker = Worker {
            backend,
            model: Arc::clone(&model),
            path: config.model.clone(),
            limits: Limits {
                slots: config.slots as usize,
                reply_time: config.reply_time_limit,
                chunk_busy: config.chunk_busy as usize,
                chunk_idle: config.chunk_idle as usize,
                guesses: (config.guesses as usize).min(guess::MOST),
            },
            metrics: Arc::clone(&metrics),
            threads: i32::try_from(threads).unwrap_or(1),
            state_tokens: config.state_tokens,
            sequences,
            window: header.window,
            state_type: if header.head_length.is_multiple_of(32) { KvCacheType::Q8_0 } else { KvCacheType::F16 },
        };
        let (commands, inbox) = mpsc::channel();
        let (ready, started) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || worker.run(&inbox, &ready))
            .map_err(|error| refused(error.to_string()))?;
        started.recv().map_err(|_| refused("its thread ended".to_owned()))??;
        Ok(Self {
            model,
            header,
            turns,
            config,
            metrics,
            adapters: RwLock::default(),
            commands: Some(commands),
            thread: Some(thread),
        })
    }

    /// The form of the model's conversations.
    #[must_use]
    pub const fn template(&self) -> ChatTemplate {
        self.turns.template()
    }

    /// The settings in use.
    #[must_use]
    pub const fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// The counters.
    #[must_use]
    pub fn metrics(&self) -> MetricsSnapshot {
        self.metrics.snapshot()
    }

    /// Tokens of a text, in which nothing is a turn marker.
    #[must_use]
    pub fn tokenize(&self, text: &str) -> Vec<i32> {
        self.turns.plain(&self.read_model(), text)
    }

    /// How many tokens a text has.
    #[must_use]
    pub fn count_tokens(&self, text: &str) -> usize {
        self.tokenize(text).len()
    }

    /// The tokens of a request's prompt, as the model gets them.
    pub fn prompt_tokens(&self, request: &GenerationRequest) -> Result<Vec<i32>, EngineError> {
        let limit = self.prompt_limit(self.reply_limit(request));
        let prompt = self.turns.prompt(&self.read_model(), &request.preamble, &request.messages, limit)?;
        Ok(prompt.tokens)
    }

    /// The scores of what follows these tokens, one for each token of the vocabulary. For comparing engines; replies
    /// wait while it is computed.
    pub fn logits(&self, tokens: &[i32], adapter: Option<AgentName>) -> Result<Vec<f32>, EngineError> {
        self.check_adapter(adapter)?;
        let vocabulary = self.read_model().n_vocab();
        if let Some(wrong) = tokens.iter().find(|token| !(0..vocabulary).contains(*token)) {
            return Err(EngineError::Invalid(format!("{wrong} is no token; there are {vocabulary}")));
        }
        let (answer, inbox) = mpsc::channel();
        self.send(Command::Scores { tokens: tokens.to_vec(), adapter, answer })?;
        inbox.recv().map_err(|_| ended())?
    }

    /// Computes an agent's preamble now, so that its first guest does not wait for it.
    pub async fn warm(&self, preamble: Arc<str>, adapter: Option<AgentName>) -> Result<(), EngineError> {
        let reply = self.start(GenerationRequest {
            preamble,
            messages: vec![ChatMessage { role: Role::User, text: ".".to_owned() }],
            adapter,
            temperature: 0.0,
            max_tokens: 1,
            seed: 0,
            grammar: None,
            functions: None,
            conversation: None,
        })?;
        reply.for_each(|_| std::future::ready(())).await;
        Ok(())
    }

    /// Gives an agent its adapter, or a new one in its place. Replies that run finish on what they began with; those
    /// that wait begin with the new one. Returns when it is in use.
    pub fn load_adapter(&self, agent: AgentName, path: &Path) -> Result<(), AdapterError> {
        check::adapter(path, &self.header)?;
        self.change_adapter(agent, Some(path.to_owned()))?;
        self.adapters.write().unwrap_or_else(PoisonError::into_inner).insert(agent);
        Ok(())
    }

    /// Takes an agent's adapter away.
    pub fn unload_adapter(&self, agent: AgentName) -> Result<(), AdapterError> {
        self.adapters.write().unwrap_or_else(PoisonError::into_inner).remove(&agent);
        self.change_adapter(agent, None)
    }

    fn change_adapter(&self, agent: AgentName, path: Option<PathBuf>) -> Result<(), AdapterError> {
        let (answer, inbox) = mpsc::channel();
        self.send(Command::Adapter(AdapterChange { agent, path, answer })).map_err(|_| AdapterError::Ended)?;
        inbox.recv().map_err(|_| AdapterError::Ended)?
    }

    fn check_adapter(&self, adapter: Option<AgentName>) -> Result<(), EngineError> {
        let loaded = self.adapters.read().unwrap_or_else(PoisonError::into_inner);
        match adapter.filter(|agent| !loaded.contains(agent)) {
            Some(agent) => Err(EngineError::Invalid(format!("no adapter is loaded for {agent}"))),
            None => Ok(()),
        }
    }

    /// Tokens that a reply may have: what was asked, at most half of the context.
    fn reply_limit(&self, request: &GenerationRequest) -> u32 {
        request.max_tokens.clamp(1, self.config.context_tokens / 2)
    }

    const fn prompt_limit(&self, reply: u32) -> u32 {
        self.config.context_tokens - reply
    }

    fn read_model(&self) -> std::sync::RwLockReadGuard<'_, LlamaModel> {
        self.model.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, command: Command) -> Result<(), EngineError> {
        self.commands.as_ref().ok_or_else(ended)?.send(command).map_err(|_| ended())
    }

    /// Takes a place in the queue, or says when one is likely to be free.
    fn take_place(&self) -> Result<Place<'_>, EngineError> {
        let limit = self.config.slots + self.config.queue;
        let running = self.metrics.running.load(Relaxed);
        let patient = |queued: u32| {
            // One round of waiting is no crowd: a guest who left holds a place until the next step.
            queued < self.config.slots
                || u64::from(self.metrics.retry_after(self.config.slots)) <= self.config.wait_limit.as_secs()
        };
        let place = |queued: u32| (queued + running < limit && patient(queued)).then_some(queued + 1);
        match self.metrics.queued.fetch_update(Relaxed, Relaxed, place) {
            Ok(_) => Ok(Place { metrics: &self.metrics, kept: false }),
            Err(_) => {
                self.metrics.refused.fetch_add(1, Relaxed);
                Err(EngineError::Overloaded { retry_after_s: self.metrics.retry_after(self.config.slots) })
            }
        }
    }
}

/// A place in the queue, given back if the request turns out to be wrong.
struct Place<'a> {
    metrics: &'a Metrics,
    kept: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.metrics.queued.fetch_sub(1, Relaxed);
        }
    }
}

impl Engine for Gemma {
    fn start(&self, request: GenerationRequest) -> Result<Generation, EngineError> {
        let asked = Instant::now();
        // First, as it costs nothing and a crowd is to be turned away quickly.
        let mut place = self.take_place()?;
        self.check_adapter(request.adapter)?;
        if !(0.0..=10.0).contains(&request.temperature) {
            return Err(EngineError::Invalid(format!(
                "a temperature of {} is not within 0 to 10",
                request.temperature
            )));
        }
        let max_tokens = self.reply_limit(&request);
        let model = self.read_model();
        let prompt = self.turns.prompt(&model, &request.preamble, &request.messages, self.prompt_limit(max_tokens))?;
        let mut sampler = Sampler::new(request.temperature, request.seed);
        if let Some(grammar) = &request.grammar {
            if grammar.len() > GRAMMAR_LIMIT {
                return Err(EngineError::Invalid(format!("the grammar is longer than {GRAMMAR_LIMIT} bytes")));
            }
            sampler = sampler.with_grammar(&model, grammar).map_err(EngineError::Invalid)?;
        }
        drop(model);
        let (events, stream) = unbounded();
        self.send(Command::Reply(Box::new(Job {
            prompt,
            adapter: request.adapter,
            sampler,
            max_tokens,
            conversation: request.conversation,
            events,
            asked,
        })))?;
        place.kept = true;
        Ok(stream.boxed())
    }

    fn info(&self) -> EngineInfo {
        EngineInfo { model: self.header.name.clone(), context_tokens: self.config.context_tokens }
    }
}

impl Drop for Gemma {
    fn drop(&mut self) {
        // The thread ends when nobody can ask it anything more, after the step that it is in.
        self.commands = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the engine's thread had panicked");
        }
    }
}

fn ended() -> EngineError {
    EngineError::NotReady("it has ended; restart the server".to_owned())
}

/// Checks the settings against each other: the number of sequences wanted.
fn check_settings(config: &EngineConfig) -> Result<u32, LoadError> {
    let wrong = |setting, reason: String| Err(LoadError::Setting { setting, reason });
    if config.slots == 0 || config.slots > 64 {
        return wrong("slots", format!("{} is not within 1 to 64", config.slots));
    }
    if config.context_tokens < 64 {
        return wrong("context_tokens", format!("{} is less than 64", config.context_tokens));
    }
    if config.state_tokens < config.context_tokens {
        let reason = format!("{} is less than the {} of one conversation", config.state_tokens, config.context_tokens);
        return wrong("state_tokens", reason);
    }
    for (setting, chunk) in [("chunk_busy", config.chunk_busy), ("chunk_idle", config.chunk_idle)] {
        if chunk == 0 || chunk > 4096 {
            return wrong(setting, format!("{chunk} is not within 1 to 4096"));
        }
    }
    let sequences = config.slots.saturating_add(config.kept_conversations).saturating_add(PREAMBLES);
    if sequences > SEQUENCES_LIMIT {
        let most = SEQUENCES_LIMIT - PREAMBLES - config.slots;
        return wrong("kept_conversations", format!("{} is more than {most}", config.kept_conversations));
    }
    Ok(sequences)
}

/// llama.cpp is set up once for the process; its messages go to the log.
fn backend() -> Result<&'static LlamaBackend, String> {
    static BACKEND: OnceLock<Result<LlamaBackend, String>> = OnceLock::new();
    let backend = BACKEND.get_or_init(|| {
        send_logs_to_tracing(LogOptions::default());
        LlamaBackend::init().map_err(|error| error.to_string())
    });
    backend.as_ref().map_err(Clone::clone)
}

/// How many layers the graphics processors' free memory holds, a fifth left for what is computed.
fn layers_that_fit(backend: &LlamaBackend, header: &ModelHeader) -> u32 {
    if !backend.supports_gpu_offload() {
        return 0;
    }
    let gpu = |kind: &llama_cpp_2::LlamaBackendDeviceType| {
        matches!(kind, llama_cpp_2::LlamaBackendDeviceType::Gpu | llama_cpp_2::LlamaBackendDeviceType::IntegratedGpu)
    };
    let devices = list_llama_ggml_backend_devices();
    let free: u64 =
        devices.iter().filter(|device| gpu(&device.device_type)).map(|device| device.memory_free as u64).sum();
    let usable = free / 5 * 4;
    // The head counts as one layer more.
    let layers = header.layers + 1;
    if header.size <= usable {
        return layers;
    }
    let share = u128::from(layers) * u128::from(usable) / u128::from(header.size.max(1));
    u32::try_from(share).unwrap_or(0).min(layers)
}
