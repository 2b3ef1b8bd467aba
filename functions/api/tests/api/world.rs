//! One API with everything that it works with, and a client. Each answer is held against the OpenAPI document, and no answer may show a secret.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};

use api::{Access, Deps, Grade};
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};
use stevedore_aws::messages::Command;
use stevedore_aws::{ClientOptions, Clients, QueueSettings, Queues, Secrets, Table, create_queues, create_table};
use stevedore_engines::{EngineOptions, Engines};
use stevedore_sandbox::{Sandbox, SandboxOptions, Serving};
use stevedore_tests::last_calls::{LastCalls, beginning};
use tower::ServiceExt as _;

/// A Saturday, 10:15 in UTC, 02:15 in Los Angeles.
pub(crate) const NOW: &str = "2026-01-31T10:15:00.123Z";
pub(crate) const KEY: &str = "sandbox-key";
pub(crate) const SECRET: &str = "sandbox-secret";
pub(crate) const ROTATED: [&str; 2] = ["another-key-0815", "another-secret-0816"];

/// The document as the API serves it.
pub(crate) static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(api::openapi()).unwrap());

/// A clock that stands still, or moves on by a step each time that it is read.
#[derive(Clone)]
pub(crate) struct Hands {
    now: Arc<AtomicI64>,
    step: Arc<AtomicI64>,
}

impl Hands {
    fn new() -> Self {
        let now = NOW.parse::<Timestamp>().unwrap().as_millisecond();
        Self { now: Arc::new(AtomicI64::new(now)), step: Arc::new(AtomicI64::new(0)) }
    }

    pub(crate) fn step_by(&self, milliseconds: i64) {
        self.step.store(milliseconds, Ordering::SeqCst);
    }

    pub(crate) fn advance_minutes(&self, minutes: i64) {
        self.now.fetch_add(minutes * 60_000, Ordering::SeqCst);
    }

    fn clock(&self) -> Arc<dyn Fn() -> Timestamp + Send + Sync> {
        let hands = self.clone();
        Arc::new(move || Timestamp::from_millisecond(hands.now.fetch_add(hands.step.load(Ordering::SeqCst), Ordering::SeqCst)).unwrap())
    }
}

pub(crate) struct World {
    pub(crate) engines: Engines,
    pub(crate) sandbox: Sandbox,
    pub(crate) hands: Hands,
    pub(crate) table: Table,
    pub(crate) queues: Queues,
    pub(crate) secrets: Secrets,
    pub(crate) router: axum::Router,
    /// Told where a test fails.
    last_calls: LastCalls,
    _serving: Serving,
}

pub(crate) struct Reply {
    /// Method and path of the call.
    pub(crate) asked: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.headers)).to_str().unwrap()
    }

    /// The call, what it was answered, and the beginning of that: what a failure of a test says.
    fn told(&self) -> String {
        format!("{} answered {}: {}", self.asked, self.status, beginning(&self.body.to_string()))
    }

    /// The problem's code; the status is checked along the way.
    pub(crate) fn code(&self, status: u16) -> &str {
        assert_eq!(self.status, status, "{}", self.told());
        self.body["code"].as_str().unwrap_or_else(|| panic!("no code: {}", self.told()))
    }

    /// The pointers and codes of the members at fault.
    pub(crate) fn faults(&self) -> Vec<(&str, &str)> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap())).collect()
    }

    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "{}", self.told());
        self.body
    }

    pub(crate) fn items(&self) -> &[Value] {
        assert!(self.status.is_success(), "{}", self.told());
        self.body["items"].as_array().unwrap_or_else(|| panic!("no items: {}", self.told()))
    }
}

pub(crate) fn token(grade: Grade) -> &'static str {
    match grade {
        Grade::Read => "token-of-a-reader",
        Grade::Operate => "token-of-an-operator",
        Grade::Configure => "token-of-a-configurer",
    }
}

