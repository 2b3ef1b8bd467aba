//! Lines, charges, discounts and totals, by example.

use stevedore_domain::ids::OrderId;
use stevedore_domain::money::{Currency, Decimal, Minor};
use stevedore_domain::order::Order;
use stevedore_domain::reason::Reason;
use stevedore_domain::sale::SaleKind;
use stevedore_domain::stock::LARGEST_QUANTITY;

use crate::merchant::{Merchant, failed, product, reasons};
use crate::orders::{adjustment, exact, line, order};

fn totals(order: &Order) -> Vec<i64> {
    Merchant::new().sale(order).lines.iter().map(|line| line.total.0).collect()
}

/// S103, S118, S119: the sale has the order's lines with quantities, prices and totals, its number and its addresses.
#[test]
fn s103_s118_s119_a_sale_is_identical_to_its_order() {
    let mut order = order(vec![line("A", 3, "9.99"), line("B", 1, "0.50"), line("A", 2, "9.99")], "1.20", "5");
    order.bill_to.name = Some("Bill".to_owned());
    let sale = Merchant::new().sale(&order);
    let lines: Vec<_> =
        sale.lines.iter().map(|line| (line.sku.as_deref().unwrap(), line.quantity, line.unit_price.to_string(), line.total.0)).collect();
    assert_eq!(lines, [("A", 3, "9.99".to_owned(), 2997), ("B", 1, "0.50".to_owned(), 50), ("A", 2, "9.99".to_owned(), 1998)]);
    assert_eq!((sale.subtotal.0, sale.tax.0, sale.total.0), (5045, 120, 5665));
    assert_eq!((sale.kind, sale.number.as_str(), sale.source.order().unwrap().order_id), (SaleKind::Order, "W-1001", order.id));
    assert_eq!((&sale.bill_to, &sale.ship_to), (&order.bill_to, &order.ship_to));
}

/// S120, S121: a discount lowers the whole order; charges are named `Shipping`, with the adjustment's own name as comment.
#[test]
fn s120_s121_discounts_and_charges_of_the_whole_order() {
    let order = order(vec![line("A", 2, "99.99"), adjustment("SPRING20", "-20.55"), adjustment("Gift wrap", "3.50")], "5", "10");
    let sale = Merchant::new().sale(&order);
    assert_eq!(sale.lines[0].total, Minor(19_998));
    let charges: Vec<_> = sale.charges.iter().map(|charge| (charge.name.as_str(), charge.comment.as_deref(), charge.amount.0)).collect();
    assert_eq!(charges, [("Shipping", Some("Gift wrap"), 350), ("Shipping", Some("USPS Priority"), 1000)]);
    assert_eq!((sale.discounts.len(), sale.discounts[0].name.as_str(), sale.discounts[0].amount.0), (1, "SPRING20", 2055));
    assert_eq!(sale.total, Minor(19_793));
    assert_eq!(reasons(&sale), [Reason::ServiceLine]);
}

/// S121: an adjustment of less than half a cent, or of no pieces, is still what its price says.
#[test]
fn s121_a_charge_that_rounds_to_nothing_is_no_discount() {
    let mut none = adjustment("Handling", "2.00");
    none.quantity = 0;
    let mut order = order(vec![line("A", 1, "10"), adjustment("Levy", "0.004"), none], "0", "0");
    order.total = exact("10.00");
    let sale = Merchant::new().sale(&order);
    let charges: Vec<_> = sale.charges.iter().map(|charge| (charge.comment.as_deref(), charge.amount.0)).collect();
    assert_eq!((charges, sale.discounts), (vec![(Some("Levy"), 0), (Some("Handling"), 0)], vec![]), "total {}", sale.total.0);
}

/// S120: a discount above everything else makes a negative total, as stated.
#[test]
fn s120_a_negative_total() {
    let sale = Merchant::new().sale(&order(vec![line("A", 1, "10"), adjustment("Goodwill", "-30")], "0", "0"));
    assert_eq!((sale.total, sale.subtotal, sale.charges.len()), (Minor(-2000), Minor(1000), 0));
}

/// S119: a line of no pieces stands with a total of nothing, and lines with negative quantities with a negative one.
#[test]
fn s119_quantity_zero_and_negative() {
    let order = order(vec![line("A", 0, "19.99"), line("B", -2, "5.00"), line("C", 1, "30")], "0", "0");
    assert_eq!(totals(&order), [0, -1000, 3000]);
    assert_eq!(Merchant::new().sale(&order).lines[0].quantity, 0);
}

