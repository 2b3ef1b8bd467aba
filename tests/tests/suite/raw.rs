//! Items of the table in DynamoDB's own JSON, so that a test can write the items of an earlier
//! release.

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::world::World;

/// An item by its key, if there is one.
pub async fn item(world: &World, pk: &str, sk: &str) -> Option<Json> {
    let body = json!({"TableName": "stevedore", "Key": key(pk, sk), "ConsistentRead": true});
    call(world, "GetItem", &body).await.get("Item").cloned()
}

/// Puts an item, with or without an existing one.
pub async fn put(world: &World, item: &Json) {
    call(world, "PutItem", &json!({"TableName": "stevedore", "Item": item})).await;
}

/// Removes an item.
pub async fn delete(world: &World, pk: &str, sk: &str) {
    call(world, "DeleteItem", &json!({"TableName": "stevedore", "Key": key(pk, sk)})).await;
}

/// The keys of every item, read from the table itself.
pub async fn keys(world: &World) -> Vec<(String, String)> {
    let mut keys = Vec::new();
    let mut scan = json!({"TableName": "stevedore", "ConsistentRead": true, "ProjectionExpression": "pk, sk"});
    loop {
        let page = call(world, "Scan", &scan).await;
        for item in page["Items"].as_array().unwrap() {
            let part = |name: &str| item[name]["S"].as_str().unwrap().to_owned();
            keys.push((part("pk"), part("sk")));
        }
        match page.get("LastEvaluatedKey") {
            Some(last) => scan["ExclusiveStartKey"] = last.clone(),
            None => return keys,
        }
    }
}

fn key(pk: &str, sk: &str) -> Json {
    json!({"pk": {"S": pk}, "sk": {"S": sk}})
}

/// The embedded engine requires none here. Another engine requires one, and does not check it.
const AUTHORIZATION: &str = "Authorization: AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
    SignedHeaders=host, Signature=0";

async fn call(world: &World, operation: &str, body: &Json) -> Json {
    // A table under load refuses a request at most twice in a row.
    for _ in 0..2 {
        if let Ok(answer) = try_call(world, operation, body).await {
            return answer;
        }
    }
    try_call(world, operation, body).await.unwrap()
}

async fn try_call(world: &World, operation: &str, body: &Json) -> Result<Json, String> {
    let host = world.engines.endpoint().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let body = body.to_string();
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.0\r\n{AUTHORIZATION}\r\n\
         X-Amz-Target: DynamoDB_20120810.{operation}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = tokio::net::TcpStream::connect(&host).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    if !head.starts_with("HTTP/1.1 200") {
        return Err(format!("{operation}: {answer}"));
    }
    assert!(!head.to_lowercase().contains("chunked"), "{head}");
    Ok(serde_json::from_str(body).unwrap())
}
