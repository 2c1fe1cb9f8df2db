//! The turns that run and those that ended a short while ago.
//!
//! A turn runs in its own task, apart from the requests that watch it: a line may drop and come back without the
//! reply noticing. When nobody has watched for 0.8 s, or the guest says stop, the turn is cancelled.

use std::{
    collections::{HashMap, VecDeque},
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use concierge::ports::{FinishReason, Usage};
use futures::{FutureExt, Stream, StreamExt};
use tokio::time::{sleep, timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::info;

use super::{
    events::EventLog,
    pace::Pace,
    ports::{Claimed, Concierge, EventSink, TurnRequest},
    wire::{Done, SessionId, TurnEvent, TurnId, TurnStarted, TurnTimings},
};
use crate::http::{
    ApiError, ErrorCode,
    access::RequestId,
    metrics::{Counter, Gauge, Page},
};

/// How long a turn goes on after its last listener left. A browser that lost the line is back sooner: the stream
/// tells it to come back after 300 ms.
const ABANDONED_AFTER: Duration = Duration::from_millis(800);
/// How long a cancelled turn may take to end by itself.
const CANCEL_PATIENCE: Duration = Duration::from_secs(2);
/// How long the events of an ended turn can be read again.
const KEPT_FOR: Duration = Duration::from_secs(300);
/// Ended turns kept; the oldest go first.
const KEPT_AT_MOST: usize = 2_000;
/// Events of one turn; a reply has a few hundred.
const EVENTS_AT_MOST: usize = 16_384;

/// One turn.
pub struct Turn {
    id: TurnId,
    session: SessionId,
    log: Arc<EventLog<TurnEvent>>,
    cancelled: CancellationToken,
    reason: OnceLock<FinishReason>,
    listeners: AtomicUsize,
    heard: AtomicUsize,
    started: Instant,
    first_token: OnceLock<Duration>,
    failed: AtomicBool,
}

/// A guest's message on its way to a turn.
pub struct Message {
    /// The words.
    pub text: String,
    /// The id in the logs.
    pub request: RequestId,
    /// The turn that the client's key stands for, where one was sent.
    pub claimed: Option<Claimed>,
}

impl Turn {
    pub(super) fn push(&self, event: TurnEvent) {
        if event.is_last() {
            return;
        }
        if matches!(event, TurnEvent::Token(_)) {
            let _ = self.first_token.set(self.started.elapsed());
        }
        if !self.log.push(event) {
            self.cancel(FinishReason::Length);
        }
    }

    pub(super) const fn started(&self) -> Instant {
        self.started
    }

    pub(super) fn cancel_reason(&self) -> FinishReason {
        self.reason.get().copied().unwrap_or(FinishReason::Cancelled)
    }

    /// Ends the turn; the first reason counts.
    pub fn cancel(&self, reason: FinishReason) {
        let _ = self.reason.set(reason);
        self.cancelled.cancel();
    }

    /// Its id.
    pub const fn id(&self) -> &TurnId {
        &self.id
    }

    /// The events after the id `seen`, as long as the guest listens.
    pub fn follow(self: &Arc<Self>, seen: u64) -> impl Stream<Item = (u64, Arc<TurnEvent>)> + Send + use<> {
        let listening = Listening::new(Arc::clone(self));
        self.log.follow(seen).map(move |event| {
            let _held = &listening;
            event
        })
    }

    fn failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    fn end(&self, result: Result<Done, ApiError>) -> &'static str {
        match result {
            Ok(mut done) => {
                done.timings.first_token_ms = self.first_token.get().map(|time| time.as_secs_f64() * 1e3);
                done.timings.total_ms = self.started.elapsed().as_secs_f64() * 1e3;
                let outcome = outcome(done.finish_reason);
                self.log.close_with(TurnEvent::Done(done));
                outcome
            }
            Err(error) => {
                self.failed.store(true, Ordering::SeqCst);
                self.log.close_with(TurnEvent::Error(error));
                "error"
            }
        }
    }
}

const fn outcome(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
        FinishReason::Timeout => "timeout",
        FinishReason::Cancelled => "cancelled",
    }
}

/// Counts a listener for as long as it is held.
struct Listening(Arc<Turn>);

