//! Understanding: from a guest's words and any menu to order lines, without a model.
//!
//! A menu is compiled once into a [`Lexicon`]. [`parse`] reads an utterance in four steps, each a module:
//!
//! 1. `tokens` folds the text into words;
//! 2. `lattice` lays out every reading of every stretch of it: things of the menu (`things`, `walk`, `lexicon`, `names`,
//!    `bynames`, `partial`, `vocabulary`, `spelling`, `synonyms`), numbers (`numbers`) and plain English (`english`,
//!    `kinds`, `spans`);
//! 3. `search` finds the one path that explains the whole utterance best, by the scores of `grammar`, `measures` and
//!    `marks` over the hypotheses of `state` (what they ask of the menu stands in `fitting`, of the words in `around`);
//! 4. `replay` runs the path over lines in the making (`several` of them at once, `implied` where no item was said),
//!    `parting` parts them where they are told apart, and `assemble` and `picks` settle them into [`OrderLine`]s.
//!
//! [`converse`] reads an utterance within a conversation with the same steps: `cues` are phrases about the order as a
//! whole, `target` finds the line that is spoken of, `answer` the answer to a question. [`slots()`] finds what else was
//! said: people, diets, allergies.
//!
//! No word of any restaurant is in the code; what a guest can order is what the menu file says.

mod answer;
mod answered;
mod around;
mod assemble;
mod bynames;
mod carted;
mod changes;
mod clause;
mod cues;
mod dialog;
mod english;
mod fitting;
mod grammar;
mod implied;
mod kinds;
mod lattice;
mod lexicon;
mod marks;
mod measures;
mod moves;
mod names;
mod nearest;
pub(crate) mod numbers;
mod partial;
mod parting;
mod phrases;
mod picks;
mod pieces;
mod replay;
mod search;
mod several;
mod slots;
mod spans;
mod spelling;
mod state;
mod synonyms;
mod target;
mod things;
mod tokens;
mod vocabulary;
mod walk;

use serde::Serialize;

pub use dialog::converse;
pub use lexicon::Lexicon;
pub use moves::{Answer, DialogContext, Move, Question};
pub use slots::{Form, Slots, allergens_named, slots};

use crate::menu::ItemId;
use crate::order::OrderLine;

/// What was understood of an utterance.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Parsed {
    /// What is ordered, in the order it was said.
    pub lines: Vec<OrderLine>,
    /// What fits nothing on the menu.
    pub unknown: Vec<UnknownThing>,
    /// What cannot be done as said.
    pub problems: Vec<Problem>,
    /// How much of the utterance the reading explains, 0 to 1.
    pub confidence: f32,
}

/// Words that fit nothing on the menu, so that they can be said back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnknownThing {
    /// The guest's words.
    pub words: String,
    /// Items that come nearest, best first; often none.
    pub nearest: Vec<ItemId>,
    /// Whether they stand where a thing is asked for ("a bagel", "I'd like bagels"), so that an answer is due. Other
    /// words that say nothing may be small talk.
    pub asked: bool,
}

/// Something that cannot be done as it was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "problem", rename_all = "snake_case")]
pub enum Problem {
    /// No whole number from one to the most that a line may hold.
    QuantityOutOfRange {
        /// The guest's words.
        words: String,
    },
    /// A number of pieces that comes in no portion.
    Uneven {
        /// The guest's words.
        words: String,
        /// What is sold in portions.
        item: ItemId,
    },
}

/// Reads an utterance. At most 4,000 characters and 400 words of it are looked at.
#[must_use]
pub fn parse(lexicon: &Lexicon, text: &str) -> Parsed {
    let tokens = tokens::tokenize(text);
    if tokens.is_empty() {
        return Parsed::default();
    }
    let lattice = lattice::build(lexicon, &tokens);
    let path = search::best(lexicon, &tokens, &lattice, None);
    let replay = replay::replay(lexicon, &tokens, &lattice, &path, None);
    let settled = assemble::settle(lexicon, &tokens, &lattice, &replay);
    let confidence = (path.score / tokens.len() as f32 + 0.2).clamp(0.0, 1.0);
    let problems = replay.problems.into_iter().chain(settled.problems).collect();
    let lines = settled.lines.into_iter().map(|(line, _)| line).collect();
    Parsed { lines, unknown: settled.unknown, problems, confidence }
}
