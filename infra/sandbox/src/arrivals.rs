//! Events of the account while it runs: new orders, payments, shipments, edits, cancellations,
//! splits and merges.

use jiff::{SignedDuration, Timestamp};

use crate::buyers::buyer;
use crate::generator::Generator;
use crate::goods::goods;
use crate::json::Json;
use crate::options::SandboxOptions;
use crate::order_builder::retotal;
use crate::rng::Rng;
use crate::split_merge::{merge, split};
use crate::store::{Stamp, Store};

/// Limit of events after a long silence; only the newest happen.
const MOST_AT_ONCE: i64 = 2_000;

/// The stream of events. It depends only on the seed and the passing time.
#[derive(Debug)]
pub(crate) struct Arrivals {
    generator: Generator,
    rng: Rng,
    seed: u64,
    /// Time between two events; `None` means no events.
    every: Option<SignedDuration>,
    next: Timestamp,
}

impl Arrivals {
    pub(crate) fn new(options: &SandboxOptions, generator: Generator, start: Timestamp) -> Self {
        let millis = 3_600_000_u32.checked_div(options.arrivals_per_hour);
        let every = millis.map(|millis| SignedDuration::from_millis(i64::from(millis.max(1))));
        let next = every.and_then(|every| start.checked_add(every).ok()).unwrap_or(start);
        Self { generator, rng: Rng::new(options.seed, 2), seed: options.seed, every, next }
    }

    /// Makes all events happen that are due by now, each at its own time.
    pub(crate) fn catch_up(&mut self, store: &mut Store, now: Timestamp) {
        let Some(every) = self.every else { return };
        let due = (now.as_millisecond() - self.next.as_millisecond()).div_euclid(every.as_millis().try_into().unwrap_or(1)) + 1;
        if due > MOST_AT_ONCE {
            let skipped = i32::try_from(due - MOST_AT_ONCE).unwrap_or(i32::MAX);
            self.next = every.checked_mul(skipped).and_then(|skip| self.next.checked_add(skip).ok()).unwrap_or(now);
        }
        while self.next <= now {
            let at = self.next;
            self.event(store, at);
            match self.next.checked_add(every) {
                Ok(next) => self.next = next,
                Err(_) => return,
            }
        }
    }

    /// Makes a new order, now.
    pub(crate) fn new_order(&mut self, store: &mut Store, now: Timestamp) -> i64 {
        self.generator.put(store, Stamp { created: now, modified: now })
    }

    fn event(&mut self, store: &mut Store, at: Timestamp) {
        let recent: Vec<i64> = store.orders.keys().rev().take(200).copied().collect();
        let chosen = recent.get(self.rng.below(recent.len())).copied();
        let (Some(id), false) = (chosen, self.rng.per_mille(550)) else {
            self.new_order(store, at);
            return;
        };
        let choice = self.rng.below(100);
        match choice {
            0..4 if split(store, id, at).is_some() => {}
            4..6 => {
                let other = recent.get(self.rng.below(recent.len())).copied().unwrap_or(id);
                merge(store, id, other, at);
            }
            _ => {
                let address = buyer(self.seed, 500 + u64::try_from(choice).unwrap_or(0)).address;
                store.edit(id, at, |order| match choice {
                    0..55 => progress(order, at),
                    55..65 => order.set("internalNotes", format!("Checked by the packing desk, table {choice}")),
                    65..75 => {
                        let name = order.get("shipTo").and_then(|to| to.get("name")).cloned();
                        let mut moved = address.json();
                        moved.set("name", name.unwrap_or_default());
                        order.set("shipTo", moved);
                    }
                    75..88 => lower_first_line(order),
                    _ => order.set("orderStatus", "cancelled"),
                });
            }
        }
    }
}

/// The next step of an order's life.
fn progress(order: &mut Json, at: Timestamp) {
    let wall = crate::pacific::wall(at);
    match order.get("orderStatus").and_then(Json::as_text) {
        Some("awaiting_payment") => {
            order.set("orderStatus", "awaiting_shipment");
            order.set("paymentDate", crate::pacific::long_text(wall));
            let total = order.get("orderTotal").cloned().unwrap_or_default();
            order.set("amountPaid", total);
        }
        Some("awaiting_shipment" | "pending_fulfillment") => {
            order.set("orderStatus", "shipped");
            order.set("shipDate", crate::pacific::date_text(wall));
        }
        Some("on_hold") => {
            order.set("orderStatus", "awaiting_shipment");
            order.set("holdUntilDate", Json::Null);
        }
        _ => order.set("customerNotes", "Thank you!"),
    }
}

/// A partial refund before shipping, as channels report it: a lower quantity, possibly 0. The total
/// follows, `amountPaid` does not.
fn lower_first_line(order: &mut Json) {
    let quantity = |item: &Json| item.get("quantity").and_then(Json::as_int);
    let found = goods(order).find_map(|item| quantity(item).filter(|quantity| *quantity > 0).map(|quantity| (item, quantity)));
    if let Some((item, quantity)) = found {
        item.set("quantity", quantity - 1);
        retotal(order);
    }
}
