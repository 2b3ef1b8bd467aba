//! Changes after booking, and differences that are none (S108; docs/requirements.md, section 9).

use proptest::prelude::*;
use stevedore_domain::changes::ChangeKind::{
    self, AddressChanged, AmountPaidLowered, Cancelled, LineAdded, LineRemoved, LineReplaced, Merged, OnHold, PriceChanged,
    QuantityLowered, QuantityRaised, Split, StoreChanged, TotalChanged, WarehouseChanged,
};
use stevedore_domain::changes::Changes;
use stevedore_domain::ids::{OrderId, ShipstationProductId, StoreId, TagId, WarehouseId};
use stevedore_domain::money::Currency;
use stevedore_domain::order::{ItemOption, Order, OrderStatus};
use stevedore_domain::pacific::wall_time;

use crate::orders::{adjustment, arb_order, exact, line, order, sum_of_parts};

/// Two lines with ids and keys, a discount, an address, a warehouse and a store.
fn booked() -> Order {
    let mut order = order(vec![line("A", 2, "9.50"), line("B", 1, "5"), adjustment("Discount", "-1")], "1", "2");
    for (item, id) in order.items.iter_mut().zip(1..) {
        (item.id, item.key) = (Some(id), Some(format!("key-{id}")));
    }
    order.items[0].options = vec![ItemOption { name: "Colour".to_owned(), value: "Red".to_owned() }];
    order.warehouse_id = Some(WarehouseId(1000));
    order.bill_to.name = Some("Ann Archer".to_owned());
    order
}

fn compare(change: impl FnOnce(&mut Order)) -> Changes {
    let mut newest = booked();
    change(&mut newest);
    Changes::since_booking(&booked(), &newest, Some(booked().amount_paid))
}

/// A change, and what it says of it.
type Case = (fn(&mut Order), &'static [(ChangeKind, &'static str, Option<&'static str>, Option<&'static str>)]);

