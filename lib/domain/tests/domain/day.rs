//! A day's orders as one sale (S23, S27, S28, S105, N5).

use jiff::civil::date;
use stevedore_domain::address::Address;
use stevedore_domain::consolidation::{DayOf, DaySum, NotAdded, Share};
use stevedore_domain::ids::{AccountId, LocationId, OrderId, WarehouseId};
use stevedore_domain::money::{Currency, Minor};
use stevedore_domain::order::{ItemOption, Order};
use stevedore_domain::pacific::wall_time;
use stevedore_domain::reason::Reason;
use stevedore_domain::reference::{Customer, TaxPlace, TaxRule};
use stevedore_domain::sale::{DaySource, Sale, SaleKind, Source, StageStatus};
use stevedore_domain::settings::{Consolidation, InvoiceMode, LocalTime, PickPackShip};

use crate::merchant::{Merchant, blocked, customer, linked, now, product, tax_rule};
use crate::orders::{adjustment, exact, line, order};

/// A merchant with daily consolidation, a customer just for it, two locations, two tax rules, and payments.
pub(crate) fn daily_merchant() -> Merchant {
    let products = [linked(product("P-1", "22423"), 1), product("P-2", "85123A"), linked(product("P-3", "MUG-1"), 3), product("P-4", "A")];
    let mut merchant = Merchant::with_products(&products);
    let settings = &mut merchant.settings;
    settings.consolidation = Consolidation::Daily;
    settings.consolidation_time = LocalTime::parse("18:00");
    settings.customer_id = Some("day".into());
    settings.location_map.warehouses.insert(WarehouseId(1), LocationId::from("reno"));
    settings.payment.account = Some(AccountId::from("bank"));
    settings.payment.by_method.insert("paypal".to_owned(), AccountId::from("paypal-account"));
    merchant.customers.from_settings = Some(customer("day", "day@merchant.example"));
    let place = Some(TaxPlace { state: "NV".to_owned(), county: None, city: None });
    merchant.place_rules = vec![TaxRule { place, ..tax_rule("nevada", &["4.6"]) }];
    merchant
}

pub(crate) fn day_customer(merchant: &Merchant) -> &Customer {
    merchant.customers.from_settings.as_deref().unwrap()
}

/// The day's sale of what was added.
pub(crate) fn sale_of(sum: &DaySum, merchant: &Merchant) -> Option<Sale> {
    let (settings, customer) = (&merchant.settings, day_customer(merchant));
    sum.sale(DayOf { local_date: date(2026, 5, 4), settings, customer, booked_at: now() })
}

/// The day of these orders, each of which can be booked.
pub(crate) fn day_of(merchant: &Merchant, orders: &[Order]) -> Sale {
    let mut sum = DaySum::new(merchant.settings.currency);
    for order in orders {
        sum.add(&merchant.sale(order)).unwrap();
    }
    sale_of(&sum, merchant).unwrap()
}

fn numbered(id: u64, order: Order) -> Order {
    Order { id: OrderId(id), number: format!("W-{id}"), ..order }
}

/// S23: an order of a day claims and moves nothing by itself, because the day's orders claim together.
#[test]
fn s23_a_days_order_claims_nothing_by_itself() {
    let mut merchant = daily_merchant();
    merchant.settings.pick_pack_ship = PickPackShip::PickPackShip;
    let order = order(vec![line("A", 2, "10.00")], "0", "0");
    let of_day = merchant.booked(&order);
    assert_eq!((of_day.stock.len(), of_day.sale.allocations.len()), (0, 0), "levels moved, claims");
    assert_eq!(of_day.sale.pick.status, StageStatus::NotAvailable);
    merchant.settings.consolidation = Consolidation::None;
    let alone = merchant.booked(&order);
    assert_eq!((alone.stock.len(), alone.sale.allocations.len()), (1, 1), "levels moved, claims");
}

