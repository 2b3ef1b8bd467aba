//! The log: one entry for each captured order, and what a revision means in its light.

mod after_booking;
mod attention;
mod booked;
mod classify;
mod lineage;
mod not_storable;
mod retry;
mod stage;
mod transition;
mod withdrawal;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::consolidation::{RunRecord, RunStep};
use crate::ids::{OperationId, OrderId, SaleId, ShipstationAccount, StoreId};
use crate::money::{Currency, Minor};
use crate::order::{Order, RevisionKey};
use crate::reason::Reason;
use crate::sale::Sale;
use crate::warning::Warning;

pub use after_booking::AfterBooking;
pub use classify::{Decision, Trigger, classify};
pub use lineage::{Gone, Kin, Relative, hold, relatives};
pub use not_storable::not_storable;
pub use retry::{is_held_back, states_tried_again};
pub use transition::{EntryPlan, ExistingSale, Transition, TransitionInput, transition};

/// Outcome of an order in one operation: exactly one of these (P2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Taken into the log.
    Captured,
    /// A newer revision of an order in the log.
    Updated,
    /// In the log as it is.
    Unchanged,
    /// Left out by a rule of the settings.
    Skipped,
    /// Not at the stage of capture yet.
    Waiting,
    /// Cancelled.
    Cancelled,
    /// A refund of an order in the log.
    Refunded,
    /// Could not be read or booked.
    Failed,
}

impl Outcome {
    /// Every outcome, in the contract's order.
    pub const ALL: [Self; 8] =
        [Self::Captured, Self::Updated, Self::Unchanged, Self::Skipped, Self::Waiting, Self::Cancelled, Self::Refunded, Self::Failed];
}

/// State of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogState {
    /// Captured, not a sale yet.
    Pending,
    /// Pending, and something is missing here.
    Blocked,
    /// Being gathered into a day's sale.
    Consolidating,
    /// A sale.
    Booked,
    /// Its sale was voided.
    Voided,
    /// Cancelled or merged away while pending.
    Withdrawn,
    /// Left out, and remembered.
    Skipped,
    /// Could not be booked as it is.
    Failed,
}

impl LogState {
    /// Every state.
    pub const ALL: [Self; 8] =
        [Self::Pending, Self::Blocked, Self::Consolidating, Self::Booked, Self::Voided, Self::Withdrawn, Self::Skipped, Self::Failed];

    /// The API's and the table's text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Blocked => "blocked",
            Self::Consolidating => "consolidating",
            Self::Booked => "booked",
            Self::Voided => "voided",
            Self::Withdrawn => "withdrawn",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }

    /// Reads the text of [`Self::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// The states of orders that may become part of a day: what was in the way of a blocked or failed one may be gone.
    pub const OF_A_DAY: [Self; 3] = [Self::Pending, Self::Blocked, Self::Failed];

    /// True if the order is taken into the log, is not a sale, and may become one as it is.
    #[must_use]
    pub fn may_be_booked(self) -> bool {
        matches!(self, Self::Pending | Self::Blocked | Self::Failed)
    }

    /// True if the order has a sale, or had one that is void: it is not booked again.
    #[must_use]
    pub fn has_been_booked(self) -> bool {
        matches!(self, Self::Booked | Self::Consolidating | Self::Voided)
    }

    /// True if the order is held here without a sale and may become one by itself.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Blocked | Self::Skipped | Self::Failed)
    }
}

/// A revision that the log has seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenRevision {
    /// Key of the revision.
    #[serde(flatten)]
    pub key: RevisionKey,
    /// The operation that brought it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<OperationId>,
    /// It says nothing new for the books: what is known already, or what nothing that was booked depends on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchanged: bool,
}

/// One thing that happened to an order (N23).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEvent {
    /// Time of the event.
    pub at: Timestamp,
    /// The event in a few words.
    pub what: String,
    /// Its author: an operation's id, a person, or `system`.
    pub by: String,
}

