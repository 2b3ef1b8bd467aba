//! Stock that one fulfilment makes, consumes and requires.

use std::collections::BTreeMap;

use crate::stock::StockKey;

/// Stock that one fulfilment makes, consumes and requires.
#[derive(Default)]
pub(super) struct StockUse {
    pub(super) made: BTreeMap<StockKey, i64>,
    pub(super) consumed: BTreeMap<StockKey, i64>,
    /// Quantities that must be available.
    pub(super) floors: BTreeMap<StockKey, i64>,
}

impl StockUse {
    pub(super) fn consumed(&self, key: &StockKey) -> i64 {
        self.consumed.get(key).copied().unwrap_or(0)
    }

    pub(super) fn raise(&mut self, key: StockKey, least: i64) {
        let floor = self.floors.entry(key).or_insert(least);
        *floor = (*floor).max(least);
    }
}
