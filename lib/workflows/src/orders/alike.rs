//! Orders of one invocation that may be one purchase under several ids: the second is queued with the first one's id, since the log's index may not show that yet when
//! both are processed.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use stevedore_domain::ids::OrderId;
use stevedore_domain::order::Order;

/// The orders that were queued, by what they would have in common. An invocation reads at most some 300,000 orders.
#[derive(Default)]
pub(crate) struct Queued {
    hasher: RandomState,
    first: HashMap<u64, OrderId>,
    /// Those after the first.
    more: HashMap<u64, Vec<OrderId>>,
}

impl Queued {
    /// Adds an order. Answers those before it that have its store, number and key.
    pub(crate) fn add(&mut self, order: &Order) -> Vec<OrderId> {
        let Some(key) = &order.key else { return Vec::new() };
        let likeness = self.hasher.hash_one((order.store_id, &order.number, key));
        let first = *self.first.entry(likeness).or_insert(order.id);
        if first == order.id {
            return Vec::new();
        }
        let more = self.more.entry(likeness).or_default();
        let before = std::iter::once(first).chain(more.iter().copied()).filter(|id| *id != order.id).collect();
        if !more.contains(&order.id) {
            more.push(order.id);
        }
        before
    }
}
