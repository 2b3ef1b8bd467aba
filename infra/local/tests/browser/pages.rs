//! Every page: that it shows itself with three calls at most, fits a phone, can be gone through by
//! keyboard, and how it looks.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use stevedore_sandbox::Draft;

use crate::World;

/// Pages by name and address.
fn pages(world: &World) -> Vec<(String, String)> {
    let api = world.stack.api();
    let first = |path: &str, member: &str| -> String {
        let reply = world.runtime.block_on(api.get(path)).unwrap();
        let value = &reply.body["items"][0][member];
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    };
    let mut pages: Vec<(String, String)> = [
        ("home", "/"),
        ("sales", "/sales"),
        ("pending", "/pending"),
        ("log", "/log"),
        ("operations", "/operations"),
        ("stock", "/stock"),
        ("products", "/products"),
        ("customers", "/customers"),
        ("locations", "/locations"),
        ("accounts", "/accounts"),
        ("tax-rules", "/tax_rules"),
        ("price-tiers", "/price_tiers"),
        ("syncs", "/syncs"),
        ("dead-letters", "/dead-letters"),
        ("activity", "/history"),
        ("setup", "/setup"),
        ("new-product", "/products/new"),
    ]
    .map(|(name, path)| (name.to_owned(), path.to_owned()))
    .to_vec();
    for section in ["orders", "booking", "locations", "taxes", "payments", "products", "changes"] {
        pages.push((format!("setup-{section}"), format!("/setup/{section}")));
    }
    for (name, list, page, member) in [
        ("sale", "/v1/sales?limit=1", "/sales", "id"),
        ("entry", "/v1/log?limit=1", "/log", "order_id"),
        ("operation", "/v1/operations?limit=1", "/operations", "id"),
        ("customer", "/v1/customers?limit=1", "/customers", "id"),
        ("location", "/v1/locations?limit=1", "/locations", "id"),
        ("tax-rule", "/v1/tax_rules?limit=1", "/tax_rules", "id"),
    ] {
        pages.push((name.to_owned(), format!("{page}/{}", first(list, member))));
    }
    pages
}

/// The pages whose pictures are kept in the documentation; `UPDATE_PICTURES=1` takes them again.
const KEPT: &[&str] = &["home", "sale", "pending", "log", "operation", "setup-locations", "stock"];

fn keep(folder: &Path, name: &str, picture: &str) -> usize {
    let bytes = STANDARD.decode(picture).unwrap();
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join(name), &bytes).unwrap();
    bytes.len()
}

/// Records of the past: sales, a blocked order, a dead letter, stock.
fn fill(world: &World) {
    let api = world.stack.api();
    let run = |future| world.runtime.block_on(future);
    let since = jiff::Zoned::now().date().saturating_sub(jiff::ToSpan::days(30)).to_string();
    run(async {
        // Orders without a buyer are blocked without a customer of the settings.
        let settings = api.get("/v1/settings").await.unwrap();
        let mut document = settings.body.clone();
        document["customer_id"] = Value::Null;
        let written = api.put("/v1/settings", &document, settings.etag().unwrap()).await.unwrap();
        assert!(written.is_success(), "{}", written.body);
        api.post("/v1/operations", &json!({"kind": "load_orders", "from": since})).await.unwrap();
        api.post("/v1/tax_rules/places_of_business", &json!({"zip": "89501"})).await.unwrap();
        world.stack.wait_until_idle(Duration::from_mins(2)).await.unwrap();
        let settings = api.get("/v1/settings").await.unwrap();
        let mut document: Value = settings.body.clone();
        document["invoice_status"] = json!("authorised");
        document["pick_pack_ship"] = json!("pick");
        let written = api.put("/v1/settings", &document, settings.etag().unwrap()).await.unwrap();
        assert!(written.is_success(), "{}", written.body);
        let products = api.get("/v1/products?limit=3").await.unwrap().body["items"].as_array().cloned().unwrap_or_default();
        let locations = api.get("/v1/locations?limit=3").await.unwrap().body["items"].as_array().cloned().unwrap_or_default();
        for (product, location) in products.iter().zip(locations.iter().cycle()) {
            let body = json!({"product_id": product["id"], "location_id": location["id"], "quantity": 40, "reason": "counted"});
            api.post("/v1/stock/adjustments", &body).await.unwrap();
        }
        world.stack.tick().await.unwrap();
        world.stack.wait_until_idle(Duration::from_mins(2)).await.unwrap();
    });
}

