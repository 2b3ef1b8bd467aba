//! Start of the run that is due, its holder, and its hand-over.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use stevedore_aws::messages::Command;
use stevedore_aws::{Stored, StoredRun, StoredSettings};
use stevedore_domain::consolidation::{DueDecision, DueRun, LastRun, RunHistory, RunRecord, due};
use stevedore_domain::ids::OperationId;
use stevedore_domain::log::Trigger;
use stevedore_domain::operation::{Operation, OperationKind, OperationState, SCHEDULE};
use stevedore_lambda::{Deadline, ErrorChain};

use super::collect::{Collected, Collector};
use super::{Deps, Error, finish, metrics};

/// Time for which a run stays held after the invocation that holds it has ended by force.
const AFTER_THE_END: SignedDuration = SignedDuration::from_mins(1);

/// Begins every run that is due, or goes on with the one that was cut off; the earliest date first. `asked` is the operation of a person who asked.
pub(crate) async fn run_due(deps: &Deps, asked: Option<OperationId>, deadline: Deadline) -> Result<Value, Error> {
    let deps = &Deps { table: deps.table.of_connected_account().await?, ..deps.clone() };
    let mut asked = match &asked {
        Some(id) => pending_request(deps, id).await?,
        None => None,
    };
    let mut done: Vec<Date> = Vec::new();
    // The end of a day whose sale is not there yet when this invocation ends.
    let mut unfinished = None;
    if let Some(newest) = deps.table.newest_run().await?.filter(StoredRun::is_done) {
        finish::complete(deps, &newest.run.operation_id, (deps.clock)()).await?;
    }
    let (reason, answer) = loop {
        let now = (deps.clock)();
        let (settings, since) = deps.table.daily_settings().await?;
        let newest = deps.table.newest_run().await?;
        let boundary = newest.as_ref().map(|stored| stored.run.boundary);
        let history = RunHistory { since: since.unwrap_or(now), last: newest.as_ref().map(|stored| LastRun::from(&stored.run)) };
        let run = match due(now, &settings.value, &history)? {
            DueDecision::Off => break ("off", "Daily consolidation is off: orders become sales one by one.".to_owned()),
            DueDecision::Wait(run) => break ("not_due", waits(&run, &settings)),
            DueDecision::Begin(_) if !connected(deps).await? => {
                break ("not_connected", "ShipStation is not connected, and orders that were pending went with the connection.".to_owned());
            }
            DueDecision::Begin(run) => {
                if let Some(run) = begin(deps, run, settings, asked.as_ref(), deadline).await? {
                    asked = None;
                    run
                } else {
                    // Somebody else began it, or wrote the person's operation.
                    asked = match &asked {
                        Some(stored) => pending_request(deps, &stored.value.id).await?,
                        None => None,
                    };
                    continue;
                }
            }
            DueDecision::Continue(_) => {
                let Some(run) = hold(deps, newest, deadline).await? else {
                    unfinished = boundary;
                    break ("already_running", "A run is at work already; its own operation tells how far it is.".to_owned());
                };
                run
            }
        };
        let (date, boundary, held) = (run.run.local_date, run.run.boundary, run.held_until);
        match Box::pin(resume(deps, run, deadline)).await {
            Ok(true) => done.push(date),
            Ok(false) => {
                unfinished = Some(boundary);
                deps.queues.send_command(&Command::Consolidate { operation_id: None }).await?;
                tracing::info!(%date, "out of time; the run is handed on");
                break ("out_of_time", format!("The run of {date} goes on; its own operation tells how far it is."));
            }
            Err(error) => {
                release_run(deps, date, held).await;
                return Err(error);
            }
        }
    };
    if let Some(asked) = asked {
        let answer = if done.is_empty() { answer } else { format!("{} {answer}", named(&done)) };
        answered(deps, asked, answer).await?;
    }
    metrics::record_overdue(unfinished, (deps.clock)());
    tracing::info!(?done, reason, "nothing more to consolidate");
    Ok(json!({"dates": done, "reason": reason}))
}

/// The operation of a person who asked, while nothing has come of it.
async fn pending_request(deps: &Deps, id: &OperationId) -> Result<Option<Stored<Operation>>, Error> {
    let stored = deps.table.operation(id).await?.ok_or_else(|| Error::NoOperation(id.clone()))?;
    let open = !stored.value.state.is_final() && stored.value.kind == OperationKind::Consolidate { local_date: None };
    Ok(open.then_some(stored))
}

