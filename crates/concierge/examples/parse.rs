//! Reads orders against a menu: JSON lines `{"id","text"}` on stdin, `{"id","lines","unknown"}` on stdout.
//!
//! `parse --menu FILE [--bench]`; with `--bench` the time per utterance is printed instead.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints")]

use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use concierge::menu::Menu;
use concierge::understand::{Lexicon, parse};
use serde_json::{Value, json};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let at = arguments.iter().position(|argument| argument == "--menu").ok_or("usage: parse --menu FILE [--bench]")?;
    let file = arguments.get(at + 1).ok_or("--menu needs a file")?;
    let menu = Menu::from_json(&std::fs::read_to_string(file)?)?;
    let started = Instant::now();
    let lexicon = Lexicon::new(&menu);
    let compiled = started.elapsed();
    let lines = std::io::stdin().lock().lines().collect::<Result<Vec<_>, _>>()?;
    let rows = lines.iter().map(|line| serde_json::from_str(line)).collect::<Result<Vec<Value>, _>>()?;
    if arguments.iter().any(|argument| argument == "--bench") {
        bench(&lexicon, &rows);
        println!("menu of {} items compiled in {compiled:?}", menu.items.len());
        return Ok(());
    }
    let mut out = std::io::stdout().lock();
    for row in &rows {
        let parsed = parse(&lexicon, row["text"].as_str().unwrap_or_default());
        let lines: Vec<Value> = parsed
            .lines
            .iter()
            .map(|line| {
                let mut line = serde_json::to_value(line)?;
                if line.get("item").is_none() {
                    line["item"] = line["any_of"][0].clone();
                }
                Ok(line)
            })
            .collect::<Result<_, serde_json::Error>>()?;
        writeln!(
            out,
            "{}",
            json!({"id": row["id"], "lines": lines, "unknown": parsed.unknown, "confidence": parsed.confidence})
        )?;
    }
    Ok(())
}

/// Times each row several times. A busy machine interrupts some readings, so the quickest of each row is told as well.
fn bench(lexicon: &Lexicon, rows: &[Value]) {
    let (mut all, mut quickest) = (Vec::new(), Vec::new());
    for row in rows {
        let text = row["text"].as_str().unwrap_or_default();
        let times: Vec<Duration> = (0..20)
            .map(|_| {
                let started = Instant::now();
                std::hint::black_box(parse(lexicon, text));
                started.elapsed()
            })
            .collect();
        quickest.extend(times.iter().min().copied());
        all.extend(times);
    }
    for (name, mut times) in [("all readings", all), ("quickest of 20 per utterance", quickest)] {
        times.sort_unstable();
        let at = |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1)));
        if let (Some(p50), Some(p99), Some(max)) = (at(50), at(99), times.last()) {
            println!("{name} ({}): p50 {p50:?}, p99 {p99:?}, slowest {max:?}", times.len());
        }
    }
}
