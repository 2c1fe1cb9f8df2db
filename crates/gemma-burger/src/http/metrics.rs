//! Counters in the text form that Prometheus reads.

use std::{
    fmt::Write,
    sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
};

use axum::http::StatusCode;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn add_one(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// What it stands at.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// Moves it.
    pub fn add(&self, by: i64) {
        self.0.fetch_add(by, Relaxed);
    }

    /// What it stands at.
    #[must_use]
    pub fn get(&self) -> i64 {
        self.0.load(Relaxed)
    }
}

/// Answers by the class of their status, 1xx to 5xx.
#[derive(Debug, Default)]
pub struct RequestCounts([Counter; 5]);

impl RequestCounts {
    /// Counts an answer.
    pub fn count(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        if let Some(counter) = self.0.get(class) {
            counter.add_one();
        }
    }

    /// Writes the lines of a tier.
    pub fn write(&self, tier: &str, page: &mut Page) {
        let name = format!("gemma_burger_{tier}_requests_total");
        page.head(&name, "counter", "Answers by the class of their status.");
        for (class, counter) in self.0.iter().enumerate() {
            page.value(&name, &format!("{{status=\"{}xx\"}}", class + 1), counter.get());
        }
    }
}

/// A page of metrics being written.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// Says what the following values are.
    pub fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// One value; `labels` is empty or `{name="value"}`.
    pub fn value(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    /// A counter without labels.
    pub fn counter(&mut self, name: &str, help: &str, counter: &Counter) {
        self.head(name, "counter", help);
        self.value(name, "", counter.get());
    }

    /// A gauge without labels.
    pub fn gauge(&mut self, name: &str, help: &str, value: i64) {
        self.head(name, "gauge", help);
        self.value(name, "", value);
    }

    /// Adds text that is already in this form.
    pub fn append(&mut self, text: &str) {
        self.0.push_str(text);
    }

    /// The whole page.
    #[must_use]
    pub fn finish(self) -> String {
        self.0
    }
}
