//! Everything that is read and loaded at the start.

use std::{fs, path::Path, sync::Arc, time::Duration};

use concierge::{
    check::MentionIndex,
    intent::AgentName,
    ledger::{Policy, Upsell},
    menu::Menu,
    ports::{Embedder, Engine, EngineError, EngineInfo, Generation, GenerationRequest},
    prompt::Personas,
    route::{Head, Router},
    store_info::StoreInfo,
    tools::Tools,
    turn::World,
    understand::Lexicon,
};
use engine::{AdapterError, EngineConfig, Gemma};
use knowledge::SqliteIndex;
use remote::{Remote, RemoteConfig};
use store::Store;
use tokio::runtime::Handle;

use super::{
    clock::Clock,
    lookup,
    manner::{Manner, Shelf, Tunable},
    registered,
    speech::Speech,
    traced::Tracing,
    turn::{Parts, Restaurant},
    turn_log::TurnLog,
};
use crate::{
    brain::{bus::SessionBus, staff::StaffNews},
    checkpoints,
    cli::Failure,
    commands::model,
    config::{Adapters, Config, Switch},
    vocabulary::model_file,
};

/// The restaurant's own files, read and checked.
pub struct Resources {
    /// What the turns use.
    pub world: World,
    /// The tools over its menu.
    pub tools: Tools,
    /// The place's time.
    pub clock: Clock,
}

impl Resources {
    /// Reads and checks every file; the first thing wrong is named by file and place.
    pub fn read(config: &Config) -> Result<Self, Failure> {
        let dir = &config.files.resources_dir;
        let wrong =
            |name: &str, error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", dir.join(name).display()));
        let menu = Menu::from_json(&read(dir, "menu.json")?).map_err(|error| wrong("menu.json", &error))?;
        let info =
            StoreInfo::from_json(&read(dir, "store_info.json")?).map_err(|error| wrong("store_info.json", &error))?;
        let clock = Clock::new(&info.timezone).ok_or_else(|| {
            wrong(
                "store_info.json",
                &format!("timezone \"{}\" is not known; write it like America/Los_Angeles", info.timezone),
            )
        })?;
        let personas = Personas::from_yaml(&read(dir, "personas/rosy.yaml")?, &read(dir, "personas/gordon.yaml")?)
            .map_err(|error| wrong("personas", &error))?;
        let policy = Policy::from_yaml(&read(dir, "policies.yaml")?).map_err(|error| wrong("policies.yaml", &error))?;
        let upsell =
            Upsell::from_yaml(&read(dir, "upsell.yaml")?, &menu).map_err(|error| wrong("upsell.yaml", &error))?;
        let router = read_router(dir)?;
        let tools = Tools::new(&menu);
        let world = World {
            lexicon: Lexicon::new(&menu),
            mentions: MentionIndex::new(&menu),
            router,
            policy,
            upsell,
            personas,
            info,
            menu,
        };
        Ok(Self { world, tools, clock })
    }
}

/// Reads the trained intent classifier.
pub fn read_router(dir: &Path) -> Result<Router, Failure> {
    let path = dir.join("routing/head.bin");
    let bytes = fs::read(&path).map_err(|error| Failure::new(format!("{} cannot be read: {error}", path.display())))?;
    let head = Head::from_bytes(&bytes).map_err(|error| {
        Failure::new(format!("{}: {error}", path.display())).hint("make it anew with `gemma-burger route --train`")
    })?;
    Ok(Router::new(head))
}

fn read(dir: &Path, name: &str) -> Result<String, Failure> {
    let path = dir.join(name);
    fs::read_to_string(&path).map_err(|error| {
        Failure::new(format!("{} cannot be read: {error}", path.display()))
            .hint("RESOURCES_DIR names the folder of the restaurant's files")
    })
}

/// Loads the sentence encoder.
pub fn embedder(config: &Config) -> Result<knowledge::Embedder, Failure> {
    let files = model::fetch(config, &config.model.embedder, models::bars().as_mut())?;
    let weights = files.file("model.safetensors").map_err(|error| Failure::new(error.to_string()))?;
    let dir = weights.parent().unwrap_or(Path::new("."));
    knowledge::Embedder::load(dir).map_err(|error| Failure::new(error.to_string()))
}

/// Loads models, fills the index where data changed, opens the store.
pub fn load(config: &Config, resources: Resources, bus: Arc<SessionBus>) -> Result<Restaurant, Failure> {
    let mut parts = without_model(config, resources, bus)?;
    let (engine, manner) = speech(config)?;
    parts.manner = manner;
    parts.tracing = Tracing::start(config)?;
    parts.engine = engine;
    Ok(Restaurant::new(parts))
}

/// All but the language model: what tools need, which never speak.
pub fn without_model(config: &Config, resources: Resources, bus: Arc<SessionBus>) -> Result<Parts, Failure> {
    let data_dir = &config.files.data_dir;
    fs::create_dir_all(data_dir).map_err(|error| {
        Failure::new(format!("{} cannot be made: {error}", data_dir.display())).hint("DATA_DIR names another folder")
    })?;
    let store = Store::open(&data_dir.join(store::FILE_NAME)).map_err(|error| Failure::new(error.to_string()))?;
    let Knowledge { embedder, index } = knowledge(config, &resources)?;
    let model = Arc::new(NoModel);
    let shelf = Shelf::new(data_dir, &config.files.resources_dir);
    let manner = Manner::open(model.clone(), shelf, &Adapters::off(), &config.model.model).map_err(Failure::new)?;
    let turn_log = TurnLog::new(config, &resources);
    Ok(Parts {
        resources,
        store,
        retriever: lookup::retriever(config, index, embedder.dimensions())?,
        embedder: Arc::new(embedder),
        engine: model,
        model_name: model_name(&config.model.model),
        manner,
        model_tools: config.model.model_tools == Switch::On,
        max_reply_tokens: config.model.max_reply_tokens,
        tracing: None,
        turn_log,
        bus,
        news: StaffNews::new(),
    })
}

