//! The thread that owns the computation.
//!
//! llama.cpp wants its adapters loaded while no context is using the model. So a change of adapters lets the running
//! replies finish on what they began with, ends the context, loads, and goes on with those that waited.

use std::{
    collections::{HashMap, VecDeque},
    fs,
    num::NonZeroU32,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        mpsc::{Receiver, Sender, TryRecvError},
    },
};

use concierge::{
    intent::AgentName,
    ports::{EngineError, GenerationEvent},
};
use llama_cpp_2::{
    context::params::{KvCacheType, LlamaContextParams},
    llama_backend::LlamaBackend,
    llama_batch::LlamaBatch,
    model::LlamaModel,
};

use crate::{
    AdapterError, LoadError,
    device::{FileStamp, LlamaDevice, Voice},
    guess,
    kv::Kv,
    metrics::Metrics,
    scheduler::{Job, Limits, Scheduler},
};

/// What the thread can be asked.
pub(crate) enum Command {
    Reply(Box<Job>),
    Adapter(AdapterChange),
    Scores { tokens: Vec<i32>, adapter: Option<AgentName>, answer: Sender<Result<Vec<f32>, EngineError>> },
}

pub(crate) struct AdapterChange {
    pub agent: AgentName,
    /// None takes the agent's adapter away.
    pub path: Option<PathBuf>,
    pub answer: Sender<Result<(), AdapterError>>,
}

/// What the thread starts from.
pub(crate) struct Worker {
    pub backend: &'static LlamaBackend,
    pub model: Arc<RwLock<LlamaModel>>,
    pub path: PathBuf,
    pub limits: Limits,
    pub metrics: Arc<Metrics>,
    pub threads: i32,
    pub state_tokens: u32,
    pub sequences: u32,
    pub window: Option<u32>,
    pub state_type: KvCacheType,
}

/// Why a context comes to its end.
enum Exit {
    /// Nobody can ask for anything any more.
    Ended,
    Change(Vec<AdapterChange>),
    /// Something broke; the state starts anew.
    Broken,
}

impl Worker {
    /// Serves until the other end of `commands` is dropped. Says through `ready` whether it could begin.
    pub fn run(self, commands: &Receiver<Command>, ready: &Sender<Result<(), LoadError>>) {
        let mut adapters = HashMap::new();
        let mut queue = VecDeque::new();
        loop {
            let exit = match self.serve(commands, &mut adapters, &mut queue, ready) {
                Ok(exit) => exit,
                Err(error) => {
                    tracing::error!(%error, "the language model ends");
                    // Nobody listens any more once the first start has gone well.
                    let _unheard = ready.send(Err(error));
                    Exit::Ended
                }
            };
            match exit {
                Exit::Broken => {}
                Exit::Change(changes) => changes.into_iter().for_each(|change| self.change(change, &mut adapters)),
                Exit::Ended => break,
            }
        }
        for job in queue {
            let ended = EngineError::NotReady("it was stopped".to_owned());
            let _unheard = job.events.unbounded_send(GenerationEvent::Failed(ended));
        }
    }

    /// One context's life.
    fn serve(
        &self,
        commands: &Receiver<Command>,
        adapters: &mut HashMap<AgentName, Voice>,
        queue: &mut VecDeque<Job>,
        ready: &Sender<Result<(), LoadError>>,
    ) -> Result<Exit, LoadError> {
        let model = self.model.read().unwrap_or_else(PoisonError::into_inner);
        let batch = self.limits.chunk_idle.max(self.limits.chunk_busy) + self.limits.slots + guess::MOST;
        let batch_tokens = u32::try_from(batch).unwrap_or(u32::MAX);
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(self.state_tokens))
            .with_n_batch(batch_tokens)
            .with_n_ubatch(batch_tokens)
            .with_n_seq_max(self.sequences)
            .with_n_threads(self.threads)
            .with_n_threads_batch(self.threads)
            // One pool of cells, so that sequences share them; whole, as a windowed one cannot be rewound.
            .with_kv_unified(true)
            .with_swa_full(true)
            // Half the memory of 16-bit keys and values. And llama.cpp computes attention over these row by row, so
            // that a reply does not depend on how its prompt was cut into chunks or on who is served beside it.
            .with_type_k(self.state_type)
            .with_type_v(self.state_type)
            .with_no_perf(true);
        let refused =
            |error: &dyn std::fmt::Display| LoadError::Refused { path: self.path.clone(), reason: error.to_string() };
        let context = model.new_context(self.backend, params).map_err(|error| refused(&error))?;
        let capacity = context.n_ctx().min(self.state_tokens);
        let device = LlamaDevice { model: &model, context, adapters, batch: LlamaBatch::new(batch, 1) };
        let kv = Kv::new(self.sequences as usize, capacity, self.window);
        let mut scheduler = Scheduler::new(device, kv, self.limits, Arc::clone(&self.metrics), std::mem::take(queue));
        let _unheard = ready.send(Ok(()));
        let exit = self.steps(&mut scheduler, commands);
        *queue = scheduler.into_queue();
        Ok(exit)
    }

    fn steps(&self, scheduler: &mut Scheduler<LlamaDevice<'_>>, commands: &Receiver<Command>) -> Exit {
        let mut changes = Vec::new();
        loop {
            loop {
                let command = if scheduler.is_idle() && changes.is_empty() {
                    commands.recv().map_err(|_| TryRecvError::Disconnected)
                } else {
                    commands.try_recv()
                };
                match command {
                    Ok(Command::Reply(job)) => scheduler.push(*job),
                    Ok(Command::Adapter(change)) => {
                        scheduler.hold();
                        changes.push(change);
                    }
                    Ok(Command::Scores { tokens, adapter, answer }) => {
                        let _unheard = answer.send(scheduler.scores_after(&tokens, adapter));
                    }
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => {
                        scheduler.fail_running("the language model was stopped");
                        return Exit::Ended;
                    }
                }
            }
            if !changes.is_empty() && scheduler.running() == 0 {
                return Exit::Change(changes);
            }
            if catch_unwind(AssertUnwindSafe(|| scheduler.step())).is_err() {
                scheduler.fail_running("the computation broke off");
                return Exit::Broken;
            }
        }
    }

    fn change(&self, change: AdapterChange, adapters: &mut HashMap<AgentName, Voice>) {
        let outcome = match change.path {
            None => {
                adapters.remove(&change.agent);
                Ok(())
            }
            Some(path) => {
                let mut model = self.model.write().unwrap_or_else(PoisonError::into_inner);
                match model.lora_adapter_init(&path) {
                    Ok(adapter) => {
                        // llama.cpp frees an adapter with its model; the one before stays in memory until then.
                        adapters.insert(change.agent, Voice { adapter, file: stamp(&path) });
                        Ok(())
                    }
                    Err(error) => {
                        tracing::warn!(%error, path = %path.display(), "an adapter was refused");
                        Err(AdapterError::Refused(path))
                    }
                }
            }
        };
        let _unheard = change.answer.send(outcome);
    }
}

fn stamp(path: &Path) -> FileStamp {
    let metadata = fs::metadata(path).ok();
    let length = metadata.as_ref().map_or(0, fs::Metadata::len);
    (path.to_owned(), length, metadata.and_then(|metadata| metadata.modified().ok()))
}
