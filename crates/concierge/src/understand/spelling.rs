//! How far a misspelt word is from the one that was meant.

/// Words up to this many letters become other words by a single letter ("wine", "wing").
pub(super) const SHORT: usize = 5;

/// The letters of a word, sorted.
pub(super) fn letters(word: &str) -> Vec<char> {
    let mut letters: Vec<char> = word.chars().collect();
    letters.sort_unstable();
    letters
}

/// How many letters may differ in a word of this length.
const fn tolerance(len: usize) -> usize {
    match len {
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    }
}

/// The word and what remains of it with as many letters taken out as its length allows. Long words are not spread out.
pub(super) fn deletions(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().take(24).collect();
    let mut forms = vec![letters.iter().collect::<String>()];
    let allowed = tolerance(letters.len().saturating_add(1));
    if allowed == 0 {
        return forms;
    }
    for first in 0..letters.len() {
        let once: Vec<char> = letters.iter().enumerate().filter(|(at, _)| *at != first).map(|(_, c)| *c).collect();
        if allowed > 1 {
            for second in first..once.len() {
                forms.push(once.iter().enumerate().filter(|(at, _)| *at != second).map(|(_, c)| *c).collect());
            }
        }
        forms.push(once.into_iter().collect());
    }
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// The distance of two words, where it is small enough for a slip: the first letter is seldom wrong.
pub(super) fn close(text: &str, word: &str) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (text.chars().take(24).collect(), word.chars().take(24).collect());
    let allowed = tolerance(a.len().max(b.len()).saturating_sub(usize::from(a.len() != b.len())));
    if a.len().abs_diff(b.len()) > allowed || b.len() < 4 {
        return None;
    }
    let distance = distance(&a, &b);
    if a.len() == b.len() && a.len() <= SHORT && distance > 0 && !is_slip(&a, &b) {
        return None;
    }
    let slack = usize::from(a.first() != b.first());
    (distance + slack <= allowed || (distance == 1 && a.len() > 5 && b.len() > 5)).then_some(distance + slack)
}

/// Whether two short words of one length differ as a slip makes them differ: neighbours swapped, or one vowel for
/// another in a word of five letters. Any other letter makes another word of it.
fn is_slip(a: &[char], b: &[char]) -> bool {
    let apart: Vec<usize> = (0..a.len()).filter(|&at| a[at] != b[at]).collect();
    let vowel = |c: char| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
    match apart[..] {
        [one] => a.len() == SHORT && vowel(a[one]) && vowel(b[one]),
        [one, two] => two == one + 1 && a[one] == b[two] && a[two] == b[one],
        _ => false,
    }
}

/// Edit distance with neighbours swapped counted as one slip (optimal string alignment).
pub(crate) fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (at, row) in rows.iter_mut().enumerate() {
        row[0] = at;
    }
    for (at, cell) in rows[0].iter_mut().enumerate() {
        *cell = at;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}
