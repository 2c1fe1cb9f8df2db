#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a tool")]
use concierge::{tuning::*};
fn main() {
    let read = |p: &str| std::fs::read_to_string(p).unwrap();
    let bank = Bank::from_yaml(&read("resources/fine_tuning/synth.yaml")).unwrap();
    let count = std::env::args().nth(1).unwrap().parse().unwrap();
    let made = synthesise(&bank, count, 7).unwrap();
    for (text, flaw) in &made.refused { eprintln!("{text}\n    {flaw}"); }
    eprintln!("{} refused", made.refused.len());
    for e in &made.examples { println!("{}", serde_json::to_string(e).unwrap()); }
}
