//! From drafts to order lines: every pick is settled against its item.

use super::english::{self, Mark};
use super::lattice::{Edge, Kind, Lattice, fits};
use super::lexicon::{FULL, Lexicon, MANY, PART_NAME};
use super::pieces::Count;
use super::replay::{Draft, Replay};
use super::state::How;
use super::tokens::{Break, Token};
use super::{Problem, UnknownThing, nearest, pieces};
use crate::menu::{ChoiceId, GroupId};
use crate::order::{Amount, ChoicePick, OptionPick, OrderLine, Pick, Without};

/// The most items among which a guest who named none is asked.
const MOST_IMPLIED: usize = 4;

/// The words of a stretch of the utterance.
pub(crate) fn words(tokens: &[Token], from: usize, to: usize) -> String {
    let words: Vec<&str> = tokens.get(from..to).unwrap_or(&[]).iter().map(|token| token.text.as_str()).collect();
    words.join(" ")
}

/// What drafts come to.
#[derive(Default)]
pub(crate) struct Settled {
    /// The lines, each with the draft that it was made from.
    pub lines: Vec<(OrderLine, usize)>,
    /// Words that fit nothing.
    pub unknown: Vec<UnknownThing>,
    /// What cannot be done as said.
    pub problems: Vec<Problem>,
}

/// Settles drafts into lines; one that no item fits is unknown.
pub(crate) fn settle(lexicon: &Lexicon, tokens: &[Token], lattice: &Lattice, replay: &Replay) -> Settled {
    let mut lines: Vec<(OrderLine, usize)> = Vec::new();
    let (mut unknown, mut problems) = (Vec::new(), Vec::new());
    for (place, draft) in replay.lines.iter().enumerate() {
        if sizes_unknown(lattice, replay, draft) {
            continue;
        }
        let mut items = candidates(lexicon, tokens, lattice, draft, lines.last().map(|(line, _)| line));
        let thing = if items.is_empty() { said_as_option(lattice, draft) } else { None };
        let draft = thing.as_ref().unwrap_or(draft);
        if thing.is_some() {
            items = candidates(lexicon, tokens, lattice, draft, lines.last().map(|(line, _)| line));
        }
        if items.is_empty() {
            let said = draft.options.iter().filter_map(|(edge, _)| lattice.edges.get(*edge as usize));
            for edge in said {
                unknown.push(UnknownThing {
                    words: words(tokens, edge.from, edge.to),
                    nearest: Vec::new(),
                    asked: true,
                });
            }
            continue;
        }
        let mut line = settle_line(lexicon, tokens, lattice, draft, &items);
        for (edge, how) in &draft.options {
            // What the thing turns out not to take is said back.
            let edge = &lattice.edges[*edge as usize];
            if !how.negated && settle_choice(lexicon, edge, &items).is_none() {
                let words = words(tokens, edge.from, edge.to);
                unknown.push(UnknownThing { nearest: Vec::new(), asked: true, words });
            }
        }
        if let Err(problem) = portions(lexicon, tokens, lattice, draft, &items, &mut line) {
            problems.push(problem);
            continue;
        }
        if draft.copy
            && let Some((last, _)) = lines.last_mut()
            && same_but_quantity(last, &line)
        {
            last.quantity = last.quantity.saturating_add(line.quantity);
            continue;
        }
        lines.push((line, place));
    }
    for &(from, to, asked) in &replay.unknown {
        let words = words(tokens, from, to);
        unknown.push(UnknownThing { nearest: nearest::items(lexicon, &words), asked, words });
    }
    Settled { lines, unknown, problems }
}

/// A draft of options alone that no item takes together, read as the thing that one of them names as well: "the burger
/// with blue cheese" is a burger, and there is no blue cheese on it.
fn said_as_option(lattice: &Lattice, draft: &Draft) -> Option<Draft> {
    let mut spans = draft.options.iter().filter_map(|(at, _)| Some((*at, lattice.edges.get(*at as usize)?)));
    spans.find_map(|(option, span)| {
        let (at, items) = lattice.edges.iter().enumerate().find_map(|(at, edge)| match &edge.kind {
            Kind::Items(items) if edge.from == span.from && edge.to == span.to => Some((at, items)),
            _ => None,
        })?;
        let mut draft = Draft { items: items.clone(), edge: u16::try_from(at).ok()?, ..draft.clone() };
        draft.options.retain(|(edge, _)| *edge != option);
        Some(draft)
    })
}

