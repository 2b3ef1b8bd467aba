//! Stores whose prices include tax, and marketplaces that keep it (N17, N31), and rules that are not used for recalculation (S70).

use proptest::prelude::*;
use stevedore_domain::ids::{OrderId, StoreId};
use stevedore_domain::money::{Currency, Decimal, Minor};
use stevedore_domain::order::{Item, Order};
use stevedore_domain::reason::Reason;
use stevedore_domain::sale::Sale;
use stevedore_domain::settings::StoreTax;

use crate::day::{daily_merchant, day_of};
use crate::merchant::{Merchant, reasons, tax_rule};
use crate::orders::{adjustment, arb_order, exact, line, order, sum_of_parts, taxed_line};

/// The store of every generated order.
const STORE: StoreId = StoreId(12);

fn merchant(tax: StoreTax) -> Merchant {
    Merchant::with_settings(|settings| {
        settings.tax.by_store.insert(STORE, tax);
        settings.tax.by_store.insert(StoreId(99), StoreTax::Withheld);
    })
}

/// An order whose total is its parts without the tax.
fn without_tax(items: Vec<Item>, tax: &str, shipping: &str) -> Order {
    let mut order = order(items, tax, shipping);
    order.total -= order.tax;
    order
}

fn lines(sale: &Sale) -> Vec<(i64, i64)> {
    sale.lines.iter().map(|line| (line.total.0, line.tax.0)).collect()
}

fn charges(sale: &Sale) -> Vec<(i64, i64)> {
    sale.charges.iter().map(|charge| (charge.amount.0, charge.tax.0)).collect()
}

/// N31: 120.00 with 20.00 contained are 100.00 and 20.00; the stated price is kept, and nothing is adjusted.
#[test]
fn n31_included_tax_leaves_a_net_line_and_keeps_its_price() {
    let order = without_tax(vec![line("A", 1, "120")], "20", "0");
    let sale = merchant(StoreTax::Included).sale(&order);
    assert_eq!((lines(&sale), charges(&sale)), (vec![(10_000, 2000)], vec![]));
    assert_eq!((sale.subtotal.0, sale.tax.0, sale.total.0, sale.withheld_tax), (10_000, 2000, 12_000, None));
    assert_eq!((sale.lines[0].unit_price, sale.lines[0].tax_included), (exact("120"), true));
    assert_eq!(reasons(&sale), [Reason::ServiceLine]);
}

/// N31, S55, S120: a discount takes its amount off the whole; a charge is net too where charges are taxed; an item's own tax stays its own.
#[test]
fn n31_included_tax_with_discount_shipping_and_own_taxes() {
    let items = vec![line("A", 2, "60"), adjustment("SPRING", "-12")];
    let order = without_tax(items, "20", "12");
    let sale = merchant(StoreTax::Included).sale(&order);
    assert_eq!((lines(&sale), charges(&sale), sale.discounts[0].amount.0), (vec![(10_000, 2000)], vec![(1200, 0)], 1200));
    assert_eq!((sale.total.0, sale.tax.0), (12_000, 2000));
    let mut taxable = merchant(StoreTax::Included);
    taxable.settings.shipment_is_taxable = true;
    let sale = taxable.sale(&Order { tax: exact("22"), ..order });
    assert_eq!((lines(&sale), charges(&sale)), (vec![(10_000, 2000)], vec![(1000, 200)]));
    assert_eq!(sale.total.0, 12_000);
    let own = without_tax(vec![taxed_line("A", 2, "60", "9"), line("B", 1, "20")], "20", "0");
    assert_eq!(lines(&merchant(StoreTax::Included).sale(&own)), [(10_200, 1800), (1800, 200)]);
}

/// N31: the tax of an order of charges alone is contained in them too.
#[test]
fn n31_included_tax_without_lines() {
    for taxable in [false, true] {
        let mut merchant = merchant(StoreTax::Included);
        merchant.settings.shipment_is_taxable = taxable;
        let sale = merchant.sale(&without_tax(vec![], "1", "6"));
        assert_eq!((sale.total.0, sale.tax.0, sale.sum_of_parts().0, reasons(&sale)), (600, 100, 600, vec![]), "{taxable}");
    }
}

/// N17: tax that the marketplace withholds is kept beside the sale and is no tax of ours, whatever its items state.
#[test]
fn n17_withheld_tax_is_no_tax_of_ours() {
    for item in [line("A", 1, "50"), taxed_line("A", 1, "50", "4.13")] {
        for recalculate in [false, true] {
            let mut merchant = merchant(StoreTax::Withheld);
            merchant.settings.tax.recalculate = recalculate;
            let sale = merchant.sale(&without_tax(vec![item.clone()], "4.13", "5"));
            assert_eq!((lines(&sale), charges(&sale)), (vec![(5000, 0)], vec![(500, 0)]));
            assert_eq!((sale.tax, sale.total, sale.withheld_tax), (Minor::ZERO, Minor(5500), Some(Minor(413))));
            assert_eq!((sale.lines[0].tax_included, reasons(&sale)), (false, vec![Reason::ServiceLine]));
        }
    }
    let nothing = merchant(StoreTax::Withheld).sale(&order(vec![line("A", 1, "50")], "0", "0"));
    assert_eq!(nothing.withheld_tax, None);
}

