//! The engine as others see it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use concierge::ports::{
    Engine, EngineError, EngineInfo, FinishReason, Generation, GenerationEnd, GenerationEvent, GenerationRequest,
    Timings, Usage,
};
use futures::{StreamExt, future::join_all, stream};
use tokio::{
    runtime::Handle,
    sync::mpsc::{self, Sender},
    task::AbortHandle,
    time::{sleep, timeout},
};

use crate::{
    EndpointSnapshot, RemoteConfig, RemoteError,
    breaker::State,
    call::{Caller, Failure},
    pool::Pool,
};

/// Words that may wait for a slow reader before the endpoint is slowed too.
const WORDS_WAITING: usize = 64;

/// The language model behind endpoints.
pub struct Remote {
    shared: Arc<Shared>,
    runtime: Handle,
    health: AbortHandle,
}

struct Shared {
    caller: Caller,
    config: RemoteConfig,
    pool: Pool,
    running: AtomicU32,
    retries: AtomicU64,
    refused: AtomicU64,
    cancelled: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Replies under way.
    pub running: u32,
    /// Calls made again before a first word.
    pub retries: u64,
    /// Requests refused as there was no room.
    pub refused: u64,
    /// Replies whose guest left.
    pub cancelled: u64,
    /// Each endpoint.
    pub endpoints: Vec<EndpointSnapshot>,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("snapshot", &self.snapshot()).finish_non_exhaustive()
    }
}

impl Remote {
    /// Begins to look after the endpoints, on the given runtime; see [`Remote::look`].
    ///
    /// # Errors
    /// Where this machine's TLS cannot be set up.
    pub fn start(config: RemoteConfig, runtime: Handle) -> Result<Self, EngineError> {
        let caller = Caller::new(config.clone()).map_err(|error| EngineError::NotReady(error.to_string()))?;
        let shared = Arc::new(Shared {
            caller,
            pool: Pool::new(config.addresses.clone()),
            config,
            running: AtomicU32::new(0),
            retries: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
        });
        let watched = Arc::clone(&shared);
        let health = runtime.spawn(async move {
            loop {
                sleep(watched.config.health_interval).await;
                watched.look().await;
            }
        });
        Ok(Self { shared, runtime, health: health.abort_handle() })
    }

    /// Looks at every endpoint now, and says how many answer; until then it is not known which models they list.
    pub async fn look(&self) -> usize {
        self.shared.look().await
    }

    /// Whether any endpoint is well.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.shared.pool.snapshot().iter().any(|endpoint| endpoint.state == State::Closed)
    }

    /// The counters.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let shared = &self.shared;
        Snapshot {
            running: shared.running.load(Relaxed),
            retries: shared.retries.load(Relaxed),
            refused: shared.refused.load(Relaxed),
            cancelled: shared.cancelled.load(Relaxed),
            endpoints: shared.pool.snapshot(),
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.health.abort();
    }
}

impl Engine for Remote {
    fn start(&self, request: GenerationRequest) -> Result<Generation, EngineError> {
        let limit = self.shared.config.replies;
        let room = |running: u32| (running < limit).then_some(running + 1);
        if self.shared.running.fetch_update(Relaxed, Relaxed, room).is_err() {
            self.shared.refused.fetch_add(1, Relaxed);
            return Err(EngineError::Overloaded { retry_after_s: 2 });
        }
        let place = Place(Arc::clone(&self.shared));
        let (words, mut inbox) = mpsc::channel(WORDS_WAITING);
        self.runtime.spawn(async move {
            let shared = &place.0;
            tokio::select! {
                () = shared.reply(&request, &words) => {}
                () = words.closed() => {
                    shared.cancelled.fetch_add(1, Relaxed);
                }
            }
        });
        Ok(stream::poll_fn(move |cx| inbox.poll_recv(cx)).boxed())
    }

    fn info(&self) -> EngineInfo {
        let config = &self.shared.config;
        EngineInfo { model: config.model.clone(), context_tokens: config.context_tokens }
    }
}

/// A reply's place, given back when its task ends, however it ends.
struct Place(Arc<Shared>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Relaxed);
    }
}

impl Shared {
    async fn look(&self) -> usize {
        let due = self.pool.endpoints().iter().filter(|endpoint| endpoint.may_be_looked_at());
        let looks = join_all(due.map(|endpoint| self.caller.look_at(endpoint))).await;
        looks.iter().filter(|look| look.is_ok()).count()
    }

    /// A whole reply, to its one last event.
    async fn reply(&self, request: &GenerationRequest, words: &Sender<GenerationEvent>) {
        let last = match timeout(self.config.reply_time_limit, self.attempts(request, words)).await {
            Ok(Ok(end)) => GenerationEvent::Done(end),
            Ok(Err(error)) => GenerationEvent::Failed(error),
            Err(_) => GenerationEvent::Done(GenerationEnd {
                reason: FinishReason::Timeout,
                usage: Usage::default(),
                timings: Timings::default(),
            }),
        };
        let _unheard = words.send(last).await;
    }

    async fn attempts(
        &self,
        request: &GenerationRequest,
        words: &Sender<GenerationEvent>,
    ) -> Result<GenerationEnd, EngineError> {
        let mut tried = Vec::new();
        let mut failure = None;
        for attempt in 0..self.config.attempts.max(1) {
            let Some(lease) = self.pool.choose(&tried) else { break };
            let endpoint = &lease.0;
            if attempt > 0 {
                self.retries.fetch_add(1, Relaxed);
                if tried.contains(&endpoint.address) {
                    sleep(self.pause(attempt)).await;
                }
            }
            match self.caller.reply(endpoint, request, words).await {
                Ok(end) => {
                    endpoint.replied();
                    return Ok(end);
                }
                Err(Failure { error, said }) => {
                    endpoint.failed(&error);
                    tracing::debug!(endpoint = %endpoint.address, %error, attempt, said, "a call failed");
                    if said || !error.may_pass() {
                        return Err(error.for_caller(said));
                    }
                    tried.push(endpoint.address.clone());
                    failure = Some(error);
                }
            }
        }
        // Everybody is given up for now, or the last word of those that were tried.
        Err(failure.unwrap_or(RemoteError::Unreachable).for_caller(false))
    }

    /// The pause doubles, and differs between those who wait, so that they do not all come back at once.
    fn pause(&self, attempt: u32) -> Duration {
        let whole = self.config.backoff * (1 << attempt.saturating_sub(1).min(8));
        whole.mul_f64(rand::random_range(0.5..1.5))
    }
}
