//! `gemma-burger model`: fetching models and listing what is kept.

use clap::Subcommand;
use models::{Cache, Fetch, ModelFiles, ModelRef, Progress, Silent};
use serde_json::json;

use crate::{
    cli::{Failure, print},
    commands::configure,
    config::{Config, DATA, Flags},
};

/// Fetches models and lists those that are kept.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Fetches models into the cache, checked; those that are there already are not fetched again.
    #[command(after_help = "Example:\n  gemma-burger model fetch\n  gemma-burger model fetch hf:organisation/name")]
    Fetch {
        /// Which ones; without any, the configured language model and embedder.
        models: Vec<String>,
        /// Prints JSON for programs.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        flags: Flags<DATA>,
    },
    Trim(super::trim::TrimArgs),
    Import(super::import::ImportArgs),
    /// Lists the models in the cache.
    #[command(after_help = "Example:\n  gemma-burger model list --json")]
    List {
        /// Prints JSON for programs.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        flags: Flags<DATA>,
    },
}

impl Args {
    /// Fetches or lists.
    pub fn run(self) -> Result<(), Failure> {
        match self.action {
            Action::Fetch { models, json, flags } => {
                let config = configure(flags)?;
                let wanted = if models.is_empty() {
                    vec![config.model.model.clone(), config.model.embedder.clone()]
                } else {
                    models
                };
                let mut progress: Box<dyn Progress> = if json { Box::new(Silent) } else { models::bars() };
                let fetched = wanted.iter().map(|name| fetch(&config, name, progress.as_mut()));
                let fetched: Vec<ModelFiles> = fetched.collect::<Result<_, _>>()?;
                print(&told(&fetched, json))
            }
            Action::Trim(args) => args.run(),
            Action::Import(args) => args.run(),
            Action::List { json, flags } => list(&cache(&configure(flags)?)?, json),
        }
    }
}

/// The cache that the configuration names, or else the user's own.
pub fn cache(config: &Config) -> Result<Cache, Failure> {
    let folder = config.files.cache_dir.clone().or_else(models::default_cache_dir);
    folder.map(Cache::new).ok_or_else(|| {
        Failure::new("there is no folder to keep models in: this user has no home").hint("set GEMMA_BURGER_CACHE")
    })
}

/// Brings a model to this machine, or finds it there.
pub fn fetch(config: &Config, name: &str, progress: &mut dyn Progress) -> Result<ModelFiles, Failure> {
    let wanted: ModelRef = name.parse().map_err(Failure::usage)?;
    models::fetch(&wanted, &cache(config)?, &how(config), progress).map_err(Failure::new)
}

/// How models are reached, as configured.
pub fn how(config: &Config) -> Fetch {
    let mut how = Fetch { python: config.files.python.clone(), ..Fetch::default() };
    how.hub_token = config.files.hub_token.as_ref().map(|token| token.reveal().to_owned());
    if let Some(endpoint) = &config.files.hub_endpoint {
        how.hub_endpoint = endpoint.clone();
    }
    how
}

fn told(fetched: &[ModelFiles], as_json: bool) -> String {
    let files = fetched.iter().flat_map(|model| model.files.iter().map(move |file| (model, file)));
    if as_json {
        let files: Vec<_> = files
            .map(|(model, file)| json!({"model": model.model, "name": file.name, "path": file.path, "size": file.size}))
            .collect();
        return format!("{}\n", json!(files));
    }
    files.map(|(model, file)| format!("{}  {}  {} bytes\n", model.model, file.path.display(), file.size)).collect()
}

fn list(cache: &Cache, as_json: bool) -> Result<(), Failure> {
    let kept = cache.list().map_err(Failure::new)?;
    if as_json {
        return print(&format!("{}\n", json!(kept)));
    }
    if kept.is_empty() {
        return print(&format!("no models in {}\n", cache.root().display()));
    }
    let lines =
        kept.iter().map(|model| format!("{}  {} MB  {}\n", model.model, model.size / 1_000_000, model.path.display()));
    print(&lines.collect::<String>())
}
