//! From the best path to order lines: the path is replayed and every pick is settled against its item.

use super::english::{self, Mark};
use super::lattice::{Edge, Kind, Lattice, fits};
use super::lexicon::Lexicon;
use super::search::{Act, Flush, How, NONE, Path};
use super::tokens::Token;
use super::{Problem, UnknownThing, nearest};
use crate::menu::{ChoiceId, GroupId};
use crate::order::{Amount, ChoicePick, OptionPick, OrderLine, Pick, Without};

/// The most items among which a guest who named none is asked.
const MOST_IMPLIED: usize = 4;

/// A line while it is being said.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// Items it may be, best first; empty where none was said.
    pub items: Vec<(u16, f32)>,
    /// Items that the words name in part.
    pub also: Vec<u16>,
    pub quantity: u32,
    /// Whether the quantity was said.
    pub counted: bool,
    /// Edge of the size.
    pub size: Option<u16>,
    /// Edges of options.
    pub options: Vec<(u16, How)>,
    /// Nothing on it.
    pub plain: bool,
    /// Which line it was split from: "two burgers, one without onions".
    split: Option<usize>,
    /// Said as "the same".
    copy: bool,
    /// Takes the place of the line that the words are about.
    pub replaces: bool,
}

/// What the replay of a path gives.
pub(crate) struct Replay {
    /// The line that the words were said about, where there was one, with what they change.
    pub context: Option<Draft>,
    pub lines: Vec<Draft>,
    /// What is to go and was not ordered in these words, and whether it was said as "instead of".
    pub dropped: Vec<(Draft, bool)>,
    /// How many more of the line that the words are about.
    pub again: u32,
    /// Runs of words that fit nothing: from, to, whether a thing was due there.
    pub unknown: Vec<(usize, usize, bool)>,
    pub problems: Vec<Problem>,
}

struct Replayer<'a> {
    lexicon: &'a Lexicon,
    tokens: &'a [Token],
    lattice: &'a Lattice,
    out: Replay,
    early: Vec<(u16, How)>,
    /// Lines that the next options are for, besides the last one.
    scope: Option<usize>,
    /// Options of the last line before this clause.
    clause: usize,
    fix: bool,
}

/// Replays a path. `context` is the item edge that the search started with.
pub(crate) fn replay(
    lexicon: &Lexicon,
    tokens: &[Token],
    lattice: &Lattice,
    path: &Path,
    context: Option<u16>,
) -> Replay {
    let mut replayer = Replayer {
        lexicon,
        tokens,
        lattice,
        out: Replay {
            context: None,
            lines: Vec::new(),
            dropped: Vec::new(),
            again: 0,
            unknown: Vec::new(),
            problems: Vec::new(),
        },
        early: Vec::new(),
        scope: None,
        clause: 0,
        fix: false,
    };
    if let Some(edge) = context {
        replayer.out.context = Some(Draft { counted: false, ..replayer.draft(edge, NONE, NONE) });
    }
    for step in &path.steps {
        if let Some(flush) = step.flush {
            replayer.flush(flush);
        }
        if let Some(edge) = lattice.edges.get(step.edge as usize) {
            replayer.act(step.act, step.edge, edge);
        }
    }
    replayer.out.lines.retain(|line| line.quantity > 0);
    replayer.out
}

