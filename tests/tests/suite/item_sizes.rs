//! The cost of an order depends on the part of it that fits into one write unit, and that on the
//! dictionary that compresses its documents.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use stevedore_domain::address::Address;
use stevedore_domain::reference::{Customer, Product};
use stevedore_domain::settings::{InvoiceMode, PickPackShip};

use crate::world::{Options, World};

/// `STEVEDORE_SAMPLES=FOLDER` keeps every order's document there, for `lib/aws/dictionary.py`.
const SAMPLES: &str = "STEVEDORE_SAMPLES";
const ORDERS: usize = 200;

/// A shop whose orders are picked, packed and shipped, with authorized invoices and known products:
/// nearly every order, its sale and its revision are one item of one unit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_with_its_sale_and_revision_is_one_unit() {
    let options = Options {
        orders: ORDERS,
        sandbox: Box::new(|options| {
            options.seed = 77;
            options.lines_per_order = Some(2);
            options.only_status = Some("shipped".to_owned());
            options.history = SignedDuration::from_hours(20);
        }),
        ..Options::default()
    };
    let world = World::new(options).await;
    let mut known = BTreeSet::new();
    for item in world.source().into_iter().flat_map(|order| order.items) {
        let (Some(link), Some(sku)) = (item.product_id, item.sku) else { continue };
        if known.insert(sku.clone()) {
            let product = Product::new(format!("P-{link}"), sku, item.name.unwrap_or_default(), world.clock.now());
            world.table.put_product(&Product { shipstation_product_id: Some(link), ..product }, None).await.unwrap();
            world.adjust(&format!("P-{link}"), 1_000).await;
        }
    }
    // Marketplaces and tills name no buyer.
    let walk_in = Customer {
        id: "walk-in".into(),
        name: "Walk-in".to_owned(),
        email: None,
        phone: None,
        company: None,
        billing_address: Address::default(),
        business_address: Address::default(),
        revenue_account: None,
        created_at: world.clock.now(),
    };
    world.table.put_customer(&walk_in, None).await.unwrap();
    world
        .settings(|settings| {
            settings.customer_id = Some(walk_in.id.clone());
            settings.pick_pack_ship = PickPackShip::PickPackShip;
            settings.invoice_status = InvoiceMode::Authorised;
        })
        .await;
    world.download().await;
    let folder = std::env::var(SAMPLES).ok();
    let mut whole = 0;
    for stored in world.log().await {
        whole += usize::from(stored.inline_sale().is_some() && stored.has_inline_revision());
        if let Some(folder) = &folder {
            let sale = world.table.sale(stored.entry.sale_id.as_ref().unwrap()).await.unwrap().unwrap().sale;
            let order = world.table.newest_order(&stored).await.unwrap();
            let (log, sale) = (serde_json::to_string(&stored.entry).unwrap(), serde_json::to_string(&sale).unwrap());
            // As `lib/aws` writes it, member by member.
            let text = format!(r#"{{"log":{log},"order":{},"sale":{sale}}}"#, order.unwrap().get());
            std::fs::write(format!("{folder}/{}.json", stored.entry.order_id), text).unwrap();
        }
    }
    assert!(whole * 100 >= ORDERS * 90, "of {ORDERS} orders {whole} are one unit with all that belongs to them");
}
