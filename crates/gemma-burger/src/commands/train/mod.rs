//! `gemma-burger train`: teaches the staff a manner, on this machine.

mod listeners;
mod tracked;

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;
use tuner::{
    FusedType, LoraConfig, Precision, Processor, RunLength, Source, Target, TrainConfig, TrainError, TrainListener,
    TrainReport, fuse, load_adapter, save_gguf, train,
};

use super::{configure, data, model};
use crate::{
    brain::concierge::manner::ADAPTER_FILE,
    cli::{Failure, print, tell},
    config::{Config, DATA, Flags},
    vocabulary,
};

/// Where a run begins that names nothing, within the folder of data.
const OUT: &str = "adapters/manner";
/// The restaurant's own examples: of replies, and of choosing a tool.
const OWN: [&str; 2] = ["train.jsonl", "calls.jsonl"];
/// Width of the curve that is shown at the end, in characters.
const CURVE_WIDTH: usize = 72;

/// Teaches the staff a manner: trains a LoRA adapter for the language model, on this machine.
///
/// The adapter is written to the folder of `--out` in MLX-LM's layout and as `adapter.gguf`, with the course of the
/// loss (`loss.svg`), the settings and figures (`run.json`) and a checkpoint. Under `DATA_DIR/adapters` the running
/// restaurant finds it by its folder's name. With MLFLOW_TRACKING_URI the run is told to an MLflow server as it goes, and
/// its adapter is registered there as the candidate.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  gemma-burger train --epochs 1 --out data/adapters/manner\n  \
    gemma-burger train --data mine.jsonl --rank 8 --steps 400 --out data/adapters/mine --resume\n\n\
    A line of data is an example as `gemma-burger data synth` prints it, or {\"prompt\": \"…\", \"reply\": \"…\"}.\n\
    Exit code: 0 trained, 1 failed (a checkpoint stays), 2 used wrongly.")]
pub struct Args {
    /// Examples to learn from, one a line; may be given several times. Without it, the restaurant's own.
    #[arg(long, value_name = "FILE")]
    data: Vec<PathBuf>,
    /// Examples to measure with, one a line, none of which is learnt from.
    #[arg(long, value_name = "FILE")]
    valid: Option<PathBuf>,
    /// The model to tune: a GGUF file, a folder of Hugging Face's layout, or a name of `model list`. Without it, the
    /// one that is served.
    #[arg(long, value_name = "MODEL")]
    base: Option<String>,
    /// Folder for the adapter and all that belongs to the run; without it, `adapters/manner` in the data folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// An adapter to begin with, so that it learns more: a folder or a GGUF file. Its rank and alpha must be given.
    #[arg(long, value_name = "ADAPTER")]
    from: Option<PathBuf>,
    /// Inner width of each update: a larger one learns more and takes more room.
    #[arg(long, default_value_t = 16)]
    rank: usize,
    /// An update counts `alpha / rank`; twice the rank where it is not given.
    #[arg(long)]
    alpha: Option<f64>,
    /// Share of an update's inputs that is dropped while training.
    #[arg(long, default_value_t = 0.0)]
    dropout: f32,
    /// Tunes only the last so many blocks.
    #[arg(long)]
    layers: Option<usize>,
    /// The matrices to tune.
    #[arg(long, value_delimiter = ',', default_value = "q,k,v,o,gate,up,down", value_parser = target)]
    targets: Vec<Target>,
    /// Steps of the optimiser.
    #[arg(long, conflicts_with = "epochs")]
    steps: Option<usize>,
    /// Passes over the data; one, where neither this nor `--steps` is given.
    #[arg(long)]
    epochs: Option<f64>,
    /// Examples whose gradients are computed together.
    #[arg(long, default_value_t = 8)]
    batch_size: usize,
    /// Batches whose gradients make one step.
    #[arg(long, default_value_t = 1)]
    accumulation: usize,
    /// The highest learning rate.
    #[arg(long, default_value_t = 3e-4)]
    learning_rate: f64,
    /// Steps over which the learning rate rises.
    #[arg(long, default_value_t = 10)]
    warmup: usize,
    /// Longest gradient that is used whole.
    #[arg(long, default_value_t = 1.0)]
    clip: f64,
    /// Longest example, in tokens.
    #[arg(long, default_value_t = 1024)]
    max_tokens: usize,
    /// The same seed gives the same adapter, bit for bit, on one machine with the same number of threads.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Steps between two measurements with the validation examples.
    #[arg(long, default_value_t = 60)]
    validate_every: usize,
    /// Steps between two checkpoints.
    #[arg(long, default_value_t = 25)]
    checkpoint_every: usize,
    /// Goes on from the checkpoint in `--out`, if there is one.
    #[arg(long)]
    resume: bool,
    /// Where to compute; a graphics processor needs a build with the feature `metal` or `cuda`.
    #[arg(long, default_value = "cpu", value_parser = processor)]
    processor: Processor,
    /// Writes the model with the adapter merged in, as a GGUF file.
    #[arg(long, value_name = "FILE")]
    fuse: Option<PathBuf>,
    /// Prints each event of the run as a line of JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags<DATA>,
}

