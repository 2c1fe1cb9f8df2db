//! `gemma-burger chat`: a guest at the terminal, with the brain in the same process.

use std::{
    io::{self, BufRead, IsTerminal, Read},
    sync::Arc,
    time::Duration,
};

use ::concierge::{intent::AgentName, money::Currency};
use futures::StreamExt;

use super::{block_on, configure_quietly};
use crate::{
    brain::{
        bus::SessionBus,
        concierge,
        turns::{Message, Turns},
        wire::{Cart, OrderNews, Person, Plan, SessionId, TurnEvent, check_message},
    },
    cli::{Failure, print, tell},
    config::{ALL, Config, Flags},
    http::{ApiError, ErrorCode, access::RequestId},
};

/// A line longer than this is cut by nobody and answered with a refusal; the allowed length is in characters.
const LONGEST_LINE: u64 = 1 << 20;

/// Talks with the restaurant in the terminal; no server is needed. Ctrl-D ends.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gemma-burger chat\n  echo 'two shakes please' | gemma-burger chat --json\n  \
        gemma-burger chat --session 0123456789abcdef0123456789abcdef\n\nEnds with 1 where a message got no reply.")]
pub struct Args {
    /// Goes on with an earlier conversation.
    #[arg(long, value_name = "ID", value_parser = session)]
    session: Option<SessionId>,
    /// Prints every event of a reply as a line of JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags<ALL>,
}

fn session(text: &str) -> Result<SessionId, String> {
    SessionId::parse(text).ok_or_else(|| "a session has 32 hexadecimal digits, as told at the end of a chat".to_owned())
}

impl Args {
    /// Talks until the guest has nothing more to say.
    pub fn run(self) -> Result<(), Failure> {
        let config = configure_quietly(self.flags)?;
        let session = self.session.unwrap_or_else(SessionId::random);
        let shown = if self.json { Shown::Json } else { Shown::Text(Screen::default()) };
        block_on(talk(&config, &session, shown))
    }
}

async fn talk(config: &Config, session: &SessionId, mut shown: Shown) -> Result<(), Failure> {
    let loading = concierge::open(config, SessionBus::new())?;
    tell("opening …");
    let concierge = loading.await.map_err(Failure::new)?;
    let turns = Turns::new(Duration::from_secs(config.model.reply_timeout_s));
    let at_terminal = io::stdin().is_terminal();
    let mut failed = 0_usize;
    loop {
        if at_terminal && shown.is_text() {
            print("You: ")?;
        }
        let said = match tokio::task::spawn_blocking(read_line).await.map_err(Failure::new)?? {
            Line::End => break,
            Line::Said(text) if text.trim().is_empty() => continue,
            Line::Said(text) => Ok(text.trim().to_owned()),
            Line::Refused(error) => Err(error),
        };
        if let (false, Shown::Text(_), Ok(text)) = (at_terminal, &shown, &said) {
            print(&format!("You: {text}\n"))?;
        }
        let said = said.and_then(|text| check_message(&text, config.limits.max_message_chars).map(|()| text));
        let turn = match said {
            Ok(text) => {
                let label = session.to_string();
                let message = Message { text, request: RequestId::random(), claimed: None };
                turns.start(Arc::clone(&concierge), session.clone(), label, message).await
            }
            Err(error) => Err(error),
        };
        match turn {
            Ok(turn) => {
                let mut events = Box::pin(turn.follow(0));
                while let Some((_, event)) = events.next().await {
                    failed += usize::from(matches!(*event, TurnEvent::Error(_)));
                    shown.show(&event)?;
                }
            }
            Err(error) => {
                failed += 1;
                shown.show(&TurnEvent::Error(error))?;
            }
        }
    }
    turns.drain(Duration::from_secs(config.network.shutdown_grace_s)).await;
    concierge.close().await;
    tell(&format!("go on with: gemma-burger chat --session {session}"));
    if failed > 0 {
        return Err(Failure::new(format!("{failed} messages got no reply")));
    }
    Ok(())
}

/// What a line of standard input is.
enum Line {
    Said(String),
    Refused(ApiError),
    End,
}

