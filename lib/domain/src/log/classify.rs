//! What a revision means: `classify(revision, settings, log entry) → Decision`.

use serde::{Deserialize, Serialize};

use super::{LogEntry, LogState, Outcome};
use crate::order::{Order, OrderStatus, Revision};
use crate::reason::Reason;
use crate::settings::{CaptureOrderWhen, Settings};

/// What started a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The clock.
    Schedule,
    /// A person.
    Manual,
}

/// What is to be done with a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Take it into the log, and book it where orders are booked one by one.
    Capture,
    /// A newer revision of an order that has no sale yet: replace it, and book it where orders are booked one by one.
    Replace,
    /// A pending order was cancelled.
    Withdraw,
    /// A newer revision of an order that has a sale: keep it and note the change; the sale stays (S108).
    NoteChange(Reason),
    /// Leave it out and remember it, so that it is captured when the reason goes away.
    Remember(Reason),
    /// Nothing to write.
    Nothing(Outcome, Option<Reason>),
}

impl Decision {
    /// What the decision, carried out, counts as in its operation.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Capture => Outcome::Captured,
            Self::Replace | Self::NoteChange(_) => Outcome::Updated,
            Self::Withdraw => Outcome::Cancelled,
            Self::Remember(_) => Outcome::Skipped,
            Self::Nothing(outcome, _) => *outcome,
        }
    }

    /// Why, where there is something to say.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Capture | Self::Replace => None,
            Self::Withdraw => Some(Reason::Withdrawn),
            Self::NoteChange(reason) | Self::Remember(reason) => Some(*reason),
            Self::Nothing(_, reason) => *reason,
        }
    }
}

/// Decides what a revision means in the light of the settings and of what the log knows of its order.
#[must_use]
pub fn classify(revision: &Revision, settings: &Settings, log: Option<&LogEntry>, trigger: Trigger) -> Decision {
    let order = &revision.order;
    let Some(entry) = log else { return first_sight(order, settings, trigger) };
    let known = entry.newest();
    let newer = known.is_none_or(|known| revision.key.supersedes(known));
    let same = known.is_some_and(|known| known.digest == revision.key.digest);
    let stale = if same { Reason::AlreadyCaptured } else { Reason::OlderRevision };
    let cancelled = order.status == OrderStatus::Cancelled;
    match entry.state {
        LogState::Pending | LogState::Blocked if newer && cancelled => Decision::Withdraw,
        LogState::Pending | LogState::Blocked if newer => Decision::Replace,
        LogState::Pending | LogState::Blocked => Decision::Nothing(Outcome::Unchanged, Some(entry.reason.filter(|_| same).unwrap_or(stale))),
        LogState::Skipped | LogState::Failed if newer && cancelled => Decision::Withdraw,
        LogState::Skipped | LogState::Failed if newer => match first_sight(order, settings, trigger) {
            Decision::Capture => Decision::Replace,
            other => other,
        },
        // What made it skipped may have gone away.
        LogState::Skipped if same && settings.tax_mapping_finished() => Decision::Replace,
        LogState::Skipped if same => Decision::Nothing(Outcome::Skipped, entry.reason),
        // An error survives re-reading the same (N20).
        LogState::Failed if same => Decision::Nothing(Outcome::Failed, entry.reason),
        LogState::Skipped | LogState::Failed => Decision::Nothing(Outcome::Unchanged, Some(stale)),
        LogState::Withdrawn if cancelled => Decision::Nothing(Outcome::Cancelled, Some(Reason::Withdrawn)),
        LogState::Withdrawn if newer => match first_sight(order, settings, trigger) {
            Decision::Capture => Decision::Replace,
            other => other,
        },
        LogState::Withdrawn => Decision::Nothing(Outcome::Unchanged, Some(stale)),
        LogState::Booked | LogState::Consolidating | LogState::Voided if newer => {
            Decision::NoteChange(if cancelled { Reason::CancelledAfterBooking } else { Reason::ChangedAfterBooking })
        }
        LogState::Booked | LogState::Consolidating | LogState::Voided => Decision::Nothing(Outcome::Unchanged, Some(stale)),
    }
}

/// An order that the log does not hold.
fn first_sight(order: &Order, settings: &Settings, trigger: Trigger) -> Decision {
    if order.status == OrderStatus::Cancelled {
        return Decision::Nothing(Outcome::Cancelled, Some(Reason::CancelledInShipstation));
    }
    let skipped = |reason| Decision::Nothing(Outcome::Skipped, Some(reason));
    if order.store_id.is_some_and(|store| settings.exclude_stores.contains(&store)) {
        return skipped(Reason::ExcludedStore);
    }
    if order.tag_ids.iter().any(|tag| settings.exclude_tags.contains(tag)) {
        return skipped(Reason::ExcludedTag);
    }
    let dated = order.ordered_at.or(order.created_at.map(|time| time.0)).map(|time| time.date());
    if trigger == Trigger::Schedule && settings.order_lock_date.is_some_and(|lock| dated.is_some_and(|date| date < lock)) {
        return skipped(Reason::BeforeLockDate);
    }
    if let Some(reason) = not_there_yet(order, settings.capture_order_when) {
        return Decision::Nothing(Outcome::Waiting, Some(reason));
    }
    if !settings.tax_mapping_finished() {
        return Decision::Remember(Reason::TaxMappingUnfinished);
    }
    Decision::Capture
}

/// Why the order is not at the stage of capture yet (S17–S20; behaviour, section 5).
fn not_there_yet(order: &Order, when: CaptureOrderWhen) -> Option<Reason> {
    match (&order.status, when) {
        (OrderStatus::Unknown(_), _) => Some(Reason::UnknownStatus),
        (OrderStatus::Cancelled, _) => Some(Reason::CancelledInShipstation),
        (_, CaptureOrderWhen::Created) | (OrderStatus::Shipped, _) => None,
        (OrderStatus::AwaitingPayment, _) => Some(Reason::AwaitingPayment),
        (_, CaptureOrderWhen::Shipped) => Some(Reason::NotShipped),
        (OrderStatus::OnHold, CaptureOrderWhen::Paid) => order.paid_at.is_none().then_some(Reason::OnHold),
        (OrderStatus::OnHold, CaptureOrderWhen::NotOnHold) => Some(Reason::OnHold),
        (_, CaptureOrderWhen::Paid | CaptureOrderWhen::NotOnHold) => None,
    }
}
