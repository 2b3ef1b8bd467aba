//! A test for each setting that holds a value or a mapping (docs/requirements.md, section 4).

use serde_json::json;

use super::{accepted, assert_refused, assert_switch, message, references, refused};
use crate::ids::{AccountId, LocationId, StoreId, WarehouseId};
use crate::reason::Reason;
use crate::reference::{TaxComponent, TaxPlace, TaxRule};
use crate::settings::{Settings, StoreTax, parse};

/// S25: the zone is one of the bundled database, spelt as there.
#[test]
fn s25_time_zone_is_an_iana_name() {
    for zone in [
        "UTC",
        "Etc/UTC",
        "America/New_York",
        "Europe/London",
        "America/Argentina/Buenos_Aires",
        "Asia/Kathmandu",
        "Etc/GMT+5",
        "US/Pacific",
    ] {
        assert_eq!(accepted(&json!({"time_zone": zone})).time_zone, zone);
    }
    let wrong = [
        "",
        "local",
        "Local",
        "EST5EDT,M3.2.0,M11.1.0",
        "<-03>3",
        "+02:00",
        "GMT+2",
        "America/Gotham",
        "America",
        "../etc/localtime",
        " UTC",
        "Factory",
        "Etc/Unknown",
        "localtime",
        "posixrules",
    ];
    for wrong in wrong {
        assert_refused(&json!({"time_zone": wrong}), "/time_zone", "invalid_time_zone");
    }
    // Another spelling would be another key wherever zones are compared; the answer names the right one.
    assert_refused(&json!({"time_zone": "america/new_york"}), "/time_zone", "invalid_time_zone");
    assert!(message(&json!({"time_zone": "america/new_york"})).contains("America/New_York"));
    for wrong in [json!(null), json!(-5)] {
        assert_refused(&json!({ "time_zone": wrong }), "/time_zone", "wrong_type");
    }
}

#[test]
fn currency_is_one_of_iso_4217() {
    assert_eq!(accepted(&json!({})).currency.code(), "USD");
    for (code, digits) in [("USD", 2), ("JPY", 0), ("KWD", 3)] {
        assert_eq!(accepted(&json!({"currency": code})).currency.digits(), digits);
    }
    for wrong in ["usd", "US", "USDT", "ZZZ", "", "$"] {
        assert_refused(&json!({"currency": wrong}), "/currency", "invalid_currency");
    }
    assert_refused(&json!({"currency": 840}), "/currency", "wrong_type");
}

#[test]
fn s29_price_tier_is_one_of_ten() {
    for tier in 1..=10 {
        assert_eq!(accepted(&json!({"price_tier": tier})).price_tier, tier);
    }
    for wrong in [json!(0), json!(11), json!(-1), json!(257), json!(u64::MAX)] {
        assert_refused(&json!({ "price_tier": wrong }), "/price_tier", "out_of_range");
    }
    for wrong in [json!("1"), json!(1.0), json!(1.5), json!(null), json!(true)] {
        assert_refused(&json!({ "price_tier": wrong }), "/price_tier", "wrong_type");
    }
}

#[test]
fn s41_revenue_account_exists_and_is_of_revenue_kind() {
    assert_eq!(accepted(&json!({})).revenue_account, None);
    assert_eq!(accepted(&json!({"revenue_account": "SALES"})).revenue_account, Some(AccountId::from("SALES")));
    for wrong in ["BANK", "STRIPE", "COSTS"] {
        assert_refused(&json!({"revenue_account": wrong}), "/revenue_account", "wrong_kind");
    }
    assert_refused(&json!({"revenue_account": "NOWHERE"}), "/revenue_account", "unknown_reference");
    assert_refused(&json!({"revenue_account": 400}), "/revenue_account", "wrong_type");
}

/// S41: the account of what no other mapping gives one follows the same rule.
#[test]
fn s41_default_revenue_account_exists_and_is_of_revenue_kind() {
    assert_eq!(accepted(&json!({})).default_revenue_account, None);
    assert_eq!(accepted(&json!({"default_revenue_account": "SALES"})).default_revenue_account, Some(AccountId::from("SALES")));
    for wrong in ["BANK", "STRIPE", "COSTS"] {
        assert_refused(&json!({"default_revenue_account": wrong}), "/default_revenue_account", "wrong_kind");
    }
    assert_refused(&json!({"default_revenue_account": "NOWHERE"}), "/default_revenue_account", "unknown_reference");
    assert_refused(&json!({"default_revenue_account": 400}), "/default_revenue_account", "wrong_type");
}

