//! The settings and their history as they are answered.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use stevedore_aws::SettingsChange;
use stevedore_domain::settings::SettingChange;
use utoipa::ToSchema;

use crate::resources::enums;

/// One accepted write of the settings.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SettingsChange)]
pub(crate) struct SettingsChangeView {
    /// The version that it made: the ETag without its quotes.
    version: u64,
    at: Timestamp,
    by: String,
    changes: Vec<SettingChangeView>,
}

/// One setting that a write changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SettingChange)]
struct SettingChangeView {
    /// JSON pointer to the setting.
    pointer: String,
    /// The value before.
    from: serde_json::Value,
    /// The value after.
    to: serde_json::Value,
}

impl From<SettingsChange> for SettingsChangeView {
    fn from(change: SettingsChange) -> Self {
        let changes = change.changes.into_iter().map(|SettingChange { pointer, from, to }| SettingChangeView { pointer, from, to });
        Self { version: change.version, at: change.at, by: change.by, changes: changes.collect() }
    }
}

/// The settings. A write replaces the whole document: what it leaves out has its default.
///
/// Stands for the domain's own type in the document alone; a test compares the two.
#[derive(ToSchema)]
#[schema(as = Settings)]
#[allow(dead_code, reason = "only its schema is used")]
pub(crate) struct SettingsView {
    #[schema(schema_with = capture_order_when)]
    capture_order_when: String,
    #[schema(schema_with = consolidation)]
    consolidation: String,
    /// Local time `HH:MM`; required with daily consolidation, refused without.
    #[schema(example = "18:30")]
    consolidation_time: Option<String>,
    /// IANA name.
    #[schema(example = "America/Los_Angeles")]
    time_zone: String,
    /// ISO 4217.
    currency: String,
    customer_id: Option<String>,
    #[schema(minimum = 1, maximum = 10)]
    price_tier: u8,
    #[schema(schema_with = pick_pack_ship)]
    pick_pack_ship: String,
    /// May be true only with `pick_pack_ship: pick_pack_ship`.
    ignore_restock_for_unfulfilled: bool,
    #[schema(schema_with = invoice_status)]
    invoice_status: String,
    /// An account of revenue kind; it goes before every other mapping.
    revenue_account: Option<String>,
    /// An account of revenue kind, for what neither product nor customer has one for.
    default_revenue_account: Option<String>,
    #[schema(schema_with = dimension_units)]
    dimension_units: String,
    store_name_as_sales_rep: bool,
    #[schema(schema_with = match_products)]
    match_products: String,
    /// May be true only with `match_products: by_sku`.
    create_missing_products: bool,
    /// Downloads overwrite linked products.
    shipstation_is_master: bool,
    /// Only in the write that turns `shipstation_is_master` on: that its warning was read. Never shown.
    #[schema(write_only)]
    acknowledge_shipstation_is_master: Option<bool>,
    shipment_is_taxable: bool,
    order_routing: bool,
    #[schema(schema_with = auto_assembly)]
    auto_assembly: String,
    location_map: LocationMapView,
    tax: TaxSettingsView,
    payment: PaymentSettingsView,
    /// Nothing is fetched by the schedule while set.
    paused: bool,
    /// Orders dated before this day are not captured by the schedule.
    order_lock_date: Option<Date>,
    exclude_tags: Vec<u64>,
    exclude_stores: Vec<u64>,
    #[schema(minimum = 0, maximum = 1440)]
    download_delay_minutes: u32,
    #[schema(minimum = 5, maximum = 1440)]
    poll_minutes: u32,
    /// Warnings about these settings; left out where there are none. A write that sends it back changes nothing by it.
    #[schema(read_only)]
    warnings: Option<Vec<crate::resources::log::view::WarningView>>,
}

/// Locations of the ShipStation warehouses.
#[derive(ToSchema)]
#[schema(as = LocationMap)]
#[allow(dead_code, reason = "only its schema is used")]
struct LocationMapView {
    default: Option<String>,
    /// ShipStation warehouse id to location id.
    warehouses: Option<BTreeMap<String, String>>,
}

/// Tax rules.
#[derive(ToSchema)]
#[schema(as = TaxSettings)]
#[allow(dead_code, reason = "only its schema is used")]
struct TaxSettingsView {
    /// Orders are skipped while there is none.
    default_rule: Option<String>,
    /// Replace ShipStation's amount by the rule's. A rule without percentages is not used for it.
    recalculate: Option<bool>,
    /// Form in which a store states tax, by ShipStation store id: `added` to its prices (also where the store is not named), `included` in them, or `withheld` by the
    /// marketplace.
    #[schema(schema_with = by_store)]
    by_store: Option<BTreeMap<String, String>>,
}

/// Accounts that receive payments.
#[derive(ToSchema)]
#[schema(as = PaymentSettings)]
#[allow(dead_code, reason = "only its schema is used")]
struct PaymentSettingsView {
    account: Option<String>,
    /// `paymentMethod` to account id.
    by_method: Option<BTreeMap<String, String>>,
}

fn by_store() -> utoipa::openapi::schema::Object {
    use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema};
    let word = Schema::Object(enums::of(stevedore_domain::settings::StoreTax::VALUES));
    ObjectBuilder::new().additional_properties(Some(AdditionalProperties::RefOr(utoipa::openapi::RefOr::T(word)))).build()
}

macro_rules! choices {
    ($($name:ident = $type:ident),+) => {$(
        fn $name() -> utoipa::openapi::schema::Object {
            enums::of(stevedore_domain::settings::$type::VALUES)
        }
    )+};
}
choices! {
    capture_order_when = CaptureOrderWhen, consolidation = Consolidation, pick_pack_ship = PickPackShip, invoice_status = InvoiceMode,
    dimension_units = DimensionUnits, match_products = MatchProducts, auto_assembly = AutoAssembly
}