/// The permanent record of one captured order. It is the key against duplicates (S145–S148).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// The account that the order is of.
    #[serde(default, skip_serializing_if = "ShipstationAccount::is_first")]
    pub account: ShipstationAccount,
    /// ShipStation's id: the key.
    pub order_id: OrderId,
    /// The buyer's number.
    pub order_number: String,
    /// The selling channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_id: Option<StoreId>,
    /// State of the order.
    pub state: LogState,
    /// Reason, unless it is plainly booked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The sentence for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Its sale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale_id: Option<SaleId>,
    /// Sales that it had before, each of them void or another account's, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub past_sales: Vec<SaleId>,
    /// The revision that is in its sale, or in a day's, where it is not the only one that was seen. [`LogEntry::booked_revision`] tells it in any case.
    #[serde(rename = "booked_revision", alias = "gathered", default, skip_serializing_if = "Option::is_none")]
    pub booked: Option<RevisionKey>,
    /// Revisions seen, the newest last. At least one; at most [`LogEntry::KEPT`] of them.
    pub revisions: Vec<SeenRevision>,
    /// ShipStation's total of the newest revision, where it fits the currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_total: Option<Minor>,
    /// The sale's total.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale_total: Option<Minor>,
    /// The currency of both.
    pub currency: Currency,
    /// Warnings for a person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// Events, the oldest first; at most [`LogEntry::KEPT`], the first always among them.
    #[serde(default)]
    pub timeline: Vec<TimelineEvent>,
    /// Time at which the order was captured.
    pub captured_at: Timestamp,
    /// The operation that captured it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured_by: Option<OperationId>,
    /// Relations to other orders, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kin: Option<Box<Kin>>,
}

impl LogEntry {
    /// Number of revisions and events that an entry keeps: an order edited every minute must not outgrow its item.
    pub const KEPT: usize = 40;

    /// The entry of an order that the log has not seen: pending, without a revision.
    #[must_use]
    pub fn new(order: &Order, account: ShipstationAccount, currency: Currency, now: Timestamp) -> Self {
        Self {
            account,
            order_id: order.id,
            order_number: order.number.clone(),
            store_id: order.store_id,
            state: LogState::Pending,
            reason: None,
            message: None,
            sale_id: None,
            past_sales: Vec::new(),
            booked: None,
            revisions: Vec::new(),
            order_total: None,
            sale_total: None,
            currency,
            warnings: Vec::new(),
            timeline: Vec::new(),
            captured_at: now,
            captured_by: None,
            kin: None,
        }
    }

    /// Puts the order into a state, with the reason for it.
    pub(crate) fn set_state(&mut self, state: LogState, why: Option<Warning>) {
        self.state = state;
        self.reason = why.as_ref().map(|warning| warning.reason);
        self.message = why.map(|warning| warning.message);
    }

    /// The newest revision's key.
    #[must_use]
    pub fn newest(&self) -> Option<&RevisionKey> {
        self.revisions.iter().map(|seen| &seen.key).max()
    }

    /// The latest sale of this order alone, live or void. The ids of all its sales up to this one are given out.
    #[must_use]
    pub fn last_own_sale(&self) -> Option<&SaleId> {
        self.past_sales
            .iter()
            .chain(&self.sale_id)
            .filter(|id| id.order().is_some())
            .max_by_key(|id| id.order().map(|(_, attempt)| attempt))
    }

    /// The id of the next sale that the order becomes. The write of the sale checks that the id is free.
    #[must_use]
    pub fn next_sale_id(&self) -> SaleId {
        let last = self.last_own_sale().and_then(SaleId::order);
        SaleId::of(self.account, self.order_id, last.map_or(1, |(_, attempt)| attempt.saturating_add(1)))
    }

    /// Lets go of a sale that is void, so that the order may become another.
    pub fn detach_sale(&mut self) {
        if let Some(id) = self.sale_id.take() {
            self.past_sales.push(id);
        }
        self.sale_total = None;
        self.booked = None;
    }

    /// Notes that a person voided the order's sale (S152).
    pub fn sale_voided(&mut self, at: Timestamp, by: &str) {
        let sale = self.sale_id.as_ref().map(ToString::to_string).unwrap_or_default();
        self.state = LogState::Voided;
        self.reason = Some(Reason::SaleVoided);
        self.message = Some(Reason::SaleVoided.advice().to_owned());
        self.add_event(at, format!("sale {sale} voided"), by);
    }

    /// Lets go of a voided sale and waits to be booked anew.
    pub fn recreate(&mut self, at: Timestamp, by: &str) {
        let sale = self.sale_id.as_ref().map(ToString::to_string).unwrap_or_default();
        self.detach_sale();
        self.state = LogState::Pending;
        self.reason = Some(Reason::ToBeRecreated);
        self.message = Some(Reason::ToBeRecreated.advice().to_owned());
        // Warnings stay until the order is booked anew: it may be withdrawn instead, and then they are all that tells why.
        self.change_kin(|kin| kin.booked.clear());
        self.add_event(at, format!("sale {sale} voided to be made anew"), by);
    }

