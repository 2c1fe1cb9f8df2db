//! What on the menu comes nearest to words that fit nothing.

use super::lexicon::Lexicon;
use super::spelling::distance;
use super::tokens::tokenize;

use crate::menu::ItemId;

/// Suggestions given at most.
const MOST: usize = 3;
/// Likeness below which a name is no suggestion.
const LEAST: f32 = 0.55;

/// Items whose names look like the words, best first.
pub(crate) fn items(lexicon: &Lexicon, words: &str) -> Vec<ItemId> {
    let said: Vec<Vec<char>> = tokenize(words).iter().take(6).map(|token| token.stem.chars().collect()).collect();
    let mut found: Vec<(f32, usize)> = Vec::new();
    for (at, item) in lexicon.menu.items.iter().enumerate() {
        let likeness = tokenize(&item.name)
            .iter()
            .flat_map(|token| {
                let letters: Vec<char> = token.stem.chars().collect();
                said.iter().map(move |word| likeness(word, &letters)).collect::<Vec<_>>()
            })
            .fold(0.0_f32, f32::max);
        if likeness >= LEAST {
            found.push((likeness, at));
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    found.into_iter().take(MOST).map(|(_, at)| lexicon.menu.items[at].id.clone()).collect()
}

fn likeness(a: &[char], b: &[char]) -> f32 {
    let longest = a.len().max(b.len());
    if longest < 3 || a.len().min(b.len()) < 2 {
        return 0.0;
    }
    1.0 - distance(a, b) as f32 / longest as f32
}
