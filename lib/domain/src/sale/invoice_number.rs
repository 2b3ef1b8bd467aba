//! Numbers of invoices.

use crate::ids::SaleId;

/// The number of a sale's invoice: `INV501` for the sale `SO-501`, `INV501-2` for the order's second sale, `INVDAY-2026-05-04` for a day's.
///
/// It follows from the sale's id, which the table gives out once, so that no two invoices share a number (U18). Order numbers are not unique: splits, stores and
/// re-created sales repeat them. Invoices of earlier releases are called `INV-` and the order's number; a new number has no hyphen there, so it is none of these
/// whatever an order was called.
#[must_use]
pub fn invoice_number(sale: &SaleId) -> String {
    let id = sale.as_str();
    format!("INV{}", id.strip_prefix("SO-").unwrap_or(id))
}
