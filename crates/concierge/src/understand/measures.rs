//! The grammar of sizes and numbers: how big, how many, and of what.

use super::lattice::Kind;
use super::search::{Search, Step};
use super::state::{Act, Det, IMPLIED, Link, NONE, Neg, State};

impl Search<'_> {
    pub(super) fn size(&mut self, step: &Step, sizes: &[(u16, u16)]) {
        let state = step.state;
        if state.size == NONE {
            let next = State {
                size: step.edge,
                link: if state.link == Link::Bare { Link::Bare } else { state.link },
                ..state
            };
            self.push(step, 0.0, next, Act::Skip, None);
        } else if state.pre_len > 0 {
            // "Small mint large plum": each is a thing by itself.
            let (cost, flush, open) = self.open(&state);
            if flush.is_some() {
                self.push(step, -cost, State { size: step.edge, ..open }, Act::Skip, flush);
            }
        }
        let fitting = match state.item {
            NONE => false,
            IMPLIED => true,
            item => match &self.lattice.edges[item as usize].kind {
                Kind::Items(items) => items.iter().any(|(item, _)| sizes.iter().any(|(of, _)| of == item)),
                _ => false,
            },
        };
        if fitting && state.pre_len == 0 && state.det != Det::Number {
            let fix = state.fix || state.sizable;
            let mut gain = if fix { 0.6 } else { -0.3 };
            // "Lemonade, a pint" has its size; "a lemonade with ice, a small …" begins another thing.
            if state.det == Det::Article && !fix {
                gain -= if !state.sized && state.link == Link::Bare && state.untouched { 0.1 } else { 0.5 };
            }
            let edge = &self.lattice.edges[step.edge as usize];
            // "A pie with ham, a large": of a thing without a size, with nothing behind it.
            if state.det == Det::Article && !fix && !state.sized && state.link == Link::Bare && self.ends_there(step) {
                gain += 0.6;
            }
            // "Two teas in the small".
            let word = |back: usize| edge.from.checked_sub(back).map_or("", |at| self.tokens[at].text.as_str());
            if word(1) == "in" || (matches!(word(1), "the" | "a" | "an") && word(2) == "in") {
                gain += 0.8;
            }
            // "Mint on the large": what was said is of the line of that size.
            if word(1) == "the" && word(2) == "on" && state.after_option {
                let next = State { list: true, link: Link::Comma, ..state.rested() };
                self.push(step, 0.8, next, Act::OnSize, None);
            }
            if matches!(state.link, Link::And | Link::Verb) && !fix {
                gain -= 0.5;
            }
            if self.tokens[edge.from].text == "little" && self.thing_at(edge.to) {
                // "A little spinach": how much of it.
                gain -= 1.0;
            }
            if self.unknown_at(edge.to) && !fix && state.det != Det::None {
                // "A small cider" where there is none: the size is the cider's.
                gain -= 1.5;
            }
            // "A triple cup, two scoops of mint and one of lime": the scoops are counted.
            if state.sized && self.tokens.get(self.lattice.edges[step.edge as usize].to).is_some_and(|t| t.text == "of")
            {
                gain -= 1.5;
            }
            if state.sized && !fix {
                // It has its size: this one is another thing's.
                gain -= 0.6;
            }
            let next = State { list: state.list, sized: true, ..state.rested() };
            self.push(step, gain, next, Act::Size, None);
        }
    }

    pub(super) fn number(&mut self, step: &Step, after: bool) {
        let state = step.state;
        // "The other two": the number is part of what "the other" began.
        if !after && state.det == Det::Number && state.number == NONE && state.pre_len == 0 && state.size == NONE {
            self.push(step, 0.0, State { number: step.edge, ..state }, Act::Skip, None);
        }
        // "A small one", "the vanilla one": it stands for the thing.
        if !after && (self.says_one(step) || self.is_the_one(step)) {
            self.push(step, 0.6, state, Act::Skip, None);
        }
        // "A tea small one hot".
        if !after
            && state.sized
            && !state.many
            && state.det == Det::None
            && state.pre_len == 0
            && self.is_small_one(step)
        {
            self.push(step, 0.3, state, Act::Skip, None);
        }
        if !after && state.pre_len > 0 && state.number == NONE && self.is_to(step) {
            let next = State { det: Det::Number, number: step.edge, ..state };
            self.push(step, 0.4, next, Act::Skip, None);
        }
        if !after {
            let (cost, flush, open) = self.open(&state);
            // "In the mood for two teas" counts teas; "for two" by itself counts people.
            let open = if open.link == Link::For && self.thing_at(self.lattice.edges[step.edge as usize].to) {
                State { link: Link::Verb, ..open }
            } else {
                open
            };
            let next = State {
                det: Det::Number,
                number: step.edge,
                one: state.det == Det::Article,
                after_option: false,
                ..open
            };
            let cost = cost + if state.neg == Neg::On { 0.3 } else { 0.0 };
            let next = State { neg: if next.neg == Neg::Carry { Neg::Off } else { next.neg }, ..next };
            self.push(step, -cost, next, Act::Skip, flush);
        }
        if state.item != NONE && state.pre_len == 0 && state.det == Det::None && state.size == NONE {
            let gain = match (after, state.fix) {
                (true, _) => 1.0,
                (_, true) => 0.5,
                _ if self.holds(step) => 0.8,
                // "The same but ten".
                _ if state.copied => 0.3,
                _ if self.says_pieces(step) => 0.6,
                // "Two pies and a water three": of nothing that follows.
                _ if state.untouched && state.link == Link::Bare && self.ends_there(step) => -0.5,
                _ if !state.many && self.is_of_them(step) => 0.8,
                _ if state.link == Link::Start => -0.6,
                _ => -1.4,
            };
            // "Two wraps and three …": they are counted already.
            let gain = if !after && state.many && !state.fix { gain - 1.0 } else { gain };
            // A number right before a thing counts that: "make it three shots".
            let gain =
                if after || !self.thing_at(self.lattice.edges[step.edge as usize].to) { gain } else { gain - 0.8 };
            self.push(step, gain, State { fix: false, ..state.rested() }, Act::Quantity, None);
        }
    }
}
