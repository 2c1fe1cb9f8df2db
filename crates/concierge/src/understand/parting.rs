//! Lines that part another: "three rolls, one plain and two filled", "four shakes, two vanilla, one mint, one plum".

use super::lattice::{Kind, Lattice};
use super::lexicon::{Entry, FULL, Lexicon, PART_NAME};
use super::replay::Draft;
use super::state::{How, NONE};
use super::tokens::Token;

/// A thing that says which of several an open line means takes its number from that line.
pub(crate) fn by_items(tokens: &[Token], lattice: &Lattice, lines: &mut [Draft], draft: &mut Draft) {
    // "Cookies please, two plain and one with nuts": what was said first only heads the list.
    let heads = |line: &&mut Draft| {
        let plural = lattice.edges.get(line.edge as usize).and_then(|edge| tokens.get(edge.to - 1));
        line.items.len() > 1 && !line.counted && plural.is_some_and(Token::is_plural)
    };
    if let Some(root) = lines.last_mut().filter(heads)
        && draft.counted
        && draft.items.len() < root.items.len()
        && draft.items.iter().all(|(item, _)| root.items.iter().any(|(of, _)| of == item))
        && !joined(tokens, lattice, draft)
    {
        root.quantity = 0;
        return;
    }
    let Some(root) = lines.iter_mut().rev().find(|line| line.items.len() > 1) else { return };
    // "Twelve drinks, half cola, half water".
    let before = lattice.edges.get(draft.edge as usize).and_then(|edge| edge.from.checked_sub(1));
    if before.is_some_and(|at| tokens[at].stem == "half") && !draft.counted && root.said.is_multiple_of(2) {
        draft.quantity = root.said / 2;
        draft.said = draft.quantity;
        draft.counted = true;
    }
    let of_root = |(item, _): &(u16, f32)| root.items.iter().any(|(of, _)| of == item);
    let shared: Vec<(u16, f32)> = draft.items.iter().copied().filter(of_root).collect();
    let of_it = !shared.is_empty() && shared.len() < root.items.len();
    let first = root.quantity == root.said;
    let fits = root.counted && draft.quantity <= root.quantity && root.said > 1;
    if !of_it || !fits || (first && joined(tokens, lattice, draft)) {
        return;
    }
    root.quantity -= draft.quantity;
    draft.items = shared;
    draft.size = draft.size.or(root.size);
    let mut options = root.options.clone();
    options.append(&mut draft.options);
    draft.options = options;
}

/// The line that lines after it are told apart of, where one more of it, so many, is still to be told: "three pizzas, one
/// hawaiian, one margherita and …". There are at least two besides it.
pub(crate) fn head(lexicon: &Lexicon, lines: &[Draft], more: u32) -> Option<usize> {
    let at = lines.iter().rposition(|line| line.said > 1 && line.quantity == line.said && line.options.is_empty())?;
    let (head, rest) = (&lines[at], &lines[at + 1..]);
    let [(item, _)] = head.items[..] else { return None };
    let kin = |line: &Draft| {
        let other = line.items.first().map(|(other, _)| *other);
        line.counted && other.is_some_and(|other| lexicon.item(other).category == lexicon.item(item).category)
    };
    let told: u32 = rest.iter().map(|line| line.quantity).sum();
    let open = lexicon.is_generic(item) && rest.len() > 1 && rest.iter().all(kin) && told + more <= head.said;
    open.then_some(at)
}

/// A line that only says of how many things those that follow are: "five pizzas, two hawaiian and three supreme", "four
/// pints, two bitter, one lager, one stout". It goes, and its size is theirs.
pub(crate) fn headed(lexicon: &Lexicon, lattice: &Lattice, lines: &mut [Draft]) {
    for at in 0..lines.len() {
        let [head, rest @ ..] = &mut lines[at..] else { return };
        let of_all = match head.items.as_slice() {
            [] => head.size.is_some(),
            // "Eight cans of soda, four coke and four sprite": named by its kind only.
            [(item, quality)] => lexicon.is_generic(*item) || *quality < PART_NAME,
            _ => true,
        };
        if !of_all
            || head.quantity < 2
            || head.quantity != head.said
            || !head.options.is_empty()
            || head.fix
            || head.copy
        {
            continue;
        }
        let heading = head.items.first().map(|(item, _)| &lexicon.item(*item).category);
        let belongs = |line: &Draft| {
            // "Two large, one mint and one plum": of a thing that is not named at all.
            let unnamed = line.items.is_empty() && heading.is_none() && !line.options.is_empty();
            let named = unnamed
                || line.items.first().is_some_and(|(item, _)| {
                    heading.is_none_or(|heading| {
                        lexicon.item(*item).category == *heading
                            && (!lexicon.is_generic(*item) || !line.options.is_empty())
                    })
                });
            named
                && line.split.is_none()
                && head.size.is_none_or(|size| line.size.is_some() || lattice.sizes(&line.items, size))
        };
        let mut left = head.quantity;
        let count = rest.iter().take_while(|line| {
            let more = left > 0 && belongs(line) && line.quantity <= left;
            left -= if more { line.quantity } else { 0 };
            more
        });
        let count = count.count();
        if left > 0 || count < 2 {
            continue;
        }
        for line in &mut rest[..count] {
            line.size = line.size.or(head.size);
            line.plain |= head.plain;
        }
        head.quantity = 0;
    }
}

