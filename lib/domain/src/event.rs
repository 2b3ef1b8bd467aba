//! Events for other systems (N26).
//!
//! An event is not an item of its own: it is named on the item that the fact changed, by the write that changed it. The table's stream carries that
//! out, in the order of the writes to each item and at least once.

use serde::{Deserialize, Serialize};

/// Kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A sale came into being.
    SaleCreated,
    /// A sale's invoice was authorised, at once or later.
    InvoiceAuthorised,
    /// A payment was added to an invoice, by a person or by a newer revision of the order.
    PaymentAdded,
    /// A draft was adjusted by a person.
    SaleAdjusted,
    /// A sale's fulfilment went on after it was created.
    FulfilmentChanged,
    /// A sale was voided.
    SaleVoided,
    /// A level of stock changed.
    StockChanged,
    /// A download has ended: the present availability of every product that it changed, for other channels (S127).
    StockUpdated,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::SaleCreated,
        Self::InvoiceAuthorised,
        Self::PaymentAdded,
        Self::SaleAdjusted,
        Self::FulfilmentChanged,
        Self::SaleVoided,
        Self::StockChanged,
        Self::StockUpdated,
    ];

    /// The text on the item and in the event.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SaleCreated => "sale_created",
            Self::InvoiceAuthorised => "invoice_authorised",
            Self::PaymentAdded => "payment_added",
            Self::SaleAdjusted => "sale_adjusted",
            Self::FulfilmentChanged => "fulfilment_changed",
            Self::SaleVoided => "sale_voided",
            Self::StockChanged => "stock_changed",
            Self::StockUpdated => "stock_updated",
        }
    }
}
