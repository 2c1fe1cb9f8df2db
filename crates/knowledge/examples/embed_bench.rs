//! Times the embedder: `cargo run --release -p knowledge --example embed_bench -- DIR`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measuring tool")]
use concierge::ports::Embedder as _;
use std::time::Instant;
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    let start = Instant::now();
    let e = knowledge::Embedder::load(dir.as_ref()).unwrap();
    println!("load {:?}", start.elapsed());
    for text in [
        "hi",
        "do you have wifi",
        "two classic burgers without onion and a large fries please",
        "I've had better service at a train station, we waited forty minutes for the fries, and when they came they were cold and the milkshake was missing completely",
    ] {
        let mut times: Vec<f64> = (0..200)
            .map(|_| {
                let t = Instant::now();
                e.embed(&[text]).unwrap();
                t.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!("min {:.2} p50 {:.2} p95 {:.2} ms  {text:.40}", times[0], times[100], times[190]);
    }
    let many: Vec<String> =
        (0..200).map(|i| format!("Item number {i}, {}", "with lettuce and tomato ".repeat(i % 8))).collect();
    let refs: Vec<&str> = many.iter().map(String::as_str).collect();
    let t = Instant::now();
    e.embed(&refs).unwrap();
    println!("200 texts {:?}", t.elapsed());
    let v = e.embed(&["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]).unwrap();
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    println!("{} {} {}", dot(&v[0], &v[1]), dot(&v[0], &v[2]), dot(&v[1], &v[2]));
    println!("{:?}", &v[0][..6]);
    println!(
        "{}",
        std::fs::read_to_string("/proc/self/status")
            .unwrap()
            .lines()
            .filter(|l| l.starts_with("VmRSS") || l.starts_with("VmHWM"))
            .collect::<Vec<_>>()
            .join(" ")
    );
}
