//! Who is told of a run's events on the command line.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
};

use indicatif::{ProgressBar, ProgressStyle};
use tuner::{TrainEvent, TrainListener};

use crate::cli::{print, tell};

/// Steps between two lines where no bar can be drawn.
const LINE_EVERY: usize = 10;

/// A bar with loss, pace and time left; lines, where standard error is no terminal.
#[derive(Default)]
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    fn say(&self, line: &str) {
        match &self.0 {
            Some(bar) if !bar.is_hidden() => bar.println(line),
            _ => tell(line),
        }
    }

    fn start(&mut self, steps: usize, first: usize) {
        let style = ProgressStyle::with_template("{bar:32} {pos}/{len}  {msg}");
        let bar = ProgressBar::new(steps as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_position(first as u64);
        self.0 = Some(bar);
    }
}

impl TrainListener for Progress {
    fn on_event(&mut self, event: &TrainEvent<'_>) -> ControlFlow<()> {
        match event {
            TrainEvent::Started { first_step, steps, examples, tokens, parameters } => {
                self.start(*steps, *first_step);
                self.say(&format!("{examples} examples, {tokens} tokens, {parameters} numbers to train"));
            }
            TrainEvent::Step { step, steps, loss, tokens_per_second, left, .. } => {
                let seconds = left.as_secs();
                let told = format!(
                    "loss {loss:.3}  {tokens_per_second:.0} tokens/s  {}:{:02} left",
                    seconds / 60,
                    seconds % 60
                );
                match &self.0 {
                    Some(bar) if !bar.is_hidden() => {
                        bar.set_position(*step as u64);
                        bar.set_message(told);
                    }
                    _ if step.is_multiple_of(LINE_EVERY) || step == steps => tell(&format!("{step}/{steps}  {told}")),
                    _ => {}
                }
            }
            TrainEvent::Validated { step, loss } => self.say(&format!("validation loss after {step} steps: {loss:.4}")),
            TrainEvent::Checkpoint { .. } => {}
            TrainEvent::Finished(_) | TrainEvent::Failed { .. } => {
                if let Some(bar) = &self.0 {
                    bar.finish_and_clear();
                }
            }
        }
        ControlFlow::Continue(())
    }
}

/// Every event as a line of JSON on standard output.
pub(super) struct JsonLines;

impl TrainListener for JsonLines {
    fn on_event(&mut self, event: &TrainEvent<'_>) -> ControlFlow<()> {
        let line = serde_json::to_string(event).unwrap_or_default();
        match print(&(line + "\n")) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

/// Ends the run after the present step, its state saved, when the user asks by Ctrl-C; a second one ends it at once.
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    pub(super) fn new() -> Self {
        let asked = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&asked);
        // Without a runtime Ctrl-C ends the process, and the last checkpoint stays.
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() {
            thread::spawn(move || {
                runtime.block_on(async {
                    if tokio::signal::ctrl_c().await.is_ok() {
                        flag.store(true, Relaxed);
                        tell("saving after this step; --resume goes on from there");
                    }
                    if tokio::signal::ctrl_c().await.is_ok() {
                        std::process::exit(130);
                    }
                });
            });
        }
        Self(asked)
    }
}

impl TrainListener for Interrupt {
    fn on_event(&mut self, _: &TrainEvent<'_>) -> ControlFlow<()> {
        if self.0.load(Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
