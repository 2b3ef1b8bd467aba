//! Reads the state that a revision of an order that has a sale is compared with. Every other order pays nothing for this.

use serde_json::value::RawValue;
use stevedore_aws::{DetachedSale, OrderRecord, StoredEntry, StoredSale};
use stevedore_domain::log::{AfterBooking, Decision, LogState, Trigger, classify};
use stevedore_domain::order::{Order, Revision, RevisionKey};
use stevedore_shipstation::parse_order;

use super::batch_context::BatchContext;
use super::{Deps, Failure};

/// The state as it was read.
pub(super) struct ReadAfterBooking {
    pub(super) state: AfterBooking,
    /// The version of the sale in it.
    sale_version: u64,
}

impl ReadAfterBooking {
    fn new(booked: Option<Order>, sale: Option<StoredSale>) -> Self {
        let sale_version = sale.as_ref().map_or(0, |stored| stored.version);
        Self { state: AfterBooking { booked, sale: sale.map(|stored| stored.sale) }, sale_version }
    }

    /// The sale with its payment, on the version that was read.
    pub(super) fn paid(&self, sale: stevedore_domain::sale::Sale) -> StoredSale {
        StoredSale { sale, version: self.sale_version }
    }
}

/// Reads what a newer revision of an order that has a sale is compared with.
pub(super) async fn read(
    deps: &Deps,
    context: &BatchContext,
    trigger: Trigger,
    revision: &Revision,
    known: &OrderRecord,
) -> Result<Option<Box<ReadAfterBooking>>, Failure> {
    let stored = match known {
        OrderRecord::Entry(stored) => stored,
        OrderRecord::DetachedSale(detached) => return of_detached_sale(deps, detached, revision).await,
    };
    if !matches!(classify(revision, &context.settings, Some(&stored.entry), trigger), Decision::NoteChange(_)) {
        return Ok(None);
    }
    let raw = match stored.entry.booked_revision() {
        Some(key) => deps.table.order_revision(stored, &key).await?.map(|raw| (raw, key)),
        None => None,
    };
    let booked = raw.and_then(|(raw, key)| read_order(&raw, &key));
    let sale = match &booked {
        Some(booked) if stored.entry.state == LogState::Booked => sale(deps, stored, booked, &revision.order).await?,
        _ => None,
    };
    Ok(Some(Box::new(ReadAfterBooking::new(booked, sale))))
}

/// State that an order whose log entry was deleted is compared with, should its sale still stand.
async fn of_detached_sale(deps: &Deps, detached: &DetachedSale, revision: &Revision) -> Result<Option<Box<ReadAfterBooking>>, Failure> {
    let Some(key) = detached.booked_revision().filter(|key| !revision.says(key.digest)) else { return Ok(None) };
    let raw = deps.table.stored_revision(detached.order_id, &key).await?;
    Ok(Some(Box::new(ReadAfterBooking::new(raw.and_then(|raw| read_order(&raw, &key)), None))))
}

fn read_order(raw: &RawValue, key: &RevisionKey) -> Option<Order> {
    parse_order(raw.get(), key.read_at).ok().map(|revision| revision.order)
}

/// The order's sale. A day's may be large: it is read where a payment of this order changed, or did before.
async fn sale(deps: &Deps, stored: &StoredEntry, booked: &Order, newest: &Order) -> Result<Option<StoredSale>, Failure> {
    let entry = &stored.entry;
    if let Some(sale) = stored.inline_sale().filter(|sale| Some(&sale.id) == entry.sale_id.as_ref()) {
        return Ok(Some(StoredSale { sale: sale.clone(), version: stored.version }));
    }
    match &entry.sale_id {
        Some(id) if entry.was_paid_later() || booked.amount_paid != newest.amount_paid => Ok(deps.table.sale(id).await?),
        _ => Ok(None),
    }
}