pub(crate) fn every_page(world: &mut World) {
    fill(world);
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let pictures = root.join("target/browser");
    let update = std::env::var_os("UPDATE_PICTURES").is_some();
    let pages = pages(world);
    world.browser.look(1280, 860, false);
    let token = world.stack.token().to_owned();
    world.enter(&token);
    for (look, width, height, dark) in [
        ("wide-light", 1280, 860, false),
        ("wide-dark", 1280, 860, true),
        ("narrow-light", 390, 844, false),
        ("narrow-dark", 390, 844, true),
    ] {
        world.browser.look(width, height, dark);
        for (name, path) in &pages {
            let browser = &mut world.browser;
            browser.go(path);
            let calls = browser.calls();
            assert!((1..=3).contains(&calls.len()) || path.ends_with("/new"), "{name} took {calls:?}");
            let shown = browser.eval("document.querySelector('main').innerText").as_str().unwrap().to_owned();
            assert!(!shown.contains("could not be shown") && !shown.contains("undefined") && !shown.contains("[object"), "{name}: {shown}");
            assert_eq!(browser.eval("document.documentElement.scrollWidth <= innerWidth"), true, "{name} is wider than {look}");
            // Every control has a name.
            let nameless = browser.eval(
                "[...document.querySelectorAll('main input, main select, main textarea, main button')].filter((one) => !one.labels?.length && !one.innerText \
                 && !one.getAttribute('aria-label')).map((one) => one.outerHTML)",
            );
            assert_eq!(nameless, json!([]), "{name}");
            let picture = browser.picture("png");
            keep(&pictures, &format!("{name}-{look}.png"), &picture);
            if update && KEPT.contains(&name.as_str()) && matches!(look, "wide-light" | "narrow-dark") {
                let small = browser.picture("webp");
                let weight = keep(&root.join("docs/panel"), &format!("{name}-{look}.webp"), &small);
                assert!(weight <= 60 * 1024, "{name}-{look}.webp weighs {weight} bytes");
            }
        }
    }
    world.browser.look(1280, 860, false);
    what_pages_say(world);
    by_keyboard(world);
    a_days_sale(world);
}

