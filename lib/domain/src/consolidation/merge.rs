//! A day's orders as one sale (S23, S27, S105, N5).

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::capped_totals::CappedTotals;
use super::group_key::{ChargeName, DiscountName, LineKey, PaymentName, Taxed};
use super::line::LineSum;
use super::serde_pairs;
use crate::address::Address;
use crate::ids::{LocationId, SaleId, TaxRuleId};
use crate::money::{Currency, Minor};
use crate::reason::Reason;
use crate::reference::Customer;
use crate::sale::{
    Charge, DaySource, Discount, Invoice, Payment, Sale, SaleCustomer, SaleKind, SaleLine, SaleTaxRule, Source, Stage, StageStatus,
};
use crate::settings::{InvoiceMode, Settings};
use crate::warning::Warning;

/// Sum of the orders of a day so far: merged lines, charges, discounts and payments, never the orders themselves.
///
/// Each order is booked by itself with [`book`](crate::sale::book) and added; every amount of the day is the sum of the orders' own amounts, and
/// nothing is rounded anew. The result does not depend on the order in which orders are added. The sum can be written down with serde between two
/// orders, read later, and go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaySum {
    currency: Currency,
    orders: u64,
    #[serde(with = "serde_pairs")]
    lines: BTreeMap<LineKey, LineSum>,
    charges: CappedTotals<ChargeName, Taxed>,
    discounts: CappedTotals<DiscountName, Minor>,
    payments: CappedTotals<PaymentName, Minor>,
    tax_rules: BTreeMap<TaxRuleId, SaleTaxRule>,
    /// Tax that marketplaces keep; none where no order has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    withheld_tax: Option<Minor>,
    /// Number of orders from each location.
    locations: BTreeMap<LocationId, u64>,
    /// Of every order, where all have the same.
    sales_representative: Option<String>,
    warnings: BTreeMap<Reason, WarnedOrders>,
    /// The sizes of all amounts: no sum of them can be larger.
    size: u64,
    /// Likewise of all quantities.
    pieces: u64,
}

/// Orders with the same warning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct WarnedOrders {
    count: u64,
    /// The first few by number.
    numbers: Vec<String>,
}

/// Amounts that one order brings to the day's sale (N5). The shares of a sale's orders add up to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Its lines' totals.
    pub subtotal: Minor,
    /// Its charges.
    pub charges: Minor,
    /// Its discounts.
    pub discounts: Minor,
    /// Its taxes.
    pub tax: Minor,
    /// Its total: ShipStation's.
    pub total: Minor,
    /// Its payments.
    pub paid: Minor,
}

impl Share {
    /// Amounts of `sale`: an order's share of a day, or all of the day.
    #[must_use]
    pub fn of(sale: &Sale) -> Self {
        Self {
            subtotal: sale.subtotal,
            charges: sale.charges.iter().map(|charge| charge.amount).sum(),
            discounts: sale.discounts.iter().map(|discount| discount.amount).sum(),
            tax: sale.tax,
            total: sale.total,
            paid: sale.invoice.payments.iter().map(|payment| payment.amount).sum(),
        }
    }
}

/// Reason for which an order that was booked by itself cannot be in the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAdded {
    /// It was booked under other settings than the day's.
    #[error("the order is in {order}, the day in {day}")]
    OtherCurrency {
        /// The order's.
        order: Currency,
        /// The day's.
        day: Currency,
    },
    /// The day's sums might not be exact any more. The order can be in the next day's sale.
    #[error("the day's amounts or quantities cannot be held together with this order's")]
    TooLarge,
}

/// Owner and time of a day.
#[derive(Clone, Copy, Debug)]
pub struct DayOf<'a> {
    /// The merchant's date.
    pub local_date: Date,
    /// The settings under which every order was booked.
    pub settings: &'a Settings,
    /// The settings' customer.
    pub customer: &'a Customer,
    /// The sale's time of booking.
    pub booked_at: Timestamp,
}

