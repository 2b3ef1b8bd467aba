//! Messages: visibility, dead letters, redrive, long polls, many consumers.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
    SendMessageBatchRequestEntry,
};

use crate::{Clients, Stack};

pub(crate) async fn receive(clients: &Clients, queue: &str) -> Vec<Message> {
    let received = clients
        .queues
        .receive_message()
        .queue_url(queue)
        .max_number_of_messages(10)
        .message_system_attribute_names(MessageSystemAttributeName::All);
    received.send().await.unwrap().messages.unwrap_or_default()
}

pub(crate) async fn send(clients: &Clients, queue: &str, body: &str) -> String {
    clients.queues.send_message().queue_url(queue).message_body(body).send().await.unwrap().message_id.unwrap()
}

pub(crate) fn entry(id: &str, body: impl Into<String>) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap()
}

fn system<'a>(message: &'a Message, name: &MessageSystemAttributeName) -> Option<&'a str> {
    message.attributes.as_ref()?.get(name).map(String::as_str)
}

fn receives(message: &Message) -> &str {
    system(message, &MessageSystemAttributeName::ApproximateReceiveCount).unwrap()
}

async fn delete(clients: &Clients, queue: &str, handle: &str) {
    clients.queues.delete_message().queue_url(queue).receipt_handle(handle).send().await.unwrap();
}

#[tokio::test]
async fn a_received_message_is_hidden_until_its_timeout_or_its_deletion() {
    let Some(stack) = Stack::start("a_received_message_is_hidden_until_its_timeout_or_its_deletion").await else { return };
    let queue = stack.queue("orders", &[(QueueAttributeName::VisibilityTimeout, "1")]).await;
    let id = send(&stack.clients, &queue, "{\"order\":1}").await;

    let first = receive(&stack.clients, &queue).await;
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].body.as_deref(), Some("{\"order\":1}"));
    assert_eq!(first[0].message_id.as_deref(), Some(id.as_str()));
    assert_eq!(receives(&first[0]), "1");
    assert!(system(&first[0], &MessageSystemAttributeName::SentTimestamp).unwrap().parse::<i64>().unwrap() > 0);
    assert!(receive(&stack.clients, &queue).await.is_empty());

    stack.pass(1).await;
    let second = receive(&stack.clients, &queue).await;
    assert_eq!(second[0].message_id.as_deref(), Some(id.as_str()));
    assert_eq!(receives(&second[0]), "2");
    assert_ne!(second[0].receipt_handle, first[0].receipt_handle);

    delete(&stack.clients, &queue, second[0].receipt_handle().unwrap()).await;
    stack.pass(1).await;
    assert!(receive(&stack.clients, &queue).await.is_empty());
}

/// A consumer that was too slow must not delete a message that another consumer processes, and gets
/// no error.
#[tokio::test]
async fn a_stale_receipt_handle_deletes_nothing() {
    let Some(stack) = Stack::start("a_stale_receipt_handle_deletes_nothing").await else { return };
    let queue = stack.queue("orders", &[(QueueAttributeName::VisibilityTimeout, "1")]).await;
    send(&stack.clients, &queue, "one").await;
    let first = receive(&stack.clients, &queue).await;
    stack.pass(1).await;
    assert_eq!(receive(&stack.clients, &queue).await.len(), 1);
    delete(&stack.clients, &queue, first[0].receipt_handle().unwrap()).await;
    stack.pass(1).await;
    let third = receive(&stack.clients, &queue).await;
    assert_eq!(third.len(), 1, "still there");
    // The newest handle deletes, also after its time-out. A second deletion is no error.
    stack.pass(1).await;
    delete(&stack.clients, &queue, third[0].receipt_handle().unwrap()).await;
    delete(&stack.clients, &queue, third[0].receipt_handle().unwrap()).await;
    assert!(receive(&stack.clients, &queue).await.is_empty());
}

#[tokio::test]
async fn visibility_can_be_changed_while_in_flight() {
    let Some(stack) = Stack::start("visibility_can_be_changed_while_in_flight").await else { return };
    let queue = stack.queue("orders", &[(QueueAttributeName::VisibilityTimeout, "30")]).await;
    send(&stack.clients, &queue, "one").await;
    let first = receive(&stack.clients, &queue).await;
    let change = |message: &Message, timeout| {
        let change = stack.clients.queues.change_message_visibility().queue_url(&queue).visibility_timeout(timeout);
        change.receipt_handle(message.receipt_handle().unwrap()).send()
    };
    change(&first[0], 0).await.unwrap();
    let second = receive(&stack.clients, &queue).await;
    assert_eq!(second.len(), 1, "shown at once");
    change(&second[0], 2).await.unwrap();
    stack.pass(1).await;
    assert!(receive(&stack.clients, &queue).await.is_empty());
    stack.pass(1).await;
    assert_eq!(receive(&stack.clients, &queue).await.len(), 1);
}

