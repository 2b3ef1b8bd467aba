//! One order of a day: in, or left out with a reason.

use crate::booking::{Alike, Kindred, Reference, remember_buyer};
use jiff::Timestamp;
use stevedore_aws::StoredEntry;
use stevedore_domain::consolidation::RunRecord;
use stevedore_domain::ids::OrderId;
use stevedore_domain::log::{Decision, LogEntry, LogState, Outcome, Trigger, classify, hold};
use stevedore_domain::operation::OperationRow;
use stevedore_domain::order::Revision;
use stevedore_domain::reason::Reason;
use stevedore_domain::sale::{Sale, Unbookable, book};
use stevedore_domain::settings::Settings;
use stevedore_domain::stock::Levels;
use stevedore_domain::warning::Warning;
use stevedore_shipstation::parse_order;

use super::{Deps, Error};

/// Number of times that an order is decided on again because others wrote to it at the same time.
const ATTEMPTS: u32 = 20;

/// An order with its revision, where that can be read.
pub(crate) struct Read {
    stored: StoredEntry,
    pub(crate) revision: Option<Revision>,
    kindred: Kindred,
    page: Alike,
}

/// Terms on which the orders of a page are decided.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'a> {
    pub(crate) run: &'a RunRecord,
    pub(crate) settings: &'a Settings,
    pub(crate) reference: &'a Reference,
}

/// Outcome of an order.
pub(crate) enum Membership {
    /// It is in the day; this is its own sale, to be added up.
    In(Box<Sale>),
    /// It is not, for a reason.
    Out(Box<OperationRow>),
    /// It is none of the day's: cancelled, booked otherwise or deleted meanwhile.
    Gone,
}

/// Writes for an order, if any.
struct Plan {
    entry: Option<LogEntry>,
    membership: Membership,
}

/// Reads the revision that the day takes: of an order that is in already, the one that it was taken with, whatever came later.
///
/// `page` holds the orders of its page that look like it: captured a moment ago, they may be in no index yet.
pub(crate) async fn read(deps: &Deps, stored: StoredEntry, page: Alike) -> Result<Read, Error> {
    let key = stored.entry.booked_revision().or_else(|| stored.entry.newest().copied());
    let raw = match &key {
        Some(key) => deps.table.order_revision(&stored, key).await?,
        None => None,
    };
    let mut revision = raw.and_then(|raw| parse_order(raw.get(), key.and_then(|key| key.read_at)).ok());
    let mut kindred = Kindred::default();
    if let Some(revision) = revision.as_mut().filter(|_| stored.entry.booked_revision().is_none()) {
        remember_buyer(&deps.table, &mut revision.order, &stored).await?;
        let alike = page.clone().look(&deps.table, &revision.order).await?;
        kindred = Kindred::read(&deps.table, &revision.order, Some(&stored.entry), &alike).await?;
    }
    Ok(Read { stored, revision, kindred, page })
}

/// Decides on one order and writes it, again and again until nobody else wrote in between.
pub(crate) async fn decide(deps: &Deps, terms: Terms<'_>, read: Read) -> Result<(OrderId, Membership), Error> {
    let order = read.stored.entry.order_id;
    let mut read = read;
    for _ in 0..ATTEMPTS {
        let Plan { entry, membership } = plan(terms, &read, (deps.clock)());
        let Some(entry) = entry else { return Ok((order, membership)) };
        if deps.table.put_in_run(&read.stored, entry, &read.kindred.beside).await? {
            return Ok((order, membership));
        }
        let Some(stored) = deps.table.log_entry(order).await? else { return Ok((order, Membership::Gone)) };
        read = self::read(deps, stored, read.page).await?;
    }
    Err(Error::Contended(order))
}

