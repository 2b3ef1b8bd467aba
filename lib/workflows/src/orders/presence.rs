//! Orders that wait in the log and that ShipStation has no more: no list of changes names them, so they are asked for before they can be booked.
//!
//! A few are asked for by their ids. Many are held against a list of what was changed when they were, and only those that it does not show are asked for. The
//! number of requests is bounded: what could not be asked for goes on as it is known, as it would where ShipStation does not answer.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use stevedore_aws::{Cursor, List, Stored, StoredEntry};
use stevedore_domain::consolidation::{DueDecision, DueRun, LastRun, RunHistory, due};
use stevedore_domain::ids::OrderId;
use stevedore_domain::log::{Gone, LogState};
use stevedore_domain::operation::SYSTEM;
use stevedore_domain::pacific::PacificTime;
use stevedore_domain::settings::{Consolidation, Settings};
use stevedore_lambda::{Deadline, ErrorChain};
use stevedore_shipstation::{Call, Credentials, OrderReader, Priority};

use super::download::{call_deadline, takes_orders};
use super::{Deps, Error, MARGIN, one_order};

/// So many are asked for one by one; a list answers for more.
const ONE_BY_ONE: usize = 10;
/// Requests of one download for orders that are tried again by themselves.
pub(crate) const PER_TICK: u32 = 5;
/// Requests for orders that a person, or a change of settings, has tried again.
pub(crate) const PER_COMMAND: u32 = 60;
/// Requests before a day's run, which many orders may wait for.
const PER_DAY: u32 = 400;
/// Pending orders that are held against one list.
const PAGE: usize = 200;
/// A day's orders are asked for in the last ticks before its run.
const BEFORE_THE_DAY: SignedDuration = SignedDuration::from_mins(30);

/// The credentials to ask with; none where nothing is read from ShipStation.
pub(crate) async fn credentials(deps: &Deps) -> Result<Option<Credentials>, Error> {
    if !takes_orders(deps).await? {
        return Ok(None);
    }
    deps.credentials().await
}

/// Asks, as far as its requests go.
pub(crate) struct Presence<'a> {
    call: Call<'a>,
    /// Requests that are left.
    left: u32,
    by: String,
}

impl<'a> Presence<'a> {
    pub(crate) fn new(deps: &Deps, credentials: &'a Credentials, requests: u32, by: &str, deadline: Deadline) -> Self {
        let priority = if requests == PER_COMMAND { Priority::Operator } else { Priority::Background };
        let call = Call { credentials, priority, deadline: call_deadline(deps, deadline) };
        Self { call, left: requests, by: by.to_owned() }
    }

    /// Withdraws those of the orders that ShipStation has no more, and leaves them out.
    pub(crate) async fn retain(&mut self, deps: &Deps, entries: &mut Vec<StoredEntry>) -> Result<(), Error> {
        let suspects = if entries.len() <= ONE_BY_ONE {
            entries.iter().map(|stored| stored.entry.order_id).collect()
        } else if self.left > PER_TICK {
            self.not_listed(deps, entries).await
        } else {
            in_turn(entries, self.left, (deps.clock)())
        };
        let mut gone = HashSet::new();
        for order in suspects {
            if self.left == 0 || (deps.clock)() >= self.call.deadline {
                break;
            }
            self.left -= 1;
            match deps.shipstation.order(&self.call, order).await {
                Ok(Some(_)) => {}
                Ok(None) => {
                    gone.insert(order);
                }
                Err(error) if one_order::is_its_own(deps, &self.call, &error).await => {}
                Err(error) => {
                    tracing::info!(reason = error.code(), "ShipStation could not be asked which orders it still has");
                    self.left = 0;
                }
            }
        }
        // A ShipStation, or something in its place, that answers 404 to everything has lost no order.
        if !gone.is_empty() && !deps.shipstation.answers(&self.call).await {
            gone.clear();
        }
        for order in &gone {
            let gone = Gone { at: (deps.clock)(), into: None };
            deps.table.change_log_entry(*order, |entry| entry.vanished(gone, None, &self.by)).await?;
            tracing::info!(order_id = order.0, "ShipStation has the order no more; withdrawn");
        }
        entries.retain(|stored| !gone.contains(&stored.entry.order_id));
        Ok(())
    }

