//! An operation at work: what one invocation has of it, and how it is written.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use stevedore_aws::messages::Command;
use stevedore_aws::{Cursor, Stored};
use stevedore_domain::ids::OrderId;
use stevedore_domain::operation::{Operation, Work};
use stevedore_domain::reason::Reason;
use stevedore_domain::settings::Settings;
use stevedore_lambda::Deadline;

use super::alike::Queued;
use super::{Deps, Error};

/// Number of times that the operation is written again because another process settled it at the same time.
const ATTEMPTS: u32 = 8;

/// An operation at work. While it is held, no other invocation works on it; see [`Run::take`].
pub(crate) struct Run {
    pub(crate) operation: Operation,
    pub(crate) version: u64,
    /// The settings, as they were when this invocation began with the operation: all of its pages are decided on under the same.
    pub(crate) settings: Settings,
    /// The schedule's cursor, whose lease this run holds; none for a run that a person asked for.
    pub(crate) cursor: Option<(Cursor, u64)>,
    /// Orders that this invocation queued.
    pub(crate) queued: BTreeSet<OrderId>,
    /// The same by what they would have in common with others.
    pub(crate) alike: Queued,
    /// This invocation has asked for the stores' names.
    pub(crate) stores_read: bool,
}

/// Outcome of taking an operation.
pub(crate) enum Taken {
    /// It is held, and there is something to do for it.
    Held(Box<Run>),
    /// There is nothing to do for it any more.
    Over,
}

impl Run {
    /// An operation that this invocation works on.
    pub(crate) fn new(operation: Operation, version: u64, settings: Settings) -> Self {
        Self { operation, version, settings, cursor: None, queued: BTreeSet::new(), alike: Queued::default(), stores_read: false }
    }

    /// Takes an operation that a command is about, and holds it until the invocation's deadline.
    ///
    /// # Errors
    /// [`Error::Held`] while another invocation is at work on it: the command is delivered again later, in case that one does not come to its end.
    pub(crate) async fn take(deps: &Deps, stored: Stored<Operation>, deadline: Deadline) -> Result<Taken, Error> {
        let Stored { value: mut operation, version } = stored;
        if !operation.can_go_on() {
            return Ok(Taken::Over);
        }
        let now = (deps.clock)();
        let by = stevedore_aws::invocation_id(now);
        if operation.is_held_by_another(&by, now) {
            return Err(Error::Held(operation.id));
        }
        if operation.state.is_final() {
            operation.revive();
        }
        // Lambda ends the invocation at its deadline, long before the command is delivered again.
        let left = SignedDuration::try_from(deadline.remaining(now)).unwrap_or_default();
        let held_until = Some(now.saturating_add(left).unwrap_or(now));
        operation.work = Some(Work { by, written_at: now, held_until });
        let Some(version) = deps.table.put_operation(&operation, version).await? else { return Err(Error::Held(operation.id)) };
        let settings = deps.table.settings().await?.value;
        Ok(Taken::Held(Box::new(Self::new(operation, version, settings))))
    }

    /// Counts a request to ShipStation.
    pub(crate) fn count_requests(&mut self, requests: u32) {
        self.operation.requests = self.operation.requests.saturating_add(requests);
    }

    /// Writes the operation. Its counts belong to the process that settles it, which may have written in between.
    ///
    /// # Errors
    /// [`Error::Held`] where another invocation has taken the operation since.
    pub(crate) async fn save(&mut self, deps: &Deps) -> Result<(), Error> {
        save_rate_limit(deps).await;
        let now = (deps.clock)();
        if let Some(work) = &mut self.operation.work {
            work.written_at = now;
        }
        let by = self.operation.work.as_ref().map(|work| work.by.clone()).unwrap_or_default();
        for _ in 0..ATTEMPTS {
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

    /// Writes that everything is read or queued, without a cursor: the log tells what comes of it.
    pub(crate) async fn finish(&mut self, deps: &Deps) -> Result<(), Error> {
        let now = (deps.clock)();
        self.operation.finish_reading(now);
        self.save(deps).await
    }

    /// Ends the run with everything queued.
    pub(crate) async fn complete(&mut self, deps: &Deps) -> Result<(), Error> {
        let now = (deps.clock)();
        self.operation.finish_reading(now);
        self.end(deps, now).await
    }

    /// Ends the run with an error.
    pub(crate) async fn fail(&mut self, deps: &Deps, code: &str, message: &str) -> Result<(), Error> {
        let now = (deps.clock)();
        tracing::error!(operation_id = %self.operation.id, reason = code, "operation failed");
        self.operation.fail(code, message, now);
        self.end(deps, now).await
    }

    async fn end(&mut self, deps: &Deps, now: Timestamp) -> Result<(), Error> {
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

    /// Ends the run because its connection was removed. What it queued is left aside, so that its orders are accounted for now.
    pub(crate) async fn end_disconnected(&mut self, deps: &Deps) -> Result<(), Error> {
        let now = (deps.clock)();
        let before = self.operation.state;
        self.cursor = None;
        tracing::error!(operation_id = %self.operation.id, reason = Reason::NotConnected.code(), "operation failed");
        self.operation.lose_connection(now);
        self.end(deps, now).await?;
        tracing::info!(operation_id = %self.operation.id, ?before, "the connection is gone");
        Ok(deps.table.end_disconnected(&self.operation.id, (deps.clock)(), true).await?)
    }

    /// Ends the run because its account is not the connected one.
    pub(crate) async fn end_other_account(&mut self, deps: &Deps) -> Result<(), Error> {
        let now = (deps.clock)();
        self.operation.lose_account(now);
        tracing::warn!(operation_id = %self.operation.id, "the operation is of an account that is not connected any more");
        self.save(deps).await?;
        deps.table.settle_operation(&self.operation.id, now).await?;
        Ok(())
    }

    /// Hands the rest on to the next invocation.
    pub(crate) async fn hand_on(&mut self, deps: &Deps) -> Result<(), Error> {
        self.operation.release();
        self.save(deps).await?;
        deps.queues.send_command(&Command::Run { operation_id: self.operation.id.clone() }).await?;
        tracing::info!(operation_id = %self.operation.id, "out of time; the next invocation goes on");
        Ok(())
    }
}

/// Keeps what ShipStation said about its limit, for the people who look on (N19). Nothing depends on it, so a failure costs nothing else.
async fn save_rate_limit(deps: &Deps) {
    let Some(state) = deps.shipstation.pacing() else { return };
    let pacing = stevedore_aws::Pacing { limit: state.limit, remaining: state.remaining, resets_at: state.resets_at };
    if let Err(error) = deps.table.put_pacing(&pacing).await {
        tracing::debug!(error = %stevedore_lambda::ErrorChain(&error), "the pace was not kept");
    }
}
