//! The rules of the settings (docs/requirements.md, section 4): a document is taken as a whole or refused with every fault in it.

use std::ops::RangeInclusive;

use super::document::{self, FieldError, Members};
use super::references::References;
use super::values::{
    boolean, choice, currency, customer, date, integer, local_time, location, number_id, payment_account, payment_method, revenue_account,
    store, tax_rule, time_zone, warehouse,
};
use super::warnings::WARNINGS;
use super::{
    AutoAssembly, CaptureOrderWhen, Consolidation, DimensionUnits, InvoiceMode, LocationMap, MatchProducts, PaymentSettings, PickPackShip,
    Settings, StoreTax, TaxSettings,
};
use crate::ids::{StoreId, TagId};

/// The member with which a write confirms that it was read what `shipstation_is_master` does (S50, S52). It is not a
/// setting: it is never kept, and only the write that turns the setting on needs it.
pub const ACKNOWLEDGEMENT: &str = "acknowledge_shipstation_is_master";

/// The price tiers (S29).
pub const PRICE_TIERS: RangeInclusive<u64> = 1..=10;

/// Minutes between two scheduled downloads: a day at most, so that a forgotten value is not taken for an outage.
pub const POLL_MINUTES: RangeInclusive<u64> = 5..=1440;

/// Minutes that a window may end in the past: a day at most, as far as an order may run late.
pub const DOWNLOAD_DELAY_MINUTES: RangeInclusive<u64> = 0..=1440;

/// Reads the whole settings from the body of a write. Missing members take their defaults, so a document is complete by itself
/// and does not depend on what it replaces; `current` only tells whether `shipstation_is_master` is being turned on.
///
/// `references` must hold whatever exists of [`named_references`](super::named_references)`(document)`.
///
/// Duplicates in `exclude_tags` and `exclude_stores` are dropped, the first of each stays.
///
/// # Errors
/// Every fault at once, by JSON pointer. A text that is no JSON, or that names a member twice, has
/// [`MALFORMED_JSON`](super::MALFORMED_JSON) as its only error. The codes: `malformed_json`, `too_large`, `unknown_setting`,
/// `wrong_type`, `not_one_of`, `out_of_range`, `required`, `not_allowed`, `unknown_reference`, `wrong_kind`, `inactive_location`,
/// `acknowledgement_required`, `invalid_time_zone`, `invalid_currency`, `invalid_time`, `invalid_date`, `invalid_key`.
pub fn parse(document: &str, current: &Settings, references: &References) -> Result<Settings, Vec<FieldError>> {
    let members = document::members(document).map_err(|error| vec![error])?;
    let mut errors = Vec::new();
    let settings = read(&mut Members::of(&members, &mut errors), current, references);
    settings.filter(|_| errors.is_empty()).ok_or(errors)
}

