//! What a hypothesis of the search holds: what is being said, what is pending for the next thing.

use crate::order::Amount;

/// Options that may stand before their item.
pub(crate) const PRE: usize = 6;
/// "No edge."
pub(crate) const NONE: u16 = u16::MAX;
/// A line whose item was not said.
pub(crate) const IMPLIED: u16 = u16::MAX - 1;

/// What it costs that a thing without a name has two options where there is place for one.
const CROWDED: f32 = 1.6;

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
    /// An option of the line before: "a tea, a scone and no milk".
    Back(How),
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
    /// What was said last is of one of several.
    OnOne,
    /// What was said last is of the line of this size.
    OnSize,
    /// In the size of the line before.
    SameSize,
    /// One more of the last line.
    Same { number: u16, size: u16 },
    /// Nothing on it.
    Plain,
    /// Nothing on what comes next: "a plain bagel".
    PlainNext,
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
    /// Said as a thing: "a vanilla", "two cheese and onion".
    pub thing: bool,
    /// Said as one of those before: "one of them with nuts", "the other one".
    pub of_them: bool,
}

/// A step of the best path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub edge: u16,
    pub flush: Option<Flush>,
    pub act: Act,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Det {
    None,
    Some,
    Article,
    Number,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Neg {
    Off,
    On,
    /// Another may follow: "no onions or pickles".
    Carry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
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
pub(crate) enum Unit {
    None,
    Serving,
    Part,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct State {
    /// Edge of the item being said, [`NONE`] or [`IMPLIED`].
    pub item: u16,
    pub det: Det,
    pub number: u16,
    /// An article stands before the number: "a two shot".
    pub one: bool,
    pub unit: Unit,
    pub size: u16,
    pub amount: Option<Amount>,
    pub times: u8,
    pub neg: Neg,
    pub replaced: bool,
    /// "Remove" was said: things ordered before go too.
    pub remove: bool,
    pub link: Link,
    pub pre: [u16; PRE],
    pub pre_len: u8,
    /// Groups that take one choice and have it before the item.
    pub pre_taken: u64,
    /// Two of the options before the item are for a place that takes one: they are hardly of one thing.
    pub crowded: bool,
    /// After a correction.
    pub fix: bool,
    /// The correction was about an option: a thing that follows is another.
    pub fixed: bool,
    /// Within a list of options.
    pub list: bool,
    /// The step before was an option.
    pub after_option: bool,
    /// The last option was counted: "with two garlic dips and one chilli dip".
    pub counting: bool,
    /// The item has no option yet.
    pub untouched: bool,
    /// The line is an earlier one that still lacks its size.
    pub sizable: bool,
    /// The item's size was said.
    pub sized: bool,
    /// Groups that take one choice and have it.
    pub taken: u64,
    /// The item is wanted more than once, so that what follows may part it: "two teas, one hot and one iced".
    pub many: bool,
    /// The item is the same as the one before: "the same but a latte".
    pub copied: bool,
    /// Edge of the thing before, where the item stands in a list after it: what the item does not take may be that one's.
    pub back: u16,
}

/// What the words may be about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    /// Edge of its item.
    pub edge: u16,
    /// Its size has not been said yet.
    pub sizable: bool,
}

impl State {
    /// Nothing said and nothing pending.
    const REST: Self = Self {
        item: NONE,
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
        pre_taken: 0,
        crowded: false,
        fix: false,
        fixed: false,
        list: false,
        after_option: false,
        counting: false,
        untouched: false,
        sizable: false,
        sized: false,
        taken: 0,
        many: false,
        copied: false,
        back: NONE,
    };

    /// Nothing said yet.
    pub(crate) fn start(context: Option<Context>) -> Self {
        Self {
            item: context.map_or(NONE, |context| context.edge),
            link: Link::Start,
            sizable: context.is_some_and(|context| context.sizable),
            ..Self::REST
        }
    }

    /// The state after a thing has been said: nothing is pending, the item and what it has stay.
    pub(crate) fn rested(&self) -> Self {
        Self {
            item: self.item,
            list: self.list,
            after_option: self.after_option,
            counting: self.counting,
            untouched: self.untouched,
            sizable: self.sizable,
            sized: self.sized,
            taken: self.taken,
            many: self.many,
            back: self.back,
            ..Self::REST
        }
    }

    /// What it costs that an option does not use what is pending.
    pub(crate) fn pending_cost(&self, counted: bool) -> f32 {
        let number = if self.number != NONE && !counted && self.unit != Unit::Part { 0.6 } else { 0.0 };
        number + if self.size != NONE { 0.9 } else { 0.0 }
    }
}

/// How likely an option is here.
pub(crate) fn option_gain(state: &State, counted: bool) -> f32 {
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
        // "With bacon and a fried egg".
        Det::Article if state.link == Link::With => -0.1,
        Det::Article if state.link == Link::And && state.list && state.size == NONE => -0.1,
        // "I'd like a thick crust" begins another.
        Det::Article if state.link == Link::Verb && !state.fix => -1.0,
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
pub(crate) fn reset_gain(state: &State) -> f32 {
    match state.link {
        Link::Or => -0.5,
        Link::And => -0.15,
        Link::Comma => 0.0,
        _ => 0.15,
    }
}

fn flush_of(state: &State) -> Flush {
    Flush {
        number: state.number,
        size: state.size,
        thing: matches!(state.det, Det::Article | Det::Number),
        of_them: state.det == Det::Number && state.number == NONE,
    }
}

/// Closes what is pending before something new begins: a line whose item was not said, where there is enough of it.
/// Gives the cost, the line and the state that is left.
pub(crate) fn open(state: &State) -> (f32, Option<Flush>, State) {
    let pending = state.pre_len > 0 || state.size != NONE || state.number != NONE || state.det == Det::Number;
    if !pending {
        let amount = if state.amount.is_some() || state.times > 1 { 0.4 } else { 0.0 };
        let article = if state.det == Det::Article { 0.2 } else { 0.0 };
        return (amount + article, None, State { amount: None, times: 1, unit: Unit::None, det: Det::None, ..*state });
    }
    let bare = state.number == NONE && state.det == Det::None;
    let cost = if state.pre_len > 0 {
        if bare && state.item != NONE { 1.6 } else { 1.0 }
    } else if state.item != NONE && bare {
        1.1
    } else if state.item != NONE {
        if state.many { 0.1 } else { 0.5 }
    } else {
        1.2
    };
    // "Two teas, one hot and one iced": the numbers tell that each is a line.
    let counts = state.number != NONE || (state.many && state.det == Det::Number);
    let cost =
        if state.pre_len > 0 && counts && state.item != NONE { if state.many { 0.2 } else { 0.5 } } else { cost };
    let cost = if state.crowded { cost + CROWDED } else { cost };
    let item = if state.item == NONE || state.pre_len > 0 { IMPLIED } else { state.item };
    let flush = flush_of(state);
    (
        cost,
        Some(flush),
        State {
            item,
            sizable: false,
            sized: state.size != NONE,
            list: false,
            taken: state.pre_taken,
            after_option: false,
            ..state.rested()
        },
    )
}

/// What the end of the utterance costs a hypothesis.
pub(crate) fn closing(state: &State) -> (f32, Option<Flush>) {
    let mut cost = 0.0;
    if state.amount.is_some() || state.times > 1 {
        cost += 0.5;
    }
    if state.neg == Neg::On {
        cost += 0.5;
    }
    let flush = flush_of(state);
    if state.pre_len > 0 {
        let bare = state.number == NONE && state.det == Det::None && state.item != NONE;
        let open = match (state.many && state.det == Det::Number, bare) {
            (true, _) => 0.3,
            (_, true) => 1.6,
            _ => 0.8,
        };
        let open = if state.crowded { open + CROWDED } else { open };
        return (cost + open, Some(flush));
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
