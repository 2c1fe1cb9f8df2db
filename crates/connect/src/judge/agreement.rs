//! How well a judge agrees with people.

use serde::{Deserialize, Serialize};

/// How many marks there are.
const MARKS: usize = 5;

/// Agreement over pairs of marks from 1 to 5.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// How many pairs.
    pub pairs: usize,
    /// Pairs of equal marks.
    pub exact: usize,
    /// Pairs of marks that differ by one at most.
    pub adjacent: usize,
    /// Cohen's kappa with quadratic weights: 1 is agreement in all, 0 what chance would give. None where chance would
    /// agree in all, since either gives one and the same mark throughout.
    pub kappa: Option<f64>,
}

/// Compares the marks of two who judged the same. Marks outside of 1 to 5 count as the nearest.
#[must_use]
pub fn agreement(pairs: &[(u8, u8)]) -> Agreement {
    let place = |mark: u8| usize::from(mark).clamp(1, MARKS) - 1;
    let (mut table, mut rows, mut columns) = ([[0_usize; MARKS]; MARKS], [0_usize; MARKS], [0_usize; MARKS]);
    for (one, other) in pairs {
        let (one, other) = (place(*one), place(*other));
        table[one][other] += 1;
        rows[one] += 1;
        columns[other] += 1;
    }
    let (mut exact, mut adjacent, mut seen, mut chance) = (0, 0, 0.0, 0.0);
    for (row, counts) in table.iter().enumerate() {
        for (column, count) in counts.iter().enumerate() {
            let apart = row.abs_diff(column);
            exact += if apart == 0 { *count } else { 0 };
            adjacent += if apart <= 1 { *count } else { 0 };
            let weight = (apart * apart) as f64;
            seen += weight * *count as f64;
            chance += weight * (rows[row] * columns[column]) as f64;
        }
    }
    let count = pairs.len();
    let kappa = (chance > 0.0).then(|| 1.0 - seen * count as f64 / chance);
    Agreement { pairs: count, exact, adjacent, kappa }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_is_counted_and_held_against_chance() {
        let all: Vec<(u8, u8)> = (1..=5).map(|mark| (mark, mark)).collect();
        let same = agreement(&all);
        assert_eq!((same.exact, same.adjacent, same.kappa), (5, 5, Some(1.0)));
        // Worked out by hand: the weights seen are 0+1+4+1 = 6 of 4 pairs, by chance 72 / 4 = 18.
        let some = agreement(&[(1, 1), (2, 3), (5, 3), (4, 5)]);
        assert_eq!((some.pairs, some.exact, some.adjacent), (4, 1, 3));
        let kappa = some.kappa.unwrap_or_default();
        assert!((kappa - (1.0 - 6.0 * 4.0 / 72.0)).abs() < 1e-9, "{kappa}");
        let opposed = agreement(&[(1, 5), (5, 1)]);
        assert_eq!(opposed.kappa, Some(-1.0));
        assert_eq!(agreement(&[(3, 3), (3, 3)]).kappa, None, "chance would agree as well");
        assert_eq!(agreement(&[]).kappa, None);
    }
}