/// Whether a line is a size and nothing else, and the size stands before what fits nothing: "a small cider".
fn sizes_unknown(lattice: &Lattice, replay: &Replay, draft: &Draft) -> bool {
    let size = draft.size.and_then(|edge| lattice.edges.get(edge as usize));
    let said = lattice.edges.get(draft.edge as usize).is_some();
    !said
        && draft.options.is_empty()
        && size.is_some_and(|size| replay.unknown.iter().any(|(from, ..)| *from == size.to))
}

/// Words behind a thing that make its number one of portions: "two nugget boxes".
const PORTIONS: &[&str] = &[
    "box", "boxes", "portion", "portions", "order", "orders", "serving", "servings", "plate", "plates", "pack",
    "packs", "bucket", "buckets", "basket", "baskets",
];

/// Where a line's number stands right before the thing and counts what is in a portion, the line becomes portions.
fn portions(
    lexicon: &Lexicon,
    tokens: &[Token],
    lattice: &Lattice,
    draft: &Draft,
    items: &[u16],
    line: &mut OrderLine,
) -> Result<(), Problem> {
    let (Some(number), Some(thing)) =
        (lattice.edges.get(draft.number as usize), lattice.edges.get(draft.edge as usize))
    else {
        return Ok(());
    };
    let boxed = tokens.get(thing.to).is_some_and(|token| PORTIONS.contains(&token.text.as_str()));
    // "Twelve hot wings", "wings, a dozen".
    let between = |edge: u16| lattice.edges.get(edge as usize).map_or(0, |edge| edge.to - edge.from);
    let early: usize = draft.options.iter().filter(|(_, how)| how.early).map(|(edge, _)| between(*edge)).sum();
    let beside = number.from >= thing.to || number.to + early == thing.from;
    if line.size.is_some() || draft.size.is_some() || !beside || boxed {
        return Ok(());
    }
    let mut counts: Vec<Count> = items.iter().map(|item| pieces::count(lexicon, *item, draft.quantity)).collect();
    counts.dedup();
    match counts.as_slice() {
        [Count::Pieces(size, times)] if draft.quantity == line.quantity => {
            line.size.clone_from(size);
            line.quantity = *times;
            Ok(())
        }
        [Count::Uneven] => Err(Problem::Uneven {
            words: words(tokens, number.from, thing.to),
            item: lexicon.item(items[0]).id.clone(),
        }),
        _ => Ok(()),
    }
}

fn same_but_quantity(a: &OrderLine, b: &OrderLine) -> bool {
    a.item == b.item && a.size == b.size && a.options == b.options && a.without == b.without
}

/// The items that a draft may be: those that take all that was said of it, where any do.
fn candidates(
    lexicon: &Lexicon,
    tokens: &[Token],
    lattice: &Lattice,
    draft: &Draft,
    before: Option<&OrderLine>,
) -> Vec<u16> {
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
    // "A side of black beans" where there is a side of beans that takes them.
    let akin = |item: &u16| {
        draft.options.iter().any(|(edge, _)| shares_word(lexicon, tokens, &lattice.edges[*edge as usize], *item))
    };
    let kin: Vec<u16> = all.iter().copied().filter(akin).collect();
    let all = if kin.len() == 1 && draft.thing { kin } else { all };
    // "A large with ham" where there are pizzas of all names and one that is just called so.
    let generic: Vec<u16> = all.iter().copied().filter(|item| lexicon.is_generic(*item)).collect();
    let all = if generic.len() == 1 && (draft.thing || draft.size.is_some()) { generic } else { all };
    // A byname of an option does not tell a thing: "nachos" are no fries with nacho cheese.
    let named = draft.options.iter().any(|(edge, _)| match &lattice.edges[*edge as usize].kind {
        Kind::Choices(choices) => choices
            .iter()
            .any(|(group, choice, quality)| *quality >= PART_NAME || lexicon.choice(*group, *choice).counted),
        _ => false,
    });
    if draft.size.is_none() && !named {
        return Vec::new();
    }
    let before = before.and_then(|line| line.item.one());
    match all.iter().find(|item| Some(&lexicon.item(**item).id) == before) {
        Some(item) => vec![*item],
        // After other things, an option by itself is no thing of its own; and what nearly everything takes says nothing.
        None if draft.size.is_none()
            && ((before.is_some() && !(draft.thing && all.len() == 1))
                || (all.len() > 1 && draft.options.len() == 1 && !draft.counted)) =>
        {
            Vec::new()
        }
        None if all.len() > MOST_IMPLIED => Vec::new(),
        None => all,
    }
}

