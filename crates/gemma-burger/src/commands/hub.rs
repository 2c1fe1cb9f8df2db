//! `gemma-burger hub`: adapters to and from the Hugging Face Hub.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Subcommand;
use connect::hub::{
    ENDPOINT, Hub, Repository, Upload,
    card::{Card, GEMMA_NOTICE, Run},
    sha256,
};
use models::{HubRef, ModelRef};
use serde_json::json;
use tuner::{Adapter, Base, Precision, load_adapter, save_mlx, save_peft};

use super::{configure, model, train};
use crate::{
    brain::concierge::manner::{ADAPTER_FILE, FOLDER},
    cli::{Failure, print},
    config::{Config, DATA, Flags},
};

/// Files of a run that go along as they are, where they are there.
const ALONG: [&str; 4] = [ADAPTER_FILE, "run.json", "loss.svg", "NOTICE"];
/// What each part of the repository is for.
const LAYOUTS: [(&str, &str); 4] = [
    ("adapter_model.safetensors", "PEFT, with `adapter_config.json`"),
    ("mlx/", "MLX-LM: `mlx_lm.generate --adapter-path mlx`"),
    (ADAPTER_FILE, "llama.cpp, and Gemma Burger itself"),
    ("run.json", "the run's settings and figures"),
];

/// Publishes adapters on the Hugging Face Hub and fetches them.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Publishes an adapter with a model card made of its run's figures, in MLX-LM's and PEFT's layout.
    ///
    /// The repository is made where it is missing. HF_TOKEN is a token that may write.
    #[command(after_help = "Example:\n  gemma-burger hub push my-name/rosy --adapter data/adapters/mine --private")]
    Push {
        /// The repository: owner/name, or a name of your own.
        #[arg(value_name = "NAME")]
        repository: String,
        /// The adapter's folder, as `train` writes it.
        #[arg(long, value_name = "DIR")]
        adapter: PathBuf,
        /// Makes the repository for you alone; a public one that is there is refused.
        #[arg(long)]
        private: bool,
        /// The base model's name on the Hub, which PEFT and the card refer to, such as google/gemma-3-270m.
        #[arg(long, value_name = "NAME")]
        base_model: Option<String>,
        /// Prints JSON for programs.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        flags: Flags<DATA>,
    },
    /// Fetches a repository, checked by its files' SHA-256, to serve with.
    #[command(after_help = "Example:\n  gemma-burger hub pull my-name/rosy\n  gemma-burger serve --adapter rosy\n  \
                      gemma-burger hub pull my-name/rosy@v1 --out data/adapters/rosy-v1")]
    Pull {
        /// The repository, with a branch, tag or commit behind an @ if wanted.
        #[arg(value_name = "NAME[@REVISION]")]
        repository: String,
        /// The folder to make; without one, the repository's name under DATA_DIR/adapters.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Prints JSON for programs.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        flags: Flags<DATA>,
    },
}

impl Args {
    /// Publishes or fetches.
    pub fn run(self) -> Result<(), Failure> {
        match self.action {
            Action::Push { repository, adapter, private, base_model, json, flags } => {
                let config = configure(flags)?;
                let repository: Repository = repository.parse().map_err(Failure::usage)?;
                let token = config.files.hub_token.as_ref().ok_or_else(|| {
                    Failure::usage("HF_TOKEN is not set").hint(format!(
                        "make a token that may write at {ENDPOINT}/settings/tokens and set HF_TOKEN to it"
                    ))
                })?;
                let endpoint = config.files.hub_endpoint.as_deref().unwrap_or(ENDPOINT);
                let hub = Hub::new(endpoint, token.reveal()).map_err(Failure::new)?;
                let files = uploads(&config, &adapter, &repository, base_model.as_deref())?;
                let summary = "Adapter trained by Gemma Burger";
                let pushed = hub.push(&repository, private, &files, summary).map_err(Failure::new)?;
                if json {
                    return print(&(serde_json::to_string(&pushed).map_err(Failure::new)? + "\n"));
                }
                print(&format!("{} at {}\n", pushed.url, pushed.commit))
            }
            Action::Pull { repository, out, json, flags } => {
                let config = configure(flags)?;
                let reference = reference(&repository)?;
                let name = reference.id.rsplit('/').next().unwrap_or(&reference.id);
                let out = out.unwrap_or_else(|| config.files.data_dir.join(FOLDER).join(name));
                let how = model::how(&config);
                let fetched =
                    models::snapshot(&reference, &how, &out, models::bars().as_mut()).map_err(Failure::new)?;
                if json {
                    let told = json!({"folder": out, "commit": fetched.commit, "files": fetched.files});
                    return print(&format!("{told}\n"));
                }
                let mut told = format!("{} at {}\n", out.display(), fetched.commit);
                if !out.join(ADAPTER_FILE).is_file() {
                    let file = out.join(ADAPTER_FILE);
                    let (from, to) = (out.display(), file.display());
                    told += &format!("to serve with it: gemma-burger adapter convert {from} --to gguf --out {to}\n");
                }
                print(&told)
            }
        }
    }
}

