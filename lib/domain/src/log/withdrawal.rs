//! Withdrawal of orders that ShipStation has no more: combined into another, or deleted (N4).

use super::{Gone, LogEntry, LogState};
use crate::ids::OrderId;
use crate::order::Order;
use crate::reason::Reason;
use crate::warning::Warning;

impl LogEntry {
    /// True if ShipStation is to be asked for the order when another one names it: it may have been combined into that one. Not where the log knows that, or
    /// has withdrawn the order as cancelled.
    #[must_use]
    pub fn may_be_merged_away(&self) -> bool {
        match self.gone() {
            Some(gone) => gone.into.is_none(),
            None => self.state != LogState::Withdrawn,
        }
    }

    /// Orders that an earlier revision named as combined into it, and that the newest one names no more: they may be back.
    #[must_use]
    pub fn no_longer_named(&self, newest: &Order) -> Vec<OrderId> {
        let named = self.kin().map(|kin| kin.named.as_slice()).unwrap_or_default();
        named.iter().copied().filter(|id| !newest.merged_ids.contains(id)).collect()
    }

    /// Notes that ShipStation has no such order, as [`Gone`] says. Without a sale the order is withdrawn; with one it is a warning. Answers whether that is news.
    pub fn vanished(&mut self, gone: Gone, survivor: Option<&Order>, by: &str) -> bool {
        let detail = match (survivor, gone.into) {
            (Some(survivor), _) => format!("Combined into order {} ({}).", survivor.number, survivor.id),
            (None, Some(into)) => format!("Combined into order {into}."),
            (None, None) => String::new(),
        };
        let reason = gone.reason();
        match self.state {
            LogState::Withdrawn if self.reason == Some(Reason::DeletedInShipstation) && reason == Reason::MergedAway => {
                self.add_event(gone.at, format!("combined into order {} in ShipStation", named(&gone)), by);
            }
            state if state.is_open() => match reason {
                Reason::MergedAway => {
                    self.add_event(gone.at, format!("combined into order {} in ShipStation and withdrawn", named(&gone)), by);
                }
                _ => self.add_event(gone.at, "deleted in ShipStation and withdrawn", by),
            },
            LogState::Booked | LogState::Consolidating if reason == Reason::MergedAway => {
                self.add_warning(Warning::new(Reason::MergedAfterBooking, &detail));
                self.add_event(gone.at, format!("combined into order {} in ShipStation after booking", named(&gone)), by);
                self.change_kin(|kin| kin.gone = Some(gone));
                return true;
            }
            _ => return false,
        }
        let why = Warning::new(reason, &detail);
        self.state = LogState::Withdrawn;
        self.reason = Some(why.reason);
        self.message = Some(why.message);
        self.change_kin(|kin| {
            kin.gone = Some(gone);
            kin.held_for.clear();
        });
        true
    }
}

fn named(gone: &Gone) -> String {
    gone.into.map(|id| id.to_string()).unwrap_or_default()
}
