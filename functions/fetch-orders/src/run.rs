//! Reading an operation's window to its end, or as far as the time allows.

use std::collections::BTreeSet;

use jiff::Timestamp;
use stevedore_aws::Cursor;
use stevedore_aws::messages::Command;
use stevedore_domain::ids::OrderId;
use stevedore_domain::operation::{Operation, OperationKind, OperationState};
use stevedore_lambda::Deadline;
use stevedore_shipstation::{Call, Credentials, Error as ShipStationError, Priority, Reading};

use crate::{Deps, Error, MARGIN, figures, housekeeping, step, trouble};

/// An operation at work.
pub(crate) struct Run {
    pub(crate) operation: Operation,
    pub(crate) version: u64,
    /// The schedule's cursor, whose lease this run holds; none for a run that a person asked for.
    pub(crate) cursor: Option<(Cursor, u64)>,
    /// Orders that this invocation queued.
    pub(crate) queued: BTreeSet<OrderId>,
    /// This invocation has asked for the stores' names.
    pub(crate) stores_read: bool,
}

impl Run {
    /// Writes the operation. Its counts belong to whoever settles it, who may have written in between.
    pub(crate) async fn save(&mut self, deps: &Deps) -> Result<(), Error> {
        housekeeping::keep_pace(deps).await;
        for _ in 0..8 {
            if let Some(version) = deps.table.put_operation(&self.operation, self.version).await? {
                self.version = version;
                return Ok(());
            }
            let stored = deps.table.operation(&self.operation.id).await?.ok_or_else(|| Error::NoOperation(self.operation.id.clone()))?;
            self.version = stored.version;
            self.operation.counts = stored.value.counts;
        }
        Err(Error::Aws(stevedore_aws::Error::Contended { operation: "write an operation" }))
    }

    /// Writes the cursor, as far as this run has one.
    pub(crate) async fn save_cursor(&mut self, deps: &Deps) -> Result<(), Error> {
        if let Some((cursor, version)) = &mut self.cursor {
            *version = deps.table.put_cursor(cursor, *version).await?.ok_or(Error::LeaseLost)?;
        }
        Ok(())
    }

    /// Ends the run: with an error, or with everything queued.
    async fn end(&mut self, deps: &Deps, error: Option<(&str, String)>) -> Result<(), Error> {
        let now = (deps.clock)();
        self.operation.read_at = Some(now);
        self.operation.state = if error.is_some() { OperationState::Failed } else { OperationState::Processing };
        if let Some((code, message)) = error {
            tracing::error!(operation_id = %self.operation.id, reason = code, "operation failed");
            self.operation.finished_at = Some(now);
            self.operation.reason = Some(code.to_owned());
            self.operation.message = Some(message);
        }
        self.save(deps).await?;
        if let Some((cursor, _)) = &mut self.cursor {
            cursor.lease = None;
        }
        self.save_cursor(deps).await?;
        if let Some((operation, _)) = deps.table.settle_operation(&self.operation.id, now).await? {
            self.operation = operation;
        }
        Ok(())
    }
}

/// How a reading went on.
enum Next {
    Finished,
    /// The time is over; the rest is for the next invocation.
    HandOn,
    Failed(ShipStationError),
}

/// Reads what the operation asks for. Ends it, or hands the rest on by a command.
pub(crate) async fn read(deps: &Deps, mut run: Run, deadline: Deadline) -> Result<Run, Error> {
    let Some(credentials) = deps.secrets.read().await? else {
        run.end(deps, Some(("not_connected", "ShipStation's credentials are gone. Connect again.".to_owned()))).await?;
        return Ok(run);
    };
    let credentials = Credentials { api_key: credentials.api_key, api_secret: credentials.api_secret };
    let call = Call { credentials: &credentials, priority: priority(&run.operation.kind), deadline: call_deadline(deps, deadline) };
    run.operation.state = OperationState::Running;
    let (began, before) = ((deps.clock)(), run.operation.requests);
    let mut next = match run.operation.kind.clone() {
        OperationKind::Download | OperationKind::LoadOrders { .. } => read_window(deps, &mut run, &call, deadline).await?,
        OperationKind::LoadOrder { order_number } => read_number(deps, &mut run, &call, &order_number).await?,
        // None of these reads a window from ShipStation.
        OperationKind::ProcessPending
        | OperationKind::Recreate { .. }
        | OperationKind::Consolidate { .. }
        | OperationKind::ImportProducts { .. } => Next::Finished,
    };
    if matches!(next, Next::Finished)
        && run.cursor.is_some()
        && let Err(error) = trouble::try_again(deps, &mut run, &call, deadline).await?
    {
        next = if error_is_time(&error) { Next::Finished } else { Next::Failed(error) };
    }
    match next {
        Next::Finished => run.end(deps, None).await?,
        Next::Failed(error) => run.end(deps, Some((error.code(), format!("{error}. {}", error.advice())))).await?,
        Next::HandOn => {
            run.save(deps).await?;
            deps.queues.send_command(&Command::Continue { operation_id: run.operation.id.clone() }).await?;
            tracing::info!(operation_id = %run.operation.id, "out of time; the next invocation goes on");
        }
    }
    tracing::info!(operation_id = %run.operation.id, state = ?run.operation.state, requests = run.operation.requests, "operation read");
    let now = (deps.clock)();
    let requests = run.operation.requests.saturating_sub(before);
    figures::reading(&run.operation, requests, run.queued.len(), now.duration_since(began), now);
    Ok(run)
}

