//! The language model, wherever it runs: what the brain needs to know of it beside its words.

use std::path::Path;

use concierge::{intent::AgentName, ports::Engine};
use engine::{AdapterError, Gemma};
use remote::{Remote, breaker::State};

use super::manner::Tunable;
use crate::{brain::wire::Part, http::metrics::Page};

/// A language model with its state and its figures.
pub trait Speech: Engine {
    /// Whether it works.
    fn part(&self) -> Part {
        Part::ready(self.info().model)
    }
    /// Writes its lines for Prometheus.
    fn measure(&self, _page: &mut Page) {}
}

impl Speech for Gemma {
    fn measure(&self, page: &mut Page) {
        let counts = self.metrics();
        for (name, help, value) in [
            ("queued", "Replies that wait for a place.", u64::from(counts.queued)),
            ("running", "Replies being written.", u64::from(counts.running)),
            ("state_tokens", "Tokens whose computed state is held.", counts.state_tokens),
        ] {
            let name = format!("gemma_burger_engine_{name}");
            page.head(&name, "gauge", help);
            page.value(&name, "", value);
        }
        for (name, help, value) in [
            ("replies", "Replies that came to their end.", counts.replies),
            ("cancelled", "Replies whose guest left.", counts.cancelled),
            ("failed", "Replies that failed.", counts.failed),
            ("refused", "Requests refused as the queue was full.", counts.refused),
            ("prefill_tokens", "Prompt tokens computed.", counts.prefill_tokens),
            (
                "cached_tokens",
                "Prompt tokens whose state was there: the prefix cache's hits, of these and those computed.",
                counts.cached_tokens,
            ),
            ("decode_tokens", "Tokens written.", counts.decode_tokens),
            ("guessed_tokens", "Tokens computed on the guess that they come next.", counts.guessed_tokens),
            ("guessed_right", "Those of them that came.", counts.guessed_right),
            ("steps", "Calls of the model.", counts.steps),
            ("adapter_switches", "Changes of the adapter between steps.", counts.adapter_switches),
        ] {
            let name = format!("gemma_burger_engine_{name}_total");
            page.head(&name, "counter", help);
            page.value(&name, "", value);
        }
    }
}

impl Speech for Remote {
    fn part(&self) -> Part {
        let endpoints = self.snapshot().endpoints;
        let well = endpoints.iter().filter(|endpoint| endpoint.state == State::Closed).count();
        let detail = format!("{} at {well} of {} endpoints", self.info().model, endpoints.len());
        if well > 0 { Part::ready(detail) } else { Part::missing(detail) }
    }

    fn measure(&self, page: &mut Page) {
        let counts = self.snapshot();
        page.gauge("gemma_burger_engine_running", "Replies under way.", i64::from(counts.running));
        for (name, help, value) in [
            ("retries", "Calls made again before a first word.", counts.retries),
            ("refused", "Requests refused as there was no room.", counts.refused),
            ("cancelled", "Replies whose guest left.", counts.cancelled),
        ] {
            let name = format!("gemma_burger_engine_{name}_total");
            page.head(&name, "counter", help);
            page.value(&name, "", value);
        }
        let mut each = |name: &str, kind: &str, help: &str, value: &dyn Fn(&remote::EndpointSnapshot) -> u64| {
            let name = format!("gemma_burger_endpoint_{name}");
            page.head(&name, kind, help);
            for endpoint in &counts.endpoints {
                page.value(&name, &format!("{{endpoint=\"{}\"}}", endpoint.address), value(endpoint));
            }
        };
        each(
            "open",
            "gauge",
            "Whether it is given up: 0 no, 1 a trial is due, 2 yes.",
            &|endpoint| match endpoint.state {
                State::Closed => 0,
                State::HalfOpen => 1,
                State::Open => 2,
            },
        );
        each("running", "gauge", "Replies under way there.", &|endpoint| u64::from(endpoint.running));
        each("replies_total", "counter", "Replies that came to their end there.", &|endpoint| endpoint.replies);
        each("failures_total", "counter", "Calls and looks that failed there.", &|endpoint| endpoint.failures);
    }
}

impl Tunable for Remote {
    fn load_adapter(&self, agent: AgentName, path: &Path) -> Result<(), AdapterError> {
        let name = self.info().model;
        let reason = format!("the language model runs elsewhere; give it to its server under the name {name}:{agent}");
        Err(AdapterError::Mismatch { path: path.to_owned(), reason })
    }

    fn unload_adapter(&self, _: AgentName) -> Result<(), AdapterError> {
        Ok(())
    }
}
