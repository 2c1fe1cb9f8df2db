//! The least cost of serving people, by number served and by how well liked the dishes are: behind the cheapest meal,
//! the best liked one, and feeding as many as possible.
//!
//! `cost[state][liked]` is the least sum for which the people of `state` are served with dishes whose popularity adds
//! up to `liked`. Each candidate is added 0 to n times, as in the search of totals; the minimum over all selections is
//! exact by the same induction. Courses are independent of each other, so each is searched by itself.
//!
//! Ways to buy that no best selection needs are left out first ([`needed`]).

use super::{
    field::{Candidate, Field, Grid, Stage, Variant, eaters},
    reach::Pick,
};

/// What is not reached costs more than anything that is; sums with it do not overflow.
const NONE: i64 = i64::MAX / 4;
/// Anything above is not reached, whatever was added to it.
const LOST: i64 = NONE / 2;
/// What a step of popularity is worth in cents where it goes before all money: more than any meal costs.
const LIKED_FIRST: i64 = 1_000_000_000_000;
/// Numbers that one search may hold: 128 MB.
const MAX_CELLS: usize = 16 << 20;

/// What is least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// The cost.
    Cost,
    /// The cost among the best liked.
    LikedThenCost,
    /// The cost for each sum of popularity.
    CostOfEachLiked,
}

/// The searched course.
pub(super) struct Least<'a> {
    stage: &'a Stage,
    at: usize,
    by: By,
    /// One more than the highest popularity sum.
    width: usize,
    /// Candidates that count, with the ways to buy each.
    entries: Vec<(usize, Vec<usize>)>,
    /// The table before each of them, and the last one after all.
    tables: Vec<Vec<i64>>,
}

impl<'a> Least<'a> {
    /// Searches one course; none where that takes more memory than one search may.
    pub fn new(field: &'a Field, at: usize, by: By) -> Option<Self> {
        let stage = &field.stages[at];
        let most_liked = stage.candidates.iter().map(Candidate::popularity).max().unwrap_or(0);
        let forced: usize = stage.candidates.iter().map(|candidate| candidate.must as usize).sum();
        let served = stage.grid.people();
        let width = if by == By::CostOfEachLiked { most_liked * (served + forced) + 1 } else { 1 };
        let entries = needed(stage, by != By::Cost);
        if stage.grid.states.saturating_mul(width).saturating_mul(entries.len() + 1) > MAX_CELLS {
            return None;
        }
        let mut table = vec![NONE; stage.grid.states * width];
        table[0] = 0;
        let mut least = Self { stage, at, by, width, entries, tables: Vec::new() };
        let mut tables = Vec::with_capacity(least.entries.len() + 1);
        for (candidate, variants) in &least.entries {
            let entry = &stage.candidates[*candidate];
            let next = if entry.must > 0 { least.buy(entry, variants, &table) } else { table.clone() };
            tables.push(std::mem::replace(&mut table, next));
            if entry.must == 0 {
                for _ in 0..entry.most.min(served as u32) {
                    least.once_more(entry, variants, &mut table);
                }
            }
        }
        tables.push(table);
        least.tables = tables;
        Some(least)
    }

