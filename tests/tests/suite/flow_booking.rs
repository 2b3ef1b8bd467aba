//! Documents of an order in whole flows: tax, charges, accounts, payments, locations, products
//! (docs/requirements.md, section 6).

use stevedore_domain::address::Address;
use stevedore_domain::ids::{AccountId, OrderId, ProductId, WarehouseId};
use stevedore_domain::log::LogState;
use stevedore_domain::money::Minor;
use stevedore_domain::reason::Reason;
use stevedore_domain::reference::{Account, AccountKind, Location, Product};
use stevedore_domain::sale::{Sale, StageStatus};
use stevedore_domain::settings::{InvoiceMode, Settings};
use stevedore_sandbox::{Draft, Json, WEB_SHOP};

use crate::flow::{item, member, plain, with};
use crate::world::{BANK, LOCATION, Options, REVENUE, TAX_RULE, World, dec};

/// The sale of an order under these settings.
async fn booked(order: impl Into<Json>, settings: impl FnOnce(&mut Settings)) -> (World, Sale) {
    let world = World::new(Options::default()).await;
    world.settings(settings).await;
    let id = world.sandbox.upsert_order(order);
    world.download().await;
    let sale = world.sale(id).await;
    assert_eq!(sale.total, sale.sum_of_parts());
    (world, sale)
}

fn minors(amounts: impl IntoIterator<Item = Minor>) -> Vec<i64> {
    amounts.into_iter().map(|amount| amount.0).collect()
}

fn taxes(sale: &Sale) -> (Vec<i64>, Vec<i64>) {
    (minors(sale.lines.iter().map(|line| line.tax)), minors(sale.charges.iter().map(|charge| charge.tax)))
}

fn three_lines() -> Draft {
    Draft::new("1").line("A", 1, dec("10")).line("B", 1, dec("10")).line("C", 1, dec("10")).shipping(dec("30")).tax(dec("1.00"))
}

/// S53, S54, S67, S68, N3: one amount of tax is spread over the lines only, to the cent, under the
/// chosen rule's name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s53_tax_is_spread_over_the_lines() {
    let (_, sale) = booked(three_lines(), |_| {}).await;
    assert_eq!(taxes(&sale), (vec![34, 33, 33], vec![0]));
    assert_eq!((sale.tax.0, sale.total.0), (100, 6100));
    assert!(sale.lines.iter().all(|line| line.tax_rule.as_str() == TAX_RULE));
}

/// S55, N3: with a taxable shipment the charges take their share.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s55_a_taxable_shipment_takes_its_share() {
    let (_, sale) = booked(three_lines(), |settings| settings.shipment_is_taxable = true).await;
    assert_eq!(taxes(&sale), (vec![17, 17, 16], vec![50]));
    assert_eq!((sale.tax.0, sale.total.0), (100, 6100));
}

/// S69: taxes that items state for one unit stay on them, an untaxed item stays untaxed, and the
/// rest goes to the items that state none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s69_items_keep_their_own_tax() {
    let draft = Draft::new("1").line("A", 3, dec("10")).line("B", 1, dec("10")).line("C", 1, dec("10")).tax(dec("2.00"));
    let order = with(&draft, |order| {
        item(order, 0).set("taxAmount", dec("0.50"));
        item(order, 1).set("taxAmount", 0);
    });
    let (_, sale) = booked(order, |_| {}).await;
    assert_eq!(taxes(&sale).0, [150, 0, 50]);
    assert_eq!((sale.tax.0, sale.total.0), (200, 5200));
}

