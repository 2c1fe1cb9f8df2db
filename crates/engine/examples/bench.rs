//! Times an engine on a fixed script: `cargo run --release -p engine --example bench -- MODEL [THREADS]`.
//!
//! Prints milliseconds to the first word of a cold engine, of another guest with the same preamble and of the sixth
//! turn of a conversation, then tokens a second for one, four and eight guests at once, and the memory held.
#![allow(clippy::print_stdout, reason = "an example's output")]

use std::{
    error::Error,
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use concierge::ports::{ChatMessage, Engine, GenerationEvent, GenerationRequest, Role};
use engine::{EngineConfig, Gemma};
use futures::StreamExt;
use models::{Cache, Fetch};

const PREAMBLE: &str = "You are the clerk of a small restaurant, cheerful and brief. You answer in one or two sentences \
    and say only what the facts say. You never invent an item, a price or an hour. If something is not on the menu you \
    say so and offer what comes nearest.\nMenu:\nTomato soup, $4.50, with basil and cream.\nCheese toast, $3.25, with \
    cheddar.\nApple pie, $4.00, warm.\nLemonade, $2.00.\nGarden salad, $5.75, with olives.\nOpening hours: Monday to \
    Saturday, 9 am to 8 pm.";
const TURNS: [&str; 6] = [
    "Good morning! What soups do you have?",
    "And what does it cost?",
    "Is there anything sweet?",
    "Which drinks are there?",
    "How late are you open today?",
    "Thanks. What would you order for ten dollars?",
];
const REPLY_TOKENS: u32 = 48;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "gemma-3-270m".to_owned());
    let root = std::env::var_os("GEMMA_BURGER_CACHE").map(Into::into).or_else(models::default_cache_dir);
    let cache = Cache::new(root.ok_or("no home directory")?);
    let files = models::fetch(&name.parse()?, &cache, &Fetch::default(), &mut *models::bars())?;
    let mut config = EngineConfig::new(files.gguf()?);
    if let Some(threads) = arguments.next() {
        config.threads = NonZeroU32::new(threads.parse()?);
    }

    let begin = Instant::now();
    let gemma = Gemma::load(config)?;
    println!("load                 {:7.0} ms", milliseconds(begin.elapsed()));
    println!("first word, cold     {:7.0} ms", turn(&gemma, &[], TURNS[0], "cold").await?.0);
    println!("first word, 2nd guest{:7.0} ms", turn(&gemma, &[], TURNS[1], "warm").await?.0);
    let mut history = Vec::new();
    for (index, question) in TURNS.iter().enumerate() {
        let (first, text) = turn(&gemma, &history, question, "talker").await?;
        println!("first word, turn {}   {first:7.0} ms", index + 1);
        history.push(ChatMessage { role: Role::User, text: (*question).to_owned() });
        history.push(ChatMessage { role: Role::Model, text });
    }
    for guests in [1, 4, 8] {
        let before = gemma.metrics();
        let begin = Instant::now();
        let talks = (0..guests).map(|guest| {
            let question = format!("I am guest {guest}. {}", TURNS[guest % TURNS.len()]);
            let gemma = &gemma;
            async move { turn(gemma, &[], &question, "").await.map_err(|error| error.to_string()) }
        });
        futures::future::try_join_all(talks).await?;
        let after = gemma.metrics();
        let written = after.decode_tokens - before.decode_tokens;
        let took = begin.elapsed();
        let rate = f64::from(u32::try_from(written)?) / took.as_secs_f64();
        println!("{guests} guests: {written:4} tokens in {:6.0} ms, {rate:6.1} a second in total", milliseconds(took));
    }
    println!("{:?}", gemma.metrics());
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        status
            .lines()
            .filter(|line| line.starts_with("VmRSS") || line.starts_with("Rss"))
            .for_each(|line| println!("{line}"));
    }
    Ok(())
}

/// One turn: milliseconds to its first word, and the reply.
async fn turn(gemma: &Gemma, history: &[ChatMessage], question: &str, conversation: &str) -> Outcome<(f64, String)> {
    let mut messages = history.to_vec();
    messages.push(ChatMessage { role: Role::User, text: question.to_owned() });
    let begin = Instant::now();
    let mut reply = gemma.start(GenerationRequest {
        preamble: Arc::from(PREAMBLE),
        messages,
        adapter: None,
        temperature: 0.0,
        max_tokens: REPLY_TOKENS,
        seed: 0,
        grammar: None,
        conversation: (!conversation.is_empty()).then(|| conversation.to_owned()),
    })?;
    let mut first = None;
    let mut text = String::new();
    while let Some(event) = reply.next().await {
        match event {
            GenerationEvent::Text(piece) => {
                first.get_or_insert_with(|| milliseconds(begin.elapsed()));
                text.push_str(&piece);
            }
            GenerationEvent::Done(_) => {}
            GenerationEvent::Failed(error) => return Err(error.into()),
        }
    }
    Ok((first.unwrap_or_else(|| milliseconds(begin.elapsed())), text))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