impl Listening {
    fn new(turn: Arc<Turn>) -> Self {
        turn.listeners.fetch_add(1, Ordering::SeqCst);
        turn.heard.fetch_add(1, Ordering::SeqCst);
        Self(turn)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let turn = Arc::clone(&self.0);
        let left = turn.listeners.fetch_sub(1, Ordering::SeqCst) == 1;
        if !left || turn.log.is_closed() {
            return;
        }
        let heard = turn.heard.load(Ordering::SeqCst);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            sleep(ABANDONED_AFTER).await;
            // Nobody came back in the meantime, not even for a moment.
            if turn.heard.load(Ordering::SeqCst) == heard {
                turn.cancel(FinishReason::Cancelled);
            }
        });
    }
}

/// All turns of this brain.
pub struct Turns {
    state: Mutex<State>,
    tasks: TaskTracker,
    reply_timeout: Duration,
    counts: Counts,
}

#[derive(Default)]
struct State {
    turns: HashMap<TurnId, Arc<Turn>>,
    running: HashMap<SessionId, Arc<Turn>>,
    ended: VecDeque<(Instant, TurnId)>,
    pace: Pace,
}

#[derive(Default)]
struct Counts {
    running: Gauge,
    stop: Counter,
    cancelled: Counter,
    timeout: Counter,
    length: Counter,
    error: Counter,
}

