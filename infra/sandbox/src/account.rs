//! Actions of tests and tools on the account, and queries of its state.

use std::sync::Arc;

use jiff::Timestamp;

use crate::arrivals::Arrivals;
use crate::generator::Generator;
use crate::json::Json;
use crate::store::{Entry, Stamp, Store};
use crate::{RequestRecord, Sandbox, SandboxOptions, split_merge};

/// The present state of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// ShipStation order id.
    pub id: i64,
    /// `orderNumber`.
    pub number: String,
    /// `orderStatus`.
    pub status: String,
    /// The body as it is sent.
    pub text: Arc<str>,
    /// The true instant behind `createDate`.
    pub created: Timestamp,
    /// The true instant behind `modifyDate`.
    pub modified: Timestamp,
}

impl Order {
    fn of(id: i64, entry: &Entry) -> Self {
        Self {
            id,
            number: entry.number.clone(),
            status: entry.status.clone(),
            text: Arc::clone(&entry.text),
            created: entry.created,
            modified: entry.modified,
        }
    }

    /// The body, parsed.
    pub fn body(&self) -> Json {
        self.text.parse().unwrap_or_default()
    }

    /// `orderTotal`, exact; `None` where it is not a number.
    pub fn total(&self) -> Option<rust_decimal::Decimal> {
        self.body().get("orderTotal")?.as_decimal()
    }
}

impl Sandbox {
    /// An account of generated orders.
    pub fn generated(options: SandboxOptions) -> Self {
        let start = crate::pacific::to_millis((options.clock)());
        let mut store = Store::new();
        let mut generator = Generator::new(&options);
        generator.fill(&mut store, &options, start);
        let arrivals = Arrivals::new(&options, generator, start);
        Self::new(options, store, arrivals, std::collections::VecDeque::new())
    }

    /// Makes an account of these orders as they are. A body's own `orderId`, `createDate` and
    /// `modifyDate` are used, and missing ones are assigned now. Numbers keep their exact text if
    /// the orders are [`Json`] or [`Draft`](crate::Draft).
    pub fn from_orders<O: Into<Json>>(options: SandboxOptions, orders: impl IntoIterator<Item = O>) -> Self {
        let start = crate::pacific::to_millis((options.clock)());
        let mut store = Store::new();
        for order in orders {
            store.put(order.into(), None, start);
        }
        let arrivals = Arrivals::new(&options, Generator::new(&options), start);
        Self::new(options, store, arrivals, std::collections::VecDeque::new())
    }

    /// Stores an order, or replaces the one with its id; returns the id. The body's own dates are
    /// used, and the present time where it has none.
    pub fn upsert_order(&self, order: impl Into<Json>) -> i64 {
        let (mut world, now) = self.world();
        world.store.put(order.into(), None, now)
    }

    /// Stores an order that was created and modified at these true instants; returns the id.
    pub fn upsert_order_at(&self, order: impl Into<Json>, created: Timestamp, modified: Timestamp) -> i64 {
        self.world().0.store.put(order.into(), Some(Stamp { created, modified }), modified)
    }

    /// Changes an order's body and moves its `modifyDate` to now. Returns false if there is no such
    /// order.
    pub fn edit_order(&self, id: i64, change: impl FnOnce(&mut Json)) -> bool {
        let (mut world, now) = self.world();
        world.store.edit(id, now, change)
    }

    /// Cancels an order.
    pub fn cancel(&self, id: i64) -> bool {
        self.edit_order(id, |order| order.set("orderStatus", "cancelled"))
    }

    /// Splits an order: the second half of its items moves to a new order with the same number and
    /// key, whose id is returned. As in ShipStation, the totals are not split. Returns `None` if
    /// there is no such order or it has fewer than two items.
    pub fn split(&self, id: i64) -> Option<i64> {
        let (mut world, now) = self.world();
        split_merge::split(&mut world.store, id, now)
    }

    /// Merges an order into another. Items and amounts move, and the merged order is gone (404).
    /// Returns false if one of them is missing.
    pub fn merge(&self, survivor: i64, gone: i64) -> bool {
        let (mut world, now) = self.world();
        split_merge::merge(&mut world.store, survivor, gone, now)
    }

    /// Removes an order without a trace. Returns false if there is none.
    pub fn remove(&self, id: i64) -> bool {
        self.world().0.store.orders.remove(&id).is_some()
    }

    /// Makes the next `count` events happen now: first the revisions of a file, then generated new
    /// orders. Returns the ids of the changed orders.
    pub fn arrive(&self, count: usize) -> Vec<i64> {
        let (mut world, now) = self.world();
        let world = &mut *world;
        (0..count)
            .filter_map(|_| match world.scheduled.pop_front() {
                Some(next) => next.happen(&mut world.store, now).then_some(next.order_id),
                None => Some(world.arrivals.new_order(&mut world.store, now)),
            })
            .collect()
    }

    /// Uses up requests of the current minute, as another program with the same key would.
    pub fn use_up_limit(&self, requests: u32) {
        let (mut world, now) = self.world();
        world.window.turn(now);
        world.window.used = world.window.used.saturating_add(requests);
    }

    /// All orders, by id.
    pub fn orders(&self) -> Vec<Order> {
        let (world, _) = self.world();
        world.store.orders.iter().map(|(id, entry)| Order::of(*id, entry)).collect()
    }

    /// One order.
    pub fn order(&self, id: i64) -> Option<Order> {
        let (world, _) = self.world();
        world.store.orders.get(&id).map(|entry| Order::of(id, entry))
    }

    /// The requests answered so far, the oldest first; the last 10,000.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.world().0.requests.iter().cloned().collect()
    }

    /// Number of requests to this path (`/orders`), for every query.
    pub fn requests_to(&self, path: &str) -> usize {
        self.world().0.requests.iter().filter(|record| record.path == path).count()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.world().0.requests.clear();
    }
}
