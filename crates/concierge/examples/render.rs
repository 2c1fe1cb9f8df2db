#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a tool")]
//! Renders examples for the trainer.
use concierge::{prompt::Personas, tuning::Example};
fn main() {
    let persona = |p: &str| std::fs::read_to_string(p).unwrap().split("\nmarks:").next().unwrap().to_owned();
    let personas = Personas::from_yaml(&persona("resources/personas/rosy.yaml"), &persona("resources/personas/gordon.yaml")).unwrap();
    for line in std::io::stdin().lines() {
        println!("{}", serde_json::to_string(&Example::parse(&line.unwrap()).unwrap().render(&personas)).unwrap());
    }
}