/// `owner/name`, with `@revision` if wanted.
fn reference(text: &str) -> Result<HubRef, Failure> {
    let named = format!("hf:{}", text.strip_prefix("hf:").unwrap_or(text));
    match named.parse::<ModelRef>().map_err(Failure::usage)? {
        ModelRef::Hub(HubRef { file: None, id, revision }) => Ok(HubRef { file: None, id, revision }),
        _ => Err(Failure::usage(format!("\"{text}\" names a file; name a repository as owner/name@revision"))),
    }
}

/// All files of the repository: both layouts, what the run left, the card and the checksums.
fn uploads(
    config: &Config,
    folder: &Path,
    repository: &Repository,
    base_model: Option<&str>,
) -> Result<Vec<Upload>, Failure> {
    let mut adapter = load_adapter(folder).map_err(Failure::new)?;
    let base = adapter.base.clone();
    if let Some(name) = base_model {
        name.clone_into(&mut adapter.base);
    }
    let made = tempfile::tempdir().map_err(|error| Failure::new(format!("a temporary folder: {error}")))?;
    // PEFT's loader expects the model's own type or f32.
    save_peft(&adapter, made.path(), Precision::F32).map_err(Failure::new)?;
    let mlx = mlx_layout(config, folder, &adapter, made.path())?;

    let mut files = Vec::new();
    let mut add = |path: &str, from: &Path| read(from).map(|bytes| files.push(Upload { path: path.to_owned(), bytes }));
    for name in ["adapter_config.json", "adapter_model.safetensors"] {
        add(name, &made.path().join(name))?;
    }
    for name in ["adapter_config.json", "adapters.safetensors"] {
        add(&format!("mlx/{name}"), &mlx.join(name))?;
    }
    for name in ALONG {
        let path = folder.join(name);
        if path.is_file() {
            add(name, &path)?;
        }
    }
    let has = |path: &str| files.iter().any(|file| file.path == path || file.path.starts_with(path));
    let run = files.iter().find(|file| file.path == "run.json").map(|file| serde_json::from_slice::<Run>(&file.bytes));
    let run = run.transpose().map_err(|error| {
        Failure::new(format!("{}: {error}", folder.join("run.json").display()))
            .hint("move it away to publish without it")
    })?;
    let layouts: Vec<_> = LAYOUTS.into_iter().filter(|(path, _)| has(path)).collect();
    let title = repository.to_string();
    let card = Card { title: &title, base_model, base: &base, layouts: &layouts, run };
    let markdown = card.markdown();
    if card.is_gemma() && !has("NOTICE") {
        files.push(Upload { path: "NOTICE".to_owned(), bytes: format!("{GEMMA_NOTICE}\n").into_bytes() });
    }
    files.push(Upload { path: "README.md".to_owned(), bytes: markdown.into_bytes() });
    let sums: String = files.iter().map(|file| format!("{}  {}\n", sha256(&file.bytes), file.path)).collect();
    files.push(Upload { path: "SHA256SUMS".to_owned(), bytes: sums.into_bytes() });
    Ok(files)
}

/// The folder that holds MLX-LM's layout: the adapter's own, else one made of it, for which the base model's shape is
/// needed.
fn mlx_layout(config: &Config, folder: &Path, adapter: &Adapter, made: &Path) -> Result<PathBuf, Failure> {
    if folder.join("adapters.safetensors").is_file() {
        return Ok(folder.to_owned());
    }
    let out = made.join("mlx");
    let base = Base::open(&train::base(config, None)?).map_err(Failure::new)?;
    save_mlx(adapter, &out, base.shape(), Precision::F16)
        .map_err(|error| Failure::new(error).hint("MODEL names the model that the adapter is for"))?;
    Ok(out)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::new(format!("{} cannot be read: {error}", path.display())))
}
