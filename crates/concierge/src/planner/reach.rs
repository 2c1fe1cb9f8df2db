//! Which totals can be reached at all: the exact search behind filling a budget.
//!
//! For each phase of a course ([`phases`]) and each number of people served, a bit set holds the totals (in cents) that
//! some selection costs. Buying one more thing shifts a set by its price, so one machine word decides 64 totals. Every
//! selection that the rules allow is a path through the candidates, each bought 0 to n times and each copy eaten by
//! somebody who may have it or added beside the people's own; the sets hold exactly the totals of those paths, so the
//! highest bit within the limit is the best total, and a total without a bit is impossible. By induction over
//! candidates: before one, the sets hold all totals of selections of the earlier ones; taking "none or one more" of it
//! n times gives those with 0 to n copies.

use super::{
    field::{Candidate, Field, Grid, eaters},
    phases::{self, Phase, Way},
};

/// Totals times states that one search may hold, over all phases: 64 MB of marks.
const MAX_MARKS: usize = 32 << 20;

/// A set of totals for each state of a grid.
#[derive(Clone)]
struct Table {
    words: usize,
    bits: Vec<u64>,
    /// Words in use of each state: first and one past the last; equal where the state is empty.
    spans: Vec<(usize, usize)>,
}

impl Table {
    fn new(states: usize, words: usize) -> Self {
        Self { words, bits: vec![0; states * words], spans: vec![(0, 0); states] }
    }

    fn set(&self, state: usize) -> &[u64] {
        &self.bits[state * self.words..(state + 1) * self.words]
    }

    fn has(&self, state: usize, total: usize) -> bool {
        self.set(state)[total / 64] >> (total % 64) & 1 == 1
    }

    /// The totals of a state, and the word at which they begin.
    fn of(&self, state: usize) -> (usize, &[u64]) {
        let (from, to) = self.spans[state];
        (from, &self.set(state)[from..to])
    }

    /// Adds totals that begin at word `from`, each raised by a price; totals beyond the last word fall off. `new` is
    /// told each word that gains some.
    fn add(
        &mut self,
        state: usize,
        from: usize,
        totals: &[u64],
        price: usize,
        mut new: impl FnMut(usize, u64),
    ) -> bool {
        let (skip, shift) = (price / 64, price % 64);
        let first = from + skip;
        if totals.is_empty() || first >= self.words {
            return false;
        }
        // One word more than there are takes what is shifted out of the last one.
        let room = (totals.len() + 1).min(self.words - first);
        let start = state * self.words + first;
        let target = &mut self.bits[start..start + room];
        let mut gained = false;
        let mut carry = 0;
        for (at, chunk) in target.chunks_mut(CHUNK).enumerate() {
            let mut shifted = [0_u64; CHUNK];
            let source = &totals[(at * CHUNK).min(totals.len())..((at + 1) * CHUNK).min(totals.len())];
            for (to, word) in shifted.iter_mut().zip(source) {
                *to = word << shift;
            }
            if shift > 0 {
                for (to, word) in shifted[1..].iter_mut().zip(source) {
                    *to |= word >> (64 - shift);
                }
                shifted[0] |= carry;
                carry = source.get(CHUNK - 1).map_or(0, |word| word >> (64 - shift));
            }
            let mut any = 0;
            for (to, word) in chunk.iter().zip(&shifted) {
                any |= word & !to;
            }
            if any == 0 {
                continue;
            }
            gained = true;
            for (place, (to, word)) in chunk.iter_mut().zip(&shifted).enumerate() {
                let more = word & !*to;
                if more != 0 {
                    new(first + at * CHUNK + place, more);
                    *to |= more;
                }
            }
        }
        if gained {
            let (to, span) = (first + room, &mut self.spans[state]);
            *span = if span.0 == span.1 { (first, to) } else { (span.0.min(first), span.1.max(to)) };
        }
        gained
    }
}

/// Words that are looked at together for something new.
const CHUNK: usize = 8;

/// One thing bought: candidate, variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pick {
    pub stage: usize,
    pub candidate: usize,
    pub variant: usize,
}

/// The searched field.
pub(super) struct Reach<'a> {
    field: &'a Field,
    phases: Vec<Searched>,
    words: usize,
    /// The totals of everything, with everybody served.
    totals: Vec<u64>,
}

/// What is kept of a phase, to find a selection for a total.
struct Searched {
    stage: usize,
    phase: Phase,
    /// Tables before each candidate that must be bought; empty in other phases.
    forced: Vec<Table>,
    /// For each state and total, one more than the place of the first candidate by which it is reached; 0 where it is
    /// reached without this phase (or in one of forced candidates), [`NEVER`] where it is not.
    first: Vec<u16>,
}