/// In the place of a language model where nobody speaks.
struct NoModel;

impl Engine for NoModel {
    fn start(&self, _: GenerationRequest) -> Result<Generation, EngineError> {
        Err(EngineError::NotReady("this program runs without it".to_owned()))
    }

    fn info(&self) -> EngineInfo {
        EngineInfo { model: "none".to_owned(), context_tokens: 0 }
    }
}

impl Speech for NoModel {}

impl Tunable for NoModel {
    fn load_adapter(&self, _: AgentName, _: &Path) -> Result<(), AdapterError> {
        Err(AdapterError::Ended)
    }

    fn unload_adapter(&self, _: AgentName) -> Result<(), AdapterError> {
        Ok(())
    }
}

/// What finds the records that fit a guest's words.
pub struct Knowledge {
    /// Makes the vectors.
    pub embedder: knowledge::Embedder,
    /// Holds those of the records.
    pub index: SqliteIndex,
}

/// Loads the sentence encoder, and fills the index where data changed.
pub fn knowledge(config: &Config, resources: &Resources) -> Result<Knowledge, Failure> {
    let embedder = embedder(config)?;
    let data_dir = &config.files.data_dir;
    fs::create_dir_all(data_dir).map_err(|error| {
        Failure::new(format!("{} cannot be made: {error}", data_dir.display())).hint("DATA_DIR names another folder")
    })?;
    let index = SqliteIndex::new(data_dir, embedder.id(), embedder.dimensions());
    let report = knowledge::ingest(&resources.world.menu, &resources.world.info, &embedder, &index)
        .map_err(|error| Failure::new(error.to_string()))?;
    tracing::info!(embedded = report.embedded, kept = report.unchanged, removed = report.removed, "knowledge ingested");
    Ok(Knowledge { embedder, index })
}

/// Loads the language model and the staff's manner.
pub fn voices(config: &Config) -> Result<(Arc<Gemma>, Manner), Failure> {
    with_manner(config, gemma(config)?)
}

/// Gives a loaded model the staff's manner.
pub fn with_manner(config: &Config, gemma: Gemma) -> Result<(Arc<Gemma>, Manner), Failure> {
    let adapters = registered::resolve(config)?;
    let engine = Arc::new(gemma);
    let shelf = Shelf::new(&config.files.data_dir, &config.files.resources_dir);
    let manner = Manner::open(engine.clone(), shelf, &adapters, &config.model.model)
        .map_err(|error| Failure::new(error).hint("ADAPTER=off speaks with the model as it is"))?;
    Ok((engine, manner))
}

/// The language model at the endpoints that are named, else in this process. With endpoints it wants to be called on
/// a runtime.
fn speech(config: &Config) -> Result<(Arc<dyn Speech>, Manner), Failure> {
    if config.engine.urls.is_empty() {
        let (engine, manner) = voices(config)?;
        return Ok((engine, manner));
    }
    let shelf = Shelf::new(&config.files.data_dir, &config.files.resources_dir);
    let runtime = Handle::try_current().map_err(Failure::new)?;
    let engine = Remote::start(remote_config(config), runtime.clone()).map_err(Failure::new)?;
    let well = runtime.block_on(engine.look());
    tracing::info!(well, of = config.engine.urls.len(), "endpoints of the language model");
    let engine = Arc::new(engine);
    Ok((engine.clone(), Manner::elsewhere(engine, shelf)))
}

fn remote_config(config: &Config) -> RemoteConfig {
    let mut settings = RemoteConfig::new(config.engine.urls.clone(), model_name(&config.model.model));
    settings.key = config.engine.key.as_ref().map(|key| key.reveal().to_owned());
    settings.context_tokens = config.model.context_tokens;
    settings.replies = u32::from(config.model.slots) + u32::from(config.model.queue);
    settings.first_word_patience = Duration::from_secs(config.engine.patience_s);
    settings.word_patience = Duration::from_secs(config.engine.patience_s);
    settings.reply_time_limit = Duration::from_secs(config.model.reply_timeout_s);
    settings
}

/// The name of a model for programs: a file's without its ending, else as it was given.
fn model_name(given: &str) -> String {
    let file = Path::new(given).file_stem().filter(|_| given.ends_with(".gguf"));
    file.and_then(|name| name.to_str()).unwrap_or(given).to_owned()
}

/// Loads the language model.
pub fn gemma(config: &Config) -> Result<Gemma, Failure> {
    let settings = engine_config(config)?;
    Gemma::load(settings).map_err(|error| Failure::new(error.to_string()))
}

/// The settings of the language model, whose file is fetched if it is not there.
pub fn engine_config(config: &Config) -> Result<EngineConfig, Failure> {
    let mut progress = models::bars();
    let files = model::fetch(config, &config.model.model, progress.as_mut())?;
    let path = checkpoints::gguf(config, &files, progress.as_mut())?;
    let mut settings = EngineConfig::new(model_file(config, &path)?);
    settings.threads = config.model.threads.and_then(|threads| std::num::NonZeroU32::new(threads.into()));
    settings.context_tokens = config.model.context_tokens;
    settings.slots = config.model.slots.into();
    settings.queue = config.model.queue.into();
    settings.reply_time_limit = Duration::from_secs(config.model.reply_timeout_s);
    Ok(settings)
}
