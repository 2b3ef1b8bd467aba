//! Differences between two revisions.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The order was cancelled.
    Cancelled,
    /// It was put on hold.
    OnHold,
    /// The shipping or the billing address.
    AddressChanged,
    /// A line, discount or charge more.
    LineAdded,
    /// One less.
    LineRemoved,
    /// Other goods, or other chosen options, in the place of a line's.
    LineReplaced,
    /// More of a line's goods.
    QuantityRaised,
    /// Less of a line's goods.
    QuantityLowered,
    /// The price of one of a line's goods, or the amount of a discount or charge.
    PriceChanged,
    /// The order's total, or the tax or shipping in it.
    TotalChanged,
    /// The warehouse that ships it.
    WarehouseChanged,
    /// The store that sold it.
    StoreChanged,
    /// Another order was combined into it.
    Merged,
    /// A part of it became an order of its own.
    Split,
    /// Less is paid than was booked as paid (docs/requirements.md, section 6): never a negative payment.
    AmountPaidLowered,
}

/// One difference between two revisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its kind.
    pub kind: ChangeKind,
    /// Path of the difference: `order_total`, `ship_to.street1`, `items[SKU].quantity`.
    pub path: String,
    /// As it was booked; none where there was nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// As it is now; none where there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// Every difference that matters to the books.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// In the order of their kinds' weight: what became of the order, then its goods, its money, its places.
    pub changes: Vec<Change>,
    /// The money at stake: what the total moved by; of a cancelled order all of it, with a minus.
    pub at_stake: Decimal,
}

impl Change {
    pub(super) fn new(kind: ChangeKind, path: impl Into<String>, from: Option<String>, to: Option<String>) -> Self {
        Self { kind, path: path.into(), from, to }
    }
}
