//! Which totals can be reached at all: the exact search behind filling a budget.
//!
//! For each course and each number of people served, a bit set holds the totals (in cents) that some selection costs.
//! Buying one more thing shifts a set by its price, so one machine word decides 64 totals. Every selection that the
//! rules allow is a path through the candidates, each bought 0 to n times and each copy eaten by somebody who may have
//! it or added beside the people's own; the sets hold exactly the totals of those paths, so the highest bit within the
//! limit is the best total, and a total without a bit is impossible. By induction over candidates: `before` holds all
//! totals of selections of the earlier ones, and `layer[j]` those with exactly j copies of this one.

use super::field::{Candidate, Field, Stage};

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

    fn is_empty(&self) -> bool {
        self.spans.iter().all(|(from, to)| from == to)
    }

    fn widen(&mut self, state: usize, from: usize, to: usize) {
        let span = &mut self.spans[state];
        *span = if span.0 == span.1 { (from, to) } else { (span.0.min(from), span.1.max(to)) };
    }

    /// Adds another table's totals of a state, each raised by a price. Totals beyond the last word fall off.
    fn add_shifted(&mut self, state: usize, other: &Self, other_state: usize, price: usize) {
        let (from, to) = other.spans[other_state];
        let (skip, shift) = (price / 64, price % 64);
        if from == to || from + skip >= self.words {
            return;
        }
        let source = &other.set(other_state)[from..to];
        let first = from + skip;
        let base = state * self.words;
        let room = (self.words - first).min(source.len());
        let target = &mut self.bits[base + first..base + self.words];
        if shift == 0 {
            for (to, word) in target.iter_mut().zip(source) {
                *to |= word;
            }
        } else {
            for (to, word) in target.iter_mut().zip(source) {
                *to |= word << shift;
            }
            for (to, word) in target.iter_mut().skip(1).zip(source) {
                *to |= word >> (64 - shift);
            }
        }
        self.widen(state, first, (first + room + 1).min(self.words));
    }

    fn add(&mut self, other: &Self) {
        for state in 0..self.spans.len() {
            self.add_shifted(state, other, state, 0);
        }
    }
}

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
    stages: Vec<Searched>,
    totals: Vec<u64>,
}

/// What is kept of a course, to find a selection for a total.
struct Searched {
    /// Totals before the course, of everything earlier.
    before: Vec<u64>,
    /// Tables before each candidate that must be bought; they stand first.
    forced: Vec<Table>,
    /// For each state and total, one more than the first candidate by which it is reached; 0 where it is reached
    /// without any beyond the forced ones, [`NEVER`] where it is not.
    first: Vec<u16>,
    words: usize,
}

const NEVER: u16 = u16::MAX;

impl<'a> Reach<'a> {
    /// Searches all totals up to `limit` cents.
    pub fn new(field: &'a Field, limit: usize) -> Self {
        let words = limit / 64 + 1;
        let mut totals = vec![0; words];
        totals[0] = 1;
        let mut stages = Vec::with_capacity(field.stages.len());
        for stage in &field.stages {
            let (searched, after) = search(stage, totals);
            stages.push(searched);
            totals = after;
        }
        Self { field, stages, totals }
    }

    /// The highest total that can be reached, at most `limit`.
    pub fn best(&self, limit: usize) -> Option<usize> {
        (0..=limit).rev().find(|total| self.totals.get(total / 64).is_some_and(|word| word >> (total % 64) & 1 == 1))
    }

    /// A selection that costs a total which is reached.
    pub fn selection(&self, total: usize) -> Vec<Pick> {
        let mut picks = Vec::new();
        let mut total = total;
        for (at, searched) in self.stages.iter().enumerate().rev() {
            total = self.unwind(at, searched, total, &mut picks);
        }
        picks
    }

    /// Finds what was bought in a course, and returns the total before it.
    fn unwind(&self, at: usize, searched: &Searched, total: usize, picks: &mut Vec<Pick>) -> usize {
        let stage = &self.field.stages[at];
        let mut here = (stage.grid.states - 1, total);
        loop {
            let first = searched.first[here.0 * searched.words * 64 + here.1];
            if first == 0 || first == NEVER {
                break;
            }
            let candidate = usize::from(first) - 1;
            let earlier = |state: usize, total: usize| searched.first[state * searched.words * 64 + total] < first;
            here = self
                .copies(at, candidate, here, (1, stage.candidates[candidate].most), &earlier, picks)
                .unwrap_or((0, here.1));
        }
        for (candidate, before) in searched.forced.iter().enumerate().rev() {
            let limits = (stage.candidates[candidate].must, stage.candidates[candidate].most);
            let earlier = |state: usize, total: usize| before.has(state, total);
            here = self.copies(at, candidate, here, limits, &earlier, picks).unwrap_or((0, here.1));
        }
        debug_assert!(here.0 == 0 && searched.before[here.1 / 64] >> (here.1 % 64) & 1 == 1);
        here.1
    }

