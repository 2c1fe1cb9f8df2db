//! The least cost of serving people, by number served and by how well liked the dishes are: behind the cheapest meal,
//! the best liked one, and feeding as many as possible.
//!
//! `cost[state][liked]` is the least sum for which the people of `state` are served with dishes whose popularity adds
//! up to `liked`. Each candidate is added 0 to n times, as in the search of totals; the minimum over all selections is
//! exact by the same induction. Courses are independent of each other, so each is searched by itself.

use super::{
    field::{Candidate, Field, Stage},
    reach::{Pick, eaters},
};

const NONE: u32 = u32::MAX;

/// The searched course.
pub(super) struct Least<'a> {
    field: &'a Field,
    at: usize,
    /// One more than the highest popularity sum.
    width: usize,
    /// The table before each candidate, and the last one after all.
    tables: Vec<Vec<u32>>,
}

impl<'a> Least<'a> {
    /// Searches one course. Without `liked`, popularity is left out.
    pub fn new(field: &'a Field, at: usize, liked: bool) -> Self {
        let stage = &field.stages[at];
        let most_liked = stage.candidates.iter().map(Candidate::popularity).max().unwrap_or(0);
        let forced: usize = stage.candidates.iter().map(|candidate| candidate.must as usize).sum();
        let served = stage.grid.people();
        let width = if liked { most_liked * (served + forced) + 1 } else { 1 };
        let mut table = vec![NONE; stage.grid.states * width];
        table[0] = 0;
        let mut tables = vec![table];
        for candidate in &stage.candidates {
            let next = buy(stage, candidate, tables.last().map_or(&[], Vec::as_slice), width);
            tables.push(next);
        }
        Self { field, at, width, tables }
    }

    /// The least cost for each popularity sum with the people of a state served: pairs of sum and cost.
    pub fn costs(&self, state: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let last = self.tables.last().map_or(&[] as &[u32], Vec::as_slice);
        let row = &last[state * self.width..(state + 1) * self.width];
        row.iter().enumerate().filter(|(_, cost)| **cost != NONE).map(|(liked, cost)| (liked, *cost as usize))
    }

    /// The least cost with the people of a state served, however liked.
    pub fn cost(&self, state: usize) -> Option<usize> {
        self.costs(state).map(|(_, cost)| cost).min()
    }

    /// What is bought for a state and a popularity sum.
    pub fn selection(&self, state: usize, liked: usize) -> Vec<Pick> {
        let stage = &self.field.stages[self.at];
        let mut picks = Vec::new();
        let mut here = (state, liked);
        for (candidate, entry) in stage.candidates.iter().enumerate().rev() {
            let (before, after) = (&self.tables[candidate], &self.tables[candidate + 1]);
            let cost = after[here.0 * self.width + here.1];
            let at = |(state, liked): (usize, usize)| before[state * self.width + liked];
            if entry.must == 0 && at(here) == cost {
                continue;
            }
            here = self.copies(candidate, entry, here, cost, &at, &mut picks).unwrap_or(here);
        }
        picks
    }

    fn copies(
        &self,
        candidate: usize,
        entry: &Candidate,
        from: (usize, usize),
        cost: u32,
        before: &dyn Fn((usize, usize)) -> u32,
        picks: &mut Vec<Pick>,
    ) -> Option<(usize, usize)> {
        let grid = &self.field.stages[self.at].grid;
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
            for (at, variant) in entry.variants.iter().enumerate() {
                let step = if self.width > 1 { variant.popularity } else { 0 };
                let (Some(rest), Some(liked)) = (rest.checked_sub(variant.price as u32), here.1.checked_sub(step))
                else {
                    continue;
                };
                let mut go = |state: usize| {
                    let mut taken = taken.clone();
                    taken.push(at);
                    open.push(((state, liked), rest, taken));
                };
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

fn buy(stage: &Stage, candidate: &Candidate, before: &[u32], width: usize) -> Vec<u32> {
    let grid = &stage.grid;
    let mut after = if candidate.must == 0 { before.to_vec() } else { vec![NONE; before.len()] };
    let mut layer = before.to_vec();
    for copy in 1..=candidate.most {
        let mut next = vec![NONE; before.len()];
        let mut any = false;
        for state in 0..grid.states {
            let row = &layer[state * width..(state + 1) * width];
            if row.iter().all(|cost| *cost == NONE) {
                continue;
            }
            for variant in &candidate.variants {
                let price = variant.price as u32;
                let step = if width > 1 { variant.popularity } else { 0 };
                let extra = candidate.may_be_extra(copy).then_some(state);
                let served = eaters(variant.classes).filter_map(|class| grid.serve(state, class));
                for to in extra.into_iter().chain(served) {
                    let target = &mut next[to * width..(to + 1) * width];
                    for (to, cost) in target.iter_mut().skip(step).zip(row) {
                        if *cost != NONE {
                            *to = (*to).min(cost + price);
                            any = true;
                        }
                    }
                }
            }
        }
        if !any {
            break;
        }
        if copy >= candidate.must {
            for (to, cost) in after.iter_mut().zip(&next) {
                *to = (*to).min(*cost);
            }
        }
        layer = next;
    }
    after
}
