//! What a run tells the outside while it goes on.

use crate::train::TrainReport;
use serde::{Serialize, Serializer};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

/// Something that happened in a run. As JSON it is an object whose `event` names it; times are in seconds.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum TrainEvent<'a> {
    /// Everything is read and checked; training begins.
    Started {
        /// The first step to be done, counted from 0 (more than 0 when resumed).
        first_step: usize,
        /// Steps in all.
        steps: usize,
        /// Training examples.
        examples: usize,
        /// Tokens of all training examples.
        tokens: usize,
        /// Numbers that are trained.
        parameters: usize,
    },
    /// A step is done.
    Step {
        /// Counted from 1.
        step: usize,
        /// Steps in all.
        steps: usize,
        /// Mean loss a reply token.
        loss: f64,
        /// The learning rate used.
        learning_rate: f64,
        /// Length of the gradient before clipping.
        gradient: f64,
        /// Tokens fed in, a second, prompts included.
        tokens_per_second: f64,
        /// Time left, from the pace so far.
        #[serde(serialize_with = "seconds")]
        left: Duration,
    },
    /// The validation loss was measured.
    Validated {
        /// Steps done.
        step: usize,
        /// Mean loss a reply token.
        loss: f64,
    },
    /// The state was saved.
    Checkpoint {
        /// Steps done.
        step: usize,
        /// The file to resume from.
        path: &'a Path,
    },
    /// The run is over and the adapter is written.
    Finished(&'a TrainReport),
    /// The run has failed.
    Failed {
        /// Steps done.
        step: usize,
        /// Why.
        message: &'a str,
    },
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

/// Told of every event of a run: a progress bar, a log, an experiment tracker.
pub trait TrainListener: Send {
    /// `Break` asks the run to stop after this step; it saves its state and reports as usual.
    fn on_event(&mut self, event: &TrainEvent<'_>) -> ControlFlow<()>;
}

/// A listener that only listens.
impl TrainListener for () {
    fn on_event(&mut self, _event: &TrainEvent<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Tells several listeners; one that asks to stop is enough.
impl TrainListener for Vec<Box<dyn TrainListener>> {
    fn on_event(&mut self, event: &TrainEvent<'_>) -> ControlFlow<()> {
        let mut flow = ControlFlow::Continue(());
        for listener in self {
            if listener.on_event(event).is_break() {
                flow = ControlFlow::Break(());
            }
        }
        flow
    }
}
