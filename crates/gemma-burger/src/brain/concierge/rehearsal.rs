//! Conversations without guests: the product's own decisions and prompts, kept in memory and with a clock that stands
//! still, so that the same words meet the same situation whenever they are said. Training data and evaluation rest on it.

use std::cell::Cell;

use concierge::{
    brief::Brief,
    check::{Checker, Speaker, Spoken},
    ledger::{Cart, Checkout, Event, OrderId, PlacedOrder, describe},
    ports::{ChatMessage, Embedder, Engine, FinishReason, GenerationEvent, GenerationRequest, Retriever, Role},
    prompt::{self, Limits},
    store_info::Weekday,
    turn::{Decision, Input, LocalNow, Memory, Ports, Register, World, decide},
};
use futures::StreamExt;

use crate::cli::Failure;

/// A Wednesday afternoon.
const NOW: LocalNow = LocalNow { weekday: Weekday::Wed, minutes: 15 * 60 };
/// An order is an hour old when the conversation goes on, so that a complaint about a long wait has a ground.
const PLACED_AT: i64 = 1_000_000;
const ORDER_AGE: i64 = 3_600;
/// Numbers that are called out lie from here on, a few dozen of them.
const FIRST_NUMBER: u32 = 40;
const NUMBERS: i64 = 61;

/// A conversation being rehearsed.
pub struct Rehearsal<'a> {
    world: &'a World,
    embedder: &'a dyn Embedder,
    retriever: &'a dyn Retriever,
    till: Till,
    cart: Cart,
    memory: Memory,
    history: Vec<ChatMessage>,
}

/// A turn that was decided, and the words that led to it.
pub struct Heard {
    /// What was decided.
    pub brief: Brief,
    /// What was said before.
    pub history: Vec<ChatMessage>,
    /// The guest's words.
    pub guest: String,
}

/// What the model made of a turn.
pub struct Said {
    /// All that it wrote, whether it was sent or not.
    pub raw: String,
    /// Why it ended.
    pub end: Option<FinishReason>,
    /// What a guest would have read.
    pub spoken: Spoken,
    /// Whether the model was asked at all: some things are said by rule.
    pub asked: bool,
}

impl<'a> Rehearsal<'a> {
    /// Begins with an empty cart and nothing said.
    #[must_use]
    pub fn new(world: &'a World, embedder: &'a dyn Embedder, retriever: &'a dyn Retriever) -> Self {
        Self {
            world,
            embedder,
            retriever,
            till: Till::default(),
            cart: Cart::default(),
            memory: Memory::default(),
            history: Vec::new(),
        }
    }

    /// Decides about a guest's message.
    pub fn hear(&mut self, text: &str) -> Heard {
        let ports = Ports {
            embedder: self.embedder,
            retriever: self.retriever,
            register: &self.till,
            stopwatch: &std::time::Duration::default,
        };
        let (cart, memory) = (std::mem::take(&mut self.cart), std::mem::take(&mut self.memory));
        let input = Input { text, cart, memory, now: NOW, unix_now: PLACED_AT + ORDER_AGE };
        let Decision { brief, cart, memory, .. } = decide(self.world, &ports, input);
        (self.cart, self.memory) = (cart, memory);
        Heard { brief, history: self.history.clone(), guest: text.to_owned() }
    }

    /// The order as it stands, a line each.
    #[must_use]
    pub fn order(&self) -> Vec<String> {
        describe(&self.world.menu, &self.cart)
    }

    /// Keeps what was answered.
    pub fn answered(&mut self, heard: Heard, reply: String) {
        self.history.push(ChatMessage { role: Role::User, text: heard.guest });
        self.history.push(ChatMessage { role: Role::Model, text: reply });
    }
}

/// Has the model answer, to its own end, and holds the answer against the facts as the product does.
///
/// # Errors
/// The model gives no answer at all.
pub async fn speak(
    world: &World,
    engine: &dyn Engine,
    heard: &Heard,
    limits: &Limits,
    adjust: impl FnOnce(&mut GenerationRequest),
) -> Result<Said, Failure> {
    let brief = &heard.brief;
    let mut speaker = Speaker::new(Checker::new(&world.mentions, brief, &heard.guest), brief);
    let (mut raw, mut end) = (String::new(), None);
    let asked = !brief.is_verbatim();
    if asked {
        let mut request = prompt::request(&world.personas, brief, &heard.history, &heard.guest, limits, None);
        adjust(&mut request);
        let mut words = engine.start(request).map_err(Failure::new)?;
        while let Some(event) = words.next().await {
            match event {
                GenerationEvent::Read(_) => {}
                GenerationEvent::Text(text) => {
                    raw.push_str(&text);
                    speaker.push(&text);
                }
                GenerationEvent::Done(done) => end = Some(done.reason),
                GenerationEvent::Failed(error) => return Err(Failure::new(error)),
            }
        }
    }
    let (_, spoken) = speaker.finish(end == Some(FinishReason::Stop));
    Ok(Said { raw, end, spoken, asked })
}

/// Orders that live as long as one conversation. Their numbers and states follow from what is in them.
#[derive(Default)]
struct Till(Cell<usize>);

impl Register for Till {
    fn place(&self, _: &[Event], checkout: &Checkout) -> Result<PlacedOrder, String> {
        self.0.set(self.0.get() + 1);
        let (lines, totals) = (checkout.lines.clone(), checkout.totals);
        let number = FIRST_NUMBER + u32::try_from(totals.total.0 % NUMBERS).unwrap_or(0);
        Ok(PlacedOrder { id: OrderId(1), number, at: PLACED_AT, lines, totals })
    }

    fn state(&self, _: OrderId) -> Option<&'static str> {
        Some(["received", "preparing", "ready"][self.0.get() % 3])
    }
}
