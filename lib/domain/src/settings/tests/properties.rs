//! Properties over generated settings and generated documents.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::references;
use crate::ids::{StoreId, TagId, WarehouseId};
use crate::money::Currency;
use crate::settings::{
    AutoAssembly, CaptureOrderWhen, Consolidation, DimensionUnits, InvoiceMode, LocalTime, LocationMap, MatchProducts, PaymentSettings,
    PickPackShip, Settings, StoreTax, TaxSettings, changes, named_references, parse,
};

fn one_of<T: std::fmt::Debug + Clone + 'static>(
    values: &'static [&'static str],
    from_text: fn(&str) -> Option<T>,
) -> impl Strategy<Value = T> {
    select(values.iter().map(|text| from_text(text).unwrap()).collect::<Vec<_>>())
}

/// Every combination that the rules allow, over the reference data of [`references`].
fn settings() -> impl Strategy<Value = Settings> {
    let choices = (
        one_of(CaptureOrderWhen::VALUES, CaptureOrderWhen::from_text),
        one_of(Consolidation::VALUES, Consolidation::from_text),
        one_of(PickPackShip::VALUES, PickPackShip::from_text),
        one_of(InvoiceMode::VALUES, InvoiceMode::from_text),
        one_of(DimensionUnits::VALUES, DimensionUnits::from_text),
        one_of(MatchProducts::VALUES, MatchProducts::from_text),
        one_of(AutoAssembly::VALUES, AutoAssembly::from_text),
    );
    let values = (
        (0_i8..24, 0_i8..60).prop_map(|(hour, minute)| LocalTime { hour, minute }),
        select(vec!["UTC", "America/Los_Angeles", "Europe/Berlin", "Pacific/Apia"]),
        select(vec!["USD", "EUR", "JPY", "KWD"]).prop_map(|code| Currency::from_code(code).unwrap()),
        any::<bool>(),
        1_u8..=10,
        any::<[bool; 9]>(),
        option::of((2000_i16..2100, 1_i8..=12, 1_i8..=28)),
        (0_u32..=1440, 5_u32..=1440),
    );
    let location = || select(vec!["RENO", "NEWARK"]).prop_map(Into::into);
    let account = || select(vec!["BANK", "STRIPE"]).prop_map(Into::into);
    let compounds = (
        (option::of(location()), btree_map(any::<u64>().prop_map(WarehouseId), location(), 0..5)),
        (option::of(account()), btree_map(".*\\S.*", account(), 0..5)),
        (btree_set(any::<u64>(), 0..5), btree_set(any::<u64>(), 0..5)),
    );
    (choices, values, compounds).prop_map(|(choices, values, compounds)| {
        let (capture_order_when, consolidation, pick_pack_ship, invoice_status, dimension_units, match_products, auto_assembly) = choices;
        let (time, zone, currency, customer, price_tier, flags, lock, (download_delay_minutes, poll_minutes)) = values;
        let ((default, warehouses), (account, by_method), (tags, stores)) = compounds;
        let daily = consolidation == Consolidation::Daily;
        let states = |id: u64| if id.is_multiple_of(2) { StoreTax::Included } else { StoreTax::Withheld };
        let by_store = stores.iter().map(|id| (StoreId(*id), states(*id))).collect();
        Settings {
            capture_order_when,
            consolidation,
            consolidation_time: daily.then_some(time),
            time_zone: zone.to_owned(),
            currency,
            customer_id: (daily || customer).then(|| "C-1".into()),
            price_tier,
            pick_pack_ship,
            ignore_restock_for_unfulfilled: flags[0] && pick_pack_ship == PickPackShip::PickPackShip,
            invoice_status,
            revenue_account: flags[1].then(|| "SALES".into()),
            default_revenue_account: flags[2].then(|| "SALES".into()),
            dimension_units,
            store_name_as_sales_rep: flags[2],
            match_products,
            create_missing_products: flags[3] && match_products == MatchProducts::BySku,
            shipstation_is_master: flags[4],
            shipment_is_taxable: flags[5],
            order_routing: flags[6],
            auto_assembly,
            location_map: LocationMap { default, warehouses },
            tax: TaxSettings { default_rule: flags[7].then(|| "CA".into()), recalculate: flags[8], by_store },
            payment: PaymentSettings { account, by_method },
            paused: flags[0],
            order_lock_date: lock.map(|(year, month, day)| jiff::civil::date(year, month, day)),
            exclude_tags: tags.into_iter().map(TagId).collect(),
            exclude_stores: stores.into_iter().rev().map(StoreId).collect(),
            download_delay_minutes,
            poll_minutes,
        }
    })
}

