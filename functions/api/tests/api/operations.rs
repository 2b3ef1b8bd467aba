//! Starting and watching operations.

use serde_json::json;
use stevedore_aws::messages::Command;
use stevedore_domain::ids::{OperationId, OrderId};
use stevedore_domain::log::Outcome;
use stevedore_domain::operation::{OperationRow, OperationState, QueuedRevision};
use stevedore_domain::reason::Reason;

use crate::captured::capture;
use crate::world::{NOW, World};

/// S114, S153: a load is an operation that can be watched, and a command.
#[tokio::test]
async fn s114_loading_orders_is_an_operation_and_a_command() {
    let world = World::new().await;
    world.connect().await;
    let reply = world.post("/v1/operations", json!({"kind": "load_orders", "from": "2026-01-30"})).await;
    assert_eq!(reply.status, 202);
    assert_eq!(reply.header("location"), "/v1/operations/20260131T101500123-load-orders");
    let expected = json!({
        "id": "20260131T101500123-load-orders", "kind": "load_orders", "from": "2026-01-30", "trigger": "manual", "by": "local", "window": null,
        "state": "queued", "requests_used": 0, "started_at": NOW, "finished_at": null, "duration_ms": null, "reason": null, "message": null,
        "counts": {"captured": 0, "updated": 0, "unchanged": 0, "skipped": 0, "waiting": 0, "cancelled": 0, "refunded": 0, "failed": 0,
            "queued": 0, "total": 0},
    });
    assert_eq!(reply.body, expected);
    let id = OperationId::from("20260131T101500123-load-orders");
    assert_eq!(world.commands().await, [Command::Run { operation_id: id }]);
    assert_eq!(world.get("/v1/operations/20260131T101500123-load-orders").await.ok(), expected);
    // In the same millisecond another id is taken.
    let second = world.post("/v1/operations", json!({"kind": "load_orders", "from": "2026-01-30"})).await.ok();
    assert_eq!(second["id"], "20260131T101500123-load-orders-2");
    let by_number = world.post("/v1/operations", json!({"kind": "load_order", "order_number": " 1001 "})).await.ok();
    // As it was asked: a channel may write blanks around a number, and the load tries it so first.
    assert_eq!(by_number["order_number"], " 1001 ");
    let sent = world.commands().await;
    assert!(matches!(&sent[1], Command::Run { .. }), "{sent:?}");
    assert_eq!(world.all("/v1/operations", 2).await.len(), 3);
}

/// S115: at most one year back and not in the future, by the merchant's own clock.
#[tokio::test]
async fn s115_older_and_future_days_are_refused() {
    let world = World::new().await;
    world.connect().await;
    for (zone, from, fault) in [
        ("UTC", "2026-02-01", Some("in_the_future")),
        ("UTC", "2026-01-31", None),
        ("UTC", "2025-01-31", None),
        ("UTC", "2025-01-30", Some("more_than_one_year_back")),
        // 10:15 UTC is already the 1st of February on Kiritimati (UTC+14), and still the 30th of January in Pago Pago (UTC-11).
        ("Pacific/Kiritimati", "2026-02-01", None),
        ("Pacific/Kiritimati", "2025-01-31", Some("more_than_one_year_back")),
        ("Pacific/Pago_Pago", "2026-01-31", Some("in_the_future")),
        ("Pacific/Pago_Pago", "2025-01-30", None),
        ("UTC", "2026-02-30", Some("invalid_date")),
        ("UTC", "yesterday", Some("invalid_date")),
    ] {
        let etag = world.get("/v1/settings").await.header("etag").to_owned();
        world.put("/v1/settings", &etag, json!({"time_zone": zone})).await.ok();
        world.commands().await;
        let reply = world.post("/v1/operations", json!({"kind": "load_orders", "from": from})).await;
        match fault {
            None => assert_eq!(reply.status, 202, "{zone} {from}: {}", reply.body),
            Some(code) => {
                assert_eq!(reply.code(422), "validation_failed");
                assert_eq!(reply.faults(), [("/from", code)], "{zone} {from}");
                assert_eq!(world.commands().await, []);
            }
        }
    }
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let world = World::new().await;
    let body = json!({"kind": "load_order", "order_number": "1"});
    assert_eq!(world.post("/v1/operations", body.clone()).await.code(409), "not_connected");
    world.connect().await;
    for kind in ["load_products", "download", "process_pending", "dance"] {
        let reply = world.post("/v1/operations", json!({"kind": kind, "anything": 1})).await;
        assert_eq!(reply.code(422), "kind_not_supported");
        assert_eq!(reply.faults(), [("/kind", "not_supported")]);
    }
    for (body, faults) in [
        (json!({}), vec![("/kind", "required")]),
        (json!({"kind": 7}), vec![("/kind", "wrong_type")]),
        (json!({"kind": "load_orders"}), vec![("/from", "required")]),
        (
            json!({"kind": "load_order", "order_number": "", "from": "2026-01-01"}),
            vec![("/order_number", "blank"), ("/from", "unknown_member")],
        ),
        (json!({"kind": "load_order", "order_number": "x".repeat(300)}), vec![("/order_number", "too_long")]),
        (json!({"kind": "load_order", "order_number": 1001}), vec![("/order_number", "wrong_type")]),
    ] {
        let reply = world.post("/v1/operations", body).await;
        assert_eq!(reply.code(422), "validation_failed");
        assert_eq!(reply.faults(), faults);
    }
    assert_eq!(world.all("/v1/operations", 10).await.len(), 0);
}

