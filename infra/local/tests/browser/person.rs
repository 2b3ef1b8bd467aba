//! Actions of a merchant in the panel.

use api::Grade;
use serde_json::{Value, json};

use crate::World;
use crate::chromium::Browser;

fn make(browser: &mut Browser, kind: &str, fields: &[(&str, &str)], label: &str) {
    browser.go(&format!("/{kind}/new"));
    for (name, value) in fields {
        browser.write(name, value);
    }
    browser.click(label);
    browser
        .until(&format!("the new record of {kind}"), &format!("location.hash.startsWith('#/{kind}/') && !location.hash.endsWith('/new')"));
}

/// Saves the form, and waits until the form confirms it.
fn save(browser: &mut Browser) {
    browser.click("Save");
    browser.until("what the form says", "document.querySelector('.savebar span')?.innerText.startsWith('Saved')");
}

/// From an empty system to a sale, its void, and a new one.
#[expect(clippy::too_many_lines, reason = "one visit from the first page to a sale")]
pub(crate) fn from_nothing_to_a_sale(world: &mut World) {
    let token = world.stack.token().to_owned();
    world.enter(&token);
    let browser = &mut world.browser;
    // The token is removed from the address at once, so that no history keeps it.
    assert_eq!(browser.eval("location.href.includes('token')"), false);
    browser.says("Welcome to Stevedore");

    // S15: connecting, with a mistake first.
    browser.go("/setup");
    browser.write("API key", "no-such-key");
    browser.write("API secret", "no-such-secret");
    browser.click("Connect ShipStation as a store");
    browser.until("a clear error", "document.querySelector('form [role=alert]').innerText.length > 20");
    // A refused call is an error in the browser's console, which is expected here.
    browser.complaints.retain(|complaint| !complaint.contains("/v1/connection"));
    browser.write("API key", "sandbox-key");
    browser.write("API secret", "sandbox-secret");
    browser.click("Connect ShipStation as a store");
    browser.says("…-key");
    browser.says("2 things are left to do");

    make(
        browser,
        "locations",
        &[("Name", "Reno warehouse"), ("City", "Reno"), ("State", "NV"), ("Postal code", "89501"), ("Country, two letters", "US")],
        "Make the location",
    );
    make(browser, "accounts", &[("Name", "Sales"), ("Kind", "revenue")], "Make the account");
    make(browser, "accounts", &[("Name", "Bank"), ("Kind", "asset"), ("Payments may go to it", "yes")], "Make the account");
    make(browser, "tax_rules", &[("Name", "Sales tax")], "Make the tax rule");
    make(browser, "customers", &[("Name", "<img src=x onerror=alert(1)>"), ("E-mail", "guest@example.com")], "Make the customer");
    // What looks like markup is text.
    browser.go("/customers");
    browser.says("<img src=x onerror=alert(1)>");
    assert_eq!(browser.eval("document.querySelectorAll('main img').length"), 0);

    // S24: the time of the day's sale appears only with daily consolidation.
    browser.go("/setup/orders");
    assert!(!browser.sees("At"));
    browser.write("Gather orders", "daily");
    assert!(browser.sees("At"));
    browser.write("Gather orders", "none");
    assert!(!browser.sees("At"));
    // The API's fault is shown at its field.
    browser.write("Minutes between downloads", "1");
    browser.write("Time zone", "America/New_York");
    browser.click("Save");
    browser.until(
        "the fault at its field",
        &format!("{}.getAttribute('aria-invalid') === 'true'", Browser::field("Minutes between downloads")),
    );
    assert!(browser.eval("document.activeElement.getAttribute('aria-invalid')") == "true");
    browser.complaints.retain(|complaint| !complaint.contains("/v1/settings"));
    browser.write("Minutes between downloads", "60");
    browser.write("Customer for orders that name nobody", "<img src=x onerror=alert(1)>");
    save(browser);

    // S38: restocks can be ignored only with pick, pack and ship.
    browser.go("/setup/booking");
    assert!(!browser.sees("Ignore restocks of what was never shipped"));
    browser.write("Do by itself", "pick_pack_ship");
    assert!(browser.sees("Ignore restocks of what was never shipped"));
    browser.write("Do by itself", "none");
    browser.write("Revenue account", "Sales");
    save(browser);

    // S48, S52: creation needs matching by SKU; the master setting needs its warning to be
    // acknowledged.
    browser.go("/setup/products");
    assert!(browser.sees("Create products that are missing"));
    browser.write("Match products", "manual");
    assert!(!browser.sees("Create products that are missing"));
    browser.write("Match products", "by_sku");
    assert!(!browser.sees("I understand that this can damage product data here"));
    browser.write("ShipStation is master of product data", "yes");
    assert!(browser.sees("I understand that this can damage product data here"));
    browser.click("Save");
    browser.until("the API's refusal", "document.querySelector('form .fault:not([hidden]), form [role=alert] .note')");
    browser.complaints.retain(|complaint| !complaint.contains("/v1/settings"));
    browser.write("I understand that this can damage product data here", "yes");
    save(browser);

    browser.go("/setup/locations");
    browser.write("Default location", "Reno warehouse");
    browser.write("Choose the nearest location", "yes");
    save(browser);
    browser.go("/setup/payments");
    browser.write("Account that receives payments", "Bank");
    save(browser);
    browser.go("/setup/taxes");
    browser.write("Default rule", "Sales tax");
    save(browser);
    browser.go("/setup/changes");
    browser.says("tax, default rule");

    // S114, S153: orders are loaded, and the load is observed.
    browser.go("/operations");
    browser.click("Load orders…");
    let since = jiff::Zoned::now().date().saturating_sub(jiff::ToSpan::days(20)).to_string();
    browser.write("Since", &since);
    browser.click("Load");
    browser.until("the operation's page", "location.hash.startsWith('#/operations/2')");
    browser.until("its end", "document.querySelector('main .facts')?.innerText.includes('Completed')");
    browser.says("captured");

    // S147, S148: from the sale to its order's entry and back.
    browser.go("/sales");
    browser.until("a sale", "document.querySelectorAll('main tbody tr').length > 10");
    browser.eval("(document.querySelector('main tbody th a').click(), true)");
    browser.until("the sale", "document.querySelector('main h1')?.innerText.startsWith('Sale ')");
    for tab in ["Invoice", "Pick", "Pack", "Ship", "Payments", "Assemblies", "Purchases", "Restocks", "Order"] {
        browser.click(tab);
        browser.until(tab, &format!("document.querySelector('[role=tab][aria-selected=true]').innerText === '{tab}'"));
    }
    browser.click("Log entry");
    browser.says("Timeline");
    browser.until("the sale's link", "[...document.querySelectorAll('main a')].some((one) => one.innerText === 'Open the sale')");
    void_and_re_create(world);
    adjust_by_sku(world);

    // N29: the author of each act.
    let browser = &mut world.browser;
    browser.go("/history");
    for act in ["Changed settings", "Connected ShipStation", "Started an operation"] {
        browser.says(act);
    }
    // S13: signed out, or with an invalid token, no access is possible.
    browser.click("Sign out");
    browser.write("Token", "not-the-token-at-all");
    browser.click("Sign in");
    browser.says("The token is not accepted");
    browser.complaints.retain(|complaint| !complaint.contains("/v1/me"));
}

