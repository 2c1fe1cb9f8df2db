//! What was measured, beside what it should be, and on which machine.

use std::{fs, path::Path, process::Command};

use serde::Serialize;

/// What a measured value is held against.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The value should not be above it.
    AtMost(f64),
    /// The value should not be below it.
    AtLeast(f64),
}

impl Limit {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
        }
    }
}

/// One measured figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: &'static str,
    /// How much; none where this system cannot tell.
    pub measured: Option<f64>,
    /// In what: `ms`, `MB`, `%`, `tokens/s`.
    pub unit: &'static str,
    /// What it should be, where that was ever said.
    pub limit: Option<Limit>,
    /// Whether the limit holds; none without a limit or a value.
    pub ok: Option<bool>,
}

impl Figure {
    /// A figure without a limit.
    pub fn new(name: &'static str, measured: impl Into<Option<f64>>, unit: &'static str) -> Self {
        // Two decimals are more than any repetition agrees on.
        let measured = measured.into().map(|value: f64| (value * 100.0).round() / 100.0);
        Self { name, measured, unit, limit: None, ok: None }
    }

    /// Holds it against a limit.
    #[must_use]
    pub fn limit(mut self, limit: Limit) -> Self {
        self.limit = Some(limit);
        self.ok = self.measured.map(|value| limit.holds(value));
        self
    }
}

/// The machine that a figure was measured on.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// The processor's own name.
    pub processor: String,
    /// Cores that the system lets this program use.
    pub cores: usize,
    /// Threads that the computation was given.
    pub threads: usize,
    /// All of its memory, in MB; none where the system does not tell.
    pub memory_mb: Option<u64>,
    /// The operating system.
    pub system: String,
    /// Processes that wanted a core in the minute before: above 0.5 the figures share the machine with others.
    pub load_before: Option<f64>,
    /// The model's file and its size in MB.
    pub model: String,
}

impl Machine {
    /// This one.
    pub fn this(threads: Option<u16>, model: &Path) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let size = fs::metadata(model).map_or(0, |file| file.len() / 1_000_000);
        let file = model.file_name().unwrap_or_default().to_string_lossy();
        Self {
            processor: processor().unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores,
            threads: threads.map_or(cores, usize::from),
            memory_mb: memory_mb(),
            system: system(),
            load_before: load(),
            model: format!("{file} ({size} MB)"),
        }
    }

    /// Lines for people.
    pub fn text(&self) -> String {
        let memory = self.memory_mb.map(|mb| format!(", {mb} MB of memory")).unwrap_or_default();
        let load = self.load_before.map(|load| format!(", load before {load:.2}")).unwrap_or_default();
        format!(
            "{}, {} cores ({} threads){memory}, {}{load}\nmodel {}\n",
            self.processor, self.cores, self.threads, self.system, self.model
        )
    }
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':')).map(str::trim)
}

fn processor() -> Option<String> {
    if let Ok(text) = fs::read_to_string("/proc/cpuinfo") {
        return field(&text, "model name").map(str::to_owned);
    }
    sysctl("machdep.cpu.brand_string")
}

fn memory_mb() -> Option<u64> {
    if let Ok(text) = fs::read_to_string("/proc/meminfo") {
        return field(&text, "MemTotal")?.strip_suffix(" kB")?.parse::<u64>().ok().map(|kb| kb / 1024);
    }
    sysctl("hw.memsize")?.parse::<u64>().ok().map(|bytes| bytes / 1024 / 1024)
}

/// A value of the system where there is no `/proc`.
fn sysctl(name: &str) -> Option<String> {
    let output = Command::new("sysctl").args(["-n", name]).output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned())
}

fn system() -> String {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let named = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    named.map_or_else(|| std::env::consts::OS.to_owned(), |name| name.trim_matches('"').to_owned())
}

fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

/// The most memory that a process ever held, in MB, mapped files included.
pub fn peak_memory_mb(process: u32) -> Option<f64> {
    memory_of(process, "VmHWM")
}

/// The memory that a process holds now, in MB, mapped files included.
pub fn memory_mb_now(process: u32) -> Option<f64> {
    memory_of(process, "VmRSS")
}

fn memory_of(process: u32, line: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    field(&status, line)?.strip_suffix(" kB")?.parse::<f64>().ok().map(|kb| kb / 1024.0)
}

/// The figures as a table.
pub fn table(figures: &[Figure]) -> String {
    let mut text = format!("{:<44} {:>12} {:>12}  {}\n", "figure", "limit", "measured", "ok");
    for figure in figures {
        let limit = match figure.limit {
            Some(Limit::AtMost(limit)) => format!("<= {limit} {}", figure.unit),
            Some(Limit::AtLeast(limit)) => format!(">= {limit} {}", figure.unit),
            None => String::new(),
        };
        let measured =
            figure.measured.map_or_else(|| "not known".to_owned(), |value| format!("{value} {}", figure.unit));
        let ok = match figure.ok {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "",
        };
        let line = format!("{:<44} {limit:>12} {measured:>12}  {ok}", figure.name);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Measured times, in milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<f64>);

impl Times {
    /// Takes one more.
    pub fn push(&mut self, ms: f64) {
        self.0.push(ms);
    }

    /// The value that `share` per cent of the times do not exceed (nearest rank); none of no times.
    pub fn at(&self, share: usize) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (sorted.len() * share).div_ceil(100).max(1);
        sorted.get(rank - 1).copied()
    }
}

impl FromIterator<f64> for Times {
    fn from_iter<I: IntoIterator<Item = f64>>(times: I) -> Self {
        Self(times.into_iter().collect())
    }
}

/// Milliseconds since a moment.
pub fn ms_since(moment: std::time::Instant) -> f64 {
    moment.elapsed().as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let times: Times = (1..=100).rev().map(f64::from).collect();
        assert_eq!([times.at(50), times.at(95), times.at(99), times.at(100)], [50.0, 95.0, 99.0, 100.0].map(Some));
        assert_eq!(Times::from_iter([3.0, 1.0, 2.0]).at(50), Some(2.0));
        assert_eq!(Times::from_iter([7.0]).at(99), Some(7.0));
        assert_eq!(Times::default().at(50), None);
    }

    #[test]
    fn limits_are_held_in_their_direction() {
        let slow = Figure::new("a", 1.239, "ms").limit(Limit::AtMost(1.0));
        assert_eq!((slow.measured, slow.ok), (Some(1.24), Some(false)));
        assert_eq!(Figure::new("b", 96.0, "%").limit(Limit::AtLeast(95.0)).ok, Some(true));
        assert_eq!(Figure::new("c", None, "MB").limit(Limit::AtMost(900.0)).ok, None);
    }

    #[test]
    fn the_table_shows_limit_value_and_verdict() {
        let text =
            table(&[Figure::new("start", 900.0, "ms").limit(Limit::AtMost(3000.0)), Figure::new("x", None, "MB")]);
        assert!(text.contains("<= 3000 ms") && text.contains("900 ms  yes") && text.contains("not known"), "{text}");
    }
}