/// S119: an order without items is a sale without lines; what it states as total stands as an adjustment.
#[test]
fn s119_no_items() {
    let mut order = order(vec![], "0", "0");
    assert_eq!(Merchant::new().sale(&order).total, Minor::ZERO);
    order.total = exact("7.0");
    let sale = Merchant::new().sale(&order);
    assert_eq!((sale.total, sale.lines.len(), sale.charges[0].amount), (Minor(700), 0, Minor(700)));
    assert_eq!(reasons(&sale), [Reason::TotalAdjusted]);
    assert!(sale.warnings[0].message.contains("7.00 USD"), "{}", sale.warnings[0].message);
}

/// N4: the parts of a split have totals that are not split (docs/shipstation.md, section 3.5: parent 11 with items of 3, child 0 with items of 8);
/// both are booked as they stand, and flagged.
#[test]
fn n4_split_orders_are_flagged_and_equal() {
    let mut parent = order(vec![line("A", 1, "3")], "0", "0");
    (parent.total, parent.merged_or_split, parent.merged_ids) = (exact("11"), true, vec![OrderId(900_002)]);
    let sale = Merchant::new().sale(&parent);
    assert_eq!((sale.total.0, sale.subtotal.0, sale.charges[0].amount.0), (1100, 300, 800));
    assert_eq!(reasons(&sale), [Reason::TotalAdjusted, Reason::SplitOrder, Reason::ServiceLine]);

    let mut child = order(vec![line("B", 1, "8")], "0", "0");
    (child.id, child.total, child.parent_id) = (OrderId(900_002), Decimal::ZERO, Some(OrderId(900_001)));
    let sale = Merchant::new().sale(&child);
    assert_eq!((sale.total.0, sale.subtotal.0, sale.charges[0].amount.0), (0, 800, -800));
    assert_eq!(reasons(&sale), [Reason::TotalAdjusted, Reason::SplitOrder, Reason::ServiceLine]);
}

/// N4: the survivor of a merge adds up, so it is no split.
#[test]
fn n4_the_survivor_of_a_merge_is_not_flagged() {
    let mut merged = order(vec![line("A", 1, "3"), line("B", 1, "8")], "0", "0");
    (merged.merged_or_split, merged.merged_ids) = (true, vec![OrderId(900_002)]);
    assert_eq!(reasons(&Merchant::new().sale(&merged)), [Reason::ServiceLine]);
}

/// N3: prices of fractions of a cent add up to a total that was rounded up, down or cut.
#[test]
fn n3_sub_cent_prices_follow_the_stated_total() {
    for (total, expected) in [("0.01", [1, 0, 0]), ("0.02", [1, 1, 0])] {
        let mut order = order(vec![line("A", 1, "0.005"), line("B", 1, "0.005"), line("C", 1, "0.005")], "0", "0");
        order.total = exact(total);
        assert_eq!(totals(&order), expected, "{total}");
        assert_eq!(reasons(&Merchant::new().sale(&order)), [Reason::ServiceLine]);
    }
    assert_eq!(totals(&order(vec![line("A", 1, "0.001"), line("B", 1, "0.009")], "0", "0")), [0, 1]);
    let mut off = order(vec![line("A", 1, "0.005")], "0", "0");
    off.total = exact("0.02");
    let sale = Merchant::new().sale(&off);
    assert_eq!((sale.lines[0].total.0, sale.charges[0].amount.0, sale.total.0), (1, 1, 2));
}

/// S119: numbers with an exponent, with trailing zeros, with four decimals, and of 10^12 are exact, and the unit price keeps its own digits.
#[test]
fn s119_odd_numbers_are_exact() {
    for (price, quantity, total) in
        [("1e2", 3, 30_000), ("19.990", 2, 3998), ("0.0125", 400, 500), ("1e12", 1, 100_000_000_000_000), ("1E-2", 1, 1)]
    {
        let order = order(vec![line("A", quantity, price)], "0", "0");
        let sale = Merchant::new().sale(&order);
        assert_eq!((sale.total.0, sale.lines[0].unit_price.to_string()), (total, exact(price).to_string()), "{price}");
    }
}

/// S119: ids above 2^53 come through whole.
#[test]
fn s119_ids_above_2_to_the_53() {
    let mut order = order(vec![line("A", 1, "1")], "0", "0");
    order.id = OrderId(9_007_199_254_740_993);
    let sale = Merchant::new().sale(&order);
    assert_eq!((sale.id.as_str(), sale.source.order().unwrap().order_id.0), ("SO-9007199254740993", 9_007_199_254_740_993));
    let text = serde_json::to_string(&sale.source).unwrap();
    assert!(text.contains("9007199254740993"), "{text}");
}

