//! The file's vectors in memory, one after another: the nearest are found by one pass over all of them.
//!
//! A pass over ten thousand takes about a millisecond and leaves nothing out, so there is no index of vectors to keep.

use std::collections::HashSet;

use rusqlite::Connection;

use crate::kernel::{dot, normalised};

/// All vectors of one state of the file.
#[derive(Debug)]
pub(crate) struct VectorTable {
    state: i64,
    keys: Vec<i64>,
    /// `keys.len() * dimensions` numbers; each vector is of length 1, or all zeros.
    numbers: Vec<f32>,
    dimensions: usize,
}

impl VectorTable {
    /// Reads them all. `state` is the file's own number for what it holds.
    pub(crate) fn read(connection: &Connection, state: i64, dimensions: usize) -> rusqlite::Result<Self> {
        let mut vectors = Self { state, keys: Vec::new(), numbers: Vec::new(), dimensions };
        let mut statement = connection.prepare("SELECT key, embedding FROM record ORDER BY key")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let vector = of_blob(row.get_ref(1)?.as_blob()?);
            if vector.len() == dimensions {
                vectors.keys.push(row.get(0)?);
                vectors.numbers.extend(normalised(&vector));
            }
        }
        Ok(vectors)
    }

    /// The state of the file that they are of.
    pub(crate) const fn state(&self) -> i64 {
        self.state
    }

    /// Keys and cosines of the nearest, the nearest first; `among` leaves only some of the keys.
    pub(crate) fn nearest(&self, vector: &[f32], count: usize, among: Option<&HashSet<i64>>) -> Vec<(i64, f32)> {
        let vector = normalised(vector);
        let each = self.keys.iter().zip(self.numbers.chunks_exact(self.dimensions.max(1)));
        let let_through = each.filter(|(key, _)| among.is_none_or(|among| among.contains(key)));
        let mut found: Vec<(i64, f32)> = let_through.map(|(key, numbers)| (*key, dot(numbers, &vector))).collect();
        let nearer = |a: &(i64, f32), b: &(i64, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if count < found.len() {
            found.select_nth_unstable_by(count, nearer);
            found.truncate(count);
        }
        found.sort_unstable_by(nearer);
        found
    }
}

/// A vector as the file holds it: 32-bit floats, little-endian.
pub(crate) fn to_blob(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The way back.
pub(crate) fn of_blob(blob: &[u8]) -> Vec<f32> {
    blob.chunks_exact(4).filter_map(|bytes| Some(f32::from_le_bytes(bytes.try_into().ok()?))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_nearest_are_those_of_a_plain_comparison() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE record (key INTEGER PRIMARY KEY, embedding BLOB NOT NULL)").unwrap();
        let vector = |at: i64| (0..70).map(|place| ((at * 70 + place) as f32).sin() * (at % 5) as f32).collect();
        let rows: Vec<(i64, Vec<f32>)> = (0..200).map(|at| (3 * at + 1, vector(at))).collect();
        for (key, vector) in &rows {
            connection.execute("INSERT INTO record VALUES (?1, ?2)", (key, to_blob(vector))).unwrap();
        }
        connection.execute("INSERT INTO record VALUES (2, x'00')", []).unwrap();
        let vectors = VectorTable::read(&connection, 7, 70).unwrap();
        assert_eq!((vectors.state(), vectors.keys.len()), (7, 200));

        let asked: Vec<f32> = (0..70).map(|place| (place as f32 * 0.3).cos()).collect();
        let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
        let cosine = |vector: &[f32]| {
            let lengths = (product(vector, vector) * product(&asked, &asked)).sqrt();
            if lengths > 0.0 { product(vector, &asked) / lengths } else { 0.0 }
        };
        let even: HashSet<i64> = rows.iter().map(|row| row.0).filter(|key| key % 2 == 0).collect();
        for (among, count) in [(None, 1), (None, 32), (None, 500), (Some(&even), 32), (Some(&HashSet::new()), 3)] {
            let mut exact: Vec<(i64, f64)> = rows.iter().map(|(key, vector)| (*key, cosine(vector))).collect();
            exact.retain(|(key, _)| among.is_none_or(|among| among.contains(key)));
            exact.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            exact.truncate(count);
            let found = vectors.nearest(&asked, count, among);
            assert_eq!(found.len(), exact.len());
            for (found, exact) in found.iter().zip(&exact) {
                assert_eq!(found.0, exact.0);
                assert!((f64::from(found.1) - exact.1).abs() < 1e-6, "{found:?} {exact:?}");
            }
        }
    }
}
