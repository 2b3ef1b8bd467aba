//! ShipStation's one amount of tax, spread over the lines (S53–S55, S68–S70).

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use super::Charge;
use crate::allocate::{round_to, spread, whole_near};
use crate::money::{AmountError, Currency, LARGEST_AMOUNT, Minor};
use crate::order::Item;

/// The tax of each line and charge. They add up to the order's tax exactly.
pub(super) struct Spread {
    pub lines: Vec<Minor>,
    pub charges: Vec<Minor>,
    /// Tax of an order that has nothing to carry it.
    pub homeless: Minor,
    /// The items' own taxes contradict the order's.
    pub contradicted: bool,
}

/// Keeps what items state as their own and spreads the rest in proportion to totals, over the charges too when `charges_taxed`.
///
/// An item's own amount is for one unit and is contained in the order's (facts sheet, section 4). Where some item states an amount above zero, a stated
/// zero is an untaxed product and stays untaxed; where all state zero or nothing, nobody has stated anything.
pub(super) fn spread_tax(
    tax: Minor,
    lines: &[(&Item, Minor)],
    charges: &[Charge],
    charges_taxed: bool,
    currency: Currency,
) -> Result<Spread, AmountError> {
    let mut own = Vec::with_capacity(lines.len());
    for (item, _) in lines {
        own.push(match item.unit_tax {
            Some(unit_tax) => {
                let amount = Decimal::from(item.quantity).checked_mul(unit_tax).ok_or(AmountError::TooLarge(unit_tax))?;
                Some(currency.scaled(amount)?)
            }
            None => None,
        });
    }
    if own.iter().flatten().all(Decimal::is_zero) {
        own.fill(None);
    }
    let stated: Vec<Decimal> = own.iter().map(|amount| amount.unwrap_or_default()).collect();
    let size: Decimal = stated.iter().map(Decimal::abs).sum();
    if size > Decimal::from(LARGEST_AMOUNT) {
        return Err(AmountError::TooLarge(size / Decimal::from(10_i64.pow(currency.digits()))));
    }
    let kept = whole_near(stated.iter().sum(), tax);
    let mut parts = round_to(kept, &stated);
    let rest = tax - kept;
    let mut result = Spread { lines: Vec::new(), charges: vec![Minor::ZERO; charges.len()], homeless: Minor::ZERO, contradicted: false };
    if rest.0.signum() * kept.0.signum() < 0 || (kept.0 != 0 && tax == Minor::ZERO) {
        // The items claim more than the order has: keep their proportion, not their amounts.
        result.contradicted = true;
        result.lines = spread(tax, &parts);
        return Ok(result);
    }
    if rest == Minor::ZERO {
        result.lines = parts;
        return Ok(result);
    }
    let mut takers: Vec<usize> = own.iter().enumerate().filter(|(_, amount)| amount.is_none()).map(|(index, _)| index).collect();
    let charge_takers = if charges_taxed { charges.len() } else { 0 };
    if takers.is_empty() && charge_takers == 0 {
        if lines.is_empty() {
            result.homeless = rest;
            return Ok(result);
        }
        result.contradicted = true;
        takers = (0..lines.len()).collect();
    }
    let weights: Vec<Minor> = takers
        .iter()
        .map(|index| lines.get(*index).map_or(Minor::ZERO, |(_, total)| *total))
        .chain(charges.iter().take(charge_takers).map(|charge| charge.amount))
        .collect();
    let shares = spread(rest, &weights);
    let (line_shares, charge_shares) = shares.split_at(takers.len());
    for (index, share) in takers.iter().zip(line_shares) {
        if let Some(part) = parts.get_mut(*index) {
            *part += *share;
        }
    }
    for (part, share) in result.charges.iter_mut().zip(charge_shares) {
        *part = *share;
    }
    result.lines = parts;
    Ok(result)
}

/// What a rule of `percent` takes of `amount`, halves away from zero (S70).
pub(super) fn recalculated(amount: Minor, percent: Decimal) -> Minor {
    let exact = Decimal::from(amount.0).checked_mul(percent).unwrap_or_default() / Decimal::ONE_HUNDRED;
    Minor(exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i64().unwrap_or(0))
}