fn tokens() -> Access {
    Access::Tokens(Grade::ALL.map(|grade| (token(grade).to_owned().into(), grade)).to_vec())
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(tokens()).await
    }

    pub(crate) async fn with(access: Access) -> Self {
        let hands = Hands::new();
        // The same calls may be made to a table that behaves as under load.
        let lag = std::env::var("STEVEDORE_LAG").ok().map(|seed| seed.parse().unwrap());
        let engines = Engines::start(EngineOptions { lag, ..EngineOptions::in_memory(hands.clock()) }).await.unwrap();
        let clients = Clients::at_endpoint(engines.endpoint(), ClientOptions::default());
        create_table(&clients, "stevedore").await.unwrap();
        let urls = create_queues(&clients, &QueueSettings::default()).await.unwrap();
        let options = SandboxOptions { requests_per_minute: None, ..SandboxOptions::new(hands.clock()) };
        let sandbox = Sandbox::generated(SandboxOptions { orders: 3, ..options });
        let serving = sandbox.serve(0).await.unwrap();
        let http = stevedore_shipstation::http_client().unwrap();
        let mut shipstation = stevedore_shipstation::ClientOptions::new(serving.base_url(), http, hands.clock());
        // Waiting for a better ShipStation takes no time here.
        shipstation.sleep = Arc::new(|_| Box::pin(std::future::ready(())));
        let table = Table::new(&clients, "stevedore");
        let queues = Queues::new(&clients, urls);
        let secrets = Secrets::new(&clients, "stevedore/shipstation");
        // Empty, as the template makes it.
        secrets.clear().await.unwrap();
        // The API itself works under the role that the template gives it.
        let interceptors = vec![stevedore_tests::role::role_of("Api")];
        let own = Clients::at_endpoint(engines.endpoint(), ClientOptions { interceptors, ..ClientOptions::default() });
        let deps = Deps {
            table: Table::new(&own, "stevedore"),
            queues: Queues::new(&own, queues.urls().clone()),
            secrets: Secrets::new(&own, "stevedore/shipstation"),
            shipstation: stevedore_shipstation::Client::new(shipstation),
            clock: hands.clock(),
            access,
            sign_in: None,
        };
        let router = api::router(Arc::new(deps));
        Self { engines, sandbox, hands, table, queues, secrets, router, last_calls: LastCalls::default(), _serving: serving }
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        if method == Method::GET {
            // People look at lists when they are whole.
            self.engines.indexes().catch_up();
        }
        let asked = format!("{method} {}", request.uri());
        let (head, body) = request.into_parts();
        let sent = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let shown = String::from_utf8_lossy(&sent).into_owned();
        let response = self.router.clone().oneshot(Request::from_parts(head, Body::from(sent))).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        self.last_calls.note(&asked, &shown, parts.status, &text);
        for secret in [KEY, SECRET, ROTATED[0], ROTATED[1]] {
            assert!(!text.contains(secret), "{asked} shows a secret: {}", beginning(&text));
        }
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{asked} answered no JSON: {}", beginning(&text)))
        };
        let reply = Reply { asked, status: parts.status, headers: parts.headers, body };
        check(&method, &path, &reply);
        reply
    }

    pub(crate) async fn call(&self, grade: Grade, method: Method, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Reply {
        let mut request = Request::builder().method(method).uri(path).header(header::AUTHORIZATION, format!("Bearer {}", token(grade)));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call(Grade::Read, Method::GET, path, &[], None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.call(Grade::Configure, Method::POST, path, &[], Some(&body)).await
    }

    pub(crate) async fn put(&self, path: &str, etag: &str, body: Value) -> Reply {
        self.call(Grade::Configure, Method::PUT, path, &[("if-match", etag)], Some(&body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Reply {
        self.call(Grade::Configure, Method::PATCH, path, &[], Some(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str, body: Option<Value>) -> Reply {
        self.call(Grade::Configure, Method::DELETE, path, &[], body.as_ref()).await
    }

    pub(crate) async fn connect(&self) -> Value {
        self.post("/v1/connection", json!({"api_key": KEY, "api_secret": SECRET})).await.ok()
    }

    /// Commands that were sent to the queue since this was last asked.
    pub(crate) async fn commands(&self) -> Vec<Command> {
        let url = &self.queues.urls().commands;
        let mut commands = Vec::new();
        for _ in 0..1_000 {
            let messages = self.queues.receive(url, 0).await.unwrap();
            if messages.is_empty() {
                return commands;
            }
            commands.extend(messages.iter().map(|message| Command::decode(&message.body).unwrap()));
            let handles: Vec<String> = messages.into_iter().map(|message| message.receipt_handle).collect();
            self.queues.delete(url, &handles).await.unwrap();
        }
        panic!("the commands queue has no end");
    }

    /// Follows a list to its end with pages of `limit`.
    pub(crate) async fn all(&self, path: &str, limit: usize) -> Vec<Value> {
        let join = if path.contains('?') { '&' } else { '?' };
        let (mut items, mut token) = (Vec::new(), String::new());
        for _ in 0..1_000 {
            let reply = self.get(&format!("{path}{join}limit={limit}{token}")).await;
            assert!(reply.items().len() <= limit);
            items.extend(reply.items().to_vec());
            match reply.body["next_page_token"].as_str() {
                Some(next) => token = format!("&page_token={next}"),
                None => return items,
            }
        }
        panic!("{path} has no end");
    }
}

/// The path's template in the document.
fn template(path: &str) -> Option<&'static str> {
    let matches = |template: &str| {
        let (a, b): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
        a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a == b || a.starts_with('{'))
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    // A word goes before a parameter.
    paths.keys().map(String::as_str).filter(|template| matches(template)).min_by_key(|template| template.matches('{').count())
}

/// Checks that hold for every answer.
fn check(method: &Method, path: &str, reply: &Reply) {
    let for_anybody = ["/v1/openapi.json", "/v1/panel-configuration"].contains(&path);
    let caching = if for_anybody && reply.status.as_u16() < 400 { "public, max-age=300" } else { "no-store" };
    assert_eq!(reply.header("cache-control"), caching, "{method} {path}");
    if reply.status.as_u16() >= 400 && path != "/v1/health" {
        assert_eq!(reply.header("content-type"), "application/problem+json", "{method} {path}");
        let problem = &reply.body;
        assert_eq!(problem["status"], reply.status.as_u16(), "{method} {path}: {problem}");
        for member in ["type", "title", "detail", "code"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}: {problem}");
        }
    }
    let Some(operation) = template(path).and_then(|template| DOCUMENT["paths"][template].get(method.as_str().to_lowercase())) else {
        return;
    };
    let documented = &operation["responses"][reply.status.as_str()];
    assert!(documented.is_object(), "not documented: {}", reply.told());
    let content = documented["content"].as_object();
    let schema = content.and_then(|content| content.values().next()).map(|content| &content["schema"]);
    if let Some(schema) = schema {
        conform(schema, &reply.body, &format!("{method} {path}"));
    }
}

/// True if a value has the members that a choice asks for, which tells one choice from another.
fn has_required(choice: &Value, value: &Value) -> bool {
    resolved(choice)["required"].as_array().into_iter().flatten().all(|name| value.get(name.as_str().unwrap()).is_some())
}

/// A small part of JSON Schema, as much as the document uses: a value has the members, types and words that its schema states.
fn conform(schema: &Value, value: &Value, place: &str) {
    if let (Some(documented), Some(members)) = (documented(schema), value.as_object()) {
        for name in members.keys() {
            assert!(documented.contains(name.as_str()), "{place}: {name} is not documented");
        }
    }
    conform_part(schema, value, place);
}

/// The schema that a reference leads to.
fn resolved(schema: &Value) -> &Value {
    let Some(reference) = schema["$ref"].as_str() else { return schema };
    let known = &DOCUMENT["components"]["schemas"][reference.trim_start_matches("#/components/schemas/")];
    assert!(known.is_object(), "{reference} leads nowhere");
    known
}

/// The members that an object may have, where the schema lists them.
fn documented(schema: &Value) -> Option<BTreeSet<&str>> {
    let schema = resolved(schema);
    let mut names: BTreeSet<&str> = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        names.extend(documented(part)?);
    }
    (!names.is_empty() && schema.get("additionalProperties").is_none()).then_some(names)
}

fn conform_part(schema: &Value, value: &Value, place: &str) {
    let schema = resolved(schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        conform_part(part, value, place);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let null = choices.iter().any(|choice| choice["type"] == "null");
        if value.is_null() {
            assert!(null, "{place}: null");
        } else {
            let fits = |choice: &&Value| choice["type"] != "null" && has_required(choice, value);
            conform(choices.iter().find(fits).unwrap_or_else(|| panic!("{place}: {value} is none of {choices:?}")), value, place);
        }
        return;
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allowed = match &schema["type"] {
        Value::String(one) => one == kind,
        Value::Array(several) => several.iter().any(|one| one == kind),
        _ => true,
    };
    assert!(allowed, "{place}: {value} is {kind}, the schema says {}", schema["type"]);
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{place}: {value} is not one of {words:?}");
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(value.get(name.as_str().unwrap()).is_some(), "{place}: {name} is missing in {value}");
    }
    if let (Some(properties), Some(members)) = (schema["properties"].as_object(), value.as_object()) {
        for (name, member) in members {
            if let Some(schema) = properties.get(name) {
                conform(schema, member, &format!("{place}/{name}"));
            }
        }
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        for (index, value) in values.iter().enumerate() {
            conform(items, value, &format!("{place}/{index}"));
        }
    }
}
