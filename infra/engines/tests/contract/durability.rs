//! State that survives a restart and a kill, and access to the folder. For the embedded engines
//! only.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_sqs::types::QueueAttributeName;
use stevedore_engines::{EngineError, EngineOptions, Engines};

use crate::queues::{receive, send};
use crate::{Clients, TestClock, item, n, s};

/// A process that is killed with SIGKILL when this is dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Set in the process that will be killed.
const CHILD: &str = "STEVEDORE_CONTRACT_KILLED_FOLDER";

async fn start(folder: &Path, clock: &TestClock) -> (Engines, Clients) {
    let engines = Engines::start(EngineOptions::in_folder(folder, clock.clock())).await.unwrap();
    let clients = Clients::of(engines.endpoint());
    (engines, clients)
}

/// A table with one item, a queue with one message waiting and one in flight, a secret.
async fn fill(clients: &Clients) {
    use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
    let pk = AttributeDefinition::builder().attribute_name("pk").attribute_type(ScalarAttributeType::S).build().unwrap();
    let key = KeySchemaElement::builder().attribute_name("pk").key_type(KeyType::Hash).build().unwrap();
    let table = clients.tables.create_table().table_name("main").billing_mode(BillingMode::PayPerRequest);
    table.attribute_definitions(pk).key_schema(key).send().await.unwrap();
    let sale = item([("pk", s("SALE#1")), ("total", n(1_999))]);
    clients.tables.put_item().table_name("main").set_item(Some(sale)).send().await.unwrap();
    let queue = clients.queues.create_queue().queue_name("orders").attributes(QueueAttributeName::VisibilityTimeout, "30");
    let queue = queue.send().await.unwrap().queue_url.unwrap();
    send(clients, &queue, "in flight").await;
    assert_eq!(receive(clients, &queue).await.len(), 1);
    send(clients, &queue, "waiting").await;
    clients.secrets.create_secret().name("connection").secret_string("hush").send().await.unwrap();
}

/// All data is present, and the message in flight comes back after its time-out.
async fn check(clients: &Clients, clock: &TestClock) {
    let sale = clients.tables.get_item().table_name("main").key("pk", s("SALE#1")).send().await.unwrap().item.unwrap();
    assert_eq!(sale["total"], n(1_999));
    let secret = clients.secrets.get_secret_value().secret_id("connection").send().await.unwrap();
    assert_eq!(secret.secret_string(), Some("hush"));
    let queue = clients.queues.get_queue_url().queue_name("orders").send().await.unwrap().queue_url.unwrap();
    let bodies = |messages: Vec<aws_sdk_sqs::types::Message>| messages.into_iter().map(|message| message.body.unwrap()).collect::<Vec<_>>();
    assert_eq!(bodies(receive(clients, &queue).await), ["waiting"]);
    clock.pass(Duration::from_secs(30));
    let mut all = bodies(receive(clients, &queue).await);
    all.sort();
    assert_eq!(all, ["in flight", "waiting"]);
}

#[tokio::test]
async fn everything_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::new();
    let (engines, clients) = start(folder.path(), &clock).await;
    fill(&clients).await;
    engines.stop().await;
    let (engines, clients) = start(folder.path(), &clock).await;
    check(&clients, &clock).await;
    engines.stop().await;
}

#[tokio::test]
async fn everything_survives_being_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::new();
    let (engines, clients) = start(folder.path(), &clock).await;
    fill(&clients).await;
    drop(engines);
    let (_engines, clients) = start(folder.path(), &clock).await;
    check(&clients, &clock).await;
}

