//! Times the planner on a large menu: 300 items with sizes and options, a sum of 500, a party of eight, two diets.
//!
//! ```text
//! cargo run --release -p concierge --example planner_bench
//! ```
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for people")]

use std::time::Instant;

use concierge::planner::{Objective, large, plan};

fn main() {
    for objective in [Objective::Fill, Objective::Best, Objective::Cheapest, Objective::Feed] {
        let mut times: Vec<f64> = (0..200)
            .map(|seed| {
                let (menu, request) = large(300, seed, objective).unwrap();
                let started = Instant::now();
                let planned = plan(&menu, &request);
                let time = started.elapsed().as_secs_f64() * 1_000.0;
                assert!(planned.is_ok(), "{planned:?}");
                time
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
        println!("{objective:?}: p50 {:.1} ms, p99 {:.1} ms, most {:.1} ms", at(0.5), at(0.99), at(1.0));
    }
}
