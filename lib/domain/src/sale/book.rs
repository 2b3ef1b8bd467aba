//! Order revision + settings + reference data → sale. Pure: no clock, no I/O, no randomness.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::amounts::amounts;
use super::customer::choose;
use super::location;
use super::taxation::tax_parts;
use super::{
    Actor, Charge, CustomerChoice, CustomerMatches, Fulfilment, Invoice, OrderSource, Payment, ProductMatch, Products, Sale, SaleCustomer,
    SaleKind, SaleLine, SaleTaxRule, Source, Stage, StageStatus, invoice_number, options_comment,
};
use crate::address::Address;
use crate::calendar::Calendar;
use crate::ids::{AccountId, SaleId};
use crate::jurisdiction::{self, Jurisdiction};
use crate::money::{AmountError, Minor};
use crate::order::{Order, Revision};
use crate::reason::Reason;
use crate::reference::{Location, ProductKind, TaxRule};
use crate::settings::{Consolidation, InvoiceMode, Settings};
use crate::stock::{LARGEST_QUANTITY, Levels, StockChange};
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

/// Books one order. The sale's total is ShipStation's `orderTotal` and its tax is `taxAmount`, exactly, unless tax is recalculated (P3).
///
/// # Errors
/// [`Unbookable`], with a reason and what to do.
pub fn book(revision: &Revision, with: Booking<'_>) -> Result<Booked, Unbookable> {
    let Booking { settings, products, sale_id, booked_at, .. } = with;
    let order = &revision.order;
    let blocked = |reason, detail: &str| Unbookable::Blocked(Warning::new(reason, detail));

    let Some(rule_id) = &settings.tax.default_rule else { return Err(blocked(Reason::TaxMappingUnfinished, "")) };
    let default_rule = with
        .tax_rules
        .iter()
        .find(|rule| rule.id == *rule_id)
        .ok_or_else(|| blocked(Reason::MissingReference, &format!("Tax rule {rule_id}.")))?;
    let Jurisdiction { rule, doubt } = jurisdiction::most_specific_rule(&order.ship_to, with.tax_rules, default_rule);
    let (location_id, location_reason) = location::choose(order, settings, with.locations).map_err(Unbookable::Blocked)?;
    // With daily consolidation nobody but the settings' customer is asked for, also where one order is booked by itself (S105).
    let daily = settings.consolidation == Consolidation::Daily;
    let chosen = if daily {
        with.customers.from_settings.clone().map(CustomerChoice::Existing)
    } else {
        choose(order, sale_id.account(), with.customers, booked_at)
    };
    let customer = chosen.ok_or_else(|| match &settings.customer_id {
        Some(id) => blocked(Reason::MissingReference, &format!("Customer {id}.")),
        None => blocked(Reason::NoCustomer, ""),
    })?;

    let store_tax = settings.store_tax(order.store_id);
    let mut parts = amounts(order, settings.currency, store_tax).map_err(unbookable_amount)?;
    let mut warnings = Vec::new();
    if parts.difference != Minor::ZERO {
        let amount = settings.currency.text(parts.difference);
        parts.charges.push(Charge {
            name: "Adjustment".to_owned(),
            comment: Some("Difference between ShipStation's order total and its parts".to_owned()),
            amount: parts.difference,
            tax: Minor::ZERO,
            account: None,
        });
        warnings.push(Warning::new(Reason::TotalAdjusted, &format!("Adjusted by {amount} {}.", settings.currency)));
        if parts.tax_not_added {
            warnings.push(not_added(order, parts.tax, settings, with.store_name));
        }
    }
    if order.parent_id.is_some() || (order.merged_or_split && parts.difference != Minor::ZERO) {
        warnings.push(Warning::new(Reason::SplitOrder, ""));
    }
    if order.externally_fulfilled {
        warnings.push(Warning::new(Reason::ExternallyFulfilled, ""));
    }
    let left_out = order.dates_left_out();
    if !left_out.is_empty() {
        warnings.push(Warning::new(Reason::DateLeftOut, &format!("Left out: {}.", left_out.join(", "))));
    }
    if order.nulls_left_out {
        warnings.push(Warning::new(Reason::NullsLeftOut, ""));
    }
    if parts.lines.iter().any(|(item, _)| item.quantity < 0) {
        warnings.push(Warning::new(Reason::NegativeQuantity, ""));
    }
    if let Some(doubt) = doubt {
        warnings.push(Warning::new(Reason::TaxPlaceUncertain, &doubt));
    }
    if with.customers.email_is_shared
        && !daily
        && matches!(&customer, CustomerChoice::Link(..) | CustomerChoice::Existing(_))
        && with.customers.linked.is_none()
        && super::names_somebody(order)
    {
        warnings.push(Warning::new(Reason::SharedEmail, ""));
    }

    let adjusted = parts.difference != Minor::ZERO;
    let mut taxed = tax_parts(&mut parts, adjusted, rule, settings, store_tax).map_err(unbookable_amount)?;
    warnings.append(&mut taxed.warnings);

    let (customer_account, sale_customer) = match &customer {
        CustomerChoice::Existing(customer) | CustomerChoice::Link(customer, _) => {
            (customer.revenue_account.clone(), sale_customer(customer))
        }
        CustomerChoice::Create(new) => (None, sale_customer(&new.customer)),
    };
    let mut lines = Vec::with_capacity(parts.lines.len());
    let (mut service_skus, mut ambiguous_skus, mut normalized_skus) = (Vec::new(), Vec::new(), Vec::new());
    for (index, ((item, total), tax)) in parts.lines.iter().zip(&taxed.lines).enumerate() {
        let product = match products.find(item) {
            ProductMatch::Found(product) => {
                normalized_skus.extend(item.sku.as_deref().filter(|_| products.is_found_normalized(item)));
                Some(product)
            }
            ProductMatch::Ambiguous => {
                ambiguous_skus.push(item.sku.as_deref().unwrap_or_default());
                None
            }
            ProductMatch::Unknown => {
                service_skus.push(item.sku.as_deref().unwrap_or("no SKU"));
                None
            }
        };
        // Stock is counted, and a number of pieces that nobody could count is a mistake.
        if product.is_some() && item.quantity.unsigned_abs() > LARGEST_QUANTITY.unsigned_abs() {
            return Err(Unbookable::Failed(Warning::new(Reason::QuantityTooLarge, &format!("The quantity is {}.", item.quantity))));
        }
        let of_product = product.and_then(|product| product.revenue_account.as_ref());
        lines.push(SaleLine {
            line_no: u32::try_from(index + 1).unwrap_or(u32::MAX),
            product_id: product.map(|product| product.id.clone()),
            service: product.is_none_or(|product| product.kind == ProductKind::Service),
            components: product
                .filter(|product| product.kind == ProductKind::Kit)
                .map(|product| product.components.clone())
                .unwrap_or_default(),
            external: order.externally_fulfilled,
            sku: item.sku.clone(),
            name: item
                .name
                .clone()
                .or_else(|| product.map(|product| product.name.clone()))
                .or_else(|| item.sku.clone())
                .unwrap_or_else(|| "Item".to_owned()),
            comment: options_comment(&item.options),
            quantity: item.quantity,
            unit_price: item.unit_price,
            total: taxed.net(*total, *tax),
            tax: *tax,
            tax_included: taxed.included,
            tax_rule: rule.id.clone(),
            account: revenue_account(settings, of_product, customer_account.as_ref()),
            location_id: location_id.clone(),
        });
    }
    let by_sku = [(Reason::ServiceLine, service_skus), (Reason::AmbiguousSku, ambiguous_skus), (Reason::SkuNormalized, normalized_skus)];
    for (reason, skus) in by_sku {
        if !skus.is_empty() {
            warnings.push(Warning::new(reason, &named(&skus)));
        }
    }
    for charge in &mut parts.charges {
        charge.account = revenue_account(settings, None, customer_account.as_ref());
    }

    let calendar = Calendar::of(settings);
    let mut sale = Sale {
        id: sale_id.clone(),
        number: order.number.clone(),
        kind: SaleKind::Order,
        source: Source::Order(OrderSource {
            order_id: order.id,
            order_number: order.number.clone(),
            order_key: order.key.clone(),
            store_id: order.store_id,
            store_name: with.store_name.map(str::to_owned),
        }),
        customer: sale_customer,
        bill_to: if daily { Address::default() } else { order.bill_to.clone() },
        ship_to: if daily { Address::default() } else { order.ship_to.clone() },
        sales_representative: with.store_name.filter(|_| settings.store_name_as_sales_rep).map(str::to_owned),
        location_id,
        location_reason,
        price_tier: settings.price_tier,
        currency: settings.currency,
        subtotal: lines.iter().map(|line| line.total).sum(),
        tax: lines.iter().map(|line| line.tax).chain(parts.charges.iter().map(|charge| charge.tax)).sum(),
        total: Minor::ZERO,
        withheld_tax: taxed.withheld,
        tax_rules: vec![SaleTaxRule { id: rule.id.clone(), name: rule.name.clone(), components: rule.components.clone() }],
        lines,
        charges: parts.charges,
        discounts: parts.discounts,
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
        warnings,
        order_date: calendar.ordered(order),
        adjusted: None,
        created_at: booked_at,
        voided_at: None,
        booked_revision: None,
    };
    sale.total = sale.sum_of_parts();
    if settings.invoice_status == InvoiceMode::Authorised {
        sale.invoice.authorise(booked_at);
    }
    // A day's orders claim together, as one sale.
    let mut stock = Vec::new();
    if settings.consolidation == Consolidation::None {
        sale.claim(products);
        let (mode, auto_assembly) = (settings.pick_pack_ship, settings.auto_assembly);
        let with = Fulfilment { mode, auto_assembly, products, levels: with.levels, actor: Actor::System, at: booked_at };
        stock = sale.fulfil(&BTreeMap::new(), with);
    }
    Ok(Booked { sale, customer, stock })
}