/// Number of orders that a warning of the day names.
const NAMED_ORDERS: usize = 3;

impl DaySum {
    /// Nothing yet.
    #[must_use]
    pub fn new(currency: Currency) -> Self {
        Self {
            currency,
            orders: 0,
            lines: BTreeMap::new(),
            charges: CappedTotals::default(),
            discounts: CappedTotals::default(),
            payments: CappedTotals::default(),
            tax_rules: BTreeMap::new(),
            withheld_tax: None,
            locations: BTreeMap::new(),
            sales_representative: None,
            warnings: BTreeMap::new(),
            size: 0,
            pieces: 0,
        }
    }

    /// Orders added so far.
    #[must_use]
    pub fn orders(&self) -> u64 {
        self.orders
    }

    /// Merged lines so far.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.lines.len()
    }

    /// Adds an order, booked by itself, and says what its share is. Its customer and addresses are not taken (S105).
    ///
    /// # Errors
    /// [`NotAdded`]; the sum is as before.
    pub fn add(&mut self, sale: &Sale) -> Result<Share, NotAdded> {
        if sale.currency != self.currency {
            return Err(NotAdded::OtherCurrency { order: sale.currency, day: self.currency });
        }
        let size = bounded(self.size, amounts(sale).map(|amount| amount.0.unsigned_abs()))?;
        let pieces = bounded(self.pieces, sale.lines.iter().map(|line| line.quantity.unsigned_abs()))?;
        (self.size, self.pieces) = (size, pieces);

        for line in &sale.lines {
            self.lines.entry(LineKey::of(line)).and_modify(|sum| sum.add(line)).or_insert_with(|| LineSum::of(line));
        }
        for charge in &sale.charges {
            self.charges.add(ChargeName::of(charge), Taxed { amount: charge.amount, tax: charge.tax });
        }
        for discount in &sale.discounts {
            self.discounts.add(DiscountName(discount.name.clone()), discount.amount);
        }
        for payment in &sale.invoice.payments {
            self.payments.add(PaymentName::of(payment), payment.amount);
        }
        for rule in &sale.tax_rules {
            // A rule that was edited while the run went on is remembered in one of its forms, whichever order came first.
            let kept = self.tax_rules.entry(rule.id.clone()).or_insert_with(|| rule.clone());
            if kept != rule && written(rule) < written(kept) {
                kept.clone_from(rule);
            }
        }
        if let Some(withheld) = sale.withheld_tax {
            *self.withheld_tax.get_or_insert_default() += withheld;
        }
        *self.locations.entry(sale.location_id.clone()).or_default() += 1;
        if self.orders == 0 {
            self.sales_representative.clone_from(&sale.sales_representative);
        } else if self.sales_representative != sale.sales_representative {
            self.sales_representative = None;
        }
        for warning in &sale.warnings {
            self.warnings.entry(warning.reason).or_default().add(&sale.number);
        }
        self.orders += 1;
        Ok(Share::of(sale))
    }

    /// The day's sale; none without orders.
    #[must_use]
    pub fn sale(&self, day: DayOf<'_>) -> Option<Sale> {
        let (location_id, location_reason) = self.location()?;
        let lines = self.sorted_lines();
        let charges: Vec<Charge> = self.charges.sums().into_iter().map(|(name, sum)| name.with(sum)).collect();
        let discounts = self.discounts.sums().into_iter().map(|(name, amount)| Discount { name: name.0, amount }).collect();
        let payments: Vec<Payment> = self.payments.sums().into_iter().map(|(name, amount)| name.with(amount)).collect();
        let id = SaleId::of_day(day.local_date);
        let mut sale = Sale {
            number: id.0.clone(),
            kind: SaleKind::Consolidated,
            source: Source::Day(DaySource { local_date: day.local_date, order_count: self.orders }),
            customer: SaleCustomer { id: day.customer.id.clone(), name: day.customer.name.clone(), email: day.customer.email.clone() },
            bill_to: Address::default(),
            ship_to: Address::default(),
            sales_representative: self.sales_representative.clone(),
            location_id,
            location_reason,
            price_tier: day.settings.price_tier,
            currency: self.currency,
            subtotal: lines.iter().map(|line| line.total).sum(),
            tax: lines.iter().map(|line| line.tax).chain(charges.iter().map(|charge| charge.tax)).sum(),
            total: Minor::ZERO,
            withheld_tax: self.withheld_tax,
            tax_rules: self.tax_rules.values().cloned().collect(),
            lines,
            charges,
            discounts,
            invoice: Invoice {
                status: StageStatus::Draft,
                number: crate::sale::invoice_number(&id),
                payments,
                voided_payments: Vec::new(),
                sync: None,
            },
            allocations: Vec::new(),
            assemblies: Vec::new(),
            purchases: Vec::new(),
            pick: Stage::default(),
            pack: Stage::default(),
            ship: Stage::default(),
            warnings: self.warnings.iter().map(|(reason, orders)| orders.warning(*reason)).collect(),
            order_date: None,
            adjusted: None,
            created_at: day.booked_at,
            voided_at: None,
            booked_revision: None,
            id,
        };
        sale.total = sale.sum_of_parts();
        if day.settings.invoice_status == InvoiceMode::Authorised {
            sale.invoice.authorise(day.booked_at);
        }
        Some(sale)
    }

    fn sorted_lines(&self) -> Vec<SaleLine> {
        let mut lines: Vec<(&LineKey, &LineSum)> = self.lines.iter().collect();
        lines.sort_by_key(|(key, sum)| (&sum.sku, &sum.name, *key));
        (1..).zip(lines).map(|(number, (key, sum))| sum.line(number, key)).collect()
    }

    /// Location of most orders; none without orders.
    fn location(&self) -> Option<(LocationId, String)> {
        let (location, most) = self.locations.iter().max_by_key(|(id, count)| (**count, std::cmp::Reverse(*id)))?;
        let reason = match self.orders {
            1 => "the day's only order goes from here".to_owned(),
            all if *most == all => format!("all {all} orders go from here"),
            all => format!("{most} of {all} orders go from here; each line names its own location"),
        };
        Some((location.clone(), reason))
    }
}

