//! The language model in the staff's manner, on the product's own prompts: how fast it writes, and whether guessing
//! ahead from the facts pays.

use std::time::Instant;

use concierge::{
    intent::AgentName,
    ports::{Engine as _, GenerationEvent, GenerationRequest, PromptRead},
    prompt::{self, Limits, Personas},
    tuning::Example,
};
use engine::Gemma;
use futures::StreamExt;

use super::report::{Figure, Limit, Times, ms_since};
use crate::{
    brain::concierge::{Resources, restaurant},
    cli::{Failure, tell},
    commands::{runtime, trim::examples},
    config::Config,
};

/// Tokens of a reply, at most.
const REPLY_TOKENS: u32 = 80;
/// As many as the engine allows.
const GUESSES: u32 = 6;

#[derive(Default)]
struct Measured {
    replies: Vec<String>,
    first: Times,
    tokens: u32,
    decode_ms: f64,
}

/// Writes greedy replies to `prompts` examples, with guesses and without.
pub fn measure(config: &Config, prompts: usize) -> Result<Vec<Figure>, Failure> {
    let resources = Resources::read(config)?;
    let examples = examples(config, prompts)?;
    let settings = restaurant::engine_config(config)?;
    let load = |guesses: u32| {
        let settings = engine::EngineConfig { guesses, ..settings.clone() };
        restaurant::with_manner(config, Gemma::load(settings).map_err(Failure::new)?)
    };
    let (plain, manner) = load(0)?;
    let (guessing, _) = load(GUESSES)?;
    let (mut without, mut with) = (Measured::default(), Measured::default());
    let runtime = runtime()?;
    for (at, example) in examples.iter().enumerate() {
        tell(&format!("prompt {} of {} …", at + 1, examples.len()));
        let adapter = manner.is_tuned(example.agent).then_some(example.agent);
        // In turns, so that both share whatever else the machine does.
        for (gemma, measured) in [(&plain, &mut without), (&guessing, &mut with)] {
            runtime.block_on(reply(gemma, &resources.world.personas, example, adapter, measured))?;
        }
    }
    let equal = without.replies.iter().zip(&with.replies).filter(|(one, other)| one == other).count();
    let speed = |measured: &Measured| f64::from(measured.tokens) / measured.decode_ms * 1e3;
    let counts = guessing.metrics();
    let share = |part: u64, of: u64| 100.0 * part as f64 / of.max(1) as f64;
    Ok(vec![
        Figure::new("first token in the staff's manner, p50", without.first.at(50), "ms").limit(Limit::AtMost(400.0)),
        Figure::new("first token in the staff's manner, p95", without.first.at(95), "ms"),
        Figure::new("written without guesses", speed(&without), "tokens/s"),
        Figure::new("written with guesses", speed(&with), "tokens/s"),
        Figure::new("guesses: speed with to without", speed(&with) / speed(&without), ""),
        Figure::new("guessed tokens that came", share(counts.guessed_right, counts.guessed_tokens), "%"),
        Figure::new("written tokens that were guessed", share(counts.guessed_right, counts.decode_tokens), "%"),
        Figure::new(
            "prompt tokens found computed",
            share(counts.cached_tokens, counts.cached_tokens + counts.prefill_tokens),
            "%",
        ),
        Figure::new("replies that are the same", share(equal as u64, examples.len() as u64), "%"),
    ])
}

async fn reply(
    gemma: &Gemma,
    personas: &Personas,
    example: &Example,
    adapter: Option<AgentName>,
    measured: &mut Measured,
) -> Result<(), Failure> {
    let limits = Limits { max_tokens: REPLY_TOKENS, seed: 0 };
    let request = prompt::request(personas, &example.brief(), &example.history, &example.guest, &limits, None);
    let asked = Instant::now();
    let request = GenerationRequest { adapter, temperature: 0.0, ..request };
    let mut events = gemma.start(request).map_err(Failure::new)?;
    let mut text = String::new();
    while let Some(event) = events.next().await {
        match event {
            GenerationEvent::Text(piece) => text.push_str(&piece),
            GenerationEvent::Read(PromptRead { .. }) => measured.first.push(ms_since(asked)),
            GenerationEvent::Done(end) => {
                measured.tokens += end.usage.completion_tokens;
                measured.decode_ms += end.timings.decode_ms;
            }
            GenerationEvent::Failed(error) => return Err(Failure::new(error)),
        }
    }
    measured.replies.push(text);
    Ok(())
}