fn read(root: &mut Members<'_, '_>, current: &Settings, references: &References) -> Option<Settings> {
    let default = Settings::default();
    // Each member is read before any is needed: a fault in one must not hide those of the next.
    let capture_order_when =
        root.read("capture_order_when", default.capture_order_when, choice(CaptureOrderWhen::VALUES, CaptureOrderWhen::from_text));
    let consolidation = root.read("consolidation", default.consolidation, choice(Consolidation::VALUES, Consolidation::from_text));
    let consolidation_time = root.optional("consolidation_time", local_time);
    let time_zone = root.read("time_zone", default.time_zone, time_zone);
    let currency = root.read("currency", default.currency, currency);
    let customer_id = root.optional("customer_id", |value| customer(value, references));
    let price_tier = root.read("price_tier", default.price_tier, integer(PRICE_TIERS));
    let pick_pack_ship = root.read("pick_pack_ship", default.pick_pack_ship, choice(PickPackShip::VALUES, PickPackShip::from_text));
    let ignore_restock_for_unfulfilled = root.read("ignore_restock_for_unfulfilled", default.ignore_restock_for_unfulfilled, boolean);
    let invoice_status = root.read("invoice_status", default.invoice_status, choice(InvoiceMode::VALUES, InvoiceMode::from_text));
    let default_revenue_account = root.optional("default_revenue_account", |value| revenue_account(value, references));
    let revenue_account = root.optional("revenue_account", |value| revenue_account(value, references));
    let dimension_units = root.read("dimension_units", default.dimension_units, choice(DimensionUnits::VALUES, DimensionUnits::from_text));
    let store_name_as_sales_rep = root.read("store_name_as_sales_rep", default.store_name_as_sales_rep, boolean);
    let match_products = root.read("match_products", default.match_products, choice(MatchProducts::VALUES, MatchProducts::from_text));
    let create_missing_products = root.read("create_missing_products", default.create_missing_products, boolean);
    let shipstation_is_master = root.read("shipstation_is_master", default.shipstation_is_master, boolean);
    let shipment_is_taxable = root.read("shipment_is_taxable", default.shipment_is_taxable, boolean);
    let order_routing = root.read("order_routing", default.order_routing, boolean);
    let auto_assembly = root.read("auto_assembly", default.auto_assembly, choice(AutoAssembly::VALUES, AutoAssembly::from_text));
    let location_map = root.compound("location_map", |members| {
        let default = members.optional("default", |value| location(value, references));
        let warehouses = members.entries("warehouses", warehouse, |value| location(value, references));
        Some(LocationMap { default: default?, warehouses: warehouses? })
    });
    let tax = root.compound("tax", |members| {
        let default_rule = members.optional("default_rule", |value| tax_rule(value, references));
        let recalculate = members.read("recalculate", default.tax.recalculate, boolean);
        let by_store = members.entries("by_store", store, choice(StoreTax::VALUES, StoreTax::from_text));
        Some(TaxSettings { default_rule: default_rule?, recalculate: recalculate?, by_store: by_store? })
    });
    let payment = root.compound("payment", |members| {
        let account = members.optional("account", |value| payment_account(value, references));
        let by_method = members.entries("by_method", payment_method, |value| payment_account(value, references));
        Some(PaymentSettings { account: account?, by_method: by_method? })
    });
    let paused = root.read("paused", default.paused, boolean);
    let order_lock_date = root.optional("order_lock_date", date);
    let exclude_tags = root.set("exclude_tags", number_id(TagId));
    let exclude_stores = root.set("exclude_stores", number_id(StoreId));
    let download_delay_minutes = root.read("download_delay_minutes", default.download_delay_minutes, integer(DOWNLOAD_DELAY_MINUTES));
    let poll_minutes = root.read("poll_minutes", default.poll_minutes, integer(POLL_MINUTES));
    let acknowledged = root.read(ACKNOWLEDGEMENT, false, boolean);
    root.passed_over(WARNINGS);
    root.refuse_the_rest();

    // Rules between members speak only where the members themselves could be read.
    match (consolidation, consolidation_time) {
        (Some(Consolidation::Daily), Some(None)) => {
            root.refuse("consolidation_time", "required", "Daily consolidation needs its local time, such as 18:30.");
        }
        (Some(Consolidation::None), Some(Some(_))) => {
            root.refuse(
                "consolidation_time",
                "not_allowed",
                "Without consolidation there is no time for it; leave it out or set consolidation to daily.",
            );
        }
        _ => {}
    }
    if (consolidation, &customer_id) == (Some(Consolidation::Daily), &Some(None)) {
        root.refuse("customer_id", "required", "Daily consolidation needs the customer who gets the day's sale; name an existing one.");
    }
    if ignore_restock_for_unfulfilled == Some(true) && pick_pack_ship.is_some_and(|mode| mode != PickPackShip::PickPackShip) {
        root.refuse("ignore_restock_for_unfulfilled", "not_allowed", "This may be true only when pick_pack_ship is pick_pack_ship.");
    }
    if create_missing_products == Some(true) && match_products == Some(MatchProducts::Manual) {
        root.refuse("create_missing_products", "not_allowed", "This may be true only when match_products is by_sku.");
    }
    if shipstation_is_master == Some(true) && !current.shipstation_is_master && acknowledged == Some(false) {
        let message = format!(
            "With shipstation_is_master each product download overwrites name, price, weight, sizes, picture and the other data of linked products, \
             all but the SKU, and that cannot be undone. Send {ACKNOWLEDGEMENT}: true with this write to turn it on."
        );
        root.refuse(ACKNOWLEDGEMENT, "acknowledgement_required", message);
    }

    Some(Settings {
        capture_order_when: capture_order_when?,
        consolidation: consolidation?,
        consolidation_time: consolidation_time?,
        time_zone: time_zone?,
        currency: currency?,
        customer_id: customer_id?,
        price_tier: price_tier?,
        pick_pack_ship: pick_pack_ship?,
        ignore_restock_for_unfulfilled: ignore_restock_for_unfulfilled?,
        invoice_status: invoice_status?,
        revenue_account: revenue_account?,
        default_revenue_account: default_revenue_account?,
        dimension_units: dimension_units?,
        store_name_as_sales_rep: store_name_as_sales_rep?,
        match_products: match_products?,
        create_missing_products: create_missing_products?,
        shipstation_is_master: shipstation_is_master?,
        shipment_is_taxable: shipment_is_taxable?,
        order_routing: order_routing?,
        auto_assembly: auto_assembly?,
        location_map: location_map?,
        tax: tax?,
        payment: payment?,
        paused: paused?,
        order_lock_date: order_lock_date?,
        exclude_tags: exclude_tags?,
        exclude_stores: exclude_stores?,
        download_delay_minutes: download_delay_minutes?,
        poll_minutes: poll_minutes?,
    })
}
