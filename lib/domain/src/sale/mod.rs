//! Sales: what orders become.
//!
//! [`book`] is the one function that turns an order revision, the settings and the reference data into a [`Sale`], or says why it cannot.

mod adjust;
mod book;
mod customer;
mod fulfilment;
mod invoice;
mod invoice_number;
mod lines;
mod location;
mod paid_later;
mod product;
mod tax;
mod taxation;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::allocate::allocate_components;
use crate::ids::{AccountId, CustomerId, LocationId, OrderId, ProductId, SaleId, StoreId, TaxRuleId};
use crate::money::{Currency, Minor};
use crate::order::{Address, RevisionKey};
use crate::reason::Reason;
use crate::reference::{Component, TaxComponent};

pub use adjust::{Adjusted, AdjustedBy, Adjustment, LineAdjustment, NotAdjusted};
pub use book::{Booked, Booking, Unbookable, book};
pub use customer::{CustomerChoice, CustomerMatches, NewCustomer, keep_buyer, names_somebody};
pub use fulfilment::{Actor, Allocation, Assembly, AssemblyPart, Fulfilment, Purchase, PurchaseLine};
pub use invoice::{MOST_PAYMENTS, PaymentRefused, Sync, SyncAction};
pub use invoice_number::invoice_number;
pub use lines::{DISPLAYED_COMMENT, displayed_comment, options_comment};
pub use product::{ProductMatch, Products};

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

/// Orders behind a sale. In JSON the two are told apart by their members: sales of single orders are written as they always were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Source {
    /// One order.
    Order(OrderSource),
    /// A day's orders; each one's log entry names the sale.
    Day(DaySource),
}

impl Source {
    /// The one order, where it is one.
    #[must_use]
    pub fn order(&self) -> Option<&OrderSource> {
        match self {
            Self::Order(order) => Some(order),
            Self::Day(_) => None,
        }
    }
}

/// The day behind a consolidated sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaySource {
    /// The merchant's date.
    pub local_date: Date,
    /// Number of orders in it.
    pub order_count: u64,
}

/// The order behind a sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderSource {
    /// ShipStation's id.
    pub order_id: OrderId,
    /// The buyer's number.
    pub order_number: String,
    /// The channel's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_key: Option<String>,
    /// The selling channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_id: Option<StoreId>,
    /// Its name, where it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_name: Option<String>,
}

/// The customer as the sale names him.
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

/// One line of a sale; order and invoice have the same lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleLine {
    /// From 1, in the order's sequence.
    pub line_no: u32,
    /// The product; none on a service line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<ProductId>,
    /// Not a product of ours, or one without stock.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub service: bool,
    /// Components of one of it when it was sold, for a kit: giving it back does not depend on what the kit becomes later (N18).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
    /// Shipped by others, such as a marketplace's warehouse: stock here is not touched.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub external: bool,
    /// As ShipStation wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// As ShipStation wrote it, else the product's name.
    pub name: String,
    /// The chosen options, in full (S80).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// 0 is legal.
    pub quantity: i64,
    /// Exact, with ShipStation's own decimals: as the store states it, with tax where that is included.
    pub unit_price: Decimal,
    /// Quantity × unit price in whole minor units (see [`crate::allocate::round_to`]), less the tax where the unit price includes it.
    pub total: Minor,
    /// Its part of the order's tax.
    pub tax: Minor,
    /// The unit price includes the tax (N31): total and tax together are what the store states.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tax_included: bool,
    /// The rule under whose name the tax stands.
    pub tax_rule: TaxRuleId,
    /// The revenue account; none until the merchant's books decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// Location of this line's goods.
    pub location_id: LocationId,
}

/// A tax rule as a sale remembers it (S68): what the rule becomes later does not change what was booked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleTaxRule {
    /// Ours.
    pub id: TaxRuleId,
    /// Its name at the time.
    pub name: String,
    /// Its components at the time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<TaxComponent>,
}

/// An additional charge on the whole order (S120, S121).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// `Shipping`, or `Adjustment` for a difference that ShipStation's own numbers leave.
    pub name: String,
    /// The adjustment's own name, or the shipping service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Negative only for an adjustment that lowers the total.
    pub amount: Minor,
    /// Its part of the order's tax.
    #[serde(default)]
    pub tax: Minor,
    /// The revenue account; none until the merchant's books decide, and on charges that were booked before they had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
}

/// A discount on the whole order (S120).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discount {
    /// As ShipStation named it.
    pub name: String,
    /// Amount that it takes off: zero or more.
    pub amount: Minor,
}

/// The invoice of a sale. Its lines are the sale's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// State of the stage.
    pub status: StageStatus,
    /// Its number: see [`invoice_number`].
    pub number: String,
    /// Payments on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payments: Vec<Payment>,
    /// Payments that were on it when it was voided: a record, and no money of anybody's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub voided_payments: Vec<Payment>,
    /// Pending news of it for the accounting system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync: Option<Sync>,
}

/// A payment on an invoice (S72).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Amount that was paid: also more or less than the total.
    pub amount: Minor,
    /// The account that received it.
    pub account: AccountId,
    /// ShipStation's `paymentMethod`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The channel's own date of payment, else of the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// The key of a payment that a person added, against adding it twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Person who added it; none for what ShipStation reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// A stage of fulfilment. What it handles are the sale's allocations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// State of the stage.
    pub status: StageStatus,
    /// Time at which it was done; stays when the sale is voided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Quantities that a draft pick found of each allocation; none: it has not looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Vec<i64>>,
}

impl Stage {
    fn is_untouched(&self) -> bool {
        *self == Self::default()
    }
}

/// State of a stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageStatus {
    /// Nothing to do here yet.
    #[default]
    NotAvailable,
    /// Waits for a person.
    Draft,
    /// Done.
    Authorised,
    /// Undone.
    Voided,
}

/// Something a person should know, with its stable reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The stable code.
    pub reason: Reason,
    /// The sentence with this case's own numbers and names.
    pub message: String,
}

impl Warning {
    /// A warning whose sentence is `detail`, followed by what to do.
    #[must_use]
    pub fn new(reason: Reason, detail: &str) -> Self {
        let message = if detail.is_empty() { reason.advice().to_owned() } else { format!("{detail} {}", reason.advice()) };
        Self { reason, message }
    }
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