/// N17, N31: a store that is not named adds its tax. Where the total is the parts without it, the sale is adjusted and proposes the setting.
#[test]
fn n17_n31_a_total_without_its_tax_proposes_the_setting() {
    let order = without_tax(vec![line("A", 1, "120")], "20", "0");
    for merchant in [Merchant::new(), merchant(StoreTax::Added)] {
        let sale = merchant.sale(&order);
        assert_eq!((lines(&sale), charges(&sale), sale.total.0), (vec![(12_000, 2000)], vec![(-2000, 0)], 12_000));
        assert_eq!(reasons(&sale), [Reason::TotalAdjusted, Reason::TaxNotAdded, Reason::ServiceLine]);
        let message = &sale.warnings[1].message;
        assert!(message.starts_with("The order's tax is 20.00 USD, and its store is 12 (Quay Goods)."), "{message}");
        assert!(message.contains("tax.by_store"), "{message}");
    }
    let nowhere = Merchant::new().sale(&Order { store_id: None, ..order.clone() });
    assert!(nowhere.warnings[1].message.contains("names no store"), "{}", nowhere.warnings[1].message);
    // Any other difference proposes nothing.
    for total in ["119.99", "120.01", "100", "140.01"] {
        let sale = Merchant::new().sale(&Order { total: exact(total), ..order.clone() });
        assert!(!reasons(&sale).contains(&Reason::TaxNotAdded), "{total}");
        assert!(reasons(&sale).contains(&Reason::TotalAdjusted), "{total}");
    }
}

/// N31, S70: recalculation of prices that include tax finds the rule's part in them and leaves the total as it is.
#[test]
fn n31_s70_recalculation_finds_the_tax_in_the_price() {
    let mut merchant = merchant(StoreTax::Included);
    merchant.settings.tax.recalculate = true;
    merchant.tax_rule = Some(tax_rule("sales-tax", &["20"]));
    let sale = merchant.sale(&without_tax(vec![line("A", 1, "120"), line("B", 1, "0.05")], "3", "12"));
    assert_eq!((lines(&sale), charges(&sale)), (vec![(10_000, 2000), (4, 1)], vec![(1200, 0)]));
    merchant.settings.shipment_is_taxable = true;
    let sale = merchant.sale(&without_tax(vec![line("A", 1, "120")], "3", "12"));
    assert_eq!((charges(&sale), sale.total.0, sale.tax.0), (vec![(1000, 200)], 13_200, 2200));
}

/// S70: a rule that stands at 0 % is not used for recalculation; the order keeps ShipStation's amount and says so. Without recalculation it is as good as any.
#[test]
fn s70_a_rule_without_percent_wipes_no_tax() {
    for percents in [&[][..], &["0"], &["0", "0.00"]] {
        let mut merchant = Merchant::new();
        merchant.tax_rule = Some(tax_rule("sales-tax", percents));
        let order = order(vec![line("A", 1, "100")], "8.25", "0");
        assert_eq!(reasons(&merchant.sale(&order)), [Reason::ServiceLine]);
        merchant.settings.tax.recalculate = true;
        let sale = merchant.sale(&order);
        assert_eq!((sale.tax.0, sale.total.0, sale.lines[0].tax_rule.as_str()), (825, 10_825, "sales-tax"));
        assert_eq!(reasons(&sale), [Reason::TaxRuleWithoutPercent, Reason::ServiceLine]);
        assert!(sale.warnings[0].message.starts_with("The rule is Rule sales-tax (sales-tax)."), "{}", sale.warnings[0].message);
    }
}

/// S23, N31: a day's lines of stores that include tax stay apart from those of stores that add it, and what is withheld adds up.
#[test]
fn s23_n17_n31_a_day_of_several_stores() {
    let mut merchant = daily_merchant();
    merchant.settings.tax.by_store.extend([(StoreId(1), StoreTax::Included), (StoreId(2), StoreTax::Withheld)]);
    let of = |id: u64, store: u64, order: Order| Order { id: OrderId(id), store_id: Some(StoreId(store)), ..order };
    let orders = [
        of(1, 1, without_tax(vec![line("A", 1, "120")], "20", "0")),
        of(2, 1, without_tax(vec![line("A", 2, "120")], "40", "0")),
        of(3, 2, without_tax(vec![line("A", 1, "120")], "4.13", "0")),
        of(4, 2, without_tax(vec![line("A", 1, "120")], "1.00", "0")),
        of(5, 3, order(vec![line("A", 1, "120")], "20", "0")),
    ];
    let day = day_of(&merchant, &orders);
    let mut found: Vec<_> = day.lines.iter().map(|line| (line.tax_included, line.quantity, line.total.0, line.tax.0)).collect();
    found.sort_unstable();
    assert_eq!(found, [(false, 3, 36_000, 2000), (true, 3, 30_000, 6000)]);
    assert_eq!((day.withheld_tax, day.tax.0, day.total.0), (Some(Minor(513)), 8000, 74_000));
}

