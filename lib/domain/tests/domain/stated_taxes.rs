//! Taxes that items state as their own, with negative ones among them (S69, S53).

use proptest::prelude::*;
use stevedore_domain::money::{Currency, Decimal, Minor};
use stevedore_domain::order::{Item, Order};
use stevedore_domain::reason::Reason;
use stevedore_domain::sale::Sale;

use crate::merchant::{Merchant, reasons};
use crate::orders::{line, order, taxed_line};

fn taxes(sale: &Sale) -> Vec<i64> {
    sale.lines.iter().map(|line| line.tax.0).chain(sale.charges.iter().map(|charge| charge.tax.0)).collect()
}

fn book(items: Vec<Item>, tax: &str) -> (Vec<i64>, bool) {
    let sale = Merchant::new().sale(&order(items, tax, "0"));
    let contradicted = reasons(&sale).contains(&Reason::TaxAboveItems);
    (taxes(&sale), contradicted)
}

/// S69: a tax that an item states below zero stays on it, and the rest is the tax of the line that states nothing.
#[test]
fn s69_a_stated_negative_tax_stays_on_its_line() {
    // A trade discount: 18.90 are 21.00 less 2.10.
    assert_eq!(book(vec![line("A", 1, "100"), taxed_line("Trade discount", 1, "-10", "-2.10")], "18.90"), (vec![2100, -210], false));
    // A returned piece.
    assert_eq!(book(vec![line("A", 1, "100"), taxed_line("Return", -1, "10", "0.80")], "7.20"), (vec![800, -80], false));
    // The other way about: the goods state theirs.
    assert_eq!(book(vec![taxed_line("A", 1, "100", "8"), line("Return", -1, "10")], "7.20"), (vec![800, -80], false));
    // They cancel each other out.
    assert_eq!(book(vec![taxed_line("A", 1, "100", "8"), line("Return", -1, "100")], "0"), (vec![800, -800], false));
    // The rest has the sign of the lines that it goes to.
    let mixed = vec![taxed_line("A", 1, "100", "8"), line("Return", -1, "10"), line("B", 1, "50")];
    assert_eq!(book(mixed, "7.20"), (vec![800, -80, 0], false));
}

/// S69, S55: shipping that is taxable takes its part of the rest beside a negative line.
#[test]
fn s69_s55_the_rest_beside_a_negative_line_is_shippings_too() {
    let order = order(vec![line("A", 1, "90"), taxed_line("Discount", 1, "-10", "-2.10")], "18.90", "10");
    let sale = Merchant::with_settings(|settings| settings.shipment_is_taxable = true).sale(&order);
    assert_eq!(taxes(&sale), [1890, -210, 210]);
}

/// S69: with no line that could take the rest, a stated negative amount stays all the same, and the sale says that the amounts contradict each other.
#[test]
fn s69_a_negative_tax_stays_although_the_amounts_contradict_each_other() {
    let discount = || taxed_line("Discount", 1, "-10", "-2.10");
    let untaxed = Item { unit_tax: Some(Decimal::ZERO), ..line("A", 1, "100") };
    assert_eq!(book(vec![untaxed, discount()], "18.90"), (vec![2100, -210], true));
    assert_eq!(book(vec![taxed_line("A", 1, "100", "21"), discount()], "10"), (vec![1210, -210], true));
    assert_eq!(book(vec![taxed_line("A", 1, "100", "21"), discount()], "20"), (vec![2210, -210], true));
    // A line that states nothing does not get a tax below zero because others claim too much.
    assert_eq!(book(vec![taxed_line("A", 1, "100", "21"), line("B", 1, "10")], "20"), (vec![2000, 0], true));
}

fn arb_items() -> impl Strategy<Value = Vec<Item>> {
    let unit_tax = prop::option::weighted(0.6, (-900_i64..900, 2_u32..=4).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale)));
    let item = (-3_i64..6, -20_000_i64..20_000, unit_tax).prop_map(|(quantity, cents, unit_tax)| Item {
        unit_price: Decimal::new(cents, 2),
        unit_tax,
        ..line("A", quantity, "0")
    });
    prop::collection::vec(item, 0..12)
}

proptest! {
    /// S68, S69, N3: taxes of either sign add up to the order's to the cent; and unless the amounts contradict each other, each stated one is where it was.
    #[test]
    fn n3_taxes_of_either_sign_add_up(
        items in arb_items(),
        tax in -30_000_i64..30_000,
        shipping in 0_i64..3_000,
        taxable in any::<bool>(),
        code in prop::sample::select(vec!["USD", "JPY", "KWD", "CLF"]),
    ) {
        let currency = Currency::from_code(code).unwrap();
        let minor = |amount| currency.decimal(Minor(amount));
        let mut order = order(items, "0", "0");
        (order.tax, order.shipping) = (minor(tax), minor(shipping));
        let things = |order: &Order| order.items.iter().map(|item| Decimal::from(item.quantity) * item.unit_price).sum::<Decimal>();
        order.total = (things(&order) + order.tax + order.shipping).round_dp(currency.digits());
        let merchant = Merchant::with_settings(|settings| {
            settings.currency = currency;
            settings.shipment_is_taxable = taxable;
        });
        let sale = merchant.sale(&order);
        prop_assert_eq!(taxes(&sale).iter().sum::<i64>(), tax);
        prop_assert_eq!((sale.tax, currency.decimal(sale.total), sale.sum_of_parts()), (Minor(tax), order.total, sale.total));
        let own = |item: &Item| Some(Decimal::from(item.quantity) * item.unit_tax? * Decimal::from(10_i64.pow(currency.digits())));
        if reasons(&sale).contains(&Reason::TaxAboveItems) || order.items.iter().filter_map(own).all(|tax| tax.is_zero()) {
            return Ok(());
        }
        for (line, item) in sale.lines.iter().zip(&order.items) {
            if let Some(exact) = own(item) {
                prop_assert!((Decimal::from(line.tax.0) - exact).abs() < Decimal::ONE, "{} for {}", line.tax.0, exact);
            }
        }
    }
}