fn target(name: &str) -> Result<Target, String> {
    name.parse()
}

fn processor(name: &str) -> Result<Processor, String> {
    match name {
        "cpu" => Ok(Processor::Cpu),
        "metal" => Ok(Processor::Metal),
        "cuda" => Ok(Processor::Cuda),
        _ => Err("expected cpu, metal or cuda".to_owned()),
    }
}

impl Args {
    /// Trains, and writes what came of it.
    pub fn run(self) -> Result<(), Failure> {
        keep_memory();
        let config = configure(self.flags.clone())?;
        let resources = &config.files.resources_dir;
        let own = |name: &str| resources.join("fine_tuning").join(name);
        let (data, valid) = if self.data.is_empty() {
            (OWN.map(own).to_vec(), Some(self.valid.clone().unwrap_or_else(|| own("valid.jsonl"))))
        } else {
            (self.data.clone(), self.valid.clone())
        };
        let out = self.out.clone().unwrap_or_else(|| config.files.data_dir.join(OUT));
        let house = data::House::read(&resources.join("personas"), &resources.join("menu.json"))?;
        // Everything is read before anything is written, so that a bad line costs nothing.
        let (mut examples, mut sources) = (Vec::new(), Vec::new());
        for file in &data {
            examples.extend(data::read_rendered(file, &house)?);
        }
        let measured = valid.as_deref().map(|valid| data::read_rendered(valid, &house)).transpose()?;
        for file in data.iter().chain(&valid) {
            sources.push(Source::of(file).map_err(|error| Failure::new(format!("{}: {error}", file.display())))?);
        }
        let run = TrainConfig {
            sources,
            valid: measured.is_some().then(|| out.join("valid.rendered.jsonl")),
            ..self.settings(&config, self.model(&config)?, out.clone())
        };
        fs::create_dir_all(&out).map_err(|error| Failure::new(format!("{}: {error}", out.display())))?;
        write(&run.train, &examples)?;
        if let (Some(path), Some(lines)) = (&run.valid, &measured) {
            write(path, lines)?;
        }
        let mut told: Vec<Box<dyn TrainListener>> = vec![Box::new(listeners::Interrupt::new())];
        told.push(if self.json { Box::new(listeners::JsonLines) } else { Box::new(listeners::Progress::default()) });
        let tracked = tracked::Tracked::new(&config, &run)?;
        told.extend(tracked.iter().map(|tracked| Box::new(tracked.clone()) as Box<dyn TrainListener>));
        let report = train(&run, &mut told).map_err(failure)?;
        let adapter = load_adapter(&out).map_err(Failure::new)?;
        save_gguf(&adapter, &out.join(ADAPTER_FILE), Precision::F16).map_err(Failure::new)?;
        if let Some(tracked) = &tracked {
            tracked.finish(&report, self.json)?;
        }
        if let Some(path) = &self.fuse {
            // Merged with the whole model, also where a part of its vocabulary was enough to learn with.
            fuse(&base(&config, self.base.as_deref())?, &adapter, path, FusedType::F16).map_err(failure)?;
        }
        if self.json {
            return print(&format!("{}\n", json!({"event": "written", "folder": out, "fused": self.fuse})));
        }
        print(&summary(&report, &out, self.fuse.as_deref()))
    }