/// The process is killed with SIGKILL during a stream of messages. Each accepted message is
/// present.
#[tokio::test]
async fn nothing_accepted_is_lost_when_the_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "durability::process_that_is_killed", "--nocapture"])
        .env(CHILD, folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut child = Killed(child);
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let endpoint = loop {
        let line = lines.next().expect("the other process ended").unwrap();
        if let Some((_, endpoint)) = line.split_once("endpoint ") {
            break endpoint.to_owned();
        }
    };
    let clients = Clients::of(&endpoint);
    fill(&clients).await;
    let queue = clients.queues.create_queue().queue_name("stream").send().await.unwrap().queue_url.unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    let sender = tokio::spawn(async move {
        loop {
            let next = count.load(Ordering::SeqCst).to_string();
            if clients.queues.send_message().queue_url(&queue).message_body(next).send().await.is_err() {
                break;
            }
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    let deadline = Instant::now() + Duration::from_secs(20);
    while accepted.load(Ordering::SeqCst) < 50 {
        assert!(Instant::now() < deadline, "the messages are not taken");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(child);
    sender.await.unwrap();
    let accepted = accepted.load(Ordering::SeqCst);

    let clock = TestClock::new();
    let (engines, clients) = start(folder.path(), &clock).await;
    check(&clients, &clock).await;
    let queue = clients.queues.get_queue_url().queue_name("stream").send().await.unwrap().queue_url.unwrap();
    let mut found = std::collections::HashSet::new();
    loop {
        let messages = receive(&clients, &queue).await;
        if messages.is_empty() {
            break;
        }
        found.extend(messages.into_iter().map(|message| message.body.unwrap()));
    }
    for number in 0..accepted {
        assert!(found.contains(&number.to_string()), "message {number} of {accepted} is lost");
    }
    engines.stop().await;
}

/// Has no checks of its own: [`nothing_accepted_is_lost_when_the_process_is_killed`] runs it in a
/// separate process.
#[tokio::test]
#[allow(clippy::print_stdout)]
async fn process_that_is_killed() {
    let Ok(folder) = std::env::var(CHILD) else { return };
    let engines = Engines::start(EngineOptions::in_folder(folder, TestClock::new().clock())).await.unwrap();
    println!("endpoint {}", engines.endpoint());
    // Limited, in case the test that started this process dies before it kills it.
    tokio::time::sleep(Duration::from_mins(1)).await;
}

#[tokio::test]
async fn a_folder_in_use_is_refused_and_wiping_leaves_other_files() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::new();
    std::fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    let (engines, clients) = start(folder.path(), &clock).await;
    fill(&clients).await;
    let refused = Engines::start(EngineOptions::in_folder(folder.path(), clock.clock())).await.err().unwrap();
    assert!(matches!(&refused, EngineError::InUse { folder: of } if of == folder.path()), "{refused}");
    assert!(Engines::wipe(folder.path()).await.is_err());
    engines.stop().await;

    Engines::wipe(folder.path()).await.unwrap();
    Engines::wipe(&folder.path().join("never made")).await.unwrap();
    let mut left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["engines.lock", "notes.txt"]);
    let (_engines, clients) = start(folder.path(), &clock).await;
    assert!(clients.tables.list_tables().send().await.unwrap().table_names.unwrap_or_default().is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_secrets() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let (_engines, clients) = start(folder.path(), &TestClock::new()).await;
    clients.secrets.create_secret().name("connection").secret_string("hush").send().await.unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_string_lossy().starts_with("secrets") {
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
        }
    }
}

/// An orderly end answers waiting polls instead of waiting for them.
#[tokio::test]
async fn stopping_ends_long_polls() {
    let folder = tempfile::tempdir().unwrap();
    let (engines, clients) = start(folder.path(), &TestClock::new()).await;
    let queue = clients.queues.create_queue().queue_name("orders").send().await.unwrap().queue_url.unwrap();
    let poll = tokio::spawn(async move {
        let poll = clients.queues.receive_message().queue_url(queue).wait_time_seconds(20);
        poll.send().await.map(|received| received.messages.unwrap_or_default().len())
    });
    // The call is counted once the engines have received it.
    let deadline = Instant::now() + Duration::from_secs(5);
    while !engines.faults().calls().contains_key("ReceiveMessage") {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let start = Instant::now();
    engines.stop().await;
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    assert_eq!(poll.await.unwrap().unwrap(), 0);
}
