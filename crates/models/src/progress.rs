//! How far a download has come, told to whoever wants to know.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Receives the state of a download. One step at a time: `start`, any number of `advance`, `finish`.
pub trait Progress {
    /// A step begins; `total` is its length in bytes where it is known.
    fn start(&mut self, what: &str, total: Option<u64>);
    /// Bytes done of the running step, from its beginning.
    fn advance(&mut self, done: u64);
    /// The running step is over.
    fn finish(&mut self);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn start(&mut self, _: &str, _: Option<u64>) {}
    fn advance(&mut self, _: u64) {}
    fn finish(&mut self) {}
}

/// Bars on standard error for people; hidden by itself where standard error is not a terminal.
#[must_use]
pub fn bars() -> Box<dyn Progress> {
    Box::new(Bars { bar: None })
}

struct Bars {
    bar: Option<ProgressBar>,
}

impl Progress for Bars {
    fn start(&mut self, what: &str, total: Option<u64>) {
        let template = if total.is_some() {
            "{msg}  {bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {eta}"
        } else {
            "{msg}  {spinner} {bytes}  {bytes_per_sec}"
        };
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        self.bar = Some(bar);
    }

    fn advance(&mut self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }

    fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish();
        }
    }
}
