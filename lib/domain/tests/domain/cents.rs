//! Equal to ShipStation to the cent (P3, N3), over generated orders.

use proptest::prelude::*;
use rust_decimal::prelude::ToPrimitive;
use stevedore_domain::money::{Currency, Decimal, Minor};
use stevedore_domain::order::{Item, Order};
use stevedore_domain::reason::Reason;
use stevedore_domain::sale::Sale;

use crate::merchant::{Merchant, reasons};
use crate::orders::{arb_order, sum_of_parts};

fn currency(code: &str) -> Currency {
    Currency::from_code(code).unwrap()
}

/// Two, none, three and four digits.
fn arb_currency() -> impl Strategy<Value = Currency> {
    prop::sample::select(vec!["USD", "USD", "USD", "EUR", "JPY", "KWD", "CLF"]).prop_map(currency)
}

fn arb_case() -> impl Strategy<Value = (Merchant, Order)> {
    (arb_currency(), any::<bool>()).prop_flat_map(|(currency, taxable)| {
        arb_order(currency).prop_map(move |order| {
            let merchant = Merchant::with_settings(|settings| {
                settings.currency = currency;
                settings.shipment_is_taxable = taxable;
            });
            (merchant, order)
        })
    })
}

/// `amount` in minor units, with its fraction.
fn scaled(currency: Currency, amount: Decimal) -> Decimal {
    amount * Decimal::from(10_i64.pow(currency.digits()))
}

fn extended(currency: Currency, item: &Item) -> Decimal {
    scaled(currency, Decimal::from(item.quantity) * item.unit_price)
}

fn near(amount: Minor, exact: Decimal) -> bool {
    (Decimal::from(amount.0) - exact).abs() < Decimal::ONE
}

fn things(order: &Order) -> impl Iterator<Item = &Item> {
    order.items.iter().filter(|item| !item.adjustment)
}

/// Lines, charges, discounts and taxes computed from the sale's parts alone.
fn added_up(sale: &Sale) -> i64 {
    sale.lines.iter().map(|line| line.total.0 + line.tax.0).sum::<i64>()
        + sale.charges.iter().map(|charge| charge.amount.0 + charge.tax.0).sum::<i64>()
        - sale.discounts.iter().map(|discount| discount.amount.0).sum::<i64>()
}