#[tokio::test]
async fn a_delayed_message_comes_later() {
    let Some(stack) = Stack::start("a_delayed_message_comes_later").await else { return };
    let queue = stack.queue("commands", &[]).await;
    stack.clients.queues.send_message().queue_url(&queue).message_body("later").delay_seconds(1).send().await.unwrap();
    assert!(receive(&stack.clients, &queue).await.is_empty());
    assert_eq!(stack.attribute(&queue, QueueAttributeName::ApproximateNumberOfMessagesDelayed).await, "1");
    stack.pass(1).await;
    assert_eq!(receive(&stack.clients, &queue).await.len(), 1);
}

/// Both forms of `maxReceiveCount` are in use.
#[tokio::test]
async fn a_message_received_too_often_becomes_a_dead_letter() {
    let Some(stack) = Stack::start("a_message_received_too_often_becomes_a_dead_letter").await else { return };
    for count in ["2", "\"2\""] {
        let (queue, dead) = stack.queue_with_dead_letters(count, "1").await;
        let id = send(&stack.clients, &queue, "poison").await;
        for _ in 0..2 {
            assert_eq!(receive(&stack.clients, &queue).await.len(), 1);
            stack.pass(1).await;
        }
        assert!(receive(&stack.clients, &queue).await.is_empty());
        let letters = receive(&stack.clients, &dead).await;
        assert_eq!(letters.len(), 1);
        assert_eq!(letters[0].message_id.as_deref(), Some(id.as_str()), "it is the same message");
        assert_eq!(letters[0].body.as_deref(), Some("poison"));
        delete(&stack.clients, &dead, letters[0].receipt_handle().unwrap()).await;
        for queue in [queue, dead] {
            stack.clients.queues.delete_queue().queue_url(queue).send().await.unwrap();
        }
    }
}

