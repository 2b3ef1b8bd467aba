//! Spreading an amount so that the parts add up to it exactly: largest remainder, ties to the earlier part.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::money::Minor;
use crate::reference::TaxComponent;

/// Spreads `amount` over `weights` in proportion to them.
///
/// Each part differs from its exact share by less than one minor unit, and the parts add up to `amount`; what is
/// left over after rounding towards zero goes to the parts with the largest remainder, the earlier one first among equals.
/// Weights below zero count as zero when any weight is above zero; when none is, their size counts; when all are zero, all weigh the same.
/// Without weights there is nobody to give to: the result is empty.
#[must_use]
pub fn spread(amount: Minor, weights: &[Minor]) -> Vec<Minor> {
    if weights.iter().any(|w| w.0 > 0) {
        by_weight(amount, weights, |w| i128::from(w.0.max(0)))
    } else if weights.iter().any(|w| w.0 < 0) {
        by_weight(amount, weights, |w| i128::from(w.0).abs())
    } else {
        by_weight(amount, weights, |_| 1)
    }
}

fn by_weight(amount: Minor, weights: &[Minor], weight: impl Fn(Minor) -> i128) -> Vec<Minor> {
    let total: i128 = weights.iter().map(|w| weight(*w)).sum();
    if amount == Minor::ZERO || total == 0 {
        return vec![Minor::ZERO; weights.len()];
    }
    let sign = if amount.0 < 0 { -1 } else { 1 };
    let size = i128::from(amount.0).abs();
    let mut left = size;
    let mut parts = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    for (index, w) in weights.iter().enumerate() {
        let product = size * weight(*w);
        left -= product / total;
        parts.push(product / total);
        if product % total > 0 {
            remainders.push((product % total, index));
        }
    }
    // Stable: among equal remainders the earlier part keeps its place in front.
    remainders.sort_by_key(|(remainder, _)| std::cmp::Reverse(*remainder));
    for (_, index) in remainders.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        if let Some(part) = parts.get_mut(index) {
            *part += 1;
        }
    }
    parts.into_iter().map(|part| Minor(i64::try_from(part * sign).unwrap_or(0))).collect()
}

/// Divides a tax over the components of its rule in proportion to their percents, so that the parts add up to it exactly.
///
/// Where no component states a percent, nothing says how the tax is divided, and all of it is the first one's. A rule without components has no parts.
#[must_use]
pub fn allocate_components(tax: Minor, components: &[TaxComponent]) -> Vec<Minor> {
    // A percent is at most 100, so that 15 decimals of it fit; what lies behind them decides no minor unit of any amount that is booked.
    let scaled =
        |percent: Decimal| percent.checked_mul(Decimal::from(10_i64.pow(15))).and_then(|scaled| scaled.trunc().to_i64()).unwrap_or(0);
    let mut weights: Vec<Minor> = components.iter().map(|component| Minor(scaled(component.percent))).collect();
    if weights.iter().all(|weight| weight.0 <= 0)
        && let Some(first) = weights.first_mut()
    {
        *first = Minor(1);
    }
    spread(tax, &weights)
}

/// Rounds exact amounts (in minor units, with fractions) to whole minor units that add up to `target`.
///
/// `target` must be a whole number next to the exact sum (its floor or its ceiling); see [`whole_near`]. Each part is
/// its exact amount rounded down or up, so that none is off by a whole minor unit.
#[must_use]
pub fn round_to(target: Minor, exact: &[Decimal]) -> Vec<Minor> {
    let floors: Vec<i64> = exact.iter().map(|amount| amount.floor().to_i64().unwrap_or(0)).collect();
    let mut left = target.0 - floors.iter().sum::<i64>();
    let mut parts: Vec<Minor> = floors.iter().map(|floor| Minor(*floor)).collect();
    if left == 0 {
        return parts;
    }
    let mut remainders: Vec<(Decimal, usize)> =
        exact.iter().enumerate().map(|(index, amount)| (amount - amount.floor(), index)).filter(|(rest, _)| !rest.is_zero()).collect();
    remainders.sort_by_key(|(remainder, _)| std::cmp::Reverse(*remainder));
    for (_, index) in remainders {
        if left <= 0 {
            break;
        }
        if let Some(part) = parts.get_mut(index) {
            part.0 += 1;
            left -= 1;
        }
    }
    parts
}