    /// The file to learn with. Without a name it is the one that guests are served with: the default model with the
    /// tokens that the restaurant needs, whose smaller output head makes a step a quarter shorter.
    fn model(&self, config: &Config) -> Result<PathBuf, Failure> {
        let whole = base(config, self.base.as_deref())?;
        if self.base.is_some() || whole.is_dir() { Ok(whole) } else { vocabulary::model_file(config, &whole) }
    }

    fn settings(&self, config: &Config, base: PathBuf, out: PathBuf) -> TrainConfig {
        let alpha = self.alpha.unwrap_or(2.0 * self.rank as f64);
        TrainConfig {
            from: self.from.clone(),
            lora: LoraConfig {
                rank: self.rank,
                alpha,
                dropout: self.dropout,
                layers: self.layers,
                targets: self.targets.clone(),
            },
            length: match (self.steps, self.epochs) {
                (Some(steps), _) => RunLength::Steps(steps),
                (None, epochs) => RunLength::Epochs(epochs.unwrap_or(1.0)),
            },
            batch_size: self.batch_size,
            accumulation: self.accumulation,
            max_tokens: self.max_tokens,
            learning_rate: self.learning_rate,
            warmup: self.warmup,
            clip: self.clip,
            seed: self.seed,
            validate_every: self.validate_every,
            checkpoint_every: self.checkpoint_every,
            resume: self.resume,
            processor: self.processor,
            threads: config.model.threads.map(usize::from),
            ..TrainConfig::new(base, out.join("train.rendered.jsonl"), out)
        }
    }
}

/// The file or folder of a model to tune: a folder as it is, anything else as the product finds its models.
pub fn base(config: &Config, named: Option<&str>) -> Result<PathBuf, Failure> {
    let name = named.unwrap_or(&config.model.model);
    if Path::new(name).is_dir() {
        return Ok(name.into());
    }
    let files = model::fetch(config, name, models::bars().as_mut())?;
    files.gguf().map(Path::to_owned).map_err(Failure::new)
}

fn write(path: &Path, lines: &[String]) -> Result<(), Failure> {
    fs::write(path, lines.concat())
        .map_err(|error| Failure::new(format!("{} cannot be written: {error}", path.display())))
}

fn failure(error: TrainError) -> Failure {
    match error {
        TrainError::Setting { .. } => Failure::usage(error),
        TrainError::OtherRun { .. } => Failure::new(error).hint("leave --resume out to begin anew in this folder"),
        other => Failure::new(other),
    }
}

fn summary(report: &TrainReport, out: &Path, fused: Option<&Path>) -> String {
    let mut text = format!("{}\n", report.curve.sparkline(CURVE_WIDTH));
    if let (Some((_, untuned)), Some(best)) = (report.curve.valid.first(), report.curve.best()) {
        let tuned = report.curve.valid.iter().find(|(step, _)| *step == best).map_or(f64::NAN, |(_, loss)| *loss);
        text += &format!(
            "validation loss {untuned:.3} at the start, {tuned:.3} after {best} steps: {:.0}% less\n",
            100.0 * (1.0 - tuned / untuned)
        );
    }
    text += &format!(
        "{} steps, {} tokens at {:.0} tokens/s in {:.0} minutes{}\n",
        report.steps,
        report.tokens,
        report.tokens_per_second,
        (report.seconds / 60.0).ceil(),
        if report.stopped { "; stopped before its end, --resume goes on" } else { "" }
    );
    text += &format!("{}: the adapter; {} is the one to serve with\n", out.display(), out.join(ADAPTER_FILE).display());
    if let Some(path) = fused {
        text += &format!("{}: the model with the adapter merged in\n", path.display());
    }
    text
}

/// A training step asks for large pieces of memory and lets them go thousands of times a second. By default the C
/// library hands each back to the system, which clears it anew every time; told to keep them, a step takes a third
/// less. It reads its settings only when a process starts, so the process starts itself once more.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn keep_memory() {
    use std::os::unix::process::CommandExt;
    const SETTINGS: [&str; 2] = ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"];
    const KEPT: &str = "8589934592";
    if SETTINGS.iter().any(|name| std::env::var_os(name).is_some()) {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut again = std::process::Command::new(program);
    again.args(std::env::args_os().skip(1)).envs(SETTINGS.map(|name| (OsStr::new(name), KEPT)));
    // Comes back only if it fails.
    let error = again.exec();
    tell(&format!("training goes on, more slowly than it could: {error}"));
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn keep_memory() {}
