//! The thread that sends traces, and the queue before it.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use super::{Endpoint, Trace};
use crate::{
    mlflow::{Mlflow, MlflowError},
    service::ServiceError,
};

/// Traces that wait for one receiver: some megabytes at most.
const WAITING: usize = 1_024;
/// Traces of one request.
const TOGETHER: usize = 64;
/// How long a trace waits for others.
const GATHER: Duration = Duration::from_secs(1);
/// The first pause after a failure; each further one is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Who receives traces.
#[derive(Clone, Debug)]
pub enum Sink {
    /// A collector.
    Collector(Endpoint),
    /// An MLflow server, and the name of the experiment, which is looked up when the first trace goes there.
    Mlflow(Mlflow, String),
}

/// How many traces went where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Taken by their receiver.
    pub sent: u64,
    /// Dropped: the queue was full, or the receiver declined them.
    pub dropped: u64,
}

/// Sends traces to its receivers, each on a thread of its own.
#[derive(Debug)]
pub struct Tracer {
    lines: Vec<Arc<Line>>,
}

/// A queue before one receiver.
#[derive(Debug, Default)]
struct Line {
    state: Mutex<State>,
    changed: Condvar,
    sent: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Arc<Trace>>,
    /// Traces that are on their way.
    travelling: usize,
    closing: bool,
}

impl Tracer {
    /// Starts a thread for each receiver.
    #[must_use]
    pub fn start(sinks: Vec<Sink>) -> Self {
        let start = |sink: Sink| {
            let line = Arc::new(Line::default());
            let worker = Worker { line: Arc::clone(&line), sink, known: None, warned: false };
            match thread::Builder::new().name("traces".to_owned()).spawn(move || worker.run()) {
                Ok(_) => Some(line),
                Err(error) => {
                    tracing::warn!(%error, "turns are not traced: the thread cannot be started");
                    None
                }
            }
        };
        Self { lines: sinks.into_iter().filter_map(start).collect() }
    }

    /// Takes a trace. It never waits for a receiver.
    pub fn record(&self, trace: Trace) {
        let trace = Arc::new(trace);
        for line in &self.lines {
            let mut state = line.lock();
            if state.waiting.len() >= WAITING {
                line.dropped.fetch_add(1, Relaxed);
                continue;
            }
            state.waiting.push_back(Arc::clone(&trace));
            drop(state);
            line.changed.notify_all();
        }
    }

    /// How many went where, all receivers together.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.lines.iter().fold(Counts::default(), |sum, line| Counts {
            sent: sum.sent + line.sent.load(Relaxed),
            dropped: sum.dropped + line.dropped.load(Relaxed),
        })
    }

    /// Sends what waits, for so long at most; what is recorded afterwards may be lost. Tells whether all was taken.
    #[must_use]
    pub fn close(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let before = self.counts().dropped;
        for line in &self.lines {
            line.lock().closing = true;
            line.changed.notify_all();
        }
        let empty = self.lines.iter().all(|line| {
            let mut state = line.lock();
            while !(state.waiting.is_empty() && state.travelling == 0) {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return false;
                }
                state = line.wait(state, left);
            }
            true
        });
        empty && self.counts().dropped == before
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = self.close(Duration::ZERO);
    }
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, at_most: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, at_most).unwrap_or_else(PoisonError::into_inner).0
    }

    /// The next traces to send; none where all is over.
    fn next(&self) -> Option<Vec<Arc<Trace>>> {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if state.closing {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let since = Instant::now();
        while !state.closing && state.waiting.len() < TOGETHER && since.elapsed() < GATHER {
            state = self.wait(state, GATHER.saturating_sub(since.elapsed()));
        }
        let many = state.waiting.len().min(TOGETHER);
        state.travelling = many;
        Some(state.waiting.drain(..many).collect())
    }

    fn arrived(&self) {
        self.lock().travelling = 0;
        self.changed.notify_all();
    }

    /// A pause that ends early where the program does. Tells whether it did.
    fn pause(&self, time: Duration) -> bool {
        let (since, mut state) = (Instant::now(), self.lock());
        while !state.closing && since.elapsed() < time {
            state = self.wait(state, time.saturating_sub(since.elapsed()));
        }
        state.closing
    }
}

struct Worker {
    line: Arc<Line>,
    sink: Sink,
    known: Option<Endpoint>,
    warned: bool,
}

impl Worker {
    fn run(mut self) {
        while let Some(traces) = self.line.next() {
            let many = traces.len() as u64;
            if self.deliver(&traces) {
                self.line.sent.fetch_add(many, Relaxed);
            } else {
                self.line.dropped.fetch_add(many, Relaxed);
            }
            self.line.arrived();
        }
    }

    /// Sends until they are taken or declined.
    fn deliver(&mut self, traces: &[Arc<Trace>]) -> bool {
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.send(traces) {
                Ok(()) => {
                    self.warned = false;
                    return true;
                }
                Err(error) => error,
            };
            // Once a trouble: a collector that is away for a day is one line of the log.
            if !std::mem::replace(&mut self.warned, true) {
                tracing::warn!(%error, "traces are not taken; turns go on");
            }
            let passing =
                matches!(error, MlflowError::Service(ServiceError::Unreachable { .. } | ServiceError::Unwell { .. }));
            if !passing || self.line.pause(pause) {
                return false;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn send(&mut self, traces: &[Arc<Trace>]) -> Result<(), MlflowError> {
        let endpoint = match (&self.known, &self.sink) {
            (Some(endpoint), _) | (None, Sink::Collector(endpoint)) => endpoint.clone(),
            (None, Sink::Mlflow(mlflow, experiment)) => {
                Endpoint::mlflow(mlflow, &mlflow.experiment(experiment)?, None)?
            }
        };
        endpoint.send(traces)?;
        self.known = Some(endpoint);
        Ok(())
    }
}
