//! `gemma-burger bench engine`: the language model alone, on a fixed script of conversations.
//!
//! `scripts/bench_llama_server.py` runs the same script against another server; both read it from the resources.
//! `--manner` and `--soak` are measurements of their own (`manner`, `soak`).

use std::{fs, path::Path, sync::Arc, time::Instant};

use concierge::ports::{
    ChatMessage, Engine as _, FinishReason, GenerationEnd, GenerationEvent, GenerationRequest, Role, Timings, Usage,
};
use engine::Gemma;
use futures::StreamExt;
use serde::{Deserialize, Serialize};

use super::{
    manner, model_file,
    report::{Figure, Limit, Machine, Times, ms_since, peak_memory_mb, table},
    soak,
};
use crate::{
    brain::concierge::restaurant,
    cli::{Failure, print, tell},
    commands::{block_on, configure_quietly},
    config::{ALL, Flags},
};

/// The conversations, in the folder of the restaurant's files.
const SCRIPT_FILE: &str = "bench/engine.json";
/// Guests at once, at most; as many replies are written at the same time.
const GUESTS: [usize; 3] = [1, 4, 8];

/// Measures the language model alone: reading, writing, first tokens, several guests, memory.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gemma-burger bench engine\n  gemma-burger bench engine --json --rounds 1\n  \
        gemma-burger bench engine --manner 40   (the staff's replies, and whether guessing ahead pays)\n  \
        gemma-burger bench engine --soak 30     (eight guests for half an hour, some of whom leave)\n  \
        python3 scripts/bench_llama_server.py --server llama-server   (the same against llama.cpp's own server)")]
pub struct Args {
    /// How often the script is gone through; the median is printed.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=100))]
    rounds: u8,
    /// Measures replies to N prompts of the training data in the staff's manner instead, with guesses and without.
    #[arg(long, value_name = "N", conflicts_with = "soak")]
    manner: Option<usize>,
    /// Lets eight guests talk for so many minutes instead, and leave as guests do.
    #[arg(long, value_name = "MINUTES")]
    soak: Option<f64>,
    /// Prints JSON for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags<ALL>,
}

/// The script's file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Told to the model before every conversation.
    pub preamble: String,
    /// What one guest says, turn by turn.
    pub turns: Vec<String>,
    /// What several guests say at once, one each.
    pub guests: Vec<String>,
    /// The most tokens of a reply.
    pub reply_tokens: u32,
}

/// A reply, and its first token's time.
struct Reply {
    text: String,
    first_ms: f64,
    end: GenerationEnd,
}

/// What was said in a conversation, and the reply to it.
#[derive(Serialize)]
struct Said {
    turns: Vec<String>,
    reply: String,
}

#[derive(Default)]
struct Measured {
    cold: Times,
    warm: Times,
    sixth: Times,
    read: Times,
    written: [Times; GUESTS.len()],
    /// Of the first round.
    said: Vec<Said>,
}

#[derive(Serialize)]
struct Report {
    machine: Machine,
    figures: Vec<Figure>,
    /// The first round's conversations, for those who compare replies.
    said: Vec<Said>,
}

impl Args {
    /// Measures and prints.
    pub fn run(self) -> Result<(), Failure> {
        let mut config = configure_quietly(self.flags)?;
        let most = GUESTS.into_iter().max().unwrap_or(1);
        config.model.slots = config.model.slots.max(u16::try_from(most).unwrap_or(u16::MAX));
        let script = script(&config.files.resources_dir.join(SCRIPT_FILE))?;
        let gguf = model_file(&config)?;
        let machine = Machine::this(config.model.threads, &gguf);
        let file_mb = fs::metadata(&gguf).map_or(0.0, |file| file.len() as f64 / 1024.0 / 1024.0);
        let report = |figures: Vec<Figure>, said: Vec<Said>| {
            if self.json {
                let report = Report { machine: machine.clone(), figures, said };
                return print(&(serde_json::to_string_pretty(&report).map_err(Failure::new)? + "\n"));
            }
            print(&format!("{}\n{}", machine.text(), table(&figures)))
        };
        if let Some(prompts) = self.manner {
            return report(manner::measure(&config, prompts)?, Vec::new());
        }
        if let Some(minutes) = self.soak {
            let gemma = restaurant::gemma(&config)?;
            return report(block_on(soak::measure(gemma, &script, minutes))?, Vec::new());
        }
        tell("loading …");
        let started = Instant::now();
        let gemma = restaurant::gemma(&config)?;
        let load_ms = ms_since(started);
        let measured = block_on(async {
            let mut measured = Measured::default();
            for round in 1..=self.rounds {
                tell(&format!("round {round} of {} …", self.rounds));
                go_through(&gemma, &script, round, &mut measured).await?;
            }
            Ok(measured)
        })?;
        let peak = peak_memory_mb(std::process::id());
        let [one, four, eight] = &measured.written;
        let figures = vec![
            Figure::new("load", load_ms, "ms"),
            Figure::new("first token, cold", measured.cold.at(50), "ms"),
            Figure::new("first token, warm preamble", measured.warm.at(50), "ms"),
            Figure::new("first token, 6th turn", measured.sixth.at(50), "ms"),
            Figure::new("read, cold", measured.read.at(50), "tokens/s"),
            Figure::new("written, 1 guest", one.at(50), "tokens/s"),
            Figure::new("written, 4 guests in total", four.at(50), "tokens/s"),
            Figure::new("written, 8 guests in total", eight.at(50), "tokens/s"),
            Figure::new("memory, peak", peak, "MB"),
            Figure::new("memory beyond the model's file", peak.map(|peak| peak - file_mb), "MB")
                .limit(Limit::AtMost(250.0)),
        ];
        report(figures, measured.said)
    }
}

