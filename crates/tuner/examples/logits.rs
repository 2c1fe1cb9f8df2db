//! Prints the model's first choice after each token, for comparing with other programs.
//!
//! Reads JSON lines `{"tokens": [2, 105, …], "from": 12}` and answers, for each position from `from` on, what
//! the model would have chosen there and how many of the given tokens it agrees with.
//!
//! ```text
//! cargo run --release -p tuner --example logits -- BASE [ADAPTER] < tokens.jsonl
//! cargo run --release -p tuner --example logits -- BASE --tokens < texts.jsonl
//! ```
//! With `--tokens` it reads `{"text": "…"}` and answers the tokens of each, the beginning of text first.
#![allow(clippy::print_stdout, reason = "an example talks to its user")]

use candle_core::{D, Device};
use serde::Deserialize;
use std::error::Error;
use std::io::BufRead;
use tuner::{Base, Gemma, Packed, load_adapter};

#[derive(Deserialize)]
struct Line {
    tokens: Vec<u32>,
    from: usize,
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut base = Base::open(arguments.next().ok_or("BASE is missing")?.as_ref())?;
    let adapter = match arguments.next() {
        Some(flag) if flag == "--tokens" => {
            for line in std::io::stdin().lock().lines() {
                let Text { text } = serde_json::from_str(&line?)?;
                let mut tokens = vec![base.tokenizer().bos()];
                tokens.extend(base.tokenizer().encode(&text)?);
                println!("{tokens:?}");
            }
            return Ok(());
        }
        Some(path) => Some(load_adapter(path.as_ref())?),
        None => None,
    };
    if let Some(adapter) = &adapter {
        adapter.check(base.shape())?;
    }
    let model = Gemma::load(&mut base, &Device::Cpu)?;
    for line in std::io::stdin().lock().lines() {
        let line: Line = serde_json::from_str(&line?)?;
        let mut batch = Packed::default();
        batch.push(&line.tokens, line.from);
        let choices: Vec<u32> = model.logits(&batch, adapter.as_ref())?.argmax(D::Minus1)?.to_vec1()?;
        let given = &line.tokens[line.from.max(1)..];
        let equal = choices.iter().zip(given).filter(|(a, b)| a == b).count();
        println!("{equal} of {} {choices:?}", given.len());
    }
    Ok(())
}
