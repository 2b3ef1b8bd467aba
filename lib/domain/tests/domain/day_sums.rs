//! A day is the sum of its orders to the cent, in whatever order they come and wherever the work is cut (P3, N3, N5), over generated orders.

use std::collections::BTreeMap;

use proptest::prelude::*;
use stevedore_domain::consolidation::{DaySum, Share};
use stevedore_domain::ids::{OrderId, StoreId};
use stevedore_domain::money::{Currency, Decimal, Minor};
use stevedore_domain::order::Order;
use stevedore_domain::sale::Sale;
use stevedore_domain::settings::StoreTax;

use crate::day::{daily_merchant, sale_of};
use crate::merchant::Merchant;
use crate::orders::arb_order;

/// A merchant and a day's orders, in a currency with two, none, three or four digits. Most orders come several times with another tax, so that lines meet.
fn arb_day(most: usize) -> impl Strategy<Value = (Merchant, Vec<Order>)> {
    let code = prop::sample::select(vec!["USD", "USD", "USD", "EUR", "JPY", "KWD", "CLF"]);
    (code, any::<bool>(), any::<bool>()).prop_flat_map(move |(code, taxable, recalculate)| {
        let currency = Currency::from_code(code).unwrap();
        let method = prop::option::of(prop::sample::select(vec!["card", "paypal", "gift"]));
        let more_tax = prop::collection::vec(-3_i64..400, 1..4);
        prop::collection::vec((arb_order(currency), method, more_tax), 0..most).prop_map(move |orders| {
            let mut merchant = daily_merchant();
            merchant.settings.currency = currency;
            merchant.settings.shipment_is_taxable = taxable;
            merchant.settings.tax.recalculate = recalculate;
            let copies = orders.into_iter().flat_map(|(order, method, more_tax)| {
                more_tax.into_iter().map(move |more| {
                    let more = currency.decimal(Minor(more));
                    Order { tax: order.tax + more, total: order.total + more, payment_method: method.map(str::to_owned), ..order.clone() }
                })
            });
            let by_store = [(StoreId(1), StoreTax::Included), (StoreId(2), StoreTax::Withheld)];
            merchant.settings.tax.by_store.extend(by_store);
            let numbered = (1..).zip(copies).map(|(id, order)| {
                // Every other order of such a store has a total without its tax, as it should.
                let store = id / 2 % 3;
                let total = if store > 0 && id % 2 == 0 { order.total - order.tax } else { order.total };
                Order { id: OrderId(id), number: format!("W-{}", id % 7), store_id: Some(StoreId(store)), total, ..order }
            });
            (merchant, numbered.collect())
        })
    })
}

fn booked(merchant: &Merchant, orders: &[Order]) -> Vec<Sale> {
    orders.iter().map(|order| merchant.sale(order)).collect()
}

/// Adds the sales, writing the sum down and reading it again where `cuts` says so.
fn gathered<'a>(merchant: &Merchant, sales: impl IntoIterator<Item = &'a Sale>, cuts: &[bool]) -> DaySum {
    let mut sum = DaySum::new(merchant.settings.currency);
    for (sale, cut) in sales.into_iter().zip(cuts.iter().copied().chain(std::iter::repeat(false))) {
        sum.add(sale).unwrap();
        if cut {
            let text = serde_json::to_string(&sum).unwrap();
            sum = serde_json::from_str(&text).unwrap();
        }
    }
    sum
}

