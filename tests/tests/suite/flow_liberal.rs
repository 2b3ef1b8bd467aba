//! Channels' own forms of values, through the whole system (docs/requirements.md, section 5).

use stevedore_domain::reason::Reason;
use stevedore_sandbox::{Draft, Json};

use crate::flow::{item, plain, with};
use crate::world::{Options, World, dec};

/// N6: an order is loaded by its number as written, or else without blanks and a leading sign, with
/// a warning of the operation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n6_a_number_with_blanks_or_a_sign_is_found() {
    let world = World::new(Options::default()).await;
    let of = |number: &str, id: i64| Draft::new(number).key(format!("key {id}")).id(id).line("A", 1, dec("10"));
    for (number, id) in [("100", 2), ("100 ", 3), ("#200", 4)] {
        world.sandbox.upsert_order(of(number, id));
    }
    for (asked, found, as_written) in
        [("100", 2, true), ("100 ", 3, true), ("#200", 4, true), ("300 ", 0, false), ("200", 4, false), ("#100", 2, false)]
    {
        let operation = world.load_number(asked).await;
        let rows = world.rows(&operation).await;
        let ids: Vec<u64> = rows.iter().filter_map(|row| row.order_id).map(|id| id.0).collect();
        match found {
            0 => assert_eq!((ids.len(), operation.reason.as_deref()), (0, Some("order_not_found")), "{asked:?}"),
            id => assert!(ids.contains(&id) && (!as_written || ids.len() == 1), "{asked:?} found {ids:?}"),
        }
        let says = operation.reason.as_deref() == Some("order_number_trimmed");
        assert_eq!(says, found != 0 && !as_written, "{asked:?}: {:?}", operation.message);
    }
}

/// S123: a SKU with invisible characters finds its product; nulls among items are left out with a
/// warning.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn skus_with_what_cannot_be_seen_and_nulls_among_items() {
    let world = World::new(Options::default()).await;
    world.product("ab-1", |_| {}).await;
    world.product("cafe", |product| product.sku = "CAF\u{c9}".to_owned()).await;
    let written = |number: &str, sku: &str| with(&plain(number), |order| item(order, 0).set("sku", Json::from(sku)));
    let zero_width = world.sandbox.upsert_order(written("1", "A\u{200b}B-1"));
    let marked = world.sandbox.upsert_order(written("2", "\u{feff}AB-1"));
    let decomposed = world.sandbox.upsert_order(written("3", "CAFE\u{301}"));
    let nulls = world.sandbox.upsert_order(with(&plain("4"), |order| {
        let first = item(order, 0).clone();
        order.set("items", Json::Array(vec![first, Json::Null]));
    }));
    world.download().await;
    for (order, product) in [(zero_width, "ab-1"), (marked, "ab-1"), (decomposed, "cafe")] {
        let sale = world.sale(order).await;
        assert_eq!(sale.lines[0].product_id.as_ref().map(ToString::to_string).as_deref(), Some(product));
        assert!(sale.warnings.iter().any(|warning| warning.reason == Reason::SkuNormalized));
    }
    let sale = world.sale(nulls).await;
    assert_eq!((sale.lines.len(), sale.total.0), (1, 1000));
    assert!(sale.warnings.iter().any(|warning| warning.reason == Reason::NullsLeftOut));
    assert!(world.logged(nulls).await.unwrap().warnings.iter().any(|warning| warning.reason == Reason::NullsLeftOut));
}