/// N20: an amount that is not whole in the currency fails with a reason that quotes it, and is never rounded away.
#[test]
fn n20_amounts_that_are_not_whole_fail() {
    for (total, tax) in [("10.005", "0"), ("10.00", "0.125"), ("19.99000000000000000000000001", "0")] {
        let mut order = order(vec![line("A", 1, "10")], tax, "0");
        order.total = exact(total);
        let refusal = Merchant::new().refusal(&order);
        let odd = if tax == "0" { total } else { tax };
        assert_eq!(failed(&refusal).reason, Reason::AmountNotExact);
        assert!(failed(&refusal).message.contains(odd), "{}", failed(&refusal).message);
    }
    let yen = Merchant::with_settings(|settings| settings.currency = Currency::from_code("JPY").unwrap());
    assert_eq!(failed(&yen.refusal(&order(vec![line("A", 1, "10.50")], "0", "0"))).reason, Reason::AmountNotExact);
    assert_eq!(yen.sale(&order(vec![line("A", 2, "10.50")], "0", "0")).total, Minor(21));
}

/// N20: amounts that cannot be held fail cleanly, wherever they stand, and never become wrong ones.
#[test]
fn n20_overflows_fail_cleanly() {
    let huge = "79228162514264337593543950335";
    let plain = order(vec![line("A", 1, "1")], "0", "0");
    let mut cases = vec![
        Order { shipping: exact(huge), ..plain.clone() },
        Order { tax: exact(huge), ..plain.clone() },
        Order { total: exact(huge), ..plain.clone() },
        Order { shipping: exact("1e15"), ..plain.clone() },
        Order { tax: exact("-1e15"), ..plain },
    ];
    for (quantity, price) in [(i64::MAX, "1"), (i64::MIN, "1"), (i64::MAX, "0.01"), (i64::MAX, "-1e12"), (1, huge), (3, "1e15")] {
        let mut order = order(vec![], "0", "0");
        order.items = vec![line("A", quantity, price)];
        cases.push(order);
    }
    for pair in [["1e14", "-1e14"], ["9e13", "9e13"]] {
        let mut order = order(vec![], "0", "0");
        order.items = pair.iter().map(|price| line("A", 1, price)).collect();
        cases.push(order);
    }
    let mut taxed = order(vec![line("A", i64::MAX, "0")], "0", "0");
    taxed.items[0].unit_tax = Some(exact("1e12"));
    cases.push(taxed);
    let mut many = order(vec![line("A", 1, "0"); 1_200], "1", "0");
    many.items.iter_mut().for_each(|item| item.unit_tax = Some(exact("99999999999999")));
    cases.push(many);
    for case in cases {
        assert_eq!(failed(&Merchant::new().refusal(&case)).reason, Reason::AmountTooLarge, "{case:?}");
    }
    // A number of pieces is no amount.
    assert_eq!(Merchant::new().sale(&order(vec![line("A", i64::MAX, "0")], "0", "0")).total, Minor::ZERO);
}

/// S119: an order of 1,200 lines with fractions and tax is equal to the cent.
#[test]
fn s119_n3_an_order_of_1200_lines() {
    let items = (0..1_200).map(|n| line(&format!("SKU-{n}"), 1 + n % 7, &format!("{}.{:03}", n % 40, n * 7 % 1000))).collect();
    let mut order = order(items, "512.33", "12.5");
    order.total = order.total.round_dp(2);
    let sale = Merchant::new().sale(&order);
    assert_eq!((sale.lines.len(), sale.tax), (1_200, Minor(51_233)));
    assert_eq!(Currency::USD.decimal(sale.total), order.total);
    assert!(!reasons(&sale).contains(&Reason::TotalAdjusted));
    let named = sale.warnings.iter().find(|warning| warning.reason == Reason::ServiceLine).unwrap();
    assert!(named.message.starts_with("SKU-0, SKU-1, SKU-2 and 1197 more."), "{}", named.message);
}

/// N20: more pieces of a product than anybody could count, or give back, fail the order; the largest number that can be counted does not, and neither does any
/// of a line without a product.
#[test]
fn n20_a_quantity_that_cannot_be_counted_fails() {
    let merchant = Merchant::with_products(&[product("P-1", "MUG")]);
    for (sku, quantity, fails) in [
        ("MUG", LARGEST_QUANTITY, false),
        ("MUG", LARGEST_QUANTITY + 1, true),
        ("MUG", -LARGEST_QUANTITY, false),
        ("MUG", -LARGEST_QUANTITY - 1, true),
        ("NOWHERE", LARGEST_QUANTITY + 1, false),
    ] {
        let order = order(vec![line(sku, quantity, "0")], "0", "0");
        if fails {
            let unbookable = merchant.refusal(&order);
            assert_eq!(failed(&unbookable).reason, Reason::QuantityTooLarge, "{quantity} of {sku}");
        } else {
            assert_eq!(merchant.sale(&order).lines[0].quantity, quantity, "{sku}");
        }
    }
}
