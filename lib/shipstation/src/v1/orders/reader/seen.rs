//! Orders that were returned, as far back as a window can overlap.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::Timestamp;
use stevedore_domain::digest::Digest;
use stevedore_domain::ids::OrderId;
use stevedore_domain::pacific::PacificTime;

use super::super::raw::RawOrder;

/// Identity of an order: its id, or its text where that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Identity {
    Id(OrderId),
    Text(u64),
}

/// In which state: a digest alone would not tell an order that changed there and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Read(PacificTime, Digest),
    Unread(u64),
}

pub(super) fn identity(order: &RawOrder) -> Identity {
    order.order_id().map_or_else(|| Identity::Text(text(order)), Identity::Id)
}

fn text(order: &RawOrder) -> u64 {
    let mut hasher = DefaultHasher::new();
    order.raw.get().hash(&mut hasher);
    hasher.finish()
}

/// The latest state in which each order was returned.
#[derive(Debug)]
pub(super) struct Seen {
    orders: HashMap<Identity, (State, Option<PacificTime>)>,
    newest: Option<PacificTime>,
    /// Time of the clock when the present page was asked for.
    clock: Timestamp,
    face: PacificTime,
    behind: Option<PacificTime>,
    ahead: Option<PacificTime>,
}

impl Seen {
    pub(super) fn new() -> Self {
        let clock = Timestamp::UNIX_EPOCH;
        Self { orders: HashMap::new(), newest: None, clock, face: PacificTime::at(clock), behind: None, ahead: None }
    }

    /// Tells what time it is.
    pub(super) fn set_clock(&mut self, now: Timestamp) {
        self.clock = now;
        self.face = PacificTime::at(now);
    }

    /// Notes an order; false if it was returned in this state already. An order without a key has its neighbours'.
    pub(super) fn add(&mut self, order: &RawOrder, key: Option<PacificTime>) -> bool {
        self.newest = self.newest.max(key);
        if let Some(key) = key.filter(|key| Some(*key) > self.behind) {
            // Nearly always the clock's face decides: in the hour that repeats it takes the instants.
            let is_ahead = key > self.face && key.is_ahead_of(self.clock);
            let place = if is_ahead { &mut self.ahead } else { &mut self.behind };
            *place = (*place).max(Some(key));
        }
        let state = match &order.parsed {
            Ok(revision) => State::Read(revision.order.modified_at, revision.key.digest),
            Err(_) => State::Unread(text(order)),
        };
        let before = self.orders.insert(identity(order), (state, key.or(self.newest)));
        before.is_none_or(|(before, _)| before != state)
    }

    /// The greatest key that was returned and does not lie ahead of the clock.
    pub(super) fn newest_behind_the_clock(&self) -> Option<PacificTime> {
        self.behind
    }

    /// The greatest key that was returned and lies ahead of the clock.
    pub(super) fn ahead(&self) -> Option<PacificTime> {
        self.ahead
    }

    /// Forgets orders that no window from `start` on can hold again.
    pub(super) fn forget_before(&mut self, start: PacificTime) {
        self.orders.retain(|_, (_, key)| key.is_none_or(|key| key >= start));
    }
}
