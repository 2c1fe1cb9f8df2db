//! Whole runs: repeatable, resumable, and careful with what they have.

use super::fixture::{TINY, Tiny};
use crate::error::TrainError;
use crate::events::{TrainEvent, TrainListener};
use crate::lora::LoraConfig;
use crate::settings::{RunLength, TrainConfig};
use crate::train::{TrainReport, train};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Asks to stop after a step, and remembers what it was told.
#[derive(Default)]
struct Watch {
    stop_after: Option<usize>,
    told: Vec<String>,
}

impl TrainListener for Watch {
    fn on_event(&mut self, event: &TrainEvent<'_>) -> ControlFlow<()> {
        let (text, step) = match event {
            TrainEvent::Started { first_step, .. } => (format!("started at {first_step}"), None),
            TrainEvent::Step { step, .. } => (format!("step {step}"), Some(*step)),
            TrainEvent::Validated { step, .. } => (format!("validated {step}"), None),
            TrainEvent::Checkpoint { step, .. } => (format!("checkpoint {step}"), None),
            TrainEvent::Finished(_) => ("finished".to_owned(), None),
            TrainEvent::Failed { step, .. } => (format!("failed {step}"), None),
        };
        self.told.push(text);
        if step.is_some() && step == self.stop_after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn data(dir: &Path) -> PathBuf {
    let words = ["hello", "world", "hold", "doll", "lower"];
    let lines: String = (0..20)
        .map(|i| {
            let (a, b) = (words[i % 5], words[(i / 4) % 5]);
            format!("{{\"prompt\":\"<start_of_turn>{a} {b}<end_of_turn>\\n\",\"reply\":\"{b} {a}\"}}\n")
        })
        .collect();
    let path = dir.join("train.jsonl");
    std::fs::write(&path, lines).unwrap();
    path
}

fn config(tiny: &Tiny, out: &str) -> TrainConfig {
    config_in(tiny.dir.path(), out)
}

/// A run in the folder of a [`Tiny`].
fn config_in(dir: &Path, out: &str) -> TrainConfig {
    let data = data(dir);
    let mut config = TrainConfig::new(dir.join(TINY), data.clone(), dir.join(out));
    config.valid = Some(data);
    config.lora = LoraConfig { rank: 4, alpha: 8.0, dropout: 0.1, ..LoraConfig::default() };
    config.length = RunLength::Steps(6);
    config.batch_size = 2;
    config.accumulation = 2;
    config.learning_rate = 1e-2;
    config.warmup = 2;
    config.validate_every = 3;
    config.checkpoint_every = 2;
    config.threads = Some(2);
    config
}

fn adapter(out: &Path) -> Vec<u8> {
    std::fs::read(out.join("adapters.safetensors")).unwrap()
}

fn losses(report: &TrainReport) -> Vec<f64> {
    report.curve.train.iter().map(|point| point.1).collect()
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let tiny = Tiny::new(1);
    let (one, two) = (config(&tiny, "one"), config(&tiny, "two"));
    let (first, second) = (train(&one, &mut ()).unwrap(), train(&two, &mut ()).unwrap());
    assert_eq!(losses(&first), losses(&second));
    assert_eq!(adapter(&one.out), adapter(&two.out));
    let mut other = config(&tiny, "three");
    other.seed = 1;
    train(&other, &mut ()).unwrap();
    assert_ne!(adapter(&one.out), adapter(&other.out));
}

#[test]
fn a_run_learns_and_leaves_its_files() {
    let tiny = Tiny::new(1);
    let mut config = config(&tiny, "out");
    config.length = RunLength::Epochs(6.0);
    config.lora.dropout = 0.0;
    let mut watch = Watch::default();
    let report = train(&config, &mut watch).unwrap();
    assert_eq!(report.steps, 30);
    let valid = &report.curve.valid;
    assert_eq!((valid[0].0, valid.last().unwrap().0), (0, 30));
    assert!(valid.last().unwrap().1 < 0.5 * valid[0].1, "{valid:?}");
    for file in [
        "adapters.safetensors",
        "adapter_config.json",
        "checkpoint.safetensors",
        "loss.svg",
        "run.json",
        "best/adapters.safetensors",
    ] {
        assert!(config.out.join(file).is_file(), "{file}");
    }
    assert_eq!(watch.told[..3], ["started at 0", "validated 0", "step 1"]);
    assert_eq!(watch.told[watch.told.len() - 3..], ["validated 30", "checkpoint 30", "finished"]);
}

#[test]
fn a_resumed_run_ends_where_an_unbroken_one_does() {
    let tiny = Tiny::new(1);
    let whole = config(&tiny, "whole");
    let unbroken = train(&whole, &mut ()).unwrap();
    let mut parts = config(&tiny, "parts");
    parts.resume = true;
    let mut watch = Watch { stop_after: Some(3), ..Watch::default() };
    let stopped = train(&parts, &mut watch).unwrap();
    assert!(stopped.stopped && stopped.steps == 3);
    assert_ne!(adapter(&whole.out), adapter(&parts.out));
    let resumed = train(&parts, &mut ()).unwrap();
    assert_eq!(resumed.steps, 6);
    assert_eq!(losses(&unbroken), losses(&resumed));
    assert_eq!(unbroken.curve.valid, resumed.curve.valid);
    assert_eq!(adapter(&whole.out), adapter(&parts.out));

    parts.learning_rate = 2e-2;
    let error = train(&parts, &mut ()).unwrap_err();
    assert!(matches!(error, TrainError::OtherRun { .. }), "{error}");
}

/// Says where the process of its own trains.
const TRAINS_IN: &str = "TUNER_TEST_TRAINS_IN";

/// A run that is long enough to be interrupted.
fn long_config(dir: &Path, out: &str) -> TrainConfig {
    let mut config = config_in(dir, out);
    config.length = RunLength::Steps(90);
    config.validate_every = 7;
    config.checkpoint_every = 4;
    config.resume = true;
    config
}

/// What the next tests start as a process of its own; begun with the others it does nothing.
#[test]
fn the_process_that_trains() {
    if let Some(dir) = std::env::var_os(TRAINS_IN) {
        // The file that shows how it went lies beside the run.
        let dir = PathBuf::from(dir);
        let told =
            train(&long_config(&dir, "parts"), &mut ()).map_or_else(|error| error.to_string(), |_| String::new());
        std::fs::write(dir.join("told"), told).unwrap();
    }
}

/// The command that starts it, behind words of the shell.
fn process(dir: &Path, before: &str) -> Command {
    let mut command = Command::new("sh");
    let program = std::env::current_exe().unwrap();
    command.args(["-c", &format!("{before} exec \"$0\" --exact tests::run::the_process_that_trains")]);
    command.arg(program).env(TRAINS_IN, dir).stdout(std::process::Stdio::null());
    command
}

#[test]
#[cfg(unix)]
fn a_killed_run_ends_where_an_unbroken_one_does() {
    let tiny = Tiny::new(1);
    let dir = tiny.dir.path();
    let whole = long_config(dir, "whole");
    let unbroken = train(&whole, &mut ()).unwrap();
    let parts = long_config(dir, "parts");
    let checkpoint = parts.out.join("checkpoint.safetensors");
    let mut kills = 0;
    while kills < 3 {
        let before = std::fs::metadata(&checkpoint).and_then(|file| file.modified()).ok();
        let mut process = process(dir, "").spawn().unwrap();
        let begun = Instant::now();
        // Killed as soon as it has come further than the one before.
        while std::fs::metadata(&checkpoint).and_then(|file| file.modified()).ok() == before {
            assert!(begun.elapsed() < Duration::from_secs(60), "no checkpoint");
            std::thread::sleep(Duration::from_millis(2));
        }
        process.kill().unwrap();
        process.wait().unwrap();
        kills += 1;
    }
    assert!(!dir.join("told").exists() && !parts.out.join("run.json").exists(), "it was not killed in time");
    let resumed = train(&parts, &mut ()).unwrap();
    assert_eq!(losses(&unbroken), losses(&resumed));
    assert_eq!(unbroken.curve.valid, resumed.curve.valid);
    assert_eq!(adapter(&whole.out), adapter(&parts.out));
}

#[test]
#[cfg(unix)]
fn a_checkpoint_survives_one_that_cannot_be_written() {
    let tiny = Tiny::new(1);
    let dir = tiny.dir.path();
    let mut watch = Watch { stop_after: Some(4), ..Watch::default() };
    train(&long_config(dir, "parts"), &mut watch).unwrap();
    let checkpoint = dir.join("parts/checkpoint.safetensors");
    let before = std::fs::read(&checkpoint).unwrap();
    // No file of this process grows beyond 128 blocks, as on a full disk: writing ends in the midst of a checkpoint.
    assert!(before.len() > 128 * 1024);
    assert!(process(dir, "trap '' XFSZ; ulimit -f 128;").status().unwrap().success());
    let told = std::fs::read_to_string(dir.join("told")).unwrap();
    assert!(told.contains("checkpoint.safetensors"), "it says which file: {told}");
    assert_eq!(std::fs::read(&checkpoint).unwrap(), before);
    let drafts = std::fs::read_dir(dir.join("parts")).unwrap().map(|file| file.unwrap().file_name());
    assert_eq!(drafts.filter(|name| name.to_string_lossy().ends_with(".part")).count(), 0);
    // With room again it goes on.
    assert_eq!(train(&long_config(dir, "parts"), &mut ()).unwrap().steps, 90);
}

#[test]
fn a_run_can_begin_with_an_adapter() {
    let tiny = Tiny::new(1);
    let mut first = config(&tiny, "first");
    first.precision = crate::export::Precision::F32;
    let learnt = train(&first, &mut ()).unwrap();
    let mut more = config(&tiny, "more");
    more.from = Some(first.out.clone());
    let report = train(&more, &mut ()).unwrap();
    // The first validation is that of the adapter it began with.
    let (_, end) = learnt.curve.valid.iter().copied().find(|(step, _)| *step == learnt.adapter_step).unwrap();
    assert!((report.curve.valid[0].1 - end).abs() < 1e-5, "{:?} {end}", report.curve.valid);
    more.lora.rank = 2;
    more.lora.alpha = 4.0;
    let error = train(&more, &mut ()).unwrap_err();
    assert!(error.to_string().contains("the adapter to begin with"), "{error}");
}

#[test]
fn a_run_that_only_spoils_its_adapter_keeps_the_least_spoilt() {
    let tiny = Tiny::new(1);
    let mut first = config(&tiny, "first");
    first.length = RunLength::Steps(60);
    train(&first, &mut ()).unwrap();
    let mut config = config(&tiny, "out");
    config.from = Some(first.out);
    // Each step leads further away than the one before.
    config.learning_rate = 0.3;
    config.final_rate = 1.0;
    config.warmup = 6;
    config.validate_every = 1;
    let report = train(&config, &mut ()).unwrap();
    let valid = &report.curve.valid;
    assert!(valid[1..].iter().all(|(_, loss)| *loss > valid[0].1), "{valid:?}");
    assert!((1..report.steps).contains(&report.adapter_step), "{valid:?}");
    assert_eq!(adapter(&config.out), adapter(&config.out.join("best")));
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let tiny = Tiny::new(1);
    let mut config = config(&tiny, "out");
    config.resume = true;
    train(&config, &mut ()).unwrap();
    let path = config.out.join("checkpoint.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let error = train(&config, &mut ()).unwrap_err();
    assert!(matches!(error, TrainError::Adapter(_)), "{error}");
}

#[test]
fn a_loss_that_is_no_number_stops_the_run_and_keeps_the_checkpoint() {
    let tiny = Tiny::new(1);
    let mut config = config(&tiny, "out");
    config.valid = None;
    config.learning_rate = 1e30;
    config.checkpoint_every = 1;
    let mut watch = Watch::default();
    let error = train(&config, &mut watch).unwrap_err();
    let TrainError::NotFinite { step, checkpoint, .. } = &error else { panic!("{error}") };
    assert_eq!(*step, 2);
    let kept = checkpoint.clone().unwrap();
    assert!(error.to_string().contains(&kept.display().to_string()));
    assert!(crate::export::tensors::TensorFile::read(&kept).is_ok());
    assert_eq!(watch.told.last().unwrap(), "failed 1");
    assert!(!config.out.join("adapters.safetensors").exists());
}

#[test]
fn bad_settings_and_data_train_nothing() {
    let tiny = Tiny::new(1);
    let mut bad = config(&tiny, "out");
    bad.lora.rank = 0;
    assert!(matches!(train(&bad, &mut ()), Err(TrainError::Setting { setting: "rank", .. })));
    let mut bad = config(&tiny, "out");
    bad.train = tiny.file("bad.jsonl", "{\"prompt\":\"a\",\"reply\":\"b\"}\nnonsense\n");
    assert!(matches!(train(&bad, &mut ()), Err(TrainError::Data { line: 2, .. })));
    let mut bad = config(&tiny, "out");
    bad.base = tiny.file("text.gguf", "this is no model");
    assert!(matches!(train(&bad, &mut ()), Err(TrainError::Base { .. })));
    assert!(!tiny.dir.path().join("out").exists());
}

#[test]
fn memory_is_bounded_by_splitting_batches_without_changing_the_sum() {
    let tiny = Tiny::new(1);
    let (mut one, mut many) = (config(&tiny, "one"), config(&tiny, "many"));
    for config in [&mut one, &mut many] {
        config.lora.dropout = 0.0;
        config.length = RunLength::Steps(2);
    }
    many.max_batch_tokens = 12;
    let (one, many) = (train(&one, &mut ()).unwrap(), train(&many, &mut ()).unwrap());
    assert_eq!(one.tokens, many.tokens);
    for (a, b) in losses(&one).iter().zip(losses(&many)) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
}
