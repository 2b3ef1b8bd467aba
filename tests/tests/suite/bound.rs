//! Bounds for loops of tests that a wrong answer would continue endlessly.

/// Counts the turns of a loop, and fails the test if there are too many.
pub struct Bound {
    what: &'static str,
    most: u32,
    turns: u32,
}

impl Bound {
    /// Bound for a list that is followed page by page, or a queue that is emptied: a test has at
    /// most 50,000 orders, in pages of ten or more.
    pub fn of(what: &'static str) -> Self {
        Self::at_most(20_000, what)
    }

    /// A loop of at most `most` turns.
    pub fn at_most(most: u32, what: &'static str) -> Self {
        Self { what, most, turns: 0 }
    }

    /// Begins one more turn.
    #[track_caller]
    pub fn turn(&mut self) {
        self.turns += 1;
        assert!(self.turns <= self.most, "{} does not end: {} turns", self.what, self.most);
    }
}
