//! Meaning of a revision: `classify(revision, settings, log entry) → Decision`.

use serde::{Deserialize, Serialize};

use super::stage::{Standing, standing};
use super::{LogEntry, LogState, Outcome};
use crate::order::{OrderStatus, Revision};
use crate::reason::Reason;
use crate::settings::Settings;

/// Starter of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The clock.
    Schedule,
    /// A person.
    Manual,
}

/// Task that a revision sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Take it into the log, and book it where orders are booked one by one.
    Capture,
    /// A newer revision of an order that has no sale yet: replace it, and book it where orders are booked one by one.
    Replace,
    /// An order that has no sale was cancelled, or is gone from ShipStation.
    Withdraw(Reason),
    /// A newer revision of an order that has a sale: keep it and note the change; the sale stays (S108).
    NoteChange(Reason),
    /// It says what is known, at a later time: write the time down, or a revision from in between that arrives late would be taken for news.
    RecordLaterModifyDate,
    /// Leave it out and remember it with its reason, so that it is captured when the reason goes away.
    Remember(Reason),
    /// Nothing to write.
    Nothing(Outcome, Option<Reason>),
}

impl Decision {
    /// Outcome that the decision, carried out, counts as in its operation.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Capture => Outcome::Captured,
            Self::Replace | Self::NoteChange(_) => Outcome::Updated,
            Self::Withdraw(_) => Outcome::Cancelled,
            Self::RecordLaterModifyDate => Outcome::Unchanged,
            Self::Remember(reason) if reason.is_waiting() => Outcome::Waiting,
            Self::Remember(_) => Outcome::Skipped,
            Self::Nothing(outcome, _) => *outcome,
        }
    }

    /// Reason, where there is something to say.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Capture | Self::Replace => None,
            Self::RecordLaterModifyDate => Some(Reason::AlreadyCaptured),
            Self::Withdraw(reason) | Self::NoteChange(reason) | Self::Remember(reason) => Some(*reason),
            Self::Nothing(_, reason) => *reason,
        }
    }
}

/// Decides what a revision means in the light of the settings and of what the log knows of its order.
#[must_use]
pub fn classify(revision: &Revision, settings: &Settings, log: Option<&LogEntry>, trigger: Trigger) -> Decision {
    let order = &revision.order;
    let Some(entry) = log else {
        return match standing(order, settings, trigger, false) {
            Standing::Ready => Decision::Capture,
            Standing::Cancelled => Decision::Nothing(Outcome::Cancelled, Some(Reason::CancelledInShipstation)),
            // Remembered, so that finishing the mapping captures exactly what was skipped for it (S71).
            Standing::Not(reason @ Reason::TaxMappingUnfinished) => Decision::Remember(reason),
            Standing::Not(reason) => Decision::Nothing(Decision::Remember(reason).outcome(), Some(reason)),
        };
    };
    let known = entry.newest();
    let newer = known.is_none_or(|known| revision.supersedes(known));
    let same = known.is_some_and(|known| revision.says(known.digest));
    let stale = if same { Reason::AlreadyCaptured } else { Reason::OlderRevision };
    let cancelled = order.status == OrderStatus::Cancelled;
    let later = known.is_some_and(|known| same && revision.key.modified_at > known.modified_at);
    match entry.state {
        LogState::Booked | LogState::Consolidating | LogState::Voided if later => Decision::RecordLaterModifyDate,
        LogState::Booked | LogState::Consolidating | LogState::Voided if newer => {
            Decision::NoteChange(if cancelled { Reason::CancelledAfterBooking } else { Reason::ChangedAfterBooking })
        }
        LogState::Booked | LogState::Consolidating | LogState::Voided => Decision::Nothing(Outcome::Unchanged, Some(stale)),
        _ if !(newer || same || (cancelled && entry.state == LogState::Withdrawn)) => Decision::Nothing(Outcome::Unchanged, Some(stale)),
        _ => without_sale(
            revision,
            settings,
            entry,
            trigger,
            if newer {
                Age::Newer
            } else if later {
                Age::Later
            } else {
                Age::Same
            },
        ),
    }
}

/// A revision beside the newest one that the log knows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Age {
    Newer,
    /// The same content at a later `modifyDate`.
    Later,
    Same,
}

/// The newest revision of an order that the log holds without a sale, whether it is news or not: it becomes a sale only if it would be captured now (docs/requirements.md,
/// section 5: the stage holds at booking). What it says is written down where it is news: if the log did not know the newest revision, an older one that arrives
/// late would be taken for news.
fn without_sale(revision: &Revision, settings: &Settings, entry: &LogEntry, trigger: Trigger, age: Age) -> Decision {
    let withdrawn = entry.state == LogState::Withdrawn;
    let mut back = false;
    if let Some(gone) = entry.gone() {
        // Read before ShipStation answered that there is no such order, it says nothing about now.
        if revision.key.read_at.is_some_and(|read_at| read_at <= gone.at) || (age == Age::Same && revision.key.read_at.is_none()) {
            return match (withdrawn, entry.reason) {
                (true, reason) => Decision::Nothing(Outcome::Cancelled, reason.or(Some(Reason::Withdrawn))),
                (false, _) => Decision::Withdraw(gone.reason()),
            };
        }
        back = true;
    }
    let known_as = |reason| entry.state == LogState::Skipped && entry.reason == Some(reason);
    match standing(&revision.order, settings, trigger, entry.captured_by.is_some()) {
        Standing::Cancelled if withdrawn && !back && age == Age::Later => Decision::RecordLaterModifyDate,
        Standing::Cancelled if withdrawn && !back && age == Age::Same => Decision::Nothing(Outcome::Cancelled, Some(Reason::Withdrawn)),
        Standing::Cancelled => Decision::Withdraw(Reason::Withdrawn),
        Standing::Not(reason) if age == Age::Same && !back && known_as(reason) => {
            Decision::Nothing(Decision::Remember(reason).outcome(), Some(reason))
        }
        Standing::Not(reason) => Decision::Remember(reason),
        Standing::Ready if age != Age::Same || back => Decision::Replace,
        Standing::Ready => match entry.state {
            // What made it skipped has gone away.
            LogState::Skipped => Decision::Replace,
            // An error survives re-reading the same (N20), but a person who loads the order again may have mended the settings.
            LogState::Failed if trigger == Trigger::Manual => Decision::Replace,
            LogState::Failed => Decision::Nothing(Outcome::Failed, entry.reason),
            LogState::Withdrawn => Decision::Nothing(Outcome::Unchanged, Some(Reason::AlreadyCaptured)),
            _ => Decision::Nothing(Outcome::Unchanged, entry.reason.or(Some(Reason::AlreadyCaptured))),
        },
    }
}
