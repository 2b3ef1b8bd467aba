//! The behavior of DynamoDB, SQS and Secrets Manager on which the system relies, through the real
//! SDK clients.
//!
//! Runs against the embedded engines. Each test has its own, in memory and with a controlled clock.
//! Set `STEVEDORE_CONTRACT_ENDPOINT` to run the same tests against another engine on this machine
//! with these protocols. Time is then real, and [`EXCEPTIONS`] lists the known gaps of that engine.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::float_arithmetic,
    clippy::print_stderr,
    missing_docs
)]

mod durability;
mod faults;
mod lagging;
mod queue_limits;
mod queues;
mod secrets;
mod table_limits;
mod table_reads;
mod tables;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::QueueAttributeName;
use stevedore_engines::{Clock, EngineOptions, Engines};

/// Tests that another engine does not pass, with the reason. The engine is the value of
/// `STEVEDORE_CONTRACT_ENGINE`, or `ministack` if it is not set.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("ministack", "dead_letters_are_moved_back_as_new_messages", "has no StartMessageMoveTask"),
    ("ministack", "a_stale_receipt_handle_deletes_nothing", "answers ReceiptHandleIsInvalid, where SQS says nothing"),
    ("ministack", "numbers_have_their_limits", "takes numbers that are out of range"),
    ("ministack", "keys_have_their_lengths", "takes keys of any length"),
    ("ministack", "a_secret_marked_deleted_keeps_its_name", "answers ResourceExistsException"),
];

/// A clock that only moves when it is set.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn new() -> Self {
        // 2026-01-05T12:00:00Z
        Self(Arc::new(AtomicI64::new(1_767_614_400_000)))
    }

    pub(crate) fn clock(&self) -> Clock {
        let millis = Arc::clone(&self.0);
        Arc::new(move || jiff::Timestamp::from_millisecond(millis.load(Ordering::SeqCst)).unwrap())
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.0.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

/// Clients of one endpoint.
#[derive(Clone)]
pub(crate) struct Clients {
    pub(crate) tables: aws_sdk_dynamodb::Client,
    pub(crate) queues: aws_sdk_sqs::Client,
    pub(crate) secrets: aws_sdk_secretsmanager::Client,
}

impl Clients {
    pub(crate) fn of(endpoint: &str) -> Self {
        Self::with(endpoint, RetryConfig::disabled())
    }

    pub(crate) fn with(endpoint: &str, retry: RetryConfig) -> Self {
        let http = aws_smithy_http_client::Builder::new().build_http();
        // The services' configurations are alike and have no type in common.
        macro_rules! client {
            ($service:ident) => {{
                let config = $service::Config::builder()
                    .behavior_version(BehaviorVersion::latest())
                    .region(Region::new("us-east-1"))
                    .credentials_provider(Credentials::new("test", "test", None, None, "test"))
                    .retry_config(retry.clone())
                    .http_client(http.clone())
                    .endpoint_url(endpoint);
                $service::Client::from_conf(config.build())
            }};
        }
        Self { tables: client!(aws_sdk_dynamodb), queues: client!(aws_sdk_sqs), secrets: client!(aws_sdk_secretsmanager) }
    }
}

/// The engines of one test.
pub(crate) struct Stack {
    pub(crate) engines: Option<Engines>,
    clock: Option<TestClock>,
    pub(crate) clients: Clients,
    unique: String,
}

static COUNT: AtomicU64 = AtomicU64::new(0);

impl Stack {
    /// Returns `None` if the tested engine is known to fail this test.
    pub(crate) async fn start(test: &str) -> Option<Self> {
        let unique = format!("{}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst), test.replace('_', "-"));
        let Ok(endpoint) = std::env::var("STEVEDORE_CONTRACT_ENDPOINT") else {
            let clock = TestClock::new();
            let engines = Engines::start(EngineOptions::in_memory(clock.clock())).await.unwrap();
            let clients = Clients::of(engines.endpoint());
            return Some(Self { engines: Some(engines), clock: Some(clock), clients, unique });
        };
        let engine = std::env::var("STEVEDORE_CONTRACT_ENGINE").unwrap_or_else(|_| "ministack".to_owned());
        if let Some((.., reason)) = EXCEPTIONS.iter().find(|(of, name, _)| *of == engine && *name == test) {
            eprintln!("{test}: left out for {engine}: {reason}");
            return None;
        }
        Some(Self { engines: None, clock: None, clients: Clients::of(&endpoint), unique })
    }

    /// Lets time pass: on the controlled clock, or really.
    pub(crate) async fn pass(&self, seconds: u64) {
        match &self.clock {
            Some(clock) => clock.pass(Duration::from_secs(seconds)),
            None => tokio::time::sleep(Duration::from_millis(seconds * 1_000 + 200)).await,
        }
    }

    /// A name that no other test uses.
    pub(crate) fn name(&self, what: &str) -> String {
        let name = format!("{what}-{}", self.unique);
        name.chars().take(80).collect()
    }

    /// Creates a queue; returns its URL.
    pub(crate) async fn queue(&self, what: &str, attributes: &[(QueueAttributeName, &str)]) -> String {
        let attributes: HashMap<_, _> = attributes.iter().map(|(name, value)| (name.clone(), (*value).to_owned())).collect();
        let made = self.clients.queues.create_queue().queue_name(self.name(what)).set_attributes(Some(attributes));
        made.send().await.unwrap().queue_url.unwrap()
    }

    /// Creates a queue with a dead-letter queue; returns both URLs.
    pub(crate) async fn queue_with_dead_letters(&self, max_receives: &str, visibility: &str) -> (String, String) {
        let dead = self.queue("dead", &[]).await;
        let arn = self.arn(&dead).await;
        let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":{max_receives}}}"#);
        let queue = self
            .queue("orders", &[(QueueAttributeName::RedrivePolicy, &policy), (QueueAttributeName::VisibilityTimeout, visibility)])
            .await;
        (queue, dead)
    }

    pub(crate) async fn arn(&self, queue: &str) -> String {
        self.attribute(queue, QueueAttributeName::QueueArn).await
    }

    pub(crate) async fn attribute(&self, queue: &str, name: QueueAttributeName) -> String {
        let asked = self.clients.queues.get_queue_attributes().queue_url(queue).attribute_names(name.clone());
        asked.send().await.unwrap().attributes.unwrap()[&name].clone()
    }
}

/// An attribute that is a text.
pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// An attribute that is a number.
pub(crate) fn n(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn item<const N: usize>(fields: [(&str, AttributeValue); N]) -> Item {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
