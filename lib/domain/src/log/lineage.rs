//! Relations of an order to others: combined, split, sent twice (N4; docs/requirements.md, section 5). Goods in a sale that stands are not booked again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{LogEntry, LogState};
use crate::ids::{OrderId, SaleId};
use crate::order::{Order, RevisionKey};
use crate::reason::Reason;
use crate::warning::Warning;

/// The kin of an order. Nearly every order has none, and its entry says nothing then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kin {
    /// Orders that the newest revision names as combined into it or split off it (`mergedIds`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<OrderId>,
    /// Those that the booked revision named, while there is a sale.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub booked: Vec<OrderId>,
    /// The order that this one was split off (`parentId`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<OrderId>,
    /// The last time that ShipStation answered that there is no such order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gone: Option<Gone>,
    /// The order that held this one's goods while it was away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was_in: Option<OrderId>,
    /// Orders for whose sake this one is held.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held_for: Vec<OrderId>,
    /// Orders beside which a person wants this one booked all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<OrderId>,
}

/// An order's absence from ShipStation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// Time at which ShipStation answered that there is no such order.
    pub at: Timestamp,
    /// The order that it was combined into, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<OrderId>,
}

impl Gone {
    /// Combined into another order, or deleted.
    #[must_use]
    pub fn reason(&self) -> Reason {
        if self.into.is_some() { Reason::MergedAway } else { Reason::DeletedInShipstation }
    }
}

/// Facts of the log about an order that may hold the same goods as another.
#[derive(Clone, Debug)]
pub struct Relative {
    /// The order.
    pub id: OrderId,
    /// Its number, where the log still knows it.
    pub number: String,
    /// The sale that it is in, while that stands.
    pub live: Option<SaleId>,
    /// It is in the log without a sale and may become one.
    pub open: bool,
    /// It is held itself for another's sake.
    pub held: bool,
    /// Its log entry was deleted: what it was booked from is not known any more.
    pub orphan: bool,
    /// Its own kin.
    pub kin: Kin,
    /// Its store, number and key are the order's own.
    pub alike: bool,
    /// Of two that are alike and not booked yet it is the one to be booked: it has the lower id, or is on its way since before the order was read.
    pub first: bool,
}