/// S23, S27, S105: the sale is the settings' customer's, names its date and how many orders it holds, and nothing of the buyers.
#[test]
fn s23_s27_s105_the_sale_of_a_day() {
    let merchant = daily_merchant();
    let orders =
        [numbered(1, order(vec![line("A", 1, "10.00")], "0.80", "5")), numbered(2, order(vec![line("A", 2, "10.00")], "1.60", "0"))];
    let sale = day_of(&merchant, &orders);
    assert_eq!(
        (sale.id.as_str(), sale.number.as_str(), sale.invoice.number.as_str()),
        ("DAY-2026-05-04", "DAY-2026-05-04", "INVDAY-2026-05-04")
    );
    assert_eq!(
        (sale.kind, &sale.source),
        (SaleKind::Consolidated, &Source::Day(DaySource { local_date: date(2026, 5, 4), order_count: 2 }))
    );
    assert_eq!((sale.customer.id.as_str(), sale.customer.name.as_str()), ("day", "Customer day"));
    assert_eq!((&sale.bill_to, &sale.ship_to), (&Address::default(), &Address::default()));
    let text = serde_json::to_string(&sale).unwrap();
    for theirs in ["Ann", "Archer", "Quay Street", "89501", "555-0100", "ann@example.com", "C-71"] {
        assert!(!text.to_lowercase().contains(&theirs.to_lowercase()), "{theirs} in {text}");
    }
    assert_eq!((sale.lines.len(), sale.lines[0].quantity, sale.lines[0].total, sale.lines[0].tax), (1, 3, Minor(3000), Minor(240)));
    assert_eq!((sale.total, sale.tax, sale.charges.len()), (Minor(3740), Minor(240), 1));
    assert_eq!(sale.lines[0].account, Some(AccountId::from("customer-revenue")));
    assert_eq!(sale.location_reason, "all 2 orders go from here");
}

/// S28: a customer who was created just for this serves like any other, and without one nothing is booked.
#[test]
fn s28_a_customer_just_for_this() {
    let mut merchant = daily_merchant();
    assert_eq!(day_of(&merchant, &[order(vec![], "0", "0")]).customer.id.as_str(), "day");
    merchant.customers.from_settings = None;
    let refusal = merchant.refusal(&order(vec![line("A", 1, "1")], "0", "0"));
    assert_eq!(blocked(&refusal), Reason::MissingReference);
}

/// S105: with daily consolidation the settings' customer is the sale's, whoever else matches the order, and its addresses are left out; they still
/// decide on the tax rule.
#[test]
fn s105_the_orders_own_people_are_not_used() {
    let mut merchant = daily_merchant();
    merchant.customers.linked = Some(customer("linked", "ann@example.com"));
    merchant.customers.email_is_shared = true;
    let sale = merchant.sale(&order(vec![line("A", 1, "1")], "0", "0"));
    assert_eq!((sale.customer.id.as_str(), &sale.bill_to, &sale.ship_to), ("day", &Address::default(), &Address::default()));
    assert_eq!((sale.lines[0].tax_rule.as_str(), sale.warnings.len()), ("nevada", 0));
}

/// A day without orders makes no sale.
#[test]
fn s23_nothing_pending_makes_no_sale() {
    assert_eq!(sale_of(&DaySum::new(Currency::USD), &daily_merchant()), None);
}

/// S23: lines that differ in product, price, tax rule, account or location, or are shipped by others, are apart; lines that differ in spelling are one.
#[test]
fn s23_what_is_one_line() {
    let merchant = daily_merchant();
    let base = || order(vec![line("A", 1, "10.00")], "0", "0");
    let lines = |other: Order| day_of(&merchant, &[numbered(1, base()), numbered(2, other)]).lines.len();
    assert_eq!(lines(base()), 1);
    assert_eq!(lines(order(vec![line(" a", 5, "10.0000")], "0", "0")), 1, "spelling and trailing zeros");
    assert_eq!(lines(order(vec![line("A", 1, "10.01")], "0", "0")), 2, "price");
    assert_eq!(lines(order(vec![line("22423", 1, "10.00")], "0", "0")), 2, "product");
    assert_eq!(lines(Order { ship_to: Address::default(), ..base() }), 2, "tax rule");
    assert_eq!(lines(Order { warehouse_id: Some(WarehouseId(1)), ..base() }), 2, "location");
    assert_eq!(lines(Order { externally_fulfilled: true, ..base() }), 2, "shipped by others");

    let mut with_account = daily_merchant();
    with_account.settings.revenue_account = Some(AccountId::from("revenue"));
    let mut sum = DaySum::new(Currency::USD);
    sum.add(&merchant.sale(&base())).unwrap();
    sum.add(&with_account.sale(&base())).unwrap();
    assert_eq!(sum.lines(), 2, "account");

    // Service lines: by SKU and name.
    let unknown = |sku: &str, name: &str| {
        let mut item = line(sku, 1, "1.00");
        item.name = Some(name.to_owned());
        order(vec![item], "0", "0")
    };
    let services = |one: Order, other: Order| day_of(&merchant, &[numbered(1, one), numbered(2, other)]).lines.len();
    assert_eq!(services(unknown("X", "Mug"), unknown("X", "Mug")), 1);
    assert_eq!(services(unknown("X", "Mug"), unknown("X", "Cup")), 2);
    assert_eq!(services(unknown("X", "Mug"), unknown("Y", "Mug")), 2);
}

