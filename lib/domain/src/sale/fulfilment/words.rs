//! Fulfilment in words.

use super::super::allocation::Allocation;
use super::super::record::Sale;
use super::super::stage::StageStatus;

impl Sale {
    /// Extent of fulfilment in a few words.
    #[must_use]
    pub fn fulfilment_in_words(&self) -> &'static str {
        match (self.pick.status, self.pack.status, self.ship.status) {
            (_, _, StageStatus::Authorised) => "shipped",
            (_, StageStatus::Authorised, _) => "packed",
            (StageStatus::Authorised, ..) => "picked",
            _ => "not picked",
        }
    }

    /// The SKU under which a claim is shown.
    #[must_use]
    pub fn sku_of<'a>(&'a self, allocation: &'a Allocation) -> &'a str {
        let own = || {
            let line = self.lines.iter().find(|line| line.product_id.as_ref() == Some(&allocation.product_id))?;
            line.sku.as_deref()
        };
        allocation.sku.as_deref().or_else(own).unwrap_or(allocation.product_id.as_str())
    }
}
