//! Trains an adapter and prints the course of the run.
//!
//! ```text
//! cargo run --release -p tuner --example train -- BASE.gguf train.jsonl OUT \
//!     [valid=valid.jsonl] [rank=16] [alpha=32] [dropout=0] [layers=18] [targets=q,k,v,o,gate,up,down] \
//!     [epochs=2 | steps=100] [batch=8] [accumulation=1] [lr=0.0003] [warmup=10] [seed=0] [threads=2] \
//!     [batch-tokens=2048] [validate=50] [checkpoint=25] [clip=1] [decay=0] [resume=true]
//! ```
#![allow(clippy::print_stdout, reason = "an example talks to its user")]

use std::error::Error;
use std::ops::ControlFlow;
use std::path::PathBuf;
use tuner::{RunLength, TrainConfig, TrainEvent, TrainListener, train};

struct Print;

impl TrainListener for Print {
    fn on_event(&mut self, event: &TrainEvent<'_>) -> ControlFlow<()> {
        match event {
            TrainEvent::Step { step, steps, loss, learning_rate, gradient, tokens_per_second, left } => println!(
                "step {step}/{steps}  loss {loss:.4}  rate {learning_rate:.2e}  gradient {gradient:.3}  \
                 {tokens_per_second:.0} tokens/s  {} min left",
                left.as_secs().div_ceil(60)
            ),
            TrainEvent::Validated { step, loss } => {
                println!("validation after {step} steps: {loss:.4}");
            }
            TrainEvent::Started { first_step, steps, examples, tokens, parameters } => {
                println!("{examples} examples, {tokens} tokens, {parameters} parameters, steps {first_step} to {steps}")
            }
            TrainEvent::Checkpoint { step, path } => {
                println!("saved after {step} steps: {}", path.display());
            }
            TrainEvent::Failed { step, message } => {
                println!("failed after {step} steps: {message}")
            }
            TrainEvent::Finished(_) => {}
        }
        ControlFlow::Continue(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut path = |what: &str| arguments.next().map(PathBuf::from).ok_or(format!("{what} is missing"));
    let mut config = TrainConfig::new(path("BASE")?, path("TRAIN")?, path("OUT")?);
    for argument in arguments {
        let (key, value) = argument.split_once('=').ok_or_else(|| format!("'{argument}' is not key=value"))?;
        match key {
            "valid" => config.valid = Some(value.into()),
            "rank" => config.lora.rank = value.parse()?,
            "alpha" => config.lora.alpha = value.parse()?,
            "dropout" => config.lora.dropout = value.parse()?,
            "layers" => config.lora.layers = Some(value.parse()?),
            "targets" => {
                config.lora.targets = value.split(',').map(str::parse).collect::<Result<_, String>>()?;
            }
            "epochs" => config.length = RunLength::Epochs(value.parse()?),
            "steps" => config.length = RunLength::Steps(value.parse()?),
            "batch" => config.batch_size = value.parse()?,
            "accumulation" => config.accumulation = value.parse()?,
            "lr" => config.learning_rate = value.parse()?,
            "warmup" => config.warmup = value.parse()?,
            "seed" => config.seed = value.parse()?,
            "threads" => config.threads = Some(value.parse()?),
            "batch-tokens" => config.max_batch_tokens = value.parse()?,
            "validate" => config.validate_every = value.parse()?,
            "checkpoint" => config.checkpoint_every = value.parse()?,
            "clip" => config.clip = value.parse()?,
            "decay" => config.weight_decay = value.parse()?,
            "resume" => config.resume = value.parse()?,
            _ => return Err(format!("no setting is called '{key}'").into()),
        }
    }
    let report = train(&config, &mut Print)?;
    println!("{}", report.curve.sparkline(72));
    println!("{} steps, {} tokens at {:.0} tokens/s", report.steps, report.tokens, report.tokens_per_second);
    Ok(())
}
