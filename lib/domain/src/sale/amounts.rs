//! Lines, charges and discounts of a sale, in whole minor units that add up.

use rust_decimal::Decimal;

use super::line::{Charge, Discount};
use crate::allocate::{round_to, whole_near};
use crate::money::{AmountError, Currency, LARGEST_AMOUNT, Minor};
use crate::order::{Item, Order};
use crate::settings::StoreTax;

/// The order's amounts in whole minor units: their sum, and the order's tax where it is added to them, make the order's total.
pub(super) struct Amounts<'a> {
    /// Items that are not adjustments, with their totals.
    pub lines: Vec<(&'a Item, Minor)>,
    pub charges: Vec<Charge>,
    pub discounts: Vec<Discount>,
    /// Difference that ShipStation's own numbers leave: zero, or the amount of the visible adjustment.
    pub difference: Minor,
    /// As ShipStation states it.
    pub tax: Minor,
    /// The parts are the order's total without its tax, although the store adds it.
    pub tax_not_added: bool,
}

/// Rounds each amount so that lines + charges − discounts, and the tax where the store adds it, is ShipStation's total.
pub(super) fn amounts(order: &Order, currency: Currency, store_tax: StoreTax) -> Result<Amounts<'_>, AmountError> {
    let total = currency.minor(order.total)?;
    let tax = currency.minor(order.tax)?;
    let (things, adjustments): (Vec<&Item>, Vec<&Item>) = order.items.iter().partition(|item| !item.adjustment);
    let mut exact = Vec::with_capacity(order.items.len() + 1);
    for item in things.iter().chain(&adjustments) {
        let amount = Decimal::from(item.quantity).checked_mul(item.unit_price).ok_or(AmountError::TooLarge(item.unit_price))?;
        exact.push(currency.scaled(amount)?);
    }
    exact.push(currency.scaled(order.shipping)?);
    let size: Decimal = exact.iter().map(Decimal::abs).sum();
    if size > Decimal::from(LARGEST_AMOUNT) {
        return Err(AmountError::TooLarge(order.total));
    }
    let added = store_tax == StoreTax::Added;
    let stated = if added { total - tax } else { total };
    let sum: Decimal = exact.iter().sum();
    let whole = whole_near(sum, stated);
    let difference = stated - whole;
    let tax_not_added = added && difference != Minor::ZERO && whole_near(sum, total) == total;
    let mut rounded = round_to(whole, &exact).into_iter();

    let charge = |name: Option<&str>, amount| Charge {
        name: "Shipping".to_owned(),
        comment: name.map(str::to_owned),
        amount,
        tax: Minor::ZERO,
        account: None,
    };
    let discount = |name: Option<&str>, amount: Minor| Discount { name: name.unwrap_or("Discount").to_owned(), amount: -amount };
    let lines: Vec<(&Item, Minor)> = things.into_iter().map(|item| (item, rounded.next().unwrap_or_default())).collect();
    let mut charges = Vec::new();
    let mut discounts = Vec::new();
    for (item, exact) in adjustments.iter().zip(exact.iter().skip(lines.len())) {
        let amount = rounded.next().unwrap_or_default();
        let name = item.name.as_deref().or(item.sku.as_deref());
        // One that rounds to nothing, or of which there are none, is still what its price says.
        if *exact > Decimal::ZERO || (exact.is_zero() && item.unit_price > Decimal::ZERO) {
            charges.push(charge(name, amount));
        } else {
            discounts.push(discount(name, amount));
        }
    }
    let shipping = rounded.next().unwrap_or_default();
    match shipping.0.signum() {
        1 => charges.push(charge(order.requested_shipping_service.as_deref(), shipping)),
        -1 => discounts.push(discount(order.requested_shipping_service.as_deref(), shipping)),
        _ => {}
    }
    Ok(Amounts { lines, charges, discounts, difference, tax, tax_not_added })
}
