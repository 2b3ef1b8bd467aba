//! The rules of the settings (behaviour, section 4): a document is taken as a whole or refused with every fault in it.

use std::ops::RangeInclusive;

use jiff::civil::Date;
use jiff::tz::TimeZoneDatabase;
use serde_json::Value;

use super::document::{self, Fault, FieldError, Members, boolean, choice, integer, number_id, quoted_text, text};
use super::references::{References, may_be_id};
use super::{
    AutoAssembly, CaptureOrderWhen, Consolidation, DimensionUnits, InvoiceMode, LocalTime, LocationMap, MatchProducts, PaymentSettings, PickPackShip, Settings,
    TaxSettings,
};
use crate::ids::{AccountId, CustomerId, LocationId, StoreId, TagId, TaxRuleId, WarehouseId};
use crate::money::Currency;
use crate::reference::AccountKind;

/// The member with which a write confirms that it was read what `shipstation_is_master` does (S50, S52). It is not a
/// setting: it is never kept, and only the write that turns the setting on needs it.
pub const ACKNOWLEDGEMENT: &str = "acknowledge_shipstation_is_master";

/// The price tiers (S29).
pub const PRICE_TIERS: RangeInclusive<u64> = 1..=10;

/// Minutes between two scheduled downloads: a day at most, so that a forgotten value is not taken for an outage.
pub const POLL_MINUTES: RangeInclusive<u64> = 5..=1440;

