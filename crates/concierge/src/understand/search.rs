//! The search: one path through the lattice that explains the whole utterance best.
//!
//! A beam of hypotheses walks the words from left to right. Each holds a small state (what line is being said, what is
//! pending for the next thing) and a score to which every step adds: how well words match, whether an option fits its
//! item, what an article, a number or a connective makes likely. The best path is replayed by [`super::assemble`].

use super::english::Mark;
use super::lattice::{Edge, Kind, Lattice, fits};
use super::lexicon::Lexicon;
use super::tokens::{Break, Token};
use crate::order::Amount;

/// Hypotheses kept at each word.
const BEAM: usize = 20;
/// Options that may stand before their item.
const PRE: usize = 6;
/// "No edge."
pub(crate) const NONE: u16 = u16::MAX;
/// A line whose item was not said.
pub(crate) const IMPLIED: u16 = u16::MAX - 1;

/// How an option is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct How {
    /// Left out.
    pub negated: bool,
    /// Said before its item.
    pub early: bool,
    /// Said as "instead of".
    pub replaced: bool,
    /// Less or more.
    pub amount: Option<Amount>,
    /// "Double".
    pub times: u8,
    /// The edge of its number, or [`NONE`].
    pub number: u16,
    /// A unit was said: "shots of".
    pub unit: bool,
}

/// What a step of the path does to the order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Act {
    /// Nothing.
    Skip,
    /// A word that fits nothing; `asked` where an item was due.
    Unknown { asked: bool },
    /// A new line.
    Line { number: u16, size: u16, fix: bool, dropped: bool, replaced: bool, refine: bool },
    /// An option of the line being said.
    Option(How),
    /// An option of the line to come.
    Early(How),
    /// A choice that the item does not take.
    Misfit(How),
    /// The line's size.
    Size,
    /// The line's quantity.
    Quantity,
    /// "Both": the options are for more than one line.
    Each,
    /// One more of the last line.
    Same { number: u16 },
    /// Nothing on it.
    Plain,
    /// An amount said after its option.
    Amount(Amount),
    /// What was said before is taken back.
    Fix,
    /// Options begin.
    Options,
}

/// A line without its item, closed by this step before it acts: "a large with ham".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flush {
    pub number: u16,
    pub size: u16,
}

/// A step of the best path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub edge: u16,
    pub flush: Option<Flush>,
    pub act: Act,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Det {
    None,
    Some,
    Article,
    Number,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Neg {
    Off,
    On,
    /// Another may follow: "no onions or pickles".
    Carry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Start,
    Bare,
    And,
    Or,
    Comma,
    With,
    Verb,
    Put,
    For,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    None,
    Serving,
    Part,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct State {
    /// Edge of the item being said, [`NONE`] or [`IMPLIED`].
    item: u16,
    det: Det,
    number: u16,
    /// An article stands before the number: "a two shot".
    one: bool,
    unit: Unit,
    size: u16,
    amount: Option<Amount>,
    times: u8,
    neg: Neg,
    replaced: bool,
    /// "Remove" was said: things ordered before go too.
    remove: bool,
    link: Link,
    pre: [u16; PRE],
    pre_len: u8,
    /// After a correction.
    fix: bool,
    /// Within a list of options.
    list: bool,
    /// The step before was an option.
    after_option: bool,
    /// The item has no option yet.
    untouched: bool,
    /// The line is an earlier one that still lacks its size.
    sizable: bool,
    /// Groups that take one choice and have it.
    taken: u64,
}

struct Node {
    state: State,
    score: f32,
    parent: u32,
    taken: Taken,
}

/// The best path and its score.
pub(crate) struct Path {
    pub steps: Vec<Taken>,
    pub score: f32,
}

/// What the words may be about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    /// Edge of its item.
    pub edge: u16,
    /// Its size has not been said yet.
    pub sizable: bool,
}

/// Finds the best path. `context` is the edge of an item that the words may be about.
pub(crate) fn best(lexicon: &Lexicon, tokens: &[Token], lattice: &Lattice, context: Option<Context>) -> Path {
    let mut search = Search {
        lexicon,
        tokens,
        lattice,
        nodes: Vec::with_capacity(tokens.len() * 32),
        ends: vec![Vec::new(); tokens.len() + 1],
    };
    let start = State {
        item: context.map_or(NONE, |context| context.edge),
        det: Det::None,
        number: NONE,
        one: false,
        unit: Unit::None,
        size: NONE,
        amount: None,
        times: 1,
        neg: Neg::Off,
        replaced: false,
        remove: false,
        link: Link::Start,
        pre: [NONE; PRE],
        pre_len: 0,
        fix: false,
        list: false,
        after_option: false,
        untouched: false,
        sizable: context.is_some_and(|context| context.sizable),
        taken: 0,
    };
    let nothing = Taken { edge: NONE, flush: None, act: Act::Skip };
    search.nodes.push(Node { state: start, score: 0.0, parent: u32::MAX, taken: nothing });
    search.ends[0].push(0);
    for at in 0..tokens.len() {
        search.step(at);
    }
    search.finish()
}

struct Search<'a> {
    lexicon: &'a Lexicon,
    tokens: &'a [Token],
    lattice: &'a Lattice,
    nodes: Vec<Node>,
    ends: Vec<Vec<u32>>,
}