/// S120, S121: discounts and charges stay on the whole order; both kinds of charge are named
/// Shipping, with the adjustment's own name in the comment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s120_discounts_and_charges_are_on_the_whole_order() {
    let draft = Draft::new("1").line("A", 2, dec("10")).line("B", 1, dec("5"));
    let draft = draft.adjustment("WELCOME10", dec("-2.50")).adjustment("Gift wrap", dec("3.25")).shipping(dec("7.99"));
    let (_, sale) = booked(draft, |_| {}).await;
    assert_eq!(minors(sale.lines.iter().map(|line| line.total)), [2000, 500]);
    assert_eq!(sale.subtotal.0, 2500);
    let charges: Vec<_> = sale.charges.iter().map(|charge| (charge.name.as_str(), charge.comment.as_deref(), charge.amount.0)).collect();
    assert_eq!(charges, [("Shipping", Some("Gift wrap"), 325), ("Shipping", None, 799)]);
    let discounts: Vec<_> = sale.discounts.iter().map(|discount| (discount.name.as_str(), discount.amount.0)).collect();
    assert_eq!(discounts, [("WELCOME10", 250)]);
    assert_eq!(sale.total.0, 2500 + 325 + 799 - 250);
}

/// S80: options go to the line's comment, in full.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s80_options_go_to_the_comment() {
    let engraving = "x".repeat(2_000);
    let options = format!(r#"[{{"name":"Colour","value":"Red"}},{{"name":"Size","value":"L"}},{{"name":"Text","value":"{engraving}"}}]"#);
    let order = with(&plain("1"), |order| item(order, 0).set("options", options.parse::<Json>().unwrap()));
    let (_, sale) = booked(order, |_| {}).await;
    assert_eq!(sale.lines[0].comment.as_deref(), Some(format!("Colour: Red; Size: L; Text: {engraving}").as_str()));
}

/// S72, S73, S122: the paid amount is added to the invoice with date, method and account, also when
/// it exceeds the total.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s72_payments_are_added_to_the_invoice() {
    let order = |method: &'static str| {
        with(&plain(method), |order| {
            order.set("amountPaid", dec("12.34"));
            order.set("paymentMethod", method);
            order.set("paymentDate", "2026-01-14T23:59:00.0000000");
        })
    };
    let world = World::new(Options::default()).await;
    let now = world.clock.now();
    let till = Account { id: "till".into(), name: "Till".into(), kind: AccountKind::Asset, receives_payments: true, created_at: now };
    world.table.put_record(&till, None).await.unwrap();
    world.settings(|settings| settings.payment.by_method = [("Cash".to_owned(), AccountId::from("till"))].into()).await;
    let (card, cash) = (world.sandbox.upsert_order(order("Credit Card")), world.sandbox.upsert_order(order("Cash")));
    world.download().await;
    for (id, method, account) in [(card, "Credit Card", BANK), (cash, "Cash", "till")] {
        let sale = world.sale(id).await;
        let [payment] = sale.invoice.payments.as_slice() else { panic!("{:?}", sale.invoice) };
        assert_eq!((payment.amount.0, payment.account.as_str(), payment.method.as_deref()), (1234, account, Some(method)));
        // One minute before Pacific midnight is the next day by the merchant's clock in New York.
        assert_eq!(payment.date, Some(jiff::civil::date(2026, 1, 15)));
        assert_eq!(sale.total.0, 1000);
    }
}

/// S74, S75: without a payment account orders are still booked, and their invoices are open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s74_without_a_payment_account_there_is_no_payment() {
    let (_, sale) = booked(plain("1"), |settings| settings.payment.account = None).await;
    assert!(sale.invoice.payments.is_empty());
    // An order without a paid amount has no payment.
    let (_, sale) = booked(with(&plain("1"), |order| order.set("amountPaid", 0)), |_| {}).await;
    assert!(sale.invoice.payments.is_empty());
}

/// S39: a draft waits for a person, and the accounting system does not get it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s39_invoices_are_drafts_by_default() {
    let (world, sale) = booked(plain("1"), |_| {}).await;
    assert_eq!(sale.invoice.status, StageStatus::Draft);
    assert!(world.table.list_pending_syncs(&stevedore_aws::List { limit: 10, ..Default::default() }).await.unwrap().items.is_empty());
}

