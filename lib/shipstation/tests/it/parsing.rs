//! From JSON to a revision: exact, or refused with its place.

use proptest::prelude::*;
use serde_json::Value;
use stevedore_domain::address::Address;
use stevedore_domain::ids::{OrderId, ShipstationCustomerId, ShipstationProductId};
use stevedore_domain::money::{Decimal, decimal};
use stevedore_domain::order::{ItemOption, Order, OrderStatus};
use stevedore_shipstation::{Malformed, parse_order};

use crate::{ADJUSTMENTS, FBA, ODD_NUMBERS, SHOPIFY_OPTIONS, SPLIT, TWO_LINES, wall};

fn order(raw: &str) -> Order {
    parse_order(raw, None).unwrap().order
}

fn refused(raw: &str) -> Malformed {
    parse_order(raw, None).unwrap_err()
}

fn text(decimal: Decimal) -> String {
    decimal.to_string()
}

/// The two-line order with one member changed; `value` is JSON, nothing removes it.
fn with(pointer: &str, value: Option<&str>) -> String {
    let mut order: Value = serde_json::from_str(TWO_LINES).unwrap();
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    let parent = order.pointer_mut(parent).unwrap();
    if let (Value::Array(list), Some(_)) = (&mut *parent, value) {
        list[member.parse::<usize>().unwrap()] = Value::from("\u{1}");
    } else {
        let object = parent.as_object_mut().unwrap();
        match value {
            Some(_) => drop(object.insert(member.to_owned(), Value::from("\u{1}"))),
            None => drop(object.remove(member)),
        }
    }
    // The value goes in as text, so that no float comes near it.
    order.to_string().replace(r#""\u0001""#, value.unwrap_or_default())
}

#[test]
fn a_two_line_order() {
    let order = order(TWO_LINES);
    assert_eq!((order.id, order.number.as_str(), order.status), (OrderId(718_203_344), "W-10427", OrderStatus::AwaitingShipment));
    assert_eq!((order.created_at, order.modified_at), (Some(wall("2026-05-04T09:14:31.557")), wall("2026-05-05T07:02:44.193")));
    assert_eq!(order.ordered_at, Some(wall("2026-05-04T16:12:09").0));
    assert_eq!([order.total, order.amount_paid, order.tax, order.shipping].map(text), ["101.46", "101.46", "7.06", "8.9"]);
    assert_eq!(order.bill_to, Address { name: Some("Mara Lindqvist".to_owned()), ..Address::default() });
    assert_eq!((order.ship_to.company, order.ship_to.street2.as_deref()), (None, Some("Unit \"B\"")));
    assert_eq!((order.customer_notes.as_deref(), order.internal_notes), (Some("  leave at the door "), None));
    assert_eq!((order.store_id.unwrap().0, order.warehouse_id.unwrap().0, order.source.as_deref()), (20931, 5512, Some("web")));
    assert_eq!(order.tag_ids.iter().map(|tag| tag.0).collect::<Vec<_>>(), [81, 82]);
    let [mug, tray] = order.items.as_slice() else { panic!() };
    assert_eq!(
        (mug.id, mug.quantity, text(mug.unit_price), mug.unit_tax.map(text)),
        (Some(1_093_847_562_011), 3, "12.5".to_owned(), Some("1.03".to_owned()))
    );
    assert_eq!(tray.options, [ItemOption { name: "Size".to_owned(), value: "Large".to_owned() }]);
}

/// N4: the parts of a split share number and key, and name each other.
#[test]
fn n4_split_parent_and_child() {
    let parts: Vec<&serde_json::value::RawValue> = serde_json::from_str(SPLIT).unwrap();
    let [parent, child] = [order(parts[0].get()), order(parts[1].get())];
    assert_eq!((&parent.number, &parent.key), (&child.number, &child.key));
    assert_eq!((parent.merged_or_split, parent.merged_ids, parent.parent_id), (true, vec![child.id], None));
    assert_eq!(child.parent_id, Some(parent.id));
    assert_eq!(text(child.total), "0");
}

/// `1e2`, `19.990`, four decimals, negative, 10^12, ids above 2^53: exact (docs/requirements.md, section 13).
#[test]
fn odd_numbers_are_exact() {
    let order = order(ODD_NUMBERS);
    assert_eq!((order.id, order.customer_id), (OrderId(9_223_372_036_854_775_809), Some(ShipstationCustomerId(30_918_827))));
    assert_eq!(
        order.items.iter().map(|item| item.id.unwrap()).collect::<Vec<_>>(),
        [9_007_199_254_740_993, 9_007_199_254_740_994, 9_007_199_254_740_995, 9_007_199_254_740_996]
    );
    assert_eq!(order.items.iter().map(|item| item.quantity).collect::<Vec<_>>(), [100, 10, -1, 0]);
    assert_eq!(order.items.iter().map(|item| text(item.unit_price)).collect::<Vec<_>>(), ["19.990", "0.0125", "0.005", "1000000000000"]);
    assert_eq!(order.items[1].unit_tax.map(text).as_deref(), Some("0.0001"));
    assert_eq!([order.total, order.amount_paid, order.shipping].map(text), ["1999.120", "-0.10", "0"]);
    assert_eq!(order.modified_at, wall("2026-05-05T10:30:00.5"));
}

#[test]
fn adjustments_blank_addresses_and_options() {
    let adjusted = order(ADJUSTMENTS);
    assert_eq!(adjusted.items.iter().map(|item| item.adjustment).collect::<Vec<_>>(), [false, true, true]);
    assert_eq!(
        adjusted.items.iter().map(|item| item.product_id).collect::<Vec<_>>(),
        [Some(ShipstationProductId(44200)), None, None],
        "product 0 is none"
    );
    assert_eq!((adjusted.items[1].sku.as_deref(), text(adjusted.items[1].unit_price)), (None, "-30".to_owned()));
    let fba = order(FBA);
    assert!(fba.externally_fulfilled && fba.bill_to.is_blank() && fba.ship_to.is_blank() && fba.customer_email.is_none());
    let held = order(SHOPIFY_OPTIONS);
    assert_eq!((held.status, held.paid_at), (OrderStatus::OnHold, None));
    assert_eq!((held.customer_username.as_deref(), held.items[0].sku.as_deref()), (Some("7701182"), Some(" TEE-01 ")));
    assert_eq!(held.items[0].name.as_deref(), Some("Tee – 😀 café"));
    let options: Vec<(&str, &str)> = held.items[0].options.iter().map(|option| (option.name.as_str(), option.value.as_str())).collect();
    assert_eq!(options, [("Colour", "Red"), ("Size", "L"), ("Engraving", ""), ("Count", "3")]);
}

#[test]
fn an_order_of_1200_lines() {
    let line = |n: u32| {
        format!(
            r#"{{"orderItemId":{},"sku":"S-{n}","name":"Thing {n}","quantity":{n},"unitPrice":0.{n:04},"options":[],"adjustment":false}}"#,
            10_000_000_000_000_u64 + u64::from(n)
        )
    };
    let items = (1..=1200).map(line).collect::<Vec<_>>().join(",");
    let order = order(&with("/items", Some(&format!("[{items}]"))));
    assert_eq!(order.items.len(), 1200);
    assert_eq!((order.items[1199].quantity, text(order.items[1199].unit_price)), (1200, "0.1200".to_owned()));
}

#[test]
fn unknown_status_and_unknown_fields() {
    assert_eq!(order(&with("/orderStatus", Some("\"processing\""))).status, OrderStatus::Unknown("processing".to_owned()));
    let plain = parse_order(TWO_LINES, None).unwrap();
    let more = parse_order(&with("/somethingNew", Some("{\"a\":[1,{\"b\":null}]}")), None).unwrap();
    assert_eq!(plain.key.digest, more.key.digest);
}

#[test]
fn what_is_missing_or_null() {
    for value in [None, Some("null"), Some("\"\""), Some("\"  \"")] {
        assert_eq!(order(&with("/modifyDate", value)).modified_at, wall("2026-05-04T09:14:31.557"), "createDate stands in");
        assert_eq!(order(&with("/createDate", value)).created_at, None);
        assert_eq!(text(order(&with("/taxAmount", value)).tax), "0");
        assert_eq!(order(&with("/items/0/taxAmount", value)).items[0].unit_tax, None);
        assert_eq!(text(order(&with("/items/0/unitPrice", value)).items[0].unit_price), "0");
        for pointer in ["/orderId", "/orderNumber", "/orderStatus", "/orderTotal", "/items/0/quantity"] {
            let malformed = refused(&with(pointer, value));
            assert_eq!((malformed.pointer.as_str(), malformed.problem.as_str()), (pointer, "missing"));
        }
    }
    for value in [None, Some("null"), Some("[]")] {
        assert!(order(&with("/items", value)).items.is_empty());
        assert!(order(&with("/tagIds", value)).tag_ids.is_empty());
        assert!(order(&with("/items/1/options", value)).items[1].options.is_empty());
        assert!(order(&with("/advancedOptions/mergedIds", value)).merged_ids.is_empty());
    }
    assert_eq!(order(&with("/advancedOptions", None)).store_id, None);
    let neither = with("/modifyDate", None).replace("createDate", "createdOn");
    assert_eq!(refused(&neither).pointer, "/modifyDate");
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    let cases = [
        ("/orderId", "-5"),
        ("/orderId", "1.5"),
        ("/orderId", "[1]"),
        ("/orderId", "\"five\""),
        ("/orderId", "99999999999999999999999"),
        ("/orderNumber", "{}"),
        ("/modifyDate", "12"),
        ("/createDate", "\"2026-02-30\""),
        ("/orderTotal", "1e99"),
        ("/orderTotal", "0.00000000000000000000000000000000000001"),
        ("/orderTotal", "\"12,50\""),
        ("/orderTotal", "\"0x10\""),
        ("/orderTotal", "\".5\""),
        ("/orderTotal", "\"+1\""),
        ("/orderTotal", "\"NaN\""),
        ("/orderTotal", "true"),
        ("/amountPaid", "\"Infinity\""),
        ("/items/0/quantity", "1.5"),
        ("/items/0/quantity", "1e30"),
        ("/items/1/unitPrice", "[]"),
        ("/items/1/orderItemId", "-1"),
        ("/items/0/adjustment", "\"yes\""),
        ("/items/0/options", "\"Red\""),
        ("/items/1/options/0", "\"Red\""),
        ("/items/1/options/0/value", "[1]"),
        ("/items/1/name", "[]"),
        ("/items/1", "5"),
        ("/items", "{}"),
        ("/items/1", "[1,2,3]"),
        ("/shipTo", "\"somewhere\""),
        ("/shipTo", "[]"),
        ("/billTo/name", "[]"),
        ("/tagIds", "5"),
        ("/tagIds/1", "\"x\""),
        ("/advancedOptions", "[]"),
        ("/advancedOptions/storeId", "-1"),
        ("/advancedOptions/mergedIds", "\"1\""),
        ("/advancedOptions/parentId", "{}"),
        ("/externallyFulfilled", "2"),
    ];
    for (pointer, value) in cases {
        let malformed = refused(&with(pointer, Some(value)));
        assert_eq!(malformed.pointer, pointer, "{value}: {}", malformed.problem);
        assert!(malformed.problem.contains(value), "{} quotes {value}", malformed.problem);
        assert_eq!(malformed.order_id.is_some(), pointer != "/orderId");
        assert_eq!(malformed.order_number.is_some(), pointer != "/orderNumber");
        assert!(malformed.modified_at.is_some());
    }
    let twice = TWO_LINES.replacen("\"orderTotal\": 101.46", "\"orderTotal\": 101.46, \"orderTotal\": 5", 1);
    assert_eq!(refused(&twice).pointer, "/orderTotal");
    let twice = TWO_LINES.replacen("\"quantity\": 3", "\"quantity\": 3, \"quantity\": 4", 1);
    assert_eq!(refused(&twice).pointer, "/items/0/quantity");
    for raw in ["[]", "null", "5", "\"order\"", "", "{", "{]", "nonsense"] {
        assert_eq!((refused(raw).pointer.as_str(), refused(raw).order_id), ("", None));
    }
    let long = refused(&with("/shipTo", Some(&format!("\"{}\"", "x".repeat(5000)))));
    assert!(long.problem.len() < 200);
}

/// Members that decide no amount and no identity are read in any form, or left out.
#[test]
fn what_is_no_money_and_no_identity_is_read_liberally() {
    let read = |pointer: &str, value: &str| order(&with(pointer, Some(value)));
    assert_eq!(read("/orderDate", "\"2026-05-04T16:12:09Z\"").ordered().unwrap().to_string(), "2026-05-04T09:12:09");
    assert_eq!(read("/paymentDate", "\"5/4/2026 9:12:09 AM\"").paid().unwrap().to_string(), "2026-05-04T09:12:09");
    for none in
        ["\"soon\"", "\"2026-02-30\"", "\"0001-01-01T00:00:00\"", "\"9999-12-31T23:59:59.9999999\"", "\"1900-01-01T00:00:00\"", "12"]
    {
        let order = read("/paymentDate", none);
        assert_eq!((order.paid(), order.dates_left_out()), (None, vec!["paymentDate"]), "{none}");
    }
    assert_eq!(read("/items/1/options/0/value", "true").items[1].options[0].value, "true");
    assert!(read("/externallyFulfilled", "\"True\"").externally_fulfilled);
    assert!(!read("/externallyFulfilled", "\"false\"").externally_fulfilled);
    assert!(read("/externallyFulfilled", "1").externally_fulfilled);
    let all = order(TWO_LINES);
    let without = read("/items/1", "null");
    assert_eq!(
        without.items,
        all.items.iter().enumerate().filter(|(index, _)| *index != 1).map(|(_, item)| item.clone()).collect::<Vec<_>>()
    );
}

/// Half an emoji, cut by a length limit, must not stop an order.
#[test]
fn half_a_surrogate_pair_is_a_replacement_character() {
    let order = order(&with("/shipTo/name", Some(r#""Mara \ud83d""#)));
    let name = order.ship_to.name.unwrap();
    assert!(name.starts_with("Mara ") && name.contains('\u{fffd}'));
}

#[test]
fn the_hour_of_a_read_resolves_the_repeated_hour() {
    let raw = with("/modifyDate", Some("\"2026-11-01T01:30:00\""));
    let at = |read_at: &str| parse_order(&raw, Some(read_at.parse().unwrap())).unwrap().key.modified_at.to_string();
    assert_eq!(at("2026-11-01T08:40:00Z"), "2026-11-01T08:30:00Z");
    assert_eq!(at("2026-11-01T09:40:00Z"), "2026-11-01T09:30:00Z");
}

fn number() -> impl Strategy<Value = String> {
    ("-?(0|[1-9][0-9]{0,12})", prop::option::of("\\.[0-9]{1,6}"), prop::option::of("[eE][+-]?[0-4]"))
        .prop_map(|(whole, fraction, exponent)| format!("{whole}{}{}", fraction.unwrap_or_default(), exponent.unwrap_or_default()))
}

/// Meaning of a decimal number's text, worked out by hand: digits, and where the point is.
fn meaning(text: &str) -> (i128, i32) {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mantissa: i128 = format!("{whole}{fraction}").parse().unwrap();
    (mantissa, exponent.parse::<i32>().unwrap() - i32::try_from(fraction.len()).unwrap())
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "2026-1[0-2]-0[0-9]T0[0-9]:[0-9]{2}:00".prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        let name = prop::sample::select(vec![
            "orderId",
            "items",
            "orderTotal",
            "shipTo",
            "advancedOptions",
            "options",
            "quantity",
            "name",
            "modifyDate",
            "tagIds",
            "x",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..6).prop_map(|members| members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect::<serde_json::Map<_, _>>()
                .into())
        ]
    })
}

/// Pointers to every value in `value`.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(list) => list.iter().enumerate().for_each(|(n, value)| places(value, &format!("{at}/{n}"), found)),
        Value::Object(members) => members.iter().for_each(|(name, value)| places(value, &format!("{at}/{name}"), found)),
        _ => {}
    }
}