impl Search<'_> {
    fn step(&mut self, at: usize) {
        let mut here = std::mem::take(&mut self.ends[at]);
        here.sort_by(|a, b| self.nodes[*b as usize].score.total_cmp(&self.nodes[*a as usize].score));
        here.truncate(BEAM);
        let pause = self.tokens[at].before;
        for from in here {
            for edge in self.lattice.starts[at]..self.lattice.starts[at + 1] {
                let node = &self.nodes[from as usize];
                let mut state = node.state;
                match pause {
                    Break::None => {}
                    Break::Comma if state.link == Link::Bare => state.link = Link::Comma,
                    Break::Comma => {}
                    Break::Stop => {
                        state.neg = Neg::Off;
                        state.list = false;
                        if state.det == Det::None {
                            state.link = Link::Verb;
                        }
                    }
                }
                let step = Step { from, edge: u16::try_from(edge).unwrap_or(NONE - 2), state, score: node.score };
                self.expand(step, &self.lattice.edges[edge]);
            }
        }
    }

    fn finish(mut self) -> Path {
        let last = self.ends.last().cloned().unwrap_or_default();
        let mut best: Option<(f32, u32, Option<Flush>)> = None;
        for at in last {
            let node = &self.nodes[at as usize];
            let (cost, flush) = closing(&node.state);
            if best.is_none_or(|(score, ..)| node.score - cost > score) {
                best = Some((node.score - cost, at, flush));
            }
        }
        let mut steps = Vec::new();
        let Some((score, mut at, flush)) = best else { return Path { steps, score: 0.0 } };
        if flush.is_some() {
            steps.push(Taken { edge: NONE, flush, act: Act::Skip });
        }
        while let Some(node) = self.nodes.get(at as usize).filter(|node| node.parent != u32::MAX) {
            steps.push(node.taken);
            at = node.parent;
        }
        steps.reverse();
        self.nodes.clear();
        Path { steps, score }
    }

    fn push(&mut self, step: &Step, gain: f32, state: State, act: Act, flush: Option<Flush>) {
        let edge = &self.lattice.edges[step.edge as usize];
        let score = step.score + edge.score + gain;
        let end = &mut self.ends[edge.to];
        let node = Node { state, score, parent: step.from, taken: Taken { edge: step.edge, flush, act } };
        if let Some(same) = end.iter_mut().find(|at| self.nodes[**at as usize].state == state) {
            if self.nodes[*same as usize].score >= score {
                return;
            }
            *same = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        } else {
            if end.len() >= BEAM * 4 {
                return;
            }
            end.push(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        }
        self.nodes.push(node);
    }

    fn expand(&mut self, step: Step, edge: &Edge) {
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
                if !common && matches!(state.det, Det::Article | Det::Some) && state.size == NONE {
                    // "a bagel": the article is spent on what we do not know.
                }
                state.after_option = false;
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
        match state.unit {
            Unit::Serving => gain += 0.4,
            Unit::Part => gain -= 0.2,
            Unit::None => {}
        }
        // Options said before the item must be its own.
        for &early in &state.pre[..state.pre_len as usize] {
            let Kind::Choices(choices) = &self.lattice.edges[early as usize].kind else { return };
            if !items.iter().any(|(item, _)| self.lexicon.reading(*item, choices).is_some()) {
                return;
            }
            gain += 0.3;
        }
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
        gain += if self.lattice.aside[self.lattice.edges[step.edge as usize].to] { 0.5 } else { 0.0 };
        let dropped = state.neg == Neg::On || (state.neg == Neg::Carry && state.remove);
        if dropped {
            gain -= if state.replaced || state.remove { 0.0 } else { 1.2 };
        }
        let act = Act::Line {
            number: state.number,
            size: state.size,
            fix: state.fix,
            dropped,
            replaced: state.replaced,
            refine: false,
        };
        let next = State {
            item: if dropped { state.item } else { step.edge },
            neg: if dropped && state.remove { Neg::Carry } else { Neg::Off },
            remove: dropped && state.remove,
            list: false,
            taken: 0,
            after_option: false,
            untouched: true,
            sizable: false,
            ..state.rested()
        };
        self.push(step, gain, next, act, None);
        // "A sandwich with tuna": the second names the first.
        if state.untouched
            && !dropped
            && self.names(state.item, items)
            && matches!(state.link, Link::With | Link::Bare | Link::Start | Link::For)
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

    /// Whether items are among those that a word for several left open.
    fn names(&self, open: u16, items: &[(u16, f32)]) -> bool {
        match self.lattice.edges.get(open as usize).map(|edge| &edge.kind) {
            Some(Kind::Items(open)) => {
                items.len() < open.len() && items.iter().all(|(item, _)| open.iter().any(|(of, _)| of == item))
            }
            _ => false,
        }
    }

    fn choice(&mut self, step: &Step, edge: &Edge, choices: &[(u16, u16, f32)]) {
        let state = step.state;
        let words = edge.to - edge.from;
        let how = How {
            negated: state.neg != Neg::Off,
            early: false,
            replaced: state.replaced,
            amount: state.amount,
            times: state.times,
            number: state.number,
            unit: state.unit == Unit::Part,
        };
        let aside = if self.lattice.aside[edge.to] { 0.2 } else { 0.0 };
        let best = choices.first().map_or(0.0, |choice| choice.2);
        let counted = choices
            .iter()
            .any(|(group, choice, quality)| fits(*quality, best) && self.lexicon.choice(*group, *choice).counted);
        if state.pre_len == 0
            && state.item != NONE
            && let Some((quality, group)) = self.fit(state.item, choices)
        {
            let gain = option_gain(&state, counted) - aside - 2.0 * (best - quality) * words as f32;
            let single = self.lexicon.menu.option_groups[group as usize].max == Some(1);
            let bit = 1_u64 << (group % 64);
            let again = single && state.taken & bit != 0 && !how.negated;
            let neg = if state.neg == Neg::Off { Neg::Off } else { Neg::Carry };
            let kept = state.pending_cost(counted);
            let next = State {
                neg,
                remove: state.remove && neg == Neg::Carry,
                replaced: false,
                list: state.list || matches!(state.link, Link::With | Link::Put),
                taken: if single && !how.negated { state.taken | bit } else { state.taken },
                after_option: true,
                untouched: false,
                fix: state.fix,
                ..state.rested()
            };
            let gain = gain - kept - if again { 0.8 } else { 0.0 };
            self.push(step, gain, next, Act::Option(how), None);
            if state.neg == Neg::Carry {
                // The refusal may have ended before this one.
                let cost = if matches!(state.link, Link::Or) { 1.0 } else { 0.0 };
                let how = How { negated: false, ..how };
                self.push(
                    step,
                    gain - cost + reset_gain(&state),
                    State { neg: Neg::Off, ..next },
                    Act::Option(how),
                    None,
                );
            }
        }
        if (state.pre_len as usize) < PRE && state.neg != Neg::Carry {
            let gain = if state.pre_len > 0 {
                if state.link == Link::Bare || state.link == Link::And { -0.1 } else { -0.3 }
            } else {
                match (state.det, state.link) {
                    (Det::Number | Det::Article, _) => 0.2,
                    (_, Link::Start | Link::Verb) => 0.1,
                    (_, Link::And | Link::Comma) => -0.35,
                    (_, Link::With) => -1.2,
                    (_, Link::For) => -1.5,
                    (_, Link::Put) => -0.4,
                    _ => -0.5,
                }
            };
            let mut next = state;
            next.pre[state.pre_len as usize] = step.edge;
            next.pre_len += 1;
            next.amount = None;
            next.times = 1;
            next.neg = Neg::Off;
            next.link = Link::Bare;
            next.unit = Unit::None;
            let how = How { number: NONE, early: true, ..how };
            self.push(step, gain, next, Act::Early(how), None);
            // "a two shot latte": the number counts the option.
            if counted && state.number != NONE {
                let next = State { det: Det::Article, number: NONE, ..next };
                let how = How { number: state.number, ..how };
                let sure = if state.one || state.unit == Unit::Part { 0.9 } else { -0.4 };
                self.push(step, gain + sure, next, Act::Early(how), None);
            }
        }
        let fitting = state.item != NONE && self.fit(state.item, choices).is_some();
        if !fitting {
            let next = State {
                list: state.list,
                after_option: false,
                neg: if how.negated { Neg::Carry } else { Neg::Off },
                ..state.rested()
            };
            self.push(step, -1.0 - edge.score, next, Act::Misfit(how), None);
        }
    }

    /// The best of `choices` that the item takes: quality and group.
    fn fit(&self, item: u16, choices: &[(u16, u16, f32)]) -> Option<(f32, u16)> {
        if item == IMPLIED {
            return choices.first().map(|(group, _, quality)| (*quality, *group));
        }
        let Kind::Items(items) = &self.lattice.edges[item as usize].kind else { return None };
        items.iter().filter_map(|(item, _)| self.lexicon.reading(*item, choices)).max_by(|a, b| a.0.total_cmp(&b.0))
    }

    fn has_size(&self, size: u16, items: &[(u16, f32)]) -> bool {
        match &self.lattice.edges[size as usize].kind {
            Kind::Sizes(sizes) => sizes.iter().any(|(of, _)| items.iter().any(|(item, _)| item == of)),
            _ => false,
        }
    }

    fn size(&mut self, step: &Step, sizes: &[(u16, u16)]) {
        let state = step.state;
        if state.size == NONE {
            let next = State {
                size: step.edge,
                link: if state.link == Link::Bare { Link::Bare } else { state.link },
                ..state
            };
            self.push(step, 0.0, next, Act::Skip, None);
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
            if state.det == Det::Article && !fix {
                gain -= 0.5;
            }
            if matches!(state.link, Link::And | Link::Verb) && !fix {
                gain -= 0.5;
            }
            self.push(step, gain, State { list: state.list, ..state.rested() }, Act::Size, None);
        }
    }

    fn number(&mut self, step: &Step, after: bool) {
        let state = step.state;
        if !after {
            let (cost, flush, open) = open(&state, step.fresh());
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
        if state.item != NONE && state.pre_len == 0 && state.det == Det::None {
            let gain = match (after, state.fix) {
                (true, _) => 1.0,
                (_, true) => 0.5,
                _ if state.link == Link::Start => -0.6,
                _ => -1.4,
            };
            self.push(step, gain, State { fix: false, ..state.rested() }, Act::Quantity, None);
        }
    }

    fn mark(&mut self, step: &Step, mark: Mark) {
        let state = step.state;
        match mark {
            Mark::Article | Mark::Some => {
                let det = if mark == Mark::Article { Det::Article } else { Det::Some };
                if state.det == Det::None || state.det == Det::Some {
                    let (cost, flush, open) = open(&state, mark == Mark::Article);
                    let neg = if open.neg == Neg::Carry && mark == Mark::Article { Neg::Off } else { open.neg };
                    self.push(step, -cost, State { det, neg, ..open }, Act::Skip, flush);
                } else if mark == Mark::Some {
                    self.push(step, -0.1, state, Act::Skip, None);
                } else {
                    let (cost, flush, open) = open(&state, true);
                    self.push(step, -cost - 0.2, State { det, number: NONE, ..open }, Act::Skip, flush);
                }
            }
            Mark::And | Mark::Or => {
                let link = if mark == Mark::And { Link::And } else { Link::Or };
                // A refusal that named nothing of ours ends here: "no sides and a water".
                let state = State { neg: if state.neg == Neg::On { Neg::Off } else { state.neg }, ..state };
                let next = State { link, ..state };
                // "a large and a small": what is pending may be a line by itself.
                if state.pre_len == 0 && state.size != NONE {
                    let (cost, flush, open) = open(&state, true);
                    self.push(step, -cost, State { link, ..open }, Act::Skip, flush);
                }
                let cost = if state.det == Det::None || state.pre_len > 0 { 0.0 } else { 0.4 };
                let loose = State { det: if state.pre_len > 0 { state.det } else { Det::None }, ..next };
                let loose = if state.pre_len == 0 { State { number: NONE, ..loose } } else { loose };
                let cost = cost + if state.number != NONE && state.pre_len == 0 { 1.0 } else { 0.0 };
                self.push(step, -cost, loose, Act::Skip, None);
            }
            Mark::With | Mark::OnIt => {
                let link = if mark == Mark::With { Link::With } else { Link::Put };
                let (cost, flush, open) = open(&state, true);
                let next = State { link, list: true, neg: Neg::Off, ..open };
                let next = if mark == Mark::OnIt { State { link: Link::Bare, ..next } } else { next };
                self.push(step, -cost, next, Act::Options, flush);
                if mark == Mark::With && state.pre_len > 0 {
                    // "Cheese with chips": what was said first is on what follows.
                    self.push(step, -0.5, State { link: Link::And, ..state }, Act::Skip, None);
                }
                if mark == Mark::OnIt && state.neg == Neg::On {
                    self.push(step, -0.2, state, Act::Skip, None);
                }
            }
            Mark::Put => {
                let (cost, flush, open) = open(&state, false);
                self.push(step, -cost, State { link: Link::Put, neg: Neg::Off, ..open }, Act::Skip, flush);
            }
            Mark::No | Mark::Remove | Mark::Except | Mark::InsteadOf => {
                let (cost, flush, open) = open(&state, true);
                let replaced = mark == Mark::InsteadOf;
                let remove = mark == Mark::Remove;
                let next = State { neg: Neg::On, replaced, remove, amount: None, link: Link::Bare, ..open };
                self.push(step, -cost, next, Act::Options, flush);
                if state.pre_len == 0 && mark == Mark::No {
                    // "a no cheese pizza": the refusal belongs to the item to come.
                    let next = State { neg: Neg::On, ..state };
                    self.push(step, -0.2, next, Act::Skip, None);
                }
            }
            Mark::Plain => {
                let (cost, flush, open) = open(&state, false);
                self.push(step, -cost, open, Act::Plain, flush);
                self.push(step, -0.1, state, Act::Skip, None);
            }
            Mark::Amount(amount) => {
                let neg = if state.neg == Neg::Carry { Neg::Off } else { state.neg };
                let next = State { amount: Some(amount), neg, ..state };
                self.push(step, 0.0, next, Act::Skip, None);
                if state.after_option {
                    self.push(step, -0.7, State { after_option: false, ..state }, Act::Amount(amount), None);
                }
            }
            Mark::Times(times) => {
                let neg = if state.neg == Neg::Carry { Neg::Off } else { state.neg };
                let next = State { times: u8::try_from(times).unwrap_or(2), neg, ..state };
                self.push(step, 0.0, next, Act::Skip, None);
            }
            Mark::Verb | Mark::Fix | Mark::MakeIt => {
                let (cost, flush, open) = open(&state, false);
                let fix = match mark {
                    Mark::Verb => state.fix,
                    _ => true,
                };
                let next =
                    State { link: Link::Verb, list: false, neg: Neg::Off, fix, det: Det::None, number: NONE, ..open };
                let ended = if state.neg == Neg::Carry { 0.4 } else { 0.0 };
                let lost = if state.det == Det::Number && flush.is_none() { 0.8 } else { 0.0 };
                let act = if mark == Mark::Fix { Act::Fix } else { Act::Skip };
                self.push(step, ended - cost - lost, next, act, flush);
            }
            Mark::Serving | Mark::Part => {
                let unit = if mark == Mark::Serving { Unit::Serving } else { Unit::Part };
                self.push(step, 0.0, State { unit, ..state }, Act::Skip, None);
            }
            Mark::Each => {
                self.push(step, 0.0, State { number: NONE, det: Det::None, ..state }, Act::Each, None);
            }
            Mark::Other => {
                let (cost, flush, open) = open(&state, true);
                self.push(step, -cost, State { det: Det::Number, number: NONE, ..open }, Act::Skip, flush);
            }
            Mark::Same => {
                let (cost, flush, open) = open(&state, false);
                if state.item != NONE {
                    self.push(
                        step,
                        0.3 - cost,
                        State { number: NONE, det: Det::None, link: Link::Bare, ..open },
                        Act::Same { number: state.number },
                        flush,
                    );
                }
                self.push(step, -0.3, state, Act::Skip, None);
            }
            Mark::For => {
                self.push(step, 0.0, State { link: Link::For, list: false, neg: Neg::Off, ..state }, Act::Skip, None)
            }
            Mark::Aside => self.push(step, 0.0, State { list: false, ..state }, Act::Skip, None),
            Mark::Size | Mark::Filler | Mark::Of => self.push(step, 0.0, state, Act::Skip, None),
        }
    }
}

#[derive(Clone, Copy)]
struct Step {
    from: u32,
    edge: u16,
    state: State,
    score: f32,
}

impl Step {
    const fn fresh(&self) -> bool {
        true
    }
}

impl State {
    /// The state after a thing has been said: nothing is pending.
    fn rested(&self) -> Self {
        Self {
            det: Det::None,
            number: NONE,
            one: false,
            unit: Unit::None,
            size: NONE,
            amount: None,
            times: 1,
            neg: Neg::Off,
            replaced: false,
            remove: false,
            link: Link::Bare,
            pre: [NONE; PRE],
            pre_len: 0,
            fix: false,
            ..*self
        }
    }

    /// What it costs that an option does not use what is pending.
    fn pending_cost(&self, counted: bool) -> f32 {
        let number = if self.number != NONE && !counted && self.unit != Unit::Part { 0.6 } else { 0.0 };
        number + if self.size != NONE { 0.9 } else { 0.0 }
    }
}

/// How likely an option is here.
fn option_gain(state: &State, counted: bool) -> f32 {
    let link = match state.link {
        Link::With => 0.5,
        Link::Put => 0.3,
        Link::And | Link::Or | Link::Comma if state.list => 0.2,
        Link::And | Link::Or => 0.0,
        Link::Comma => 0.1,
        Link::Bare => 0.15,
        Link::Verb => -0.1,
        Link::Start | Link::For => 0.0,
    };
    let det = match state.det {
        Det::Article if state.unit == Unit::Part || counted => 0.1,
        Det::Article if state.link == Link::With => -0.1,
        Det::Article => -0.5,
        Det::Number if counted => 0.5,
        Det::Number if state.unit == Unit::Part => 0.3,
        Det::Number => -0.3,
        Det::Some | Det::None => 0.0,
    };
    let unit = match state.unit {
        Unit::Serving => -0.6,
        Unit::Part => 0.2,
        Unit::None => 0.0,
    };
    let amount = if state.amount.is_some() || state.times > 1 { 0.2 } else { 0.0 };
    let neg = match (state.neg, state.link) {
        (Neg::On, _) => 0.3,
        (Neg::Carry, Link::Or) => 0.2,
        (Neg::Carry, Link::And) => 0.1,
        (Neg::Carry, _) => -0.1,
        (Neg::Off, _) => 0.0,
    };
    link + det + unit + amount + neg
}

/// How much likelier it is that a refusal has ended: nothing joins this option to it.
fn reset_gain(state: &State) -> f32 {
    match state.link {
        Link::Or => -0.5,
        Link::And => -0.15,
        Link::Comma => 0.0,
        _ => 0.15,
    }
}

/// Closes what is pending before something new begins: a line whose item was not said, where there is enough of it.
/// Gives the cost, the line and the state that is left.
fn open(state: &State, _fresh: bool) -> (f32, Option<Flush>, State) {
    let pending = state.pre_len > 0 || state.size != NONE || state.number != NONE || state.det == Det::Number;
    if !pending {
        let amount = if state.amount.is_some() || state.times > 1 { 0.4 } else { 0.0 };
        let article = if state.det == Det::Article { 0.2 } else { 0.0 };
        return (amount + article, None, State { amount: None, times: 1, unit: Unit::None, det: Det::None, ..*state });
    }
    let cost = if state.pre_len > 0 {
        1.0
    } else if state.item != NONE {
        0.5
    } else {
        1.2
    };
    let item = if state.item == NONE {
        IMPLIED
    } else if state.pre_len > 0 {
        IMPLIED
    } else {
        state.item
    };
    let flush = Flush { number: state.number, size: state.size };
    (cost, Some(flush), State { item, sizable: false, list: false, taken: 0, after_option: false, ..state.rested() })
}

/// What the end of the utterance costs a hypothesis.
fn closing(state: &State) -> (f32, Option<Flush>) {
    let mut cost = 0.0;
    if state.amount.is_some() || state.times > 1 {
        cost += 0.5;
    }
    if state.neg == Neg::On {
        cost += 0.5;
    }
    let flush = Flush { number: state.number, size: state.size };
    if state.pre_len > 0 {
        return (cost + 0.8, Some(flush));
    }
    if state.size != NONE {
        return (cost + 1.0, Some(flush));
    }
    match state.det {
        Det::Number => cost += 1.0,
        Det::Article => cost += 0.3,
        _ => {}
    }
    (cost, None)
}
