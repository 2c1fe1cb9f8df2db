//! A training run from settings to adapter.

use crate::base::Base;
use crate::checkpoint::{self, State};
use crate::data::{DataSet, Example, pack};
use crate::error::TrainError;
use crate::events::{TrainEvent, TrainListener};
use crate::export::{load_adapter, load_mlx, save_mlx};
use crate::files::write_whole;
use crate::lora::{Adapter, Pass};
use crate::model::{Gemma, Packed};
use crate::optim::{AdamW, Schedule, accumulate, global_norm};
use crate::report::Curve;
use crate::settings::TrainConfig;
use candle_core::Var;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The folder of the adapter with the lowest validation loss so far.
const BEST: &str = "best";

/// What came of a run.
#[derive(Clone, Debug, Serialize)]
pub struct TrainReport {
    /// The base model's name.
    pub base: String,
    /// The settings, with files by their names alone.
    pub config: TrainConfig,
    /// Fingerprint of the training file.
    pub train_sha256: String,
    /// Fingerprint of the validation file.
    pub valid_sha256: Option<String>,
    /// Training examples.
    pub examples: usize,
    /// Steps done.
    pub steps: usize,
    /// Whether a listener stopped it before its end.
    pub stopped: bool,
    /// The step whose adapter was written: that of the lowest validation loss, else the last.
    pub adapter_step: usize,
    /// Numbers that were trained.
    pub parameters: usize,
    /// Tokens fed in, prompts included.
    pub tokens: usize,
    /// Seconds spent in training steps.
    pub seconds: f64,
    /// Tokens fed in, a second.
    pub tokens_per_second: f64,
    /// The losses.
    pub curve: Curve,
}

/// Trains an adapter and writes it to `config.out`: the adapter in MLX-LM's layout, the checkpoint,
/// `loss.svg` and `run.json`. With validation data it is the adapter of the lowest validation loss, which the run
/// keeps in `best/` as it goes.
///
/// # Errors
/// See [`TrainError`]. Data and settings are checked before anything is trained; a failed run leaves its
/// last checkpoint.
pub fn train(config: &TrainConfig, listener: &mut dyn TrainListener) -> Result<TrainReport, TrainError> {
    config.check()?;
    let Some(threads) = config.threads else {
        return Run::prepare(config)?.go(listener);
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| TrainError::Setting { setting: "threads", reason: error.to_string() })?;
    pool.install(|| Run::prepare(config)?.go(listener))
}

/// The mean loss a reply token over a data set.
///
/// # Errors
/// A failed computation.
pub fn evaluate(
    model: &Gemma,
    adapter: Option<&Adapter>,
    data: &DataSet,
    max_batch_tokens: usize,
) -> Result<f64, TrainError> {
    // By length, so that a batch's attention is shared evenly among threads.
    let mut examples: Vec<&Example> = data.examples().iter().collect();
    examples.sort_by_key(|example| example.tokens().len());
    let mut sum = 0.0;
    for batch in pack(&examples, max_batch_tokens) {
        let loss = model.loss(&batch, adapter, Pass::Evaluate)?;
        sum += f64::from(loss.to_scalar::<f32>()?);
    }
    Ok(sum / data.reply_tokens() as f64)
}

struct Run<'a> {
    config: &'a TrainConfig,
    base: String,
    model: Gemma,
    train: DataSet,
    valid: Option<DataSet>,
    adapter: Adapter,
    adam: AdamW,
    schedule: Schedule,
    state: State,
    checkpoint: Option<PathBuf>,
}

/// What one step tells.
struct Step {
    loss: f64,
    gradient: f64,
    tokens: usize,
}

