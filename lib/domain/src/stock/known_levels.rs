//! Levels as far as they are known.

use std::collections::BTreeMap;

use super::level::{Level, StockChange, StockKey};

/// Levels as far as they are known. What is not known is taken for plenty: the write's own condition finds out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels(BTreeMap<StockKey, Level>);

impl Levels {
    /// Notes a level.
    pub fn learn(&mut self, key: StockKey, level: Level) {
        self.0.insert(key, level);
    }

    /// A level, where it is known.
    #[must_use]
    pub fn get(&self, key: &StockKey) -> Option<Level> {
        self.0.get(key).copied()
    }

    /// Applies a change that was written.
    pub fn apply(&mut self, change: &StockChange) {
        if let Some(level) = self.0.get_mut(&change.key) {
            *level = level.after(change.change);
        }
    }
}
