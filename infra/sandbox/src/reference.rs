//! The records around the orders: stores, warehouses and tags. They are invented; the cities,
//! states and ZIP codes of addresses belong together.

use crate::address::Address;
use crate::json::{Json, obj};

/// Store of the web shop.
pub const WEB_SHOP: i64 = 310_101;
/// Store of the marketplace.
pub const MARKETPLACE: i64 = 310_102;
/// Store of wholesale orders.
pub const WHOLESALE: i64 = 310_103;
/// Store of the shop counter.
pub const COUNTER: i64 = 310_104;
/// Store of the auction site.
pub const AUCTIONS: i64 = 310_105;
/// The warehouse that ShipStation marks as default.
pub const DEFAULT_WAREHOUSE: i64 = 620_201;

/// The warehouses' ids, the default first.
pub(crate) const WAREHOUSES: [i64; 4] = [DEFAULT_WAREHOUSE, 620_202, 620_203, 620_204];
/// The tags' ids.
pub(crate) const TAGS: [i64; 4] = [71_001, 71_002, 71_003, 71_004];
/// Time at which the account was opened: Pacific wall time.
const OPENED: &str = "2022-03-14T09:26:53.59";

/// `GET /stores`: a bare array. Its ids are `from` larger than those in the orders.
pub(crate) fn stores(from: i64) -> Json {
    let rows = [
        (WEB_SHOP, "Harbor & Pine Web Shop", 36, "WooCommerce"),
        (MARKETPLACE, "Harbor & Pine Marketplace", 2, "Amazon"),
        (WHOLESALE, "Harbor & Pine Wholesale", 0, "ShipStation"),
        (COUNTER, "Harbor & Pine Counter", 0, "ShipStation"),
        (AUCTIONS, "harborpine_auctions", 4, "eBay"),
    ];
    Json::Array(
        rows.into_iter()
            .map(|(id, name, marketplace_id, marketplace)| {
                obj! {
                    "storeId" => id + from, "storeName" => name, "marketplaceId" => marketplace_id, "marketplaceName" => marketplace,
                    "accountName" => Json::Null, "email" => Json::Null, "integrationUrl" => Json::Null, "active" => true,
                    "companyName" => "", "phone" => Json::Null, "publicEmail" => Json::Null, "website" => Json::Null,
                    "refreshDate" => Json::Null, "lastRefreshAttempt" => Json::Null, "createDate" => OPENED,
                    "modifyDate" => OPENED, "autoRefresh" => marketplace_id != 0, "statusMappings" => Json::Null,
                }
            })
            .collect(),
    )
}

/// `GET /warehouses`: a bare array.
pub(crate) fn warehouses() -> Json {
    let [first, second, third, fourth] = WAREHOUSES;
    let rows = [
        (first, "Reno", "880 Switchback Road", "Reno", "NV", "89502"),
        (second, "Newark", "12 Ironbound Street", "Newark", "NJ", "07105"),
        (third, "Dallas", "4400 Cedar Spur", "Dallas", "TX", "75207"),
        (fourth, "Columbus", "95 Foundry Lane", "Columbus", "OH", "43215"),
    ];
    Json::Array(
        rows.into_iter()
            .map(|(id, name, street, city, state, postal_code)| {
                let address = Address {
                    name: Some(format!("{name} Warehouse")),
                    company: Some("Harbor & Pine".to_owned()),
                    street1: Some(street.to_owned()),
                    city: Some(city.to_owned()),
                    state: Some(state.to_owned()),
                    postal_code: Some(postal_code.to_owned()),
                    country: Some("US".to_owned()),
                    phone: Some("555-0100".to_owned()),
                    ..Address::default()
                };
                obj! {
                    "warehouseId" => id, "warehouseName" => name, "originAddress" => address.json(),
                    "returnAddress" => address.json(), "createDate" => format!("{OPENED}00000"),
                    "isDefault" => id == DEFAULT_WAREHOUSE, "sellerIntegrationId" => Json::Null,
                    "extInventoryIdentity" => Json::Null, "registerFedexMeter" => Json::Null,
                }
            })
            .collect(),
    )
}

/// `GET /accounts/listtags`: a bare array.
pub(crate) fn tags() -> Json {
    let [rush, fragile, wholesale, test] = TAGS;
    let rows = [(rush, "Rush", "#FF3300"), (fragile, "Fragile", "#3366FF"), (wholesale, "Wholesale", "#339933"), (test, "Test", "#999999")];
    Json::Array(rows.into_iter().map(|(id, name, color)| obj! { "tagId" => id, "name" => name, "color" => color }).collect())
}
