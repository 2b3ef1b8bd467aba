//! Transition of a log entry: what an order that arrives makes of it, decided before anything is written.

use jiff::Timestamp;

use super::after_booking::AfterBooking;
use super::lineage::{Relative, hold};
use super::{Decision, LogEntry, LogState, Outcome, Trigger, classify};
use crate::ids::{OperationId, SaleId, ShipstationAccount};
use crate::money::{Currency, Minor};
use crate::order::{OrderStatus, Revision, RevisionKey};
use crate::reason::Reason;
use crate::sale::{Booked, Sale, Unbookable};
use crate::settings::{Consolidation, Settings};
use crate::warning::Warning;

/// Facts on which the transition of an order's entry is decided.
#[derive(Clone, Copy)]
pub struct TransitionInput<'a> {
    /// The revision that arrived.
    pub revision: &'a Revision,
    /// The settings in force.
    pub settings: &'a Settings,
    /// The account that the order is of.
    pub account: ShipstationAccount,
    /// The order's entry, where it has one.
    pub entry: Option<&'a LogEntry>,
    /// Sales of an order whose entry was deleted.
    pub past_sales: &'a [SaleId],
    /// Starter of the operation that brought the order.
    pub trigger: Trigger,
    /// The operation that brought the order.
    pub operation_id: &'a OperationId,
    /// Time of the decision.
    pub now: Timestamp,
    /// A sale that the order is in although no entry says so, and that is not void.
    pub existing: Option<&'a ExistingSale>,
    /// The id of a sale that the order's next sale would have, where another sale has it.
    pub conflicting_sale: Option<&'a SaleId>,
    /// State that an order that has a sale is compared with; none where nothing was read.
    pub after: Option<&'a AfterBooking>,
    /// Facts about the orders that may hold the same goods.
    pub relatives: &'a [Relative],
    /// Books the revision as the sale with this id.
    pub book: &'a dyn Fn(&SaleId) -> Result<Booked, Unbookable>,
}

/// A sale that an order without a log entry is in, and that stands: the order is tied to it and not booked twice (P1, S150).
#[derive(Clone, Debug)]
pub enum ExistingSale {
    /// Its own.
    Own(Box<Sale>),
    /// A day's, and what the order brought to it.
    Day {
        /// The day's sale.
        id: SaleId,
        /// The revision that is in the sale.
        booked_revision: Option<RevisionKey>,
        /// The order's part of the sale's total.
        sale_total: Option<Minor>,
        /// Currency of the sale.
        currency: Currency,
    },
}

impl ExistingSale {
    /// The sale's id.
    #[must_use]
    pub fn id(&self) -> &SaleId {
        match self {
            Self::Own(sale) => &sale.id,
            Self::Day { id, .. } => id,
        }
    }
}

/// Decision on an order that arrived.
#[derive(Debug)]
pub enum Transition {
    /// There is something to write.
    Write(Box<EntryPlan>),
    /// There is nothing to write.
    Nothing {
        /// Outcome of the order in its operation.
        outcome: Outcome,
        /// Reason, where there is one.
        reason: Option<Reason>,
    },
}

/// Writes for an order.
#[derive(Debug)]
pub struct EntryPlan {
    /// The entry as it is to be written.
    pub entry: LogEntry,
    /// Key of the revision that arrived, where it is new to the log.
    pub brings_order: Option<RevisionKey>,
    /// The order's sale, where it gets one now.
    pub booked: Option<Booked>,
    /// The order's sale with a payment that came later.
    pub paid: Option<Box<Sale>>,
    /// Outcome of the order in its operation.
    pub outcome: Outcome,
    /// Reason, where there is one; else the entry's own.
    pub reason: Option<Reason>,
}

/// Decides on an order that arrived.
#[must_use]
pub fn transition(input: TransitionInput<'_>) -> Transition {
    let TransitionInput { revision, settings, .. } = input;
    let decision = in_light_of(input.existing, classify(revision, settings, input.entry, input.trigger), input.entry.is_some());
    let key = revision.key_beside(input.entry.and_then(LogEntry::newest));
    let mut entry = match (decision, input.entry) {
        (Decision::Nothing(..), known) if !known.is_some_and(|known| is_tried_again(known, &key, settings)) => {
            return Transition::Nothing { outcome: decision.outcome(), reason: decision.reason() };
        }
        (_, Some(known)) => known.clone(),
        (_, None) => LogEntry {
            past_sales: input.past_sales.to_vec(),
            ..LogEntry::new(&revision.order, input.account, settings.currency, input.now)
        },
    };
    let is_new = !matches!(decision, Decision::Nothing(..)) && input.record(&mut entry, key);
    let step = Step { input, decision, brought: is_new.then_some(key) };
    step.follow_currency(&mut entry);
    match decision {
        Decision::Withdraw(reason) => step.withdraw(entry, reason),
        Decision::RecordLaterModifyDate => {
            entry.is_here(&revision.key);
            entry.mark_unchanged(&key);
            step.write(entry)
        }
        Decision::Remember(reason) => step.remember(entry, reason),
        Decision::NoteChange(reason) => step.note_change(entry, reason),
        Decision::Capture | Decision::Replace => {
            entry.is_back();
            step.capture(entry)
        }
        Decision::Nothing(..) => step.capture(entry),
    }
}