const NEVER: u16 = u16::MAX;

impl<'a> Reach<'a> {
    /// Searches all totals up to `limit` cents; none where that takes more memory than one search may.
    pub fn new(field: &'a Field, limit: usize) -> Option<Self> {
        let words = limit.min(field.dearest()) / 64 + 1;
        let mut laid: Vec<(usize, Phase)> = Vec::new();
        let mut done = Some(0);
        for (at, stage) in field.stages.iter().enumerate() {
            let (mut phases, last) = phases::of(stage);
            // Only from where everybody has the course before, this one is entered.
            let states = laid.last().map_or(1, |(_, phase)| phase.grid.states);
            phases[0].enter = (0..states).map(|state| (done == Some(state)).then_some(0)).collect();
            laid.extend(phases.into_iter().map(|phase| (at, phase)));
            done = last;
        }
        let states: usize = laid.iter().map(|(_, phase)| phase.grid.states).sum();
        if states.saturating_mul(words * 64) > MAX_MARKS {
            return None;
        }
        let mut table = Table::new(1, words);
        table.bits[0] = 1;
        table.spans[0] = (0, 1);
        let mut searched = Vec::with_capacity(laid.len());
        for (stage, phase) in laid {
            table = enter(&table, &phase);
            let (next, after) = search(field, stage, phase, table);
            searched.push(next);
            table = after;
        }
        let totals = done.map_or_else(Vec::new, |state| table.set(state).to_vec());
        Some(Self { field, phases: searched, words, totals })
    }

    /// The highest total that can be reached, at most `limit`.
    pub fn best(&self, limit: usize) -> Option<usize> {
        let has = |total: &usize| self.totals.get(total / 64).is_some_and(|word| word >> (total % 64) & 1 == 1);
        (0..=limit.min(self.totals.len() * 64)).rev().find(has)
    }

    /// A selection that costs a total which is reached.
    pub fn selection(&self, total: usize) -> Vec<Pick> {
        let mut picks = Vec::new();
        let last = self.phases.last().map_or(0, |searched| searched.phase.grid.states - 1);
        let mut here = (last, total);
        for (at, searched) in self.phases.iter().enumerate().rev() {
            let start = self.unwind(searched, here, &mut picks);
            let before = at.checked_sub(1).map(|before| &self.phases[before]);
            let leads = |state: &usize| {
                let reached = |before: &Searched| before.first[state * self.words * 64 + start.1] != NEVER;
                searched.phase.enter[*state] == Some(start.0) && before.is_none_or(reached)
            };
            let from = (0..searched.phase.enter.len()).find(leads);
            debug_assert!(from.is_some(), "every total that is reached has a way to it");
            here = (from.unwrap_or(0), start.1);
        }
        picks
    }

    /// Finds what was bought in a phase, and returns the state and the total before it.
    fn unwind(&self, searched: &Searched, from: (usize, usize), picks: &mut Vec<Pick>) -> (usize, usize) {
        let mut here = from;
        if searched.phase.forced {
            for (place, before) in searched.forced.iter().enumerate().rev() {
                let earlier = |state: usize, total: usize| before.has(state, total);
                let least = self.candidate(searched, place).must;
                here = self.copies(searched, place, here, least, &earlier, picks).unwrap_or((0, here.1));
            }
            return here;
        }
        loop {
            let first = searched.first[here.0 * self.words * 64 + here.1];
            if first == 0 || first == NEVER {
                return here;
            }
            let place = usize::from(first) - 1;
            let earlier = |state: usize, total: usize| searched.first[state * self.words * 64 + total] < first;
            here = self.copies(searched, place, here, 1, &earlier, picks).unwrap_or((0, here.1));
        }
    }

    fn candidate(&self, searched: &Searched, place: usize) -> &Candidate {
        &self.field.stages[searched.stage].candidates[searched.phase.candidates[place].0]
    }