/// S80: a merged line keeps the chosen options where all of its lines have the same.
#[test]
fn s80_options_of_merged_lines() {
    let merchant = daily_merchant();
    let with = |value: Option<&str>| {
        let mut item = line("A", 1, "10");
        item.options = value.map(|value| ItemOption { name: "Size".to_owned(), value: value.to_owned() }).into_iter().collect();
        order(vec![item], "0", "0")
    };
    let comment = |values: &[Option<&str>]| {
        let orders: Vec<Order> = (1..).zip(values).map(|(id, value)| numbered(id, with(*value))).collect();
        day_of(&merchant, &orders).lines[0].comment.clone()
    };
    assert_eq!(comment(&[Some("L"), Some("L")]).as_deref(), Some("Size: L"));
    assert_eq!(comment(&[None, None]), None);
    // N5: where they differ, the line lists them with the units of each.
    assert_eq!(comment(&[Some("L"), Some("M"), Some("L")]).as_deref(), Some("2 × Size: L | 1 × Size: M"));
    assert_eq!(comment(&[Some("L"), None, Some("L")]).as_deref(), Some("2 × Size: L | 1 × without options"));
    assert_eq!(comment(&[None, Some("L")]).as_deref(), Some("1 × Size: L | 1 × without options"));
    // Of many different ones the first twenty by their order, whatever order they come in.
    let names: Vec<String> = (0..30).map(|number| format!("{number:02}")).collect();
    let forward: Vec<Option<&str>> = names.iter().map(|name| Some(name.as_str())).collect();
    let backward: Vec<Option<&str>> = forward.iter().rev().copied().chain([None]).collect();
    let listed = comment(&forward).unwrap();
    assert!(listed.starts_with("1 × Size: 00 | 1 × Size: 01") && listed.ends_with("1 × Size: 19 | 10 × other options"), "{listed}");
    assert_eq!(comment(&backward).unwrap(), format!("{listed} | 1 × without options"));
}

/// S23, S72: charges by name and comment, discounts by name, payments by date, account and method.
#[test]
fn s23_charges_discounts_and_payments() {
    let merchant = daily_merchant();
    let first = order(vec![line("A", 1, "10"), adjustment("Gift wrap", "2"), adjustment("SPRING", "-1")], "0", "5");
    let mut second = order(vec![line("A", 1, "10"), adjustment("Gift wrap", "3"), adjustment("SPRING", "-1.50")], "0", "5");
    let mut third = order(vec![line("A", 1, "10"), adjustment("AUTUMN", "-1")], "0", "0");
    second.payment_method = Some("paypal".to_owned());
    third.paid_at = wall_time("2026-05-03T09:00:00");
    let sale = day_of(&merchant, &[numbered(1, first), numbered(2, second), numbered(3, third)]);
    let charges: Vec<_> = sale.charges.iter().map(|charge| (charge.name.as_str(), charge.comment.as_deref(), charge.amount.0)).collect();
    assert_eq!(charges, [("Shipping", Some("Gift wrap"), 500), ("Shipping", Some("USPS Priority"), 1000)]);
    let discounts: Vec<_> = sale.discounts.iter().map(|discount| (discount.name.as_str(), discount.amount.0)).collect();
    assert_eq!(discounts, [("AUTUMN", 100), ("SPRING", 250)]);
    let payments: Vec<_> = sale
        .invoice
        .payments
        .iter()
        .map(|one| (one.date.unwrap().to_string(), one.account.as_str(), one.method.as_deref(), one.amount.0))
        .collect();
    assert_eq!(
        payments,
        [
            ("2026-05-03".to_owned(), "bank", Some("card"), 900),
            ("2026-05-04".to_owned(), "bank", Some("card"), 1600),
            ("2026-05-04".to_owned(), "paypal-account", Some("paypal"), 1650)
        ]
    );
}

