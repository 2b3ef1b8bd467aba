//! Content that makes a revision: every field but `modifyDate`, and nothing about how it was written.

use std::collections::BTreeMap;

use proptest::prelude::*;
use stevedore_domain::address::Address;
use stevedore_domain::digest::Digest;
use stevedore_domain::ids::{OrderId, ShipstationCustomerId, ShipstationProductId, StoreId, TagId, WarehouseId};
use stevedore_domain::money::{Currency, Decimal};
use stevedore_domain::order::{Item, ItemOption, NEWEST_SCHEME, Order, OrderStatus, Revision, RevisionKey};
use stevedore_domain::pacific::wall_time;

use crate::merchant::now;
use crate::orders::{adjustment, arb_order, exact, line, order, pacific};

fn digest(order: &Order) -> Digest {
    Revision::new(order.clone(), None).key.digest
}

/// S117: digests of fixed orders under the schemes. These digests are stored with every order that was ever booked: a scheme whose digest of one of them changes has
/// every order in the log taken for changed. A field that is read from now on belongs into a scheme of its own, with digests of its own here.
#[test]
fn s117_each_scheme_digests_fixed_orders_as_ever() {
    let plain = order(vec![line("A", 1, "10.00")], "0", "0");
    let mut every = full();
    (every.customer_username, every.customer_notes, every.internal_notes) = (Some(text()), Some("x".repeat(300)), Some(text()));
    (every.warehouse_id, every.parent_id, every.merged_or_split) = (Some(WarehouseId(7)), Some(OrderId(8)), true);
    (every.items[0].id, every.items[0].key, every.items[0].product_id) =
        (Some(9_007_199_254_740_993), Some(text()), Some(ShipstationProductId(3)));
    every.items[1].unit_tax = Some(exact("-0.10"));
    let nothing = Order {
        status: OrderStatus::Unknown("new".to_owned()),
        key: None,
        created_at: None,
        ordered_at: None,
        paid_at: None,
        customer_id: None,
        customer_email: None,
        ship_to: Address::default(),
        payment_method: None,
        requested_shipping_service: None,
        store_id: None,
        source: None,
        ..order(Vec::new(), "0", "0")
    };
    let golden = [
        (1, &plain, "5fe4496a0dc143e5202c5385a9d3c805"),
        (1, &full(), "df41d6652429b9c0c0b9803173900806"),
        (1, &every, "29e11796cd2abb4b594fc7f11ee9dc08"),
        (1, &nothing, "7af0c57642e92920542a9c43fe5a72c0"),
    ];
    let made: Vec<String> = golden.iter().map(|(_, order, _)| digest(order).to_string()).collect();
    assert_eq!(
        made,
        golden.iter().filter(|(scheme, ..)| *scheme == NEWEST_SCHEME).map(|(.., stored)| (*stored).to_owned()).collect::<Vec<_>>()
    );
    for (scheme, order, stored) in golden {
        let stored: Digest = stored.parse().unwrap();
        assert_eq!(stored.scheme, scheme);
        assert!(Revision::new(order.clone(), None).says(stored), "scheme {scheme} says {} now of {order:?}", digest(order));
        let other = Order { total: order.total + Decimal::ONE, ..order.clone() };
        assert!(!Revision::new(other, None).says(stored), "scheme {scheme}");
    }
    assert!(golden.iter().any(|(scheme, ..)| *scheme == NEWEST_SCHEME), "the newest scheme has no fixed orders");
}

/// S117: a digest of a scheme that this release does not have says nothing: later it is newer, and earlier it is not.
#[test]
fn s117_a_digest_of_an_unknown_scheme_is_compared_by_time_alone() {
    let revision = Revision::new(full(), Some(now()));
    let unknown = RevisionKey { digest: Digest { scheme: 200, value: revision.key.digest.value }, ..revision.key };
    assert!(!revision.says(unknown.digest) && revision.says(revision.key.digest));
    assert_eq!((revision.key_beside(Some(&unknown)), revision.key_beside(None)), (revision.key, revision.key));
    let earlier = RevisionKey { modified_at: unknown.modified_at - jiff::SignedDuration::from_secs(1), ..unknown };
    assert!(
        revision.supersedes(&earlier)
            && !revision.supersedes(&RevisionKey { modified_at: now() + jiff::SignedDuration::from_hours(9000), ..unknown })
    );
    assert!(revision.key.is_same_reading(&unknown) && !revision.key.is_same_reading(&earlier));
}

