//! What a revision means: `classify(revision, settings, log entry) → Decision`.

use serde::{Deserialize, Serialize};

use super::{LogEntry, LogState, Outcome};
use crate::calendar::Calendar;
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
    /// An order that has no sale was cancelled.
    Withdraw,
    /// A newer revision of an order that has a sale: keep it and note the change; the sale stays (S108).
    NoteChange(Reason),
    /// It says what is known, at a later time: write the time down, or a revision from in between that arrives late would be taken for news.
    Touch,
    /// Leave it out and remember it with its reason, so that it is captured when the reason goes away.
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
            Self::Touch => Outcome::Unchanged,
            Self::Remember(Reason::AwaitingPayment | Reason::OnHold | Reason::NotShipped | Reason::UnknownStatus) => Outcome::Waiting,
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
            Self::Touch => Some(Reason::AlreadyCaptured),
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
    let newer = known.is_none_or(|known| revision.supersedes(known));
    let same = known.is_some_and(|known| revision.says(known.digest));
    let stale = if same { Reason::AlreadyCaptured } else { Reason::OlderRevision };
    let cancelled = order.status == OrderStatus::Cancelled;
    let later = known.is_some_and(|known| same && revision.key.modified_at > known.modified_at);
    match entry.state {
        LogState::Booked | LogState::Consolidating | LogState::Voided | LogState::Withdrawn if later => Decision::Touch,
        LogState::Pending | LogState::Blocked if later => Decision::Replace,
        LogState::Booked | LogState::Consolidating | LogState::Voided if newer => {
            Decision::NoteChange(if cancelled { Reason::CancelledAfterBooking } else { Reason::ChangedAfterBooking })
        }
        _ if newer && cancelled => Decision::Withdraw,
        LogState::Pending | LogState::Blocked if newer => Decision::Replace,
        LogState::Skipped | LogState::Failed | LogState::Withdrawn if newer => known_without_sale(order, settings, trigger),
        LogState::Pending | LogState::Blocked if same => Decision::Nothing(Outcome::Unchanged, entry.reason.or(Some(stale))),
        // What made it skipped may have gone away. Finishing the tax mapping captures exactly what was skipped for it (S71).
        LogState::Skipped if same && entry.reason == Some(Reason::TaxMappingUnfinished) => {
            if settings.tax_mapping_finished() {
                Decision::Replace
            } else {
                Decision::Nothing(Outcome::Skipped, entry.reason)
            }
        }
        LogState::Skipped if same => match known_without_sale(order, settings, trigger) {
            Decision::Replace => Decision::Replace,
            other => Decision::Nothing(other.outcome(), other.reason()),
        },
        // An error survives re-reading the same (N20), but a person who loads the order again may have mended the settings.
        LogState::Failed if same && trigger == Trigger::Manual && first_sight(order, settings, trigger) == Decision::Capture => {
            Decision::Replace
        }
        LogState::Failed if same => Decision::Nothing(Outcome::Failed, entry.reason),
        LogState::Withdrawn if cancelled => Decision::Nothing(Outcome::Cancelled, Some(Reason::Withdrawn)),
        _ => Decision::Nothing(Outcome::Unchanged, Some(stale)),
    }
}

/// A newer revision of an order that the log holds without a sale: as at first sight, but written down. If the log did not know the newest
/// revision, an older one that arrives late would be taken for news.
fn known_without_sale(order: &Order, settings: &Settings, trigger: Trigger) -> Decision {
    match first_sight(order, settings, trigger) {
        Decision::Capture => Decision::Replace,
        Decision::Nothing(_, Some(reason)) => Decision::Remember(reason),
        other => other,
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
    let before = |lock| Calendar::of(settings).ordered(order).is_some_and(|date| date < lock);
    if trigger == Trigger::Schedule && settings.order_lock_date.is_some_and(before) {
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
