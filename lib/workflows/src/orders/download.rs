//! OrderReader an operation's window to its end, or as far as the time allows.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use stevedore_aws::messages::Command;
use stevedore_aws::{ConnectionMode, Cursor, Stored};
use stevedore_domain::ids::OrderId;
use stevedore_domain::operation::{Operation, OperationKind, OperationState, StartedBy, Work};
use stevedore_domain::reason::Reason;
use stevedore_lambda::Deadline;
use stevedore_shipstation::{Call, Credentials, Error as ShipStationError, OrderReader, Priority};

use super::alike::Queued;
use super::{Deps, Error, MARGIN, housekeeping, ingest_page, metrics, numbers, position, unreadable};

/// An operation at work. While it is held, no other invocation works on it; see [`Run::take`].
pub(crate) struct Run {
    pub(crate) operation: Operation,
    pub(crate) version: u64,
    /// The schedule's cursor, whose lease this run holds; none for a run that a person asked for.
    pub(crate) cursor: Option<(Cursor, u64)>,
    /// Orders that this invocation queued.
    pub(crate) queued: BTreeSet<OrderId>,
    /// The same by what they would have in common with others.
    pub(crate) alike: Queued,
    /// This invocation has asked for the stores' names.
    pub(crate) stores_read: bool,
}

impl Run {
    /// Takes an operation that a command is about, and holds it until the invocation's deadline. Nothing where there is nothing to do for it any more.
    ///
    /// # Errors
    /// [`Error::Held`] while another invocation is at work on it: the command is delivered again later, in case that one does not come to its end.
    pub(crate) async fn take(deps: &Deps, stored: Stored<Operation>, deadline: Deadline) -> Result<Option<Self>, Error> {
        let Stored { value: mut operation, version } = stored;
        if !operation.can_go_on() {
            return Ok(None);
        }
        let now = (deps.clock)();
        let by = stevedore_aws::invocation_id(now);
        if operation.is_held_by_another(&by, now) {
            return Err(Error::Held(operation.id));
        }
        if operation.state.is_final() {
            // It was given up while its command was still on its way.
            operation.state = OperationState::Running;
            (operation.reason, operation.message, operation.read_at, operation.finished_at) = (None, None, None, None);
        }
        // Lambda ends the invocation at its deadline, long before the command is delivered again.
        let left = SignedDuration::try_from(deadline.remaining(now)).unwrap_or_default();
        let held_until = Some(now.saturating_add(left).unwrap_or(now));
        operation.work = Some(Work { by, written_at: now, held_until });
        let Some(version) = deps.table.put_operation(&operation, version).await? else { return Err(Error::Held(operation.id)) };
        Ok(Some(Self { operation, version, cursor: None, queued: BTreeSet::new(), alike: Queued::default(), stores_read: false }))
    }

    /// Lets the operation go with the next [`Self::save`].
    pub(crate) fn let_go(&mut self) {
        if let Some(work) = &mut self.operation.work {
            work.held_until = None;
        }
    }