    /// The orders that a list of the changes of their time does not show: changed since, or gone. None where the list could not be read to its end.
    async fn not_listed(&mut self, deps: &Deps, entries: &[StoredEntry]) -> Vec<OrderId> {
        let times = || entries.iter().filter_map(|stored| stored.entry.newest()).map(|key| key.modified_at);
        let (Some(first), Some(last)) = (times().min(), times().max()) else { return Vec::new() };
        let until = PacificTime::at(last).shifted(SignedDuration::from_secs(1));
        let mut reading = OrderReader::changed(PacificTime::at(first), Some(until));
        let mut listed: HashSet<OrderId> = HashSet::new();
        loop {
            if self.left == 0 {
                return Vec::new();
            }
            let before = reading.requests();
            let step = reading.next(&deps.shipstation, &self.call).await;
            self.left = self.left.saturating_sub(reading.requests() - before);
            match step {
                Ok(step) => {
                    listed.extend(step.orders.iter().filter_map(stevedore_shipstation::RawOrder::order_id));
                    if step.finished {
                        let ids = entries.iter().map(|stored| stored.entry.order_id);
                        return ids.filter(|id| !listed.contains(id)).collect();
                    }
                }
                Err(error) => {
                    tracing::info!(reason = error.code(), "ShipStation could not be asked which orders it still has");
                    self.left = 0;
                }
            }
        }
    }
}

/// As many of the orders as may be asked for, others each time.
fn in_turn(entries: &[StoredEntry], most: u32, now: Timestamp) -> Vec<OrderId> {
    let most = usize::try_from(most).unwrap_or_default();
    let turn = usize::try_from(now.as_second() / 300).unwrap_or_default();
    let from = turn.wrapping_mul(most) % entries.len().max(1);
    entries.iter().cycle().skip(from).take(most.min(entries.len())).map(|stored| stored.entry.order_id).collect()
}

/// Asks for the orders of a day's run that is about to begin, once. A failure costs nothing else: the next tick tries again.
pub(crate) async fn before_the_day(deps: &Deps, settings: &Settings, deadline: Deadline) {
    if settings.consolidation != Consolidation::Daily {
        return;
    }
    if let Err(error) = ask_for_the_day(deps, settings, deadline).await {
        tracing::warn!(error = %ErrorChain(&error), "the orders of the day could not be asked for");
    }
}

async fn ask_for_the_day(deps: &Deps, settings: &Settings, deadline: Deadline) -> Result<(), Error> {
    let now = (deps.clock)();
    let (since, newest) = (deps.table.daily_settings().await?.1, deps.table.newest_run().await?);
    let history = RunHistory { since: since.unwrap_or(now), last: newest.as_ref().map(|stored| LastRun::from(&stored.run)) };
    let run = match due(now, settings, &history) {
        Ok(DueDecision::Wait(run)) if run.boundary.duration_since(now) <= BEFORE_THE_DAY => run,
        _ => return Ok(()),
    };
    let Stored { value: cursor, .. } = deps.table.cursor().await?;
    if cursor.asked_for == Some(run.local_date) {
        return Ok(());
    }
    let Some(credentials) = credentials(deps).await? else { return Ok(()) };
    let mut presence = Presence::new(deps, &credentials, PER_DAY, SYSTEM, deadline);
    for state in LogState::OF_A_DAY {
        let mut list = List { limit: PAGE, ..List::default() };
        loop {
            let mut page = deps.table.list_log_state(state, &list).await?;
            page.items.retain(|stored| stored.entry.account == deps.table.account());
            presence.retain(deps, &mut page.items).await?;
            list.token = page.next;
            if list.token.is_none() {
                break;
            }
            if presence.left == 0 || deadline.is_near((deps.clock)(), MARGIN) {
                return Ok(());
            }
        }
    }
    if presence.left > 0 { remember(deps, run).await } else { Ok(()) }
}

async fn remember(deps: &Deps, run: DueRun) -> Result<(), Error> {
    let Stored { value: cursor, version } = deps.table.cursor().await?;
    // Written by another process in between, the day is asked for once more.
    deps.table.put_cursor(&Cursor { asked_for: Some(run.local_date), ..cursor }, version).await?;
    Ok(())
}