fn unbookable_amount(error: AmountError) -> Unbookable {
    let reason = match error {
        AmountError::NotExact(..) => Reason::AmountNotExact,
        AmountError::TooLarge(_) => Reason::AmountTooLarge,
    };
    Unbookable::Failed(Warning::new(reason, &format!("{error}.")))
}

fn sale_customer(customer: &crate::reference::Customer) -> SaleCustomer {
    SaleCustomer { id: customer.id.clone(), name: customer.name.clone(), email: customer.email.clone() }
}

/// The account that revenue goes to: the settings', else the product's, else the customer's, else the default (S41). A charge has no product.
fn revenue_account(settings: &Settings, of_product: Option<&AccountId>, of_customer: Option<&AccountId>) -> Option<AccountId> {
    settings.revenue_account.as_ref().or(of_product).or(of_customer).or(settings.default_revenue_account.as_ref()).cloned()
}

/// That the order's tax is not in its total, and whose setting would say so.
fn not_added(order: &Order, tax: Minor, settings: &Settings, store_name: Option<&str>) -> Warning {
    let (tax, currency) = (settings.currency.text(tax), settings.currency);
    let store = match (order.store_id, store_name) {
        (Some(id), Some(name)) => format!("its store is {id} ({name})"),
        (Some(id), None) => format!("its store is {id}"),
        (None, _) => "it names no store".to_owned(),
    };
    Warning::new(Reason::TaxNotAdded, &format!("The order's tax is {tax} {currency}, and {store}."))
}

/// Payments, also more or less than the total (S72, S122); none without a payment account (S74).
fn payments(order: &Order, settings: &Settings, calendar: &Calendar) -> Result<Vec<Payment>, Unbookable> {
    let Some(account) = settings.payment_account(order.payment_method.as_deref()) else { return Ok(Vec::new()) };
    let amount = settings.currency.minor(order.amount_paid).map_err(unbookable_amount)?;
    if amount == Minor::ZERO {
        return Ok(Vec::new());
    }
    let (account, method) = (account.clone(), order.payment_method.clone());
    Ok(vec![Payment { amount, account, method, date: calendar.paid(order), id: None, by: None }])
}

/// Names at most three SKUs, so that an order of a thousand unknown ones does not fill the log.
fn named(skus: &[&str]) -> String {
    let shown = skus.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    match skus.len().saturating_sub(3) {
        0 => format!("{shown}."),
        more => format!("{shown} and {more} more."),
    }
}
