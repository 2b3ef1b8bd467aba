//! Order revision + settings + reference data → sale. Pure: no clock, no I/O, no randomness.

use std::collections::BTreeMap;

use super::amounts::amounts;
use super::booked_lines::LineTerms;
use super::booking::{Booked, Booking, Unbookable};
use super::booking_warnings::{add_difference, warn_of_choices, warn_of_order};
use super::customer::{CustomerChoice, choose};
use super::fulfilment::{Actor, Fulfilment};
use super::invoice::{Invoice, Payment};
use super::invoice_number::invoice_number;
use super::line::{Charge, Discount, SaleLine, SaleTaxRule};
use super::location;
use super::record::{Sale, SaleCustomer, SaleKind};
use super::source::{OrderSource, Source};
use super::stage::{Stage, StageStatus};
use super::taxation::tax_parts;
use crate::address::Address;
use crate::calendar::Calendar;
use crate::ids::LocationId;
use crate::jurisdiction::{self, Jurisdiction};
use crate::money::Minor;
use crate::order::{Order, Revision};
use crate::reason::Reason;
use crate::reference::{Customer, TaxRule};
use crate::settings::{Consolidation, InvoiceMode, Settings};
use crate::stock::StockChange;
use crate::warning::Warning;

/// Books one order. The sale's total is ShipStation's `orderTotal` and its tax is `taxAmount`, exactly, unless tax is recalculated (P3).
///
/// # Errors
/// [`Unbookable`], with a reason and what to do.
pub fn book(revision: &Revision, with: Booking<'_>) -> Result<Booked, Unbookable> {
    let (order, settings) = (&revision.order, with.settings);
    let Jurisdiction { rule, doubt } = jurisdiction::most_specific_rule(&order.ship_to, with.tax_rules, default_rule(with)?);
    let (location_id, location_reason) = location::choose(order, settings, with.locations).map_err(Unbookable::Blocked)?;
    let customer = customer_of(order, with)?;

    let mut warnings = Vec::new();
    let store_tax = settings.store_tax(order.store_id);
    let mut parts = amounts(order, settings.currency, store_tax).map_err(Unbookable::of_amount)?;
    let adjusted = add_difference(order, &mut parts, with, &mut warnings);
    warn_of_order(order, &parts, adjusted, &mut warnings);
    warn_of_choices(order, doubt.as_deref(), &customer, with, &mut warnings);

    let mut taxed = tax_parts(&mut parts, adjusted, rule, settings, store_tax).map_err(Unbookable::of_amount)?;
    warnings.append(&mut taxed.warnings);

    let buyer = customer.customer();
    let terms = LineTerms {
        settings,
        products: with.products,
        tax_rule: &rule.id,
        location: &location_id,
        customer_account: buyer.revenue_account.as_ref(),
        external: order.externally_fulfilled,
    };
    let lines = terms.lines(&parts.lines, &taxed, &mut warnings)?;
    for charge in &mut parts.charges {
        charge.account = terms.revenue_account(None);
    }
    let (charges, discounts, withheld_tax) = (parts.charges, parts.discounts, taxed.withheld);
    let contents = Contents { rule, buyer, location_id, location_reason, lines, charges, discounts, withheld_tax, warnings };
    let mut sale = contents.into_sale(order, with)?;
    sale.total = sale.sum_of_parts();
    if settings.invoice_status == InvoiceMode::Authorised {
        sale.invoice.authorise(with.booked_at);
    }
    let stock = fulfil_alone(&mut sale, with);
    Ok(Booked { sale, customer, stock })
}

/// The settings' default tax rule.
fn default_rule(with: Booking<'_>) -> Result<&TaxRule, Unbookable> {
    let Some(id) = &with.settings.tax.default_rule else { return Err(Unbookable::blocked(Reason::TaxMappingUnfinished, "")) };
    let found = with.tax_rules.iter().find(|rule| rule.id == *id);
    found.ok_or_else(|| Unbookable::blocked(Reason::MissingReference, &format!("Tax rule {id}.")))
}

fn customer_of(order: &Order, with: Booking<'_>) -> Result<CustomerChoice, Unbookable> {
    let chosen = if with.is_daily() {
        with.customers.from_settings.clone().map(CustomerChoice::Existing)
    } else {
        choose(order, with.sale_id.account(), with.customers, with.booked_at)
    };
    chosen.ok_or_else(|| match &with.settings.customer_id {
        Some(id) => Unbookable::blocked(Reason::MissingReference, &format!("Customer {id}.")),
        None => Unbookable::blocked(Reason::NoCustomer, ""),
    })
}