fn read_line() -> Result<Line, Failure> {
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    let read = input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(Failure::new)?;
    if read == 0 {
        return Ok(Line::End);
    }
    if read as u64 == LONGEST_LINE && line.last() != Some(&b'\n') {
        return Err(Failure::new(format!("a line is longer than {LONGEST_LINE} bytes")));
    }
    Ok(match String::from_utf8(line) {
        Ok(text) => Line::Said(text),
        Err(_) => Line::Refused(ApiError::new(ErrorCode::Malformed, "The line is not valid UTF-8.")),
    })
}

/// How a reply is shown.
enum Shown {
    Json,
    Text(Screen),
}

impl Shown {
    const fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    fn show(&mut self, event: &TurnEvent) -> Result<(), Failure> {
        let text = match self {
            Self::Json => serde_json::to_string(event).map_err(Failure::new)? + "\n",
            Self::Text(screen) => screen.text(event),
        };
        print(&text)
    }
}

/// What stands on the screen already.
#[derive(Default)]
struct Screen {
    speaker: Option<AgentName>,
    cart: Cart,
    /// Words stand on the line where the next ones go.
    speaking: bool,
}

impl Screen {
    /// What an event adds to the screen.
    fn text(&mut self, event: &TurnEvent) -> String {
        match event {
            TurnEvent::Agent(agent) => {
                self.speaker = Some(agent.name);
                String::new()
            }
            TurnEvent::Cart(cart) if *cart != self.cart => {
                self.cart = cart.clone();
                self.apart(&cart_text(cart))
            }
            TurnEvent::Plan(plan) => self.apart(&plan_text(plan)),
            TurnEvent::Order(order) => self.apart(&order_text(order)),
            TurnEvent::Token(words) if self.speaking => words.text.clone(),
            TurnEvent::Token(words) => {
                self.speaking = true;
                let name = self.speaker.map_or("", AgentName::as_str);
                let (head, rest) = name.split_at(name.len().min(1));
                format!("{}{rest}: {}", head.to_uppercase(), words.text)
            }
            TurnEvent::Done(_) if std::mem::take(&mut self.speaking) => "\n".to_owned(),
            TurnEvent::Person(Person { name: Some(name) }) => {
                self.apart(&format!("  {name} of our team is here now.\n"))
            }
            TurnEvent::Person(Person { name: None }) => self.apart("  Rosy and Gordon are back.\n"),
            TurnEvent::Error(error) => self.apart(&format!("  ! {}\n", error.message)),
            TurnEvent::Turn(_)
            | TurnEvent::Cart(_)
            | TurnEvent::Sources(_)
            | TurnEvent::Tool(_)
            | TurnEvent::Done(_) => String::new(),
        }
    }

    /// Lines that stand by themselves.
    fn apart(&mut self, lines: &str) -> String {
        if std::mem::take(&mut self.speaking) { format!("\n{lines}") } else { lines.to_owned() }
    }
}

fn currency(code: &str) -> Currency {
    Currency::new(code).unwrap_or_default()
}

fn cart_text(cart: &Cart) -> String {
    let currency = currency(&cart.currency);
    if cart.lines.is_empty() {
        return "  | the order is empty\n".to_owned();
    }
    let mut text = String::new();
    for line in &cart.lines {
        let extras = line.size.iter().chain(&line.options).cloned().collect::<Vec<_>>().join(", ");
        let name = if extras.is_empty() { line.name.clone() } else { format!("{} ({extras})", line.name) };
        text.push_str(&format!("  | {:>3} × {name:<48} {:>9}\n", line.quantity, currency.show(line.total)));
        line.warnings.iter().for_each(|warning| text.push_str(&format!("  |       ! {warning}\n")));
    }
    text.push_str(&format!("  | {:<54} {:>9}\n", "total, tax included", currency.show(cart.total)));
    cart.notes.iter().for_each(|note| text.push_str(&format!("  | {note}\n")));
    text
}

fn plan_text(plan: &Plan) -> String {
    let currency = currency(&plan.currency);
    let mut text = String::new();
    for line in &plan.lines {
        text.push_str(&format!("  * {:>3} × {:<48} {:>9}\n", line.quantity, line.name, currency.show(line.price)));
    }
    text.push_str(&format!("  * {:<54} {:>9}\n", "this plan, tax included", currency.show(plan.total)));
    plan.why.iter().chain(&plan.next_dollar).for_each(|why| text.push_str(&format!("  * {why}\n")));
    text
}

fn order_text(order: &OrderNews) -> String {
    let total = currency(&order.currency).show(order.total);
    format!("  # order {}: {}, {total}\n", order.number, order.state)
}