    /// Puts the order into a day's sale, as its revision `key` says. What was in the way is gone.
    pub fn add_to_day(&mut self, day: &SaleId, key: RevisionKey, sale: &Sale, at: Timestamp, by: &str) {
        self.state = LogState::Consolidating;
        self.sale_id = Some(day.clone());
        self.booked_as(key);
        self.sale_total = Some(sale.total);
        self.currency = sale.currency;
        self.reason = None;
        self.message = None;
        self.booked_kin();
        // Those of an earlier sale are answered by this one.
        self.warnings.clone_from(&sale.warnings);
        self.add_event(at, format!("taken into {day}"), by);
    }

    /// Takes the order out of a day's sale that is not done yet: it cannot be booked any more.
    pub fn remove_from_day(&mut self, state: LogState, why: Warning, at: Timestamp, by: &str) {
        self.sale_id = None;
        self.booked = None;
        self.sale_total = None;
        self.exclude(state, why, at, by);
    }

    /// Notes why the order is not in a day's sale. Answers whether that is news.
    pub fn exclude(&mut self, state: LogState, why: Warning, at: Timestamp, by: &str) -> bool {
        if self.state == state && self.reason == Some(why.reason) && self.message.as_deref() == Some(why.message.as_str()) {
            return false;
        }
        self.add_event(at, format!("{}: {}", state.as_str(), why.reason), by);
        self.state = state;
        self.reason = Some(why.reason);
        self.message = Some(why.message);
        true
    }

    /// The day whose sale the order is in.
    #[must_use]
    pub fn day(&self) -> Option<Date> {
        self.sale_id.as_ref().and_then(SaleId::day)
    }

    /// Takes over the state of the run: the place of an order of a day's sale follows from the marker of the day's run. The one write that ends the run, or voids the sale, says it for all of the day's
    /// orders at once: their entries are not written again.
    pub fn apply_run_state(&mut self, run: &RunRecord) {
        let follows = matches!(self.state, LogState::Consolidating | LogState::Booked | LogState::Voided);
        if !follows || self.day() != Some(run.local_date) {
            return;
        }
        self.state = match (run.step, run.voided_at) {
            (RunStep::Done, Some(_)) => {
                self.reason = Some(Reason::SaleVoided);
                self.message = Some(Reason::SaleVoided.advice().to_owned());
                LogState::Voided
            }
            (RunStep::Done, None) => LogState::Booked,
            _ => LogState::Consolidating,
        };
    }

    /// Takes over the warnings of the order's sale; those that only the entry has stay.
    pub fn take_warnings_of(&mut self, sale: &Sale) {
        let of_fulfilment = |reason| matches!(reason, Reason::StockShort | Reason::ComponentsShort | Reason::AssemblyKept);
        self.warnings.retain(|warning| !of_fulfilment(warning.reason));
        for warning in sale.warnings.iter().filter(|warning| of_fulfilment(warning.reason)) {
            self.add_warning(warning.clone());
        }
    }

    /// Adds an event to the timeline.
    pub fn add_event(&mut self, at: Timestamp, what: impl Into<String>, by: impl Into<String>) {
        if self.timeline.len() >= Self::KEPT {
            self.timeline.remove(1);
        }
        self.timeline.push(TimelineEvent { at, what: what.into(), by: by.into() });
    }

    /// Adds a revision, unless it is there already.
    pub fn record_revision(&mut self, key: RevisionKey, operation_id: Option<OperationId>) {
        if self.revisions.iter().any(|seen| seen.key == key) {
            return;
        }
        self.pin_booked();
        if self.revisions.len() >= Self::KEPT {
            self.revisions.remove(0);
        }
        self.revisions.push(SeenRevision { key, operation_id, unchanged: false });
        self.revisions.sort_by_key(|seen| seen.key);
    }

    /// Adds a warning, replacing an earlier one with the same reason.
    pub fn add_warning(&mut self, warning: Warning) {
        self.warnings.retain(|known| known.reason != warning.reason);
        self.warnings.push(warning);
    }
}