/// S23, S41: charges of different accounts stay apart, also those whose names are given up.
#[test]
fn s23_s41_charges_by_account() {
    let mut sum = DaySum::new(Currency::USD);
    let mut merchant = daily_merchant();
    for (id, account) in [(1, "one"), (2, "other"), (3, "one")] {
        merchant.settings.revenue_account = Some(AccountId::from(account));
        sum.add(&merchant.sale(&numbered(id, order(vec![], "0", "5")))).unwrap();
    }
    let sale = sale_of(&sum, &merchant).unwrap();
    let charges: Vec<_> = sale.charges.iter().map(|charge| (charge.account.as_ref().unwrap().as_str(), charge.amount.0)).collect();
    assert_eq!(charges, [("one", 1000), ("other", 500)]);
    // A sum that was put away before charges had accounts goes on.
    let mut old = serde_json::to_value(&sum).unwrap();
    for pair in old["charges"]["chosen"].as_array_mut().unwrap() {
        pair[0].as_object_mut().unwrap().remove("account");
    }
    old["charges"]["chosen"].as_array_mut().unwrap().truncate(1);
    let mut old: DaySum = serde_json::from_value(old).unwrap();
    old.add(&merchant.sale(&numbered(4, order(vec![], "0", "5")))).unwrap();
    assert_eq!(sale_of(&old, &merchant).unwrap().charges.len(), 2);
}

/// N3: a merged line is the sum of its orders' lines and is not rounded anew: a third of a cent, rounded up in each of three orders, is three cents.
#[test]
fn n3_totals_are_summed_and_not_rounded_anew() {
    let merchant = daily_merchant();
    let mut one = order(vec![line("A", 1, "0.0034")], "0", "0");
    (one.total, one.amount_paid) = (exact("0.01"), exact("0"));
    let sale = day_of(&merchant, &[numbered(1, one.clone()), numbered(2, one.clone()), numbered(3, one)]);
    assert_eq!((sale.lines.len(), sale.lines[0].quantity, sale.lines[0].total, sale.total), (1, 3, Minor(3), Minor(3)));
}

/// P6: warnings of the orders stand on the day once each, with how many orders and the first few of them.
#[test]
fn p6_warnings_of_a_day() {
    let merchant = daily_merchant();
    let orders: Vec<Order> = [5, 3, 1, 4, 2].into_iter().map(|id| numbered(id, order(vec![line("nowhere", 1, "1")], "0", "0"))).collect();
    let sale = day_of(&merchant, &orders);
    assert_eq!(sale.warnings.len(), 1);
    assert_eq!(sale.warnings[0].reason, Reason::ServiceLine);
    assert!(sale.warnings[0].message.starts_with("Orders W-1, W-2, W-3 and 2 more. "), "{}", sale.warnings[0].message);
}

/// S39, S40: the invoice of the day follows the settings.
#[test]
fn s39_s40_the_invoice_of_a_day() {
    let mut merchant = daily_merchant();
    let orders = [order(vec![line("A", 1, "1")], "0", "0")];
    assert_eq!(day_of(&merchant, &orders).invoice.status, StageStatus::Draft);
    merchant.settings.invoice_status = InvoiceMode::Authorised;
    assert_eq!(day_of(&merchant, &orders).invoice.status, StageStatus::Authorised);
}

