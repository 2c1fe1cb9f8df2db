//! A course in phases, so that the search of totals tells no more people apart than it must.
//!
//! Dishes that the fewest people may have come first. Two classes of people whom no dish of this phase or a later one
//! tells apart are one group from here on: for what follows, only the number of them still to be served matters, so
//! adding the two numbers up loses no selection and gains none. A class that nothing was served to yet takes no room.

use super::field::{Grid, Stage, eaters};

/// One way to buy a dish, as the search sees it: what differs in neither price nor eaters is one way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    /// Of the candidate's variants.
    pub variant: usize,
    /// In cents.
    pub price: usize,
    /// A bit for each group that may have it.
    pub groups: u32,
}

/// Candidates that are bought one after another with the same groups of people.
#[derive(Clone, Debug)]
pub(super) struct Phase {
    /// Which of the course's candidates, and the ways to buy each.
    pub candidates: Vec<(usize, Vec<Way>)>,
    /// Whether each of them must be bought: those stand in a phase of their own.
    pub forced: bool,
    /// How many people of each group are served.
    pub grid: Grid,
    /// The state that each state of the phase before is here; none where it leads nowhere.
    pub enter: Vec<Option<usize>>,
}

/// The phases of a course, of which there is at least one, and the state of the last one in which everybody is served;
/// none where somebody cannot be.
pub(super) fn of(stage: &Stage) -> (Vec<Phase>, Option<usize>) {
    let demand = stage.grid.demand();
    let mut order: Vec<usize> = (0..stage.candidates.len()).filter(|at| stage.candidates[*at].most > 0).collect();
    let masks = |at: usize| {
        let mut masks: Vec<u32> = stage.candidates[at].variants.iter().map(|variant| variant.classes).collect();
        masks.sort_unstable();
        masks.dedup();
        masks
    };
    let key = |at: usize| {
        let masks = masks(at);
        let all = masks.iter().fold(0, |all, mask| all | mask);
        (stage.candidates[at].must == 0, all.count_ones(), masks)
    };
    // Stable: within a phase, the best liked stay first.
    order.sort_by_cached_key(|at| key(*at));
    let mut phases: Vec<Phase> = Vec::new();
    let mut touched = 0;
    let mut groups_before = vec![0; demand.len()];
    for run in order.chunk_by(|a, b| key(*a) == key(*b)) {
        let rest = order.iter().skip_while(|at| **at != run[0]);
        let coming: Vec<u32> = rest.flat_map(|at| masks(*at)).collect();
        touched |= run.iter().flat_map(|at| masks(*at)).fold(0, |all, mask| all | mask);
        let groups = groups(demand.len(), &coming);
        let room = |group: usize| {
            let served = (0..demand.len()).filter(|class| groups[*class] == group && touched >> class & 1 == 1);
            served.map(|class| demand[class]).sum::<usize>()
        };
        let grid = Grid::within((0..groups.iter().map(|group| group + 1).max().unwrap_or(0)).map(room).collect());
        let enter = match phases.last() {
            None => Vec::new(),
            Some(before) => lead(&before.grid, &groups_before, &grid, &groups),
        };
        let candidates = run.iter().map(|at| (*at, ways(stage, *at, &groups))).collect();
        phases.push(Phase { candidates, forced: stage.candidates[run[0]].must > 0, grid, enter });
        groups_before = groups;
    }
    if phases.is_empty() {
        let grid = Grid::within(Vec::new());
        phases.push(Phase { candidates: Vec::new(), forced: false, grid, enter: Vec::new() });
        return (phases, (stage.grid.people() == 0).then_some(0));
    }
    let everybody = phases.last().filter(|last| last.grid.people() == stage.grid.people());
    let done = everybody.map(|last| last.grid.states - 1);
    (phases, done)
}

/// The group of each class: classes with the same bits in all masks are one.
fn groups(classes: usize, masks: &[u32]) -> Vec<usize> {
    let alike = |a: usize, b: usize| masks.iter().all(|mask| mask >> a & 1 == mask >> b & 1);
    let mut firsts: Vec<usize> = Vec::new();
    (0..classes)
        .map(|class| {
            firsts.iter().position(|first| alike(*first, class)).unwrap_or_else(|| {
                firsts.push(class);
                firsts.len() - 1
            })
        })
        .collect()
}

/// Where the states of one grid stand in the next, whose groups hold whole groups of the first.
fn lead(before: &Grid, old: &[usize], after: &Grid, new: &[usize]) -> Vec<Option<usize>> {
    (0..before.states)
        .map(|state| {
            let mut counts = vec![0; after.demand().len()];
            for group in 0..before.demand().len() {
                let class = old.iter().position(|of| *of == group)?;
                counts[new[class]] += before.served(state, group);
            }
            Some(after.state_of(&counts))
        })
        .collect()
}

/// The ways to buy a candidate; one is enough of those with the same price of which one serves all that others serve.
fn ways(stage: &Stage, candidate: usize, groups: &[usize]) -> Vec<Way> {
    let mut ways: Vec<Way> = Vec::new();
    for (variant, entry) in stage.candidates[candidate].variants.iter().enumerate() {
        let served = eaters(entry.classes).fold(0_u32, |served, class| served | 1 << groups[class]);
        if ways.iter().all(|way| way.price != entry.price || way.groups | served != way.groups) {
            ways.retain(|way| way.price != entry.price || way.groups | served != served);
            ways.push(Way { variant, price: entry.price, groups: served });
        }
    }
    ways
}