impl Replayer<'_> {
    fn act(&mut self, act: Act, at: u16, edge: &Edge) {
        match act {
            Act::Skip => {}
            Act::Options => self.clause = self.last().map_or(0, |line| line.options.len()),
            Act::Unknown { asked } => match self.out.unknown.last_mut() {
                Some(last) if last.1 == edge.from => last.1 = edge.to,
                _ => self.out.unknown.push((edge.from, edge.to, asked)),
            },
            Act::Misfit(how) => {
                if !how.negated {
                    self.out.unknown.push((edge.from, edge.to, false));
                }
            }
            Act::Line { number, size, refine: true, .. } => self.refine(at, number, size),
            Act::Line { number, size, dropped: true, replaced, .. } => self.drop_line(at, number, size, replaced),
            Act::Line { number, size, fix, .. } => self.line(at, number, size, fix || self.fix),
            Act::Early(how) => self.early.push((at, how)),
            Act::Option(how) => self.option(at, how),
            Act::Size => {
                if let Some(line) = self.last() {
                    line.size = Some(at);
                }
                self.fix = false;
            }
            Act::Quantity => {
                if let Some(value) = self.quantity(at)
                    && let Some(line) = self.last()
                {
                    line.quantity = value;
                    line.counted = true;
                }
                self.fix = false;
            }
            Act::Amount(amount) => {
                if let Some((_, how)) = self.last().and_then(|line| line.options.last_mut()) {
                    how.amount = Some(amount);
                }
            }
            Act::Plain => {
                if let Some(line) = self.last() {
                    line.plain = true;
                }
            }
            Act::Each => self.each(edge),
            Act::Same { number } => self.same(number),
            Act::Fix => self.fix = true,
        }
    }

    fn last(&mut self) -> Option<&mut Draft> {
        self.out.lines.last_mut().or(self.out.context.as_mut())
    }

    /// The value of a number's edge; one that cannot be is a problem and stands for one.
    fn quantity(&mut self, edge: u16) -> Option<u32> {
        let edge = self.lattice.edges.get(edge as usize)?;
        match edge.kind {
            Kind::Number { value: Some(value), .. } => Some(value),
            Kind::Number { value: None, .. } => {
                self.out.problems.push(Problem::QuantityOutOfRange { words: words(self.tokens, edge.from, edge.to) });
                None
            }
            _ => None,
        }
    }

    fn draft(&mut self, item: u16, number: u16, size: u16) -> Draft {
        let items = match self.lattice.edges.get(item as usize).map(|edge| &edge.kind) {
            Some(Kind::Items(items)) => items.clone(),
            _ => Vec::new(),
        };
        let quantity = self.quantity(number);
        Draft {
            items,
            also: self.lattice.edges.get(item as usize).map_or_else(Vec::new, |edge| edge.also.clone()),
            quantity: quantity.unwrap_or(1),
            counted: quantity.is_some(),
            size: Some(size).filter(|size| *size != NONE),
            options: Vec::new(),
            plain: false,
            split: None,
            copy: false,
            replaces: false,
        }
    }

    fn line(&mut self, item: u16, number: u16, size: u16, fix: bool) {
        let problems = self.out.problems.len();
        let mut draft = self.draft(item, number, size);
        draft.options = std::mem::take(&mut self.early);
        self.scope = None;
        self.clause = draft.options.len();
        self.fix = false;
        let refused = self.out.problems.len() > problems;
        if refused {
            // "-1 burgers" orders nothing; the guest is told.
            return;
        }
        let kin = |line: &Draft| match (line.items.first(), draft.items.first()) {
            (Some((a, _)), Some((b, _))) => self.lexicon.item(*a).course == self.lexicon.item(*b).course,
            _ => false,
        };
        if fix && self.out.lines.is_empty() && self.out.context.as_ref().is_some_and(kin) {
            draft.replaces = true;
        } else if fix && self.out.lines.last().is_some_and(kin) {
            let old = self.out.lines.pop();
            if !draft.counted {
                draft.quantity = old.map_or(1, |old| old.quantity);
            }
        }
        self.out.lines.push(draft);
    }

    /// Takes back what these words ordered, or remembers what an order before them is to lose.
    fn drop_line(&mut self, item: u16, number: u16, size: u16, replaced: bool) {
        let mut draft = self.draft(item, number, size);
        draft.options = std::mem::take(&mut self.early);
        let same = |line: &Draft| line.items.iter().any(|(item, _)| draft.items.iter().any(|(other, _)| item == other));
        match self.out.lines.iter().rposition(same) {
            Some(at) if !replaced => drop(self.out.lines.remove(at)),
            _ => self.out.dropped.push((draft, replaced)),
        }
    }

    /// Says which of several the last line is.
    fn refine(&mut self, item: u16, number: u16, size: u16) {
        let draft = self.draft(item, number, size);
        if let Some(line) = self.out.lines.last_mut() {
            line.items = draft.items;
            line.size = draft.size.or(line.size);
            if draft.counted {
                line.quantity = draft.quantity;
            }
        }
    }

    /// A line whose item was not said: part of the line before, another of its kind, or what its options imply.
    fn flush(&mut self, flush: Flush) {
        let mut draft = self.draft(NONE, flush.number, flush.size);
        let early = std::mem::take(&mut self.early);
        self.scope = None;
        let root = self.out.lines.iter().rposition(|line| line.split.is_none()).filter(|&at| {
            let items = &self.out.lines[at].items;
            early.iter().all(|(edge, _)| self.takes(items, *edge))
        });
        if let Some(at) = root {
            let several = self.out.lines.len() > at + 1;
            let root = &mut self.out.lines[at];
            draft.items.clone_from(&root.items);
            let sized = draft.size.is_some() && draft.size != root.size;
            let part = draft.size.is_none() || root.size.is_none();
            if part && (root.quantity > draft.quantity || (root.quantity == draft.quantity && several)) {
                root.quantity -= draft.quantity;
                let quantity = draft.quantity;
                let size = draft.size;
                draft = Draft { split: Some(at), quantity, ..root.clone() };
                draft.size = size.or(draft.size);
            } else if !sized && draft.size.is_none() && early.is_empty() {
                draft.size = None;
            }
        }
        if root.is_none()
            && let Some(items) = self.out.context.as_ref().map(|context| context.items.clone())
            && early.iter().all(|(edge, _)| self.takes(&items, *edge))
        {
            draft.items = items;
        }
        self.clause = draft.options.len();
        draft.options.extend(early);
        self.out.lines.push(draft);
    }

    fn takes(&self, items: &[(u16, f32)], edge: u16) -> bool {
        match &self.lattice.edges[edge as usize].kind {
            Kind::Choices(choices) => items.iter().any(|(item, _)| self.lexicon.reading(*item, choices).is_some()),
            _ => false,
        }
    }

    fn option(&mut self, at: u16, how: How) {
        let fix = std::mem::take(&mut self.fix);
        if let Some(other) = self.scope
            && let Some(line) = self.out.lines.get_mut(other)
        {
            line.options.push((at, how));
        }
        if let Some(line) = self.last() {
            if fix {
                line.options.pop();
            }
            line.options.push((at, how));
        }
    }

    fn each(&mut self, edge: &Edge) {
        let count = self.out.lines.len();
        let Some(last) = self.out.lines.last() else { return };
        if count < 2 || (last.quantity > 1 && last.split.is_none()) {
            return;
        }
        let ahead = self
            .tokens
            .get(edge.to)
            .is_some_and(|token| token.text == "with" || token.text == "without" || token.text == "no");
        if ahead {
            self.scope = Some(count - 2);
        } else {
            let said = last.options.get(self.clause..).unwrap_or(&[]).to_vec();
            self.out.lines[count - 2].options.extend(said);
        }
    }

    fn same(&mut self, number: u16) {
        let quantity = self.quantity(number).unwrap_or(1);
        self.scope = None;
        if let Some(last) = self.out.lines.last() {
            let copy = Draft { quantity, counted: true, copy: true, split: None, ..last.clone() };
            self.clause = copy.options.len();
            self.out.lines.push(copy);
        } else if self.out.context.is_some() {
            self.out.again = self.out.again.saturating_add(quantity);
        }
    }
}