/// Ends the operation of a person whose word began no run.
async fn answered(deps: &Deps, asked: Stored<Operation>, answer: String) -> Result<(), Error> {
    let now = (deps.clock)();
    let operation =
        Operation { state: OperationState::Completed, message: Some(answer), read_at: Some(now), finished_at: Some(now), ..asked.value };
    // Whoever else wrote it answered it.
    deps.table.put_operation(&operation, asked.version).await?;
    Ok(())
}

fn waits(run: &DueRun, settings: &StoredSettings) -> String {
    let zone = TimeZone::get(&settings.value.time_zone).unwrap_or(TimeZone::UTC);
    let at = run.boundary.to_zoned(zone).strftime("%Y-%m-%d %H:%M");
    format!("Nothing is due. The orders of {} become one sale at {at}.", run.local_date)
}

fn named(dates: &[Date]) -> String {
    let dates: Vec<String> = dates.iter().map(ToString::to_string).collect();
    format!("The run of {} is done.", dates.join(", "))
}

/// True if there is a whole connection. Without one the log may still hold what a slow invocation
/// wrote for the account that was disconnected, until it is swept.
async fn connected(deps: &Deps) -> Result<bool, Error> {
    Ok(deps.table.connection().await?.is_some_and(|connection| !connection.value.disconnecting))
}

/// Nobody else works on the run while this invocation can: Lambda ends it at its deadline.
fn held_until(now: Timestamp, deadline: Deadline) -> Timestamp {
    let left = SignedDuration::try_from(deadline.remaining(now)).unwrap_or_default();
    now.saturating_add(left.saturating_add(AFTER_THE_END)).unwrap_or(now)
}

/// Writes the marker, with a condition that decides, and the operation with it. Nothing where somebody else was first.
async fn begin(
    deps: &Deps,
    run: DueRun,
    settings: StoredSettings,
    asked: Option<&Stored<Operation>>,
    deadline: Deadline,
) -> Result<Option<StoredRun>, Error> {
    let now = (deps.clock)();
    let kind = OperationKind::Consolidate { local_date: Some(run.local_date) };
    let operation = match asked {
        Some(asked) => Operation { kind, state: OperationState::Running, ..asked.value.clone() },
        None => Operation {
            id: OperationId::at(now, &format!("{}-{}", kind.spec().name, run.local_date), 1),
            trigger: Trigger::Schedule,
            state: OperationState::Running,
            ..Operation::new(kind, deps.table.account(), SCHEDULE, now)
        },
    };
    let record = RunRecord::new(run, settings.version, operation.id.clone(), now);
    let stored = StoredRun { account: deps.table.account(), ..StoredRun::new(record, settings.value, held_until(now, deadline)) };
    let begun = deps.table.begin_run(&stored, &operation, asked.map(|asked| asked.version)).await?;
    if begun {
        tracing::info!(date = %run.local_date, boundary = %run.boundary, operation_id = %operation.id, "consolidation begins");
    }
    Ok(begun.then_some(StoredRun { version: 1, ..stored }))
}

/// Takes hold of a run that was cut off. Nothing while somebody else works on it.
async fn hold(deps: &Deps, run: Option<StoredRun>, deadline: Deadline) -> Result<Option<StoredRun>, Error> {
    let now = (deps.clock)();
    let Some(mut run) = run.filter(|run| run.held_until.is_none_or(|until| until <= now)) else { return Ok(None) };
    run.held_until = Some(held_until(now, deadline));
    Ok(deps.table.put_run(&run).await?.map(|version| StoredRun { version, ..run }))
}

/// Gives a run back after an error, as far as that works; else it comes free by itself. Only this invocation's own hold, `held`, is given back: after its time
/// another invocation may have taken the run.
async fn release_run(deps: &Deps, date: Date, held: Option<Timestamp>) {
    let freed = async {
        if let Some(run) = deps.table.run(date).await?.filter(|run| run.held_until.is_some() && run.held_until == held && !run.is_done()) {
            deps.table.put_run(&StoredRun { held_until: None, ..run }).await?;
        }
        Ok::<_, stevedore_aws::Error>(())
    };
    if let Err(error) = freed.await {
        tracing::warn!(error = %ErrorChain(&error), "the run could not be given back; it comes free by itself");
    }
}

/// Works on a run. Answers whether it is done; else its time is over, and what it has is put away.
async fn resume(deps: &Deps, run: StoredRun, deadline: Deadline) -> Result<bool, Error> {
    // A day's orders stay until they are a sale: nothing else is connected meanwhile.
    let deps = &Deps { table: deps.table.of_account(run.account), ..deps.clone() };
    let mut collector = Collector::resume(deps, run).await?;
    if collector.every_page(deadline).await? == Collected::Everything {
        Box::pin(finish::finish(deps, collector)).await?;
        return Ok(true);
    }
    collector.checkpoint().await?;
    Ok(false)
}