/// "One large and one small latte": a size by itself is of the thing behind it, with what was said before that.
pub(crate) fn sized_ahead(lexicon: &Lexicon, lattice: &Lattice, lines: &mut [Draft]) {
    for at in (0..lines.len()).rev() {
        let [line, next, ..] = &mut lines[at..] else { continue };
        // "… with lemon on the large".
        let takes = |(edge, _): &(u16, How)| lattice.takes(lexicon, &next.items, *edge);
        let bare = line.items.is_empty() && line.options.iter().all(takes) && !line.copy;
        let Some(size) = line.size.filter(|_| bare && next.size.is_some() && !next.items.is_empty()) else { continue };
        if lattice.sizes(&next.items, size) {
            line.items.clone_from(&next.items);
            let early: Vec<(u16, How)> = next.options.iter().filter(|(_, how)| how.early).copied().collect();
            line.options.splice(0..0, early);
        }
    }
}

/// "A cheese and a bacon burger": a word before what is joined to it shares its last word, where that makes a name.
pub(crate) fn shared_head(lexicon: &Lexicon, tokens: &[Token], lattice: &Lattice, lines: &mut [Draft]) {
    for at in 1..lines.len() {
        let [.., line, next] = &mut lines[..=at] else { continue };
        let said = if line.items.is_empty() { line.options.first().map_or(NONE, |(edge, _)| *edge) } else { line.edge };
        let edges = (lattice.edges.get(said as usize), lattice.edges.get(next.edge as usize));
        let (Some(said), Some(named)) = edges else { continue };
        let joint = tokens.get(said.to).is_some_and(|token| token.text == "and");
        let open = line.items.len() != 1 && line.options.len() == usize::from(line.items.is_empty());
        if !joint || !open || named.to < named.from + 2 || named.from > said.to + 2 {
            continue;
        }
        let mut whole = tokens[said.from..said.to].to_vec();
        whole.push(tokens[named.to - 1].clone());
        let called = lexicon.called(&whole).iter();
        let items: Vec<(u16, f32)> = called
            .filter_map(|entry| match entry {
                Entry::Item(item) => Some((*item, FULL)),
                _ => None,
            })
            .collect();
        if !items.is_empty() {
            *line = Draft { items, options: Vec::new(), ..line.clone() };
        }
    }
}

/// Whether "and" stands before a thing and what counts it: it comes to the others.
fn joined(tokens: &[Token], lattice: &Lattice, draft: &Draft) -> bool {
    let edges = [draft.number, draft.edge].map(|edge| lattice.edges.get(edge as usize).map(|edge| edge.from));
    let from = edges.into_iter().flatten().min().unwrap_or(0);
    let before = tokens[..from].iter().rev().find(|token| !matches!(token.text.as_str(), "a" | "an" | "the"));
    before.is_some_and(|token| matches!(token.text.as_str(), "and" | "plus" | "also" | "then"))
}

/// Numbers of counted options that make up the line's own number part it: of four shakes, two vanilla and two mint.
pub(crate) fn by_options(lexicon: &Lexicon, lattice: &Lattice, line: Draft) -> Vec<Draft> {
    let number = |how: &How| match lattice.edges.get(how.number as usize).map(|edge| &edge.kind) {
        Some(Kind::Number { value, .. }) => *value,
        _ => None,
    };
    let counted = |edge: u16| match lattice.edges.get(edge as usize).map(|edge| &edge.kind) {
        Some(Kind::Choices(choices)) => {
            choices.first().is_some_and(|(group, choice, _)| lexicon.choice(*group, *choice).counted)
        }
        _ => false,
    };
    let parts: Vec<usize> = (0..line.options.len())
        .filter(|&at| {
            let (edge, how) = &line.options[at];
            !how.early && !how.negated && !how.unit && number(how).is_some() && counted(*edge)
        })
        .collect();
    let sum: u32 = parts.iter().filter_map(|&at| number(&line.options[at].1)).sum();
    if parts.len() < 2 || sum != line.quantity {
        return vec![line];
    }
    let common = line.options[..parts[0]].to_vec();
    let ends = parts.iter().skip(1).copied().chain([line.options.len()]);
    let part = |(from, to): (&usize, usize)| {
        let mut options = common.clone();
        options.extend_from_slice(&line.options[*from..to]);
        let quantity = number(&line.options[*from].1).unwrap_or(1);
        options[common.len()].1.number = NONE;
        Draft { quantity, options, number: NONE, ..line.clone() }
    };
    parts.iter().zip(ends).map(part).collect()
}
