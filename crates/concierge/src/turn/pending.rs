//! Answers to what the guest was asked: a yes or a no, and what is said with it.

use super::{Answer, Input, Memory, Pending, Scene, Turn, budget, calls, heard, heard::Heard, orders};
use crate::{
    brief::{Act, Step},
    ledger::Consent,
    order::Edit,
};

impl Turn<'_> {
    /// Where the guest answers a question with yes or no.
    pub(super) fn answer_pending(&mut self, heard: &Heard<'_>) -> Option<Vec<Step>> {
        let pending = self.memory.pending.clone()?;
        if matches!(pending, Pending::Remedy { .. }) {
            return None;
        }
        // A question that the guest passes over is not asked again by itself.
        self.memory.pending = None;
        // To be told "that's all" again answers whether to place it.
        let places = pending == Pending::Place && heard.edits == [Edit::Place];
        Some(match heard.reply.or(places.then_some(Answer::Yes))? {
            Answer::Yes => self.agreed(pending, heard.text, heard.edits.clone()),
            Answer::No if heard.edits.is_empty() => self.declined(&pending),
            Answer::No => orders::edit(self, heard.edits.clone(), Consent::NotAsked),
        })
    }

    /// "Yes", and perhaps more in the same breath: "yes, and a tea", "yes, place it".
    fn agreed(&mut self, pending: Pending, text: &str, mut more: Vec<Edit>) -> Vec<Step> {
        let places = more.contains(&Edit::Place);
        more.retain(|edit| *edit != Edit::Place);
        match pending {
            Pending::Place if more.is_empty() => orders::place(self, Consent::NotAsked),
            Pending::Place => {
                // Something new: the whole is read and asked for again.
                more.push(Edit::Place);
                orders::edit(self, more, Consent::NotAsked)
            }
            Pending::Conflict { edits } if edits == [Edit::Place] => orders::place(self, Consent::Given),
            Pending::Conflict { edits } => {
                let mut steps = orders::edit(self, edits, Consent::Given);
                if places {
                    more.push(Edit::Place);
                }
                if !more.is_empty() {
                    steps.extend(orders::edit(self, more, Consent::NotAsked));
                }
                steps
            }
            Pending::Offered { items } => {
                let offered = items.into_iter().map(|item| Edit::Add { line: heard::plain_line(item, 1) });
                let mut steps = orders::edit(self, offered.chain(more).collect(), Consent::NotAsked);
                if self.memory.pending.is_none() && orders::open_question(self).is_none() {
                    // The order is read in full next: no total and no "anything else" before it.
                    steps.iter_mut().for_each(|step| step.points.truncate(1));
                    steps.extend(orders::ask_place(self));
                }
                steps
            }
            Pending::Plan => {
                let mut steps = budget::accept(self);
                // "Yes, but without the pie": what else is said is about what is now in the cart.
                let more = self.edits_in(text);
                if !more.is_empty() {
                    steps.extend(orders::edit(self, more, Consent::NotAsked));
                }
                steps
            }
            Pending::Clear => orders::edit(self, vec![Edit::Clear], Consent::NotAsked),
            Pending::Call { call } => {
                self.carry_out(&call, "").map_or_else(|error| calls::refused(&error), |(_, steps)| steps)
            }
            Pending::Remedy { .. } => Vec::new(),
        }
    }

    /// What words alone would do to the cart as it is now.
    pub(super) fn edits_in(&self, text: &str) -> Vec<Edit> {
        let input = Input {
            text,
            cart: self.cart.clone(),
            memory: Memory { pending: None, ..self.memory.clone() },
            now: self.now,
            unix_now: self.unix_now,
        };
        heard::edits(self.world, &Scene::new(self.world, &input))
    }

    fn declined(&mut self, pending: &Pending) -> Vec<Step> {
        match pending {
            Pending::Offered { .. } => orders::ask_place(self),
            Pending::Place => {
                vec![Step::new(Act::AskAgain).or_plain("All right, I'll wait with it. What would you like to change?")]
            }
            Pending::Conflict { .. } => {
                vec![Step::new(Act::AskAgain).or_plain("All right, I'll leave it out. What else can I get you?")]
            }
            Pending::Plan | Pending::Clear | Pending::Call { .. } | Pending::Remedy { .. } => {
                vec![Step::new(Act::AskAgain).or_plain("All right. What would you like instead?")]
            }
        }
    }
}
