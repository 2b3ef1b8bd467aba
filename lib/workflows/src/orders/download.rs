//! Reading an operation's window to its end, or as far as the time allows.

use jiff::Timestamp;
use stevedore_aws::ConnectionMode;
use stevedore_domain::operation::{OperationKind, OperationState, StartedBy};
use stevedore_domain::schedule::note_dates_ahead;
use stevedore_lambda::Deadline;
use stevedore_shipstation::{Call, Error as ShipStationError, OrderReader, Priority};

use super::numbers::Found;
use super::run::Run;
use super::stop::{Stop, is_time};
use super::{Deps, Error, MARGIN, ingest_page, metrics, numbers, store_names, unreadable};

/// Next step of a reading.
enum Next {
    Finished,
    /// The time is over; the rest is for the next invocation.
    HandOn,
    Failed(ShipStationError),
    /// The connection was removed.
    Disconnected,
}

impl Next {
    /// Next step where ShipStation did not answer.
    fn after(error: ShipStationError) -> Self {
        if is_time(&error) { Self::HandOn } else { Self::Failed(error) }
    }
}

/// True if the connection that this reads from is still there, as a whole.
async fn is_connected(deps: &Deps) -> Result<bool, Error> {
    Ok(deps.table.connection().await?.is_some_and(|connection| !connection.value.disconnecting))
}

/// True if orders are taken from ShipStation: a load may have been queued before that was turned off. The schedule has asked already.
pub(crate) async fn takes_orders(deps: &Deps) -> Result<bool, Error> {
    let connection = deps.table.connection().await?;
    Ok(connection.is_none_or(|stored| stored.value.modes.contains(&ConnectionMode::Store)))
}

/// Reads what the operation asks for. Ends it, or hands the rest on by a command.
pub(crate) async fn read(deps: &Deps, mut run: Run, deadline: Deadline) -> Result<Run, Error> {
    let Some(credentials) = deps.credentials().await? else {
        run.end_disconnected(deps).await?;
        return Ok(run);
    };
    if run.cursor.is_none() && !takes_orders(deps).await? {
        let message = "The connection's mode `store` is off, so no orders are taken from ShipStation. Turn it on, then load again.";
        run.fail(deps, "store_mode_off", message).await?;
        return Ok(run);
    }
    let call = Call { credentials: &credentials, priority: priority(&run.operation.kind), deadline: call_deadline(deps, deadline) };
    run.operation.state = OperationState::Running;
    let (began, before) = ((deps.clock)(), run.operation.requests);
    match read_all(deps, &mut run, &call, deadline).await? {
        Next::Finished => run.complete(deps).await?,
        Next::Failed(error) => run.fail(deps, error.code(), &format!("{error}. {}", error.advice())).await?,
        Next::Disconnected => run.end_disconnected(deps).await?,
        Next::HandOn => run.hand_on(deps).await?,
    }
    tracing::info!(operation_id = %run.operation.id, state = ?run.operation.state, requests = run.operation.requests, "operation read");
    let now = (deps.clock)();
    let requests = run.operation.requests.saturating_sub(before);
    metrics::reading(&run.operation, requests, run.queued.len(), now.duration_since(began), now);
    Ok(run)
}

/// Reads the operation's orders, and at the end of a download the places that could not be read before.
async fn read_all(deps: &Deps, run: &mut Run, call: &Call<'_>, deadline: Deadline) -> Result<Next, Error> {
    let read = match run.operation.kind.clone() {
        OperationKind::Download | OperationKind::LoadOrders { .. } => read_window(deps, run, call, deadline).await,
        OperationKind::LoadOrder { order_number } => read_number(deps, run, call, &order_number).await,
        // None of these reads a window from ShipStation.
        OperationKind::ProcessPending { .. }
        | OperationKind::Recreate { .. }
        | OperationKind::Consolidate { .. }
        | OperationKind::ImportProducts { .. } => Ok(Next::Finished),
    };
    match read {
        Ok(Next::Finished) if run.cursor.is_some() => {}
        Ok(next) => return Ok(next),
        Err(Stop::ShipStation(error)) => return Ok(Next::after(error)),
        Err(Stop::Failed(error)) => return Err(error),
    }
    match unreadable::try_again(deps, run, call, deadline).await {
        Ok(()) => Ok(Next::Finished),
        Err(Stop::ShipStation(error)) if is_time(&error) => Ok(Next::Finished),
        Err(Stop::ShipStation(error)) => Ok(Next::Failed(error)),
        Err(Stop::Failed(error)) => Err(error),
    }
}

