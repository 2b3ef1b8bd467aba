//! ShipStation's one amount of tax on the lines (S53–S55, S67–S70), by example.

use stevedore_domain::ids::TaxRuleId;
use stevedore_domain::money::Minor;
use stevedore_domain::order::{Item, Order};
use stevedore_domain::reason::Reason;
use stevedore_domain::sale::Sale;

use crate::merchant::{Merchant, blocked, reasons, tax_rule};
use crate::orders::{adjustment, line, order, taxed_line};

fn taxes(sale: &Sale) -> (Vec<i64>, Vec<i64>) {
    (sale.lines.iter().map(|line| line.tax.0).collect(), sale.charges.iter().map(|charge| charge.tax.0).collect())
}

/// The taxes of lines and of charges, when charges are not taxable and when they are.
fn both_ways(order: &Order) -> [(Vec<i64>, Vec<i64>); 2] {
    [false, true].map(|taxable| {
        let sale = Merchant::with_settings(|settings| settings.shipment_is_taxable = taxable).sale(order);
        assert_eq!(sale.tax.0, sale.lines.iter().map(|line| line.tax.0).chain(sale.charges.iter().map(|charge| charge.tax.0)).sum::<i64>());
        taxes(&sale)
    })
}

/// S53–S55: one amount, in proportion to the lines; to the charges too when they are taxable. What is left of a cent goes to the largest remainder.
#[test]
fn s53_s54_s55_pro_rata() {
    let order = order(vec![line("A", 1, "30"), line("B", 2, "5"), adjustment("Discount", "-5")], "5", "10");
    assert_eq!(both_ways(&order), [(vec![375, 125], vec![0]), (vec![300, 100], vec![100])]);
}

/// S53, N3: ties go to the earlier line; one cent goes somewhere, whole.
#[test]
fn s53_n3_ties_and_single_cents() {
    let thirds = |tax| order(vec![line("A", 1, "10"), line("B", 1, "10"), line("C", 1, "10")], tax, "0");
    for (tax, expected) in [("1", [34, 33, 33]), ("0.01", [1, 0, 0]), ("0.02", [1, 1, 0]), ("0", [0, 0, 0]), ("-0.01", [-1, 0, 0])] {
        assert_eq!(both_ways(&thirds(tax))[0].0, expected, "{tax}");
    }
}

/// S53, N3: the rest of a cent goes to the largest remainder, wherever it stands.
#[test]
fn s53_n3_the_largest_remainder() {
    let of = |tax| both_ways(&order(vec![line("A", 1, "10"), line("B", 1, "90"), line("C", 1, "50")], tax, "0"))[0].0.clone();
    assert_eq!((of("0.01"), of("0.02"), of("0.10")), (vec![0, 1, 0], vec![0, 1, 1], vec![1, 6, 3]));
}

/// S53: lines of nothing share equally; a line of nothing beside others takes none.
#[test]
fn s53_all_zero_lines() {
    assert_eq!(both_ways(&order(vec![line("A", 1, "0"), line("B", 3, "0")], "0.03", "0"))[0].0, [2, 1]);
    assert_eq!(both_ways(&order(vec![line("A", 0, "9"), line("B", 3, "1")], "0.03", "0"))[0].0, [0, 3]);
}

/// S54, S55: with free lines and taxable shipping, shipping takes all; when it is not taxable, it takes none all the same.
#[test]
fn s54_s55_free_lines_with_shipping() {
    assert_eq!(both_ways(&order(vec![line("A", 1, "0")], "0.50", "6")), [(vec![50], vec![0]), (vec![0], vec![50])]);
}

/// S53: an order that gives money back has its tax in proportion too.
#[test]
fn s53_negative_lines() {
    assert_eq!(both_ways(&order(vec![line("A", -1, "10"), line("B", -1, "30")], "-4", "0"))[0].0, [-100, -300]);
    // A line that gives back takes no part of a tax that is charged.
    assert_eq!(both_ways(&order(vec![line("A", -1, "10"), line("B", 1, "30")], "4", "0"))[0].0, [0, 400]);
}

/// S68: the tax of an order without lines stands as tax of a charge, so that the total is equal.
#[test]
fn s68_tax_without_lines() {
    for taxable in [false, true] {
        let merchant = Merchant::with_settings(|settings| settings.shipment_is_taxable = taxable);
        for shipping in ["0", "5"] {
            let sale = merchant.sale(&order(vec![], "0.70", shipping));
            assert_eq!((sale.tax, sale.charges.iter().map(|charge| charge.tax.0).sum::<i64>()), (Minor(70), 70), "{taxable} {shipping}");
            assert_eq!(reasons(&sale), []);
        }
    }
}

fn zero_tax(item: Item) -> Item {
    Item { unit_tax: Some(rust_decimal::Decimal::ZERO), ..item }
}