fn plan(terms: Terms<'_>, read: &Read, now: Timestamp) -> Plan {
    let Terms { run, settings, reference } = terms;
    let known = &read.stored.entry;
    let day = run.sale_id();
    let within = known.state == LogState::Consolidating && known.sale_id.as_ref() == Some(&day);
    let open = matches!(known.state, LogState::Pending | LogState::Blocked | LogState::Failed) && run.takes(known.captured_at);
    if !(within || open) {
        let membership = left_out_before(run, known).map_or(Membership::Gone, |row| Membership::Out(Box::new(row)));
        return Plan { entry: None, membership };
    }
    let by = run.operation_id.as_str();
    if let Some(plan) = read.revision.as_ref().filter(|_| !within).and_then(|revision| not_now(revision, settings, read, by, now)) {
        return plan;
    }
    let levels = Levels::default();
    let booked = match (&read.revision, known.booked_revision().or_else(|| known.newest().copied())) {
        (Some(revision), Some(key)) => {
            let terms = crate::booking::Terms { settings, levels: &levels, sale_id: &day, booked_at: now };
            book(revision, reference.booking(revision, reference.customers(known.order_id), terms)).map(|booked| (booked.sale, key))
        }
        _ => Err(Unbookable::Failed(Warning::new(Reason::MalformedOrder, ""))),
    };
    let mut entry = known.clone();
    match booked {
        Ok((sale, _)) if within && entry.sale_total == Some(sale.total) => Plan { entry: None, membership: Membership::In(Box::new(sale)) },
        Ok((sale, _)) if within => {
            // Reference data changed since it was taken, and the run was cut off in between.
            entry.sale_total = Some(sale.total);
            Plan { entry: Some(entry), membership: Membership::In(Box::new(sale)) }
        }
        Ok((sale, key)) => {
            entry.add_to_day(&day, key, &sale, now, by);
            Plan { entry: Some(entry), membership: Membership::In(Box::new(sale)) }
        }
        Err(unbookable) => {
            let (state, why) = match unbookable {
                Unbookable::Blocked(why) => (LogState::Blocked, why),
                Unbookable::Failed(why) => (LogState::Failed, why),
            };
            let row = row(&entry, state, &why);
            let news = if within {
                entry.remove_from_day(state, why, now, by);
                true
            } else {
                entry.exclude(state, why, now, by)
            };
            Plan { entry: news.then_some(entry), membership: Membership::Out(Box::new(row)) }
        }
    }
}

/// The row of an order that this run has set aside before it was cut off.
fn left_out_before(run: &RunRecord, known: &LogEntry) -> Option<OperationRow> {
    let outcome = match (known.state, known.reason) {
        (LogState::Skipped, Some(reason)) => Decision::Remember(reason).outcome(),
        (LogState::Withdrawn, _) => Outcome::Cancelled,
        _ => return None,
    };
    let ours = known.timeline.last().is_some_and(|event| event.by == run.operation_id.as_str());
    let row = OperationRow::decided(known.order_id, &known.order_number, outcome, known.reason);
    ours.then(|| OperationRow { message: known.message.clone(), ..row })
}

/// Membership of an order that is pending and would not be captured now: the stage holds at booking, under the run's settings, and what a sale holds already is not
/// booked again. Nothing where it may be in the day.
fn not_now(revision: &Revision, settings: &Settings, read: &Read, by: &str, now: Timestamp) -> Option<Plan> {
    let known = &read.stored.entry;
    let mut entry = known.clone();
    let out = |entry: LogEntry, news: bool, outcome: Outcome, why: &Warning| {
        let row = OperationRow::decided(entry.order_id, &entry.order_number, outcome, Some(why.reason));
        let row = OperationRow { message: Some(why.message.clone()), ..row };
        Some(Plan { entry: news.then_some(entry), membership: Membership::Out(Box::new(row)) })
    };
    let decision = classify(revision, settings, Some(known), Trigger::Manual);
    let (state, why) = match decision {
        Decision::Withdraw(reason) => (LogState::Withdrawn, Warning::new(reason, "")),
        Decision::Remember(reason) => (LogState::Skipped, Warning::new(reason, "")),
        _ => {
            let (why, held_for) = hold(&revision.order, known, &read.kindred.relatives)?;
            let news = entry.hold(why.clone(), held_for, now, by);
            return out(entry, news, Outcome::Waiting, &why);
        }
    };
    let news = entry.exclude(state, why.clone(), now, by);
    out(entry, news, decision.outcome(), &why)
}

/// Lets an order go that the day's sum cannot hold: it waits for the next day.
pub(crate) async fn release(deps: &Deps, run: &RunRecord, order: OrderId) -> Result<Option<OperationRow>, Error> {
    for _ in 0..ATTEMPTS {
        let Some(stored) = deps.table.log_entry(order).await? else { return Ok(None) };
        let why = Warning::new(Reason::DayTooLarge, "");
        let row = row(&stored.entry, LogState::Pending, &why);
        if stored.entry.state != LogState::Consolidating || stored.entry.sale_id != Some(run.sale_id()) {
            return Ok(Some(row));
        }
        let mut entry = stored.entry.clone();
        entry.remove_from_day(LogState::Pending, why, (deps.clock)(), run.operation_id.as_str());
        if deps.table.put_in_run(&stored, entry, &[]).await? {
            return Ok(Some(row));
        }
    }
    Err(Error::Contended(order))
}

fn row(entry: &LogEntry, state: LogState, why: &Warning) -> OperationRow {
    let outcome = if state == LogState::Failed { Outcome::Failed } else { Outcome::Waiting };
    let row = OperationRow::decided(entry.order_id, &entry.order_number, outcome, Some(why.reason));
    OperationRow { message: Some(why.message.clone()), ..row }
}
