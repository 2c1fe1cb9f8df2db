//! Which sequence of the model's state holds which tokens.
//!
//! llama.cpp keeps one pool of cells, a cell for each token's keys and values, and lets several sequences share a
//! cell. Copying a beginning therefore moves no data. This mirror knows who holds what, so that a new prompt finds
//! the longest beginning that is computed already, and so that the pool never overflows: what is kept for later gives
//! way, the least recently used first, agents' preambles last.

use concierge::intent::AgentName;

/// The model's state, as far as this module moves it.
pub(crate) trait Cells {
    /// Lets `to` share the first `length` tokens of `from`. `to` is empty before.
    fn share(&mut self, from: i32, to: i32, length: usize);
    /// Forgets everything of a sequence from the token at `length` on.
    fn truncate(&mut self, sequence: i32, length: usize);
    /// The first token of a sequence whose state is still whole: windowed layers forget what lies far back.
    fn first_whole(&self, sequence: i32) -> usize;
}

/// What a sequence is for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Holder {
    Nobody,
    /// A reply being written, of this conversation.
    Reply(Option<String>),
    /// A conversation between two turns.
    Conversation(String),
    /// The beginning that all prompts of an agent have in common.
    Preamble,
}

#[derive(Debug)]
struct Sequence {
    holder: Holder,
    adapter: Option<AgentName>,
    tokens: Vec<i32>,
    /// The cell of each token.
    cells: Vec<u32>,
    used_at: u64,
}

/// The mirror of the state.
#[derive(Debug)]
pub(crate) struct Kv {
    sequences: Vec<Sequence>,
    /// How many sequences hold each cell.
    holders: Vec<u16>,
    free: Vec<u32>,
    /// Tokens that a windowed layer looks back; none if all look back over everything.
    window: Option<usize>,
    clock: u64,
}

/// A sequence given to a reply, and how much of its prompt it holds already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub sequence: i32,
    pub reused: usize,
}

impl Kv {
    /// `sequences` of them, over a pool of `cells` tokens.
    pub fn new(sequences: usize, cells: u32, window: Option<u32>) -> Self {
        let empty =
            || Sequence { holder: Holder::Nobody, adapter: None, tokens: Vec::new(), cells: Vec::new(), used_at: 0 };
        Self {
            sequences: std::iter::repeat_with(empty).take(sequences).collect(),
            holders: vec![0; cells as usize],
            free: (0..cells).rev().collect(),
            window: window.map(|window| window as usize),
            clock: 0,
        }
    }

    /// Tokens held.
    pub fn used(&self) -> usize {
        self.holders.len() - self.free.len()
    }

    /// Tokens held by replies; everything else can give way.
    pub fn used_by_replies(&self) -> usize {
        let mut seen = vec![false; self.holders.len()];
        let replies = self.sequences.iter().filter(|sequence| matches!(sequence.holder, Holder::Reply(_)));
        replies
            .flat_map(|sequence| &sequence.cells)
            .filter(|cell| !std::mem::replace(&mut seen[**cell as usize], true))
            .count()
    }

    /// The tokens of the pool.
    pub fn capacity(&self) -> usize {
        self.holders.len()
    }

    /// Tokens of a sequence.
    pub fn length(&self, sequence: i32) -> usize {
        self.get(sequence).map_or(0, |sequence| sequence.tokens.len())
    }

    /// The tokens of a sequence.
    pub fn tokens(&self, sequence: i32) -> &[i32] {
        self.get(sequence).map_or(&[], |sequence| &sequence.tokens)
    }

