//! Secrets are in no answer, no log line and no item of the table (N29).

use std::sync::{Arc, Mutex};

use axum::http::Method;
use serde_json::json;
use stevedore_local::Stack;
use tracing_subscriber::fmt::MakeWriter;

use crate::harness::{PATIENCE, options};

/// Keeps every log line of this process.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Kept {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Every item of the table, as DynamoDB shows it to a permitted reader.
fn items(endpoint: &str) -> String {
    let address = endpoint.trim_start_matches("http://").trim_end_matches('/');
    let body = json!({"TableName": "stevedore"}).to_string();
    let (_, answer) = crate::guarded::call(address, address, "DynamoDB_20120810.Scan", &body, Some(&crate::guarded::key_of_tests()));
    assert!(answer.contains("\"Items\"") && answer.contains("api_key_last_four"), "{}", answer.chars().take(600).collect::<String>());
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n29_no_secret_is_in_an_answer_a_log_line_or_an_item() {
    let log = Kept::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(log.clone()).finish();
    // For the whole process, so that log lines of other tests are checked too.
    let heard = tracing::subscriber::set_global_default(subscriber).is_ok();
    let stack = Stack::start(options(None)).await.unwrap();
    let api = stack.api();
    let tokens = api::Grade::ALL.map(|grade| stack.token_of(grade).to_owned());
    let mut heard_answers: Vec<String> = Vec::new();
    let mut hear = |reply: stevedore_local::Reply| heard_answers.push(format!("{} {:?} {}", reply.status, reply.headers, reply.body));

    hear(api.post("/v1/connection", &json!({"api_key": "sandbox-key", "api_secret": "sandbox-secret"})).await.unwrap());
    for body in [
        json!({"api_key": "wrong-key-0815", "api_secret": "wrong-secret-0816"}),
        json!({"api_key": "wrong-key-0815"}),
        json!({"api_key": "sandbox-key", "api_secret": "sandbox-secret"}),
        json!({"api_key": "wrong-key-0815", "api_secret": ["wrong-secret-0816"]}),
    ] {
        hear(api.call(Method::PATCH, "/v1/connection", Some(&body), None).await.unwrap());
    }
    hear(api.post("/v1/operations", &json!({"kind": "load_orders", "from": jiff::Zoned::now().date().to_string()})).await.unwrap());
    stack.tick().await.unwrap();
    stack.wait_until_idle(PATIENCE).await.unwrap();
    let document = api.get("/v1/openapi.json").await.unwrap().body;
    let mut routes = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        if item["get"].is_object() {
            hear(api.get(&path.replace("{order_id}", "1").replace("{id}", "x")).await.unwrap());
            routes += 1;
        }
    }
    assert!(routes > 20);
    let answers = heard_answers.join("\n");
    let items = items(stack.engines().unwrap().endpoint());
    stack.stop().await;

    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(!heard || log.contains("answered"), "nothing was logged");
    let secrets = ["sandbox-key", "sandbox-secret", "wrong-key-0815", "wrong-secret-0816"].map(str::to_owned);
    for secret in secrets.iter().chain(&tokens) {
        for (place, text) in [("answer", &answers), ("log", &log), ("item", &items)] {
            let at = text.find(secret.as_str());
            let around = at.map(|at| text.get(at.saturating_sub(200)..at + 40).map(str::to_owned));
            assert!(at.is_none(), "a secret is in an {place}: {around:?}");
        }
    }
    // Basic credentials are encoded in base64.
    assert!(!log.contains("Basic ") || !log.contains("c2FuZGJveC1rZXk6"), "credentials in a header of a log line");
}
