//! The staff's side: signing in, the kitchen's board, and the desk where people answer guests.
//!
//! Who is signed in carries a token in a cookie that no script can read and no other site can send
//! (`SameSite=Strict`). Whatever changes something is JSON besides, which no form of another site can send either.

mod desk;
mod kitchen;
mod manner;
mod news;
mod wire;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Json,
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use concierge::{
    intent::AgentName,
    ledger::{OrderId, OrderState, Receipt},
};
use serde::Deserialize;
use store::{StaffToken, TicketId};

use super::{
    Brain,
    concierge::manner::{AdapterName, MannerView},
};
use crate::http::{
    ApiError, ErrorCode,
    routes::Routes,
    window::{Window, too_many},
};

pub use manner::refusal as manner_refusal;
pub use news::StaffNews;
pub use wire::{Conversation, DeskEvent, KitchenEvent, KitchenLine, KitchenOrder, TicketCard, TicketNews};

/// How long a sign-in lasts, in seconds: a long shift.
const SIGNED_IN_FOR: i64 = 12 * 60 * 60;
/// How often an open stream looks whether its reader is still signed in.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// Attempts to sign in, in any sixty seconds: under one name, and by all.
const ATTEMPTS: (usize, usize) = (5, 30);
/// The longest name that anybody has, in bytes.
const MAX_NAME: usize = 60;
const COOKIE: &str = "gb_staff";

/// What the staff can do. Every method may block, and answers what stands in the store when it returns. Guests and
/// other screens are told of each change before it returns.
pub trait Staff: Send + Sync + 'static {
    /// Signs in for so many seconds. An unknown name and a wrong password are [`ErrorCode::WrongPassword`] alike.
    fn sign_in(&self, name: &str, password: &str, seconds: i64) -> Result<StaffToken, ApiError>;
    /// The name behind a token; [`ErrorCode::SignIn`] where it does not hold (any more).
    fn signed_in(&self, token: &str) -> Result<String, ApiError>;
    /// Makes a token void.
    fn sign_out(&self, token: &str) -> Result<(), ApiError>;
    /// The orders that the kitchen works on, oldest first, and those that were served a short while ago.
    fn board(&self) -> Result<Vec<KitchenOrder>, ApiError>;
    /// Moves an order one step on; [`ErrorCode::Conflict`] for a step that it cannot take.
    fn advance(&self, order: OrderId, to: OrderState, by: &str) -> Result<KitchenOrder, ApiError>;
    /// The receipt of any order.
    fn receipt(&self, order: OrderId) -> Result<Receipt, ApiError>;
    /// The tickets that are not settled, oldest first.
    fn tickets(&self) -> Result<Vec<TicketCard>, ApiError>;
    /// A ticket with its guest's conversation and orders.
    fn ticket(&self, ticket: TicketId) -> Result<Conversation, ApiError>;
    /// Takes a ticket's conversation over: the agents are silent in it from then on.
    fn take(&self, ticket: TicketId, by: &str) -> Result<TicketCard, ApiError>;
    /// Takes the conversation over and says something to its guest, in the chat.
    fn reply(&self, ticket: TicketId, by: &str, text: &str) -> Result<TicketCard, ApiError>;
    /// Hands the conversation back to the agents; the ticket stays.
    fn hand_back(&self, ticket: TicketId) -> Result<TicketCard, ApiError>;
    /// Settles a ticket and hands the conversation back.
    fn close(&self, ticket: TicketId) -> Result<TicketCard, ApiError>;
    /// Which adapter each agent speaks with.
    fn manner(&self) -> Result<MannerView, ApiError>;
    /// Gives an agent, or both, another adapter or none. Waits for the replies that run.
    fn change_manner(&self, agent: Option<AgentName>, to: Option<&AdapterName>) -> Result<MannerView, ApiError>;
    /// Gives an agent, or both, back what was in use before the last change.
    fn roll_manner_back(&self, agent: Option<AgentName>) -> Result<MannerView, ApiError>;
    /// What the screens hear of as it happens.
    fn news(&self) -> &StaffNews;
}

/// The staff's routes.
pub(super) fn routes() -> Routes<Arc<Brain>> {
    Routes::new()
        .post("/staff/login", post_login)
        .post("/staff/logout", post_logout)
        .merge(kitchen::routes())
        .merge(desk::routes())
        .merge(manner::routes())
}