/// Any JSON, with the names of settings among its members.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0_u64..1500).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        select(vec!["paid", "daily", "none", "18:30", "C-1", "RENO", "BANK", "SALES", "UTC", "pick", "manual", "2026-01-31"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 40, 8, |inner| {
        let mut names: Vec<String> = serde_json::to_value(Settings::default()).unwrap().as_object().unwrap().keys().cloned().collect();
        names.extend(
            [
                "default",
                "warehouses",
                "default_rule",
                "recalculate",
                "by_store",
                "account",
                "by_method",
                "12",
                "included",
                "acknowledge_shipstation_is_master",
            ]
            .map(str::to_owned),
        );
        let name = prop_oneof![9 => select(names), 1 => ".{0,4}"];
        prop_oneof![vec(inner.clone(), 0..4).prop_map(Value::from), btree_map(name, inner, 0..6).prop_map(|members| json!(members))]
    })
}

proptest! {
    /// A document that is read (GET) can be written back (PUT) as it is, and what the table keeps reads back equal.
    #[test]
    fn settings_survive_their_document(settings in settings()) {
        let text = serde_json::to_string(&settings).unwrap();
        prop_assert_eq!(parse(&text, &settings, &references()), Ok(settings.clone()));
        prop_assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
    }

    /// The caller loads exactly what validation looks up.
    #[test]
    fn a_document_names_what_its_settings_name(settings in settings()) {
        let text = serde_json::to_string(&settings).unwrap();
        let named = named_references(&text);
        prop_assert_eq!(&named, &settings.named_references());
        let mut known = references();
        known.accounts.retain(|id, _| named.accounts.contains(id));
        known.customers.retain(|id| named.customers.contains(id));
        known.locations.retain(|id, _| named.locations.contains(id));
        known.tax_rules.retain(|id| named.tax_rules.contains(id));
        prop_assert_eq!(parse(&text, &settings, &known), Ok(settings));
    }

    /// The history leads from one version to the next: putting every `to` in its place makes the new document, every `from` the old.
    #[test]
    fn changes_lead_from_old_to_new_and_back(old in settings(), new in settings()) {
        let changes = changes(&old, &new);
        prop_assert_eq!(changes.is_empty(), old == new);
        let apply = |settings: &Settings, value: fn(&crate::settings::SettingChange) -> &Value| {
            let mut document = serde_json::to_value(settings).unwrap();
            for change in &changes {
                let (parent, name) = change.pointer.rsplit_once('/').unwrap();
                let parent = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
                parent.insert(name.replace("~1", "/").replace("~0", "~"), value(change).clone());
            }
            // In a map whose names are data, none means that the entry is gone.
            for map in ["/location_map/warehouses", "/payment/by_method", "/tax/by_store"] {
                document.pointer_mut(map).unwrap().as_object_mut().unwrap().retain(|_, value| !value.is_null());
            }
            serde_json::from_value::<Settings>(document).unwrap()
        };
        prop_assert_eq!(apply(&old, |change| &change.to), new.clone());
        prop_assert_eq!(apply(&new, |change| &change.from), old);
    }

    /// Whatever is sent is accepted or refused with a reason, and what is accepted is accepted again.
    #[test]
    fn any_document_is_accepted_or_refused_with_reasons(document in any_json()) {
        match parse(&document.to_string(), &Settings::default(), &references()) {
            Ok(settings) => {
                let again = serde_json::to_string(&settings).unwrap();
                prop_assert_eq!(parse(&again, &settings, &references()), Ok(settings));
            }
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                // Each pointer leads to something, or to where something is missing.
                for error in errors {
                    prop_assert!(error.pointer.is_empty() || error.pointer.starts_with('/'));
                    let parent = error.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
                    prop_assert!(document.pointer(parent).is_some(), "{} in {document}", error.pointer);
                }
            }
        }
    }

    #[test]
    fn any_text_is_refused_or_read(text in ".{0,200}") {
        if let Err(errors) = parse(&text, &Settings::default(), &references()) {
            prop_assert!(!errors.is_empty());
        }
        let _ = named_references(&text);
    }
}