fn priority(kind: &OperationKind) -> Priority {
    if kind.spec().started_by == StartedBy::Schedule { Priority::Background } else { Priority::Operator }
}

/// Nothing may wait for ShipStation into the time that putting away takes.
pub(crate) fn call_deadline(deps: &Deps, deadline: Deadline) -> Timestamp {
    let now = (deps.clock)();
    let left = deadline.remaining(now).saturating_sub(MARGIN);
    now.checked_add(left).unwrap_or(now)
}

async fn read_window(deps: &Deps, run: &mut Run, call: &Call<'_>, deadline: Deadline) -> Result<Next, Stop> {
    let Some(window) = run.operation.window else { return Ok(Next::Finished) };
    // A position that was written down ahead of the clock is none.
    let from = run.operation.position.filter(|position| !position.is_ahead_of((deps.clock)())).unwrap_or(window.from);
    store_names::refresh(deps, run, call, &[]).await?;
    let mut reader = match run.operation.kind {
        OperationKind::LoadOrders { .. } => OrderReader::created(from, window.until),
        _ => OrderReader::changed(from, window.until),
    };
    loop {
        let now = (deps.clock)();
        if deadline.is_near(now, MARGIN) {
            return Ok(out_of_time(&reader, now));
        }
        let before = reader.requests();
        let step = reader.next(&deps.shipstation, call).await;
        run.count_requests(reader.requests() - before);
        let step = match step {
            Ok(step) => step,
            Err(error) if is_time(&error) => return Ok(out_of_time(&reader, (deps.clock)())),
            Err(error) => return Ok(Next::Failed(error)),
        };
        if !is_connected(deps).await? {
            return Ok(Next::Disconnected);
        }
        note_dates_ahead(&mut run.operation, step.ahead, (deps.clock)());
        ingest_page::ingest(deps, run, call, step.orders, step.poison).await?;
        if !step.reached.is_ahead_of((deps.clock)()) {
            run.operation.position = Some(step.reached);
            if let Some((cursor, _)) = &mut run.cursor {
                cursor.reached = cursor.reached.max(Some(step.reached));
            }
        }
        run.save(deps).await?;
        run.save_cursor(deps).await?;
        if step.finished {
            return Ok(Next::Finished);
        }
    }
}

/// The rest is for the next invocation, unless everything up to the clock was read: positions never pass it, so what lies ahead is the next download's to
/// read, and going on would begin with it again and again.
fn out_of_time(reader: &OrderReader, now: Timestamp) -> Next {
    if reader.has_passed(now) { Next::Finished } else { Next::HandOn }
}

async fn read_number(deps: &Deps, run: &mut Run, call: &Call<'_>, number: &str) -> Result<Next, Stop> {
    let before = deps.shipstation.requests();
    let found = numbers::find(&deps.shipstation, call, number).await;
    // Clones share the counter, so this may count a neighbour's request too: never too few.
    let requests = deps.shipstation.requests().saturating_sub(before);
    run.count_requests(u32::try_from(requests).unwrap_or(u32::MAX));
    if !is_connected(deps).await? {
        return Ok(Next::Disconnected);
    }
    let orders = match found? {
        Found::AsWritten(orders) => orders,
        Found::Trimmed(orders) => {
            run.operation.reason = Some("order_number_trimmed".to_owned());
            run.operation.message = Some(numbers::told(number, &orders));
            orders
        }
        Found::Nothing => {
            run.operation.reason = Some("order_not_found".to_owned());
            run.operation.message =
                Some("ShipStation has no order with exactly this number. Check the number; an order that was combined into another has vanished.".to_owned());
            Vec::new()
        }
    };
    ingest_page::ingest(deps, run, call, orders, Vec::new()).await?;
    Ok(Next::Finished)
}