/// A sale that was stored before stores stated how they tax is still read, and a plain one is written as it was.
#[test]
fn stored_sales_are_read_and_plain_ones_are_not_longer() {
    let sale = Merchant::new().sale(&order(vec![line("A", 1, "120")], "20", "5"));
    let text = serde_json::to_string(&sale).unwrap();
    for name in ["withheld_tax", "tax_included", "account"] {
        assert!(!text.contains(name), "{name} in {text}");
    }
    assert_eq!(serde_json::from_str::<Sale>(&text).unwrap(), sale);
}

fn scaled(currency: Currency, amount: Decimal) -> Decimal {
    amount * Decimal::from(10_i64.pow(currency.digits()))
}

fn near(amount: Minor, exact: Decimal) -> bool {
    (Decimal::from(amount.0) - exact).abs() < Decimal::ONE
}

fn arb_case() -> impl Strategy<Value = (Merchant, Order, bool)> {
    let tax = prop::sample::select(vec![StoreTax::Added, StoreTax::Included, StoreTax::Withheld]);
    let code = prop::sample::select(vec!["USD", "EUR", "JPY", "KWD", "CLF"]);
    (tax, code, any::<bool>(), any::<bool>(), any::<bool>()).prop_flat_map(|(tax, code, taxable, recalculate, adds_up)| {
        let currency = Currency::from_code(code).unwrap();
        arb_order(currency).prop_map(move |mut order| {
            let mut merchant = merchant(tax);
            merchant.settings.currency = currency;
            merchant.settings.shipment_is_taxable = taxable;
            merchant.settings.tax.recalculate = recalculate;
            if adds_up {
                order.total = (sum_of_parts(&order) - order.tax).round_dp(currency.digits());
            }
            (merchant, order, adds_up)
        })
    })
}

proptest! {
    /// P3, N3, N17, N31: whatever a store does with tax, the total is ShipStation's to the cent, the parts add up to it, lines without their tax are what was
    /// stated, and the tax is ShipStation's where it is not recalculated, ours or the marketplace's.
    #[test]
    fn p3_n3_n17_n31_equal_to_the_cent((merchant, order, adds_up) in arb_case()) {
        let (settings, currency) = (&merchant.settings, merchant.settings.currency);
        let sale = merchant.sale(&order);
        let store_tax = settings.store_tax(order.store_id);
        let ours = store_tax != StoreTax::Withheld;
        prop_assert_eq!(sale.sum_of_parts(), sale.total);
        if store_tax != StoreTax::Added || !settings.tax.recalculate {
            prop_assert_eq!(currency.decimal(sale.total), order.total);
        }
        if ours && !settings.tax.recalculate {
            prop_assert_eq!(currency.decimal(sale.tax), order.tax);
        }
        prop_assert_eq!(sale.withheld_tax.map_or(Decimal::ZERO, |tax| currency.decimal(tax)), if ours { Decimal::ZERO } else { order.tax });
        if !ours {
            prop_assert!(sale.tax == Minor::ZERO && sale.lines.iter().all(|line| line.tax == Minor::ZERO));
        }
        let included = store_tax == StoreTax::Included;
        for (line, item) in sale.lines.iter().zip(order.items.iter().filter(|item| !item.adjustment)) {
            let stated = line.total + if included { line.tax } else { Minor::ZERO };
            prop_assert_eq!((line.tax_included, line.unit_price), (included, item.unit_price));
            prop_assert!(near(stated, scaled(currency, Decimal::from(item.quantity) * item.unit_price)));
            if included && settings.tax.recalculate {
                prop_assert!(near(line.tax, Decimal::from(stated.0 * 8) / Decimal::from(108)));
            }
        }
        let adjusted = reasons(&sale).contains(&Reason::TotalAdjusted);
        if adds_up && store_tax != StoreTax::Added {
            prop_assert!(!adjusted);
        }
        let proposed = reasons(&sale).contains(&Reason::TaxNotAdded);
        if adds_up && store_tax == StoreTax::Added {
            prop_assert_eq!(proposed, adjusted);
        }
        if proposed {
            let adjustment = sale.charges.iter().find(|charge| charge.name == "Adjustment" && charge.amount != Minor::ZERO).unwrap();
            let missing = Decimal::from(adjustment.amount.0) + scaled(currency, order.tax);
            prop_assert!(missing.abs() <= Decimal::ONE, "{} for {}", adjustment.amount.0, order.tax);
        }
        prop_assert_eq!(merchant.sale(&order), sale);
    }
}