proptest! {
    /// S68, S119, N3: total and tax are ShipStation's own, the parts add up to them, each rounded amount is its exact amount rounded down or up,
    /// and the same order gives the same sale.
    #[test]
    fn s68_s119_n3_equal_to_shipstation_to_the_cent((merchant, order) in arb_case()) {
        let currency = merchant.settings.currency;
        let sale = merchant.sale(&order);
        prop_assert_eq!(currency.decimal(sale.total), order.total);
        prop_assert_eq!(currency.decimal(sale.tax), order.tax);
        prop_assert_eq!(added_up(&sale), sale.total.0);
        prop_assert_eq!(sale.sum_of_parts(), sale.total);
        prop_assert_eq!(sale.subtotal.0, sale.lines.iter().map(|line| line.total.0).sum::<i64>());
        prop_assert_eq!(sale.tax.0, sale.lines.iter().map(|line| line.tax.0).chain(sale.charges.iter().map(|charge| charge.tax.0)).sum::<i64>());

        prop_assert_eq!(sale.lines.len(), things(&order).count());
        for ((line, item), number) in sale.lines.iter().zip(things(&order)).zip(1..) {
            prop_assert_eq!((line.line_no, line.quantity, line.unit_price), (number, item.quantity, item.unit_price));
            prop_assert_eq!(&line.sku, &item.sku);
            prop_assert!(near(line.total, extended(currency, item)), "line {} of {}", line.total.0, extended(currency, item));
        }
        prop_assert_eq!(merchant.sale(&order), sale);
    }

    /// S120, S121: each adjustment stands on the whole order as what it is, a discount or a charge named `Shipping`, and no line takes any of it.
    #[test]
    fn s120_s121_adjustments_stand_on_the_whole_order((merchant, order) in arb_case()) {
        let currency = merchant.settings.currency;
        let sale = merchant.sale(&order);
        let mut discounts = sale.discounts.iter();
        let mut charges = sale.charges.iter().filter(|charge| charge.name == "Shipping");
        for item in order.items.iter().filter(|item| item.adjustment) {
            let exact = extended(currency, item);
            if exact > Decimal::ZERO {
                let charge = charges.next().expect("a charge for each positive adjustment");
                prop_assert_eq!(&charge.comment, &item.name);
                prop_assert!(near(charge.amount, exact));
            } else {
                let discount = discounts.next().expect("a discount for each negative adjustment");
                prop_assert_eq!(Some(&discount.name), item.name.as_ref());
                prop_assert!(discount.amount >= Minor::ZERO && near(-discount.amount, exact));
            }
        }
        // What is left is shipping, if anything.
        let shipping = scaled(currency, order.shipping);
        let left = charges.next().map(|charge| charge.amount).or_else(|| discounts.next().map(|discount| -discount.amount));
        prop_assert!(near(left.unwrap_or_default(), shipping));
        prop_assert_eq!((charges.next(), discounts.next()), (None, None));

        // The lines of the same order without its adjustments differ by no more than how a fraction was rounded.
        let things_only: Decimal = things(&order).map(|item| extended(currency, item)).sum();
        let fractions = things(&order).filter(|item| !extended(currency, item).fract().is_zero()).count();
        prop_assert!((Decimal::from(sale.subtotal.0) - things_only).abs() <= Decimal::from(fractions));
    }

    /// N3: an adjustment is booked when ShipStation's numbers do not add up, and never for a fraction of a cent.
    #[test]
    fn n3_total_adjusted_only_when_needed((merchant, order) in arb_case()) {
        let currency = merchant.settings.currency;
        let sale = merchant.sale(&order);
        let off = scaled(currency, order.total) - scaled(currency, sum_of_parts(&order));
        let adjustment: Vec<_> = sale.charges.iter().filter(|charge| charge.name == "Adjustment" && charge.amount != Minor::ZERO).collect();
        prop_assert_eq!(reasons(&sale).contains(&Reason::TotalAdjusted), off.abs() >= Decimal::ONE);
        prop_assert_eq!(adjustment.len(), usize::from(off.abs() >= Decimal::ONE));
        for charge in adjustment {
            prop_assert!(near(charge.amount, off), "{} for {}", charge.amount.0, off);
            prop_assert_eq!(charge.tax, Minor::ZERO);
        }
    }

    /// S53–S55: each line's part of a tax that no item states is its share of the lines' totals to the cent, and charges have a part only when they are taxable.
    #[test]
    fn s53_s54_s55_tax_is_spread_in_proportion((merchant, mut order) in arb_case()) {
        order.items.iter_mut().for_each(|item| item.unit_tax = None);
        let sale = merchant.sale(&order);
        let (lines, charges): (Vec<_>, Vec<_>) = (sale.lines.iter().collect(), sale.charges.iter().filter(|charge| charge.name == "Shipping").collect());
        let mut parts: Vec<(Minor, Minor)> = lines.iter().map(|line| (line.total, line.tax)).collect();
        if merchant.settings.shipment_is_taxable {
            parts.extend(charges.iter().map(|charge| (charge.amount, charge.tax)));
        } else {
            prop_assert!(charges.iter().all(|charge| charge.tax == Minor::ZERO), "S54");
        }
        let positive: Decimal = parts.iter().map(|(amount, _)| Decimal::from(amount.or_zero().0)).sum();
        if positive > Decimal::ZERO {
            prop_assert_eq!(parts.iter().map(|(_, tax)| tax.0).sum::<i64>(), sale.tax.0);
            let all = scaled(merchant.settings.currency, order.tax);
            for (amount, tax) in parts {
                prop_assert!(near(tax, all * Decimal::from(amount.or_zero().0) / positive));
            }
        }
    }

    /// S69: tax that an item states as its own is kept, a stated zero too, unless the order's tax leaves no room for it, and then the sale says so.
    #[test]
    fn s69_items_own_taxes_are_kept((merchant, mut order) in arb_case(), above in 0_i64..300) {
        let currency = merchant.settings.currency;
        let own = |item: &Item| item.unit_tax.map(|tax| scaled(currency, Decimal::from(item.quantity) * tax));
        if things(&order).filter_map(own).all(|tax| tax.is_zero()) {
            let taxes = [Some(Decimal::new(725, 4)), None, Some(Decimal::ZERO)].into_iter().cycle();
            for (item, tax) in order.items.iter_mut().filter(|item| !item.adjustment).zip(taxes) {
                item.unit_tax = tax;
            }
            let stated: Decimal = things(&order).filter_map(own).sum();
            order.tax = currency.decimal(Minor(stated.ceil().to_i64().unwrap() + above));
        }
        let sale = merchant.sale(&order);
        if reasons(&sale).contains(&Reason::TaxAboveItems) || things(&order).filter_map(own).all(|tax| tax.is_zero()) {
            return Ok(());
        }
        for (line, item) in sale.lines.iter().zip(things(&order)) {
            if let Some(exact) = own(item) {
                prop_assert!(near(line.tax, exact), "{} for {exact}", line.tax.0);
            }
        }
    }

    /// S69: items whose own taxes are the order's are never in contradiction to it.
    #[test]
    fn s69_no_contradiction_where_there_is_none((merchant, mut order) in arb_case()) {
        let digits = merchant.settings.currency.digits();
        let own: Decimal = things(&order).filter_map(|item| Some(Decimal::from(item.quantity) * item.unit_tax?)).sum();
        order.tax = own.round_dp_with_strategy(digits, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
        prop_assert!(!reasons(&merchant.sale(&order)).contains(&Reason::TaxAboveItems));
    }

    /// S70: recalculated tax is the rule's percent of each line, and of the charges when they are taxable; the rest of the sale is as before.
    #[test]
    fn s70_recalculated_tax_is_the_rules((mut merchant, order) in arb_case()) {
        let kept = merchant.sale(&order);
        merchant.settings.tax.recalculate = true;
        let sale = merchant.sale(&order);
        let percent = |amount: Minor| {
            let exact = Decimal::from(amount.0) * Decimal::from(8) / Decimal::ONE_HUNDRED;
            exact.round_dp_with_strategy(0, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
        };
        for (line, before) in sale.lines.iter().zip(&kept.lines) {
            prop_assert_eq!(Decimal::from(line.tax.0), percent(line.total));
            prop_assert_eq!(line.total, before.total);
        }
        for charge in &sale.charges {
            let taxed = merchant.settings.shipment_is_taxable && charge.name == "Shipping";
            prop_assert_eq!(Decimal::from(charge.tax.0), if taxed { percent(charge.amount) } else { Decimal::ZERO });
        }
        prop_assert_eq!(sale.total.0 - sale.tax.0, kept.total.0 - kept.tax.0);
        prop_assert_eq!(added_up(&sale), sale.total.0);
    }

    /// S119: a sale is the same after it was written as JSON and read.
    #[test]
    fn s119_a_sale_survives_its_json((merchant, order) in arb_case()) {
        let sale = merchant.sale(&order);
        let text = serde_json::to_string(&sale).unwrap();
        let read: Sale = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&read, &sale);
        for (read, line) in read.lines.iter().zip(&sale.lines) {
            prop_assert_eq!(read.unit_price.to_string(), line.unit_price.to_string());
        }
    }
}