/// A dead letter names its source queue; a move task returns it as a new message.
#[tokio::test]
async fn dead_letters_are_moved_back_as_new_messages() {
    let Some(stack) = Stack::start("dead_letters_are_moved_back_as_new_messages").await else { return };
    let (queue, dead) = stack.queue_with_dead_letters("1", "1").await;
    let id = send(&stack.clients, &queue, "poison").await;
    assert_eq!(receive(&stack.clients, &queue).await.len(), 1);
    stack.pass(1).await;
    assert!(receive(&stack.clients, &queue).await.is_empty());

    let look = stack.clients.queues.receive_message().queue_url(&dead).visibility_timeout(0);
    let letters = look.message_system_attribute_names(MessageSystemAttributeName::All).send().await.unwrap().messages.unwrap_or_default();
    let source = system(&letters[0], &MessageSystemAttributeName::DeadLetterQueueSourceArn);
    assert_eq!(source, Some(stack.arn(&queue).await.as_str()));

    let dead_arn = stack.arn(&dead).await;
    let started = stack.clients.queues.start_message_move_task().source_arn(&dead_arn).send().await.unwrap();
    assert!(started.task_handle.is_some());
    let deadline = Instant::now() + Duration::from_secs(10);
    let task = loop {
        let listed = stack.clients.queues.list_message_move_tasks().source_arn(&dead_arn).send().await.unwrap();
        let task = listed.results.unwrap().remove(0);
        if task.status.as_deref() != Some("RUNNING") || Instant::now() > deadline {
            break task;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(task.status.as_deref(), Some("COMPLETED"));
    assert_eq!(task.approximate_number_of_messages_moved, 1);
    assert!(receive(&stack.clients, &dead).await.is_empty());
    let back = receive(&stack.clients, &queue).await;
    assert_eq!(back.len(), 1);
    assert_eq!(receives(&back[0]), "1");
    assert_ne!(back[0].message_id.as_deref(), Some(id.as_str()), "a redrive changes the id");

    // Only dead-letter queues can be the source.
    let error = stack.clients.queues.start_message_move_task().source_arn(stack.arn(&queue).await).send().await;
    assert!(error.is_err());
}

#[tokio::test]
async fn a_long_poll_waits_for_a_message_and_no_longer() {
    let Some(stack) = Stack::start("a_long_poll_waits_for_a_message_and_no_longer").await else { return };
    let queue = stack.queue("orders", &[]).await;
    let poll = |wait| {
        let (clients, queue) = (stack.clients.clone(), queue.clone());
        async move {
            let received = clients.queues.receive_message().queue_url(queue).wait_time_seconds(wait);
            received.send().await.unwrap().messages.unwrap_or_default()
        }
    };
    let start = Instant::now();
    assert!(poll(1).await.is_empty());
    assert!(start.elapsed() >= Duration::from_millis(900), "it came back early: {:?}", start.elapsed());

    let waiting = tokio::spawn(poll(20));
    let start = Instant::now();
    send(&stack.clients, &queue, "here").await;
    assert_eq!(waiting.await.unwrap().len(), 1);
    assert!(start.elapsed() < Duration::from_secs(10), "the message did not end the poll: {:?}", start.elapsed());
}

/// A message that becomes visible again ends a long poll as well.
#[tokio::test]
async fn a_long_poll_finds_a_message_that_comes_back() {
    let Some(stack) = Stack::start("a_long_poll_finds_a_message_that_comes_back").await else { return };
    let queue = stack.queue("orders", &[(QueueAttributeName::VisibilityTimeout, "1")]).await;
    send(&stack.clients, &queue, "slow").await;
    assert_eq!(receive(&stack.clients, &queue).await.len(), 1);
    let (clients, url) = (stack.clients.clone(), queue.clone());
    let start = Instant::now();
    let waiting = tokio::spawn(async move {
        clients.queues.receive_message().queue_url(url).wait_time_seconds(20).send().await.unwrap().messages.unwrap_or_default()
    });
    stack.pass(1).await;
    assert_eq!(waiting.await.unwrap().len(), 1);
    assert!(start.elapsed() < Duration::from_secs(10));
}

const MESSAGES: usize = 600;

/// 32 consumers that delete their messages: every message is delivered exactly once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_consumers_lose_and_duplicate_nothing() {
    let Some(stack) = Stack::start("many_consumers_lose_and_duplicate_nothing").await else { return };
    let queue = stack.queue("orders", &[(QueueAttributeName::VisibilityTimeout, "60")]).await;
    let done = Arc::new(AtomicUsize::new(0));
    let mut consumers = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let (clients, queue, done) = (stack.clients.clone(), queue.clone(), Arc::clone(&done));
        consumers.spawn(async move {
            let mut seen = Vec::new();
            while done.load(Ordering::SeqCst) < MESSAGES {
                let poll = clients.queues.receive_message().queue_url(&queue).max_number_of_messages(10).wait_time_seconds(1);
                let messages = poll.send().await.unwrap().messages.unwrap_or_default();
                if messages.is_empty() {
                    continue;
                }
                let entries: Vec<_> = messages
                    .iter()
                    .enumerate()
                    .map(|(at, message)| {
                        let entry = DeleteMessageBatchRequestEntry::builder().id(at.to_string());
                        entry.receipt_handle(message.receipt_handle().unwrap()).build().unwrap()
                    })
                    .collect();
                let deleted = clients.queues.delete_message_batch().queue_url(&queue).set_entries(Some(entries));
                assert!(deleted.send().await.unwrap().failed.is_empty());
                done.fetch_add(messages.len(), Ordering::SeqCst);
                seen.extend(messages.into_iter().map(|message| message.body.unwrap()));
            }
            seen
        });
    }
    for batch in 0..MESSAGES / 10 {
        let entries = (0..10).map(|at| entry(&at.to_string(), format!("order {}", batch * 10 + at)));
        let sent = stack.clients.queues.send_message_batch().queue_url(&queue).set_entries(Some(entries.collect()));
        assert!(sent.send().await.unwrap().failed.is_empty());
    }
    let seen: Vec<String> =
        tokio::time::timeout(Duration::from_secs(40), consumers.join_all()).await.expect("in time").into_iter().flatten().collect();
    let distinct: HashSet<&String> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (MESSAGES, MESSAGES));
    assert_eq!(stack.attribute(&queue, QueueAttributeName::ApproximateNumberOfMessages).await, "0");
    assert_eq!(stack.attribute(&queue, QueueAttributeName::ApproximateNumberOfMessagesNotVisible).await, "0");
}

#[tokio::test]
async fn message_attributes_come_back_when_asked_for() {
    let Some(stack) = Stack::start("message_attributes_come_back_when_asked_for").await else { return };
    let queue = stack.queue("orders", &[]).await;
    let text = |value: &str| MessageAttributeValue::builder().data_type("String").string_value(value).build().unwrap();
    let attributes = HashMap::from([("kind".to_owned(), text("load_orders")), ("trace.id".to_owned(), text("7"))]);
    let sent = stack.clients.queues.send_message().queue_url(&queue).message_body("x").set_message_attributes(Some(attributes));
    assert!(sent.send().await.unwrap().md5_of_message_attributes.is_some());
    let ask = |names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        stack.clients.queues.receive_message().queue_url(&queue).visibility_timeout(0).set_message_attribute_names(Some(names))
    };
    let get = |names: &'static [&'static str]| {
        let ask = ask(names);
        async move {
            let message = ask.send().await.unwrap().messages.unwrap().remove(0);
            let mut names: Vec<String> = message.message_attributes.unwrap_or_default().into_keys().collect();
            names.sort();
            names
        }
    };
    assert_eq!(get(&["All"]).await, ["kind", "trace.id"]);
    assert_eq!(get(&["kind"]).await, ["kind"]);
    assert_eq!(get(&["trace.*"]).await, ["trace.id"]);
    assert!(get(&[]).await.is_empty());
}