/// S106: corrects a level by the SKU, and finds level and product by it.
fn adjust_by_sku(world: &mut World) {
    let api = world.stack.api();
    world.runtime.block_on(api.post("/v1/products", &json!({"sku": "SHELF-9", "name": "A mug", "aliases": ["OLD-9"]}))).unwrap();
    world.runtime.block_on(api.post("/v1/products", &json!({"sku": "SHELF-10", "name": "A jug"}))).unwrap();
    let browser = &mut world.browser;
    browser.go("/stock");
    browser.click("Adjust stock…");
    browser.until("the dialog", "document.querySelector('dialog[open]')");
    browser.write("SKU", "old-9");
    browser.write("Location", "Reno warehouse");
    browser.write("Quantity", "12");
    browser.click("Adjust");
    browser.says("The stock is adjusted.");
    browser.write("SKU", "shelf-9");
    browser.click("Show");
    let one_row = |text: &str| {
        format!(
            "document.querySelectorAll('main tbody tr').length === 1 && document.querySelector('main tbody').innerText.includes({text:?})"
        )
    };
    browser.until("the level", &one_row("12"));
    browser.go("/products");
    browser.write("SKU or alias", "OLD-9");
    browser.click("Show");
    browser.until("the product", &one_row("A mug"));
    browser.write("SKU or alias", "nothing");
    browser.click("Show");
    browser.says("No product is found");
}

/// Voids a sale and books its order again.
fn void_and_re_create(world: &mut World) {
    let api = world.stack.api();
    let sales = world.runtime.block_on(api.get("/v1/sales?limit=1")).unwrap();
    let sale = sales.body["items"][0].clone();
    let (id, order) = (sale["id"].as_str().unwrap().to_owned(), sale["source"]["order_id"].as_u64().unwrap());
    let shown = |world: &World, path: &str| -> Value { world.runtime.block_on(api.get(path)).unwrap().body };
    world.browser.go(&format!("/sales/{id}"));
    world.browser.click("Void…");
    world.browser.until("the dialog", "document.querySelector('dialog[open]')?.contains(document.activeElement)");
    world.browser.press("Escape");
    world.browser.until("no dialog", "!document.querySelector('dialog')");
    world.browser.click("Void…");
    world.browser.click("Void the sale");
    world.browser.says("This sale is voided.");
    assert!(shown(world, &format!("/v1/sales/{id}"))["voided_at"].is_string());
    world.browser.go(&format!("/log/{order}"));
    world.browser.click("Re-create…");
    world.browser.click("Void and re-create");
    let path = format!("/v1/log/{order}");
    let started = std::time::Instant::now();
    loop {
        let entry = shown(world, &path);
        let live = entry["sale_id"].as_str().map(|id| shown(world, &format!("/v1/sales/{id}")));
        if entry["state"] == json!("booked")
            && live.is_some_and(|sale| sale["voided_at"].is_null() && sale["total"] == entry["order_total"])
        {
            break;
        }
        assert!(started.elapsed().as_secs() < 90, "the order was not booked anew: {entry}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// N29: a reader is offered no change, and an operator no configuration.
pub(crate) fn grades(world: &mut World) {
    let offered = "[...document.querySelectorAll('main button, main a.button')].map((one) => one.innerText)";
    for (grade, operations, setup) in [(Grade::Read, false, false), (Grade::Operate, true, false), (Grade::Configure, true, true)] {
        let token = world.stack.token_of(grade).to_owned();
        world.browser.open("about:blank");
        world.enter(&token);
        let browser = &mut world.browser;
        browser.go("/operations");
        assert_eq!(browser.eval(&format!("{offered}.includes('Load orders…')")), operations, "{grade:?}");
        browser.go("/setup/taxes");
        assert_eq!(browser.eval(&format!("{offered}.includes('Save')")), setup, "{grade:?}");
        assert_eq!(browser.eval("document.querySelector('main fieldset').disabled"), !setup, "{grade:?}");
        browser.go("/products");
        assert_eq!(browser.eval(&format!("{offered}.includes('New product')")), setup, "{grade:?}");
    }
}
