//! Reads the live sale of an order that no log entry ties to it: the order is tied to it again and not booked twice (P1, S150).

use stevedore_aws::{DetachedSale, OrderRecord};
use stevedore_domain::log::{ExistingSale, LogEntry};
use stevedore_domain::sale::Sale;

use super::{Deps, Failure};
use crate::booking::sale_stands;

/// Reads it. `conflicting` is a sale whose id the order's next one would have. Every order that has an entry and never had a sale costs no request.
pub(super) async fn read(deps: &Deps, known: Option<&OrderRecord>, conflicting: Option<&Sale>) -> Result<Option<ExistingSale>, Failure> {
    let found = match known {
        Some(OrderRecord::DetachedSale(detached)) => return of_detached_sale(deps, detached).await,
        Some(OrderRecord::Entry(stored)) => of_waiting_entry(deps, &stored.entry).await?,
        None => None,
    };
    Ok(found.or_else(|| conflicting.cloned()).and_then(own))
}

fn own(sale: Sale) -> Option<ExistingSale> {
    sale.voided_at.is_none().then(|| ExistingSale::Own(Box::new(sale)))
}

async fn of_detached_sale(deps: &Deps, detached: &DetachedSale) -> Result<Option<ExistingSale>, Failure> {
    if let (Some(_), Some(member)) = (detached.sale_id.day(), &detached.member) {
        let stands = sale_stands(&deps.table, &detached.sale_id).await?;
        return Ok(stands.then(|| ExistingSale::Day {
            id: detached.sale_id.clone(),
            booked_revision: member.booked_revision,
            sale_total: member.sale_total,
            currency: member.currency,
        }));
    }
    Ok(deps.table.sale(&detached.sale_id).await?.and_then(|stored| own(stored.sale)))
}

/// The live sale of an order that waits beside it: earlier releases remembered an order as skipped although its sale stood.
async fn of_waiting_entry(deps: &Deps, entry: &LogEntry) -> Result<Option<Sale>, Failure> {
    if !(entry.state.is_open() && entry.sale_id.is_none()) {
        return Ok(None);
    }
    let Some(last) = entry.last_own_sale().filter(|id| id.account() == entry.account) else { return Ok(None) };
    let sale = deps.table.sale(last).await?.map(|stored| stored.sale);
    Ok(sale.filter(|sale| sale.voided_at.is_none()))
}