/// N5: a day's sale shows its orders, and each of them the sale.
fn a_days_sale(world: &mut World) {
    let sandbox = world.stack.sandbox().unwrap();
    for number in 1..=3 {
        sandbox.upsert_order(Draft::new(format!("DAY-{number}")).line("MUG-1001", number, number.into()));
    }
    let api = world.stack.api();
    world.runtime.block_on(async {
        let settings = api.get("/v1/settings").await.unwrap();
        let mut document: Value = settings.body.clone();
        document["consolidation"] = json!("daily");
        document["consolidation_time"] = json!("00:30");
        let written = api.put("/v1/settings", &document, settings.etag().unwrap()).await.unwrap();
        assert!(written.is_success(), "{}", written.body);
        // The next download is due in an hour.
        world.later(2);
        world.stack.tick().await.unwrap();
        world.stack.wait_until_idle(Duration::from_mins(2)).await.unwrap();
        world.later(26);
        let asked = api.post("/v1/operations", &json!({"kind": "consolidate"})).await.unwrap();
        assert!(asked.is_success(), "{}", asked.body);
        world.stack.wait_until_idle(Duration::from_mins(2)).await.unwrap();
    });
    let sales = world.runtime.block_on(api.get("/v1/sales?limit=1")).unwrap().body;
    let sale = sales["items"][0]["id"].as_str().unwrap().to_owned();
    assert!(sale.starts_with("DAY-"), "{sales}");
    let browser = &mut world.browser;
    browser.look(1280, 860, false);
    browser.go(&format!("/sales/{sale}"));
    browser.eval("([...document.querySelectorAll('main [role=tab]')].find((one) => one.innerText === 'Orders').click(), true)");
    browser.until("its orders", "document.querySelector('main [role=tabpanel]:not([hidden])')?.innerText.includes('DAY-2')");
    let picture = browser.picture("png");
    keep(&PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/browser")), "day-sale-wide-light.png", &picture);
    browser.eval("([...document.querySelectorAll('main [role=tabpanel] a')].find((one) => one.innerText === 'DAY-2').click(), true)");
    browser.until("the order's entry", "location.hash.startsWith('#/log/')");
    browser.says(&sale);
}

/// The rows of each page, in its own texts.
fn what_pages_say(world: &mut World) {
    let api = world.stack.api();
    let read = |path: &str| world.runtime.block_on(api.get(path)).unwrap().body;
    let entry = read("/v1/log?limit=1&state=booked")["items"][0].clone();
    let blocked = read("/v1/pending-orders?limit=1&state=blocked")["items"][0].clone();
    let run = read("/v1/operations?limit=1")["items"][0].clone();
    let browser = &mut world.browser;
    // N19: requests used, of forty; and the warnings that want attention.
    browser.go("/");
    browser.says(" of 40");
    browser.says("are blocked.");
    browser.says("Next download");
    // N20: the same reason as in the API, with advice.
    browser.go("/pending");
    browser.says(blocked["message"].as_str().unwrap());
    // S147, S148, N23: the entry names its sale and has its timeline; the sale names its order.
    browser.go(&format!("/log/{}", entry["order_id"]));
    browser.says(entry["timeline"][0]["what"].as_str().unwrap());
    browser.says(entry["sale_id"].as_str().unwrap());
    browser.click("Open the sale");
    browser.until("the sale's page", &format!("location.hash === '#/sales/{}'", entry["sale_id"].as_str().unwrap()));
    browser.until("the order's number", &format!("document.querySelector('main a[href=\"#/log/{}\"]')", entry["order_id"]));
    // S153: the run, its author, and every order that was not plainly captured.
    browser.go(&format!("/operations/{}", run["id"].as_str().unwrap()));
    let row = read(&format!("/v1/operations/{}/rows?limit=1", run["id"].as_str().unwrap()))["items"][0].clone();
    browser.says(row["message"].as_str().unwrap());
    // S107: one, and then all, by hand. A customer makes their booking possible.
    let customer = read("/v1/customers?limit=1")["items"][0]["name"].as_str().unwrap().to_owned();
    let count = |state: &str| read(&format!("/v1/pending-orders?limit=200&state={state}"))["items"].as_array().unwrap().len();
    let before = count("blocked");
    assert!(before > 0);
    browser.go("/pending");
    browser.click("Process");
    browser.until("the operation", "location.hash.startsWith('#/operations/')");
    browser.go("/setup/orders");
    browser.write("Customer for orders that name nobody", &customer);
    browser.click("Save");
    browser.until("what the form says", "document.querySelector('.savebar span')?.innerText.startsWith('Saved')");
    browser.go("/pending");
    world.runtime.block_on(world.stack.wait_until_idle(Duration::from_mins(2))).unwrap();
    world.browser.go("/pending");
    world.browser.click("Process all");
    world.browser.until("the operation", "location.hash.startsWith('#/operations/')");
    world.runtime.block_on(world.stack.wait_until_idle(Duration::from_mins(2))).unwrap();
    assert_eq!(count("blocked"), 0);
}

fn by_keyboard(world: &mut World) {
    let browser = &mut world.browser;
    browser.look(1280, 860, false);
    browser.go("/");
    browser.eval("(document.activeElement.blur(), window.getSelection().removeAllRanges(), true)");
    browser.press("Tab");
    browser.until("focus somewhere", "document.activeElement !== document.body");
    browser.eval("(document.getElementById('skip').focus(), true)");
    assert_eq!(browser.eval("getComputedStyle(document.activeElement).outlineStyle"), "solid");
    browser.press("Enter");
    browser.until("the content's focus", "document.activeElement.id === 'content'");
    browser.press("Tab");
    browser.until(
        "focus inside the content",
        "document.getElementById('content').contains(document.activeElement) && document.activeElement.id !== 'content'",
    );
    // Tabs by arrow keys; a dialog holds the focus and returns it.
    browser.go("/sales");
    browser.eval("(document.querySelector('main tbody th a').click(), true)");
    browser.until("the sale", "document.querySelector('main [role=tab]')");
    browser.eval("(document.querySelector('[role=tab]').focus(), true)");
    browser.press("ArrowRight");
    browser.until(
        "the next tab",
        "document.activeElement.innerText === 'Invoice' && document.activeElement.getAttribute('aria-selected') === 'true'",
    );
    browser.go("/operations");
    browser.eval("([...document.querySelectorAll('main button')].find((one) => one.innerText === 'Load orders…').focus(), true)");
    browser.press("Enter");
    browser.until("the dialog", "document.querySelector('dialog[open]')?.contains(document.activeElement)");
    for _ in 0..6 {
        browser.press("Tab");
        assert_eq!(
            browser.eval(
                "document.querySelector('dialog[open]').contains(document.activeElement) || document.activeElement === document.body"
            ),
            true
        );
    }
    browser.press("Escape");
    browser.until("the focus back", "document.activeElement.innerText === 'Load orders…'");
    // At a narrow width the menu opens.
    browser.look(390, 844, false);
    browser.click("Menu");
    browser.until("the menu", "document.querySelector('nav a[href=\"#/sales\"]').getClientRects().length > 0");
}
