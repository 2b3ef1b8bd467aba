//! Sums under names that channels choose, of which there may be as many as orders.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::serde_pairs;

/// Key under which amounts are summed.
pub(super) trait Name: Ord + Clone {
    /// The name without what a channel chose; equal to itself where there is nothing of that.
    fn general(&self) -> Self;
}

/// Sums by name. Of the names that channels choose, the first [`Self::NAMES`] by their order are kept apart, and the amounts of all others stand
/// under their general name, so that fifty thousand coupon codes do not become fifty thousand discounts.
///
/// Which names are kept does not depend on the order in which they come: one that is given up never comes back, because the kept ones only get smaller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(serialize = "K: Ord + Serialize, V: Serialize", deserialize = "K: Ord + Deserialize<'de>, V: Deserialize<'de>"))]
pub(super) struct CappedTotals<K, V> {
    #[serde(with = "serde_pairs")]
    chosen: BTreeMap<K, V>,
    #[serde(with = "serde_pairs")]
    general: BTreeMap<K, V>,
}

impl<K, V> Default for CappedTotals<K, V> {
    fn default() -> Self {
        Self { chosen: BTreeMap::new(), general: BTreeMap::new() }
    }
}

impl<K: Name, V: AddAssign + Copy + Default> CappedTotals<K, V> {
    /// Number of chosen names that are kept apart.
    pub(super) const NAMES: usize = 500;

    /// Adds `value` under `name`.
    pub(super) fn add(&mut self, name: K, value: V) {
        let general = name.general();
        if general == name {
            *self.general.entry(general).or_default() += value;
            return;
        }
        *self.chosen.entry(name).or_default() += value;
        if self.chosen.len() > Self::NAMES
            && let Some((name, value)) = self.chosen.pop_last()
        {
            *self.general.entry(name.general()).or_default() += value;
        }
    }

    /// Every name with its sum, in order.
    pub(super) fn sums(&self) -> Vec<(K, V)> {
        let mut sums: Vec<(K, V)> = self.general.iter().chain(&self.chosen).map(|(name, value)| (name.clone(), *value)).collect();
        sums.sort_by(|(one, _), (other, _)| one.cmp(other));
        sums
    }
}