/// S40: authorized automatically, with a pending sync for the accounting system until the sync is
/// acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s40_an_authorised_invoice_waits_for_the_accounting_system() {
    let (world, sale) = booked(plain("1001"), |settings| settings.invoice_status = InvoiceMode::Authorised).await;
    assert_eq!(sale.invoice.status, StageStatus::Authorised);
    let all = stevedore_aws::List { limit: 10, ..Default::default() };
    let syncs = world.table.list_pending_syncs(&all).await.unwrap().items;
    let [sync] = syncs.as_slice() else { panic!("{syncs:?}") };
    assert_eq!((&sync.sale_id, &sync.invoice_number), (&sale.id, &sale.invoice.number));
    // After the next reading there is still one.
    world.next_hour().await;
    assert_eq!(world.table.list_pending_syncs(&all).await.unwrap().items.len(), 1);
    world.table.acknowledge_sync(&sync.id, world.clock.now()).await.unwrap().unwrap();
    assert!(world.table.list_pending_syncs(&all).await.unwrap().items.is_empty());
}

async fn stock(world: &World, id: &str, sku: &str, change: impl FnOnce(&mut Product)) {
    let mut product = Product::new(id, sku, format!("Our {id}"), world.clock.now());
    change(&mut product);
    let outcome = world.table.put_product(&product, None).await.unwrap();
    assert_eq!(outcome, stevedore_aws::RecordOutcome::Written(1), "{id}");
}

/// S41: the setting's revenue account takes precedence over the product's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s41_the_revenue_account_of_the_settings_wins() {
    let world = World::new(Options::default()).await;
    stock(&world, "p1", "SKU-1", |product| product.revenue_account = Some("own".into())).await;
    let first = world.sandbox.upsert_order(plain("1"));
    world.download().await;
    assert_eq!(world.sale(first).await.lines[0].account, Some("own".into()));
    world.settings(|settings| settings.revenue_account = Some(REVENUE.into())).await;
    let second = world.sandbox.upsert_order(plain("2"));
    world.next_hour().await;
    assert_eq!(world.sale(second).await.lines[0].account, Some(REVENUE.into()));
}

/// S43: the store's name in ShipStation becomes the sales representative.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s43_the_stores_name_is_the_sales_representative() {
    let (_, sale) = booked(plain("1").from_store(WEB_SHOP, None), |settings| settings.store_name_as_sales_rep = true).await;
    assert_eq!(sale.sales_representative.as_deref(), Some("Harbor & Pine Web Shop"));
    assert_eq!(sale.source.order().unwrap().store_name.as_deref(), Some("Harbor & Pine Web Shop"));
    let (_, sale) = booked(plain("1").from_store(WEB_SHOP, None), |_| {}).await;
    assert_eq!(sale.sales_representative, None);
}

/// S43: also for orders that a person loads before the first tick, and for a new store; the stores
/// are requested once for a run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s43_new_stores_are_named_before_their_orders_are_booked() {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.store_name_as_sales_rep = true).await;
    let loaded = world.sandbox.upsert_order(plain("1").from_store(WEB_SHOP, None));
    world.load_number("1").await;
    assert_eq!(world.sale(loaded).await.sales_representative.as_deref(), Some("Harbor & Pine Web Shop"));
    // As if only one store had existed when the names were read.
    let (mut names, read_at) = world.table.store_names().await.unwrap().unwrap();
    names.retain(|store, _| store.0 == u64::try_from(WEB_SHOP).unwrap());
    world.table.put_store_names(names, read_at).await.unwrap();
    world.clock.advance(jiff::SignedDuration::from_mins(1));
    let new = world.sandbox.upsert_order(plain("2").from_store(stevedore_sandbox::AUCTIONS, None));
    let unknown = world.sandbox.upsert_order(plain("3").from_store(999, None));
    world.next_hour().await;
    assert_eq!(world.sale(new).await.sales_representative.as_deref(), Some("harborpine_auctions"));
    assert_eq!(world.sale(unknown).await.sales_representative, None);
    assert_eq!(world.sandbox.requests_to("/stores"), 2);
    // Without a new store, no request is made.
    world.next_hour().await;
    assert_eq!(world.sandbox.requests_to("/stores"), 2);
}