impl<'a> Run<'a> {
    fn prepare(config: &'a TrainConfig) -> Result<Self, TrainError> {
        let mut base = Base::open(&config.base)?;
        let train = DataSet::read(&config.train, base.tokenizer(), config.max_tokens)?;
        let valid = match &config.valid {
            Some(path) => Some(DataSet::read(path, base.tokenizer(), config.max_tokens)?),
            None => None,
        };
        std::fs::create_dir_all(&config.out).map_err(TrainError::io(&config.out))?;
        let steps = config.steps(train.examples().len());
        let run = config.fingerprint(&base, &train, steps);
        let device = config.device()?;
        let adapter = Adapter::fresh(&config.lora, base.shape(), base.name(), config.seed, &device)?;
        if let Some(path) = &config.from {
            adapter.begin_with(&load_adapter(path)?)?;
        }
        let vars: Vec<&Var> = adapter.vars().collect();
        let mut adam = AdamW::new(&vars, config.weight_decay)?;
        let resumed = if config.resume { checkpoint::load(&config.out, &run, &adapter, &mut adam)? } else { None };
        Ok(Self {
            config,
            base: base.name(),
            model: Gemma::load(&mut base, &device)?,
            train,
            valid,
            adapter,
            adam,
            schedule: Schedule { peak: config.learning_rate, warmup: config.warmup, steps, floor: config.final_rate },
            checkpoint: resumed.as_ref().map(|_| checkpoint::path_in(&config.out)),
            state: resumed.unwrap_or(State { run, ..State::default() }),
        })
    }

    fn go(mut self, listener: &mut dyn TrainListener) -> Result<TrainReport, TrainError> {
        let outcome = self.steps(listener);
        if let Err(error) = &outcome {
            let event = TrainEvent::Failed { step: self.state.step, message: &error.to_string() };
            // The run is over either way.
            let _ = listener.on_event(&event);
        }
        outcome
    }

    fn steps(&mut self, listener: &mut dyn TrainListener) -> Result<TrainReport, TrainError> {
        let steps = self.schedule.steps;
        let mut flow = listener.on_event(&TrainEvent::Started {
            first_step: self.state.step,
            steps,
            examples: self.train.examples().len(),
            tokens: self.train.tokens(),
            parameters: self.adapter.parameters(),
        });
        if self.state.step == 0 && flow.is_continue() {
            flow = self.validate(listener)?;
        }
        let (first, began) = (self.state.step, Instant::now());
        let mut fed = 0;
        while self.state.step < steps && flow.is_continue() {
            let start = Instant::now();
            let rate = self.schedule.rate(self.state.step);
            let step = self.step(rate)?;
            let spent = start.elapsed().as_secs_f64();
            fed += step.tokens;
            self.state.step += 1;
            self.state.tokens += step.tokens;
            self.state.seconds += spent;
            let done = self.state.step;
            self.state.curve.train.push((done, step.loss));
            let pace = began.elapsed().as_secs_f64() / (done - first) as f64;
            flow = listener.on_event(&TrainEvent::Step {
                step: done,
                steps,
                loss: step.loss,
                learning_rate: rate,
                gradient: step.gradient,
                tokens_per_second: step.tokens as f64 / spent.max(1e-9),
                left: Duration::from_secs_f64(pace * (steps - done) as f64),
            });
            let last = done == steps || flow.is_break();
            if done.is_multiple_of(self.config.validate_every) || done == steps {
                let asked = self.validate(listener)?;
                flow = if flow.is_break() { flow } else { asked };
            }
            if done.is_multiple_of(self.config.checkpoint_every) || last || flow.is_break() {
                let path = checkpoint::save(&self.config.out, &self.adapter, &self.adam, &self.state)?;
                let asked = listener.on_event(&TrainEvent::Checkpoint { step: done, path: &path });
                self.checkpoint = Some(path);
                flow = if flow.is_break() { flow } else { asked };
            }
        }
        let report = self.report(fed, began.elapsed());
        self.write(&report)?;
        let _ = listener.on_event(&TrainEvent::Finished(&report));
        Ok(report)
    }

