//! A small random sequence of its own, so that a seed gives the same data with any version of any library.

/// SplitMix64: even, fast, and far good enough for drawing examples.
#[derive(Clone, Debug)]
pub(super) struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 to `count - 1`; 0 where `count` is 0.
    pub fn below(&mut self, count: usize) -> usize {
        // The remainder's unevenness is below one in 2^50 for lists of this size.
        usize::try_from(self.next() % (count.max(1) as u64)).unwrap_or(0)
    }

    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        least + i64::try_from(self.below(usize::try_from(most - least + 1).unwrap_or(1))).unwrap_or(0)
    }

    /// True in so many of a hundred cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One entry; none of an empty list.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.below(list.len()))
    }

    /// One text; empty of an empty list.
    pub fn text<'a>(&mut self, list: &'a [String]) -> &'a str {
        self.pick(list).map_or("", String::as_str)
    }

    /// So many different entries, in random order.
    pub fn some<'a, T>(&mut self, list: &'a [T], count: usize) -> Vec<&'a T> {
        let mut all: Vec<&T> = list.iter().collect();
        self.shuffle(&mut all);
        all.truncate(count);
        all
    }

    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            let other = self.below(at + 1);
            list.swap(at, other);
        }
    }
}
