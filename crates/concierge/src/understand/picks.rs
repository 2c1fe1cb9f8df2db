//! Options of a line: every pick is settled against its item.

use super::english::{self, Mark};
use super::lattice::{Edge, Kind, Lattice, fits};
use super::lexicon::{FULL, Lexicon, MANY};
use super::replay::Draft;
use super::spans::says_all;
use super::state::How;
use super::tokens::{Break, Token, tokenize};
use crate::menu::{ChoiceId, GroupId};
use crate::order::{Amount, ChoicePick, OptionPick, Without};

/// How much better a word must name something of one group than of another, so that it is not the other.
const CLEARLY: f32 = 0.05;

pub(super) fn pick<Id: Ord, P>(mut ids: Vec<Id>, one: impl Fn(Id) -> P, several: impl Fn(Vec<Id>) -> P) -> P {
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
        let before = &tokens[edge.from.saturating_sub(2).min(tokens.len())..edge.from.min(tokens.len())];
        let pumped = before.iter().any(|token| token.stem == "pump");
        let counts = |choice: &u16| {
            let choice = lexicon.choice(group, *choice);
            choice.counted || (pumped && tokenize(&choice.name).last().is_some_and(|last| last.stem == "syrup"))
        };
        let some = how.unit && choices.iter().any(counts);
        let choices: Vec<u16> = choices.into_iter().filter(|choice| !some || counts(choice)).collect();
        let ids: Vec<ChoiceId> = choices.iter().map(|choice| lexicon.choice(group, *choice).id.clone()).collect();
        if !how.negated && ids.len() > 1 && tokens.get(edge.from).is_some_and(says_all) {
            let new = |id: &ChoiceId| options.iter().all(|option| option.choice.one() != Some(id));
            let new: Vec<ChoiceId> = ids.into_iter().filter(new).collect();
            let all = new.into_iter().map(|choice| OptionPick {
                group: id.clone(),
                choice: ChoicePick::One(choice),
                amount: how.amount,
                count: None,
            });
            options.extend(all);
            continue;
        }
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
            // "A wrap instead of the bun" leaves out no other bun.
            let whole = choices.len() > 1 && choices.len() == lexicon.menu.option_groups[group as usize].choices.len();
            if how.replaced && (whole || !replaced_counts(lexicon, items[0], group, &choices)) {
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
    // "Swap the milk for oat milk": who chooses one refuses only the others.
    without.retain(|left| {
        let chosen = |ids: &[ChoiceId]| options.iter().any(|of| of.choice.one().is_some_and(|one| ids.contains(one)));
        !matches!(&left.choice, ChoicePick::AnyOf(ids) if chosen(ids))
    });
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
pub(super) fn settle_choice(lexicon: &Lexicon, edge: &Edge, items: &[u16]) -> Option<(u16, Vec<u16>)> {
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
    // What it names best; where it names as well, what the item lists first.
    let named = |of: u16| fitting.iter().any(|(group, _)| *group == of);
    let exact = items.iter().filter_map(|item| lexicon.reading(*item, choices)).find(|(quality, _)| *quality >= best);
    let clear = exact.filter(|(_, group)| {
        let others = taken.iter().filter(|(other, ..)| other != group).map(|(.., quality)| *quality);
        others.fold(0.0, f32::max) < best - CLEARLY
    });
    let order =
        items.iter().find_map(|item| lexicon.groups[*item as usize].iter().copied().find(|group| named(*group)));
    let group = clear.map(|(_, group)| group).or(order)?;
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
        // "Two pumps of", "two ranch", "a double shot": so many, of whatever; "double cheese" is more of it.
        let count = number.filter(|number| *number > 1).or((times > 1 && how.unit).then_some(times));
        let more = times > 1 && count.is_none();
        let amount = how.amount.filter(|amount| count.is_none() || *amount != Amount::Extra);
        return (amount.or(more.then_some(Amount::Extra)), count);
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