fn priority(kind: &OperationKind) -> Priority {
    match kind {
        OperationKind::Download => Priority::Background,
        OperationKind::LoadOrders { .. }
        | OperationKind::LoadOrder { .. }
        | OperationKind::ProcessPending
        | OperationKind::Recreate { .. }
        | OperationKind::Consolidate { .. }
        | OperationKind::ImportProducts { .. } => Priority::Operator,
    }
}

/// Nothing may wait for ShipStation into the time that putting away takes.
pub(crate) fn call_deadline(deps: &Deps, deadline: Deadline) -> Timestamp {
    let now = (deps.clock)();
    let left = deadline.remaining(now).saturating_sub(MARGIN);
    now.checked_add(left).unwrap_or(now)
}

/// Whether the error only says that this invocation has no time left.
pub(crate) fn error_is_time(error: &ShipStationError) -> bool {
    matches!(error, ShipStationError::Throttled { .. } | ShipStationError::DeadlineReached)
}

async fn read_window(deps: &Deps, run: &mut Run, call: &Call<'_>, deadline: Deadline) -> Result<Next, Error> {
    let Some(window) = run.operation.window else { return Ok(Next::Finished) };
    let from = run.operation.position.unwrap_or(window.from);
    let settings = deps.table.settings().await?.value;
    match housekeeping::refresh_stores(deps, run, call, &[], &settings).await? {
        Ok(()) => {}
        Err(error) if error_is_time(&error) => return Ok(Next::HandOn),
        Err(error) => return Ok(Next::Failed(error)),
    }
    let mut reading = match run.operation.kind {
        OperationKind::LoadOrders { .. } => Reading::created(from, window.until),
        _ => Reading::changed(from, window.until),
    };
    loop {
        if deadline.is_near((deps.clock)(), MARGIN) {
            return Ok(Next::HandOn);
        }
        let before = reading.requests();
        let step = reading.next(&deps.shipstation, call).await;
        run.operation.requests = run.operation.requests.saturating_add(reading.requests() - before);
        let step = match step {
            Ok(step) => step,
            Err(error) if error_is_time(&error) => return Ok(Next::HandOn),
            Err(error) => return Ok(Next::Failed(error)),
        };
        match step::take(deps, run, call, step.orders, step.poison).await? {
            Ok(()) => {}
            Err(error) if error_is_time(&error) => return Ok(Next::HandOn),
            Err(error) => return Ok(Next::Failed(error)),
        }
        run.operation.position = Some(step.reached);
        if let Some((cursor, _)) = &mut run.cursor {
            cursor.reached = cursor.reached.max(Some(step.reached));
        }
        run.save(deps).await?;
        run.save_cursor(deps).await?;
        if step.finished {
            return Ok(Next::Finished);
        }
    }
}

async fn read_number(deps: &Deps, run: &mut Run, call: &Call<'_>, number: &str) -> Result<Next, Error> {
    let before = deps.shipstation.requests();
    let orders = deps.shipstation.orders_by_number(call, number).await;
    // Clones share the counter, so this may count a neighbour's request too: never too few.
    let requests = deps.shipstation.requests().saturating_sub(before);
    run.operation.requests = run.operation.requests.saturating_add(u32::try_from(requests).unwrap_or(u32::MAX));
    let taken = match orders {
        Ok(orders) => {
            if orders.is_empty() {
                run.operation.reason = Some("order_not_found".to_owned());
                run.operation.message =
                    Some("ShipStation has no order with exactly this number. Check the number; an order that was combined into another has vanished.".to_owned());
            }
            step::take(deps, run, call, orders, Vec::new()).await?
        }
        Err(error) => Err(error),
    };
    Ok(match taken {
        Ok(()) => Next::Finished,
        Err(error) if error_is_time(&error) => Next::HandOn,
        Err(error) => Next::Failed(error),
    })
}