impl WarnedOrders {
    fn add(&mut self, number: &str) {
        self.count += 1;
        let at = self.numbers.partition_point(|known| known.as_str() <= number);
        if at < NAMED_ORDERS {
            self.numbers.insert(at, number.to_owned());
            self.numbers.truncate(NAMED_ORDERS);
        }
    }

    fn warning(&self, reason: Reason) -> Warning {
        let named = self.numbers.join(", ");
        let more = self.count.saturating_sub(u64::try_from(self.numbers.len()).unwrap_or(u64::MAX));
        let orders = if self.count == 1 { "Order" } else { "Orders" };
        let detail = if more == 0 { format!("{orders} {named}.") } else { format!("{orders} {named} and {more} more.") };
        Warning::new(reason, &detail)
    }
}

/// `sum` with the sizes added to it, while no sum of them can leave the range of amounts.
fn bounded(sum: u64, mut sizes: impl Iterator<Item = u64>) -> Result<u64, NotAdded> {
    let sum = sizes.try_fold(sum, u64::checked_add);
    sum.filter(|sum| i64::try_from(*sum).is_ok()).ok_or(NotAdded::TooLarge)
}

fn amounts(sale: &Sale) -> impl Iterator<Item = Minor> {
    let lines = sale.lines.iter().flat_map(|line| [line.total, line.tax]);
    let charges = sale.charges.iter().flat_map(|charge| [charge.amount, charge.tax]);
    let discounts = sale.discounts.iter().map(|discount| discount.amount);
    lines.chain(charges).chain(discounts).chain(sale.withheld_tax).chain(sale.invoice.payments.iter().map(|payment| payment.amount))
}

fn written(rule: &SaleTaxRule) -> Option<String> {
    serde_json::to_string(rule).ok()
}