/// The words of a stretch of the utterance.
pub(crate) fn words(tokens: &[Token], from: usize, to: usize) -> String {
    let words: Vec<&str> = tokens.get(from..to).unwrap_or(&[]).iter().map(|token| token.text.as_str()).collect();
    words.join(" ")
}

/// Settles drafts into lines; one that no item fits is unknown.
pub(crate) fn settle(
    lexicon: &Lexicon,
    tokens: &[Token],
    lattice: &Lattice,
    replay: &Replay,
) -> (Vec<OrderLine>, Vec<UnknownThing>) {
    let mut lines: Vec<(OrderLine, bool)> = Vec::new();
    let mut unknown = Vec::new();
    for draft in &replay.lines {
        let items = candidates(lexicon, lattice, draft, lines.last().map(|(line, _)| line));
        if items.is_empty() {
            let said = draft.options.iter().filter_map(|(edge, _)| lattice.edges.get(*edge as usize));
            for edge in said {
                unknown.push(UnknownThing { words: words(tokens, edge.from, edge.to), nearest: Vec::new() });
            }
            continue;
        }
        let line = settle_line(lexicon, tokens, lattice, draft, &items);
        if draft.copy
            && let Some((last, _)) = lines.last_mut()
            && same_but_quantity(last, &line)
        {
            last.quantity = last.quantity.saturating_add(line.quantity);
            continue;
        }
        lines.push((line, draft.copy));
    }
    for &(from, to, _) in &replay.unknown {
        let words = words(tokens, from, to);
        unknown.push(UnknownThing { nearest: nearest::items(lexicon, &words), words });
    }
    (lines.into_iter().map(|(line, _)| line).collect(), unknown)
}