    /// A sequence for a prompt, with the longest beginning of it that is computed already. At least the prompt's last
    /// token is left to compute, as its scores are wanted. None if every sequence writes a reply.
    pub fn lease(
        &mut self,
        state: &mut impl Cells,
        prompt: &[i32],
        adapter: Option<AgentName>,
        conversation: Option<&str>,
    ) -> Option<Lease> {
        let most = prompt.len().saturating_sub(1);
        let own = self.sequences.iter().position(
            |sequence| matches!(&sequence.holder, Holder::Conversation(name) if Some(name.as_str()) == conversation),
        );
        let mut best = (0, None);
        for (index, sequence) in self.sequences.iter().enumerate() {
            if sequence.holder == Holder::Nobody || sequence.adapter != adapter {
                continue;
            }
            let common = sequence.tokens.iter().zip(prompt).take(most).take_while(|(a, b)| a == b).count();
            // Of equals the conversation's own, which needs no copy.
            let better = common > best.0 || common == best.0 && own == Some(index);
            if common > 0 && better && self.is_whole(state, index, common) {
                best = (common, Some(index));
            }
        }
        let (reused, source) = best;
        let target = match (source, own) {
            (Some(source), Some(own)) if source == own => own,
            (_, Some(own)) => {
                // Its beginning has changed more than what others hold; nothing of it is wanted any more.
                self.empty(state, own);
                own
            }
            _ => self.vacant(state, source)?,
        };
        match source {
            Some(source) if source == target => self.cut(state, target, reused),
            Some(source) => self.copy(state, source, target, reused),
            None => self.cut(state, target, 0),
        }
        self.clock += 1;
        let now = self.clock;
        if let Some(source) = source.and_then(|source| self.sequences.get_mut(source)) {
            source.used_at = now;
        }
        let sequence = self.sequences.get_mut(target)?;
        sequence.holder = Holder::Reply(conversation.map(str::to_owned));
        sequence.adapter = adapter;
        sequence.used_at = now;
        Some(Lease { sequence: i32::try_from(target).ok()?, reused })
    }

    /// Notes tokens that are about to be computed. The room for them must have been made.
    pub fn extend(&mut self, sequence: i32, tokens: &[i32]) {
        let Some(sequence) = usize::try_from(sequence).ok().and_then(|index| self.sequences.get_mut(index)) else {
            return;
        };
        for token in tokens {
            let Some(cell) = self.free.pop() else { return };
            self.holders[cell as usize] = 1;
            sequence.cells.push(cell);
            sequence.tokens.push(*token);
        }
    }

    /// Takes a sequence back to a length.
    pub fn rewind(&mut self, state: &mut impl Cells, sequence: i32, length: usize) {
        if let Ok(index) = usize::try_from(sequence) {
            self.cut(state, index, length);
        }
    }

    /// Ends a reply. Its conversation's state is kept for the next turn, in place of what was kept of it before.
    pub fn finish(&mut self, state: &mut impl Cells, sequence: i32) {
        let Ok(index) = usize::try_from(sequence) else { return };
        let Some(Holder::Reply(conversation)) = self.sequences.get(index).map(|sequence| sequence.holder.clone())
        else {
            return;
        };
        let Some(name) = conversation.filter(|_| self.length(sequence) > 0) else { return self.empty(state, index) };
        let holder = Holder::Conversation(name);
        let older = self.sequences.iter().position(|sequence| sequence.holder == holder);
        if let Some(older) = older {
            self.empty(state, older);
        }
        self.clock += 1;
        if let Some(sequence) = self.sequences.get_mut(index) {
            sequence.holder = holder;
            sequence.used_at = self.clock;
        }
    }

    /// Ends a reply and forgets its state.
    pub fn discard(&mut self, state: &mut impl Cells, sequence: i32) {
        if let Ok(index) = usize::try_from(sequence) {
            self.empty(state, index);
        }
    }