/// The whole number of minor units that stands for the exact sum `exact`: `stated` where it lies less than one minor unit away, else the nearest
/// whole number, halves away from zero.
///
/// ShipStation does not say how it rounds a total of sub-cent prices (docs/shipstation.md, section 4), so what it states decides.
#[must_use]
pub fn whole_near(exact: Decimal, stated: Minor) -> Minor {
    let distance = Decimal::from(stated.0) - exact;
    if distance.abs() < Decimal::ONE {
        return stated;
    }
    let rounded = exact.round_dp_with_strategy(0, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
    Minor(rounded.to_i64().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn minors(amounts: &[i64]) -> Vec<Minor> {
        amounts.iter().copied().map(Minor).collect()
    }

    /// N3: plain rounding of each part would lose or make a cent in these.
    #[test]
    fn n3_ties_go_to_the_earlier_part() {
        assert_eq!(spread(Minor(100), &minors(&[1, 1, 1])), minors(&[34, 33, 33]));
        assert_eq!(spread(Minor(1), &minors(&[500, 500])), minors(&[1, 0]));
        assert_eq!(spread(Minor(-100), &minors(&[1, 1, 1])), minors(&[-34, -33, -33]));
        assert_eq!(spread(Minor(7), &minors(&[0, 0])), minors(&[4, 3]));
        assert_eq!(spread(Minor(7), &minors(&[-10, 30])), minors(&[0, 7]));
        assert_eq!(spread(Minor(7), &[]), vec![]);
        assert_eq!(spread(Minor(0), &minors(&[5, 5])), minors(&[0, 0]));
    }

    fn components(percents: &[&str]) -> Vec<TaxComponent> {
        let component = |percent: &&str| TaxComponent { name: String::new(), percent: percent.parse().unwrap_or_default(), account: None };
        percents.iter().map(component).collect()
    }

    /// S67, N3: a line's tax over State, County, City.
    #[test]
    fn s67_n3_a_tax_over_its_components() {
        for (tax, percents, expected) in [
            (827, &["4.6", "3.665", "0"][..], &[460, 367, 0][..]),
            (100, &["1", "1", "1"], &[34, 33, 33]),
            (-1, &["6.25", "1.75"], &[-1, 0]),
            // Nothing says how it is divided.
            (827, &["0", "0", "0"], &[827, 0, 0]),
            (0, &["6.25", "1.75"], &[0, 0]),
            (827, &[], &[]),
            (3, &["0.0000000000000000000000000001", "0"], &[3, 0]),
        ] {
            assert_eq!(allocate_components(Minor(tax), &components(percents)), minors(expected), "{tax} {percents:?}");
        }
    }

    proptest! {
        /// S67, N3: the components' amounts add up to the line's tax, and none is off by a whole unit.
        #[test]
        fn s67_n3_components_add_up(tax in any::<i64>(), percents in prop::collection::vec((0_i64..=100_000_000, 0_u32..=6), 1..20)) {
            let percents: Vec<Decimal> = percents.into_iter().map(|(number, scale)| Decimal::new(number, scale.max(6))).collect();
            let rule: Vec<TaxComponent> =
                percents.iter().map(|percent| TaxComponent { name: String::new(), percent: *percent, account: None }).collect();
            let parts = allocate_components(Minor(tax / 4), &rule);
            prop_assert_eq!(parts.iter().copied().sum::<Minor>(), Minor(tax / 4));
            let total: i128 = percents.iter().map(Decimal::mantissa).sum();
            for (part, percent) in parts.iter().zip(&percents).filter(|_| total > 0) {
                let exact = i128::from(tax / 4) * percent.mantissa();
                prop_assert!((i128::from(part.0) * total - exact).abs() < total);
            }
        }

        /// N3: the parts add up to the amount, for every amount and every weight.
        #[test]
        fn n3_parts_add_up(amount in any::<i32>(), weights in prop::collection::vec(-1_000_000_i64..1_000_000_000, 1..60)) {
            let weights = minors(&weights);
            let parts = spread(Minor(i64::from(amount)), &weights);
            prop_assert_eq!(parts.len(), weights.len());
            prop_assert_eq!(parts.iter().copied().sum::<Minor>(), Minor(i64::from(amount)));
            let positive: i128 = weights.iter().map(|w| i128::from(w.0.max(0))).sum();
            if positive > 0 {
                for (part, weight) in parts.iter().zip(&weights) {
                    let exact = i128::from(amount) * i128::from(weight.0.max(0));
                    prop_assert!((i128::from(part.0) * positive - exact).abs() < positive, "a part is off by a whole unit");
                }
            }
        }

        #[test]
        fn n3_rounded_amounts_add_up(exact in prop::collection::vec((-9_000_000_i64..9_000_000, 0_u32..5), 0..40), up in any::<bool>()) {
            let exact: Vec<Decimal> = exact.into_iter().map(|(mantissa, scale)| Decimal::new(mantissa, scale)).collect();
            let sum: Decimal = exact.iter().sum();
            let target = if up { sum.ceil() } else { sum.floor() }.to_i64().unwrap_or(0);
            let parts = round_to(Minor(target), &exact);
            prop_assert_eq!(parts.iter().copied().sum::<Minor>(), Minor(target));
            for (part, exact) in parts.iter().zip(&exact) {
                prop_assert!((Decimal::from(part.0) - exact).abs() < Decimal::ONE);
            }
        }
    }
}
