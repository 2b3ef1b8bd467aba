//! One order of a day: in, or left out with a reason.

use jiff::Timestamp;
use stevedore_aws::{OperationRow, StoredEntry};
use stevedore_booking::Reference;
use stevedore_domain::consolidation::RunRecord;
use stevedore_domain::ids::OrderId;
use stevedore_domain::log::{LogEntry, LogState, Outcome};
use stevedore_domain::order::Revision;
use stevedore_domain::reason::Reason;
use stevedore_domain::sale::{Sale, Unbookable, Warning, book};
use stevedore_domain::settings::Settings;
use stevedore_domain::stock::Levels;
use stevedore_shipstation::parse_order;

use crate::{Deps, Error};

/// How often an order is decided on anew because others wrote to it at the same time.
const ATTEMPTS: u32 = 20;

/// An order with its revision, where that can be read.
pub(crate) struct Read {
    stored: StoredEntry,
    pub(crate) revision: Option<Revision>,
}

/// What the orders of a page are decided with.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'a> {
    pub(crate) run: &'a RunRecord,
    pub(crate) settings: &'a Settings,
    pub(crate) reference: &'a Reference,
}

/// What became of an order.
pub(crate) enum Fate {
    /// It is in the day; this is its own sale, to be added up.
    In(Box<Sale>),
    /// It is not, for a reason.
    Out(Box<OperationRow>),
    /// It is none of the day's: cancelled, booked otherwise or deleted meanwhile.
    Gone,
}

/// What is to be written of an order, if anything.
struct Plan {
    entry: Option<LogEntry>,
    fate: Fate,
}

/// Reads the revision that the day takes: of an order that is in already, the one that it was taken with, whatever came later.
pub(crate) async fn read(deps: &Deps, stored: StoredEntry) -> Result<Read, Error> {
    let key = stored.entry.booked_revision().or_else(|| stored.entry.newest().copied());
    let raw = match &key {
        Some(key) => deps.table.order_revision(&stored, key).await?,
        None => None,
    };
    let revision = raw.and_then(|raw| parse_order(raw.get(), key.and_then(|key| key.read_at)).ok());
    Ok(Read { stored, revision })
}

/// Decides on one order and writes it, again and again until nobody else wrote in between.
pub(crate) async fn decide(deps: &Deps, terms: Terms<'_>, read: Read) -> Result<(OrderId, Fate), Error> {
    let order = read.stored.entry.order_id;
    let mut read = read;
    for _ in 0..ATTEMPTS {
        let Plan { entry, fate } = plan(terms, &read, (deps.clock)());
        let Some(entry) = entry else { return Ok((order, fate)) };
        if deps.table.put_in_run(&read.stored, entry).await? {
            return Ok((order, fate));
        }
        let Some(stored) = deps.table.log_entry(order).await? else { return Ok((order, Fate::Gone)) };
        read = self::read(deps, stored).await?;
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
        return Plan { entry: None, fate: Fate::Gone };
    }
    let levels = Levels::default();
    let booked = match (&read.revision, known.booked_revision().or_else(|| known.newest().copied())) {
        (Some(revision), Some(key)) => {
            let terms = stevedore_booking::Terms { settings, levels: &levels, sale_id: &day, booked_at: now };
            book(revision, reference.booking(revision, reference.customers(known.order_id), terms)).map(|booked| (booked.sale, key))
        }
        _ => Err(Unbookable::Failed(Warning::new(Reason::MalformedOrder, ""))),
    };
    let mut entry = known.clone();
    let by = run.operation_id.as_str();
    match booked {
        Ok((sale, _)) if within && entry.sale_total == Some(sale.total) => Plan { entry: None, fate: Fate::In(Box::new(sale)) },
        Ok((sale, _)) if within => {
            // Reference data changed since it was taken, and the run was cut off in between.
            entry.sale_total = Some(sale.total);
            Plan { entry: Some(entry), fate: Fate::In(Box::new(sale)) }
        }
        Ok((sale, key)) => {
            entry.gather(&day, key, &sale, now, by);
            Plan { entry: Some(entry), fate: Fate::In(Box::new(sale)) }
        }
        Err(unbookable) => {
            let (state, why) = match unbookable {
                Unbookable::Blocked(why) => (LogState::Blocked, why),
                Unbookable::Failed(why) => (LogState::Failed, why),
            };
            let row = row(&entry, state, &why);
            let news = if within {
                entry.leave_day(state, why, now, by);
                true
            } else {
                entry.leave_out(state, why, now, by)
            };
            Plan { entry: news.then_some(entry), fate: Fate::Out(Box::new(row)) }
        }
    }
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
        entry.leave_day(LogState::Pending, why, (deps.clock)(), run.operation_id.as_str());
        if deps.table.put_in_run(&stored, entry).await? {
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
