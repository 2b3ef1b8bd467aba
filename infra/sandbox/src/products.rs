//! The account's products: a small invented range for the generator, and the products that the
//! orders name.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::json::{Json, obj};
use crate::query::{BadParameter, Params, bad};
use crate::rng::Rng;

/// A ShipStation product. Prices are in the account's currency.
#[derive(Debug, Clone)]
pub(crate) struct Product {
    pub(crate) id: i64,
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) price: Decimal,
    pub(crate) weight_oz: Option<i64>,
    pub(crate) category: Option<(i64, &'static str)>,
    pub(crate) bin: Option<String>,
    /// Pacific wall time in the short form.
    pub(crate) created: String,
}

const KINDS: [(&str, &str, i64, i64); 12] = [
    ("LMP", "Lamp", 2490, 14900),
    ("MUG", "Mug", 595, 1995),
    ("CUS", "Cushion", 1250, 4500),
    ("CND", "Candle", 349, 2495),
    ("TOY", "Wooden Toy", 499, 3995),
    ("BAG", "Tote Bag", 895, 3495),
    ("CRD", "Greeting Card", 29, 495),
    ("HOK", "Wall Hook", 42, 1295),
    ("TIN", "Storage Tin", 165, 1695),
    ("CLK", "Clock", 1995, 24900),
    ("APR", "Apron", 1450, 3900),
    ("ORN", "Ornament", 85, 1250),
];
const ADJECTIVES: [&str; 18] = [
    "Coastal",
    "Alder",
    "Speckled",
    "Quiet",
    "Harvest",
    "Brass",
    "Fjord",
    "Marigold",
    "Slate",
    "Juniper",
    "Tidal",
    "Woven",
    "Copper",
    "Meadow",
    "Lantern",
    "Driftwood",
    "Saffron",
    "Midnight",
];

/// The range of generated orders: twelve kinds in enough styles for `products`. The price of a
/// style depends on the seed.
pub(crate) fn range(seed: u64, products: usize) -> Vec<Product> {
    let mut rng = Rng::new(seed, 11);
    let styles = products.div_ceil(KINDS.len());
    let mut products = Vec::new();
    for (kind, (code, noun, low, high)) in (0_i64..).zip(KINDS) {
        for (style, adjective) in (0_i64..).zip(ADJECTIVES.into_iter().cycle()).take(styles) {
            // Every product has a name of its own. From the second round of styles on, names have a
            // number.
            let round = usize::try_from(style).unwrap_or(0) / ADJECTIVES.len();
            let name = if round == 0 { format!("{adjective} {noun}") } else { format!("{adjective} {noun} No. {}", round + 1) };
            products.push(Product {
                id: 52_000_000 + style / 100 * 10_000 + kind * 100 + style % 100,
                sku: format!("{code}-{}", 1001 + style * 7),
                name,
                price: Decimal::new(rng.between(low, high), 2),
                weight_oz: Some(rng.between(2, 90)),
                category: (!rng.per_mille(80)).then_some((9_000 + kind, noun)),
                bin: Some(format!("{}-{:02}", char::from(b'A' + u8::try_from(kind).unwrap_or(0)), style + 1)),
                created: format!("2022-{:02}-{:02}T10:15:{:02}.{}", kind % 12 + 1, style % 28 + 1, style % 50 + 10, rng.between(1, 9)),
            });
        }
    }
    products
}

impl Product {
    /// Adds unknown products of an order, with the first name, SKU and price.
    pub(crate) fn learn(products: &mut BTreeMap<i64, Product>, order: &Json) {
        for item in order.get("items").map(Json::elements).unwrap_or_default() {
            let Some(id) = item.get("productId").and_then(Json::as_int) else { continue };
            products.entry(id).or_insert_with(|| {
                let text = |name: &str| item.get(name).and_then(Json::as_text).unwrap_or_default().trim().to_owned();
                Product {
                    id,
                    sku: text("sku"),
                    name: text("name"),
                    price: item.get("unitPrice").and_then(Json::as_decimal).unwrap_or_default(),
                    weight_oz: item.get("weight").and_then(|weight| weight.get("value")).and_then(Json::as_int),
                    category: None,
                    bin: item.get("warehouseLocation").and_then(Json::as_text).map(str::to_owned),
                    created: text("createDate"),
                }
            });
        }
    }

    pub(crate) fn json(&self) -> Json {
        let category = self.category.map_or(Json::Null, |(id, name)| obj! { "categoryId" => id, "name" => name });
        obj! {
            "aliases" => Json::Null, "productId" => self.id, "sku" => self.sku.as_str(), "name" => self.name.as_str(),
            "price" => self.price, "defaultCost" => Json::Null, "length" => Json::Null, "width" => Json::Null,
            "height" => Json::Null, "weightOz" => Json::maybe_int(self.weight_oz), "internalNotes" => Json::Null,
            "fulfillmentSku" => Json::Null, "createDate" => self.created.as_str(), "modifyDate" => Json::Null, "active" => true,
            "productCategory" => category, "productType" => Json::Null,
            "warehouseLocation" => Json::maybe_text(self.bin.as_deref()), "defaultCarrierCode" => Json::Null,
            "defaultServiceCode" => Json::Null, "defaultPackageCode" => Json::Null, "defaultIntlCarrierCode" => Json::Null,
            "defaultIntlServiceCode" => Json::Null, "defaultIntlPackageCode" => Json::Null, "defaultConfirmation" => Json::Null,
            "defaultIntlConfirmation" => Json::Null, "customsDescription" => Json::Null, "customsValue" => Json::Null,
            "customsTariffNo" => Json::Null, "customsCountryCode" => Json::Null, "noCustoms" => Json::Null, "tags" => Json::Null,
        }
    }
}

/// `GET /products`. `pages` is 0 even with results, as ShipStation's own samples and recordings
/// show.
pub(crate) fn list(products: &BTreeMap<i64, Product>, params: &Params) -> Result<Json, BadParameter> {
    let paging = params.paging()?;
    let created = crate::query::Window { start: params.time("startDate")?, end: params.time("endDate")?, start_exclusive: false };
    let category = params.int("productCategoryId")?;
    let (sku, name) = (params.search("sku"), params.search("name"));
    let mut found: Vec<&Product> = products
        .values()
        .filter(|product| sku.as_ref().is_none_or(|sku| product.sku.to_lowercase() == *sku))
        .filter(|product| name.as_ref().is_none_or(|name| product.name.to_lowercase().contains(name.as_str())))
        .filter(|product| category.is_none_or(|id| product.category.is_some_and(|(own, _)| own == id)))
        .filter(|product| created.holds(crate::pacific::parse(&product.created)))
        .collect();
    match params.search("sortBy").as_deref() {
        None | Some("modifydate") => {}
        Some("sku") => found.sort_by(|a, b| a.sku.cmp(&b.sku)),
        Some("createdate") => found.sort_by(|a, b| a.created.cmp(&b.created)),
        Some(other) => return Err(bad("sortBy", other, "is not one of SKU, ModifyDate, CreateDate")),
    }
    if params.descending()? {
        found.reverse();
    }
    let total = found.len();
    let rows = found.into_iter().skip(paging.skip()).take(paging.size).map(Product::json).collect();
    Ok(obj! {
        "products" => Json::Array(rows), "total" => count(total), "page" => count(paging.page), "pages" => 0,
    })
}

/// A count as JSON.
pub(crate) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