    /// Takes copies of one candidate back, least to most, until an earlier selection is reached. It exists, since the
    /// search came this way; dead ends are remembered.
    fn copies(
        &self,
        searched: &Searched,
        place: usize,
        from: (usize, usize),
        least: u32,
        earlier: &dyn Fn(usize, usize) -> bool,
        picks: &mut Vec<Pick>,
    ) -> Option<(usize, usize)> {
        let grid = &searched.phase.grid;
        let (candidate, ways) = &searched.phase.candidates[place];
        let entry = self.candidate(searched, place);
        let mut seen = std::collections::HashSet::new();
        // Depth-first with its own stack of (where, copies taken, picks so far).
        let mut open = vec![(from, Vec::<usize>::new())];
        while let Some((here, taken)) = open.pop() {
            let copies = taken.len() as u32;
            if copies >= least && earlier(here.0, here.1) {
                let pick = |variant: &usize| Pick { stage: searched.stage, candidate: *candidate, variant: *variant };
                picks.extend(taken.iter().map(pick));
                return Some(here);
            }
            if copies == entry.most || !seen.insert((here, copies)) {
                continue;
            }
            for way in ways {
                let Some(rest) = here.1.checked_sub(way.price) else { continue };
                let mut go = |state: usize| {
                    let mut taken = taken.clone();
                    taken.push(way.variant);
                    open.push(((state, rest), taken));
                };
                // Copies are alike; that one too many stays beside the people's own is kept out by the search, whose
                // layers count from the earlier side. Going back, the same number is allowed in total.
                if entry.may_be_extra(copies + 1) {
                    go(here.0);
                }
                for group in eaters(way.groups) {
                    if let Some(state) = grid.unserve(here.0, group) {
                        go(state);
                    }
                }
            }
        }
        None
    }
}

/// The table with which a phase begins.
fn enter(before: &Table, phase: &Phase) -> Table {
    let mut table = Table::new(phase.grid.states, before.words);
    for (state, entered) in phase.enter.iter().enumerate() {
        let Some(entered) = entered else { continue };
        let (from, totals) = before.of(state);
        table.add(*entered, from, totals, 0, |_, _| {});
    }
    table
}

fn search(field: &Field, stage: usize, phase: Phase, mut table: Table) -> (Searched, Table) {
    let candidates = &field.stages[stage].candidates;
    let mut forced = Vec::new();
    if phase.forced {
        for (candidate, ways) in &phase.candidates {
            let after = buy(&phase.grid, &candidates[*candidate], ways, &table);
            forced.push(std::mem::replace(&mut table, after));
        }
    }
    let words = table.words;
    let mut first = vec![NEVER; phase.grid.states * words * 64];
    for (at, word) in table.bits.iter().enumerate() {
        mark(&mut first[at * 64..(at + 1) * 64], *word, 0);
    }
    let more = if phase.forced { &[] } else { phase.candidates.as_slice() };
    let mut row = Vec::with_capacity(words);
    for (place, (candidate, ways)) in more.iter().enumerate() {
        let value = u16::try_from(place + 1).unwrap_or(NEVER - 1);
        for _ in 0..candidates[*candidate].most {
            if !once_more(&phase.grid, candidates[*candidate].extra, ways, &mut table, &mut first, value, &mut row) {
                break;
            }
        }
    }
    (Searched { stage, phase, forced, first }, table)
}

fn mark(first: &mut [u16], mut word: u64, value: u16) {
    while word != 0 {
        first[word.trailing_zeros() as usize] = value;
        word &= word - 1;
    }
}

/// Buys one more of a candidate, or not: in place, as states with more people served are seen before those they come
/// from. Tells whether there is any new total.
fn once_more(
    grid: &Grid,
    extra: bool,
    ways: &[Way],
    table: &mut Table,
    first: &mut [u16],
    value: u16,
    row: &mut Vec<u64>,
) -> bool {
    let words = table.words;
    let mut any = false;
    for state in (0..grid.states).rev() {
        let (from, totals) = table.of(state);
        if totals.is_empty() {
            continue;
        }
        row.clear();
        row.extend_from_slice(totals);
        for way in ways {
            let served = eaters(way.groups).filter_map(|group| grid.serve(state, group));
            for to in served.chain(extra.then_some(state)) {
                any |= table.add(to, from, row, way.price, |word, bits| {
                    let at = (to * words + word) * 64;
                    mark(&mut first[at..at + 64], bits, value);
                });
            }
        }
    }
    any
}

/// The totals after a candidate was bought as often as it must and may be.
fn buy(grid: &Grid, candidate: &Candidate, ways: &[Way], before: &Table) -> Table {
    let mut after = Table::new(grid.states, before.words);
    let mut layer = before.clone();
    for copy in 1..=candidate.most {
        let mut next = Table::new(grid.states, before.words);
        let mut any = false;
        for state in 0..grid.states {
            let (from, totals) = layer.of(state);
            for way in ways {
                let served = eaters(way.groups).filter_map(|group| grid.serve(state, group));
                for to in served.chain(candidate.may_be_extra(copy).then_some(state)) {
                    any |= next.add(to, from, totals, way.price, |_, _| {});
                }
            }
        }
        if !any {
            break;
        }
        if copy >= candidate.must {
            for state in 0..grid.states {
                let (from, totals) = next.of(state);
                after.add(state, from, totals, 0, |_, _| {});
            }
        }
        layer = next;
    }
    after
}