/// S69: an item's own tax is for one unit and is contained in the order's; a stated zero is an untaxed product; the rest goes to lines that state none.
#[test]
fn s69_own_taxes_are_kept() {
    let taxed = taxed_line("A", 3, "10", "0.85");
    let book = |items, tax| both_ways(&order(items, tax, "0"))[0].0.clone();
    assert_eq!(book(vec![taxed.clone(), zero_tax(line("B", 1, "100"))], "2.55"), [255, 0]);
    assert_eq!(book(vec![taxed.clone(), line("B", 1, "100"), line("C", 1, "300")], "6.55"), [255, 100, 300]);
    // Fractions of a cent stay with their items as far as whole cents can.
    assert_eq!(book(vec![taxed_line("A", 1, "1", "0.005"), taxed_line("B", 1, "1", "0.005")], "0.01"), [1, 0]);
    // Where all state zero although there is tax, nobody has stated anything, and that is no contradiction.
    assert_eq!(book(vec![zero_tax(line("A", 1, "10")), line("B", 1, "30")], "4"), [100, 300]);
    let all_zero = order(vec![zero_tax(line("A", 1, "10")), zero_tax(line("B", 1, "30"))], "4", "0");
    assert_eq!(both_ways(&all_zero)[0].0, [100, 300]);
    assert_eq!(reasons(&Merchant::new().sale(&all_zero)), [Reason::ServiceLine]);
}

/// S69, S55: the tax that the items leave of the order's is the charges' when these are taxable.
#[test]
fn s69_s55_the_rest_is_the_charges() {
    let order = order(vec![taxed_line("A", 1, "10", "0.80")], "1.20", "5");
    let sale = Merchant::with_settings(|settings| settings.shipment_is_taxable = true).sale(&order);
    assert_eq!((taxes(&sale), reasons(&sale)), ((vec![80], vec![40]), vec![Reason::ServiceLine]));
    let sale = Merchant::new().sale(&order);
    assert_eq!((taxes(&sale), reasons(&sale)), ((vec![120], vec![0]), vec![Reason::TaxAboveItems, Reason::ServiceLine]));
}

/// S68, S69: of items that claim more than the order has, the order's amount stands, in the items' proportion, and the sale says so.
#[test]
fn s68_s69_items_that_claim_too_much() {
    for (tax, expected) in [("1", [75, 25]), ("0", [0, 0])] {
        let sale = Merchant::new().sale(&order(vec![taxed_line("A", 1, "10", "3"), taxed_line("B", 1, "10", "1")], tax, "0"));
        assert_eq!((taxes(&sale).0, reasons(&sale)), (expected.to_vec(), vec![Reason::TaxAboveItems, Reason::ServiceLine]));
    }
}

/// S67, S68: every line is under the default rule's name, and its percent changes nothing.
#[test]
fn s67_s68_every_line_has_the_rule_and_shipstations_amount() {
    let sale = Merchant::new().sale(&order(vec![line("A", 1, "100"), line("B", 1, "100")], "1.23", "0"));
    assert!(sale.lines.iter().all(|line| line.tax_rule == TaxRuleId::from("sales-tax")));
    assert_eq!(sale.tax, Minor(123));
}

/// S70: with recalculation the rule's percent replaces ShipStation's amount, items' own taxes too; halves of a cent go up.
#[test]
fn s70_recalculation() {
    let order = order(vec![taxed_line("A", 1, "100", "3"), line("B", 1, "10.50"), line("C", 1, "1.05")], "9.99", "20");
    for (taxable, shipping, total) in [(false, 0, 14_047), (true, 160, 14_207)] {
        let mut merchant = Merchant::with_settings(|settings| {
            settings.tax.recalculate = true;
            settings.shipment_is_taxable = taxable;
        });
        let sale = merchant.sale(&order);
        assert_eq!((taxes(&sale), sale.total.0), ((vec![800, 84, 8], vec![shipping]), total));
        merchant.tax_rule = Some(tax_rule("sales-tax", &["10"]));
        assert_eq!(taxes(&merchant.sale(&order)).0, [1000, 105, 11]);
    }
}

/// S71: without a finished tax mapping nothing is booked, and neither with a rule that is gone.
#[test]
fn s71_no_rule_no_sale() {
    let order = order(vec![line("A", 1, "1")], "0", "0");
    let unfinished = Merchant::with_settings(|settings| settings.tax.default_rule = None);
    assert_eq!(blocked(&unfinished.refusal(&order)), Reason::TaxMappingUnfinished);
    let mut gone = Merchant::new();
    gone.tax_rule = None;
    assert_eq!(blocked(&gone.refusal(&order)), Reason::MissingReference);
    gone.tax_rule = Some(tax_rule("another", &["8"]));
    assert_eq!(blocked(&gone.refusal(&order)), Reason::MissingReference);
}