    /// One step of the optimiser; nothing changes when the loss is not a finite number.
    fn step(&mut self, rate: f64) -> Result<Step, TrainError> {
        let config = self.config;
        let number = self.state.step;
        let examples = self.train.step(config.seed, number, config.step_size());
        let asked: usize = examples.iter().map(|example| example.reply_len()).sum();
        let vars: Vec<&Var> = self.adapter.vars().collect();
        let (mut grads, mut loss, mut tokens) = (Vec::new(), 0.0, 0);
        let batches = examples.chunks(config.batch_size).flat_map(|part| pack(part, config.max_batch_tokens));
        for (i, batch) in batches.enumerate() {
            tokens += batch.len();
            let seed = Sha256::digest(format!("{} {number} {i}", config.seed));
            let seed = seed.iter().take(8).fold(0, |n, &b| n << 8 | u64::from(b));
            let share = self.share(&batch, seed, asked)?;
            loss += f64::from(share.to_scalar::<f32>()?);
            self.finite(loss)?;
            accumulate(&mut grads, &share.backward()?, &vars)?;
        }
        let gradient = global_norm(&grads)?;
        self.finite(gradient)?;
        let shrink = (config.clip / gradient.max(1e-12)).min(1.0);
        self.adam.step(&vars, &grads, number, rate, shrink)?;
        Ok(Step { loss, gradient, tokens })
    }

    /// A batch's part of the step's mean loss.
    fn share(&self, batch: &Packed, seed: u64, asked: usize) -> Result<candle_core::Tensor, TrainError> {
        let pass = Pass::Learn { seed };
        let loss = self.model.loss(batch, Some(&self.adapter), pass)?;
        Ok((loss * (1.0 / asked as f64))?)
    }

    fn finite(&self, value: f64) -> Result<(), TrainError> {
        if value.is_finite() {
            return Ok(());
        }
        Err(TrainError::NotFinite {
            step: self.state.step + 1,
            what: if value.is_nan() { "not a number" } else { "infinite" },
            checkpoint: self.checkpoint.clone(),
        })
    }

    fn validate(&mut self, listener: &mut dyn TrainListener) -> Result<std::ops::ControlFlow<()>, TrainError> {
        let Some(valid) = &self.valid else {
            return Ok(std::ops::ControlFlow::Continue(()));
        };
        let adapter = Some(&self.adapter);
        let loss = evaluate(&self.model, adapter, valid, self.config.max_batch_tokens)?;
        self.finite(loss)?;
        let step = self.state.step;
        self.state.curve.valid.push((step, loss));
        // The best of this run, be it worse than what the run began with.
        if self.state.curve.best() == Some(step) {
            let folder = self.config.out.join(BEST);
            save_mlx(&self.adapter, &folder, self.model.shape(), self.config.precision)?;
        }
        Ok(listener.on_event(&TrainEvent::Validated { step, loss }))
    }

    fn report(&self, fed: usize, took: Duration) -> TrainReport {
        TrainReport {
            base: self.base.clone(),
            config: self.config.without_folders(),
            train_sha256: self.train.sha256().to_owned(),
            valid_sha256: self.valid.as_ref().map(|data| data.sha256().to_owned()),
            examples: self.train.examples().len(),
            steps: self.state.step,
            stopped: self.state.step < self.schedule.steps,
            adapter_step: self.state.curve.best().unwrap_or(self.state.step),
            parameters: self.adapter.parameters(),
            tokens: self.state.tokens,
            seconds: self.state.seconds,
            tokens_per_second: fed as f64 / took.as_secs_f64().max(1e-9),
            curve: self.state.curve.clone(),
        }
    }

    fn write(&self, report: &TrainReport) -> Result<(), TrainError> {
        let out = &self.config.out;
        let kept;
        let adapter = if report.adapter_step == self.state.step {
            &self.adapter
        } else {
            kept = load_mlx(&out.join(BEST))?;
            &kept
        };
        save_mlx(adapter, out, self.model.shape(), self.config.precision)?;
        let picture = self
            .state
            .curve
            .svg(&format!("{}, rank {}, {} examples", self.base, self.config.lora.rank, report.examples));
        let path = out.join("loss.svg");
        write_whole(&path, |file| file.write_all(picture.as_bytes())).map_err(TrainError::io(&path))?;
        let path = out.join("run.json");
        write_whole(&path, |file| serde_json::to_writer_pretty(file, report).map_err(std::io::Error::from))
            .map_err(TrainError::io(&path))
    }
}
