//! Recorded replies of ShipStation, where the tester has some.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::value::RawValue;
use stevedore_domain::money::decimal;
use stevedore_shipstation::parse_order;

/// The texts of the orders in a JSON text, as they stand.
fn orders_in(raw: &RawValue, found: &mut Vec<String>) {
    if let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(raw.get()) {
        if members.contains_key("orderTotal") && members.contains_key("orderNumber") {
            found.push(raw.get().to_owned());
        } else {
            for value in members.values() {
                orders_in(value, found);
            }
        }
    } else if let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) {
        for value in list {
            orders_in(value, found);
        }
    }
}

/// Every order in a folder of replies that an environment variable names is read.
#[test]
#[allow(clippy::disallowed_methods, reason = "the folder is the tester's own")]
fn every_order_of_a_folder_of_samples_is_read() {
    let Some(folder) = std::env::var_os("STEVEDORE_SAMPLES").map(PathBuf::from) else {
        eprintln!("skipped: STEVEDORE_SAMPLES names no folder");
        return;
    };
    let files = std::fs::read_dir(&folder).unwrap();
    let mut count = 0;
    for file in files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|extension| extension == "json")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let Ok(value) = serde_json::from_str::<&RawValue>(&text) else { continue };
        let mut orders = Vec::new();
        orders_in(value, &mut orders);
        for raw in orders {
            let parsed = parse_order(&raw, None).unwrap_or_else(|malformed| panic!("{}: {malformed}", file.display()));
            // Read once more by other means: the texts of some members.
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(&raw).unwrap();
            assert_eq!(Some(parsed.order.total), decimal(members["orderTotal"].get()));
            assert_eq!(members["orderId"].get(), parsed.order.id.to_string());
            let items: Option<Vec<BTreeMap<String, &RawValue>>> =
                members.get("items").and_then(|items| serde_json::from_str(items.get()).unwrap());
            let prices: Vec<_> =
                items.unwrap_or_default().iter().map(|item| decimal(item["unitPrice"].get()).unwrap_or_default()).collect();
            assert_eq!(prices, parsed.order.items.iter().map(|item| item.unit_price).collect::<Vec<_>>());
            count += 1;
        }
    }
    assert!(count >= 15, "only {count} orders found");
}
