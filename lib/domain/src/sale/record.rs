//! The record of a sale.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::adjusted::Adjusted;
use super::allocation::Allocation;
use super::assembly::Assembly;
use super::invoice::Invoice;
use super::line::{Charge, Discount, SaleLine, SaleTaxRule};
use super::purchase::Purchase;
use super::source::Source;
use super::stage::{Stage, StageStatus};
use crate::address::Address;
use crate::allocate::allocate_components;
use crate::ids::{CustomerId, LocationId, SaleId};
use crate::money::{Currency, Minor};
use crate::order::RevisionKey;
use crate::reference::TaxComponent;
use crate::warning::Warning;

/// A sale (task): the order, invoice, fulfilment and payments that one order became. Amounts are in minor units of `currency`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    /// Derived from the order or the day.
    pub id: SaleId,
    /// Number that people use: the order's number, which is not unique, or the day's.
    pub number: String,
    /// Origin of the sale.
    pub kind: SaleKind,
    /// The order or the day it was made from.
    pub source: Source,
    /// The buyer.
    pub customer: SaleCustomer,
    /// The order's own billing address.
    #[serde(default, skip_serializing_if = "Address::is_blank")]
    pub bill_to: Address,
    /// The order's own ship-to address.
    #[serde(default, skip_serializing_if = "Address::is_blank")]
    pub ship_to: Address,
    /// The ShipStation store's name, where the settings ask for it (S43).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sales_representative: Option<String>,
    /// Location of the goods.
    pub location_id: LocationId,
    /// Reason for that location.
    pub location_reason: String,
    /// The settings' price tier at the time.
    pub price_tier: u8,
    /// The settings' currency at the time.
    pub currency: Currency,
    /// Lines that were sold.
    pub lines: Vec<SaleLine>,
    /// Additional charges on the whole order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charges: Vec<Charge>,
    /// Discounts on the whole order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discounts: Vec<Discount>,
    /// The tax rules that lines name, as they were when the sale was booked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tax_rules: Vec<SaleTaxRule>,
    /// The lines' totals.
    pub subtotal: Minor,
    /// The taxes of lines and charges.
    pub tax: Minor,
    /// Lines + charges − discounts + tax.
    pub total: Minor,
    /// Tax that the marketplace collected and pays itself (N17): no tax of ours, and no part of the total.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld_tax: Option<Minor>,
    /// The invoice.
    pub invoice: Invoice,
    /// Its claims on stock.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allocations: Vec<Allocation>,
    /// Assemblies that are made for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assemblies: Vec<Assembly>,
    /// Orders to suppliers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purchases: Vec<Purchase>,
    /// Picking.
    #[serde(default, skip_serializing_if = "Stage::is_untouched")]
    pub pick: Stage,
    /// Packing.
    #[serde(default, skip_serializing_if = "Stage::is_untouched")]
    pub pack: Stage,
    /// Shipping.
    #[serde(default, skip_serializing_if = "Stage::is_untouched")]
    pub ship: Stage,
    /// Warnings for a person about how it was booked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// The order's own date on the merchant's calendar. None on a day's sale, which has its day's, and on sales that were booked before it was kept.
    /// It is written as payments write theirs, which is nearly always the same date.
    #[serde(default, rename = "date", skip_serializing_if = "Option::is_none")]
    pub order_date: Option<Date>,
    /// People's changes of it while it was a draft (S39).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjusted: Option<Box<Adjusted>>,
    /// Time at which it was booked.
    pub created_at: Timestamp,
    /// Time at which it was voided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voided_at: Option<Timestamp>,
    /// The order's revision that it was made from. The orders of a day have their own each, in the log. Not written where the sale stands in one item with
    /// its order's log entry, which says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booked_revision: Option<RevisionKey>,
}

/// Origin of a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SaleKind {
    /// One order.
    Order,
    /// A day's orders.
    Consolidated,
    /// A refund of an order that is older than the integration.
    RefundOnly,
}

/// The customer as the sale names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleCustomer {
    /// Ours.
    pub id: CustomerId,
    /// At the time of booking.
    pub name: String,
    /// At the time of booking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// A sale's own status, derived from its stages and never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SaleStatus {
    /// The invoice waits for a person.
    Draft,
    /// The invoice is authorised.
    Authorised,
    /// The goods have left.
    Shipped,
    /// Undone; kept as a record.
    Voided,
}

impl Sale {
    /// Part of a line's tax that each component of its rule takes; the amounts add up to it exactly. Empty where the rule has no components.
    #[must_use]
    pub fn tax_allocation(&self, line: &SaleLine) -> Vec<(&TaxComponent, Minor)> {
        let rule = self.tax_rules.iter().find(|rule| rule.id == line.tax_rule);
        let components = rule.map(|rule| rule.components.as_slice()).unwrap_or_default();
        components.iter().zip(allocate_components(line.tax, components)).collect()
    }

    /// The date of sale and invoice: the order's own, or the local date of a day's sale. Sales that were booked before it was kept have none.
    #[must_use]
    pub fn dated(&self) -> Option<Date> {
        match &self.source {
            Source::Order(_) => self.order_date,
            Source::Day(day) => Some(day.local_date),
        }
    }

    /// The sale's status, from its stages.
    #[must_use]
    pub fn status(&self) -> SaleStatus {
        if self.voided_at.is_some() {
            SaleStatus::Voided
        } else if self.ship.status == StageStatus::Authorised {
            SaleStatus::Shipped
        } else if self.invoice.status == StageStatus::Authorised {
            SaleStatus::Authorised
        } else {
            SaleStatus::Draft
        }
    }

    /// Lines + charges − discounts + tax, computed anew from the parts.
    #[must_use]
    pub fn sum_of_parts(&self) -> Minor {
        let lines: Minor = self.lines.iter().map(|line| line.total + line.tax).sum();
        let charges: Minor = self.charges.iter().map(|charge| charge.amount + charge.tax).sum();
        let discounts: Minor = self.discounts.iter().map(|discount| discount.amount).sum();
        lines + charges - discounts
    }
}
