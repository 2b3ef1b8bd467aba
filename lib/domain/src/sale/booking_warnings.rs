//! Warnings about an order that is booked.

use super::amounts::Amounts;
use super::booking::Booking;
use super::customer::{CustomerChoice, names_somebody};
use super::line::Charge;
use crate::money::Minor;
use crate::order::Order;
use crate::reason::Reason;
use crate::settings::Settings;
use crate::warning::Warning;

/// Makes a visible charge of the difference that ShipStation's own numbers leave, if there is one. Returns true if there is.
pub(super) fn add_difference(order: &Order, parts: &mut Amounts<'_>, with: Booking<'_>, warnings: &mut Vec<Warning>) -> bool {
    if parts.difference == Minor::ZERO {
        return false;
    }
    let currency = with.settings.currency;
    let amount = currency.text(parts.difference);
    parts.charges.push(Charge {
        name: "Adjustment".to_owned(),
        comment: Some("Difference between ShipStation's order total and its parts".to_owned()),
        amount: parts.difference,
        tax: Minor::ZERO,
        account: None,
    });
    warnings.push(Warning::new(Reason::TotalAdjusted, &format!("Adjusted by {amount} {currency}.")));
    if parts.tax_not_added {
        warnings.push(not_added(order, parts.tax, with.settings, with.store_name));
    }
    true
}

/// Warns about what the order states. `adjusted` says that its numbers leave a difference.
pub(super) fn warn_of_order(order: &Order, parts: &Amounts<'_>, adjusted: bool, warnings: &mut Vec<Warning>) {
    if order.parent_id.is_some() || (order.merged_or_split && adjusted) {
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
}

/// Warns about a tax rule or a customer that may be another one.
pub(super) fn warn_of_choices(
    order: &Order,
    tax_doubt: Option<&str>,
    customer: &CustomerChoice,
    with: Booking<'_>,
    warnings: &mut Vec<Warning>,
) {
    if let Some(doubt) = tax_doubt {
        warnings.push(Warning::new(Reason::TaxPlaceUncertain, doubt));
    }
    let is_known = matches!(customer, CustomerChoice::Link(..) | CustomerChoice::Existing(_));
    let is_by_email = with.customers.email_is_shared && with.customers.linked.is_none();
    if is_by_email && is_known && !with.is_daily() && names_somebody(order) {
        warnings.push(Warning::new(Reason::SharedEmail, ""));
    }
}

/// The order's tax is not in its total; names the store whose setting decides that.
fn not_added(order: &Order, tax: Minor, settings: &Settings, store_name: Option<&str>) -> Warning {
    let (tax, currency) = (settings.currency.text(tax), settings.currency);
    let store = match (order.store_id, store_name) {
        (Some(id), Some(name)) => format!("its store is {id} ({name})"),
        (Some(id), None) => format!("its store is {id}"),
        (None, _) => "it names no store".to_owned(),
    };
    Warning::new(Reason::TaxNotAdded, &format!("The order's tax is {tax} {currency}, and {store}."))
}