fn script(path: &Path) -> Result<Script, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("{} cannot be read: {error}", path.display())))?;
    let script: Script =
        serde_json::from_str(&text).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    if script.turns.len() < 6 || script.guests.is_empty() {
        return Err(Failure::new(format!("{}: at least six turns and one guest are needed", path.display())));
    }
    Ok(script)
}

async fn go_through(gemma: &Gemma, script: &Script, round: u8, measured: &mut Measured) -> Result<(), Failure> {
    // A preamble that was never heard before is read from its first word.
    let preamble: Arc<str> = format!("Shift {round}. {}", script.preamble).into();
    let ask = |messages: Vec<ChatMessage>, conversation: Option<String>| {
        ask(gemma, Arc::clone(&preamble), messages, script.reply_tokens, conversation)
    };
    let said = |text: &String| ChatMessage { role: Role::User, text: text.clone() };

    let mut history = Vec::new();
    for (turn, text) in script.turns.iter().enumerate() {
        history.push(said(text));
        let reply = ask(history.clone(), Some(format!("talker {round}"))).await?;
        if turn == 0 {
            measured.cold.push(reply.first_ms);
            let read = reply.end.usage.prompt_tokens - reply.end.usage.cached_tokens;
            measured.read.push(f64::from(read) / reply.end.timings.prefill_ms * 1e3);
        }
        if turn == 5 {
            measured.sixth.push(reply.first_ms);
        }
        if round == 1 {
            let turns = history.iter().map(|message| message.text.clone()).collect();
            measured.said.push(Said { turns, reply: reply.text.clone() });
        }
        history.push(ChatMessage { role: Role::Model, text: reply.text });
    }
    let warm = ask(script.guests.iter().take(1).map(said).collect(), None).await?;
    measured.warm.push(warm.first_ms);

    for (guests, times) in GUESTS.into_iter().zip(&mut measured.written) {
        let started = Instant::now();
        let talks = script.guests.iter().cycle().take(guests).map(|text| ask(vec![said(text)], None));
        let replies = futures::future::try_join_all(talks).await?;
        if round == 1 && guests == GUESTS[0] {
            let alone = script.guests.iter().zip(&replies);
            measured
                .said
                .extend(alone.map(|(text, reply)| Said { turns: vec![text.clone()], reply: reply.text.clone() }));
        }
        let written: u32 = replies.iter().map(|reply| reply.end.usage.completion_tokens).sum();
        times.push(f64::from(written) / ms_since(started) * 1e3);
    }
    Ok(())
}

async fn ask(
    gemma: &Gemma,
    preamble: Arc<str>,
    messages: Vec<ChatMessage>,
    max_tokens: u32,
    conversation: Option<String>,
) -> Result<Reply, Failure> {
    let asked = Instant::now();
    let request = GenerationRequest {
        preamble,
        messages,
        adapter: None,
        temperature: 0.0,
        max_tokens,
        seed: 0,
        grammar: None,
        functions: None,
        conversation,
    };
    let mut events = gemma.start(request).map_err(Failure::new)?;
    let mut reply = Reply {
        text: String::new(),
        first_ms: 0.0,
        end: GenerationEnd { reason: FinishReason::Stop, usage: Usage::default(), timings: Timings::default() },
    };
    while let Some(event) = events.next().await {
        match event {
            GenerationEvent::Read(_) => reply.first_ms = ms_since(asked),
            GenerationEvent::Text(piece) => {
                if reply.text.is_empty() {
                    reply.first_ms = ms_since(asked);
                }
                reply.text.push_str(&piece);
            }
            GenerationEvent::Done(end) => reply.end = end,
            GenerationEvent::Failed(error) => return Err(Failure::new(error)),
        }
    }
    Ok(reply)
}
