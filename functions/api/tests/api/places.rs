//! Places of business: the tax rules that they make (S64, S65, N10).

use axum::http::StatusCode;
use serde_json::{Value, json};
use stevedore_aws::messages::Command;

use crate::world::{Reply, World};

const PLACES: &str = "/v1/tax_rules/places_of_business";

/// The rules of an answer, whether they were made or there already.
fn rules(reply: &Reply) -> &[Value] {
    assert!(reply.status.is_success(), "{}", reply.body);
    reply.body["items"].as_array().unwrap()
}

fn names(items: &[Value]) -> Vec<&str> {
    items.iter().map(|rule| rule["name"].as_str().unwrap()).collect()
}

/// S64, S65: three rules, each with its place and its components; orders that wait are looked at again.
#[tokio::test]
async fn s64_s65_a_zip_makes_the_rules_of_its_place() {
    let world = World::new().await;
    let reply = world.post(PLACES, json!({"zip": "89501"})).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.body);
    let rules = rules(&reply);
    assert_eq!(names(rules), ["Nevada", "Nevada, Washoe County", "Nevada, Washoe County, Reno"]);
    assert_eq!(rules[1]["place"], json!({"state": "NV", "county": "Washoe County", "city": null}));
    let component = |name: &str| json!({"name": name, "percent": "0", "account": null});
    assert_eq!(rules[2]["components"], json!([component("State"), component("County"), component("City")]));
    assert_eq!(world.commands().await, [Command::ProcessPending { operation_id: None, order_ids: None }]);
    for rule in rules {
        assert_eq!(world.get(&format!("/v1/tax_rules/{}", rule["id"].as_str().unwrap())).await.body, *rule);
    }
    assert_eq!(world.all("/v1/tax_rules", 2).await.len(), 3);
}

/// S65: the same place again changes nothing, whatever was edited; another place of the state adds what is missing.
#[tokio::test]
async fn s65_adding_it_again_is_the_same() {
    let world = World::new().await;
    let first = world.post(PLACES, json!({"zip": "89501"})).await;
    let city = rules(&first)[2].clone();
    let path = format!("/v1/tax_rules/{}", city["id"].as_str().unwrap());
    let components = json!([{"name": "State", "percent": "4.6"}, {"name": "County", "percent": 3.665}, {"name": "City", "percent": "0"}]);
    // Who knows name and components alone does not take the place away.
    let edited = world.put(&path, "\"1\"", json!({"name": "Reno", "components": components})).await.ok();
    assert_eq!((&edited["place"], &edited["components"][1]["percent"]), (&city["place"], &json!("3.665")));
    world.commands().await;
    let again = world.post(PLACES, json!({"zip": "89501-0001", "city": "reno"})).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(rules(&again)[2], edited);
    assert_eq!(world.commands().await, []);
    let other = world.post(PLACES, json!({"zip": "89101"})).await;
    assert_eq!(other.status, StatusCode::CREATED);
    assert_eq!(names(rules(&other)), ["Nevada", "Nevada, Clark County", "Nevada, Clark County, Las Vegas"]);
    assert_eq!(rules(&other)[0], rules(&first)[0]);
    assert_eq!(world.all("/v1/tax_rules", 50).await.len(), 5);
    // Two callers at once make each rule once.
    let (a, b) = tokio::join!(world.post(PLACES, json!({"zip": "07102"})), world.post(PLACES, json!({"zip": "07102"})));
    assert_eq!(rules(&a), rules(&b));
    assert_eq!(world.all("/v1/tax_rules", 50).await.len(), 8);
}

/// S65: a rule of the merchant's own keeps its name, and the place's gets another; percents stay between 0 and 100.
#[tokio::test]
async fn s65_names_are_unique_and_percents_bounded() {
    let world = World::new().await;
    let own = world.post("/v1/tax_rules", json!({"name": "nevada"})).await.ok();
    let made = world.post(PLACES, json!({"zip": "89501"})).await;
    assert_eq!(names(rules(&made))[0], "Nevada (place of business)");
    assert_ne!(rules(&made)[0]["id"], own["id"]);
    let path = format!("/v1/tax_rules/{}", rules(&made)[0]["id"].as_str().unwrap());
    for percent in ["100.01", "-0.1"] {
        let body = json!({"name": "Nevada state", "components": [{"name": "State", "percent": percent}]});
        assert_eq!(world.put(&path, "\"1\"", body).await.faults(), [("/components/0/percent", "out_of_range")]);
    }
}

