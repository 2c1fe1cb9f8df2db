//! The scores after given tokens, for comparing engines: `scores MODEL.gguf OUT.f32 < TEXTS`, where each line is a text,
//! or token ids in brackets. Tells each line's tokens; appends the scores, little endian, to OUT.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a tool for people at work on the engine")]

use std::{
    fs::File,
    io::{BufWriter, Write, stdin},
};

use engine::{EngineConfig, Gemma};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (model, out) = (arguments.next().unwrap(), arguments.next().unwrap());
    let engine = Gemma::load(EngineConfig::new(model)).unwrap();
    let mut out = BufWriter::new(File::create(out).unwrap());
    for line in stdin().lines() {
        let line = line.unwrap();
        let ids = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let tokens: Vec<i32> = match ids {
            Some(ids) => ids.split(',').map(|id| id.trim().parse().unwrap()).collect(),
            None => engine.tokenize(&line),
        };
        println!("{tokens:?}");
        for score in engine.logits(&tokens, None).unwrap() {
            out.write_all(&score.to_le_bytes()).unwrap();
        }
    }
}
