//! A thread that brings journals to the server while a run goes on, and comes back when it was away.

use std::{
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::{
    Mlflow, MlflowError,
    delivery::deliver,
    journal::{Entry, Journal, Pen, State},
};

/// Points of so long travel together.
const GATHER: Duration = Duration::from_secs(1);
/// The first pause after a failure; each further one is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The pause between tries once the run is over and somebody waits.
const LAST_PAUSE: Duration = Duration::from_millis(500);

/// What came of a run's journal.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What has arrived.
    pub state: State,
    /// Points that have not.
    pub points_left: usize,
    /// Why not.
    pub trouble: Option<String>,
    /// Whether everything is there.
    pub whole: bool,
}

/// Takes a run's entries and brings them to the server. Taking one never waits for the server.
pub struct Courier {
    journal: Journal,
    pen: Pen,
    shared: Arc<Shared>,
}

struct Shared {
    turn: Mutex<Turn>,
    changed: Condvar,
}

/// Whose turn it is.
#[derive(Default)]
struct Turn {
    /// Bytes of the journal.
    written: u64,
    /// The run is over: somebody waits.
    closing: bool,
    /// Nobody waits any more.
    given_up: bool,
    /// The thread has nothing left to do.
    idle: bool,
    trouble: Option<(String, Instant)>,
    denied: bool,
}

impl Courier {
    /// Starts for a journal; older ones of the same folder that did not arrive go first. `told` hears of the first
    /// failure, and of the way back.
    #[must_use]
    pub fn start(mlflow: Mlflow, journal: Journal, pen: Pen, told: impl Fn(&str) + Send + 'static) -> Self {
        let turn = Turn { written: pen.length(), ..Turn::default() };
        let shared = Arc::new(Shared { turn: Mutex::new(turn), changed: Condvar::new() });
        let worker = Worker { mlflow, journal: journal.clone(), shared: Arc::clone(&shared) };
        let spawned = thread::Builder::new().name("mlflow".to_owned()).spawn(move || worker.run(&told));
        if let Err(error) = spawned {
            // The journal is kept all the same.
            shared.lock().trouble = Some((format!("the thread cannot be started: {error}"), Instant::now()));
            shared.lock().denied = true;
        }
        Self { journal, pen, shared }
    }

    /// Takes an entry: on the disk when this returns.
    ///
    /// # Errors
    /// The disk is full.
    pub fn take(&mut self, entry: &Entry) -> Result<(), MlflowError> {
        self.pen.append(entry)?;
        self.shared.lock().written = self.pen.length();
        self.shared.changed.notify_all();
        Ok(())
    }

    /// Waits until everything has arrived, or the server has been away for so long.
    #[must_use]
    pub fn finish(self, patience: Duration) -> Outcome {
        let mut turn = self.shared.lock();
        turn.closing = true;
        // An earlier failure is no reason to give up now.
        if let Some((_, since)) = &mut turn.trouble {
            *since = Instant::now();
        }
        self.shared.changed.notify_all();
        let lost = |turn: &Turn| turn.denied || turn.trouble.as_ref().is_some_and(|(_, at)| at.elapsed() > patience);
        while !turn.idle && !lost(&turn) {
            turn = self.shared.wait(turn, LAST_PAUSE);
        }
        turn.given_up = true;
        let trouble = turn.trouble.take().map(|(reason, _)| reason);
        drop(turn);
        self.shared.changed.notify_all();
        outcome(&self.journal, trouble)
    }
}

/// Sends what is left of a run's journals, and waits for it.
///
/// # Errors
/// The first failure; what arrived before counts.
pub fn send_all(mlflow: &Mlflow, folder: &Path) -> Result<Vec<Outcome>, MlflowError> {
    let journals = Journal::all(folder);
    journals.iter().map(|journal| deliver(mlflow, journal).map(|_| outcome(journal, None))).collect()
}

fn outcome(journal: &Journal, trouble: Option<String>) -> Outcome {
    let (state, points_left, whole) = (journal.state(), journal.points_left(), journal.is_sent());
    Outcome { state, points_left, trouble: trouble.filter(|_| !whole), whole }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, turn: MutexGuard<'a, Turn>, at_most: Duration) -> MutexGuard<'a, Turn> {
        self.changed.wait_timeout(turn, at_most).unwrap_or_else(PoisonError::into_inner).0
    }
}

struct Worker {
    mlflow: Mlflow,
    journal: Journal,
    shared: Arc<Shared>,
}

impl Worker {
    fn run(&self, told: &dyn Fn(&str)) {
        let mut pause = FIRST_PAUSE;
        let mut older: Vec<Journal> =
            Journal::all(self.journal.folder()).into_iter().filter(|other| *other != self.journal).collect();
        loop {
            older.retain(|journal| !journal.is_sent());
            // Today's run is what somebody looks at; what is left of others comes after it.
            let sent = deliver(&self.mlflow, &self.journal).and_then(|state| {
                older.iter().try_for_each(|other| deliver(&self.mlflow, other).map(drop)).map(|()| state)
            });
            let mut turn = self.shared.lock();
            match sent {
                Ok(state) => {
                    if turn.trouble.take().is_some() {
                        told("MLflow is back; everything since is on its way");
                    }
                    pause = FIRST_PAUSE;
                    if turn.given_up || (turn.closing && state.sent >= turn.written) {
                        turn.idle = true;
                        self.shared.changed.notify_all();
                        return;
                    }
                    // A moment for more points, then until there are some.
                    let gather = Instant::now();
                    while !turn.closing && (gather.elapsed() < GATHER || state.sent >= turn.written) {
                        turn = self.shared.wait(turn, GATHER);
                    }
                }
                Err(error) => {
                    if turn.trouble.is_none() {
                        told(&format!("{error}. Training goes on; what it tells is kept and sent later."));
                        turn.trouble = Some((error.to_string(), Instant::now()));
                    }
                    turn.denied = error.is_denied();
                    if turn.given_up || turn.denied {
                        self.shared.changed.notify_all();
                        return;
                    }
                    let since = Instant::now();
                    while !turn.given_up && since.elapsed() < if turn.closing { LAST_PAUSE } else { pause } {
                        turn = self.shared.wait(turn, LAST_PAUSE);
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }
}
