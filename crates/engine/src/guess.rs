//! Guessing what a reply says next from what stands in its prompt.
//!
//! Staff repeat what they were told: names, sizes and prices come word for word from the facts, and the facts from the
//! menu. Computing a few tokens in one call of the model costs little more than computing one, so the tokens that
//! followed the present words where they stood before are computed along with them. The sampler then chooses as ever,
//! row by row: a guess that it would not have chosen is thrown away with all after it. What changes beside the time is
//! the order in which numbers are added up, as in any step of several rows: where two words are equally likely to the
//! last digits, the other one may come.

/// Tokens guessed at once, at most: beyond that a wrong guess costs more than a right one saves.
pub(crate) const MOST: usize = 6;
/// Tokens that must stand before the guess as they stand now. One word alone is followed by anything.
const AGREEING: usize = 2;
/// Longer agreement tells no more.
const AGREEING_AT_MOST: usize = 8;

/// How bold one reply's guesses are: longer after one that was right to its end, shorter after a wrong one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Boldness(usize);

impl Default for Boldness {
    fn default() -> Self {
        Self(2)
    }
}

impl Boldness {
    /// The longest guess now, where the step has room for `room` tokens.
    pub fn length(self, room: usize) -> usize {
        self.0.min(room)
    }

    /// Learns from a guess.
    pub fn learn(&mut self, guessed: usize, right: usize) {
        if guessed == 0 {
            return;
        }
        self.0 = if right == guessed { (self.0 + 2).min(MOST) } else { right.max(1) };
    }
}

/// What may follow `next`, the token after `history`: what followed the longest of the earlier passages that end as
/// the present one does, the latest of equals. At most `most` tokens; none where nothing agrees.
pub(crate) fn guess(history: &[i32], next: i32, most: usize) -> &[i32] {
    let mut best: (usize, &[i32]) = (AGREEING - 1, &[]);
    if most == 0 {
        return best.1;
    }
    for (place, _) in history.iter().enumerate().rev().filter(|(_, token)| **token == next) {
        let Some((before, after)) = history.split_at_checked(place) else { continue };
        let present = history.iter().rev();
        let agreeing = 1 + before.iter().rev().zip(present).take(AGREEING_AT_MOST).take_while(|(a, b)| a == b).count();
        if agreeing > best.0 && after.len() > 1 {
            best = (agreeing, after.get(1..).unwrap_or_default());
        }
    }
    let (_, following) = best;
    following.get(..most.min(following.len())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_and_latest_agreement_is_followed() {
        for (history, next, most, expected) in [
            // "5 6" stood before, and 7 8 followed.
            (&[1, 5, 6, 7, 8, 2, 5][..], 6, 2, &[7, 8][..]),
            (&[1, 5, 6, 7, 8, 2, 5], 6, 9, &[7, 8, 2, 5]),
            // Twice: the later one is nearer to what is being said.
            (&[5, 6, 7, 1, 5, 6, 8, 1, 1, 5], 6, 1, &[8]),
            // Three agreeing tokens beat two that are later.
            (&[4, 5, 6, 7, 1, 5, 6, 8, 1, 4, 5], 6, 1, &[7]),
            // One alone is no agreement, and an end has nothing after it.
            (&[6, 7, 8, 1], 6, 3, &[]),
            (&[5], 6, 3, &[]),
            (&[], 6, 3, &[]),
            (&[1, 5, 6, 7, 8, 2, 5], 6, 0, &[]),
        ] {
            assert_eq!(guess(history, next, most), expected, "{history:?}, {next}");
        }
    }

    #[test]
    fn boldness_grows_with_success_and_falls_with_failure() {
        let mut boldness = Boldness::default();
        assert_eq!(boldness.length(9), 2);
        boldness.learn(2, 2);
        boldness.learn(4, 4);
        boldness.learn(6, 6);
        assert_eq!((boldness.length(9), boldness.length(1)), (MOST, 1));
        boldness.learn(0, 0);
        assert_eq!(boldness.length(9), MOST);
        boldness.learn(6, 3);
        assert_eq!(boldness.length(9), 3);
        boldness.learn(3, 0);
        assert_eq!(boldness.length(9), 1);
    }
}
