//! The measured programs and their environment.

use std::path::{Path, PathBuf};

use serde_json::json;
use stevedore_aws::ReceivedMessage;
use tokio::sync::Mutex;

use crate::tls::Authority;
use crate::world::{Options, World, sqs_event};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A batch of one order.
    Order,
    /// The schedule's tick, with one order to download.
    Tick,
    /// A command without work.
    Command,
    /// `GET /v1/sales`.
    Request,
}

/// Orders of a batch, as the template sets it.
pub const BATCH: usize = 10;

pub struct Program {
    pub name: String,
    pub command: Vec<String>,
    pub event: Event,
    /// Checks the answer.
    pub expected: fn(&str) -> bool,
    /// True if callgrind can run it.
    pub counted: bool,
    /// True for Stevedore's own functions, which contain their roots and read only that of the
    /// test's authority.
    pub ours: bool,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The programs that are built, and the names of those that are not.
pub fn all() -> (Vec<Program>, Vec<String>) {
    let nothing_failed: fn(&str) -> bool = |answer| answer.contains(r#""batchItemFailures":[]"#);
    let read: fn(&str) -> bool = |answer| {
        answer.contains(r#""ran":true"#) && answer.contains(r#""state":"processing""#) || answer.contains(r#""state":"completed""#)
    };
    let off: fn(&str) -> bool = |answer| answer.contains(r#""reason":"off""#);
    let found: fn(&str) -> bool = |answer| answer.contains(r#""statusCode":200"#);
    let null: fn(&str) -> bool = |answer| answer == "null";
    let root = root();
    let own = |name: &str, event, expected| {
        let built = ["lambda", "release"].map(|folder| root.join("target").join(folder).join(name));
        let file = if built[0].join("bootstrap").exists() { built[0].join("bootstrap") } else { built[1].clone() };
        (Program { name: name.to_owned(), command: vec![file.display().to_string()], event, expected, counted: true, ours: true }, file)
    };
    let built = root.join("target/cold_start");
    let other = |name: &str, command: Vec<String>, file: PathBuf, counted| {
        (Program { name: name.to_owned(), command, event: Event::Order, expected: null, counted, ours: false }, file)
    };
    let plain = built.join("plain/release/plain");
    let python = built.join("python/bin/python");
    let node = built.join("node/function.mjs");
    let script = root.join("tests/benches/cold_start/python/function.py").display().to_string();
    let candidates = [
        own("process-orders", Event::Order, nothing_failed),
        own("fetch-orders", Event::Tick, read),
        own("run-operations", Event::Command, nothing_failed),
        own("consolidate", Event::Tick, off),
        own("api", Event::Request, found),
        other("the put, plain Rust with every default", vec![plain.display().to_string()], plain, true),
        other("the put, Python with boto3", vec![python.display().to_string(), script], python, true),
        // It generates code at run time, in ways that valgrind does not support.
        other("the put, Node with SDK v3", vec!["/usr/bin/env".to_owned(), "node".to_owned(), node.display().to_string()], node, false),
    ];
    let (there, missing): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|(_, file)| file.exists());
    (there.into_iter().map(|(program, _)| program).collect(), missing.into_iter().map(|(program, _)| program.name).collect())
}

/// The zips that `.ci/release` made, with their sizes.
pub fn zips() -> Vec<(String, u64)> {
    let Ok(files) = std::fs::read_dir(root().join("target/release-files")) else { return Vec::new() };
    let mut zips: Vec<(String, u64)> = files
        .filter_map(Result::ok)
        .filter(|file| file.path().extension().is_some_and(|ending| ending == "zip"))
        .map(|file| (file.file_name().display().to_string(), file.metadata().unwrap().len()))
        .collect();
    zips.sort();
    zips
}

/// Engines and sandbox behind TLS, and waiting orders.
pub struct Surroundings {
    world: World,
    _folder: tempfile::TempDir,
    environment: Vec<(&'static str, String)>,
    /// The file of the authority's own certificate.
    pub authority: String,
    messages: Mutex<Vec<ReceivedMessage>>,
}

impl Surroundings {
    pub async fn new() -> Self {
        // The functions' own processes follow the real clock.
        let now: &'static str = Box::leak(jiff::Timestamp::now().to_string().into_boxed_str());
        // Two-line orders, within the window of the first download.
        let sandbox = Box::new(|options: &mut stevedore_sandbox::SandboxOptions| {
            options.lines_per_order = Some(2);
            options.only_status = Some("shipped".to_owned());
            options.history = jiff::SignedDuration::from_hours(20);
        });
        let world = World::new(Options { start: now, orders: 140, sandbox, ..Options::default() }).await;
        world.tick().await.unwrap();
        let mut messages = Vec::new();
        loop {
            let some = world.queues.receive(&world.queues.urls().orders, 0).await.unwrap();
            if some.is_empty() {
                break;
            }
            messages.extend(some);
        }
        let authority = Authority::new();
        let endpoint = authority.in_front_of(world.engines.endpoint()).await;
        let shipstation = authority.in_front_of(world.sandbox_url()).await;
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, roots: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, format!("{roots}\n{}", authority.pem)).unwrap();
            path.display().to_string()
        };
        // As many roots as on a real system, for programs that read them at their start.
        let system = std::fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default();
        let own = write("own.pem", "");
        let urls = world.queues.urls();
        let environment = vec![
            ("PATH", std::env::var("PATH").unwrap()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("AWS_ENDPOINT_URL", endpoint),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
            ("AWS_CA_BUNDLE", own.clone()),
            ("SSL_CERT_FILE", write("system.pem", &system)),
            ("NODE_EXTRA_CA_CERTS", own.clone()),
            ("STEVEDORE_TABLE", "stevedore".to_owned()),
            ("STEVEDORE_ORDERS_QUEUE_URL", urls.orders.clone()),
            ("STEVEDORE_COMMANDS_QUEUE_URL", urls.commands.clone()),
            ("STEVEDORE_CONSOLIDATION_QUEUE_URL", urls.consolidation.clone()),
            ("STEVEDORE_DEAD_LETTER_QUEUE_URL", urls.dead_letters.clone()),
            ("STEVEDORE_SECRET_ID", "stevedore".to_owned()),
            ("STEVEDORE_SHIPSTATION_URL", shipstation),
        ];
        Self { world, _folder: folder, environment, authority: own, messages: Mutex::new(messages) }
    }

    pub fn environment(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.environment.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// A batch of ten orders.
    pub async fn batch(&self) -> String {
        let mut messages = self.messages.lock().await;
        let rest = messages.len().checked_sub(BATCH).expect("orders for every run");
        let batch = messages.split_off(rest);
        serde_json::to_string(&sqs_event(&batch)).unwrap()
    }

    pub async fn event(&self, event: Event) -> String {
        match event {
            Event::Order => {
                let message = self.messages.lock().await.pop().expect("orders for every run");
                serde_json::to_string(&sqs_event(&[message])).unwrap()
            }
            // A tick that is not later than the last one starts a download.
            Event::Tick => json!({"source": "aws.scheduler", "time": self.world.clock.now()}).to_string(),
            Event::Command => std::fs::read_to_string(root().join("events/run-operations.disconnect.json")).unwrap(),
            Event::Request => std::fs::read_to_string(root().join("events/api.list-sales.json")).unwrap(),
        }
    }
}
