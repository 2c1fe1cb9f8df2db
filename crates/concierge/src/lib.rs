//! The restaurant's brain: it understands a guest, decides from typed data, and checks the model's words.
//!
//! No input or output happens here. The world is seen through the traits of [`ports`]; everything else is
//! plain data and pure functions, so that each step of a turn can be tested by itself.
//!
//! A turn runs left to right, each arrow a type handed over, and nothing downstream changes what was decided
//! upstream: utterance → understanding → decision (ledger events, facts, what the reply is to do) → prompt →
//! words → check.

pub mod brief;
pub mod check;
pub mod intent;
mod json;
pub mod ledger;
pub mod menu;
pub mod money;
pub mod order;
pub mod planner;
pub mod ports;
pub mod privacy;
pub mod prompt;
pub mod route;
pub mod store_info;
pub mod tools;
pub mod tuning;
pub mod turn;
pub mod understand;