/// The decision on an order that may be in a live sale without an entry that says so: it is tied to the sale also where its present state would not be captured.
fn in_light_of(existing: Option<&ExistingSale>, decision: Decision, in_log: bool) -> Decision {
    let not_captured = matches!(
        decision,
        Decision::Nothing(Outcome::Skipped | Outcome::Waiting | Outcome::Cancelled, _) | Decision::Remember(_) | Decision::Withdraw(_)
    );
    match existing {
        Some(_) if not_captured && in_log => Decision::Replace,
        Some(_) if not_captured => Decision::Capture,
        _ => decision,
    }
}

/// True if an order that arrives as the log knows it is tried again: a redelivery, or a person asked to process it. What blocked it may be gone.
fn is_tried_again(known: &LogEntry, key: &RevisionKey, settings: &Settings) -> bool {
    let same = known.newest().is_some_and(|newest| newest.digest == key.digest);
    settings.consolidation == Consolidation::None && same && known.state.may_be_booked()
}

impl TransitionInput<'_> {
    /// Records what the revision says in the entry. Answers whether the revision is new to it.
    fn record(&self, entry: &mut LogEntry, key: RevisionKey) -> bool {
        let order = &self.revision.order;
        let is_new = entry.newest().is_none_or(|newest| key.digest != newest.digest || key.modified_at > newest.modified_at);
        if is_new {
            entry.record_revision(key, Some(self.operation_id.clone()));
            entry.order_number.clone_from(&order.number);
            entry.store_id = order.store_id;
        }
        entry.record_kin(order);
        is_new
    }
}

/// A decision that is being carried out on an entry.
struct Step<'a> {
    input: TransitionInput<'a>,
    decision: Decision,
    /// Key of the revision, where it is new to the log.
    brought: Option<RevisionKey>,
}