/// Whether an option is said with a word of an item's name.
fn shares_word(lexicon: &Lexicon, tokens: &[Token], option: &Edge, item: u16) -> bool {
    tokens[option.from..option.to].iter().any(|token| lexicon.is_called(item, &token.stem))
}

fn size_of(lattice: &Lattice, edge: u16, item: u16) -> Option<u16> {
    match &lattice.edges.get(edge as usize)?.kind {
        Kind::Sizes(sizes) => sizes.iter().find(|(of, _)| *of == item).map(|(_, size)| *size),
        _ => None,
    }
}

fn settle_line(lexicon: &Lexicon, tokens: &[Token], lattice: &Lattice, draft: &Draft, items: &[u16]) -> OrderLine {
    let item = items[0];
    let named = |item: u16| {
        let size = draft.size.and_then(|edge| size_of(lattice, edge, item))?;
        lexicon.item(item).sizes.get(size as usize).map(|size| &size.id)
    };
    // Of several things, a size that all of them have in common is theirs.
    let size = named(item).filter(|size| items.iter().all(|item| named(*item) == Some(*size)));
    let (options, without) = settle_options(lexicon, tokens, lattice, draft, items);
    OrderLine {
        item: pick(items.iter().map(|item| lexicon.item(*item).id.clone()).collect(), Pick::One, Pick::AnyOf),
        quantity: draft.quantity,
        size: size.cloned(),
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
        let choices = if how.negated { whole_group(lexicon, tokens, edge, group, choices) } else { choices };
        // "A pump of caramel": what is counted in pumps, not what is drizzled.
        let counts = |choice: &u16| lexicon.choice(group, *choice).counted;
        let some = how.unit && choices.iter().any(counts);
        let choices: Vec<u16> = choices.into_iter().filter(|choice| !some || counts(choice)).collect();
        let ids = choices.iter().map(|choice| lexicon.choice(group, *choice).id.clone()).collect();
        let choice = pick(ids, ChoicePick::One, ChoicePick::AnyOf);
        // Of several that a word fits, the one that is on the item.
        let choice = on_it(lexicon, items, group, &choices).unwrap_or(choice);
        if how.negated {
            let on = all_on_it(lexicon, items, group, &choices);
            if !on.is_empty() && !how.replaced {
                for choice in on.into_iter().map(ChoicePick::One) {
                    options.retain(|option| option.group != id || option.choice != choice);
                    without.retain(|w| w.group != id || w.choice != choice);
                    without.push(Without { group: id.clone(), choice });
                }
                continue;
            }
            if how.replaced && !replaced_counts(lexicon, items[0], group, &choices) {
                continue;
            }
            options.retain(|option| option.group != id || option.choice != choice);
            if without.iter().all(|w| w.group != id || w.choice != choice) {
                without.push(Without { group: id, choice });
            }
            continue;
        }
        let of = &lexicon.menu.option_groups[group as usize];
        // "Not hot, mild": of a place that takes one, what it is takes the place of what it is not.
        let on = |w: &Without| {
            let on = items.iter().flat_map(|item| &lexicon.includes[*item as usize]);
            on.filter(|(of, _)| *of == group).any(|(_, on)| w.choice.one() == Some(&lexicon.choice(group, *on).id))
        };
        without.retain(|w| w.group != id || (w.choice != choice && (of.max != Some(1) || on(w))));
        // "The same but with chicken": one for the other, where the other has one.
        let before = |back: usize| edge.from.checked_sub(back).and_then(|at| tokens.get(at)).map_or("", |t| &t.text);
        let but =
            before(1) == "with" && before(2) == "but" && options.iter().filter(|had| had.group == id).count() == 1;
        if draft.copy && (of.max == Some(1) || of.min > 0 || but) {
            // "The same with chicken": it takes the place of what the other has.
            options.retain(|option| option.group != id);
        }
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
    let open = |(at, how): &(u16, How)| {
        how.early && settle_choice(lexicon, &lattice.edges[*at as usize], items).is_some_and(|found| found.1.len() > 1)
    };
    let again = |pair: &[(u16, How)]| said_again(lexicon, tokens, lattice, items, pair);
    if draft.options.iter().any(open) || draft.options.windows(2).any(again) {
        specify(&mut options);
    }
    (options, without)
}

/// Whether the second of two options says which of several the first one is: "with peas please, garden peas".
fn said_again(lexicon: &Lexicon, tokens: &[Token], lattice: &Lattice, items: &[u16], pair: &[(u16, How)]) -> bool {
    let [(first, _), (second, how)] = pair else { return false };
    let (first, second) = (&lattice.edges[*first as usize], &lattice.edges[*second as usize]);
    let joins = |token: &Token| token.before == Break::Comma || matches!(token.text.as_str(), "and" | "or");
    let between = tokens.get(first.to..second.from + 1).unwrap_or(&[]);
    let of = |edge: &Edge| settle_choice(lexicon, edge, items);
    match (of(first), of(second)) {
        (Some((group, several)), Some((other, one))) => {
            !how.negated
                && group == other
                && several.len() > 1
                && matches!(one[..], [one] if several.contains(&one))
                && !between.is_empty()
                && !between.iter().any(joins)
        }
        _ => false,
    }
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

/// "No sauce" of a group of that name: the word refuses all of the group, whatever some of it is called.
fn whole_group(lexicon: &Lexicon, tokens: &[Token], edge: &Edge, group: u16, choices: Vec<u16>) -> Vec<u16> {
    let Kind::Choices(found) = &edge.kind else { return choices };
    let word = tokens.get(edge.from).filter(|_| edge.to == edge.from + 1);
    let loose = found.first().is_some_and(|(.., quality)| *quality < FULL - 0.1);
    let all = &lexicon.menu.option_groups[group as usize].choices;
    let whole = loose && all.len() <= MANY && word.is_some_and(|word| lexicon.heads_group(group, &word.stem));
    if whole { (0..super::lexicon::place(all.len())).collect() } else { choices }
}

/// What is on the item of several choices that are refused by one word.
fn all_on_it(lexicon: &Lexicon, items: &[u16], group: u16, choices: &[u16]) -> Vec<ChoiceId> {
    let ([item], 2..) = (items, choices.len()) else { return Vec::new() };
    let on = lexicon.includes[*item as usize].iter();
    let meant = on.filter(|(of, choice)| *of == group && choices.contains(choice));
    meant.map(|(group, choice)| lexicon.choice(*group, *choice).id.clone()).collect()
}

/// Of several things that a word fits, the one that is on the item.
fn on_it(lexicon: &Lexicon, items: &[u16], group: u16, choices: &[u16]) -> Option<ChoicePick> {
    let [item] = items else { return None };
    let on = |choice: &&u16| lexicon.includes[*item as usize].contains(&(group, **choice));
    let mut found = choices.iter().filter(on);
    match (found.next(), found.next()) {
        (Some(one), None) if choices.len() > 1 => Some(ChoicePick::One(lexicon.choice(group, *one).id.clone())),
        _ => None,
    }
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
    let before = |back: usize| edge.from.checked_sub(back).map_or("", |at| tokens.get(at).map_or("", |t| &t.text));
    let one_more = matches!(before(1), "extra" | "additional") && matches!(before(2), "a" | "an" | "one" | "another");
    let mut unit = how.unit || number.is_some() || one_more;
    for at in edge.from..edge.to.min(tokens.len()) {
        english::marks(&tokens[at..=at], |mark, _| unit |= mark == Mark::Part);
    }
    let amount = how.amount.filter(|amount| !(unit && *amount == Amount::Extra));
    (amount, (count > 1).then_some(count))
}