/// S63: the mapped warehouse's location, else the default, with the reason on the sale.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s63_warehouses_are_mapped_to_locations() {
    let world = World::new(Options::default()).await;
    let newark = Location {
        id: "newark".into(),
        name: "Newark".into(),
        address: Address::default(),
        priority: 0,
        active: true,
        created_at: world.clock.now(),
    };
    world.table.put_record(&newark, None).await.unwrap();
    world.settings(|settings| settings.location_map.warehouses = [(WarehouseId(620_202), "newark".into())].into()).await;
    let mut sales = Vec::new();
    for (number, warehouse) in [("mapped", Some(620_202)), ("other", Some(620_203)), ("none", None)] {
        let id = world.sandbox.upsert_order(plain(number).from_store(WEB_SHOP, warehouse));
        sales.push((id, warehouse));
    }
    world.download().await;
    for ((id, warehouse), location) in sales.into_iter().zip(["newark", LOCATION, LOCATION]) {
        let sale = world.sale(id).await;
        assert_eq!(sale.location_id.as_str(), location);
        assert!(sale.lines.iter().all(|line| line.location_id.as_str() == location));
        if let Some(warehouse) = warehouse {
            assert!(sale.location_reason.contains(&warehouse.to_string()), "{}", sale.location_reason);
        }
    }
}

/// S119, S123, S125, S126: a line's product by link, SKU as written, SKU without case and blanks if
/// only one has it, alias, else a service line that keeps everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s123_lines_find_their_products_and_are_never_lost() {
    let world = World::new(Options::default()).await;
    stock(&world, "linked", "UNRELATED", |product| product.shipstation_product_id = Some(stevedore_domain::ids::ShipstationProductId(77)))
        .await;
    stock(&world, "exact", "Mug-Blue", |_| {}).await;
    stock(&world, "shouted", "MUG-BLUE", |_| {}).await;
    stock(&world, "folded", "cup-red", |_| {}).await;
    stock(&world, "aliased", "BOWL", |product| product.aliases = vec!["dish".to_owned()]).await;
    let skus = ["Mug-Blue", "MUG-BLUE", " CUP-RED ", "Dish", "mug-blue", "UNKNOWN-9"];
    let mut draft = Draft::new("1").tax(dec("0.77"));
    for sku in skus {
        draft = draft.line(sku, 2, dec("1.0005"));
    }
    let order = with(&draft.line("Mug-Blue", 0, dec("3")), |order| {
        item(order, 0).set("productId", 77);
        order.set("orderTotal", dec("12.78"));
    });
    let id = world.sandbox.upsert_order(order);
    world.download().await;
    let sale = world.sale(id).await;
    let found: Vec<_> = sale.lines.iter().map(|line| line.product_id.as_ref().map(ProductId::as_str)).collect();
    assert_eq!(found, [Some("linked"), Some("shouted"), Some("folded"), Some("aliased"), None, None, Some("exact")]);
    let service: Vec<_> = sale.lines.iter().map(|line| line.service).collect();
    assert_eq!(service, [false, false, false, false, true, true, false]);
    assert_eq!((sale.total.0, sale.tax.0), (1278, 77));
    let unknown = &sale.lines[5];
    assert_eq!((unknown.sku.as_deref(), unknown.name.as_str(), unknown.quantity), (Some("UNKNOWN-9"), "Article UNKNOWN-9", 2));
    assert_eq!(unknown.unit_price, dec("1.0005"));
    assert_eq!((sale.lines[6].quantity, sale.lines[6].total.0), (0, 0));
    let reasons: Vec<_> = sale.warnings.iter().map(|warning| warning.reason).collect();
    assert_eq!(reasons, [Reason::ServiceLine, Reason::AmbiguousSku]);
}