/// Contents of a sale as booking determined them.
struct Contents<'a> {
    rule: &'a TaxRule,
    buyer: &'a Customer,
    location_id: LocationId,
    location_reason: String,
    lines: Vec<SaleLine>,
    charges: Vec<Charge>,
    discounts: Vec<Discount>,
    withheld_tax: Option<Minor>,
    warnings: Vec<Warning>,
}

impl Contents<'_> {
    /// The sale, with a draft invoice and nothing claimed.
    fn into_sale(self, order: &Order, with: Booking<'_>) -> Result<Sale, Unbookable> {
        let Booking { settings, sale_id, .. } = with;
        let calendar = Calendar::of(settings);
        let daily = with.is_daily();
        let Self { rule, buyer, lines, charges, .. } = self;
        Ok(Sale {
            id: sale_id.clone(),
            number: order.number.clone(),
            kind: SaleKind::Order,
            source: source(order, with.store_name),
            customer: SaleCustomer { id: buyer.id.clone(), name: buyer.name.clone(), email: buyer.email.clone() },
            bill_to: if daily { Address::default() } else { order.bill_to.clone() },
            ship_to: if daily { Address::default() } else { order.ship_to.clone() },
            sales_representative: with.store_name.filter(|_| settings.store_name_as_sales_rep).map(str::to_owned),
            location_id: self.location_id,
            location_reason: self.location_reason,
            price_tier: settings.price_tier,
            currency: settings.currency,
            subtotal: lines.iter().map(|line| line.total).sum(),
            tax: lines.iter().map(|line| line.tax).chain(charges.iter().map(|charge| charge.tax)).sum(),
            total: Minor::ZERO,
            withheld_tax: self.withheld_tax,
            tax_rules: vec![SaleTaxRule { id: rule.id.clone(), name: rule.name.clone(), components: rule.components.clone() }],
            lines,
            charges,
            discounts: self.discounts,
            invoice: Invoice {
                status: StageStatus::Draft,
                number: invoice_number(sale_id),
                payments: payments(order, settings, &calendar)?,
                voided_payments: Vec::new(),
                sync: None,
            },
            allocations: Vec::new(),
            assemblies: Vec::new(),
            purchases: Vec::new(),
            pick: Stage::default(),
            pack: Stage::default(),
            ship: Stage::default(),
            warnings: self.warnings,
            order_date: calendar.ordered(order),
            adjusted: None,
            created_at: with.booked_at,
            voided_at: None,
            booked_revision: None,
        })
    }
}

fn source(order: &Order, store_name: Option<&str>) -> Source {
    Source::Order(OrderSource {
        order_id: order.id,
        order_number: order.number.clone(),
        order_key: order.key.clone(),
        store_id: order.store_id,
        store_name: store_name.map(str::to_owned),
    })
}

/// Payments, also more or less than the total (S72, S122); none without a payment account (S74).
fn payments(order: &Order, settings: &Settings, calendar: &Calendar) -> Result<Vec<Payment>, Unbookable> {
    let Some(account) = settings.payment_account(order.payment_method.as_deref()) else { return Ok(Vec::new()) };
    let amount = settings.currency.minor(order.amount_paid).map_err(Unbookable::of_amount)?;
    if amount == Minor::ZERO {
        return Ok(Vec::new());
    }
    let (account, method) = (account.clone(), order.payment_method.clone());
    Ok(vec![Payment { amount, account, method, date: calendar.paid(order), id: None, by: None }])
}

/// Claims and moves the stock of a sale of one order. A day's orders claim together, as one sale.
fn fulfil_alone(sale: &mut Sale, with: Booking<'_>) -> Vec<StockChange> {
    let Booking { settings, products, levels, booked_at, .. } = with;
    if settings.consolidation != Consolidation::None {
        return Vec::new();
    }
    sale.claim(products);
    let (mode, auto_assembly) = (settings.pick_pack_ship, settings.auto_assembly);
    sale.fulfil(&BTreeMap::new(), Fulfilment { mode, auto_assembly, products, levels, actor: Actor::System, at: booked_at })
}