fn same_but_quantity(a: &OrderLine, b: &OrderLine) -> bool {
    a.item == b.item && a.size == b.size && a.options == b.options && a.without == b.without
}

/// The items that a draft may be: those that take all that was said of it, where any do.
fn candidates(lexicon: &Lexicon, lattice: &Lattice, draft: &Draft, before: Option<&OrderLine>) -> Vec<u16> {
    let takes_all = |item: u16| {
        let options = draft.options.iter().all(|(edge, _)| match &lattice.edges[*edge as usize].kind {
            Kind::Choices(choices) => lexicon.reading(item, choices).is_some(),
            _ => false,
        });
        options && draft.size.is_none_or(|edge| size_of(lattice, edge, item).is_some())
    };
    if !draft.items.is_empty() {
        let best = draft.items[0].1;
        let all: Vec<u16> =
            draft.items.iter().filter(|(_, quality)| fits(*quality, best)).map(|(item, _)| *item).collect();
        let fitting: Vec<u16> = all.iter().copied().filter(|item| takes_all(*item)).collect();
        return if fitting.is_empty() { all } else { fitting };
    }
    if draft.options.is_empty() && draft.size.is_none() {
        return Vec::new();
    }
    let count = super::lexicon::place(lexicon.menu.items.len());
    let all: Vec<u16> = (0..count).filter(|item| takes_all(*item)).collect();
    let before = before.and_then(|line| line.item.one());
    match all.iter().find(|item| Some(&lexicon.item(**item).id) == before) {
        Some(item) => vec![*item],
        // What nearly everything takes implies nothing.
        None if all.len() > MOST_IMPLIED => Vec::new(),
        None if all.len() > 1 && draft.options.len() == 1 && draft.size.is_none() && !draft.counted => Vec::new(),
        None => all,
    }
}

fn size_of(lattice: &Lattice, edge: u16, item: u16) -> Option<u16> {
    match &lattice.edges.get(edge as usize)?.kind {
        Kind::Sizes(sizes) => sizes.iter().find(|(of, _)| *of == item).map(|(_, size)| *size),
        _ => None,
    }
}

fn settle_line(lexicon: &Lexicon, tokens: &[Token], lattice: &Lattice, draft: &Draft, items: &[u16]) -> OrderLine {
    let item = items[0];
    let size = draft.size.and_then(|edge| size_of(lattice, edge, item)).filter(|_| items.len() == 1);
    let (options, without) = settle_options(lexicon, tokens, lattice, draft, items);
    OrderLine {
        item: pick(items.iter().map(|item| lexicon.item(*item).id.clone()).collect(), Pick::One, Pick::AnyOf),
        quantity: draft.quantity,
        size: size.and_then(|size| lexicon.item(item).sizes.get(size as usize)).map(|size| size.id.clone()),
        options,
        without,
    }
}

fn pick<Id: Ord, P>(mut ids: Vec<Id>, one: impl Fn(Id) -> P, several: impl Fn(Vec<Id>) -> P) -> P {
    if ids.len() == 1 {
        return one(ids.swap_remove(0));
    }
    ids.sort_unstable();
    several(ids)
}

