//! The schedule's place in ShipStation's time. It never passes the clock: orders may bear any date, and what is modified from now on must still be found.

use jiff::{SignedDuration, Timestamp};
use stevedore_aws::{Connection, Cursor, List};
use stevedore_domain::operation::{Operation, OperationKind};
use stevedore_domain::pacific::PacificTime;

use super::{Deps, Error};

/// Windows overlap by this much: more than the hour that repeats each November (N13).
pub(crate) const OVERLAP: SignedDuration = SignedDuration::from_mins(75);
/// Time by which the first download looks back from the moment of connecting.
const FIRST_LOOK_BACK: SignedDuration = SignedDuration::from_hours(24);
/// A date further ahead than this is a mistake that a person should hear of; less is two clocks that differ.
const MISTAKE: SignedDuration = SignedDuration::from_mins(5);
/// Number of operations that are looked through for a place that lay behind the clock.
const OPERATIONS: usize = 5_000;

/// The wall time at which the next download begins; the cursor is brought back to it if it lies ahead of the clock.
pub(crate) async fn begin_at(deps: &Deps, cursor: &mut Cursor, connection: &Connection, now: Timestamp) -> Result<PacificTime, Error> {
    let first = PacificTime::at(connection.integrated_at.saturating_sub(FIRST_LOOK_BACK).unwrap_or(connection.integrated_at));
    let Some(reached) = cursor.reached else { return Ok(first) };
    if !reached.is_ahead_of(now) {
        return Ok(reached.shifted(-OVERLAP));
    }
    let from = last_sound_window(deps).await?.unwrap_or(first);
    tracing::warn!(%reached, %from, "the cursor lay ahead of the clock and is brought back");
    cursor.reached = Some(from.shifted(OVERLAP)).filter(|reached| !reached.is_ahead_of(now));
    Ok(from)
}

/// The beginning of the newest download's window whose cursor did not lie ahead of the clock: everything before it was read.
async fn last_sound_window(deps: &Deps) -> Result<Option<PacificTime>, Error> {
    let mut list = List { limit: 100, ..List::default() };
    let mut seen = 0;
    loop {
        let page = deps.table.list_operations(&list).await?;
        seen += page.items.len();
        if let Some(from) = page.items.iter().find_map(sound_window) {
            return Ok(Some(from));
        }
        list.token = page.next;
        if list.token.is_none() || seen >= OPERATIONS {
            return Ok(None);
        }
    }
}

fn sound_window(operation: &Operation) -> Option<PacificTime> {
    let from = operation.window.filter(|_| operation.kind == OperationKind::Download)?.from;
    (!from.shifted(OVERLAP).is_ahead_of(operation.started_at)).then_some(from)
}

/// Says in the operation that orders bear dates ahead of the clock, if it is more than two clocks' difference.
pub(crate) fn note_ahead(operation: &mut Operation, ahead: Option<PacificTime>, now: Timestamp) {
    let Some(ahead) = ahead.filter(|ahead| ahead.is_ahead_of(now.saturating_add(MISTAKE).unwrap_or(now))) else { return };
    operation.reason = Some("dates_ahead_of_clock".to_owned());
    operation.message = Some(format!(
        "ShipStation says of some orders that they were changed later than now, the last of them at {ahead} (Pacific time). They are read again by each download until then. \
         Correct the clock or the time zone of the channel that sends these dates.",
    ));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// N13: an hour repeats each November, and V1's dates do not say which of the two they mean.
    #[test]
    fn n13_windows_overlap_by_more_than_the_hour_that_repeats() {
        assert!(OVERLAP > SignedDuration::from_hours(1) && OVERLAP < SignedDuration::from_hours(2), "{OVERLAP:?}");
        let reached = PacificTime::parse("2026-01-15T10:00:00").unwrap();
        assert_eq!(reached.shifted(-OVERLAP), PacificTime::parse("2026-01-15T08:45:00").unwrap());
    }
}
