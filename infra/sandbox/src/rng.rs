//! A small seeded generator of random numbers (SplitMix64). The same seed always gives the same
//! sequence.

/// The state of one stream of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    /// A separate stream for a seed and a purpose. The draws of one purpose do not affect the
    /// others.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        let mut rng = Self(seed ^ purpose.wrapping_mul(0xA24B_AED4_963E_E407));
        rng.next();
        rng
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `bound - 1`; 0 for an empty range.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u128::try_from(bound).unwrap_or(u128::MAX);
        usize::try_from((u128::from(self.next()) * bound) >> 64).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = usize::try_from(high.saturating_sub(low).saturating_add(1)).unwrap_or(1);
        low.saturating_add(i64::try_from(self.below(width)).unwrap_or(0))
    }

    /// True for this many of a thousand draws.
    pub(crate) fn per_mille(&mut self, cases: usize) -> bool {
        self.below(1000) < cases
    }

    /// One entry of a table that is not empty.
    #[expect(clippy::indexing_slicing, reason = "below(N) is smaller than N, and N is checked when compiling")]
    pub(crate) fn pick<'a, T, const N: usize>(&mut self, table: &'a [T; N]) -> &'a T {
        const { assert!(N > 0) };
        &table[self.below(N)]
    }

    /// One word of a table with weights.
    pub(crate) fn weighted<'a>(&mut self, table: &'a [(usize, &'a str)]) -> &'a str {
        let total = table.iter().map(|(weight, _)| weight).sum();
        let mut left = self.below(total);
        for (weight, word) in table {
            if left < *weight {
                return word;
            }
            left -= weight;
        }
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_tells_the_same_story() {
        let draw = |seed, purpose| {
            let mut rng = Rng::new(seed, purpose);
            (0..50).map(|_| rng.below(1000)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7, 1), draw(7, 1));
        assert_ne!(draw(7, 1), draw(7, 2));
        assert_ne!(draw(7, 1), draw(8, 1));
    }

    #[test]
    fn draws_stay_in_range_and_reach_the_ends() {
        let mut rng = Rng::new(1, 1);
        let drawn: Vec<i64> = (0..500).map(|_| rng.between(-2, 3)).collect();
        assert!(drawn.iter().all(|n| (-2..=3).contains(n)));
        assert!((-2..=3).all(|n| drawn.contains(&n)));
        assert_eq!(rng.below(0), 0);
    }
}