/// Amounts by what they are merged by, added up from the sales themselves.
fn by<K: Ord>(parts: impl Iterator<Item = (K, [i64; 3])>) -> BTreeMap<K, [i128; 3]> {
    let mut sums: BTreeMap<K, [i128; 3]> = BTreeMap::new();
    for (key, amounts) in parts {
        let sum = sums.entry(key).or_default();
        for (sum, amount) in sum.iter_mut().zip(amounts) {
            *sum += i128::from(amount);
        }
    }
    sums
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// P3, N3, S23: lines, charges, discounts, taxes, payments and the total are each the sum of the orders' own, as a whole and in every group, and
    /// each group is there once.
    #[test]
    fn p3_n3_s23_a_day_is_the_sum_of_its_orders((merchant, orders) in arb_day(12)) {
        let sales = booked(&merchant, &orders);
        let sum = gathered(&merchant, &sales, &[]);
        let Some(day) = sale_of(&sum, &merchant) else {
            prop_assert!(orders.is_empty());
            return Ok(());
        };
        let all = |amount: fn(&Sale) -> Minor| sales.iter().map(|sale| i128::from(amount(sale).0)).sum::<i128>();
        prop_assert_eq!(i128::from(day.total.0), all(|sale| sale.total));
        prop_assert_eq!(i128::from(day.tax.0), all(|sale| sale.tax));
        prop_assert_eq!(i128::from(day.subtotal.0), all(|sale| sale.subtotal));
        prop_assert_eq!(i128::from(day.withheld_tax.unwrap_or_default().0), all(|sale| sale.withheld_tax.unwrap_or_default()));
        prop_assert_eq!(day.total, day.sum_of_parts());
        if !merchant.settings.tax.recalculate {
            let stated: Decimal = orders.iter().map(|order| order.total).sum();
            prop_assert_eq!(merchant.settings.currency.decimal(day.total), stated);
        }

        let lines = |sale: &Sale| {
            sale.lines.iter().map(|line| {
                let unknown = line.product_id.is_none().then(|| (line.sku.clone(), line.name.clone()));
                let key = (line.product_id.clone(), unknown, line.unit_price, line.tax_rule.clone(), line.account.clone(), line.location_id.clone(), line.external, line.tax_included);
                (key, [line.quantity, line.total.0, line.tax.0])
            }).collect::<Vec<_>>()
        };
        let charges = |sale: &Sale| sale.charges.iter().map(|one| ((one.name.clone(), one.comment.clone(), one.account.clone()), [one.amount.0, one.tax.0, 0])).collect::<Vec<_>>();
        let discounts = |sale: &Sale| sale.discounts.iter().map(|one| (one.name.clone(), [one.amount.0, 0, 0])).collect::<Vec<_>>();
        let payments = |sale: &Sale| {
            sale.invoice.payments.iter().map(|one| ((one.account.clone(), one.method.clone(), one.date), [one.amount.0, 0, 0])).collect::<Vec<_>>()
        };
        prop_assert_eq!(by(lines(&day).into_iter()), by(sales.iter().flat_map(lines)));
        prop_assert_eq!(by(lines(&day).into_iter()).len(), day.lines.len());
        prop_assert_eq!(by(charges(&day).into_iter()), by(sales.iter().flat_map(charges)));
        prop_assert_eq!(by(charges(&day).into_iter()).len(), day.charges.len());
        prop_assert_eq!(by(discounts(&day).into_iter()), by(sales.iter().flat_map(discounts)));
        prop_assert_eq!(by(payments(&day).into_iter()), by(sales.iter().flat_map(payments)));
        prop_assert_eq!(by(payments(&day).into_iter()).len(), day.invoice.payments.len());
        prop_assert!(day.lines.iter().zip(1..).all(|(line, number)| line.line_no == number));
        for rule in day.lines.iter().map(|line| &line.tax_rule) {
            prop_assert!(day.tax_rules.iter().any(|known| known.id == *rule));
        }
    }

    /// P4, N5: whatever the order of the orders and wherever the sum is written down and read again, the sale is the same, to the letter.
    #[test]
    fn p4_n5_neither_order_nor_cuts_matter(
        ((merchant, orders), shuffled) in arb_day(8).prop_flat_map(|(merchant, orders)| {
            let places: Vec<usize> = (0..orders.len()).collect();
            (Just((merchant, orders)), Just(places).prop_shuffle())
        }),
        cuts in prop::collection::vec(any::<bool>(), 24),
    ) {
        let sales = booked(&merchant, &orders);
        let plain = sale_of(&gathered(&merchant, &sales, &[]), &merchant);
        let other = sale_of(&gathered(&merchant, shuffled.iter().map(|place| &sales[*place]), &cuts), &merchant);
        prop_assert_eq!(serde_json::to_string(&plain).unwrap(), serde_json::to_string(&other).unwrap());
    }

    /// N5: each order's share is what the order is by itself, and the shares add up to the sale.
    #[test]
    fn n5_shares_add_up_to_the_sale((merchant, orders) in arb_day(12)) {
        let sales = booked(&merchant, &orders);
        let mut sum = DaySum::new(merchant.settings.currency);
        let mut shares = Share::default();
        for sale in &sales {
            let share = sum.add(sale).unwrap();
            prop_assert_eq!((share.total, share.tax), (sale.total, sale.tax));
            prop_assert_eq!(share.subtotal + share.charges - share.discounts + share.tax, share.total);
            shares.subtotal += share.subtotal;
            shares.charges += share.charges;
            shares.discounts += share.discounts;
            shares.tax += share.tax;
            shares.total += share.total;
            shares.paid += share.paid;
        }
        prop_assert_eq!(sum.orders(), u64::try_from(orders.len()).unwrap());
        if let Some(day) = sale_of(&sum, &merchant) {
            prop_assert_eq!(Share::of(&day), shares);
        }
    }
}

/// The names that are kept apart do not depend on the order in which they come, also when there are more than are kept.
#[test]
fn n5_names_above_the_limit_in_any_order() {
    let merchant = daily_merchant();
    let sale = |id: u64| {
        let items = vec![crate::orders::adjustment(&format!("COUPON-{}", id % 900), "-1")];
        merchant.sale(&Order { id: OrderId(id), ..crate::orders::order(items, "0", "0") })
    };
    let sales: Vec<Sale> = (0..1_500).map(sale).collect();
    let forward = sale_of(&gathered(&merchant, &sales, &[]), &merchant);
    let backward = sale_of(&gathered(&merchant, sales.iter().rev(), &[]), &merchant);
    let mixed = sale_of(&gathered(&merchant, (0..1_500).map(|n| &sales[n * 7 % 1_500]), &[true; 40]), &merchant);
    assert_eq!(serde_json::to_string(&forward).unwrap(), serde_json::to_string(&backward).unwrap());
    assert_eq!(serde_json::to_string(&forward).unwrap(), serde_json::to_string(&mixed).unwrap());
    assert_eq!(forward.unwrap().discounts.len(), 501);
}

/// A tax rule that is edited while the run goes on is remembered in one form, whichever order came first.
#[test]
fn n5_a_rule_that_is_edited_meanwhile() {
    let mut merchant = daily_merchant();
    let order = crate::orders::order(vec![crate::orders::line("A", 1, "10")], "1", "0");
    let before = merchant.sale(&order);
    merchant.place_rules[0].name = "Another name".to_owned();
    let after = merchant.sale(&order);
    assert_ne!(before.tax_rules, after.tax_rules);
    let one = sale_of(&gathered(&merchant, [&before, &after], &[]), &merchant).unwrap();
    let other = sale_of(&gathered(&merchant, [&after, &before], &[]), &merchant).unwrap();
    assert_eq!((one.tax_rules.len(), one.lines.len()), (1, 1));
    assert_eq!(one, other);
}
