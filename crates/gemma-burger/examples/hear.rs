//! Tells what is decided for guests' words, without the model: a conversation a line on standard input, its messages
//! with ` > ` between.
//!
//! ```text
//! echo "a classic > make that two" | cargo run --release --locked -p gemma-burger --example hear
//! ```
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a look at decisions, for people")]

use gemma_burger::{
    brain::concierge::{
        Resources,
        rehearsal::Rehearsal,
        restaurant::{self, Knowledge},
    },
    config::{Config, Flags, Sources},
};

fn main() {
    let data = tempfile::tempdir().unwrap();
    let flags = Flags::<{ gemma_burger::config::ALL }>::default();
    let mut config = Config::resolve(&Sources::of_process(flags).unwrap()).unwrap();
    config.files.data_dir = data.path().to_owned();
    let resources = Resources::read(&config).unwrap();
    let Knowledge { embedder, index } = restaurant::knowledge(&config, &resources).unwrap();
    for line in std::io::stdin().lines().map(Result::unwrap).filter(|line| !line.trim().is_empty()) {
        let mut rehearsal = Rehearsal::new(&resources.world, &embedder, &index);
        for text in line.split(" > ") {
            let heard = rehearsal.hear(text);
            let acts: Vec<String> = heard.brief.steps.iter().map(|step| format!("{:?}", step.act)).collect();
            let reply = heard.brief.plain();
            println!("> {text}\n  [{}] {reply}", acts.join(" "));
            rehearsal.answered(heard, reply);
        }
        let order = rehearsal.order();
        println!("{}", if order.is_empty() { String::new() } else { format!("  = {}\n", order.join(", ")) });
    }
}
