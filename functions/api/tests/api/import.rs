//! Sending a file of products.

use api::Grade;
use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::json;
use stevedore_aws::messages::Command;
use stevedore_domain::import::Format;
use stevedore_domain::operation::OperationKind;

use crate::world::{Reply, World, token};

const PATH: &str = "/v1/products/import";

async fn send(world: &World, grade: Grade, media_type: Option<&str>, body: impl Into<Body>) -> Reply {
    let mut request = Request::builder().method(Method::POST).uri(PATH);
    request = request.header(header::AUTHORIZATION, format!("Bearer {}", token(grade)));
    if let Some(media_type) = media_type {
        request = request.header(header::CONTENT_TYPE, media_type);
    }
    world.send(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn a_file_becomes_an_operation_and_a_command() {
    let world = World::new().await;
    let text = "sku,name\nA,Mug\nB,Cup\n";
    let reply = send(&world, Grade::Configure, Some("text/csv; charset=utf-8"), text).await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    let id = "20260131T101500123-import-products";
    assert_eq!(reply.header("location"), format!("/v1/operations/{id}"));
    assert_eq!((&reply.body["kind"], &reply.body["state"]), (&json!("import_products"), &json!("queued")));
    assert_eq!((&reply.body["counts"]["queued"], &reply.body["counts"]["total"]), (&json!(2), &json!(2)));
    assert_eq!(world.get(&format!("/v1/operations/{id}")).await.body, reply.body);
    assert_eq!(world.commands().await, [Command::Run { operation_id: id.into() }]);
    let operation = world.table.operation(&id.into()).await.unwrap().unwrap().value;
    assert_eq!(operation.kind, OperationKind::ImportProducts { format: Format::Csv, rows: 2, chunks: 1, done: 0 });
    assert_eq!(world.table.import_input(&operation.id, 1).await.unwrap().unwrap(), text.as_bytes());
    let lines = send(&world, Grade::Configure, Some("application/x-ndjson"), "{\"sku\": \"A\"}\n").await;
    assert_eq!(lines.body["counts"]["total"], 1);
}

#[tokio::test]
async fn what_cannot_be_read_starts_nothing() {
    let world = World::new().await;
    for (media_type, body, status, code, faults) in [
        (Some("application/json"), &b"{}"[..], 415, "unsupported_media_type", vec![]),
        (None, b"sku\nA\n", 415, "unsupported_media_type", vec![]),
        (Some("text/csv"), b"sku,colour\nA,red\n", 422, "validation_failed", vec![("/1/colour", "unknown_column")]),
        (Some("text/csv"), b"name\nA\n", 422, "validation_failed", vec![("/1", "no_header")]),
        (Some("text/csv"), b"sku\nA\nB\xff\n", 422, "validation_failed", vec![("/3", "not_utf8")]),
        (Some("text/csv"), b"sku\nA\n\"B\n", 422, "validation_failed", vec![("/3", "broken_quotes")]),
        (Some("text/csv"), b"", 422, "validation_failed", vec![("/1", "no_header")]),
        (Some("application/x-ndjson"), b"", 422, "validation_failed", vec![("/1", "no_rows")]),
    ] {
        let reply = send(&world, Grade::Configure, media_type, body.to_vec()).await;
        assert_eq!((reply.code(status), reply.faults()), (code, faults));
    }
    let large = send(&world, Grade::Configure, Some("text/csv"), vec![b'a'; 5_500_001]).await;
    assert_eq!(large.code(413), "body_too_large");
    assert!(large.body["detail"].as_str().unwrap().contains("5500000"));
    assert_eq!(send(&world, Grade::Operate, Some("text/csv"), "sku\nA\n").await.code(403), "forbidden");
    assert_eq!(world.all("/v1/operations", 10).await.len(), 0);
    assert_eq!(world.commands().await, []);
}

#[tokio::test]
async fn an_import_that_cannot_be_queued_is_failed() {
    let world = World::new().await;
    let refused = stevedore_engines::Fault::Error { status: 400, code: "AccessDenied".to_owned() };
    world.engines.faults().fail_next("SendMessage", 1, refused);
    assert_eq!(send(&world, Grade::Configure, Some("text/csv"), "sku,name\nA,x\n").await.code(503), "unavailable");
    let all = world.all("/v1/operations", 10).await;
    assert_eq!((all[0]["state"].as_str(), all[0]["reason"].as_str()), (Some("failed"), Some("not_queued")));
}