/// S65: a place is not written by hand; it may be sent back, and taken away.
#[tokio::test]
async fn s65_a_place_is_read_only() {
    let world = World::new().await;
    let place = json!({"state": "NV", "county": null, "city": null});
    let reply = world.post("/v1/tax_rules", json!({"name": "x", "place": place})).await;
    assert_eq!(reply.faults(), [("/place", "read_only")]);
    let rule = rules(&world.post(PLACES, json!({"zip": "89501"})).await)[0].clone();
    let path = format!("/v1/tax_rules/{}", rule["id"].as_str().unwrap());
    let mut other = rule.clone();
    other["place"]["state"] = json!("CA");
    assert_eq!(world.put(&path, "\"1\"", other).await.faults(), [("/place", "read_only")]);
    assert_eq!(world.put(&path, "\"1\"", rule.clone()).await.ok(), rule);
    let mut without = rule.clone();
    without["place"] = Value::Null;
    assert_eq!(world.put(&path, "\"2\"", without.clone()).await.ok(), without);
    // Adding the place of business again gives it back.
    let again = world.post(PLACES, json!({"zip": "89501"})).await;
    assert_eq!((again.status, &rules(&again)[0]), (StatusCode::CREATED, &rule));
}

/// S64: an address that is no place in the United States is refused with a reason; a ZIP without a known county makes one rule.
#[tokio::test]
async fn s64_bad_places_are_refused() {
    let world = World::new().await;
    for (body, fault) in [
        (json!({}), ("/zip", "required")),
        (json!({"zip": 89501}), ("/zip", "wrong_type")),
        (json!({"zip": "00000"}), ("/zip", "unknown_zip")),
        (json!({"zip": "SW1A 1AA"}), ("/zip", "unknown_zip")),
        (json!({"zip": "89501", "city": "Las Vegas"}), ("/city", "unknown_city")),
        (json!({"zip": "89501", "county": "Washoe"}), ("/county", "unknown_member")),
        (json!({"zip": "89501", "state": "California"}), ("/state", "other_state")),
        (json!({"zip": "89501", "state": "Nowhere"}), ("/state", "other_state")),
        (json!({"zip": "89501", "country": "CA"}), ("/country", "not_in_the_united_states")),
        (json!({"zip": "89501", "street1": ""}), ("/street1", "blank")),
    ] {
        let reply = world.post(PLACES, body.clone()).await;
        assert_eq!((reply.code(422), reply.faults()), ("validation_failed", vec![fault]), "{body}");
    }
    assert_eq!(world.all("/v1/tax_rules", 50).await.len(), 0);
    assert_eq!(names(rules(&world.post(PLACES, json!({"zip": "96910"})).await)), ["Guam"]);
}

/// S64: the whole address is taken, ZIP first, and kept with the narrowest rule of the place; what the ZIP says is filled in.
#[tokio::test]
async fn s64_a_place_of_business_takes_a_whole_address() {
    let world = World::new().await;
    let whole = json!({"zip": "89501", "company": "Mugs Inc", "street1": "1 Main St", "street2": "Suite 2", "city": "reno", "state": "nevada",
        "country": "US", "phone": "775 555 0100", "name": "Ann"});
    let first = world.post(PLACES, whole.clone()).await;
    assert_eq!(first.status, StatusCode::CREATED);
    let kept = json!({"name": "Ann", "company": "Mugs Inc", "street1": "1 Main St", "street2": "Suite 2", "street3": null, "city": "Reno", "state": "NV",
        "postal_code": "89501", "country": "US", "phone": "775 555 0100"});
    let addresses = |reply: &Reply| rules(reply).iter().map(|rule| rule["addresses"].clone()).collect::<Vec<_>>();
    assert_eq!(addresses(&first), [json!([]), json!([]), json!([kept])]);
    // The same again changes nothing; a ZIP alone keeps what is there.
    for body in [whole, json!({"zip": "89501"})] {
        let again = world.post(PLACES, body).await;
        assert_eq!((again.status, addresses(&again)[2].as_array().unwrap().len()), (StatusCode::OK, 1));
    }
    // A second one of the city stands beside it, from a ZIP and a street alone.
    let second = world.post(PLACES, json!({"zip": "89501", "street1": "2 Main St"})).await;
    assert_eq!(second.status, StatusCode::CREATED);
    let both = &addresses(&second)[2];
    assert_eq!(
        (&both[0], &both[1]["street1"], &both[1]["city"], &both[1]["state"]),
        (&kept, &json!("2 Main St"), &json!("Reno"), &json!("NV"))
    );
    // They are sent back as they are, stay where they are left out, and are not written by hand.
    let city = rules(&second)[2].clone();
    let path = format!("/v1/tax_rules/{}", city["id"].as_str().unwrap());
    assert_eq!(world.put(&path, "*", city.clone()).await.ok(), city);
    let named = world.put(&path, "*", json!({"name": "Reno", "components": city["components"]})).await.ok();
    assert_eq!(named["addresses"], *both);
    let mut other = city.clone();
    other["addresses"][0]["city"] = json!("Sparks");
    assert_eq!(world.put(&path, "*", other).await.faults(), [("/addresses", "read_only")]);
    // Twenty of one city are enough.
    for number in 3..=20 {
        assert_eq!(world.post(PLACES, json!({"zip": "89501", "street1": format!("{number} Main St")})).await.status, 201, "{number}");
    }
    let many = world.post(PLACES, json!({"zip": "89501", "street1": "21 Main St"})).await;
    assert_eq!((many.code(422), many.faults()), ("validation_failed", vec![("/zip", "too_many")]));
}