impl Step<'_> {
    fn by(&self) -> &str {
        self.input.operation_id.as_str()
    }

    fn plan(&self, entry: LogEntry) -> EntryPlan {
        let (outcome, reason) = (self.decision.outcome(), self.decision.reason());
        EntryPlan { entry, brings_order: self.brought, booked: None, paid: None, outcome, reason }
    }

    fn write(&self, entry: LogEntry) -> Transition {
        Transition::Write(Box::new(self.plan(entry)))
    }

    fn nothing(&self) -> Transition {
        Transition::Nothing { outcome: self.decision.outcome(), reason: self.decision.reason() }
    }

    /// While there is no sale, the entry's amounts follow the settings' currency; then they are in the sale's.
    fn follow_currency(&self, entry: &mut LogEntry) {
        if entry.sale_id.is_none() {
            entry.currency = self.input.settings.currency;
        }
        if self.brought.is_some() || entry.sale_id.is_none() {
            entry.order_total = entry.currency.minor(self.input.revision.order.total).ok();
        }
    }

    fn withdraw(&self, mut entry: LogEntry, reason: Reason) -> Transition {
        let cancelled = reason == Reason::Withdrawn;
        let what = if cancelled { "cancelled in ShipStation and withdrawn" } else { "gone from ShipStation and withdrawn" };
        if cancelled {
            entry.is_back();
        }
        entry.set_state(LogState::Withdrawn, Some(Warning::new(reason, "")));
        entry.add_event(self.input.now, what, self.by());
        self.write(entry)
    }

    fn remember(&self, mut entry: LogEntry, reason: Reason) -> Transition {
        let again = entry.state == LogState::Skipped && entry.reason == Some(reason) && self.input.entry.is_some();
        entry.is_back();
        entry.set_state(LogState::Skipped, Some(Warning::new(reason, "")));
        if !again {
            entry.add_event(self.input.now, format!("skipped: {reason}"), self.by());
        }
        self.write(entry)
    }

    fn note_change(&self, mut entry: LogEntry, reason: Reason) -> Transition {
        entry.is_here(&self.input.revision.key);
        let Some(after) = self.input.after else {
            entry.add_warning(Warning::new(reason, ""));
            return self.write(entry);
        };
        let TransitionInput { revision, settings, now, .. } = self.input;
        Transition::Write(Box::new(after.plan(entry, &revision.order, self.brought, settings, now, self.by())))
    }

    /// The order is taken into the log, and becomes a sale where orders become sales one by one and nothing is in the way.
    fn capture(&self, mut entry: LogEntry) -> Transition {
        let input = &self.input;
        let first_capture = entry.captured_by.is_none();
        if first_capture && !matches!(self.decision, Decision::Nothing(..)) {
            entry.captured_by = Some(input.operation_id.clone());
        }
        if let Some(existing) = input.existing {
            return self.tie(entry, existing);
        }
        if let Some((why, held_for)) = hold(&input.revision.order, &entry, input.relatives) {
            let reason = Some(why.reason);
            return if entry.hold(why, held_for, input.now, self.by()) || self.brought.is_some() {
                Transition::Write(Box::new(EntryPlan { reason, ..self.plan(entry) }))
            } else {
                self.nothing()
            };
        }
        if input.settings.consolidation != Consolidation::None {
            entry.set_state(LogState::Pending, None);
            entry.add_event(input.now, if first_capture { "captured" } else { "replaced by a newer revision" }, self.by());
            return self.write(entry);
        }
        self.book(entry)
    }

    /// Ties the order to the sale that it is in already.
    fn tie(&self, mut entry: LogEntry, existing: &ExistingSale) -> Transition {
        let TransitionInput { revision, now, .. } = self.input;
        match existing {
            ExistingSale::Own(sale) => {
                self.booked_as(&mut entry, sale);
                // The kin that the sale was booked with are not known any more.
                entry.change_kin(|kin| kin.booked.clear());
            }
            ExistingSale::Day { id, booked_revision, sale_total, currency } => {
                entry.set_state(LogState::Booked, None);
                entry.sale_id = Some(id.clone());
                entry.booked = *booked_revision;
                (entry.sale_total, entry.currency) = (*sale_total, *currency);
                entry.order_total = currency.minor(revision.order.total).ok();
                entry.add_event(now, format!("captured; it is in {id} already"), self.by());
            }
        }
        let id = existing.id();
        entry.past_sales.retain(|past| past != id);
        match self.input.after {
            Some(after) => after.compare_tied(&mut entry, &revision.order, now, self.by()),
            // The booked revision is not known, but nothing that is cancelled was booked.
            None if revision.order.status == OrderStatus::Cancelled => {
                entry.hold_against_booked(None, &revision.order.status, now, self.by());
            }
            None => {}
        }
        entry.add_warning(Warning::new(Reason::SaleAlreadyLive, &format!("Sale {id}.")));
        entry.reason = Some(Reason::SaleAlreadyLive);
        entry.message = Some(Reason::SaleAlreadyLive.advice().to_owned());
        self.write(entry)
    }

    fn book(&self, mut entry: LogEntry) -> Transition {
        let input = &self.input;
        // A void sale that the entry still names makes way.
        entry.detach_sale();
        entry.past_sales.extend(input.conflicting_sale.filter(|id| !entry.past_sales.contains(id)).cloned());
        match (input.book)(&entry.next_sale_id()) {
            Ok(booked) => {
                self.booked_as(&mut entry, &booked.sale);
                Transition::Write(Box::new(EntryPlan { booked: Some(booked), ..self.plan(entry) }))
            }
            Err(unbookable) => self.set_aside(entry, unbookable),
        }
    }

    /// The order cannot be booked: it stays in the log and says why.
    fn set_aside(&self, mut entry: LogEntry, unbookable: Unbookable) -> Transition {
        let (state, why) = LogState::of_unbookable(unbookable);
        let unchanged = self.brought.is_none()
            && entry.state == state
            && entry.reason == Some(why.reason)
            && entry.message.as_deref() == Some(why.message.as_str());
        if unchanged {
            return self.nothing();
        }
        let reason = why.reason;
        entry.add_event(self.input.now, format!("{}: {reason}", state.as_str()), self.by());
        entry.set_state(state, Some(why));
        let outcome = if state == LogState::Failed { Outcome::Failed } else { self.decision.outcome() };
        Transition::Write(Box::new(EntryPlan { outcome, reason: Some(reason), ..self.plan(entry) }))
    }

    fn booked_as(&self, entry: &mut LogEntry, sale: &Sale) {
        entry.set_state(LogState::Booked, None);
        entry.sale_id = Some(sale.id.clone());
        // A sale that is there already was made from a revision of its own.
        if let Some(key) = sale.booked_revision.or_else(|| entry.newest().copied()) {
            entry.booked_as(key);
        }
        entry.sale_total = Some(sale.total);
        entry.currency = sale.currency;
        entry.order_total = sale.currency.minor(self.input.revision.order.total).ok();
        entry.warnings.clone_from(&sale.warnings);
        entry.booked_kin();
        entry.add_event(self.input.now, format!("captured and booked as {}", sale.id), self.by());
    }
}

impl LogState {
    /// State of an order that cannot be booked, and the warning that says why.
    #[must_use]
    pub fn of_unbookable(unbookable: Unbookable) -> (Self, Warning) {
        match unbookable {
            Unbookable::Blocked(why) => (Self::Blocked, why),
            Unbookable::Failed(why) => (Self::Failed, why),
        }
    }
}
