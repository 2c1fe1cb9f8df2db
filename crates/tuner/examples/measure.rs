//! Times training steps beside plain matrix products of the same run.
//!
//! ```text
//! cargo run --release -p tuner --example measure -- BASE.gguf [SEQUENCES TOKENS ASKED STEPS RANK]
//! ```
#![allow(clippy::print_stdout, reason = "an example talks to its user")]

use std::error::Error;
use tuner::{Load, LoraConfig, measure};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let base = arguments.next().ok_or("BASE is missing")?;
    let mut numbers = [4, 256, 40, 3, 16];
    for (number, argument) in numbers.iter_mut().zip(arguments) {
        *number = argument.parse()?;
    }
    let load = Load { sequences: numbers[0], tokens: numbers[1], asked: numbers[2] };
    let config = LoraConfig { rank: numbers[4], ..LoraConfig::default() };
    let measured = measure(base.as_ref(), &config, load, numbers[3])?;
    println!(
        "{} × {} tokens, {} asked each, rank {}: {:.0} tokens/s, {:.0} GFLOP/s of {:.0} in plain products = {:.0}%",
        load.sequences,
        load.tokens,
        load.asked,
        config.rank,
        measured.tokens_per_second,
        measured.gflops,
        measured.matmul_gflops,
        measured.share * 100.0
    );
    // The kernel's own count of the most memory ever held, where there is one.
    if let Ok(status) = std::fs::read_to_string("/proc/self/status")
        && let Some(line) = status.lines().find(|line| line.starts_with("VmHWM"))
    {
        println!("peak memory {}", line.trim_start_matches("VmHWM:").trim());
    }
    Ok(())
}