/// N17, N31: form in which each store states tax. A store has one spelling, and one that is not named adds its tax.
#[test]
fn n17_n31_tax_by_store() {
    let by_store = |map| json!({"tax": {"by_store": map}});
    let settings = accepted(&by_store(json!({"12": "included", "13": "withheld", "9007199254740993": "added"})));
    let of = |id| settings.store_tax(Some(StoreId(id)));
    assert_eq!(
        (of(12), of(13), of(9_007_199_254_740_993), of(14)),
        (StoreTax::Included, StoreTax::Withheld, StoreTax::Added, StoreTax::Added)
    );
    assert_eq!((settings.store_tax(None), accepted(&by_store(json!({})))), (StoreTax::Added, Settings::default()));
    let read: Settings = serde_json::from_str(&serde_json::to_string(&settings).unwrap()).unwrap();
    assert_eq!(read, settings);
    for wrong in [json!("gross"), json!("")] {
        assert_refused(&by_store(json!({"12": wrong})), "/tax/by_store/12", "not_one_of");
    }
    for wrong in [json!(null), json!(true), json!({})] {
        assert_refused(&by_store(json!({"12": wrong})), "/tax/by_store/12", "wrong_type");
    }
    for key in ["", "shop", "012", "-12", "12.0", " 12", "18446744073709551616"] {
        assert_refused(&by_store(json!({key: "included"})), &format!("/tax/by_store/{key}"), "invalid_key");
    }
    assert_refused(&by_store(json!(["12"])), "/tax/by_store", "wrong_type");
}

/// S70: settings that recalculate tax by a rule without percentages say so; a write may send the warning back, which is no setting.
#[test]
fn s70_recalculation_by_a_rule_without_percent_is_warned_of() {
    let at = "2026-05-01T00:00:00Z".parse().unwrap();
    let rule = |id: &str, percent: i64, place| TaxRule {
        addresses: Vec::new(),
        id: id.into(),
        name: format!("Rule {id}"),
        components: vec![TaxComponent { name: "State".to_owned(), percent: percent.into(), account: None }],
        place,
        created_at: at,
    };
    let nevada = Some(TaxPlace { state: "NV".to_owned(), county: None, city: None });
    let rules = [rule("CA", 0, None), rule("NV", 0, nevada.clone()), rule("UNUSED", 0, None), rule("FULL", 8, nevada)];
    let settings = accepted(&json!({"tax": {"default_rule": "CA", "recalculate": true}, "warnings": [{"code": "any"}]}));
    let [warning] = settings.warnings(&rules).try_into().unwrap();
    assert_eq!(warning.reason, Reason::TaxRuleWithoutPercent);
    assert!(warning.message.starts_with("Rules: Rule CA (CA), Rule NV (NV). "), "{}", warning.message);
    assert_eq!(settings.warnings(&[rule("CA", 7, None)]), []);
    assert_eq!(accepted(&json!({"tax": {"default_rule": "CA"}})).warnings(&rules), []);
}

#[test]
fn s63_location_map() {
    let map = |map| json!({ "location_map": map });
    let settings = accepted(&map(json!({"default": "RENO", "warehouses": {"2841": "NEWARK", "9007199254740993": "RENO"}})));
    let (reno, newark) = (LocationId::from("RENO"), LocationId::from("NEWARK"));
    assert_eq!(settings.location_for(Some(WarehouseId(2841))), Some((&newark, true)));
    assert_eq!(settings.location_for(Some(WarehouseId(9_007_199_254_740_993))), Some((&reno, true)));
    assert_eq!(settings.location_for(Some(WarehouseId(9_007_199_254_740_992))), Some((&reno, false)));
    assert_eq!(settings.location_for(None), Some((&reno, false)));
    assert_eq!(accepted(&map(json!({"default": null, "warehouses": {}}))), Settings::default());

    assert_refused(&map(json!({"default": "MARS"})), "/location_map/default", "unknown_reference");
    assert_refused(&map(json!({"default": "CLOSED"})), "/location_map/default", "inactive_location");
    assert_refused(&map(json!({"warehouses": {"12": "CLOSED"}})), "/location_map/warehouses/12", "inactive_location");
    assert_refused(&map(json!({"warehouses": {"12": "MARS"}})), "/location_map/warehouses/12", "unknown_reference");
    assert_refused(&map(json!({"warehouses": {"12": null}})), "/location_map/warehouses/12", "wrong_type");
    for key in ["", "main", "012", "+12", "-12", "12.0", "1e2", " 12", "18446744073709551616"] {
        assert_refused(&map(json!({"warehouses": {key: "RENO"}})), &format!("/location_map/warehouses/{key}"), "invalid_key");
    }
    assert_refused(&map(json!({"warehouses": [["12", "RENO"]]})), "/location_map/warehouses", "wrong_type");
    assert_refused(&map(json!({"fallback": "RENO"})), "/location_map/fallback", "unknown_setting");
    for wrong in [json!(null), json!("RENO"), json!([])] {
        assert_refused(&map(wrong), "/location_map", "wrong_type");
    }
}

/// S68, S70: recalculation is off unless asked for. S71: without a default rule the mapping is unfinished, and that is no fault.
#[test]
fn s68_s70_s71_tax() {
    let tax = |tax| json!({ "tax": tax });
    assert!(!accepted(&json!({})).tax.recalculate);
    assert!(!accepted(&tax(json!({"recalculate": true}))).tax_mapping_finished());
    let finished = accepted(&tax(json!({"default_rule": "CA", "recalculate": true})));
    assert!(finished.tax_mapping_finished() && finished.tax.recalculate);
    assert_refused(&tax(json!({"default_rule": "NV"})), "/tax/default_rule", "unknown_reference");
    assert_refused(&tax(json!({"recalculate": "no"})), "/tax/recalculate", "wrong_type");
    assert_refused(&tax(json!({"rules": {}})), "/tax/rules", "unknown_setting");
    assert_refused(&tax(json!(null)), "/tax", "wrong_type");
}

