//! The schedule's place in ShipStation's time, brought back where it lies ahead of the clock.

use jiff::Timestamp;
use stevedore_aws::{Connection, Cursor, List};
use stevedore_domain::pacific::PacificTime;
use stevedore_domain::schedule::{WindowStart, first_window, position_before, sound_window, window_start};

use super::{Deps, Error};

/// Number of operations that are looked through for a place that lay behind the clock.
const OPERATIONS: usize = 5_000;

/// The wall time at which the next download begins; the cursor is brought back to it if it lies ahead of the clock.
pub(crate) async fn begin_at(deps: &Deps, cursor: &mut Cursor, connection: &Connection, now: Timestamp) -> Result<PacificTime, Error> {
    let reached = match window_start(cursor.reached, connection.integrated_at, now) {
        WindowStart::At(from) => return Ok(from),
        WindowStart::AheadOfClock { reached } => reached,
    };
    let from = last_sound_window(deps).await?.unwrap_or_else(|| first_window(connection.integrated_at));
    tracing::warn!(%reached, %from, "the cursor lay ahead of the clock and is brought back");
    cursor.reached = position_before(from, now);
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
