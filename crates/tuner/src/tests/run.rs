//! Whole runs: repeatable, resumable, and careful with what they have.

use super::fixture::Tiny;
use crate::error::TrainError;
use crate::events::{TrainEvent, TrainListener};
use crate::lora::LoraConfig;
use crate::settings::{RunLength, TrainConfig};
use crate::train::{TrainReport, train};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

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

fn data(tiny: &Tiny) -> PathBuf {
    let words = ["hello", "world", "hold", "doll", "lower"];
    let lines: String = (0..20)
        .map(|i| {
            let (a, b) = (words[i % 5], words[(i / 4) % 5]);
            format!("{{\"prompt\":\"<start_of_turn>{a} {b}<end_of_turn>\\n\",\"reply\":\"{b} {a}\"}}\n")
        })
        .collect();
    tiny.file("train.jsonl", &lines)
}

fn config(tiny: &Tiny, out: &str) -> TrainConfig {
    let data = data(tiny);
    let mut config = TrainConfig::new(tiny.path.clone(), data.clone(), tiny.dir.path().join(out));
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
