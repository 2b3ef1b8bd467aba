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
    pub unallocated: Minor,
    /// The items' own taxes contradict the order's.
    pub contradicted: bool,
}

/// Keeps what items state as their own, amounts below zero too, and spreads the rest over those that state nothing, in proportion to totals; over the charges
/// too when `charges_taxed`.
///
/// An item's own amount is for one unit and is contained in the order's (docs/shipstation.md, section 4). Where some item states an amount, a stated zero is an
/// untaxed product and stays untaxed; where all state zero or nothing, nobody has stated anything.
pub(super) fn spread_tax(
    tax: Minor,
    lines: &[(&Item, Minor)],
    charges: &[Charge],
    charges_taxed: bool,
    currency: Currency,
) -> Result<Spread, AmountError> {
    let own = own_amounts(lines, currency)?;
    let stated: Vec<Decimal> = own.iter().map(|amount| amount.unwrap_or_default()).collect();
    let size: Decimal = stated.iter().map(Decimal::abs).sum();
    if size > Decimal::from(LARGEST_AMOUNT) {
        return Err(AmountError::TooLarge(size / Decimal::from(10_i64.pow(currency.digits()))));
    }
    let kept = whole_near(stated.iter().sum(), tax);
    let mut result =
        Spread { lines: round_to(kept, &stated), charges: vec![Minor::ZERO; charges.len()], unallocated: Minor::ZERO, contradicted: false };
    let rest = tax - kept;
    if rest == Minor::ZERO {
        return Ok(result);
    }
    let taxed_charges = if charges_taxed { charges } else { &[] };
    let silent = own.iter().zip(lines).map(|(amount, (_, total))| amount.is_none().then_some(*total));
    let takers: Vec<Option<Minor>> = silent.chain(taxed_charges.iter().map(|charge| Some(charge.amount))).collect();
    if takers.iter().all(Option::is_none) {
        if lines.is_empty() {
            result.unallocated = rest;
        } else {
            result.contradict(kept, rest, lines);
        }
        return Ok(result);
    }
    // Nothing stated: the rest is the whole, and goes where there is something of value.
    if kept == Minor::ZERO && stated.iter().all(Decimal::is_zero) {
        result.add(&spread_over(rest, &takers));
        return Ok(result);
    }
    // What goods are taxed with has their sign. Where none of those that state nothing can take such an amount, the items claim more than the order has.
    let alike: Vec<Option<Minor>> = takers.iter().map(|taker| taker.filter(|total| total.0.signum() == rest.0.signum())).collect();
    if alike.iter().any(Option::is_some) {
        result.add(&spread_over(rest, &alike));
    } else if rest.0.signum() * kept.0.signum() < 0 || tax == Minor::ZERO {
        result.contradict(kept, rest, lines);
    } else {
        result.add(&spread_over(rest, &takers));
    }
    Ok(result)
}

/// Amounts that each item states for all of its units, in minor units with their fraction; none where it states nothing, or where no item states anything but zero.
fn own_amounts(lines: &[(&Item, Minor)], currency: Currency) -> Result<Vec<Option<Decimal>>, AmountError> {
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
    Ok(own)
}

/// `amount` over those that take part, in proportion to their weights.
fn spread_over(amount: Minor, weights: &[Option<Minor>]) -> Vec<Minor> {
    let taking: Vec<Minor> = weights.iter().flatten().copied().collect();
    let mut shares = spread(amount, &taking).into_iter();
    weights.iter().map(|weight| weight.and_then(|_| shares.next()).unwrap_or_default()).collect()
}

impl Spread {
    /// Adds shares of the lines, and after them of the charges.
    fn add(&mut self, shares: &[Minor]) {
        for (part, share) in self.lines.iter_mut().chain(&mut self.charges).zip(shares) {
            *part += *share;
        }
    }

    /// Makes the lines add up although their own amounts, `kept` in all, contradict the order's: what they claim too much is taken off those that claim it, in
    /// proportion, and what is missing is spread over all lines.
    fn contradict(&mut self, kept: Minor, rest: Minor, lines: &[(&Item, Minor)]) {
        self.contradicted = true;
        let claims: Vec<Option<Minor>> =
            self.lines.iter().map(|part| Some(*part).filter(|part| part.0.signum() * rest.0.signum() < 0)).collect();
        let claimed: Minor = claims.iter().flatten().copied().sum();
        if kept.0.signum() * rest.0.signum() < 0 && claimed.0.unsigned_abs() >= rest.0.unsigned_abs() {
            let left = spread_over(claimed + rest, &claims);
            for ((part, claim), left) in self.lines.iter_mut().zip(&claims).zip(left) {
                *part = if claim.is_some() { left } else { *part };
            }
        } else {
            let totals: Vec<Option<Minor>> = lines.iter().map(|(_, total)| Some(*total)).collect();
            self.add(&spread_over(rest, &totals));
        }
    }
}

/// Amount that a rule of `percent` takes of `amount`, halves away from zero (S70).
pub(super) fn recalculated(amount: Minor, percent: Decimal) -> Minor {
    taken(amount, percent, Decimal::ONE_HUNDRED)
}

/// Part of `amount` that is tax where it includes a tax of `percent` of the rest.
pub(super) fn contained(amount: Minor, percent: Decimal) -> Minor {
    taken(amount, percent, Decimal::ONE_HUNDRED + percent)
}

fn taken(amount: Minor, percent: Decimal, of: Decimal) -> Minor {
    let exact = Decimal::from(amount.0).checked_mul(percent).and_then(|product| product.checked_div(of)).unwrap_or_default();
    Minor(exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i64().unwrap_or(0))
}
