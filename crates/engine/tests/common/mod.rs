//! The real models, and replies read to their end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code, reason = "tests")]

use std::{
    num::NonZeroU32,
    path::PathBuf,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use concierge::ports::{
    ChatMessage, Engine, EngineError, Generation, GenerationEnd, GenerationEvent, GenerationRequest, Role,
};
use engine::{EngineConfig, Gemma};
use futures::{Stream, StreamExt};
use models::{Cache, Fetch};

/// The file of a model of the catalogue, fetched if it is not there.
pub fn model(name: &str) -> PathBuf {
    let root = std::env::var_os("GEMMA_BURGER_CACHE").map(Into::into).or_else(models::default_cache_dir);
    let files =
        models::fetch(&name.parse().unwrap(), &Cache::new(root.unwrap()), &Fetch::default(), &mut models::Silent);
    files.unwrap().gguf().unwrap().to_owned()
}

pub fn config() -> EngineConfig {
    // One thread: llama.cpp's threads wait for each other by spinning, which on a busy machine takes many times as long.
    let threads = NonZeroU32::new(1);
    EngineConfig {
        threads,
        context_tokens: 1024,
        state_tokens: 4096,
        slots: 4,
        queue: 8,
        ..EngineConfig::new(model("gemma-3-270m"))
    }
}

pub fn load(config: EngineConfig) -> Gemma {
    Gemma::load(config).unwrap()
}

/// A conversation whose turns are the guest's and the staff's in turn.
pub fn request(preamble: &str, turns: &[&str], max_tokens: u32) -> GenerationRequest {
    let message = |(index, text): (usize, &&str)| ChatMessage {
        role: if index % 2 == 0 { Role::User } else { Role::Model },
        text: (*text).to_owned(),
    };
    GenerationRequest {
        preamble: Arc::from(preamble),
        messages: turns.iter().enumerate().map(message).collect(),
        adapter: None,
        temperature: 0.0,
        max_tokens,
        seed: 1,
        grammar: None,
        functions: None,
        conversation: None,
    }
}

/// A reply's whole text and how it ended.
pub fn read(reply: Generation) -> Result<(String, GenerationEnd), EngineError> {
    let mut reply = reply;
    let mut text = String::new();
    while let Some(event) = next(&mut reply) {
        match event {
            GenerationEvent::Read(_) => {}
            GenerationEvent::Text(piece) => text.push_str(&piece),
            GenerationEvent::Done(end) => return Ok((text, end)),
            GenerationEvent::Failed(error) => return Err(error),
        }
    }
    panic!("the reply has no end; so far: {text}")
}

pub fn ask(gemma: &Gemma, request: GenerationRequest) -> (String, GenerationEnd) {
    read(gemma.start(request).unwrap()).unwrap()
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a stream's next item.
pub fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut item = pin!(stream.next());
    loop {
        match item.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(item) => return item,
            Poll::Pending => thread::park(),
        }
    }
}

pub const PREAMBLE: &str = "You are the clerk of a small restaurant. You answer in one friendly sentence, and you say \
    only what the menu says.\nMenu: Tomato soup, $4.50. Cheese toast, $3.25. Apple pie, $4.00. Lemonade, $2.00.\n\
    Opening hours: Monday to Saturday, 9 am to 8 pm.";
