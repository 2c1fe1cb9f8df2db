//! Training data: what the staff says in a situation, in the very form in which the running product asks for it.
//!
//! An [`Example`] holds a situation (who answers, acts, facts, history, the guest's words) and the reply. Hand-written
//! ones show the staff's manner over our own menu; made-up ones ([`synthesise`]) show facts of other restaurants, so
//! that the model learns to read facts and not to recite one menu. Both pass the check that guards the product, and
//! both are rendered by the code that makes the product's prompts.

mod ask;
mod audit;
mod bank;
mod eatery;
mod example;
mod ordering;
mod rng;
mod situation;
mod split;
mod synth;

pub use ask::{Rejection, answered, question};
pub use audit::Audit;
pub use bank::Bank;
pub use example::{Example, Flaw, Point, Rendered, gemma_prompt};
pub use split::split;
pub use synth::{Made, synthesise};

#[cfg(test)]
mod tests;
