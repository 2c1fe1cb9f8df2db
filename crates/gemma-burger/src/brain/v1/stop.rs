//! Ending a text at stop sequences, which may lie across the pieces in which it comes.

/// Holds back what may be the beginning of a stop sequence.
#[derive(Debug, Default)]
pub struct Stops {
    sequences: Vec<String>,
    held: String,
}

impl Stops {
    /// With the sequences, none of them empty.
    #[must_use]
    pub const fn new(sequences: Vec<String>) -> Self {
        Self { sequences, held: String::new() }
    }

    /// Adds a piece: the text that may go out, and whether a sequence was found, after which nothing follows.
    pub fn push(&mut self, piece: &str) -> (String, bool) {
        self.held.push_str(piece);
        let found = self.sequences.iter().filter_map(|sequence| self.held.find(sequence.as_str())).min();
        if let Some(at) = found {
            self.held.truncate(at);
            return (std::mem::take(&mut self.held), true);
        }
        let kept = self.sequences.iter().map(|sequence| overlap(&self.held, sequence)).max().unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - kept);
        (std::mem::replace(&mut self.held, rest), false)
    }

    /// What was held back, once nothing follows.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// The length of the longest end of `text` that begins `sequence`.
fn overlap(text: &str, sequence: &str) -> usize {
    let beginnings = sequence.char_indices().map(|(at, _)| at).rev().filter(|at| *at > 0);
    beginnings.into_iter().find(|at| sequence.get(..*at).is_some_and(|start| text.ends_with(start))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;

    fn run(sequences: &[&str], pieces: &[&str]) -> (String, bool) {
        let mut stops = Stops::new(sequences.iter().map(|text| (*text).to_owned()).collect());
        let mut out = String::new();
        for piece in pieces {
            let (text, found) = stops.push(piece);
            out.push_str(&text);
            if found {
                return (out, true);
            }
        }
        (out + &stops.finish(), false)
    }

    #[test]
    fn sequences_are_found_however_the_text_is_cut() {
        for (sequences, text, expected) in [
            (vec!["END"], "one END two", ("one ", true)),
            (vec!["END"], "one EN two", ("one EN two", false)),
            (vec!["aab"], "aaab", ("a", true)),
            (vec!["é!"], "café! yes", ("caf", true)),
            (vec!["x", "\n\n"], "a\nb\n\nx", ("a\nb", true)),
            (vec![], "all", ("all", false)),
        ] {
            let letters: Vec<String> = text.chars().map(String::from).collect();
            for size in 1..=letters.len() {
                let pieces: Vec<String> = letters.chunks(size).map(|chunk| chunk.concat()).collect();
                let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
                assert_eq!(run(&sequences, &pieces), (expected.0.to_owned(), expected.1), "{text} by {size}");
            }
        }
    }
}