/// S72–S75: accounts that receive payments, by method where wanted, optional as a whole.
#[test]
fn s72_s73_s74_s75_payment() {
    let payment = |payment| json!({ "payment": payment });
    assert_eq!(accepted(&json!({})).payment_account(Some("Visa")), None);
    let settings = accepted(&payment(json!({"account": "BANK", "by_method": {"Stripe / card": "STRIPE"}})));
    assert_eq!(settings.payment_account(Some("Stripe / card")), Some(&AccountId::from("STRIPE")));
    assert_eq!(settings.payment_account(None), Some(&AccountId::from("BANK")));
    assert_eq!(accepted(&payment(json!({"by_method": {"PayPal": "BANK"}}))).payment.account, None);

    for (account, code) in [("SALES", "wrong_kind"), ("COSTS", "wrong_kind"), ("NOWHERE", "unknown_reference")] {
        assert_refused(&payment(json!({"account": account})), "/payment/account", code);
        assert_refused(&payment(json!({"by_method": {"Visa": account}})), "/payment/by_method/Visa", code);
    }
    for blank in ["", " ", "\t\n"] {
        assert_refused(&payment(json!({"by_method": {blank: "BANK"}})), &format!("/payment/by_method/{blank}"), "invalid_key");
    }
    // A pointer into a name with a slash and a tilde.
    assert_refused(&payment(json!({"by_method": {"a/b~c": "SALES"}})), "/payment/by_method/a~1b~0c", "wrong_kind");
    assert_eq!(refused(&payment(json!({"by_method": {" ": 1}}))).len(), 2, "key and value are two faults");
    assert_refused(&payment(json!(false)), "/payment", "wrong_type");
}

#[test]
fn paused() {
    assert_switch("paused");
}

#[test]
fn order_lock_date_is_a_date() {
    let settings = accepted(&json!({"order_lock_date": "2026-02-28"}));
    assert_eq!(settings.order_lock_date.unwrap().to_string(), "2026-02-28");
    assert_eq!(accepted(&json!({"order_lock_date": null})).order_lock_date, None);
    for wrong in ["2026-02-29", "2026-13-01", "20260228", "2026-2-28", "2026-02-28T00:00:00", "28.02.2026", "", "yesterday", "+002026-02"] {
        assert_refused(&json!({"order_lock_date": wrong}), "/order_lock_date", "invalid_date");
    }
    assert_refused(&json!({"order_lock_date": 20_260_228}), "/order_lock_date", "wrong_type");
}

#[test]
fn exclude_lists_hold_each_id_once() {
    for name in ["exclude_tags", "exclude_stores"] {
        let kept = serde_json::to_value(accepted(&json!({name: [7, 3, 7, 9_007_199_254_740_993_u64, 3]}))).unwrap();
        assert_eq!(kept[name], json!([7, 3, 9_007_199_254_740_993_u64]));
        let faults = refused(&json!({name: [1, "2", 3.0, -4, null, 1]}));
        let expected: Vec<_> = (1..=4).map(|index| (format!("/{name}/{index}"), "wrong_type")).collect();
        assert_eq!(faults, expected);
        for wrong in [json!(null), json!(1), json!("1"), json!({})] {
            assert_refused(&json!({ name: wrong }), &format!("/{name}"), "wrong_type");
        }
    }
}

#[test]
fn minutes_are_whole_and_in_range() {
    for (name, default, least, most) in [("poll_minutes", 60, 5_u64, 1440_u64), ("download_delay_minutes", 0, 0, 1440)] {
        let kept = |document| serde_json::to_value(accepted(&document)).unwrap()[name].clone();
        assert_eq!(kept(json!({})), default);
        for value in [least, most] {
            assert_eq!(kept(json!({ name: value })), value);
        }
        let below = i64::try_from(least).unwrap() - 1;
        for wrong in [json!(below), json!(most + 1), json!(u64::MAX), json!(i64::MIN)] {
            assert_refused(&json!({ name: wrong }), &format!("/{name}"), "out_of_range");
        }
        for wrong in [json!(60.5), json!(60.0), json!("60"), json!(null), json!(1e300)] {
            assert_refused(&json!({ name: wrong }), &format!("/{name}"), "wrong_type");
        }
        let errors = parse(&format!(r#"{{"{name}": 6e1}}"#), &Settings::default(), &references()).unwrap_err();
        assert_eq!((errors[0].pointer.as_str(), errors[0].code), (format!("/{name}").as_str(), "wrong_type"));
        assert!(message(&json!({ name: 100_000 })).contains(&format!("from {least} to {most}")));
    }
}
