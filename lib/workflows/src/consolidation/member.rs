//! One order of a day: read, decided on and written.

use stevedore_aws::StoredEntry;
use stevedore_domain::consolidation::RunRecord;
use stevedore_domain::day_member::{MemberInput, MemberPlan, Membership, Release, membership, release};
use stevedore_domain::ids::{OrderId, SaleId};
use stevedore_domain::operation::OperationRow;
use stevedore_domain::order::Revision;
use stevedore_domain::sale::book;
use stevedore_domain::settings::Settings;
use stevedore_domain::stock::Levels;
use stevedore_shipstation::parse_order;

use super::{Deps, Error};
use crate::booking::{self, Alike, Kindred, Reference, remember_buyer};

/// Number of times that an order is decided on again because other processes wrote to it at the same time.
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

/// Decides on one order and writes it, again and again until no other process wrote in between.
pub(crate) async fn decide(deps: &Deps, terms: Terms<'_>, read: Read) -> Result<(OrderId, Membership), Error> {
    let order = read.stored.entry.order_id;
    let mut read = read;
    for _ in 0..ATTEMPTS {
        let MemberPlan { entry, membership } = plan(deps, terms, &read);
        let Some(entry) = entry else { return Ok((order, membership)) };
        if deps.table.put_in_run(&read.stored, entry, &read.kindred.beside).await? {
            return Ok((order, membership));
        }
        let Some(stored) = deps.table.log_entry(order).await? else { return Ok((order, Membership::Gone)) };
        read = self::read(deps, stored, read.page).await?;
    }
    Err(Error::Contended(order))
}

fn plan(deps: &Deps, terms: Terms<'_>, read: &Read) -> MemberPlan {
    let Terms { run, settings, reference } = terms;
    let now = (deps.clock)();
    // The day's sale picks its stock as a whole.
    let levels = Levels::default();
    let book = |revision: &Revision, sale_id: &SaleId| {
        let terms = booking::Terms { settings, levels: &levels, sale_id, booked_at: now };
        book(revision, reference.booking(revision, reference.customers(read.stored.entry.order_id), terms))
    };
    let (entry, revision, relatives) = (&read.stored.entry, read.revision.as_ref(), read.kindred.relatives.as_slice());
    membership(MemberInput { run, settings, entry, revision, relatives, book: &book, now })
}

/// Takes an order out of the day whose sum cannot hold it: it waits for the next day.
pub(crate) async fn leave_for_next_day(deps: &Deps, run: &RunRecord, order: OrderId) -> Result<Option<OperationRow>, Error> {
    for _ in 0..ATTEMPTS {
        let Some(stored) = deps.table.log_entry(order).await? else { return Ok(None) };
        let Release { row, entry } = release(run, &stored.entry, (deps.clock)());
        let Some(entry) = entry else { return Ok(Some(row)) };
        if deps.table.put_in_run(&stored, entry, &[]).await? {
            return Ok(Some(row));
        }
    }
    Err(Error::Contended(order))
}
