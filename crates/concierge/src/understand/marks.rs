//! What phrases of plain English do to a hypothesis: articles, joints, refusals, corrections.

use super::english::Mark;
use super::search::{Search, Step};
use super::state::{Act, Det, Link, NONE, Neg, State, Unit};

impl Search<'_> {
    /// Takes a hypothesis over a phrase of plain English.
    pub(super) fn mark(&mut self, step: &Step, mark: Mark) {
        let state = step.state;
        match mark {
            Mark::Article | Mark::Some => {
                let det = if mark == Mark::Article { Det::Article } else { Det::Some };
                // "No? Great, so a tea", "no lid, a tea": a refusal of nothing of ours ends before the next thing.
                let apart = state.neg == Neg::On && mark == Mark::Article && !self.is_refused(step);
                let state = if apart { State { neg: Neg::Off, ..state } } else { state };
                if mark == Mark::Article && state.size != NONE && state.det == Det::None && self.says_half(state.size) {
                    // "Half a sandwich".
                    self.push(step, 0.3, State { det: Det::Article, ..state }, Act::Skip, None);
                }
                if mark == Mark::Some && state.pre_len > 0 {
                    // "No olives on my pizza": what was said first is on what follows.
                    // "A fried egg and the burger": what was said first is not.
                    let cost = if matches!(state.link, Link::And | Link::Comma) { 1.2 } else { 0.3 };
                    self.push(step, -cost, state, Act::Skip, None);
                }
                if mark == Mark::Article && state.pre_len > 0 && self.is_to(step) {
                    self.push(step, 0.4, State { det, ..state }, Act::Skip, None);
                }
                if state.det == Det::None || state.det == Det::Some {
                    let (cost, flush, open) = self.open(&state);
                    let neg = if open.neg == Neg::Carry && mark == Mark::Article { Neg::Off } else { open.neg };
                    self.push(step, -cost, State { det, neg, ..open }, Act::Skip, flush);
                } else if mark == Mark::Some {
                    if state.size != NONE && state.pre_len == 0 {
                        // "Two large, two small, the large ones with ham".
                        let (cost, flush, open) = self.open(&state);
                        self.push(step, -cost, State { det, number: NONE, ..open }, Act::Skip, flush);
                    }
                    let joined = state.pre_len > 0 && matches!(state.link, Link::And | Link::Comma);
                    self.push(step, if joined { -1.2 } else { -0.1 }, state, Act::Skip, None);
                } else if state.det == Det::Number && state.number == NONE && state.pre_len == 0 && state.size == NONE {
                    // "The first a large with ham".
                    self.push(step, 0.0, state, Act::Skip, None);
                } else {
                    let (cost, flush, open) = self.open(&state);
                    self.push(step, -cost - 0.2, State { det, number: NONE, ..open }, Act::Skip, flush);
                }
            }
            Mark::And | Mark::Or => {
                let link = if mark == Mark::And { Link::And } else { Link::Or };
                // A refusal that named nothing of ours ends here: "no sides and a water".
                let state = State { neg: if state.neg == Neg::On { Neg::Off } else { state.neg }, ..state };
                let next = State { link, ..state };
                // "a large and a small": what is pending may be a line by itself.
                if state.size != NONE || state.pre_len > 0 {
                    let cost = if state.pre_len > 0 { 0.3 } else { 0.0 };
                    let (open_cost, flush, open) = self.open(&state);
                    self.push(step, -cost - open_cost, State { link, ..open }, Act::Skip, flush);
                }
                let cost = if state.det == Det::None || state.pre_len > 0 { 0.0 } else { 0.4 };
                let loose = State { det: if state.pre_len > 0 { state.det } else { Det::None }, ..next };
                let loose = if state.pre_len == 0 { State { number: NONE, ..loose } } else { loose };
                let cost = cost + if state.number != NONE && state.pre_len == 0 { 1.0 } else { 0.0 };
                // Nobody says a size, "and", and then the thing.
                let cost = cost + if state.size != NONE && state.pre_len == 0 { 1.0 } else { 0.0 };
                self.push(step, -cost, loose, Act::Skip, None);
            }
            Mark::With | Mark::OnIt => {
                let link = if mark == Mark::With { Link::With } else { Link::Put };
                let (cost, flush, open) = self.open(&state);
                let next = State { link, list: true, neg: Neg::Off, ..open };
                let next = if mark == Mark::OnIt { State { link: Link::Bare, ..next } } else { next };
                self.push(step, -cost, next, Act::Options, flush);
                if mark == Mark::With && state.pre_len > 0 {
                    // "Cheese with chips": what was said first is on what follows; "cheese on a bun" even more so.
                    let on = self.tokens[self.lattice.edges[step.edge as usize].from].text == "on";
                    let (cost, link) = if on { (0.0, Link::Bare) } else { (0.5, Link::And) };
                    self.push(step, -cost, State { link, ..state }, Act::Skip, None);
                }
                if mark == Mark::OnIt && state.neg == Neg::On {
                    self.push(step, -0.2, state, Act::Skip, None);
                }
            }
            Mark::Put => {
                let (cost, flush, open) = self.open(&state);
                self.push(step, -cost, State { link: Link::Put, neg: Neg::Off, ..open }, Act::Options, flush);
            }
            Mark::No | Mark::Remove | Mark::Except | Mark::InsteadOf => {
                let (cost, flush, open) = self.open(&state);
                let replaced = mark == Mark::InsteadOf;
                let remove = mark == Mark::Remove;
                let next = State { neg: Neg::On, replaced, remove, amount: None, link: Link::Bare, ..open };
                self.push(step, -cost, next, Act::Options, flush);
                if state.pre_len == 0 && mark == Mark::No {
                    // "a no cheese pizza": the refusal belongs to the item to come; after a thing it seldom does.
                    let cost = if state.det == Det::None && state.item != NONE { 0.8 } else { 0.2 };
                    let next = State { neg: Neg::On, ..state };
                    self.push(step, -cost, next, Act::Skip, None);
                }
            }
            Mark::Plain => {
                let (cost, flush, open) = self.open(&state);
                self.push(step, -cost, open, Act::Plain, flush);
                if state.item == NONE || state.det != Det::None || matches!(state.link, Link::Verb | Link::Start) {
                    self.push(step, -0.05, state, Act::PlainNext, None);
                }
                self.push(step, -0.1, state, Act::Skip, None);
            }
            Mark::Amount(amount) => {
                let neg = if state.neg == Neg::Carry { Neg::Off } else { state.neg };
                let next = State { amount: Some(amount), neg, ..state };
                // "Not a lot of" is little of it.
                let cost = if state.neg == Neg::On { 0.6 } else { 0.0 };
                self.push(step, -cost, next, Act::Skip, None);
                if state.after_option {
                    let gain = if self.ends_there(step) { 0.3 } else { -0.7 };
                    self.push(step, gain, State { after_option: false, ..state }, Act::Amount(amount), None);
                }
            }
            Mark::Times(times) => {
                let neg = if state.neg == Neg::Carry { Neg::Off } else { state.neg };
                let next = State { times: u8::try_from(times).unwrap_or(2), neg, ..state };
                self.push(step, 0.0, next, Act::Skip, None);
            }
            Mark::Verb | Mark::Fix | Mark::MakeIt => {
                // "And the last one, she wants …".
                let other =
                    state.det == Det::Number && state.number == NONE && state.size == NONE && state.pre_len == 0;
                let state = if other { State { det: Det::None, ..state } } else { state };
                let (cost, flush, open) = self.open(&state);
                let fix = match mark {
                    Mark::Verb => state.fix,
                    _ => true,
                };
                let next = State {
                    link: Link::Verb,
                    list: false,
                    neg: Neg::Off,
                    fix,
                    fixed: false,
                    det: Det::None,
                    number: NONE,
                    ..open
                };
                let ended = if state.neg == Neg::Carry { 0.4 } else { 0.0 };
                let lost = if state.det == Det::Number && flush.is_none() { 0.8 } else { 0.0 };
                let act = if mark == Mark::Fix { Act::Fix } else { Act::Skip };
                self.push(step, ended - cost - lost, next, act, flush);
            }
            Mark::Serving | Mark::Part => {
                let unit = if mark == Mark::Serving { Unit::Serving } else { Unit::Part };
                self.push(step, 0.0, State { unit, ..state }, Act::Skip, None);
            }
            Mark::Each if state.pre_len > 0 || state.size != NONE => {
                // "One plain, one filled, both warm".
                let (cost, flush, open) = self.open(&state);
                self.push(step, -cost, open, Act::Each, flush);
            }
            Mark::Each => {
                self.push(step, 0.0, State { number: NONE, det: Det::None, ..state }, Act::Each, None);
                self.push(step, -0.05, state, Act::Skip, None);
            }
            Mark::Other => {
                let (cost, flush, open) = self.open(&state);
                // "Two teas, first is hot": of several, what follows is of that one.
                let gain = if open.many { 0.2 } else { 0.0 };
                self.push(step, gain - cost, State { det: Det::Number, number: NONE, ..open }, Act::Skip, flush);
            }
            Mark::OnOne if state.many && state.pre_len == 0 && state.after_option => {
                let next = State { list: true, link: Link::Comma, ..state.rested() };
                self.push(step, 0.2, next, Act::OnOne, None);
            }
            Mark::OnOne => {}
            Mark::SameSize => self.push(step, 0.2, state, Act::SameSize, None),
            Mark::Same => {
                // "One for my dad, the same": the number is of the same.
                let counts = (state.number != NONE || state.size != NONE) && state.pre_len == 0;
                let (cost, flush, open) = if counts { (0.0, None, state.rested()) } else { self.open(&state) };
                if state.item != NONE {
                    self.push(
                        step,
                        0.3 - cost,
                        State {
                            number: NONE,
                            det: Det::None,
                            link: Link::Bare,
                            sized: false,
                            sizable: true,
                            copied: true,
                            ..open
                        },
                        Act::Same { number: state.number, size: if counts { state.size } else { NONE } },
                        flush,
                    );
                }
                self.push(step, -0.3, state, Act::Skip, None);
            }
            Mark::For => {
                // "With a fried egg, and for my wife the pie": what was said before is not the pie's.
                let cost = if state.pre_len > 0 { 0.6 } else { 0.0 };
                self.push(step, -cost, State { link: Link::For, list: false, neg: Neg::Off, ..state }, Act::Skip, None)
            }
            Mark::Aside => self.push(step, 0.0, State { list: false, ..state }, Act::Skip, None),
            Mark::Size => {
                // "A small ham and pineapple": where the menu has that size, it is no mere word before an option.
                let cost = if self.sizes_option(step) { 0.8 } else { 0.0 };
                // "Medium mint medium plum": the second is another's.
                let cost = if state.size != NONE && state.pre_len > 0 { cost + 1.0 } else { cost };
                self.push(step, -cost, state, Act::Skip, None);
            }
            Mark::Filler if state.neg != Neg::Off && self.says_just(step) => {
                // "No meat, just olives".
                self.push(step, 0.2, State { neg: Neg::Off, ..state }, Act::Skip, None);
            }
            Mark::Filler | Mark::Remark | Mark::Of => self.push(step, 0.0, state, Act::Skip, None),
        }
    }
}
