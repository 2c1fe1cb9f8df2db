#![allow(clippy::unwrap_used, clippy::print_stdout)]
//! x
#[path = "../tests/common/mod.rs"]
mod common;
use common::*;
use engine::*;
use std::time::Instant;
fn main() {
    let t = Instant::now();
    let g = load(EngineConfig { slots: 8, state_tokens: 8192, ..config() });
    println!("load {:?}", t.elapsed());
    let rss = || {
        std::fs::read_to_string("/proc/self/status")
            .unwrap()
            .lines()
            .filter(|l| l.starts_with("VmRSS") || l.starts_with("RssAnon") || l.starts_with("RssFile"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    println!("{}", rss());
    let r = request(PREAMBLE, &["Is there lemonade?"], 20);
    let tokens = g.prompt_tokens(&r).unwrap();
    println!("prompt {}", tokens.len());
    let top2 = |v: &[f32]| {
        let mut s: Vec<(f32, usize)> = v.iter().copied().zip(0..).collect();
        s.sort_by(|a, b| b.0.total_cmp(&a.0));
        (s[0], s[1])
    };
    let t = Instant::now();
    let a = g.logits(&tokens, None).unwrap();
    println!("fresh {:?} in {:?}", top2(&a), t.elapsed());
    for _ in 0..2 {
        let t = Instant::now();
        let (text, end) = ask(&g, r.clone());
        println!("{text:?} {end:?} {:?}", t.elapsed());
    }
    let b = g.logits(&tokens, None).unwrap();
    println!("cached {:?} apart {}", top2(&b), a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max));
    for n in [1usize, 8] {
        let t = Instant::now();
        let m0 = g.metrics();
        let rs: Vec<_> = (0..n)
            .map(|_| {
                use concierge::ports::Engine;
                g.start(request(PREAMBLE, &["Is there lemonade? Tell me a long story of it."], 24)).unwrap()
            })
            .collect();
        for r in rs {
            read(r).unwrap();
        }
        let m1 = g.metrics();
        println!(
            "{n} guests: {} tokens {} steps in {:?}: {:.1}/s",
            m1.decode_tokens - m0.decode_tokens,
            m1.steps - m0.steps,
            t.elapsed(),
            (m1.decode_tokens - m0.decode_tokens) as f64 / t.elapsed().as_secs_f64()
        );
    }
    println!("{}", rss());
}