impl Turns {
    /// None yet. A turn that takes longer than `reply_timeout` is cancelled.
    #[must_use]
    pub fn new(reply_timeout: Duration) -> Arc<Self> {
        let state = Mutex::new(State::default());
        Arc::new(Self { state, tasks: TaskTracker::new(), reply_timeout, counts: Counts::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a turn, or finds the one that `message` has already. `label` is the session's name in the `turn` event.
    ///
    /// A session has one turn at a time, since two would talk into each other and race for the cart. Where the running
    /// one is being left, it is ended first; else the second message is refused and may be sent again.
    pub async fn start(
        self: &Arc<Self>,
        concierge: Arc<dyn Concierge>,
        session: SessionId,
        label: String,
        message: Message,
    ) -> Result<Arc<Turn>, ApiError> {
        let known = message.claimed.as_ref().filter(|claimed| claimed.known).map(|claimed| &claimed.turn);
        // A turn that failed is tried again.
        if let Some(turn) = known.and_then(|id| self.of_session(&session, id).ok()).filter(|turn| !turn.failed()) {
            return Ok(turn);
        }
        self.wait_for_the_last(&session).await?;
        let id = message.claimed.as_ref().map_or_else(TurnId::random, |claimed| claimed.turn.clone());
        let turn = self.register(session, id)?;
        turn.log.push(TurnEvent::Turn(TurnStarted { turn_id: turn.id.clone(), session_id: label }));
        self.tasks.spawn(run(Arc::clone(self), concierge, Arc::clone(&turn), message));
        Ok(turn)
    }

    async fn wait_for_the_last(&self, session: &SessionId) -> Result<(), ApiError> {
        let running = self.state().running.get(session).cloned();
        let Some(turn) = running else { return Ok(()) };
        let left = turn.heard.load(Ordering::SeqCst) > 0 && turn.listeners.load(Ordering::SeqCst) == 0;
        if left {
            turn.cancel(FinishReason::Cancelled);
        }
        if turn.cancelled.is_cancelled() {
            // Its events end when it does.
            let ended = turn.log.follow(u64::MAX).for_each(|_| async {});
            if timeout(CANCEL_PATIENCE + Duration::from_millis(200), ended).await.is_ok() {
                return Ok(());
            }
        }
        Err(turn_running())
    }

    fn register(&self, session: SessionId, id: TurnId) -> Result<Arc<Turn>, ApiError> {
        let mut state = self.state();
        state.forget_old();
        if state.running.contains_key(&session) {
            return Err(turn_running());
        }
        if let Some(seconds) = state.pace.busy_for(state.running.len()) {
            let busy = "All of our staff are busy. Please try again in a moment.";
            return Err(ApiError::new(ErrorCode::Overloaded, busy).retry_after(seconds));
        }
        let turn = Arc::new(Turn {
            id,
            session: session.clone(),
            log: Arc::new(EventLog::new(EVENTS_AT_MOST)),
            cancelled: CancellationToken::new(),
            reason: OnceLock::new(),
            listeners: AtomicUsize::new(0),
            heard: AtomicUsize::new(0),
            started: Instant::now(),
            first_token: OnceLock::new(),
            failed: AtomicBool::new(false),
        });
        state.ended.retain(|(_, id)| *id != turn.id);
        state.turns.insert(turn.id.clone(), Arc::clone(&turn));
        state.running.insert(session, Arc::clone(&turn));
        self.counts.running.add(1);
        Ok(turn)
    }

    fn ended(&self, turn: &Turn, outcome: &'static str) {
        let mut state = self.state();
        let now = Instant::now();
        state.running.remove(&turn.session);
        state.ended.push_back((now, turn.id.clone()));
        let left = state.running.len();
        state.pace.ended(now, left);
        drop(state);
        self.counts.running.add(-1);
        match outcome {
            "stop" => &self.counts.stop,
            "length" => &self.counts.length,
            "timeout" => &self.counts.timeout,
            "cancelled" => &self.counts.cancelled,
            _ => &self.counts.error,
        }
        .add_one();
    }

    /// A turn of this session; another guest's looks as if it did not exist.
    pub fn of_session(&self, session: &SessionId, turn: &TurnId) -> Result<Arc<Turn>, ApiError> {
        let mut state = self.state();
        state.forget_old();
        state.turns.get(turn).filter(|turn| turn.session == *session).cloned().ok_or_else(ApiError::turn_unknown)
    }

    /// How many are running.
    pub fn running(&self) -> usize {
        self.state().running.len()
    }

    /// Waits until none is running; those that still run after `grace` are cancelled.
    pub async fn drain(&self, grace: Duration) {
        self.tasks.close();
        if timeout(grace, self.tasks.wait()).await.is_err() {
            let running: Vec<_> = self.state().running.values().cloned().collect();
            for turn in running {
                turn.cancel(FinishReason::Cancelled);
            }
            let _ = timeout(CANCEL_PATIENCE, self.tasks.wait()).await;
        }
    }

    /// Writes the lines for Prometheus.
    pub fn metrics(&self, page: &mut Page) {
        page.gauge("gemma_burger_turns_running", "Turns being answered.", self.counts.running.get());
        page.head("gemma_burger_turns_total", "counter", "Turns by how they ended.");
        let counts = &self.counts;
        for (outcome, counter) in [
            ("stop", &counts.stop),
            ("length", &counts.length),
            ("timeout", &counts.timeout),
            ("cancelled", &counts.cancelled),
            ("error", &counts.error),
        ] {
            page.value("gemma_burger_turns_total", &format!("{{outcome=\"{outcome}\"}}"), counter.get());
        }
    }
}

impl State {
    fn forget_old(&mut self) {
        while self.ended.front().is_some_and(|(at, _)| self.ended.len() > KEPT_AT_MOST || at.elapsed() > KEPT_FOR) {
            if let Some((_, id)) = self.ended.pop_front() {
                self.turns.remove(&id);
            }
        }
    }
}

fn turn_running() -> ApiError {
    ApiError::new(ErrorCode::TurnRunning, "Your last message is still being answered. Wait for its end, or stop it.")
        .retry_after(1)
}

/// Runs a turn to its one last event, whatever happens within.
async fn run(turns: Arc<Turns>, concierge: Arc<dyn Concierge>, turn: Arc<Turn>, message: Message) {
    let Message { text, request, claimed } = message;
    let ask = TurnRequest {
        session: turn.session.clone(),
        turn: turn.id.clone(),
        request: request.clone(),
        text,
        repeated: claimed.is_some_and(|claimed| claimed.known),
    };
    let sink = EventSink::new(Arc::clone(&turn));
    let cancelled = turn.cancelled.clone();
    let work = AssertUnwindSafe(concierge.turn(ask, &sink, cancelled.clone())).catch_unwind();
    let cut = async {
        if timeout(turns.reply_timeout, cancelled.cancelled()).await.is_err() {
            turn.cancel(FinishReason::Timeout);
        }
        sleep(CANCEL_PATIENCE).await;
    };
    let result = tokio::select! {
        result = work => result.unwrap_or_else(|_| Err(ApiError::internal())),
        () = cut => Ok(Done { finish_reason: turn.cancel_reason(), usage: Usage::default(), timings: TurnTimings::default() }),
    };
    let code = result.as_ref().err().map(|error| error.code);
    let tokens = result.as_ref().map_or(0, |done| done.usage.completion_tokens);
    // The session is free before its guest learns of the end, so that an answer sent at once finds it so.
    let outcome = match &result {
        Ok(done) => outcome(done.finish_reason),
        Err(_) => "error",
    };
    turns.ended(&turn, outcome);
    turn.end(result);
    info!(
        tier = "brain",
        request_id = request.as_str(),
        turn_id = turn.id.as_str(),
        session = turn.session.short(),
        outcome,
        code = code.map(|code| format!("{code:?}")),
        tokens,
        first_token_ms = turn.first_token.get().map(|time| time.as_millis()),
        ms = turn.started.elapsed().as_millis(),
        "turn"
    );
}
