//! Inputs and outcomes of booking an order.

use jiff::Timestamp;

use super::customer::{CustomerChoice, CustomerMatches};
use super::product::Products;
use super::record::Sale;
use crate::ids::SaleId;
use crate::money::AmountError;
use crate::reason::Reason;
use crate::reference::{Location, TaxRule};
use crate::settings::{Consolidation, Settings};
use crate::stock::{Levels, StockChange};
use crate::warning::Warning;

/// Data with which an order is booked.
#[derive(Clone, Copy, Debug)]
pub struct Booking<'a> {
    /// The settings in force.
    pub settings: &'a Settings,
    /// Customers that the order may belong to.
    pub customers: &'a CustomerMatches,
    /// Products that its lines may name.
    pub products: &'a Products,
    /// Every tax rule: the settings' default and those of places of business.
    pub tax_rules: &'a [TaxRule],
    /// Known levels of stock.
    pub levels: &'a Levels,
    /// Every location that the settings name; with order routing on, every location.
    pub locations: &'a [Location],
    /// The name of the order's ShipStation store, where known.
    pub store_name: Option<&'a str>,
    /// The id that the sale will have.
    pub sale_id: &'a SaleId,
    /// The sale's time of booking.
    pub booked_at: Timestamp,
}

impl Booking<'_> {
    /// True if the orders of a day become one sale: only the settings' customer is used then, also where one order is booked on its own (S105).
    pub(super) fn is_daily(&self) -> bool {
        self.settings.consolidation == Consolidation::Daily
    }
}

/// A sale, and what its customer still needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    /// The sale.
    pub sale: Sale,
    /// Its customer.
    pub customer: CustomerChoice,
    /// Changes of stock levels, written together with it.
    pub stock: Vec<StockChange>,
}

/// Reason for which there is no sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unbookable {
    /// Something is missing here; the order stays pending until it is there.
    Blocked(Warning),
    /// The order itself cannot be booked as it is.
    Failed(Warning),
}

impl Unbookable {
    /// Something is missing here.
    pub(super) fn blocked(reason: Reason, detail: &str) -> Self {
        Self::Blocked(Warning::new(reason, detail))
    }

    /// An amount of the order cannot be booked.
    pub(super) fn of_amount(error: AmountError) -> Self {
        let reason = match error {
            AmountError::NotExact(..) => Reason::AmountNotExact,
            AmountError::TooLarge(_) => Reason::AmountTooLarge,
        };
        Self::Failed(Warning::new(reason, &format!("{error}.")))
    }
}
