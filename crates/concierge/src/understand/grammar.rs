//! The grammar of ordering, as scores: what each kind of edge may do to a hypothesis and how likely that is.

use super::kinds;
use super::lattice::{Edge, Kind, fits};
use super::lexicon::{HEADING, PART_NAME as PART};
use super::search::{Search, Step};
use super::state::{Act, Det, How, IMPLIED, Link, NONE, Neg, PRE, State, Unit, option_gain, reset_gain};
use super::tokens::Token;

/// How well a word names what fills a place of a thing, where it is also a thing by itself.
const FILLS: f32 = 0.6;

impl Search<'_> {
    /// Takes a hypothesis over an edge, in every way that makes sense.
    pub(crate) fn expand(&mut self, step: Step, edge: &Edge) {
        match &edge.kind {
            Kind::Items(items) => self.item(&step, items),
            Kind::Choices(choices) => self.choice(&step, edge, choices),
            Kind::Sizes(sizes) => self.size(&step, sizes),
            Kind::Number { after, .. } => self.number(&step, *after),
            Kind::Mark(mark) => self.mark(&step, *mark),
            Kind::Word { common } => {
                let mut state = step.state;
                let asked = matches!(state.det, Det::Article | Det::Number)
                    || state.link == Link::Verb
                    || state.unit != Unit::None;
                state.after_option = false;
                if state.link == Link::For {
                    // "For vegetables I'd like …": what follows "for" is not ordered.
                    state.link = Link::Bare;
                    self.push(&step, -edge.score - 0.5, state, Act::Skip, None);
                    return;
                }
                let act = if *common { Act::Skip } else { Act::Unknown { asked } };
                self.push(&step, 0.0, state, act, None);
            }
        }
    }

    fn item(&mut self, step: &Step, items: &[(u16, f32)]) {
        let state = step.state;
        let mut gain = match state.det {
            Det::Number => 0.6,
            Det::Article => 0.5,
            Det::Some => 0.15,
            Det::None => match state.link {
                Link::Start | Link::Verb => 0.3,
                Link::Put => 0.0,
                Link::And | Link::Or => -0.1,
                Link::Comma => -0.1,
                Link::With => -0.8,
                Link::Bare => -0.35,
                Link::For => -0.3,
            },
        };
        if state.link == Link::With && state.det != Det::None && state.unit != Unit::Serving {
            gain -= 0.3;
        }
        if state.list && state.det == Det::None && state.unit == Unit::None {
            gain -= 0.3;
        }
        // "With cheese" orders no cheese cake.
        if state.link == Link::With && items.first().is_some_and(|(_, quality)| *quality < PART) {
            gain -= if state.item == NONE { 2.0 } else { 1.0 };
        }
        match state.unit {
            Unit::Serving => gain += 0.4,
            Unit::Part => gain -= 0.2,
            Unit::None => {}
        }
        // Options said before the item must be its own.
        if !self.all_taken(&state, items) {
            // "Large mint, a roll": what was said is a thing by itself.
            let (cost, flush, open) = self.open(&state);
            if flush.is_some() {
                let step =
                    Step { state: State { link: Link::Comma, ..open }, score: step.score - cost, flush, ..*step };
                self.item(&step, items);
            }
            return;
        }
        gain += 0.3 * f32::from(state.pre_len);
        if state.pre_len > 0 && state.link != Link::Bare {
            gain -= 0.6;
        }
        if state.size != NONE {
            gain += if self.has_size(state.size, items) { 0.5 } else { -1.2 };
        }
        if state.amount.is_some() || state.times > 1 {
            gain -= 0.5;
        }
        if state.link == Link::For {
            gain -= 2.5;
        }
        // "And a little pepper" of a thing that takes pepper is no Dr. Pepper.
        let quality = items.first().map_or(1.0, |(_, quality)| *quality);
        if quality < 0.95
            && (state.list || state.many || state.after_option || state.pre_len > 0)
            && !(state.many && self.names(state.item, items))
            && self.also_option(&self.lattice.edges[step.edge as usize], state.item, quality)
        {
            gain -= 1.0;
        }
        gain += if self.lattice.aside[self.lattice.edges[step.edge as usize].to] { 0.5 } else { 0.0 };
        // "A brisket sandwich" where no sandwich is of brisket: the heading's word says what was meant, not another thing.
        let kind = items.first().is_some_and(|(_, quality)| *quality <= HEADING || (items.len() > 1 && *quality < 0.9));
        let bare = state.link == Link::Bare && state.unit == Unit::None && state.det == Det::None;
        if kind && bare && state.untouched && state.size == NONE && self.named_in_part(state.item) {
            gain -= 1.6;
        }
        // "A chocolate malt shake", where chocolate was enough: the last word only says what it is.
        if kind && bare && state.size == NONE && state.pre_len == 0 && self.is_one_of(state.item, items) {
            self.push(step, -0.2, state, Act::Skip, None);
        }
        let dropped = state.neg == Neg::On || (state.neg == Neg::Carry && state.remove);
        if dropped {
            // "No onion rings on it", of a thing by its full name, is no word about onions.
            let words = self.lattice.edges[step.edge as usize].to - self.lattice.edges[step.edge as usize].from;
            let full = words > 1 && quality > 0.95;
            gain -= if state.replaced || state.remove {
                0.0
            } else if full {
                0.4
            } else {
                1.2
            };
        }
        let act = Act::Line {
            number: state.number,
            size: state.size,
            fix: state.fix && !state.fixed,
            dropped,
            replaced: state.replaced,
            refine: false,
        };
        let next = State {
            item: if dropped { state.item } else { step.edge },
            neg: if dropped && state.remove { Neg::Carry } else { Neg::Off },
            remove: dropped && state.remove,
            list: false,
            taken: state.pre_taken,
            after_option: false,
            untouched: true,
            // "Make the ribs a full rack": a size that follows is the correction.
            sizable: state.fix && state.size == NONE,
            sized: state.size != NONE,
            many: if dropped { state.many } else { self.is_many(state.number) },
            back: if !dropped && matches!(state.link, Link::And | Link::Comma | Link::Bare) {
                state.item
            } else {
                NONE
            },
            ..state.rested()
        };
        let next = State { back: if next.back == IMPLIED { NONE } else { next.back }, ..next };
        self.push(step, gain, next, act, None);
        // "A sandwich with tuna": the second names the first.
        // "The same but a latte": the other takes the copy's place.
        let instead = state.copied && self.akin(state.item, items);
        if !dropped
            && (instead || (state.untouched && self.names(state.item, items)))
            && (matches!(state.link, Link::With | Link::Bare | Link::Start | Link::For)
                // "A muffin, the lemon one".
                || (state.link == Link::Comma && state.det == Det::Some))
        {
            let act = Act::Line {
                number: state.number,
                size: state.size,
                fix: false,
                dropped: false,
                replaced: false,
                refine: true,
            };
            self.push(step, 0.3, next, act, None);
        }
    }

    fn choice(&mut self, step: &Step, edge: &Edge, choices: &[(u16, u16, f32)]) {
        // "No foam, extra hot": a refusal ends before an amount, if it is a part of the name.
        // "No sauce and a wrap instead of the bun": what comes instead is wanted.
        let instead = self.tokens.get(edge.to).is_some_and(|next| next.text == "instead");
        let ended = instead || self.says_amount(edge.from) || self.is_on(edge.to, step.state.item, choices);
        let ended = step.state.neg == Neg::Carry && ended;
        let step = &Step { state: State { neg: if ended { Neg::Off } else { step.state.neg }, ..step.state }, ..*step };
        let state = step.state;
        let words = edge.to - edge.from;
        let how = How {
            negated: state.neg != Neg::Off,
            early: false,
            replaced: state.replaced,
            amount: state.amount,
            times: state.times,
            number: state.number,
            unit: state.unit == Unit::Part || self.measured(edge),
        };
        let aside = if self.lattice.aside[edge.to] { 0.2 } else { 0.0 };
        let best = choices.first().map_or(0.0, |choice| choice.2);
        let counted = choices
            .iter()
            .any(|(group, choice, quality)| fits(*quality, best) && self.lexicon.choice(*group, *choice).counted);
        let added = kinds::is_added(&self.tokens[edge.to - 1].stem);
        let counted = counted || how.unit || added;
        if state.pre_len == 0
            && state.item != NONE
            && let Some((quality, group)) = self.fit(state.item, choices)
        {
            let counted = choices.iter().any(|(of, choice, of_quality)| {
                *of == group && fits(*of_quality, quality) && self.lexicon.choice(*of, *choice).counted
            });
            // "One without sugar": what is refused is not counted.
            // "And two sugars" of a tea; "and two olives" of a pizza are two more pizzas.
            let many = self.is_many(state.number)
                && (matches!(state.link, Link::With) || self.tokens[edge.to - 1].is_plural());
            let many = (many && self.is_named(state.item) && !self.also_item(edge)) || (state.counting && state.list);
            let counted = (counted || how.unit || added || many) && !how.negated;
            let gain = option_gain(&state, counted) - aside - 2.0 * (best - quality) * words as f32;
            let of_group = &self.lexicon.menu.option_groups[group as usize];
            let single = of_group.max == Some(1);
            // What it is called elsewhere does not count where it is a place that the thing has.
            let place = single || of_group.min > 0;
            let known = place && state.size == NONE && quality >= FILLS && self.also_item(edge);
            let free = state.neg == Neg::Off && state.taken & (1_u64 << (group % 64)) == 0;
            let joined = state.list || state.link == Link::With || (state.link == Link::And && of_group.min > 0);
            // "A combo with rings and a coke": what fills a place that the thing has is no other thing.
            let fills = known && free && joined;
            let gain = gain + if known && (fills || how.negated) { 2.0 * (best - quality) * words as f32 } else { 0.0 };
            let gain = if fills { gain + if state.det == Det::Article { 1.1 } else { 0.6 } } else { gain };
            // "And the mint one …" speaks of a thing.
            let gain = if self.is_the(edge) { gain - 0.8 } else { gain };
            // "One of them hot" says nothing of the others.
            let gain = if state.det == Det::Number && state.number == NONE { gain - 0.5 } else { gain };
            // "… and prawn noodles": it is of the thing that it stands before.
            let ahead = state.link == Link::And && !state.list && self.item_taking_at(edge.to, choices);
            let gain = if ahead { gain - 0.2 } else { gain };
            let gain = if self.is_on(edge.to, state.item, choices) { gain - 1.5 } else { gain };
            let bit = 1_u64 << (group % 64);
            // "With custard, no, ice cream" takes the one back for the other.
            let again = single && state.taken & bit != 0 && !how.negated && !state.fix;
            let neg = if state.neg == Neg::Off { Neg::Off } else { Neg::Carry };
            // A size that nothing takes explains nothing.
            let size = self.lattice.edges.get(state.size as usize).map_or(0.0, |edge| edge.score.max(0.0));
            let kept = state.pending_cost(counted) + size;
            let next = State {
                neg,
                remove: state.remove && neg == Neg::Carry,
                replaced: false,
                list: state.list || matches!(state.link, Link::With | Link::Put),
                taken: if single && !how.negated { state.taken | bit } else { state.taken },
                after_option: true,
                counting: counted && self.is_many(state.number),
                untouched: false,
                fix: state.fix,
                fixed: state.fix,
                ..state.rested()
            };
            // What a thing without a name is called by is not said of it twice: "a coke, a sprite".
            let once = if state.item == IMPLIED { 2.0 } else { 0.8 };
            let gain = gain - kept - if again { once } else { 0.0 };
            // "A potato bun, actually": a correction of the thing, not another.
            let gain = if state.fix && state.det != Det::None { gain + 0.4 } else { gain };
            // "A pie and peas": what is joined to a bare thing and sold by itself is another thing.
            let joined = state.link == Link::And && !state.list && state.untouched && self.also_item(edge);
            let gain = if joined { gain - 0.5 } else { gain };
            // Nobody refuses something on the side.
            let top = |at: usize, word| self.tokens.get(at).is_some_and(|token: &Token| token.text == word);
            let on_top = top(edge.to, "on") && top(edge.to + 1, "top");
            let served = state.neg == Neg::Carry && (self.lattice.aside[edge.to] || on_top);
            let carry = if state.neg == Neg::Carry { self.refusable(state.item, edge.from, choices) } else { 0.0 };
            // What there is one of is chosen rather than refused: "no sugar, oat".
            let carry = if single && state.link == Link::Comma { carry - 0.2 } else { carry };
            let carry = if served { -1.0 } else { carry };
            let gain = gain + carry;
            self.push(step, gain, next, Act::Option(how), None);
            if state.neg == Neg::Carry {
                // The refusal may have ended before this one.
                let cost = if matches!(state.link, Link::Or) { 1.0 } else { 0.0 };
                let how = How { negated: false, ..how };
                self.push(
                    step,
                    gain - 2.0 * carry - cost + reset_gain(&state),
                    State { neg: Neg::Off, ..next },
                    Act::Option(how),
                    None,
                );
            }
        }
        let only = choices.first().filter(|_| !how.negated).map(|(group, ..)| *group);
        let only = only.filter(|group| self.lexicon.menu.option_groups[*group as usize].max == Some(1));
        let bit = only.map_or(0, |group| 1_u64 << (group % 64));
        if state.pre_taken & bit != 0 && state.pre_len > 0 {
            // "A mint, a plum": what waits has another in that place, so it is a thing by itself.
            let (cost, flush, open) = self.open(&state);
            if flush.is_some() {
                let next = State { pre: [step.edge; PRE], pre_len: 1, pre_taken: bit, link: Link::Bare, ..open };
                let how = How { number: NONE, early: true, ..how };
                self.push(step, -cost, next, Act::Early(how), flush);
            }
        }
        // "No green or black olives on it" refuses both.
        let or = |at: usize| self.tokens.get(at).is_some_and(|token| token.text == "or");
        if (state.pre_len as usize) < PRE && (state.neg != Neg::Carry || state.link == Link::Or) {
            let gain = if state.pre_len > 0 {
                if state.link == Link::Bare || state.link == Link::And { -0.1 } else { -0.3 }
            } else {
                match (state.det, state.link) {
                    (Det::Number | Det::Article, _) => 0.2,
                    _ if self.is_the(edge) || self.is_on(edge.to, state.item, choices) => 0.2,
                    (_, Link::Start | Link::Verb) => 0.1,
                    (_, Link::And) if !state.list && self.item_taking_at(edge.to, choices) => -0.1,
                    (_, Link::And | Link::Comma) => -0.35,
                    (_, Link::With) => -1.2,
                    (_, Link::For) => -1.5,
                    (_, Link::Put) => -0.4,
                    _ => -0.5,
                }
            };
            let gain = if state.pre_taken & bit != 0 { gain - 0.5 } else { gain };
            let mut next = state;
            next.crowded |= state.pre_taken & bit != 0;
            next.pre_taken |= bit;
            if state.unit == Unit::Serving && state.det == Det::None {
                // "Bag of ready salted" is a thing.
                next.det = Det::Article;
            }
            next.pre[state.pre_len as usize] = step.edge;
            next.pre_len += 1;
            next.amount = None;
            next.times = 1;
            next.neg = if how.negated && or(edge.to) { Neg::Carry } else { Neg::Off };
            next.link = Link::Bare;
            next.unit = Unit::None;
            let how = How { number: NONE, early: true, ..how };
            self.push(step, gain, next, Act::Early(how), None);
            // "a two shot latte": the number counts the option.
            if counted && state.number != NONE && state.times == 1 {
                let next = State { det: Det::Article, number: NONE, ..next };
                let how = How { number: state.number, ..how };
                // "Two sugars in a coffee" counts the sugars.
                let plural = self.is_many(state.number) && self.tokens[edge.to - 1].is_plural();
                let sure = if state.one || how.unit {
                    0.9
                } else if plural {
                    0.3
                } else {
                    -0.4
                };
                // "With two pumps of mint and one tea": what stands in a list is of the thing before.
                let sure = if state.list && state.link != Link::Verb { sure - 0.8 } else { sure };
                self.push(step, gain + sure, next, Act::Early(how), None);
            }
        }
        let fitting = state.item != NONE && self.fit(state.item, choices).is_some();
        if !fitting
            && state.pre_len == 0
            && state.back != NONE
            && state.size == NONE
            && let Some((quality, _)) = self.fit(state.back, choices)
        {
            let gain = option_gain(&state, counted) - 0.5 - 2.0 * (best - quality) * words as f32;
            let gain = gain - state.pending_cost(counted);
            let neg = if state.neg == Neg::Off { Neg::Off } else { Neg::Carry };
            let next = State { neg, after_option: true, ..state.rested() };
            self.push(step, gain, next, Act::Back(how), None);
        }
        if !fitting {
            let waits = state.pre_len > 0;
            let (cost, flush, open) = if waits { self.open(&state) } else { (0.0, None, state) };
            let next = State {
                list: open.list,
                after_option: false,
                neg: if how.negated { Neg::Carry } else { Neg::Off },
                ..open.rested()
            };
            // "A small sprite" of a thing without sizes: the size is not passed over for nothing.
            let size = self.lattice.edges.get(open.size as usize).map_or(0.0, |edge| edge.score.max(0.0));
            self.push(step, -1.0 - edge.score - cost - size, next, Act::Misfit(how), flush);
        }
    }
}