/// How often somebody may try to sign in: guesses are dear whoever makes them.
pub(super) struct SignIns(Mutex<(Window<String>, Window<()>)>);

impl SignIns {
    pub(super) fn new() -> Self {
        Self(Mutex::new((Window::new(ATTEMPTS.0), Window::new(ATTEMPTS.1))))
    }

    fn admit(&self, name: &str) -> Result<(), ApiError> {
        let now = Instant::now();
        let name = name.to_lowercase();
        let (names, all) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = names.wait(&name, now).max(all.wait(&(), now));
        if wait > Duration::ZERO {
            return Err(too_many(wait));
        }
        names.take(name, now);
        all.take((), now);
        Ok(())
    }
}

/// The body of `POST /staff/login`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    name: String,
    password: String,
}

async fn post_login(State(brain): State<Arc<Brain>>, request: Request) -> Result<Response, ApiError> {
    let Credentials { name, password } = brain.read(request, "{\"name\": \"…\", \"password\": \"…\"}").await?;
    let name = name.trim().to_owned();
    if name.is_empty() || name.len() > MAX_NAME {
        return Err(wrong_password());
    }
    brain.sign_ins.admit(&name)?;
    let (token, name) = ask(&brain, move |staff| Ok((staff.sign_in(&name, &password, SIGNED_IN_FOR)?, name))).await?;
    tracing::info!(tier = "brain", staff = name, "signed in");
    let mut response = Json(serde_json::json!({"name": name})).into_response();
    set_cookie(&mut response, token.as_str(), SIGNED_IN_FOR);
    Ok(response)
}

async fn post_logout(
    State(brain): State<Arc<Brain>>,
    colleague: Colleague,
    request: Request,
) -> Result<Response, ApiError> {
    Nothing::read(&brain, request).await?;
    ask(&brain, move |staff| staff.sign_out(&colleague.token)).await?;
    let mut response = Json(serde_json::json!({"signed_out": true})).into_response();
    set_cookie(&mut response, "", 0);
    Ok(response)
}

/// The gateway adds `Secure` where the browser came by HTTPS, which only the gateway knows.
fn set_cookie(response: &mut Response, token: &str, seconds: i64) {
    let cookie = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    if let Ok(mut value) = HeaderValue::try_from(cookie) {
        value.set_sensitive(true);
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
}

/// The refusal of a sign-in, which does not tell whether there is such a name.
pub(super) fn wrong_password() -> ApiError {
    ApiError::new(ErrorCode::WrongPassword, "This name and this password don't belong together.")
}

/// The refusal of whoever is not signed in.
pub(super) fn sign_in_first() -> ApiError {
    ApiError::new(ErrorCode::SignIn, "Please sign in.")
}

/// The member of staff who asks.
struct Colleague {
    name: String,
    token: String,
}

impl FromRequestParts<Arc<Brain>> for Colleague {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, brain: &Arc<Brain>) -> Result<Self, ApiError> {
        let token = token(&parts.headers).ok_or_else(sign_in_first)?.to_owned();
        ask(brain, move |staff| Ok(Self { name: staff.signed_in(&token)?, token })).await
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|value| value.split(';')).find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == COOKIE && !value.is_empty()).then_some(value)
    })
}

/// The body of a request that says everything by its path: an empty object, which only a script of ours sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl Nothing {
    async fn read(brain: &Brain, request: Request) -> Result<(), ApiError> {
        brain.read::<Self>(request, "{}").await.map(drop)
    }
}

/// Asks the staff's side on a thread that may block.
async fn ask<T: Send + 'static>(
    brain: &Brain,
    work: impl FnOnce(&dyn Staff) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let staff = staff(brain)?;
    tokio::task::spawn_blocking(move || work(staff.as_ref())).await.unwrap_or_else(|_| Err(ApiError::internal()))
}

fn staff(brain: &Brain) -> Result<Arc<dyn Staff>, ApiError> {
    brain.concierge()?.staff().ok_or_else(ApiError::not_found)
}

/// Resolves when a stream to this reader must end: they are signed out, or the process ends.
async fn over(brain: Arc<Brain>, reader: Colleague) {
    let signed_out = async {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let token = reader.token.clone();
            let looked = ask(&brain, move |staff| staff.signed_in(&token)).await;
            if looked.is_err_and(|error| error.code == ErrorCode::SignIn) {
                break;
            }
        }
    };
    tokio::select! { () = signed_out => {}, () = brain.closing.cancelled() => {} }
}