    /// Takes copies of one candidate back, least to most, until an earlier selection is reached. It exists, since the
    /// search came this way; dead ends are remembered.
    fn copies(
        &self,
        stage: usize,
        candidate: usize,
        from: (usize, usize),
        (least, most): (u32, u32),
        earlier: &dyn Fn(usize, usize) -> bool,
        picks: &mut Vec<Pick>,
    ) -> Option<(usize, usize)> {
        let grid = &self.field.stages[stage].grid;
        let entry = &self.field.stages[stage].candidates[candidate];
        let mut seen = std::collections::HashSet::new();
        // Depth-first with its own stack of (where, copies taken, picks so far).
        let mut open = vec![(from, Vec::<usize>::new())];
        while let Some((here, taken)) = open.pop() {
            let copies = taken.len() as u32;
            if copies >= least && earlier(here.0, here.1) {
                picks.extend(taken.iter().map(|variant| Pick { stage, candidate, variant: *variant }));
                return Some(here);
            }
            if copies == most || !seen.insert((here, copies)) {
                continue;
            }
            for (at, variant) in entry.variants.iter().enumerate() {
                let Some(rest) = here.1.checked_sub(variant.price) else { continue };
                let mut go = |state: usize| {
                    let mut taken = taken.clone();
                    taken.push(at);
                    open.push(((state, rest), taken));
                };
                // Copies are alike; that one too many stays beside the people's own is kept out by the search, whose
                // layers count from the earlier side. Going back, the same number is allowed in total.
                if entry.may_be_extra(copies + 1) {
                    go(here.0);
                }
                for class in eaters(variant.classes) {
                    if let Some(state) = grid.unserve(here.0, class) {
                        go(state);
                    }
                }
            }
        }
        None
    }
}

/// The classes of a mask.
pub(super) fn eaters(classes: u32) -> impl Iterator<Item = usize> {
    (0..32).filter(move |class| classes >> class & 1 == 1)
}

fn search(stage: &Stage, before: Vec<u64>) -> (Searched, Vec<u64>) {
    let words = before.len();
    let mut table = Table::new(stage.grid.states, words);
    table.bits[..words].copy_from_slice(&before);
    table.spans[0] = (0, words);
    let mut forced = Vec::new();
    let must = stage.candidates.iter().take_while(|candidate| candidate.must > 0).count();
    for candidate in &stage.candidates[..must] {
        let after = buy(stage, candidate, &table);
        forced.push(std::mem::replace(&mut table, after));
    }
    let mut first = vec![NEVER; stage.grid.states * words * 64];
    mark(&mut first, &table.bits, 0);
    for (at, candidate) in stage.candidates.iter().enumerate().skip(must) {
        let after = buy(stage, candidate, &table);
        let new: Vec<u64> = after.bits.iter().zip(&table.bits).map(|(after, before)| after & !before).collect();
        mark(&mut first, &new, u16::try_from(at + 1).unwrap_or(NEVER - 1));
        table = after;
    }
    let last = table.set(stage.grid.states - 1).to_vec();
    (Searched { before, forced, first, words }, last)
}

fn mark(first: &mut [u16], bits: &[u64], value: u16) {
    for (at, word) in bits.iter().enumerate() {
        let mut word = *word;
        while word != 0 {
            first[at * 64 + word.trailing_zeros() as usize] = value;
            word &= word - 1;
        }
    }
}

/// The totals after a candidate was bought as often as it must and may be.
fn buy(stage: &Stage, candidate: &Candidate, before: &Table) -> Table {
    let grid = &stage.grid;
    let mut after = if candidate.must == 0 { before.clone() } else { Table::new(grid.states, before.words) };
    let mut layer = before.clone();
    for copy in 1..=candidate.most {
        let mut next = Table::new(grid.states, before.words);
        for state in (0..grid.states).filter(|state| layer.spans[*state].0 < layer.spans[*state].1) {
            for variant in &candidate.variants {
                if candidate.may_be_extra(copy) {
                    next.add_shifted(state, &layer, state, variant.price);
                }
                for class in eaters(variant.classes) {
                    if let Some(served) = grid.serve(state, class) {
                        next.add_shifted(served, &layer, state, variant.price);
                    }
                }
            }
        }
        if next.is_empty() {
            break;
        }
        if copy >= candidate.must {
            after.add(&next);
        }
        layer = next;
    }
    after
}