    /// The least cost for each popularity sum with the people of a state served: pairs of sum and cost.
    pub fn costs(&self, state: usize) -> impl Iterator<Item = (usize, i64)> + '_ {
        let last = self.tables.last().map_or(&[] as &[i64], Vec::as_slice);
        let row = &last[state * self.width..(state + 1) * self.width];
        row.iter().copied().enumerate().filter(|(_, cost)| *cost < LOST)
    }

    /// The least cost with the people of a state served.
    pub fn cost(&self, state: usize) -> Option<i64> {
        self.costs(state).map(|(_, cost)| cost).min()
    }

    /// What is bought for a state and a popularity sum.
    pub fn selection(&self, state: usize, liked: usize) -> Vec<Pick> {
        let mut picks = Vec::new();
        let mut here = (state, liked);
        for (place, (candidate, variants)) in self.entries.iter().enumerate().rev() {
            let (before, after) = (&self.tables[place], &self.tables[place + 1]);
            let cost = after[here.0 * self.width + here.1];
            let at = |(state, liked): (usize, usize)| before[state * self.width + liked];
            if self.stage.candidates[*candidate].must == 0 && at(here) == cost {
                continue;
            }
            here = self.copies(*candidate, variants, here, cost, &at, &mut picks).unwrap_or(here);
        }
        picks
    }

    fn copies(
        &self,
        candidate: usize,
        variants: &[usize],
        from: (usize, usize),
        cost: i64,
        before: &dyn Fn((usize, usize)) -> i64,
        picks: &mut Vec<Pick>,
    ) -> Option<(usize, usize)> {
        let entry = &self.stage.candidates[candidate];
        let mut seen = std::collections::HashSet::new();
        let mut open = vec![(from, cost, Vec::<usize>::new())];
        while let Some((here, rest, taken)) = open.pop() {
            let copies = taken.len() as u32;
            if copies >= entry.must && before(here) == rest {
                picks.extend(taken.iter().map(|variant| Pick { stage: self.at, candidate, variant: *variant }));
                return Some(here);
            }
            if copies == entry.most || !seen.insert((here, rest, copies)) {
                continue;
            }
            for at in variants {
                let variant = &entry.variants[*at];
                let Some(liked) = here.1.checked_sub(self.step(variant)) else { continue };
                let rest = rest - self.weight(variant);
                let mut go = |state: usize| {
                    let mut taken = taken.clone();
                    taken.push(*at);
                    open.push(((state, liked), rest, taken));
                };
                if entry.may_be_extra(copies + 1) {
                    go(here.0);
                }
                for class in eaters(variant.classes) {
                    if let Some(state) = self.grid().unserve(here.0, class) {
                        go(state);
                    }
                }
            }
        }
        None
    }

    const fn grid(&self) -> &Grid {
        &self.stage.grid
    }

    /// How far a purchase moves along the popularity sums.
    fn step(&self, variant: &Variant) -> usize {
        if self.by == By::CostOfEachLiked { variant.popularity } else { 0 }
    }

    /// What a purchase adds to what is least.
    fn weight(&self, variant: &Variant) -> i64 {
        let liked = if self.by == By::LikedThenCost { variant.popularity as i64 * LIKED_FIRST } else { 0 };
        variant.price as i64 - liked
    }

    /// Buys one more of a candidate for somebody, or not: in place, as states with more people served are seen before
    /// those they come from.
    fn once_more(&self, entry: &Candidate, variants: &[usize], table: &mut [i64]) {
        for state in (0..self.grid().states).rev() {
            let (earlier, later) = table.split_at_mut((state + 1) * self.width);
            let row = &earlier[state * self.width..];
            let Some(last) = row.iter().rposition(|cost| *cost < LOST) else { continue };
            for variant in variants.iter().map(|at| &entry.variants[*at]) {
                for to in eaters(variant.classes).filter_map(|class| self.grid().serve(state, class)) {
                    self.lower(&mut later[(to - state - 1) * self.width..], &row[..=last], variant);
                }
            }
        }
    }

    /// Takes over what is less, with one purchase added.
    fn lower(&self, target: &mut [i64], row: &[i64], variant: &Variant) {
        let (step, weight) = (self.step(variant), self.weight(variant));
        let target = &mut target[..self.width];
        for (to, cost) in target.iter_mut().skip(step).zip(row) {
            *to = (*to).min(cost.wrapping_add(weight));
        }
    }

    /// The table after a candidate was bought as often as it must and may be.
    fn buy(&self, entry: &Candidate, variants: &[usize], before: &[i64]) -> Vec<i64> {
        let grid = self.grid();
        let mut after = vec![NONE; before.len()];
        let mut layer = before.to_vec();
        for copy in 1..=entry.most.min(entry.must + grid.people() as u32) {
            let mut next = vec![NONE; before.len()];
            for state in 0..grid.states {
                let row = &layer[state * self.width..(state + 1) * self.width];
                for variant in variants.iter().map(|at| &entry.variants[*at]) {
                    let served = eaters(variant.classes).filter_map(|class| grid.serve(state, class));
                    for to in served.chain(entry.may_be_extra(copy).then_some(state)) {
                        self.lower(&mut next[to * self.width..], row, variant);
                    }
                }
            }
            if copy >= entry.must {
                for (to, cost) in after.iter_mut().zip(&next) {
                    *to = (*to).min(*cost);
                }
            }
            layer = next;
        }
        after
    }
}

/// The candidates and of each the ways to buy it that a best selection may need.
///
/// A way is left out where another way of the same candidate, or as many copies of other candidates as there are people
/// to serve, are as good: they serve whoever it serves, cost no more and are liked as well. A selection that uses it
/// has at most one copy fewer than people beside it, so one of those copies is free and can stand in its place; each
/// exchange goes down a fixed order of the ways, so they end, at a selection as good that uses none of those left out.
fn needed(stage: &Stage, liked: bool) -> Vec<(usize, Vec<usize>)> {
    let people = stage.grid.people();
    // As good, and where all is equal the earlier one.
    let stands_in = |other: (usize, usize), one: (usize, usize)| {
        let of = |(candidate, variant): (usize, usize)| &stage.candidates[candidate].variants[variant];
        let (a, b) = (of(other), of(one));
        let as_liked = !liked || a.popularity >= b.popularity;
        let equal = a.price == b.price && a.classes == b.classes && (!liked || a.popularity == b.popularity);
        a.classes & b.classes == b.classes && a.price <= b.price && as_liked && (!equal || other < one)
    };
    let variants = |candidate: usize| 0..stage.candidates[candidate].variants.len();
    let is_needed = |one: (usize, usize)| {
        if variants(one.0).any(|variant| stands_in((one.0, variant), one)) {
            return false;
        }
        let others = (0..stage.candidates.len()).filter(|candidate| *candidate != one.0);
        let standing_in = others.filter(|other| variants(*other).any(|variant| stands_in((*other, variant), one)));
        let free = |candidate: usize| (stage.candidates[candidate].most - stage.candidates[candidate].must) as usize;
        let mut copies = standing_in.map(free).scan(0, |sum, copies| {
            *sum += copies;
            Some(*sum)
        });
        // What must be bought is bought, however good others are.
        stage.candidates[one.0].must > 0 || copies.all(|copies| copies < people)
    };
    let all = (0..stage.candidates.len()).map(|candidate| {
        let kept = variants(candidate).filter(|variant| is_needed((candidate, *variant)));
        (candidate, kept.collect::<Vec<usize>>())
    });
    all.filter(|(_, kept)| !kept.is_empty()).collect()
}