/// How many minutes a window may end in the past: a day at most, as far as an order may run late.
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
    let capture_order_when = root.read("capture_order_when", default.capture_order_when, choice(CaptureOrderWhen::VALUES, CaptureOrderWhen::from_text));
    let consolidation = root.read("consolidation", default.consolidation, choice(Consolidation::VALUES, Consolidation::from_text));
    let consolidation_time = root.optional("consolidation_time", local_time);
    let time_zone = root.read("time_zone", default.time_zone, time_zone);
    let currency = root.read("currency", default.currency, currency);
    let customer_id = root.optional("customer_id", |value| customer(value, references));
    let price_tier = root.read("price_tier", default.price_tier, integer(PRICE_TIERS));
    let pick_pack_ship = root.read("pick_pack_ship", default.pick_pack_ship, choice(PickPackShip::VALUES, PickPackShip::from_text));
    let ignore_restock_for_unfulfilled = root.read("ignore_restock_for_unfulfilled", default.ignore_restock_for_unfulfilled, boolean);
    let invoice_status = root.read("invoice_status", default.invoice_status, choice(InvoiceMode::VALUES, InvoiceMode::from_text));
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
        Some(TaxSettings { default_rule: default_rule?, recalculate: recalculate? })
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
    root.refuse_the_rest();

    // Rules between members speak only where the members themselves could be read.
    match (consolidation, consolidation_time) {
        (Some(Consolidation::Daily), Some(None)) => {
            root.refuse("consolidation_time", "required", "Daily consolidation needs its local time, such as 18:30.");
        }
        (Some(Consolidation::None), Some(Some(_))) => {
            root.refuse("consolidation_time", "not_allowed", "Without consolidation there is no time for it; leave it out or set consolidation to daily.");
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

fn local_time(value: &Value) -> Result<LocalTime, Fault> {
    let text = text(value)?;
    LocalTime::parse(text).ok_or_else(|| Fault::new("invalid_time", format!("{} is not a local time; write HH:MM, 00:00 to 23:59.", quoted_text(text))))
}

/// The name of a zone in the database that is built into the program, spelt as there: no abbreviations of offsets and rules,
/// and nothing that depends on the machine.
fn time_zone(value: &Value) -> Result<String, Fault> {
    let text = text(value)?;
    let invalid = |advice: &str| Fault::new("invalid_time_zone", format!("{} is not the name of a time zone; {advice}.", quoted_text(text)));
    let zone = TimeZoneDatabase::bundled().get(text).ok();
    match zone.as_ref().and_then(|zone| zone.iana_name()) {
        // The database's own name for a clock that was never set.
        None | Some("Factory") => Err(invalid("write an IANA name such as America/New_York")),
        Some(name) if name == text => Ok(name.to_owned()),
        Some(name) => Err(invalid(&format!("write {name}"))),
    }
}

fn currency(value: &Value) -> Result<Currency, Fault> {
    let text = text(value)?;
    let invalid = || Fault::new("invalid_currency", format!("{} is not an ISO 4217 currency code in capitals, such as USD.", quoted_text(text)));
    Currency::from_code(text).ok_or_else(invalid)
}

/// `YYYY-MM-DD` and nothing else, although the date's own parser takes more.
fn date(value: &Value) -> Result<Date, Fault> {
    let text = text(value)?;
    let shaped = text.len() == 10 && text.bytes().enumerate().all(|(i, byte)| if i == 4 || i == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    let date = shaped.then(|| text.parse().ok()).flatten();
    date.ok_or_else(|| Fault::new("invalid_date", format!("{} is not a date; write YYYY-MM-DD.", quoted_text(text))))
}

/// A `ShipStation` warehouse id as a member name. One spelling for each, so that `7` and `07` are not two warehouses.
fn warehouse(key: &str) -> Result<WarehouseId, Fault> {
    let id = key.parse::<WarehouseId>().ok().filter(|id| id.to_string() == key);
    id.ok_or_else(|| Fault::new("invalid_key", format!("{} is not a ShipStation warehouse id; the ids are whole numbers, such as 2841.", quoted_text(key))))
}

/// A payment method as orders write it. Methods are free text in `ShipStation`, so only blank ones are refused: no order has those.
fn payment_method(key: &str) -> Result<String, Fault> {
    if key.trim().is_empty() {
        return Err(Fault::new("invalid_key", "A payment method is blank; name it as the orders' paymentMethod does."));
    }
    Ok(key.to_owned())
}

fn unknown(what: &str, id: &str) -> Fault {
    Fault::new("unknown_reference", format!("There is no {what} {}; name the id of an existing one.", quoted_text(id)))
}

fn customer(value: &Value, references: &References) -> Result<CustomerId, Fault> {
    let id = CustomerId::from(text(value)?);
    if may_be_id(id.as_str()) && references.customers.contains(&id) { Ok(id) } else { Err(unknown("customer", id.as_str())) }
}

fn tax_rule(value: &Value, references: &References) -> Result<TaxRuleId, Fault> {
    let id = TaxRuleId::from(text(value)?);
    if may_be_id(id.as_str()) && references.tax_rules.contains(&id) { Ok(id) } else { Err(unknown("tax rule", id.as_str())) }
}

fn location(value: &Value, references: &References) -> Result<LocationId, Fault> {
    let id = LocationId::from(text(value)?);
    match references.locations.get(&id).filter(|_| may_be_id(id.as_str())) {
        Some(true) => Ok(id),
        Some(false) => {
            let message = format!("The location {} is not active and takes no new sales; make it active or name another.", quoted_text(id.as_str()));
            Err(Fault::new("inactive_location", message))
        }
        None => Err(unknown("location", id.as_str())),
    }
}

fn revenue_account(value: &Value, references: &References) -> Result<AccountId, Fault> {
    let id = AccountId::from(text(value)?);
    match references.accounts.get(&id).filter(|_| may_be_id(id.as_str())) {
        Some(account) if account.kind == AccountKind::Revenue => Ok(id),
        Some(_) => Err(Fault::new("wrong_kind", format!("The account {} is not of kind revenue; name one that is.", quoted_text(id.as_str())))),
        None => Err(unknown("account", id.as_str())),
    }
}

fn payment_account(value: &Value, references: &References) -> Result<AccountId, Fault> {
    let id = AccountId::from(text(value)?);
    match references.accounts.get(&id).filter(|_| may_be_id(id.as_str())) {
        Some(account) if account.receives_payments => Ok(id),
        Some(_) => {
            let message = format!("The account {} does not receive payments; name one that does, or let this one.", quoted_text(id.as_str()));
            Err(Fault::new("wrong_kind", message))
        }
        None => Err(unknown("account", id.as_str())),
    }
}