proptest! {
    /// Any JSON number survives exactly, wherever an amount stands.
    #[test]
    fn any_number_text_survives_exactly(text in number(), quoted: bool) {
        let written = if quoted { format!("\"{text}\"") } else { text.clone() };
        let order = order(&with("/orderTotal", Some(&written)));
        let (mantissa, exponent) = meaning(&text);
        let (total, scale) = (order.total, i32::try_from(order.total.scale()).unwrap());
        // mantissa * 10^exponent == total.mantissa * 10^-scale, in integers.
        let shift = exponent + scale;
        let (left, right) = if shift >= 0 { (mantissa * 10_i128.pow(shift.unsigned_abs()), total.mantissa()) } else { (mantissa, total.mantissa() * 10_i128.pow(shift.unsigned_abs())) };
        prop_assert_eq!(left, right);
        prop_assert_eq!(decimal(&text), Some(total));
    }

    #[test]
    fn any_text_is_refused_or_read_and_never_panics(raw in ".{0,200}") {
        let _ = parse_order(&raw, None);
    }

    #[test]
    fn any_json_is_refused_or_read_and_never_panics(value in json()) {
        let _ = parse_order(&value.to_string(), None);
    }

    /// An order with any of its values replaced is read or refused; refused, the pointer leads into the order.
    #[test]
    fn a_mutated_order_is_refused_with_a_pointer_into_it(place in any::<prop::sample::Index>(), value in json()) {
        let mut mutated: Value = serde_json::from_str(TWO_LINES).unwrap();
        let mut all = Vec::new();
        places(&mutated, "", &mut all);
        let at = &all[place.index(all.len())];
        *mutated.pointer_mut(at).unwrap() = value;
        if let Err(malformed) = parse_order(&mutated.to_string(), None) {
            let parent = malformed.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
            prop_assert!(mutated.pointer(parent).is_some(), "{} is not in the order", malformed.pointer);
            prop_assert!(malformed.pointer.starts_with(at.as_str()) || at.starts_with(&malformed.pointer), "{} is not at {at}", malformed.pointer);
        }
    }
}