/// The orders that have to be looked at before an order is booked, beside those that look like it. None for nearly every order.
#[must_use]
pub fn relatives(order: &Order, entry: Option<&LogEntry>) -> Vec<OrderId> {
    let was_in = entry.and_then(survivor);
    // What it is held for is asked again, whatever has shown it the first time.
    let held_for = entry.and_then(LogEntry::kin).map(|kin| kin.held_for.as_slice()).unwrap_or_default();
    let ids = order.merged_ids.iter().chain(&order.parent_id).chain(&was_in).chain(held_for).copied();
    let mut ids: Vec<OrderId> = ids.filter(|id| *id != order.id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The order that holds this one's goods while it is away, or held them.
fn survivor(entry: &LogEntry) -> Option<OrderId> {
    entry.gone().and_then(|gone| gone.into).or(entry.kin().and_then(|kin| kin.was_in))
}

/// Reason for which an order is not booked by itself: its goods are in a sale already, or may be. With the orders for whose sake it is held.
#[must_use]
pub fn hold(order: &Order, entry: &LogEntry, relatives: &[Relative]) -> Option<(Warning, Vec<OrderId>)> {
    let none = Kin::default();
    let own = entry.kin().unwrap_or(&none);
    let mut why: Option<(Reason, Vec<&Relative>)> = None;
    for relative in relatives.iter().filter(|relative| relative.id != order.id && !own.accepted.contains(&relative.id)) {
        let Some(reason) = conflict(order, own, relative) else { continue };
        match &mut why {
            Some((known, found)) if *known == reason => found.push(relative),
            Some(_) => {}
            None => why = Some((reason, vec![relative])),
        }
    }
    let (reason, found) = why?;
    let place = |relative: &Relative| match &relative.live {
        Some(sale) => format!("order {} ({}) in sale {sale}", relative.number, relative.id),
        None => format!("order {} ({}), which is not booked yet", relative.number, relative.id),
    };
    let places: Vec<String> = found.iter().map(|relative| place(relative)).collect();
    Some((Warning::new(reason, &format!("See {}.", places.join("; "))), found.iter().map(|relative| relative.id).collect()))
}

fn conflict(order: &Order, own: &Kin, relative: &Relative) -> Option<Reason> {
    let live = relative.live.is_some();
    let child = relative.kin.parent == Some(order.id);
    if order.merged_ids.contains(&relative.id) {
        // The list of a split names its children, which hold their own part.
        return (live && !child).then_some(Reason::MergedAfterBooking);
    }
    if order.parent_id == Some(relative.id) {
        // As long as the parent's revision does not name the child, it holds the child's goods itself.
        let names_us = if live { relative.kin.booked.contains(&order.id) } else { relative.kin.named.contains(&order.id) };
        return ((live || relative.open) && !names_us).then_some(Reason::SplitAfterBooking);
    }
    if own.was_in == Some(relative.id) {
        return (live && (relative.orphan || relative.kin.booked.contains(&order.id))).then_some(Reason::MergedAfterBooking);
    }
    let siblings = child || (order.parent_id.is_some() && order.parent_id == relative.kin.parent);
    (relative.alike && !siblings && (live || (relative.open && !relative.held && relative.first))).then_some(Reason::PossibleDuplicate)
}

impl LogEntry {
    /// Relations of the order to others, where there are any.
    #[must_use]
    pub fn kin(&self) -> Option<&Kin> {
        self.kin.as_deref()
    }

    /// Since when the order is gone from ShipStation, as far as the log knows.
    #[must_use]
    pub fn gone(&self) -> Option<Gone> {
        if let Some(gone) = self.kin().and_then(|kin| kin.gone) {
            return Some(gone);
        }
        // Entries of earlier releases say so in words alone.
        let merged = (self.state == LogState::Withdrawn && self.reason == Some(Reason::MergedAway))
            || self.warnings.iter().any(|warning| warning.reason == Reason::MergedAfterBooking);
        let told = self.timeline.iter().rev().find_map(|event| {
            let into = event.what.strip_prefix("combined into order ")?.split(' ').next()?;
            Some(Gone { at: event.at, into: into.parse().ok() })
        });
        told.filter(|_| merged)
    }

    /// Changes what is known of the order's kin.
    pub fn change_kin(&mut self, change: impl FnOnce(&mut Kin)) {
        let mut kin = self.kin.take().map(|kin| *kin).unwrap_or_default();
        change(&mut kin);
        self.kin = (kin != Kin::default()).then(|| Box::new(kin));
    }

    /// Takes over what the newest revision says of the order's kin.
    pub fn record_kin(&mut self, order: &Order) {
        if self.kin.is_some() || !order.merged_ids.is_empty() || order.parent_id.is_some() {
            self.change_kin(|kin| {
                kin.named.clone_from(&order.merged_ids);
                kin.parent = order.parent_id;
            });
        }
    }

    /// Notes that the order exists in ShipStation: where it was away, it is as new.
    pub fn is_back(&mut self) {
        if let Some(gone) = self.gone() {
            self.warnings.retain(|warning| warning.reason != Reason::MergedAfterBooking);
            self.change_kin(|kin| {
                kin.gone = None;
                kin.was_in = gone.into.or(kin.was_in);
            });
        }
    }

    /// Notes that ShipStation has shown this state of the order: read after it was away, it is back.
    pub fn is_here(&mut self, key: &RevisionKey) {
        if self.gone().is_some_and(|gone| key.read_at.is_some_and(|read_at| read_at > gone.at)) {
            self.is_back();
        }
    }

    /// Notes that a sale holds what the newest revision says.
    pub fn booked_kin(&mut self) {
        if self.kin.is_some() {
            self.change_kin(|kin| {
                kin.booked.clone_from(&kin.named);
                kin.held_for.clear();
            });
        }
    }

    /// Holds the order for a person. Answers whether that is news.
    pub fn hold(&mut self, why: Warning, held_for: Vec<OrderId>, at: Timestamp, by: &str) -> bool {
        let again = self.kin().is_some_and(|kin| kin.held_for == held_for);
        self.change_kin(|kin| kin.held_for = held_for);
        self.exclude(LogState::Blocked, why, at, by) || !again
    }

    /// True if the order is held for a person, who may have it booked all the same.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.state == LogState::Blocked && self.reason.is_some_and(Reason::is_of_lineage)
    }

    /// Lets a held order be booked beside those for whose sake it was held. Answers whether it was held.
    pub fn book_anyway(&mut self, at: Timestamp, by: &str) -> bool {
        if !self.is_held() {
            return false;
        }
        let reason = self.reason.map_or("", Reason::code);
        self.add_event(at, format!("to be booked all the same ({reason})"), by);
        self.change_kin(|kin| {
            let held_for = std::mem::take(&mut kin.held_for);
            kin.accepted.extend(held_for);
            kin.accepted.sort_unstable();
            kin.accepted.dedup();
        });
        self.state = LogState::Pending;
        self.reason = None;
        self.message = None;
        true
    }
}
