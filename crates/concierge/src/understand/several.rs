//! Words for several lines at once, or for what a line before has: "both", "one with and one without", "twice".

use super::lattice::{Edge, Kind};
use super::replay::{Draft, Replayer};
use super::state::{How, NONE};

impl Replayer<'_> {
    /// "Both with chips", "no onions on either", "all of them toasted".
    pub(super) fn each(&mut self, edge: &Edge) {
        let count = self.out.lines.len();
        let Some(last) = self.out.lines.last() else { return };
        if count < 2 || (last.quantity > 1 && last.split.is_none()) {
            return;
        }
        let word = |at: usize| self.tokens.get(at).map_or("", |token| token.text.as_str());
        let with = edge.from.checked_sub(1).is_some_and(|before| word(before) == "with");
        if with && word(edge.from) == "both" && last.options.is_empty() && !self.option_at(edge.to) {
            return self.with_both();
        }
        let all = (edge.from..edge.to).any(|at| matches!(word(at), "all" | "each" | "every" | "apiece"));
        let kin = |line: &Draft| line.items.first().map(|item| item.0) == last.items.first().map(|item| item.0);
        let alike = self.out.lines.iter().rev().take_while(|line| kin(line)).count();
        let every = word(edge.from) == "all" && edge.to == edge.from + 1;
        let from = count - if all { alike.max(2) } else { 2 };
        let from = if every { 0 } else { from };
        let behind = matches!(word(edge.from), "on" | "in" | "for") || word(edge.from) == "apiece";
        let ahead = !behind
            && (matches!(word(edge.to), "with" | "without" | "no")
                || self.option_at(edge.to)
                || (matches!(word(edge.to), "on" | "in" | "as" | "to") && self.option_at(edge.to + 1)));
        if every && !ahead && !self.size_at(edge.to) {
            // "That's all."
            return;
        }
        self.both = Some(from);
        if ahead {
            self.scope = Some(from);
        } else if !self.size_at(edge.to) {
            let said = last.options.get(self.clause..).unwrap_or(&[]).to_vec();
            for at in from..count - 1 {
                let items = &self.out.lines[at].items;
                let own: Vec<(u16, How)> = said.iter().filter(|(edge, _)| self.takes(items, *edge)).copied().collect();
                self.out.lines[at].options.extend(own);
            }
        }
    }

    /// "Two rolls, ham on one and egg on the other": what this clause says is of one of them.
    pub(super) fn on_one(&mut self) {
        let Some(root) = self.out.lines.last_mut().filter(|root| root.quantity > 1) else { return };
        let said = root.options.split_off(self.clause.min(root.options.len()));
        let options = root.options.iter().copied().chain(said).collect();
        root.quantity -= 1;
        let part = Draft { quantity: 1, said: 1, options, split: None, ..root.clone() };
        self.out.lines.insert(self.out.lines.len() - 1, part);
    }

    /// "A large and a small tea, mint on the large": what this clause says is of the line of that size.
    pub(super) fn on_size(&mut self, size: u16) {
        let clause = self.clause;
        let Some(last) = self.out.lines.last_mut() else { return };
        let said = last.options.split_off(clause.min(last.options.len()));
        let sized = |line: &Draft| line.size.is_some_and(|had| self.lattice.alike(had, size));
        let at = self.out.lines.iter().rposition(sized).unwrap_or(self.out.lines.len() - 1);
        self.out.lines[at].options.extend(said);
    }

    /// "A small with ham, a small with egg, a large with both": what the two before have.
    fn with_both(&mut self) {
        let [.., a, b, last] = self.out.lines.as_mut_slice() else { return };
        let own = a.options.iter().chain(&b.options).filter(|(_, how)| !how.negated);
        let own: Vec<(u16, How)> = own.copied().collect();
        last.options.extend(own);
    }

    fn option_at(&self, at: usize) -> bool {
        self.lattice.at(at).iter().any(|edge| matches!(edge.kind, Kind::Choices(_)) && edge.score > 0.0)
    }

    fn size_at(&self, at: usize) -> bool {
        self.lattice.at(at).iter().any(|edge| matches!(edge.kind, Kind::Sizes(_)))
    }

    /// "One with cheese and one without": what the line before has of its own is left out.
    pub(super) fn without_it(&mut self) {
        if !std::mem::take(&mut self.bare) {
            return;
        }
        let [.., before, last] = self.out.lines.as_mut_slice() else { return };
        if before.items.first().map(|item| item.0) != last.items.first().map(|item| item.0) {
            return;
        }
        let has = |(edge, _): &&(u16, How)| last.options.iter().any(|(other, _)| other == edge);
        let own: Vec<(u16, How)> =
            before.options.iter().filter(|option| !option.1.negated && !has(option)).copied().collect();
        last.options.extend(own.into_iter().map(|(edge, how)| {
            (edge, How { negated: true, early: false, amount: None, times: 1, number: NONE, ..how })
        }));
    }

    /// "Fish and chips twice": of what is joined without more words, as many of each.
    pub(super) fn twice(&mut self, at: u16, value: u32) {
        let Some(said) = self.lattice.edges.get(at as usize) else { return };
        if !matches!(said.kind, Kind::Number { after: true, .. }) {
            // "A burger and nuggets, 12 pieces".
            return;
        }
        let place = |line: &Draft| self.lattice.edges.get(line.edge as usize).map(|edge| (edge.from, edge.to));
        let [.., before, last] = self.out.lines.as_slice() else { return };
        let (Some((_, to)), Some((from, end))) = (place(before), place(last)) else { return };
        let joined = to + 1 == from && self.tokens[to].text == "and" && end == said.from;
        if joined && !before.counted {
            let at = self.out.lines.len() - 2;
            self.out.lines[at].quantity = value;
            self.out.lines[at].counted = true;
        }
    }
}
