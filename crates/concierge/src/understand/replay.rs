//! The best path replayed: what each step does to the lines being said.

use super::Problem;
use super::assemble::words;
use super::lattice::{Edge, Kind, Lattice};
use super::lexicon::Lexicon;
use super::parting;
use super::search::Path;
use super::state::{Act, How, NONE};
use super::tokens::Token;

/// A line while it is being said.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// Items it may be, best first; empty where none was said.
    pub items: Vec<(u16, f32)>,
    /// Items that the words name in part.
    pub also: Vec<u16>,
    pub quantity: u32,
    /// How many there were before other lines took their part.
    pub said: u32,
    /// Whether the quantity was said.
    pub counted: bool,
    /// Edge of the size.
    pub size: Option<u16>,
    /// Edges of options.
    pub options: Vec<(u16, How)>,
    /// Nothing on it.
    pub plain: bool,
    /// Its item was not said, but it was said as a thing: "a vanilla".
    pub thing: bool,
    /// Which line it was split from: "two burgers, one without onions".
    pub(super) split: Option<usize>,
    /// Said as "the same".
    pub copy: bool,
    /// Takes the place of the line that the words are about.
    pub replaces: bool,
    /// Said as a correction ("make it two teas"), or as a limit ("only two teas"): it says how a line is to be, where
    /// there is one already.
    pub fix: bool,
    /// What was said before is taken back: "no wait, two teas".
    pub taken_back: bool,
    /// The edge of the item's words.
    pub edge: u16,
    /// The edge of its number, or [`NONE`].
    pub number: u16,
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

pub(super) struct Replayer<'a> {
    pub(super) lexicon: &'a Lexicon,
    pub(super) tokens: &'a [Token],
    pub(super) lattice: &'a Lattice,
    pub(super) out: Replay,
    pub(super) early: Vec<(u16, How)>,
    /// Lines that the next options are for, besides the last one.
    pub(super) scope: Option<usize>,
    /// Options of the last line before this clause.
    pub(super) clause: usize,
    fix: bool,
    /// The item to come is wanted with nothing on it.
    plain: bool,
    /// The last word fits nothing, so that a correction is about it.
    lost: bool,
    /// "Both" was the last word: a size that follows is for the lines from this one on as well.
    pub(super) both: Option<usize>,
    /// "Without" was said, and not what.
    pub(super) bare: bool,
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
        plain: false,
        lost: false,
        both: None,
        bare: false,
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
    replayer.without_it();
    parting::headed(lexicon, lattice, &mut replayer.out.lines);
    parting::shared_head(lexicon, tokens, lattice, &mut replayer.out.lines);
    parting::sized_ahead(lexicon, lattice, &mut replayer.out.lines);
    replayer.out.lines.retain(|line| line.quantity > 0);
    replayer.out.lines = std::mem::take(&mut replayer.out.lines)
        .into_iter()
        .flat_map(|line| parting::by_options(lexicon, lattice, line))
        .collect();
    replayer.out
}

