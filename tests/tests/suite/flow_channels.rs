//! Orders in forms that merchants reported for systems of this kind, through the whole system, each
//! with the value that it must have (docs/requirements.md, section 5).

use jiff::SignedDuration;
use stevedore_domain::log::{LogState, Outcome};
use stevedore_domain::reason::Reason;
use stevedore_sandbox::{Draft, Json};

use crate::flow::{accounted, item, member, plain, with};
use crate::world::{Options, World, dec};

/// S80: an option that is a boolean or a number is a text of the comment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s80_options_that_are_no_texts_are_written_out() {
    let world = World::new(Options::default()).await;
    let options = r#"[{"name":"Wrapped","value":true},{"name":"Card","value":false},{"name":"Candles","value":7},null]"#;
    let order = world.sandbox.upsert_order(with(&plain("1"), |order| item(order, 0).set("options", options.parse::<Json>().unwrap())));
    let operation = world.download().await;
    accounted(&world, &operation).await;
    assert_eq!(world.sale(order).await.lines[0].comment.as_deref(), Some("Wrapped: true; Card: false; Candles: 7"));
}

/// Dates with a zone, in another country's form, and ones that are none: the order is booked, and
/// its date is the merchant's where it can be read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dates_in_other_forms_do_not_keep_an_order_from_being_booked() {
    let world = World::new(Options::default()).await;
    let dated = |number: &str, text: &str| {
        with(&plain(number), |order| {
            order.set("orderDate", text);
            order.set("paymentDate", text);
            order.set("amountPaid", dec("10.00"));
        })
    };
    // New York, where the merchant is, is three hours ahead of ShipStation's clock.
    let cases = [
        ("2026-01-14T07:30:00Z", "2026-01-14"),
        ("2026-01-14T23:30:00-08:00", "2026-01-15"),
        ("1/14/2026 9:30:00 PM", "2026-01-15"),
        ("01/14/2026", "2026-01-14"),
    ];
    let orders: Vec<i64> = cases.iter().map(|(text, _)| world.sandbox.upsert_order(dated(text, text))).collect();
    let odd: Vec<i64> = ["someday", "0001-01-01T00:00:00", "9999-12-31T00:00:00"]
        .iter()
        .map(|text| world.sandbox.upsert_order(dated(text, text)))
        .collect();
    let operation = world.download().await;
    accounted(&world, &operation).await;
    assert_eq!(operation.counts.of(Outcome::Captured), 7);
    for (order, (text, date)) in orders.into_iter().zip(cases) {
        let sale = world.sale(order).await;
        assert_eq!((sale.total.0, sale.dated().map(|date| date.to_string()).as_deref()), (1000, Some(date)), "{text}");
        assert_eq!(sale.invoice.payments[0].date.map(|date| date.to_string()).as_deref(), Some(date), "{text}");
    }
    for order in odd {
        let sale = world.sale(order).await;
        assert!(sale.warnings.iter().any(|warning| warning.reason == Reason::DateLeftOut), "{}", sale.number);
        let years = sale.invoice.payments.iter().filter_map(|payment| payment.date).map(jiff::civil::Date::year);
        assert!(years.clone().all(|year| year == 2026), "{}: {:?}", sale.number, years.collect::<Vec<_>>());
    }
}

/// A payment's date of the year 1 is none: an order on hold is not paid by it, and a paid one is
/// dated by its own date.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_of_the_year_1_pays_nothing() {
    let world = World::new(Options::default()).await;
    let unset = |number: &str, status: &str| {
        with(&plain(number).status(status), |order| {
            order.set("paymentDate", "0001-01-01T00:00:00.0000000");
            order.set("amountPaid", 0);
        })
    };
    let held = world.sandbox.upsert_order(unset("held", "on_hold"));
    let due = world.sandbox.upsert_order(unset("due", "awaiting_shipment"));
    let operation = world.download().await;
    accounted(&world, &operation).await;
    assert_eq!(world.row(&operation, held).await.reason, Some(Reason::OnHold));
    let sale = world.sale(due).await;
    assert!(sale.invoice.payments.is_empty(), "{:?}", sale.invoice.payments);
}

/// S111: buyers without any address of their own are told apart by ShipStation's id; names with
/// blanks around them are one name's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s111_a_buyer_with_a_telephone_number_alone_is_a_customer() {
    let world = World::new(Options::default()).await;
    let called = |number: &str, customer: Option<i64>| {
        with(&plain(number).buyer(customer, None), |order| {
            for address in ["billTo", "shipTo"] {
                member(order, address).set("name", "  Robin Ash  ");
                member(order, address).set("phone", "555-0100");
            }
        })
    };
    let orders = [("1", Some(601)), ("2", Some(602)), ("3", None)].map(|(number, id)| world.sandbox.upsert_order(called(number, id)));
    world.download().await;
    let mut customers = Vec::new();
    for order in orders {
        let customer = world.sale(order).await.customer;
        assert_eq!(customer.name.trim(), "Robin Ash");
        customers.push(customer.id.to_string());
    }
    assert_eq!(customers[..2], ["C-601", "C-602"]);
    customers.sort();
    customers.dedup();
    assert_eq!(customers.len(), 3);
}

/// S123: a line without a SKU is no product's, although two products have its name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s123_a_line_without_a_sku_is_a_service_although_products_have_its_name() {
    let world = World::new(Options::default()).await;
    for id in ["gift-1", "gift-2"] {
        world.product(id, |product| product.name = "Gift".to_owned()).await;
    }
    let order = world.sandbox.upsert_order(with(&plain("1"), |order| {
        item(order, 0).set("sku", Json::Null);
        item(order, 0).set("name", "Gift");
    }));
    world.download().await;
    let sale = world.sale(order).await;
    assert_eq!((sale.lines[0].product_id.as_ref(), sale.total.0), (None, 1000));
    assert!(sale.allocations.is_empty());
}

/// P3, S122: an order of which nothing is paid has its total, no payment, and no charge for the
/// difference.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p3_an_unpaid_order_has_no_charge_for_what_is_open() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(with(&Draft::new("1").line("A", 2, dec("60.00")), |order| order.set("amountPaid", 0)));
    world.download().await;
    let sale = world.sale(order).await;
    assert_eq!((sale.total.0, sale.charges.len(), sale.invoice.payments.len()), (12_000, 0, 0));
    assert!(sale.warnings.iter().all(|warning| warning.reason != Reason::TotalAdjusted));
}

/// S108: an edit and a cancellation are found by the next download, and the sales stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s108_an_edit_and_a_cancellation_within_an_hour_are_both_seen() {
    let world = World::new(Options::default()).await;
    let (edited, cancelled) = (world.sandbox.upsert_order(plain("1")), world.sandbox.upsert_order(plain("2")));
    world.download().await;
    world.clock.advance(SignedDuration::from_mins(1));
    world.sandbox.edit_order(edited, |order| order.set("orderTotal", dec("12.00")));
    assert!(world.sandbox.cancel(cancelled));
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    for (order, reason) in [(edited, Reason::ChangedAfterBooking), (cancelled, Reason::CancelledAfterBooking)] {
        let entry = world.logged(order).await.unwrap();
        assert_eq!(entry.state, LogState::Booked);
        assert!(entry.warnings.iter().any(|warning| warning.reason == reason), "{entry:?}");
        assert_eq!(world.sale(order).await.total.0, 1000, "the sale stays as it was booked");
    }
}