/// Each kind of change names what differs, from which value to which.
#[test]
fn s108_every_kind_of_change_is_told_with_its_values() {
    let cases: &[Case] = &[
        (|o| o.status = OrderStatus::Cancelled, &[(Cancelled, "order_status", Some("awaiting_shipment"), Some("cancelled"))]),
        (|o| o.status = OrderStatus::OnHold, &[(OnHold, "order_status", Some("awaiting_shipment"), Some("on_hold"))]),
        (
            |o| o.ship_to.street1 = Some("9 Oak Ave".to_owned()),
            &[(AddressChanged, "ship_to.street1", Some("12 Quay Street"), Some("9 Oak Ave"))],
        ),
        (|o| o.ship_to.postal_code = Some("10001".to_owned()), &[(AddressChanged, "ship_to.postal_code", Some("89501"), Some("10001"))]),
        (|o| o.bill_to.company = Some("Acme".to_owned()), &[(AddressChanged, "bill_to.company", None, Some("Acme"))]),
        (|o| o.items.push(line("C", 1, "4")), &[(LineAdded, "items[C]", None, Some("1 × C at 4.00"))]),
        (|o| drop(o.items.remove(1)), &[(LineRemoved, "items[B]", Some("1 × B at 5.00"), None)]),
        (|o| o.items[1].sku = Some("C".to_owned()), &[(LineReplaced, "items[B]", Some("1 × B at 5.00"), Some("1 × C at 5.00"))]),
        (|o| o.items[0].options[0].value = "Blue".to_owned(), &[(LineReplaced, "items[A]", Some("2 × A at 9.50"), Some("2 × A at 9.50"))]),
        (|o| o.items[0].quantity = 3, &[(QuantityRaised, "items[A].quantity", Some("2"), Some("3"))]),
        (|o| o.items[0].quantity = 0, &[(QuantityLowered, "items[A].quantity", Some("2"), Some("0"))]),
        (|o| o.items[0].unit_price = exact("9.505"), &[(PriceChanged, "items[A].unit_price", Some("9.50"), Some("9.505"))]),
        (|o| o.items[2].unit_price = exact("-2"), &[(PriceChanged, "items[Discount].unit_price", Some("-1.00"), Some("-2.00"))]),
        (|o| o.total = exact("20"), &[(TotalChanged, "order_total", Some("26.00"), Some("20.00"))]),
        (|o| o.tax = exact("0"), &[(TotalChanged, "tax_amount", Some("1.00"), Some("0.00"))]),
        (|o| o.shipping = exact("3"), &[(TotalChanged, "shipping_amount", Some("2.00"), Some("3.00"))]),
        (|o| o.warehouse_id = Some(WarehouseId(7)), &[(WarehouseChanged, "warehouse_id", Some("1000"), Some("7"))]),
        (|o| o.store_id = Some(StoreId(7)), &[(StoreChanged, "store_id", Some("12"), Some("7"))]),
        (|o| (o.merged_or_split, o.merged_ids) = (true, vec![OrderId(5)]), &[(Merged, "merged_ids", None, Some("5"))]),
        (
            |o| {
                (o.merged_or_split, o.merged_ids) = (true, vec![OrderId(5)]);
                o.items.remove(1);
            },
            &[(Split, "merged_ids", None, Some("5")), (LineRemoved, "items[B]", Some("1 × B at 5.00"), None)],
        ),
        (|o| o.amount_paid = exact("25.99"), &[(AmountPaidLowered, "amount_paid", Some("26.00"), Some("25.99"))]),
    ];
    let mut seen = Vec::new();
    for (change, expected) in cases {
        let changes = compare(*change);
        let told: Vec<_> =
            changes.changes.iter().map(|one| (one.kind, one.path.as_str(), one.from.as_deref(), one.to.as_deref())).collect();
        assert_eq!(told, *expected);
        seen.extend(changes.kinds());
        let sentence = changes.sentence();
        for one in changes.changes.iter().filter(|one| one.kind != Cancelled) {
            assert!(sentence.contains(&one.words()), "{sentence}");
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 15, "a kind is missing above: {seen:?}");
}

/// Events of every order, and differences that nothing that was booked depends on, are no change.
#[test]
fn s108_shipping_labels_tags_and_notes_are_no_change() {
    #[allow(clippy::type_complexity, reason = "read once")]
    let cases: &[(&str, fn(&mut Order))] = &[
        ("shipped", |o| o.status = OrderStatus::Shipped),
        ("on its way", |o| o.status = OrderStatus::PendingFulfillment),
        ("tagged", |o| o.tag_ids = vec![TagId(1)]),
        ("annotated", |o| (o.customer_notes, o.internal_notes) = (Some("x".to_owned()), Some("y".to_owned()))),
        ("labelled", |o| o.requested_shipping_service = Some("UPS Ground".to_owned())),
        ("lines in another order", |o| o.items.reverse()),
        ("lines with new ids", |o| o.items.iter_mut().for_each(|item| item.id = item.id.map(|id| id + 100))),
        ("lines without ids and in another order", |o| {
            o.items.iter_mut().for_each(|item| (item.id, item.key) = (None, None));
            o.items.rotate_left(1);
        }),
        ("linked to a product", |o| o.items[0].product_id = Some(ShipstationProductId(1))),
        ("a SKU in another case", |o| o.items[0].sku = Some(" a ".to_owned())),
        ("a product's name", |o| o.items[0].name = Some("Renamed".to_owned())),
        ("another spelling of an amount", |o| (o.total, o.items[1].unit_price) = (exact("26.000"), exact("5.00"))),
        ("a line of nothing added", |o| o.items.push(line("C", 0, "4"))),
        ("paid later, and more", |o| (o.paid_at, o.amount_paid) = (wall_time("2026-05-09T08:00:00"), exact("27"))),
        ("a validated address", |o| {
            (o.ship_to.street1, o.ship_to.city) = (Some("12  QUAY STREET".to_owned()), Some("RENO".to_owned()));
            o.ship_to.postal_code = Some("89501-1234".to_owned());
        }),
        ("another phone", |o| o.ship_to.phone = Some("555-0199".to_owned())),
        ("an address that the marketplace takes back", |o| {
            (o.ship_to.name, o.ship_to.street1, o.ship_to.phone) = (None, None, None);
            o.bill_to = stevedore_domain::address::Address::default();
        }),
        ("a warehouse or store that is not stated any more", |o| (o.warehouse_id, o.store_id) = (None, None)),
    ];
    for (what, change) in cases {
        let changes = compare(*change);
        assert!(changes.is_empty() && changes.sentence().is_empty(), "{what}: {changes:?}");
        assert_eq!(changes.at_stake, exact("0"), "{what}");
    }
}

/// The money at stake: what the total moved by, or all of it.
#[test]
fn s108_the_money_at_stake() {
    assert_eq!(compare(|o| (o.items[0].quantity, o.total) = (1, exact("16.50"))).at_stake, exact("-9.50"));
    assert_eq!(compare(|o| o.total = exact("30")).at_stake, exact("4"));
    assert_eq!(compare(|o| (o.status, o.total) = (OrderStatus::Cancelled, exact("0"))).at_stake, exact("-26"));
    assert_eq!(compare(|o| o.ship_to.city = Some("Sparks".to_owned())).at_stake, exact("0"));
}

/// An order of a thousand changed lines does not fill the log.
#[test]
fn s108_a_sentence_names_five_changes_and_counts_the_rest() {
    let before = order((0..1_000).map(|n| line(&format!("SKU-{n}"), 1, "1")).collect(), "0", "0");
    let mut after = before.clone();
    after.items.iter_mut().for_each(|item| item.quantity = 2);
    let changes = Changes::since_booking(&before, &after, None);
    assert_eq!(changes.changes.len(), 1_000);
    let sentence = changes.sentence();
    assert!(sentence.starts_with("Changed: items[SKU-0].quantity from 1 to 2; ") && sentence.ends_with("; and 995 more."), "{sentence}");
    assert!(compare(|o| o.items[1].name = Some("N".repeat(10_000))).is_empty());
    let nameless =
        compare(|o| o.items.push(stevedore_domain::order::Item { sku: None, name: Some("N".repeat(10_000)), ..line("", 1, "1") }));
    assert!(nameless.sentence().len() < 200, "{}", nameless.sentence());
}

proptest! {
    /// An order is no change of itself, in whatever order its lines come and whatever ids they get; what changes one way changes back the other.
    #[test]
    fn s108_changes_are_symmetric_and_blind_to_order(
        before in arb_order(Currency::USD),
        (seed, ids) in (any::<prop::sample::Index>(), any::<bool>()),
        quantity in 1_i64..50,
    ) {
        let mut after = before.clone();
        if !after.items.is_empty() {
            let by = seed.index(after.items.len());
            after.items.rotate_left(by);
        }
        if ids {
            after.items.iter_mut().for_each(|item| (item.id, item.key) = (None, None));
        }
        prop_assert_eq!(Changes::since_booking(&before, &after, None), Changes::default());
        if let Some(item) = after.items.iter_mut().find(|item| item.quantity != 0) {
            item.quantity += quantity;
            after.total = sum_of_parts(&after);
        }
        let (there, back) = (Changes::since_booking(&before, &after, None), Changes::since_booking(&after, &before, None));
        prop_assert_eq!(there.at_stake, -back.at_stake);
        prop_assert_eq!(there.changes.len(), back.changes.len());
        prop_assert_eq!(there.is_empty(), before.items.iter().all(|item| item.quantity == 0));
    }
}