#[tokio::test]
async fn an_operation_that_cannot_be_queued_is_failed() {
    let world = World::new().await;
    world.connect().await;
    let refused = stevedore_engines::Fault::Error { status: 400, code: "AccessDenied".to_owned() };
    world.engines.faults().fail_next("SendMessage", 1, refused);
    let reply = world.post("/v1/operations", json!({"kind": "load_order", "order_number": "1"})).await;
    assert_eq!(reply.code(503), "unavailable");
    let all = world.all("/v1/operations", 10).await;
    assert_eq!((all[0]["state"].as_str(), all[0]["reason"].as_str()), (Some("failed"), Some("not_queued")));
    assert_eq!((&all[0]["finished_at"], &all[0]["duration_ms"]), (&json!(NOW), &json!(0)));
}

/// S154, P2: the rows are the orders that were not plainly captured, and the counts add up.
#[tokio::test]
async fn s154_rows_and_counts() {
    let world = World::new().await;
    world.connect().await;
    let id =
        world.post("/v1/operations", json!({"kind": "load_orders", "from": "2026-01-30"})).await.ok()["id"].as_str().unwrap().to_owned();
    let stored = world.table.operation(&id.as_str().into()).await.unwrap().unwrap();
    let mut operation = stored.value;
    let row = |order: u64, outcome, reason| OperationRow::decided(OrderId(order), &format!("N{order}"), outcome, reason);
    let mut rows = vec![
        row(1, Outcome::Captured, None),
        row(2, Outcome::Skipped, Some(Reason::ExcludedStore)),
        row(3, Outcome::Waiting, Some(Reason::AwaitingPayment)),
        row(4, Outcome::Captured, None),
    ];
    let key = capture(&world, 5, "booked").await;
    rows.push(OperationRow { outcome: None, queued: Some(QueuedRevision::new(&key, None)), ..row(5, Outcome::Captured, None) });
    rows.push(OperationRow {
        order_id: None,
        order_number: None,
        evidence: Some("<html>".to_owned()),
        ..row(6, Outcome::Failed, Some(Reason::MalformedOrder))
    });
    operation.pages = world.table.put_operation_rows(&operation.id, 0, &rows).await.unwrap();
    operation.state = OperationState::Processing;
    operation.requests = 7;
    operation.read_at = Some(NOW.parse().unwrap());
    world.table.put_operation(&operation, stored.version).await.unwrap();
    // The list brings it up to date as well.
    let listed = &world.all("/v1/operations", 10).await[0];
    let shown = world.get(&format!("/v1/operations/{id}")).await.ok();
    assert_eq!(*listed, shown);
    assert_eq!(
        crate::cost::asked(&world, &format!("/v1/operations/{id}")).await,
        1,
        "what is settled is one read, however many rows it has"
    );
    assert_eq!((&shown["state"], &shown["requests_used"], &shown["counts"]["total"]), (&json!("completed"), &json!(7), &json!(6)));
    let counts = shown["counts"].as_object().unwrap();
    let sum: u64 = counts.iter().filter(|(name, _)| *name != "total").map(|(_, count)| count.as_u64().unwrap()).sum();
    assert_eq!(sum, 6);
    let path = format!("/v1/operations/{id}/rows");
    let rows = world.all(&path, 2).await;
    let expected = json!({"order_id": 2, "order_number": "N2", "outcome": "skipped", "reason": "excluded_store",
        "message": Reason::ExcludedStore.advice(), "evidence": null});
    assert_eq!(rows[0], expected);
    assert_eq!(rows.iter().map(|row| row["order_id"].as_u64()).collect::<Vec<_>>(), [Some(2), Some(3), Some(5), None]);
    assert_eq!(rows[3]["evidence"], "<html>");
    assert_eq!(world.get(&format!("{path}?page_token=eHg")).await.code(400), "invalid_page_token");
    assert_eq!(world.get("/v1/operations/nope").await.code(404), "not_found");
    assert_eq!(world.get("/v1/operations/nope/rows").await.code(404), "not_found");
}
