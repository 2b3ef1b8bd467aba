//! Changes in words, with their values.

use rust_decimal::Decimal;

use super::change::{Change, ChangeKind, Changes};
use crate::order::Item;

/// Number of changes that one sentence names: an order of a thousand lines must not fill the log.
const NAMED: usize = 5;
/// Number of characters of a line's name that are shown.
const LONGEST_LABEL: usize = 60;

impl Changes {
    /// The changes in a sentence; empty where there is none.
    #[must_use]
    pub fn sentence(&self) -> String {
        let changes: Vec<&Change> = self.changes.iter().filter(|change| change.kind != ChangeKind::Cancelled).collect();
        let named: Vec<String> = changes.iter().take(NAMED).map(|change| change.words()).collect();
        match (named.is_empty(), changes.len().saturating_sub(NAMED)) {
            (true, _) => String::new(),
            (false, 0) => format!("Changed: {}.", named.join("; ")),
            (false, more) => format!("Changed: {}; and {more} more.", named.join("; ")),
        }
    }
}

impl Change {
    /// The change in a few words.
    #[must_use]
    pub fn words(&self) -> String {
        let (from, to) = (self.from.as_deref().unwrap_or("nothing"), self.to.as_deref().unwrap_or("nothing"));
        match self.kind {
            ChangeKind::Cancelled => "cancelled".to_owned(),
            ChangeKind::OnHold => "put on hold".to_owned(),
            ChangeKind::LineAdded => format!("{to} added"),
            ChangeKind::LineRemoved => format!("{from} removed"),
            ChangeKind::LineReplaced => format!("{from} replaced by {to}"),
            ChangeKind::Merged => format!("combined with order {to}"),
            ChangeKind::Split => format!("split, with order {to}"),
            ChangeKind::AddressChanged
            | ChangeKind::QuantityRaised
            | ChangeKind::QuantityLowered
            | ChangeKind::PriceChanged
            | ChangeKind::TotalChanged
            | ChangeKind::WarehouseChanged
            | ChangeKind::StoreChanged
            | ChangeKind::AmountPaidLowered => format!("{} from {from} to {to}", self.path),
        }
    }
}

/// An amount with two decimals at least.
pub(super) fn amount(amount: Decimal) -> String {
    let mut amount = amount.normalize();
    if amount.scale() < 2 {
        amount.rescale(2);
    }
    amount.to_string()
}

/// Label of a line: its SKU, else its name.
pub(super) fn label(item: &Item) -> String {
    let text = item.sku.as_deref().map(str::trim).filter(|sku| !sku.is_empty()).or(item.name.as_deref()).unwrap_or("-");
    text.chars().take(LONGEST_LABEL).collect()
}

/// A line as it stands.
pub(super) fn line(item: &Item) -> String {
    format!("{} × {} at {}", item.quantity, label(item), amount(item.unit_price))
}
