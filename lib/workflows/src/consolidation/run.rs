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
    let asked = match &asked {
        Some(id) => pending_request(deps, id).await?,
        None => None,
    };
    let mut work = DueRuns { deps, deadline, asked, done: Vec::new(), unfinished: None };
    if let Some(newest) = deps.table.newest_run().await?.filter(StoredRun::is_done) {
        finish::complete(deps, &newest.run.operation_id, (deps.clock)()).await?;
    }
    let (reason, answer) = loop {
        match work.next().await? {
            Next::Run(run) => {
                if let Some(stop) = work.work_on(*run).await? {
                    break stop;
                }
            }
            Next::Again => {}
            Next::Stop(reason, answer) => break (reason, answer),
        }
    };
    let DueRuns { asked, done, unfinished, .. } = work;
    if let Some(asked) = asked {
        let answer = if done.is_empty() { answer } else { format!("{} {answer}", named(&done)) };
        answered(deps, asked, answer).await?;
    }
    metrics::record_overdue(unfinished, (deps.clock)());
    tracing::info!(?done, reason, "nothing more to consolidate");
    Ok(json!({"dates": done, "reason": reason}))
}

/// The runs that are due, one after the other.
struct DueRuns<'a> {
    deps: &'a Deps,
    deadline: Deadline,
    /// The operation of a person who asked, while nothing has come of it.
    asked: Option<Stored<Operation>>,
    /// Dates whose runs are done.
    done: Vec<Date>,
    /// The end of a day whose sale is not there yet when this invocation ends.
    unfinished: Option<Timestamp>,
}

/// Next step of an invocation.
enum Next {
    /// This run is held, and is to be worked on.
    Run(Box<StoredRun>),
    /// Another process was first: what is due is to be decided again.
    Again,
    /// Nothing more is done, for this reason, which is a code and a sentence.
    Stop(&'static str, String),
}

impl DueRuns<'_> {
    async fn next(&mut self) -> Result<Next, Error> {
        let deps = self.deps;
        let now = (deps.clock)();
        let (settings, since) = deps.table.daily_settings().await?;
        let newest = deps.table.newest_run().await?;
        let boundary = newest.as_ref().map(|stored| stored.run.boundary);
        let history = RunHistory { since: since.unwrap_or(now), last: newest.as_ref().map(|stored| LastRun::from(&stored.run)) };
        match due(now, &settings.value, &history)? {
            DueDecision::Off => Ok(Next::Stop("off", "Daily consolidation is off: orders become sales one by one.".to_owned())),
            DueDecision::Wait(run) => Ok(Next::Stop("not_due", waits(&run, &settings))),
            DueDecision::Begin(_) if !connected(deps).await? => {
                let answer = "ShipStation is not connected, and orders that were pending went with the connection.";
                Ok(Next::Stop("not_connected", answer.to_owned()))
            }
            DueDecision::Begin(run) => self.begin(run, settings).await,
            DueDecision::Continue(_) => {
                if let Some(run) = hold(deps, newest, self.deadline).await? {
                    return Ok(Next::Run(Box::new(run)));
                }
                self.unfinished = boundary;
                Ok(Next::Stop("already_running", "A run is at work already; its own operation tells how far it is.".to_owned()))
            }
        }
    }

    async fn begin(&mut self, run: DueRun, settings: StoredSettings) -> Result<Next, Error> {
        if let Some(run) = begin(self.deps, run, settings, self.asked.as_ref(), self.deadline).await? {
            self.asked = None;
            return Ok(Next::Run(Box::new(run)));
        }
        // Another process began it, or wrote the person's operation.
        self.asked = match &self.asked {
            Some(stored) => pending_request(self.deps, &stored.value.id).await?,
            None => None,
        };
        Ok(Next::Again)
    }

    /// Works on a run. Answers the reason to stop, where its time is over.
    async fn work_on(&mut self, run: StoredRun) -> Result<Option<(&'static str, String)>, Error> {
        let (date, boundary, held) = (run.run.local_date, run.run.boundary, run.held_until);
        match Box::pin(resume(self.deps, run, self.deadline)).await {
            Ok(Collected::Everything) => {
                self.done.push(date);
                Ok(None)
            }
            Ok(Collected::OutOfTime) => {
                self.unfinished = Some(boundary);
                self.deps.queues.send_command(&Command::Consolidate { operation_id: None }).await?;
                tracing::info!(%date, "out of time; the run is handed on");
                Ok(Some(("out_of_time", format!("The run of {date} goes on; its own operation tells how far it is."))))
            }
            Err(error) => {
                release_run(self.deps, date, held).await;
                Err(error)
            }
        }
    }
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

/// Works on a run to its end, or as far as the time allows; then what it has is stored for the next invocation.
async fn resume(deps: &Deps, run: StoredRun, deadline: Deadline) -> Result<Collected, Error> {
    // A day's orders stay until they are a sale: nothing else is connected meanwhile.
    let deps = &Deps { table: deps.table.of_account(run.account), ..deps.clone() };
    let mut collector = Collector::resume(deps, run).await?;
    let collected = collector.every_page(deadline).await?;
    match collected {
        Collected::Everything => Box::pin(finish::finish(deps, collector)).await?,
        Collected::OutOfTime => collector.checkpoint().await?,
    }
    Ok(collected)
}