fn full() -> Order {
    let mut order = order(vec![line("A", 2, "9.50"), adjustment("Discount", "-1")], "1", "2");
    order.bill_to = order.ship_to.clone();
    order.items[0].options = vec![ItemOption { name: "Colour".to_owned(), value: "Red".to_owned() }];
    order.tag_ids = vec![TagId(1), TagId(2)];
    order.merged_ids = vec![OrderId(5)];
    order
}

type Change<T> = (&'static str, fn(&mut T));

fn text() -> String {
    "changed".to_owned()
}

const ORDER: &[Change<Order>] = &[
    ("id", |o| o.id = OrderId(1)),
    ("number", |o| o.number.push('x')),
    ("key", |o| o.key = Some(text())),
    ("key gone", |o| o.key = None),
    ("status", |o| o.status = OrderStatus::Shipped),
    ("status unknown", |o| o.status = OrderStatus::Unknown("new".to_owned())),
    ("created_at", |o| o.created_at = Some(pacific("2026-05-04T09:00:01"))),
    ("created_at gone", |o| o.created_at = None),
    ("ordered_at", |o| o.ordered_at = wall_time("2026-05-04T08:59:00.001")),
    ("ordered_at gone", |o| o.ordered_at = None),
    ("paid_at", |o| o.paid_at = wall_time("2026-05-05T08:59:30")),
    ("paid_at gone", |o| o.paid_at = None),
    ("customer_id", |o| o.customer_id = Some(ShipstationCustomerId(72))),
    ("customer_id zero", |o| o.customer_id = Some(ShipstationCustomerId(0))),
    ("customer_id gone", |o| o.customer_id = None),
    ("customer_username", |o| o.customer_username = Some(text())),
    ("customer_email", |o| o.customer_email = Some(text())),
    ("customer_email's case", |o| o.customer_email = Some("ann@example.com".to_owned())),
    ("total", |o| o.total = exact("1.01")),
    ("amount_paid", |o| o.amount_paid = exact("1.01")),
    ("tax", |o| o.tax = exact("1.01")),
    ("shipping", |o| o.shipping = exact("1.01")),
    ("payment_method", |o| o.payment_method = Some(text())),
    ("customer_notes", |o| o.customer_notes = Some(text())),
    ("internal_notes", |o| o.internal_notes = Some(text())),
    ("requested_shipping_service", |o| o.requested_shipping_service = Some(text())),
    ("externally_fulfilled", |o| o.externally_fulfilled = true),
    ("tag_ids", |o| o.tag_ids = vec![TagId(1), TagId(3)]),
    ("tag_ids fewer", |o| o.tag_ids = vec![TagId(1)]),
    ("store_id", |o| o.store_id = Some(StoreId(13))),
    ("warehouse_id", |o| o.warehouse_id = Some(WarehouseId(13))),
    ("source", |o| o.source = Some(text())),
    ("merged_or_split", |o| o.merged_or_split = true),
    ("merged_ids", |o| o.merged_ids = vec![OrderId(6)]),
    ("merged_ids gone", |o| o.merged_ids.clear()),
    ("parent_id", |o| o.parent_id = Some(OrderId(13))),
];

const ITEM: &[Change<Order>] = &[
    ("item id", |o| o.items[0].id = Some(1)),
    ("item key", |o| o.items[0].key = Some(text())),
    ("item sku", |o| o.items[0].sku = Some(text())),
    ("item sku's blanks", |o| o.items[0].sku = Some("A ".to_owned())),
    ("item name", |o| o.items[0].name = Some(text())),
    ("item quantity", |o| o.items[0].quantity = 3),
    ("item quantity below zero", |o| o.items[0].quantity = -2),
    ("item unit_price", |o| o.items[0].unit_price = exact("9.51")),
    ("item unit_price below zero", |o| o.items[0].unit_price = exact("-9.50")),
    ("item unit_tax", |o| o.items[0].unit_tax = Some(exact("0.01"))),
    ("item unit_tax stated as zero", |o| o.items[0].unit_tax = Some(Decimal::ZERO)),
    ("item product_id", |o| o.items[0].product_id = Some(ShipstationProductId(9))),
    ("item adjustment", |o| o.items[0].adjustment = true),
    ("item option's name", |o| o.items[0].options[0].name.push('x')),
    ("item option's value", |o| o.items[0].options[0].value.push('x')),
    ("item option moved", |o| o.items[0].options[0] = ItemOption { name: "ColourRed".to_owned(), value: String::new() }),
    ("item options gone", |o| o.items[0].options.clear()),
    ("items fewer", |o| o.items.truncate(1)),
    ("items more", |o| o.items.push(line("A", 2, "9.50"))),
    ("items swapped", |o| o.items.swap(0, 1)),
];

const ADDRESS: &[Change<Address>] = &[
    ("name", |a| a.name = Some(text())),
    ("company", |a| a.company = Some(text())),
    ("street1", |a| a.street1 = Some(text())),
    ("street2", |a| a.street2 = Some(text())),
    ("street3", |a| a.street3 = Some(text())),
    ("city", |a| a.city = Some(text())),
    ("state", |a| a.state = Some(text())),
    ("postal_code", |a| a.postal_code = Some(text())),
    ("country", |a| a.country = Some(text())),
    ("phone", |a| a.phone = Some(text())),
    ("everything", |a| *a = Address::default()),
];

/// S117: each field makes a revision of its own: no two of these changes, nor none, have the same digest.
#[test]
fn s117_every_field_is_in_the_digest() {
    let mut seen = BTreeMap::from([(digest(&full()), "nothing".to_owned())]);
    let mut differs = |order: &Order, what: String| {
        if let Some(other) = seen.insert(digest(order), what.clone()) {
            panic!("{what} and {other} have one digest");
        }
    };
    for (what, change) in ORDER.iter().chain(ITEM) {
        let mut order = full();
        change(&mut order);
        differs(&order, (*what).to_owned());
    }
    for (what, change) in ADDRESS {
        let (mut billed, mut shipped) = (full(), full());
        change(&mut billed.bill_to);
        change(&mut shipped.ship_to);
        differs(&billed, format!("bill_to {what}"));
        differs(&shipped, format!("ship_to {what}"));
    }
}

/// S117: neither `modifyDate` nor when it was read is content.
#[test]
fn s117_dates_of_reading_are_no_content() {
    let later = Order { modified_at: pacific("2027-01-01T00:00:00"), ..full() };
    assert_eq!(digest(&later), digest(&full()));
    assert_eq!(Revision::new(later, Some(now())).key.digest, digest(&full()));
}

/// S117: `16.9`, `16.90` and `1690e-2` are one number, and so are `0`, `-0` and `0.00`.
#[test]
fn s117_the_spelling_of_a_number_is_no_content() {
    let of = |text: &str| {
        let mut order = full();
        (order.total, order.amount_paid, order.tax, order.shipping) = (exact(text), exact(text), exact(text), exact(text));
        (order.items[0].unit_price, order.items[0].unit_tax) = (exact(text), Some(exact(text)));
        digest(&order)
    };
    for spelling in ["16.90", "1690e-2", "1.69E1", "16.9000000000"] {
        assert_eq!(of(spelling), of("16.9"), "{spelling}");
    }
    for spelling in ["-0", "0.00", "0e5", "-0.000"] {
        assert_eq!(of(spelling), of("0"), "{spelling}");
    }
    assert_ne!(of("16.9"), of("16.91"));
    assert_ne!(of("1"), of("-1"));
}

/// A digest's text is its own, and says the same after it was read.
#[test]
fn a_digest_survives_its_text() {
    for (scheme, text) in [(1, format!("{}ab", "0".repeat(30))), (2, format!("2.{}ab", "0".repeat(30)))] {
        let digest = Digest { scheme, value: 0xab };
        assert_eq!(digest.to_string(), text);
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(serde_json::from_str::<Digest>(&serde_json::to_string(&digest).unwrap()).unwrap(), digest);
    }
    for text in ["", "2.", ".ab", "x.ab", "300.ab", "2.3.ab"] {
        assert!(text.parse::<Digest>().is_err(), "{text:?}");
    }
}

proptest! {
    /// S117: an order has one digest, and taking away, repeating or changing any item makes another.
    #[test]
    fn s117_generated_orders_differ_by_their_items(order in arb_order(Currency::USD), index in any::<prop::sample::Index>()) {
        prop_assert_eq!(digest(&order), digest(&order.clone()));
        prop_assume!(!order.items.is_empty());
        let index = index.index(order.items.len());
        let with = |change: fn(&mut Vec<Item>, usize)| {
            let mut order = order.clone();
            change(&mut order.items, index);
            digest(&order)
        };
        for changed in [
            with(|items, index| { items.remove(index); }),
            with(|items, index| items.push(items[index].clone())),
            with(|items, index| items[index].quantity += 1),
            with(|items, index| items[index].unit_price += Decimal::new(1, 4)),
        ] {
            prop_assert_ne!(changed, digest(&order));
        }
    }
}