impl Replayer<'_> {
    fn act(&mut self, act: Act, at: u16, edge: &Edge) {
        match act {
            Act::Skip => {}
            Act::Options => {
                self.clause = self.last().map_or(0, |line| line.options.len());
                self.bare =
                    matches!(self.tokens[edge.from].text.as_str(), "without" | "not") && edge.to == edge.from + 1;
            }
            Act::Unknown { asked } => {
                self.lost = true;
                match self.out.unknown.last_mut() {
                    Some(last) if last.1 == edge.from => last.1 = edge.to,
                    _ => self.out.unknown.push((edge.from, edge.to, asked)),
                }
            }
            Act::Misfit(how) => {
                if !how.negated {
                    self.out.unknown.push((edge.from, edge.to, true));
                }
            }
            Act::Line { number, size, refine: true, .. } => self.refine(at, number, size),
            Act::Line { number, size, dropped: true, replaced, .. } => self.drop_line(at, number, size, replaced),
            Act::Line { number, size, fix, .. } => self.line(at, number, size, fix || self.fix),
            Act::Early(how) => self.early.push((at, how)),
            Act::Option(how) => self.option(at, how),
            Act::Back(how) => self.back(at, how),
            Act::Size => {
                if let Some(both) = self.both.take() {
                    for line in both..self.out.lines.len() {
                        let items = &self.out.lines[line].items;
                        if self.out.lines[line].size.is_none() && (items.is_empty() || self.sizes(items, at)) {
                            self.out.lines[line].size = Some(at);
                        }
                    }
                    // "Both large with gravy": what follows is for both as well.
                    self.scope = Some(both);
                }
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
                    line.number = at;
                    self.twice(at, value);
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
            Act::PlainNext => self.plain = true,
            Act::Each => self.each(edge),
            Act::OnOne => self.on_one(),
            Act::OnSize => self.on_size(at),
            Act::SameSize => {
                if let [.., before, last] = self.out.lines.as_mut_slice() {
                    last.size = last.size.or(before.size);
                }
            }
            Act::Same { number, size } => self.same(number, size),
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

    pub(super) fn draft(&mut self, item: u16, number: u16, size: u16) -> Draft {
        let items = match self.lattice.edges.get(item as usize).map(|edge| &edge.kind) {
            Some(Kind::Items(items)) => items.clone(),
            _ => Vec::new(),
        };
        let quantity = self.quantity(number);
        Draft {
            items,
            also: self.lattice.edges.get(item as usize).map_or_else(Vec::new, |edge| edge.also.clone()),
            quantity: quantity.unwrap_or(1),
            said: quantity.unwrap_or(1),
            counted: quantity.is_some(),
            size: Some(size).filter(|size| *size != NONE),
            options: Vec::new(),
            plain: false,
            thing: false,
            split: None,
            copy: false,
            replaces: false,
            fix: false,
            taken_back: false,
            edge: item,
            number,
        }
    }

    fn line(&mut self, item: u16, number: u16, size: u16, fix: bool) {
        self.without_it();
        let problems = self.out.problems.len();
        let mut draft = self.draft(item, number, size);
        draft.options = std::mem::take(&mut self.early);
        draft.plain = std::mem::take(&mut self.plain);
        draft.fix = fix || self.limits(number);
        draft.taken_back = self.fix;
        self.scope = None;
        self.clause = draft.options.len();
        self.fix = false;
        let refused = self.out.problems.len() > problems;
        if refused {
            // "-1 burgers" orders nothing; the guest is told.
            return;
        }
        self.lost = false;
        if !fix {
            parting::by_items(self.tokens, self.lattice, &mut self.out.lines, &mut draft);
        }
        let kin = |line: &Draft| match (line.items.first(), draft.items.first()) {
            (Some((a, _)), Some((b, _))) => self.lexicon.item(*a).course == self.lexicon.item(*b).course,
            _ => false,
        };
        let same =
            |line: &Draft| line.items.first().is_some_and(|(a, _)| draft.items.first().is_some_and(|(b, _)| a == b));
        let said = self.out.lines.iter().rposition(same);
        let earlier = said.filter(|_| fix && self.out.lines.len() > 1);
        if let Some(at) = said.filter(|_| !fix && self.is_the_same(&draft)) {
            // "Four rolls, and can you warm the rolls" is about those.
            let mut old = self.out.lines.remove(at);
            self.clause = old.options.len();
            old.options.append(&mut draft.options);
            self.out.lines.push(old);
            return;
        }
        if let Some(at) = earlier {
            // "Make the ribs a full rack" is about the ribs, whatever was said after them.
            let old = self.out.lines.remove(at);
            draft.quantity = if draft.counted { draft.quantity } else { old.quantity };
            draft.size = draft.size.or(old.size);
            draft.options.splice(0..0, old.options);
        } else if fix && self.out.lines.is_empty() && self.out.context.as_ref().is_some_and(kin) {
            draft.replaces = true;
        } else if fix && self.out.lines.last().is_some_and(kin) {
            let old = self.out.lines.pop();
            if !draft.counted {
                draft.quantity = old.as_ref().map_or(1, |old| old.quantity);
            }
            // "A large tea, make it a coffee" is a large coffee.
            draft.size = draft.size.or(old.and_then(|old| old.size));
        }
        self.out.lines.push(draft);
    }

    /// Whether a thing is said as one that was said before: "warm the rolls".
    fn is_the_same(&self, draft: &Draft) -> bool {
        let before = self.lattice.edges.get(draft.edge as usize).and_then(|edge| edge.from.checked_sub(1));
        let the = before.is_some_and(|at| matches!(self.tokens[at].text.as_str(), "the" | "those"));
        the && !draft.counted && draft.size.is_none()
    }

    /// Whether a number says how many in all: "only two".
    fn limits(&self, number: u16) -> bool {
        let from = self.lattice.edges.get(number as usize).map_or(0, |edge| edge.from);
        let mut before = self.tokens[..from].iter().rev().skip_while(|token| token.text == "the");
        from > 0 && before.next().is_some_and(|token| matches!(token.text.as_str(), "only" | "just"))
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

    pub(super) fn takes(&self, items: &[(u16, f32)], edge: u16) -> bool {
        self.lattice.takes(self.lexicon, items, edge)
    }

    pub(super) fn sizes(&self, items: &[(u16, f32)], edge: u16) -> bool {
        self.lattice.sizes(items, edge)
    }

    fn option(&mut self, at: u16, how: How) {
        // "Avocado, no, guacamole" where there is no avocado: there is nothing to take back.
        let fix = std::mem::take(&mut self.fix) && !std::mem::take(&mut self.lost);
        self.bare = false;
        let before = self.out.lines.len().saturating_sub(1);
        for line in self.scope.map_or(before..before, |from| from..before) {
            let items = &self.out.lines[line].items;
            if items.is_empty() || self.takes(items, at) {
                self.out.lines[line].options.push((at, how));
            }
        }
        if let Some(line) = self.last() {
            if fix {
                line.options.pop();
            }
            line.options.push((at, how));
        }
    }

    /// An option of a line before the last.
    fn back(&mut self, at: u16, how: How) {
        let before = self.out.lines.len().saturating_sub(1);
        let line = (0..before).rev().find(|&line| self.takes(&self.out.lines[line].items, at));
        match line {
            Some(line) => self.out.lines[line].options.push((at, how)),
            None => match &mut self.out.context {
                Some(context) => context.options.push((at, how)),
                None => {
                    self.out.unknown.extend(self.lattice.edges.get(at as usize).map(|edge| (edge.from, edge.to, true)))
                }
            },
        }
    }

    fn same(&mut self, number: u16, size: u16) {
        let quantity = self.quantity(number).unwrap_or(1);
        self.scope = None;
        if let Some(last) = self.out.lines.last() {
            let size = Some(size).filter(|size| *size != NONE).or(last.size);
            let copy = Draft { quantity, counted: true, size, copy: true, split: None, ..last.clone() };
            self.clause = copy.options.len();
            self.out.lines.push(copy);
        } else if self.out.context.is_some() {
            self.out.again = self.out.again.saturating_add(quantity);
        }
    }
}