    /// Keeps the first `length` tokens of a reply's sequence as a preamble, unless they are kept already.
    pub fn keep_preamble(&mut self, state: &mut impl Cells, sequence: i32, length: usize) {
        let Some(source) = usize::try_from(sequence).ok() else { return };
        let Some(from) = self.sequences.get(source).filter(|from| length > 0 && from.tokens.len() >= length) else {
            return;
        };
        let adapter = from.adapter;
        let Some(preamble) = from.tokens.get(..length) else { return };
        let known = self
            .sequences
            .iter()
            .any(|other| other.holder == Holder::Preamble && other.adapter == adapter && other.tokens == preamble);
        if known || state.first_whole(sequence) > 0 {
            return;
        }
        let Some(target) = self.vacant(state, Some(source)) else { return };
        self.copy(state, source, target, length);
        self.clock += 1;
        if let Some(sequence) = self.sequences.get_mut(target) {
            sequence.holder = Holder::Preamble;
            sequence.adapter = adapter;
            sequence.used_at = self.clock;
        }
    }

    /// Frees cells until there is room for `tokens` more: false if only replies are left.
    pub fn make_room(&mut self, state: &mut impl Cells, tokens: usize) -> bool {
        while self.free.len() < tokens {
            let Some(oldest) = self.oldest(None) else { return false };
            self.empty(state, oldest);
        }
        true
    }

    fn get(&self, sequence: i32) -> Option<&Sequence> {
        self.sequences.get(usize::try_from(sequence).ok()?)
    }

    /// Whether the first `length` tokens of a sequence can be gone on from.
    fn is_whole(&self, state: &impl Cells, index: usize, length: usize) -> bool {
        let Ok(sequence) = i32::try_from(index) else { return false };
        // Windowed layers need what lies within the window of the next token.
        let needed = self.window.map_or(0, |window| length.saturating_sub(window));
        state.first_whole(sequence) <= needed
    }

    /// A sequence that nobody holds; if there is none, the oldest that is kept for later, but for `spared`.
    fn vacant(&mut self, state: &mut impl Cells, spared: Option<usize>) -> Option<usize> {
        let free = self.sequences.iter().position(|sequence| sequence.holder == Holder::Nobody);
        free.or_else(|| {
            let oldest = self.oldest(spared)?;
            self.empty(state, oldest);
            Some(oldest)
        })
    }

    /// The least recently used of what is kept for later: conversations first, then preambles.
    fn oldest(&self, spared: Option<usize>) -> Option<usize> {
        let kept = self.sequences.iter().enumerate().filter(|(index, sequence)| {
            Some(*index) != spared && matches!(sequence.holder, Holder::Conversation(_) | Holder::Preamble)
        });
        kept.min_by_key(|(_, sequence)| (sequence.holder == Holder::Preamble, sequence.used_at)).map(|(index, _)| index)
    }

    fn empty(&mut self, state: &mut impl Cells, index: usize) {
        self.cut(state, index, 0);
        if let Some(sequence) = self.sequences.get_mut(index) {
            sequence.holder = Holder::Nobody;
        }
    }

    fn cut(&mut self, state: &mut impl Cells, index: usize, length: usize) {
        let (Some(sequence), Ok(id)) = (self.sequences.get_mut(index), i32::try_from(index)) else { return };
        // Also when the mirror has nothing: a failed computation may have left something behind.
        state.truncate(id, length);
        if sequence.tokens.len() > length {
            sequence.tokens.truncate(length);
            for cell in sequence.cells.drain(length..) {
                let holders = &mut self.holders[cell as usize];
                *holders = holders.saturating_sub(1);
                if *holders == 0 {
                    self.free.push(cell);
                }
            }
        }
    }

    fn copy(&mut self, state: &mut impl Cells, from: usize, to: usize, length: usize) {
        self.cut(state, to, 0);
        let (Ok(from_id), Ok(to_id)) = (i32::try_from(from), i32::try_from(to)) else { return };
        let Some(source) = self.sequences.get(from) else { return };
        let (tokens, cells): (Vec<i32>, Vec<u32>) =
            source.tokens.iter().copied().zip(source.cells.iter().copied()).take(length).unzip();
        state.share(from_id, to_id, length);
        for cell in &cells {
            self.holders[*cell as usize] += 1;
        }
        if let Some(target) = self.sequences.get_mut(to) {
            (target.tokens, target.cells) = (tokens, cells);
        }
    }
}