/// P3: a difference in ShipStation's own numbers is one visible charge, the total is equal, and the
/// log has a warning.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_that_do_not_add_up_are_adjusted_visibly() {
    let (world, sale) = booked(with(&plain("1"), |order| order.set("orderTotal", dec("8.50"))), |_| {}).await;
    assert_eq!(sale.total.0, 850);
    let adjustment = sale.charges.iter().find(|charge| charge.name == "Adjustment").unwrap();
    assert_eq!((adjustment.amount.0, adjustment.tax.0), (-150, 0));
    let entry = world.log().await.remove(0).entry;
    let warning = entry.warnings.iter().find(|warning| warning.reason == Reason::TotalAdjusted).unwrap();
    assert!(warning.message.contains("-1.50"), "{}", warning.message);
}

/// Orders that a marketplace's warehouse ships are booked and marked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn externally_fulfilled_orders_are_marked() {
    let (world, sale) = booked(with(&plain("1"), |order| order.set("externallyFulfilled", true)), |_| {}).await;
    assert!(sale.warnings.iter().any(|warning| warning.reason == Reason::ExternallyFulfilled));
    assert!(world.log().await[0].entry.warnings.iter().any(|warning| warning.reason == Reason::ExternallyFulfilled));
}

/// Unusual numbers are exact, including ids above 2^53. A number that cannot be exact gives a
/// `failed` record that quotes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_numbers_are_exact_or_refused() {
    let number = |text: &str| Json::Number(text.to_owned());
    let world = World::new(Options::default()).await;
    let large = 9_007_199_254_740_993_i64;
    let odd = world.sandbox.upsert_order(with(&plain("odd").id(large), |order| {
        item(order, 0).set("unitPrice", number("1e2"));
        item(order, 0).set("orderItemId", large + 2);
        order.set("taxAmount", number("19.990"));
        order.set("orderTotal", number("1.1999E2"));
        member(order, "advancedOptions").set("customField1", "unread");
    }));
    let huge = world.sandbox.upsert_order(with(&plain("huge"), |order| {
        item(order, 0).set("unitPrice", number("1000000000000"));
        order.set("orderTotal", number("1000000000000.00"));
    }));
    let negative = world.sandbox.upsert_order(with(&plain("negative").adjustment("Courtesy", dec("-30")), |_| {}));
    let inexact = world.sandbox.upsert_order(with(&plain("inexact"), |order| order.set("orderTotal", number("10.005"))));
    let beyond = world.sandbox.upsert_order(with(&plain("beyond"), |order| order.set("orderTotal", number("1e15"))));
    let operation = world.download().await;
    assert_eq!(world.sale(odd).await.total.0, 11_999);
    assert_eq!(world.table.log_entry(OrderId(9_007_199_254_740_993)).await.unwrap().unwrap().entry.state, LogState::Booked);
    assert_eq!(world.sale(huge).await.total.0, 100_000_000_000_000);
    assert_eq!(world.sale(negative).await.total.0, -2000);
    for (order, reason, quoted) in [(inexact, Reason::AmountNotExact, "10.005"), (beyond, Reason::AmountTooLarge, "1000000000000000")] {
        let row = world.row(&operation, order).await;
        assert_eq!((row.outcome, row.reason), (Some(stevedore_domain::log::Outcome::Failed), Some(reason)));
        assert!(row.message.as_deref().unwrap().contains(quoted), "{row:?}");
        let entry = world.logged(order).await.unwrap();
        assert_eq!((entry.state, entry.reason, entry.message.as_deref()), (LogState::Failed, Some(reason), row.message.as_deref()));
    }
    crate::flow::accounted(&world, &operation).await;
}