    /// Writes the operation. Its counts belong to whoever settles it, who may have written in between.
    ///
    /// # Errors
    /// [`Error::Held`] where another invocation has taken the operation since.
    pub(crate) async fn save(&mut self, deps: &Deps) -> Result<(), Error> {
        housekeeping::keep_pace(deps).await;
        let now = (deps.clock)();
        if let Some(work) = &mut self.operation.work {
            work.written_at = now;
        }
        let by = self.operation.work.as_ref().map(|work| work.by.clone()).unwrap_or_default();
        for _ in 0..8 {
            if let Some(version) = deps.table.put_operation(&self.operation, self.version).await? {
                self.version = version;
                return Ok(());
            }
            let stored = deps.table.operation(&self.operation.id).await?.ok_or_else(|| Error::NoOperation(self.operation.id.clone()))?;
            if stored.value.is_held_by_another(&by, now) {
                return Err(Error::Held(self.operation.id.clone()));
            }
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
        self.let_go();
        self.save(deps).await?;
        if let Some((cursor, _)) = &mut self.cursor {
            cursor.lease = None;
        }
        self.save_cursor(deps).await?;
        if let Some(settled) = deps.table.settle(&self.operation.id, now).await? {
            self.operation = settled.operation;
        }
        Ok(())
    }
}

/// Next step of a reading.
enum Next {
    Finished,
    /// The time is over; the rest is for the next invocation.
    HandOn,
    Failed(ShipStationError),
    /// The connection was removed.
    Disconnected,
}

/// True if the connection that this reads from is still there, as a whole.
async fn is_connected(deps: &Deps) -> Result<bool, Error> {
    Ok(deps.table.connection().await?.is_some_and(|connection| !connection.value.disconnecting))
}

/// Reads what the operation asks for. Ends it, or hands the rest on by a command.
pub(crate) async fn read(deps: &Deps, mut run: Run, deadline: Deadline) -> Result<Run, Error> {
    let Some(credentials) = deps.secrets.read().await? else {
        end_disconnected(deps, &mut run).await?;
        return Ok(run);
    };
    if run.cursor.is_none() && !takes_orders(deps).await? {
        let message = "The connection's mode `store` is off, so no orders are taken from ShipStation. Turn it on, then load again.";
        run.end(deps, Some(("store_mode_off", message.to_owned()))).await?;
        return Ok(run);
    }
    let credentials = Credentials { api_key: credentials.api_key, api_secret: credentials.api_secret };
    let call = Call { credentials: &credentials, priority: priority(&run.operation.kind), deadline: call_deadline(deps, deadline) };
    run.operation.state = OperationState::Running;
    let (began, before) = ((deps.clock)(), run.operation.requests);
    let mut next = match run.operation.kind.clone() {
        OperationKind::Download | OperationKind::LoadOrders { .. } => read_window(deps, &mut run, &call, deadline).await?,
        OperationKind::LoadOrder { order_number } => read_number(deps, &mut run, &call, &order_number).await?,
        // None of these reads a window from ShipStation.
        OperationKind::ProcessPending { .. }
        | OperationKind::Recreate { .. }
        | OperationKind::Consolidate { .. }
        | OperationKind::ImportProducts { .. } => Next::Finished,
    };
    if matches!(next, Next::Finished)
        && run.cursor.is_some()
        && let Err(error) = unreadable::try_again(deps, &mut run, &call, deadline).await?
    {
        next = if error_is_time(&error) { Next::Finished } else { Next::Failed(error) };
    }
    match next {
        Next::Finished => run.end(deps, None).await?,
        Next::Failed(error) => run.end(deps, Some((error.code(), format!("{error}. {}", error.advice())))).await?,
        Next::Disconnected => end_disconnected(deps, &mut run).await?,
        Next::HandOn => {
            run.let_go();
            run.save(deps).await?;
            deps.queues.send_command(&Command::Run { operation_id: run.operation.id.clone() }).await?;
            tracing::info!(operation_id = %run.operation.id, "out of time; the next invocation goes on");
        }
    }
    tracing::info!(operation_id = %run.operation.id, state = ?run.operation.state, requests = run.operation.requests, "operation read");
    let now = (deps.clock)();
    let requests = run.operation.requests.saturating_sub(before);
    metrics::reading(&run.operation, requests, run.queued.len(), now.duration_since(began), now);
    Ok(run)
}

/// Ends a run whose connection was removed. What it queued is left aside, so that its orders are accounted for now.
async fn end_disconnected(deps: &Deps, run: &mut Run) -> Result<(), Error> {
    let message = "The connection to ShipStation was removed while this ran. Connect again, then start it again.";
    let before = run.operation.state;
    run.cursor = None;
    run.end(deps, Some((Reason::NotConnected.code(), message.to_owned()))).await?;
    tracing::info!(operation_id = %run.operation.id, ?before, "the connection is gone");
    Ok(deps.table.end_disconnected(&run.operation.id, (deps.clock)(), true).await?)
}

/// True if orders are taken from ShipStation: a load may have been queued before that was turned off. The schedule has asked already.
pub(crate) async fn takes_orders(deps: &Deps) -> Result<bool, Error> {
    let connection = deps.table.connection().await?;
    Ok(connection.is_none_or(|stored| stored.value.modes.contains(&ConnectionMode::Store)))
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

/// True if the error only says that this invocation has no time left.
pub(crate) fn error_is_time(error: &ShipStationError) -> bool {
    matches!(error, ShipStationError::Throttled { .. } | ShipStationError::DeadlineReached)
}

async fn read_window(deps: &Deps, run: &mut Run, call: &Call<'_>, deadline: Deadline) -> Result<Next, Error> {
    let Some(window) = run.operation.window else { return Ok(Next::Finished) };
    // A position that was written down ahead of the clock is none.
    let from = run.operation.position.filter(|position| !position.is_ahead_of((deps.clock)())).unwrap_or(window.from);
    let settings = deps.table.settings().await?.value;
    match housekeeping::refresh_stores(deps, run, call, &[], &settings).await? {
        Ok(()) => {}
        Err(error) if error_is_time(&error) => return Ok(Next::HandOn),
        Err(error) => return Ok(Next::Failed(error)),
    }
    let mut reading = match run.operation.kind {
        OperationKind::LoadOrders { .. } => OrderReader::created(from, window.until),
        _ => OrderReader::changed(from, window.until),
    };
    loop {
        let now = (deps.clock)();
        if deadline.is_near(now, MARGIN) {
            return Ok(out_of_time(&reading, now));
        }
        let before = reading.requests();
        let step = reading.next(&deps.shipstation, call).await;
        run.operation.requests = run.operation.requests.saturating_add(reading.requests() - before);
        let step = match step {
            Ok(step) => step,
            Err(error) if error_is_time(&error) => return Ok(out_of_time(&reading, (deps.clock)())),
            Err(error) => return Ok(Next::Failed(error)),
        };
        if !is_connected(deps).await? {
            return Ok(Next::Disconnected);
        }
        position::note_ahead(&mut run.operation, step.ahead, (deps.clock)());
        match ingest_page::ingest(deps, run, call, step.orders, step.poison).await? {
            Ok(()) => {}
            Err(error) if error_is_time(&error) => return Ok(Next::HandOn),
            Err(error) => return Ok(Next::Failed(error)),
        }
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
fn out_of_time(reading: &OrderReader, now: Timestamp) -> Next {
    if reading.has_passed(now) { Next::Finished } else { Next::HandOn }
}

async fn read_number(deps: &Deps, run: &mut Run, call: &Call<'_>, number: &str) -> Result<Next, Error> {
    let before = deps.shipstation.requests();
    let orders = numbers::find(&deps.shipstation, call, number).await;
    // Clones share the counter, so this may count a neighbour's request too: never too few.
    let requests = deps.shipstation.requests().saturating_sub(before);
    run.operation.requests = run.operation.requests.saturating_add(u32::try_from(requests).unwrap_or(u32::MAX));
    if !is_connected(deps).await? {
        return Ok(Next::Disconnected);
    }
    let taken = match orders {
        Ok((orders, as_written)) => {
            if !(as_written || orders.is_empty()) {
                run.operation.reason = Some("order_number_trimmed".to_owned());
                run.operation.message = Some(numbers::told(number, &orders));
            }
            if orders.is_empty() {
                run.operation.reason = Some("order_not_found".to_owned());
                run.operation.message =
                    Some("ShipStation has no order with exactly this number. Check the number; an order that was combined into another has vanished.".to_owned());
            }
            ingest_page::ingest(deps, run, call, orders, Vec::new()).await?
        }
        Err(error) => Err(error),
    };
    Ok(match taken {
        Ok(()) => Next::Finished,
        Err(error) if error_is_time(&error) => Next::HandOn,
        Err(error) => Next::Failed(error),
    })
}