/// The sale stands where most of its orders go from; equal numbers go by the location's id.
#[test]
fn s63_the_location_of_a_day() {
    let merchant = daily_merchant();
    let from =
        |id, warehouse| numbered(id, Order { warehouse_id: Some(WarehouseId(warehouse)), ..order(vec![line("A", 1, "1")], "0", "0") });
    let sale = day_of(&merchant, &[from(1, 1), from(2, 9), from(3, 1)]);
    assert_eq!(sale.location_id.as_str(), "reno");
    assert_eq!(sale.location_reason, "2 of 3 orders go from here; each line names its own location");
    assert_eq!(day_of(&merchant, &[from(1, 1), from(2, 9)]).location_id.as_str(), "main");
}

/// As many coupon codes as orders do not make as many discounts, and none of their money is lost; the same for free names of charges and payments.
#[test]
fn n3_names_without_number_are_summed_up() {
    let merchant = daily_merchant();
    let mut sum = DaySum::new(Currency::USD);
    let mut shares = Vec::new();
    for id in 0..1_200 {
        let mut one =
            order(vec![line("A", 1, "10"), adjustment(&format!("COUPON-{id}"), "-1"), adjustment(&format!("Wrap {id}"), "2")], "0", "0");
        one.payment_method = Some(format!("card {id}"));
        shares.push(sum.add(&merchant.sale(&numbered(id, one))).unwrap());
    }
    let sale = sale_of(&sum, &merchant).unwrap();
    assert_eq!((sale.discounts.len(), sale.charges.len(), sale.invoice.payments.len()), (501, 501, 501));
    let other = sale.discounts.iter().find(|discount| discount.name == "Other discounts").unwrap();
    let wrap = sale.charges.iter().find(|charge| charge.comment.is_none()).unwrap();
    assert_eq!((other.amount, wrap.name.as_str(), wrap.amount), (Minor(70_000), "Shipping", Minor(140_000)));
    let whole = Share::of(&sale);
    assert_eq!(whole.paid, shares.iter().map(|share| share.paid).sum());
    assert_eq!(whole.total, Minor(1_200 * 1_100));
}

/// N20: an order that the day cannot hold exactly is refused and leaves the sum as it was, and so is an order in another currency.
#[test]
fn n20_what_cannot_be_held() {
    let mut merchant = daily_merchant();
    let mut sum = DaySum::new(Currency::USD);
    // No one order says so much; a day of very many might.
    let pieces = |quantity| {
        let mut sale = merchant.sale(&order(vec![line("A", 1, "0")], "0", "0"));
        sale.lines[0].quantity = quantity;
        sale
    };
    sum.add(&pieces(i64::MAX)).unwrap();
    let before = sum.clone();
    assert_eq!(sum.add(&pieces(1)), Err(NotAdded::TooLarge));
    assert_eq!(sum, before);

    let mut sum = DaySum::new(Currency::USD);
    let huge = merchant.sale(&order(vec![line("A", 1, "99999999999999")], "0", "0"));
    let held = (0..2_000).take_while(|_| sum.add(&huge).is_ok()).count();
    assert!(held > 400, "{held}");
    let sale = sale_of(&sum, &merchant).unwrap();
    assert_eq!(i128::from(sale.total.0), i128::try_from(held).unwrap() * i128::from(huge.total.0));

    merchant.settings.currency = Currency::from_code("JPY").unwrap();
    let yen = merchant.sale(&order(vec![line("A", 1, "100")], "0", "0"));
    assert!(matches!(sum.add(&yen), Err(NotAdded::OtherCurrency { .. })));
}

/// Sales of single orders that were stored before there were days are still read, and written as they were.
#[test]
fn s119_stored_sources_are_read() {
    let stored = r#"{"order_id":9007199254740993,"order_number":"W-1","order_key":"channel-1","store_id":12}"#;
    let source: Source = serde_json::from_str(stored).unwrap();
    assert_eq!(source.order().map(|order| (order.order_id.0, order.store_name.as_deref())), Some((9_007_199_254_740_993, None)));
    assert_eq!(serde_json::to_string(&source).unwrap(), stored);
    let day = r#"{"local_date":"2026-05-04","order_count":2}"#;
    let source: Source = serde_json::from_str(day).unwrap();
    assert_eq!((source.order(), serde_json::to_string(&source).unwrap().as_str()), (None, day));
    assert!(serde_json::from_str::<Source>(r#"{"order_number":"W-1"}"#).is_err());
}
