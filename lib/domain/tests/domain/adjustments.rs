//! Drafts that a person adjusts (S39): whatever is changed, the sale adds up to the cent, and what ShipStation stated stays known.

use proptest::prelude::*;
use stevedore_domain::money::{Currency, Decimal, Minor};
use stevedore_domain::sale::{Adjusted, Adjustment, Charge, Discount, LineAdjustment, NotAdjusted, Sale};

use crate::merchant::{Merchant, now, product};
use crate::orders::{arb_order, line, order};

fn draft() -> Sale {
    Merchant::with_products(&[product("P-mug", "MUG")]).sale(&order(vec![line("MUG", 2, "10"), line("ENGRAVING", 1, "5")], "1.60", "5"))
}

fn one(line: LineAdjustment) -> Adjustment {
    Adjustment { lines: vec![line], ..Adjustment::default() }
}

/// S39: the first stated total stays the one that differences are taken from, however often it is adjusted; forty adjustments are kept, the first among them.
#[test]
fn s39_the_stated_total_is_kept() {
    let mut sale = draft();
    let stated = sale.total;
    for round in 1..=60 {
        let change = LineAdjustment { line_no: 1, tax: Some(Minor(round)), ..LineAdjustment::default() };
        assert_eq!(sale.adjust(one(change), now(), &format!("person {round}")), Ok(true));
        assert_eq!(sale.total - stated, sale.difference_to_shipstation());
    }
    let adjusted = sale.adjusted.clone().unwrap();
    assert_eq!((adjusted.stated_total, adjusted.changes.len()), (stated, Adjusted::KEPT));
    assert_eq!((adjusted.changes[0].by.as_str(), adjusted.changes.last().unwrap().by.as_str()), ("person 1", "person 60"));
    // The same again is nothing, and nothing is noted.
    let same = LineAdjustment { line_no: 1, tax: Some(Minor(60)), ..LineAdjustment::default() };
    assert_eq!(sale.adjust(one(same), now(), "x"), Ok(false));
    assert_eq!(sale.adjusted, Some(adjusted));
}

/// S39: quantities of goods stay, those of services may change; on a fault nothing is changed.
#[test]
fn s39_quantities_of_goods_stay() {
    let mut sale = draft();
    let before = sale.clone();
    let quantity = |line_no, quantity| LineAdjustment { line_no, quantity: Some(quantity), ..LineAdjustment::default() };
    let both = Adjustment { lines: vec![quantity(2, 4), quantity(1, 3)], ..Adjustment::default() };
    let Err(NotAdjusted::Wrong(faults)) = sale.adjust(both, now(), "x") else { panic!("it was taken") };
    assert_eq!(faults.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect::<Vec<_>>(), [("/lines/1/quantity", "moves_stock")]);
    assert_eq!(sale, before);
    assert_eq!(sale.adjust(one(quantity(2, 4)), now(), "x"), Ok(true));
    assert_eq!((sale.lines[1].total, sale.allocations.clone()), (Minor(2000), before.allocations));
}

/// S39: sales that are stored without adjustments are written as they always were, and read.
#[test]
fn s39_sales_of_earlier_versions_are_read() {
    let sale = draft();
    let text = serde_json::to_string(&sale).unwrap();
    assert!(!text.contains("adjusted"), "{text}");
    let read: Sale = serde_json::from_str(&text).unwrap();
    assert_eq!((&read, read.difference_to_shipstation()), (&sale, Minor::ZERO));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// P3, S39: after any sequence of adjustments the total is the sum of its parts, to the minor unit, in currencies of any number of digits.
    #[test]
    fn p3_s39_an_adjusted_sale_adds_up(
        (generated, code) in prop::sample::select(vec!["USD", "JPY", "KWD"]).prop_flat_map(|code| (arb_order(Currency::from_code(code).unwrap()), Just(code))),
        changes in prop::collection::vec((0_u32..6, -40_000_i64..40_000, 0_u32..5, -5_000_i64..5_000, 0_i64..9), 1..6),
        charges in prop::option::of(prop::collection::vec((-500_i64..5_000, -50_i64..500), 0..4)),
        discounts in prop::option::of(prop::collection::vec(0_i64..5_000, 0..4)),
    ) {
        let mut merchant = Merchant::new();
        merchant.settings.currency = Currency::from_code(code).unwrap();
        let mut sale = merchant.sale(&generated);
        let stated = sale.total;
        for (line_no, price, scale, tax, quantity) in changes {
            let change = LineAdjustment {
                line_no,
                unit_price: Some(Decimal::new(price, scale)),
                tax: Some(Minor(tax)),
                quantity: Some(quantity),
                ..LineAdjustment::default()
            };
            let before = sale.clone();
            let adjustment = Adjustment {
                lines: vec![change],
                charges: charges.as_ref().map(|charges| charges.iter().map(|(amount, tax)| Charge { amount: Minor(*amount), tax: Minor(*tax), ..charge() }).collect()),
                discounts: discounts.as_ref().map(|all| all.iter().map(|amount| Discount { name: "x".to_owned(), amount: Minor(*amount) }).collect()),
            };
            match sale.adjust(adjustment, now(), "x") {
                Ok(_) => {}
                Err(NotAdjusted::Wrong(_)) => prop_assert_eq!(&sale, &before),
                Err(other) => prop_assert!(false, "{:?}", other),
            }
            prop_assert_eq!(sale.total, sale.sum_of_parts());
            prop_assert_eq!(sale.subtotal, sale.lines.iter().map(|line| line.total).sum::<Minor>());
            let taxes = sale.lines.iter().map(|line| line.tax).sum::<Minor>() + sale.charges.iter().map(|charge| charge.tax).sum::<Minor>();
            prop_assert_eq!(sale.tax, taxes);
            prop_assert_eq!(sale.total - sale.difference_to_shipstation(), stated);
        }
    }
}

fn charge() -> Charge {
    draft().charges.into_iter().next().unwrap()
}
