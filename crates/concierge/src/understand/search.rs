//! The search: one path through the lattice that explains the whole utterance best.
//!
//! A beam of hypotheses walks the words from left to right. Each holds a small state (what line is being said, what is
//! pending for the next thing) and a score to which every step adds: how well words match, whether an option fits its
//! item, what an article, a number or a connective makes likely. The best path is replayed by [`super::assemble`].

use super::fitting::NOTHING;
use super::lattice::Lattice;
use super::lexicon::Lexicon;
use super::state::{Act, Context, Det, Flush, Link, NONE, Neg, State, Taken, closing};
use super::tokens::{Break, Token};

/// Hypotheses kept at each word.
const BEAM: usize = 20;

struct Node {
    state: State,
    score: f32,
    parent: u32,
    taken: Taken,
}

/// The best path and its score.
pub(crate) struct Path {
    pub steps: Vec<Taken>,
    pub score: f32,
}

/// Finds the best path. `context` is the edge of an item that the words may be about.
pub(crate) fn best(lexicon: &Lexicon, tokens: &[Token], lattice: &Lattice, context: Option<Context>) -> Path {
    let mut search = Search {
        lexicon,
        tokens,
        lattice,
        nodes: Vec::with_capacity(tokens.len() * 32),
        ends: vec![Vec::new(); tokens.len() + 1],
    };
    let start = State::start(context);
    let nothing = Taken { edge: NONE, flush: None, act: Act::Skip };
    search.nodes.push(Node { state: start, score: 0.0, parent: u32::MAX, taken: nothing });
    search.ends[0].push(0);
    for at in 0..tokens.len() {
        search.step(at);
    }
    search.finish()
}

/// What it costs to take a size over a pause to the next thing.
const CARRIED: f32 = 1.0;

/// A search under way.
pub(crate) struct Search<'a> {
    pub lexicon: &'a Lexicon,
    pub tokens: &'a [Token],
    pub lattice: &'a Lattice,
    nodes: Vec<Node>,
    ends: Vec<Vec<u32>>,
}

impl Search<'_> {
    fn step(&mut self, at: usize) {
        let mut here = std::mem::take(&mut self.ends[at]);
        here.sort_by(|a, b| self.nodes[*b as usize].score.total_cmp(&self.nodes[*a as usize].score));
        here.truncate(BEAM);
        let pause = self.tokens[at].before;
        for from in here {
            for edge in self.lattice.starts[at]..self.lattice.starts[at + 1] {
                let node = &self.nodes[from as usize];
                let mut state = node.state;
                match pause {
                    Break::None => {}
                    Break::Comma => {
                        if state.link == Link::Bare {
                            state.link = Link::Comma;
                        }
                        if state.neg == Neg::On {
                            state.neg = Neg::Off;
                        }
                    }
                    Break::Stop => {
                        state.neg = Neg::Off;
                        state.list = false;
                        if state.number != NONE && state.size == NONE && state.pre_len == 0 {
                            // "She is five. Nuggets": a number counts nothing of another sentence.
                            state.number = NONE;
                            state.det = Det::None;
                        }
                        if state.det == Det::None {
                            state.link = Link::Verb;
                        }
                    }
                }
                let edge_at = u16::try_from(edge).unwrap_or(NONE - 2);
                // "Fries large, coke": a size that a pause parts from what follows is of the thing before.
                let carried = pause != Break::None
                    && state.size != NONE
                    && state.item != NONE
                    && state.pre_len == 0
                    && !state.sized;
                let score = if carried { node.score - CARRIED } else { node.score };
                let step = Step { from, edge: edge_at, state, score, flush: None };
                self.expand(step, &self.lattice.edges[edge]);
                // "Large mint, large plum": at a pause what was said may be a thing by itself.
                if pause != Break::None && (state.pre_len > 0 || state.size != NONE) {
                    let (cost, flush, open) = self.open(&state);
                    let state = State { link: if open.link == Link::Bare { Link::Comma } else { open.link }, ..open };
                    self.expand(Step { state, score: step.score - cost, flush, ..step }, &self.lattice.edges[edge]);
                }
            }
        }
    }

    fn finish(mut self) -> Path {
        let last = self.ends.last().cloned().unwrap_or_default();
        let mut best: Option<(f32, u32, Option<Flush>)> = None;
        for at in last {
            let node = &self.nodes[at as usize];
            let (cost, flush) = closing(&node.state);
            let known = self.lexicon.menu.items.is_empty() || !self.is_nothing(&node.state);
            let cost = if flush.is_none() || known { cost } else { cost + NOTHING };
            if best.is_none_or(|(score, ..)| node.score - cost > score) {
                best = Some((node.score - cost, at, flush));
            }
        }
        let mut steps = Vec::new();
        let Some((score, mut at, flush)) = best else { return Path { steps, score: 0.0 } };
        if flush.is_some() {
            steps.push(Taken { edge: NONE, flush, act: Act::Skip });
        }
        while let Some(node) = self.nodes.get(at as usize).filter(|node| node.parent != u32::MAX) {
            steps.push(node.taken);
            at = node.parent;
        }
        steps.reverse();
        self.nodes.clear();
        Path { steps, score }
    }

    /// Keeps the hypothesis that a step leads to, unless it is known with a better score.
    pub(crate) fn push(&mut self, step: &Step, gain: f32, state: State, act: Act, flush: Option<Flush>) {
        let edge = &self.lattice.edges[step.edge as usize];
        let score = step.score + edge.score + gain;
        let end = &mut self.ends[edge.to];
        let flush = flush.or(step.flush);
        let node = Node { state, score, parent: step.from, taken: Taken { edge: step.edge, flush, act } };
        if let Some(same) = end.iter_mut().find(|at| self.nodes[**at as usize].state == state) {
            if self.nodes[*same as usize].score >= score {
                return;
            }
            *same = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        } else {
            if end.len() >= BEAM * 4 {
                return;
            }
            end.push(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        }
        self.nodes.push(node);
    }
}

/// A hypothesis about to take an edge.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    pub from: u32,
    pub edge: u16,
    pub state: State,
    pub score: f32,
    /// A line that was closed on the way to the edge.
    pub flush: Option<Flush>,
}