/// Options and things left out; what was said last of a choice holds.
pub(crate) fn settle_options(
    lexicon: &Lexicon,
    tokens: &[Token],
    lattice: &Lattice,
    draft: &Draft,
    items: &[u16],
) -> (Vec<OptionPick>, Vec<Without>) {
    let (mut options, mut without): (Vec<OptionPick>, Vec<Without>) = (Vec::new(), Vec::new());
    if draft.plain
        && let [item] = items
    {
        for (group, choice) in &lexicon.includes[*item as usize] {
            without.push(Without {
                group: lexicon.menu.option_groups[*group as usize].id.clone(),
                choice: ChoicePick::One(lexicon.choice(*group, *choice).id.clone()),
            });
        }
    }
    for (at, how) in &draft.options {
        let edge = &lattice.edges[*at as usize];
        let Some((group, choices)) = settle_choice(lexicon, edge, items) else { continue };
        let id: GroupId = lexicon.menu.option_groups[group as usize].id.clone();
        let ids = choices.iter().map(|choice| lexicon.choice(group, *choice).id.clone()).collect();
        let choice = pick(ids, ChoicePick::One, ChoicePick::AnyOf);
        if how.negated {
            if how.replaced && !replaced_counts(lexicon, items[0], group, &choices) {
                continue;
            }
            options.retain(|option| option.group != id || option.choice != choice);
            if without.iter().all(|w| w.group != id || w.choice != choice) {
                without.push(Without { group: id, choice });
            }
            continue;
        }
        without.retain(|w| w.group != id || w.choice != choice);
        let counted = choices.iter().all(|choice| lexicon.choice(group, *choice).counted);
        let (amount, count) = amount_of(tokens, lattice, edge, how, counted);
        match options.iter_mut().find(|option| option.group == id && option.choice == choice) {
            Some(known) => {
                known.amount = amount.or(known.amount);
                known.count = count.or(known.count);
            }
            None => options.push(OptionPick { group: id, choice, amount, count }),
        }
    }
    let early = draft.options.iter().filter(|(_, how)| how.early).filter_map(|(at, _)| {
        let (_, choices) = settle_choice(lexicon, &lattice.edges[*at as usize], items)?;
        (choices.len() > 1).then_some(())
    });
    if early.count() > 0 {
        specify(&mut options);
    }
    (options, without)
}

/// A word for several choices steps back before one of them: "a bean burrito with black beans".
fn specify(options: &mut Vec<OptionPick>) {
    let settled: Vec<(GroupId, ChoiceId)> =
        options.iter().filter_map(|option| Some((option.group.clone(), option.choice.one()?.clone()))).collect();
    options.retain(|option| match &option.choice {
        ChoicePick::One(_) => true,
        ChoicePick::AnyOf(ids) => !settled.iter().any(|(group, id)| *group == option.group && ids.contains(id)),
    });
}

/// Whether what is replaced has to be left out: it is on the item, or the menu does not say what is.
fn replaced_counts(lexicon: &Lexicon, item: u16, group: u16, choices: &[u16]) -> bool {
    let includes = &lexicon.includes[item as usize];
    let single = lexicon.menu.option_groups[group as usize].max == Some(1);
    !single && (includes.is_empty() || choices.iter().any(|choice| includes.contains(&(group, *choice))))
}

/// The choices that a word means on an item: of one group, the best of them.
fn settle_choice(lexicon: &Lexicon, edge: &Edge, items: &[u16]) -> Option<(u16, Vec<u16>)> {
    let Kind::Choices(choices) = &edge.kind else { return None };
    let taken: Vec<&(u16, u16, f32)> =
        choices.iter().filter(|(group, ..)| items.iter().any(|item| lexicon.takes(*item, *group))).collect();
    let best = items
        .iter()
        .filter_map(|item| lexicon.reading(*item, choices))
        .map(|(quality, _)| quality)
        .fold(f32::NAN, f32::max);
    let fitting: Vec<(u16, u16)> =
        taken.iter().filter(|(.., quality)| fits(*quality, best)).map(|(g, c, _)| (*g, *c)).collect();
    let order = items
        .iter()
        .find_map(|item| lexicon.groups[*item as usize].iter().find(|group| fitting.iter().any(|(g, _)| g == *group)));
    let group = order.copied()?;
    Some((group, fitting.into_iter().filter(|(g, _)| *g == group).map(|(_, choice)| choice).collect()))
}

fn amount_of(
    tokens: &[Token],
    lattice: &Lattice,
    edge: &Edge,
    how: &How,
    counted: bool,
) -> (Option<Amount>, Option<u32>) {
    let number = match lattice.edges.get(how.number as usize).map(|edge| &edge.kind) {
        Some(Kind::Number { value, .. }) => *value,
        _ => None,
    };
    let times = u32::from(how.times);
    if !counted {
        let more = times > 1 || number.is_some_and(|number| number > 1);
        return (how.amount.or(more.then_some(Amount::Extra)), None);
    }
    let count = match (number, times) {
        (Some(number), 1) => number,
        (Some(number), times) => number.saturating_mul(times),
        (None, times) => times,
    };
    // "An extra shot" is one more; "extra syrup" is more of it.
    let mut unit = how.unit || number.is_some();
    for at in edge.from..edge.to.min(tokens.len()) {
        english::marks(&tokens[at..=at], |mark, _| unit |= mark == Mark::Part);
    }
    let amount = how.amount.filter(|amount| !(unit && *amount == Amount::Extra));
    (amount, (count > 1).then_some(count))
}
