//! The home page's one call, who one is, and what settings may name.

use api::Grade;
use axum::http::Method;
use serde_json::{Value, json};
use stevedore_aws::Pacing;

use crate::captured::capture;
use crate::cost::asked;
use crate::world::{NOW, World};

/// Requests of a look at counts that hold, where there are no operations to be read.
const KEPT: u64 = 6;

fn codes(overview: &Value) -> Vec<&str> {
    overview["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

/// "Is everything all right?", from nothing to all right and back.
#[tokio::test]
async fn the_overview_says_what_is_not_all_right_and_what_to_do() {
    let world = World::new().await;
    let overview = world.get("/v1/overview").await.ok();
    assert_eq!(codes(&overview), ["not_connected", "tax_mapping_unfinished", "no_default_location"]);
    assert_eq!((&overview["next_run_at"], &overview["last_run"], &overview["requests"]), (&Value::Null, &Value::Null, &Value::Null));
    assert!(overview["findings"].as_array().unwrap().iter().all(|finding| finding["message"].as_str().unwrap().ends_with('.')));

    world.connect().await;
    let location = world.post("/v1/locations", json!({"name": "Reno"})).await.ok()["id"].clone();
    let rule = world.post("/v1/tax_rules", json!({"name": "Tax"})).await.ok()["id"].clone();
    let settings = json!({"location_map": {"default": location}, "tax": {"default_rule": rule}, "time_zone": "America/New_York"});
    world.put("/v1/settings", "\"0\"", settings.clone()).await.ok();
    let overview = world.get("/v1/overview").await.ok();
    assert_eq!(codes(&overview), [""; 0]);
    assert_eq!((&overview["connection"]["state"], &overview["by"]), (&json!("connected"), &json!("local")));
    assert!(overview["next_run_at"].is_string());

    capture(&world, 1, "blocked").await;
    capture(&world, 2, "failed").await;
    capture(&world, 3, "booked").await;
    world.table.put_pacing(&Pacing { limit: 40, remaining: 31, resets_at: NOW.parse().unwrap() }).await.unwrap();
    let overview = world.get("/v1/overview").await.ok();
    assert_eq!(codes(&overview), ["orders_blocked", "orders_failed"]);
    assert_eq!(
        (&overview["orders_today"], &overview["blocked"]),
        (&json!({"count": 3, "more": false}), &json!({"count": 1, "more": false}))
    );
    // N19: the minute is over, so nothing of the limit is used.
    assert_eq!(overview["requests"]["used"], 0);
    let later = "2026-01-31T10:16:00Z".parse().unwrap();
    world.table.put_pacing(&Pacing { limit: 40, remaining: 31, resets_at: later }).await.unwrap();
    assert_eq!(world.get("/v1/overview").await.ok()["requests"]["used"], 9);

    let mut paused = settings;
    paused["paused"] = json!(true);
    world.put("/v1/settings", "*", paused).await.ok();
    let overview = world.get("/v1/overview").await.ok();
    assert_eq!((codes(&overview)[0], &overview["next_run_at"]), ("paused", &Value::Null));
}

/// Counts read their index up to a bound, and say so.
#[tokio::test]
async fn counts_stop_at_their_bound() {
    let world = World::new().await;
    for order in 1..=5 {
        capture(&world, order, "blocked").await;
    }
    let count = world.table.count_log_state(stevedore_domain::log::LogState::Blocked, 3).await.unwrap();
    assert_eq!((count.count, count.more), (3, true));
}

#[tokio::test]
async fn n29_one_is_told_who_one_is() {
    let world = World::new().await;
    for (grade, permissions) in [(Grade::Read, 1), (Grade::Operate, 2), (Grade::Configure, 3)] {
        let me = world.call(grade, Method::GET, "/v1/me", &[], None).await.ok();
        assert_eq!(me["permissions"].as_array().unwrap().len(), permissions);
        assert_eq!((&me["time_zone"], &me["currency"], &me["by"]), (&json!("UTC"), &json!("USD"), &json!("local")));
    }
}

#[tokio::test]
async fn the_choices_hold_what_the_settings_name() {
    let world = World::new().await;
    let customer = world.post("/v1/customers", json!({"name": "Counter"})).await.ok()["id"].clone();
    world.post("/v1/accounts", json!({"name": "Bank", "kind": "asset", "receives_payments": true})).await.ok();
    let choices = world.get("/v1/settings/choices").await.ok();
    assert_eq!(choices["customers"], json!([{"id": customer, "name": "Counter"}]));
    assert_eq!((&choices["accounts"][0]["name"], &choices["accounts"][0]["receives_payments"]), (&json!("Bank"), &json!(true)));
    let zones = choices["time_zones"].as_array().unwrap();
    assert!(zones.contains(&json!("Europe/London")) && zones.contains(&json!("America/New_York")));
}

/// Counts that were made hold while nothing happens: a look reads them. After an act of a person, after an operation, while something is queued and after a while they
/// are made anew.
#[tokio::test]
async fn kept_counts_are_made_anew_when_something_was_done() {
    let world = World::new().await;
    let later = async |minutes: i64| world.hands.advance_minutes(minutes);
    let looked = async || (asked(&world, "/v1/overview").await, world.get("/v1/overview").await.ok()["blocked"]["count"].clone());
    capture(&world, 1, "blocked").await;
    let (first, blocked) = looked().await;
    assert!(first > 60 && blocked == 1, "{first}");
    // Written past the API and every operation, which nothing does: a kept count is as it was.
    capture(&world, 2, "blocked").await;
    assert_eq!(looked().await, (KEPT, json!(1)));
    later(7).await;
    assert_eq!(looked().await.1, 2, "they are old");
    // An act; for a minute an index may not show what it did.
    world.call(Grade::Operate, Method::DELETE, "/v1/log/2", &[], None).await.ok();
    assert_eq!(looked().await.1, 1);
    assert!(looked().await.0 > 60, "made within a minute of the act");
    later(2).await;
    assert!(looked().await.0 > 60);
    assert_eq!(looked().await.0, KEPT);
    // A message on its way, and an operation that is open.
    world.queues.send_orders(&["{}".to_owned()]).await.unwrap();
    assert!(looked().await.0 > 60 && looked().await.0 > 60);
}

/// A tick keeps counts that somebody looked at, and those alone.
#[tokio::test]
async fn counts_that_another_process_made_are_found() {
    let world = World::new().await;
    assert_eq!(world.table.tally().await.unwrap(), None);
    let midnight = "2026-01-31T00:00:00Z".parse().unwrap();
    let now = NOW.parse().unwrap();
    let made = world.table.count_anew(midnight, now).await.unwrap();
    assert_eq!(world.table.tally().await.unwrap().as_ref(), Some(&made));
    assert_eq!(asked(&world, "/v1/overview").await, KEPT);
    // Another day's are none.
    world.table.count_anew(midnight - jiff::SignedDuration::from_hours(24), now).await.unwrap();
    assert!(asked(&world, "/v1/overview").await > 60);
}
