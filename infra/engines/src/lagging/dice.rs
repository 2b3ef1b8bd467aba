//! Random numbers from a seed.

/// A number for each place of a sequence (SplitMix64).
pub(crate) struct Dice {
    seed: u64,
    place: u64,
}

impl Dice {
    /// `what` distinguishes sequences of one seed.
    pub(crate) fn new(seed: u64, what: u64) -> Self {
        Self { seed: seed.wrapping_mul(0xd6e8_feb8_6659_fd93).wrapping_add(what), place: 0 }
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.place += 1;
        let mut z = self.seed.wrapping_add(self.place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `count`, or 0 where `count` is 0.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        let count = u64::try_from(count).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.roll() % count).unwrap_or_default()
    }

    /// True for this percentage of the draws.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.roll() % 100 < percent
    }
}
