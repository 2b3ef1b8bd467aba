//! Orders in the log without a sale that are tried again (S107, N2): the states, and what still keeps one back.

use super::{Decision, LogEntry, LogState, Trigger, classify};
use crate::order::Revision;
use crate::reason::Reason;
use crate::settings::{Consolidation, Settings};

/// The states whose orders are tried again, the first one first.
#[must_use]
pub fn states_tried_again(settings: &Settings) -> Vec<LogState> {
    let mut states = vec![LogState::Pending, LogState::Blocked, LogState::Skipped, LogState::Failed];
    // With daily consolidation a pending order waits for its day; what is blocked or was skipped may have become able to wait with it.
    states.retain(|state| *state != LogState::Pending || settings.consolidation == Consolidation::None);
    // While the tax mapping is unfinished there is nothing to try.
    states.retain(|state| *state != LogState::Skipped || settings.tax_mapping_finished());
    states
}

/// True if an order is skipped for a reason that still holds for its newest revision: trying it again changes nothing.
#[must_use]
pub fn is_held_back(entry: &LogEntry, newest: &Revision, settings: &Settings) -> bool {
    // The lock date binds the schedule alone: a person loads such an order by its number.
    let trigger = if entry.reason == Some(Reason::BeforeLockDate) { Trigger::Schedule } else { Trigger::Manual };
    classify(newest, settings, Some(entry), trigger) != Decision::Replace
}
