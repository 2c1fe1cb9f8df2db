//! A tier of the product in a process of its own.

use std::{
    collections::VecDeque,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, Command},
};

use crate::cli::Failure;

/// The last lines of its log that are kept to say why it ended.
const LINES_KEPT: usize = 5;

/// A running command of this same program; it ends when this is dropped.
pub struct Tier {
    command: &'static str,
    process: Child,
    lines: Option<Lines<BufReader<ChildStderr>>>,
    last: Last,
}

type Last = Arc<Mutex<VecDeque<String>>>;

impl Tier {
    /// Starts a command with the given flags.
    pub fn start(command: &'static str, flags: Vec<String>) -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(|error| Failure::new(format!("this program: {error}")))?;
        let mut process = Command::new(program)
            .arg(command)
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Failure::new(format!("`{command}` cannot be started: {error}")))?;
        let lines = process.stderr.take().map(|stderr| BufReader::new(stderr).lines());
        Ok(Self { command, process, lines, last: Last::default() })
    }

    /// Waits until it tells where it listens.
    pub async fn url(&mut self) -> Result<String, Failure> {
        let mut lines = self.lines.take().ok_or_else(|| self.broke_off())?;
        loop {
            let line = lines.next_line().await.ok().flatten().ok_or_else(|| self.broke_off())?;
            if let Some(at) = line.split_whitespace().find(|word| word.starts_with("http://localhost:")) {
                let url = at.trim_end_matches(',').replace("localhost", "127.0.0.1");
                drain(lines, Arc::clone(&self.last));
                return Ok(url);
            }
            keep(&self.last, line);
        }
    }

    /// Its process, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.process.try_wait().ok().flatten().is_some()
    }

    /// Ends it.
    pub async fn end(mut self) {
        // It is gone in either case: what is dropped is killed.
        let _ = self.process.kill().await;
    }

    /// Why it is of no use, as far as its log tells.
    pub fn broke_off(&self) -> Failure {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<&str> = last.iter().map(String::as_str).collect();
        let command = self.command;
        Failure::new(format!("`{command}` did not get ready: {}", lines.join(" / ")))
            .hint(format!("try `gemma-burger {command}` by itself"))
    }
}

fn keep(last: &Last, line: String) {
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    last.push_back(line);
    if last.len() > LINES_KEPT {
        last.pop_front();
    }
}

/// Reads on, since a process whose lines nobody reads stands still.
fn drain(mut lines: Lines<BufReader<ChildStderr>>, last: Last) {
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            keep(&last, line);
        }
    });
}
