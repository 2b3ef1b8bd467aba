//! An order of a day whose sale is void, let go so that it is booked by itself (N6).

use stevedore_domain::ids::OrderId;
use stevedore_domain::log::{LogEntry, LogState};
use stevedore_domain::settings::Consolidation;

use super::run::Run;
use super::{Deps, Error};

/// Lets an order go that was in a day's sale, if that is void; never one of a live day, and never what the order became since.
pub(crate) async fn release(deps: &Deps, run: &Run, order: OrderId) -> Result<(), Error> {
    let now = (deps.clock)();
    let daily = run.settings.consolidation == Consolidation::Daily;
    let change = |entry: &mut LogEntry| {
        // A day that is void stays void: the marker from which the state comes need not be part of the write's condition.
        if entry.state != LogState::Voided || entry.day().is_none() {
            return false;
        }
        entry.recreate(now, &run.operation.by);
        if daily {
            entry.add_event(now, "waits for the next day's sale", run.operation.id.as_str());
        }
        true
    };
    deps.table.change_log_entry(order, change).await?;
    Ok(())
}
