//! The buyer of an order that the marketplace has made anonymous since: an earlier revision names him.

use stevedore_aws::{Error, StoredEntry, Table};
use stevedore_domain::order::Order;
use stevedore_domain::sale::{keep_buyer, names_somebody};
use stevedore_shipstation::parse_order;

/// Earlier revisions that are looked at.
const EARLIER: usize = 5;

/// Gives an order that names nobody the buyer of the newest earlier revision that names one. Answers whether there was one. Reads nothing for any other order.
///
/// # Errors
/// [`Error`].
pub async fn remember_buyer(table: &Table, order: &mut Order, stored: &StoredEntry) -> Result<bool, Error> {
    if names_somebody(order) || stored.entry.sale_id.is_some() {
        return Ok(false);
    }
    for seen in stored.entry.revisions.iter().rev().take(EARLIER) {
        let Some(raw) = table.order_revision(stored, &seen.key).await? else { continue };
        let Ok(earlier) = parse_order(raw.get(), seen.key.read_at) else { continue };
        if names_somebody(&earlier.order) {
            keep_buyer(order, &earlier.order);
            return Ok(true);
        }
    }
    Ok(false)
}
