//! Queues and their refusals.

use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, QueueAttributeName, SendMessageBatchRequestEntry};

use crate::Stack;
use crate::queues::{entry, receive, send};

const MIB: usize = 1_048_576;

#[tokio::test]
async fn a_batch_is_refused_as_a_whole_for_its_own_mistakes() {
    let Some(stack) = Stack::start("a_batch_is_refused_as_a_whole_for_its_own_mistakes").await else { return };
    let queue = stack.queue("orders", &[]).await;
    let batch = |entries: Vec<SendMessageBatchRequestEntry>| {
        let call = stack.clients.queues.send_message_batch().queue_url(&queue).set_entries(Some(entries));
        async move { call.send().await.map_err(aws_sdk_sqs::error::SdkError::into_service_error) }
    };
    let error = batch(vec![]).await.unwrap_err();
    assert!(error.is_empty_batch_request(), "{error:?}");
    let error = batch((0..11).map(|at| entry(&at.to_string(), "x")).collect()).await.unwrap_err();
    assert!(error.is_too_many_entries_in_batch_request(), "{error:?}");
    let error = batch(vec![entry("a", "x"), entry("a", "y")]).await.unwrap_err();
    assert!(error.is_batch_entry_ids_not_distinct(), "{error:?}");
    let error = batch(vec![entry("not allowed!", "x")]).await.unwrap_err();
    assert!(error.is_invalid_batch_entry_id(), "{error:?}");
    let half = "x".repeat(MIB / 2);
    let error = batch(vec![entry("a", &*half), entry("b", format!("{half}x"))]).await.unwrap_err();
    assert!(error.is_batch_request_too_long(), "{error:?}");
    assert!(receive(&stack.clients, &queue).await.is_empty(), "nothing of a refused batch is kept");

    let sent = batch(vec![entry("a", &*half), entry("b", &*half)]).await.unwrap();
    assert_eq!(sent.successful.len(), 2);
}

/// One bad entry does not stop the others, and the reply names it.
#[tokio::test]
async fn a_batch_fails_in_parts() {
    let Some(stack) = Stack::start("a_batch_fails_in_parts").await else { return };
    let queue = stack.queue("orders", &[]).await;
    let entries = vec![entry("good", "text"), entry("bad", "zero \u{1} byte"), entry("fine", "\u{1f600} tab\t")];
    let sent = stack.clients.queues.send_message_batch().queue_url(&queue).set_entries(Some(entries)).send().await.unwrap();
    let ids: Vec<&str> = sent.successful.iter().map(|done| done.id.as_str()).collect();
    assert_eq!(ids, ["good", "fine"]);
    assert_eq!(sent.failed.len(), 1);
    assert_eq!((sent.failed[0].id.as_str(), sent.failed[0].sender_fault), ("bad", true));
    assert_eq!(sent.failed[0].code, "InvalidMessageContents");

    let messages = receive(&stack.clients, &queue).await;
    assert_eq!(messages.len(), 2);
    let delete = |id: &str, handle: &str| DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(handle).build().unwrap();
    let entries = vec![delete("ok", messages[0].receipt_handle().unwrap()), delete("wrong", "no handle at all")];
    let deleted = stack.clients.queues.delete_message_batch().queue_url(&queue).set_entries(Some(entries)).send().await.unwrap();
    assert_eq!(deleted.successful.len(), 1);
    assert_eq!(deleted.failed.len(), 1);
    assert_eq!((deleted.failed[0].id.as_str(), deleted.failed[0].code.as_str()), ("wrong", "ReceiptHandleIsInvalid"));
}

#[tokio::test]
async fn a_message_has_its_limits() {
    let Some(stack) = Stack::start("a_message_has_its_limits").await else { return };
    let queue = stack.queue("orders", &[]).await;
    let send = |body: String| {
        let call = stack.clients.queues.send_message().queue_url(&queue).message_body(body);
        async move { call.send().await.map_err(aws_sdk_sqs::error::SdkError::into_service_error) }
    };
    send("x".repeat(MIB)).await.unwrap();
    let error = send("x".repeat(MIB + 1)).await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterValue"), "{error:?}");
    let error = send("\u{0}".to_owned()).await.unwrap_err();
    assert!(error.is_invalid_message_contents(), "{error:?}");
    let sent = send("hello".to_owned()).await.unwrap();
    assert_eq!(sent.md5_of_message_body.as_deref(), Some("5d41402abc4b2a76b9719d911017c592"));
}

#[tokio::test]
async fn numbers_have_their_limits() {
    let Some(stack) = Stack::start("numbers_have_their_limits").await else { return };
    let queue = stack.queue("orders", &[]).await;
    let sqs = &stack.clients.queues;
    let receive = || sqs.receive_message().queue_url(&queue);
    for refused in [
        receive().max_number_of_messages(11),
        receive().max_number_of_messages(0),
        receive().wait_time_seconds(21),
        receive().visibility_timeout(43_201),
    ] {
        let error = refused.send().await.unwrap_err().into_service_error();
        assert_eq!(error.code(), Some("InvalidParameterValue"), "{error:?}");
    }
    let error = sqs.send_message().queue_url(&queue).message_body("x").delay_seconds(901).send().await.unwrap_err();
    assert_eq!(error.into_service_error().code(), Some("InvalidParameterValue"));
    send(&stack.clients, &queue, "x").await;
    let message = receive().send().await.unwrap().messages.unwrap().remove(0);
    let change = sqs.change_message_visibility().queue_url(&queue).visibility_timeout(43_201);
    let error = change.receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("InvalidParameterValue"), "{error:?}");
}

#[tokio::test]
async fn a_receipt_handle_that_never_was_is_refused() {
    let Some(stack) = Stack::start("a_receipt_handle_that_never_was_is_refused").await else { return };
    let queue = stack.queue("orders", &[]).await;
    let sqs = &stack.clients.queues;
    let error = sqs.delete_message().queue_url(&queue).receipt_handle("nonsense").send().await.unwrap_err().into_service_error();
    assert!(error.is_receipt_handle_is_invalid(), "{error:?}");
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_a_typed_error() {
    let Some(stack) = Stack::start("a_queue_that_is_not_there_is_a_typed_error").await else { return };
    let sqs = &stack.clients.queues;
    let error = sqs.get_queue_url().queue_name(stack.name("none")).send().await.unwrap_err().into_service_error();
    assert!(error.is_queue_does_not_exist(), "{error:?}");
    let queue = stack.queue("gone", &[]).await;
    sqs.delete_queue().queue_url(&queue).send().await.unwrap();
    let error = sqs.send_message().queue_url(&queue).message_body("x").send().await.unwrap_err().into_service_error();
    assert!(error.is_queue_does_not_exist(), "{error:?}");
    let error = sqs.receive_message().queue_url(&queue).send().await.unwrap_err().into_service_error();
    assert!(error.is_queue_does_not_exist(), "{error:?}");
}

#[tokio::test]
async fn a_queue_is_made_once_and_keeps_its_attributes() {
    let Some(stack) = Stack::start("a_queue_is_made_once_and_keeps_its_attributes").await else { return };
    let sqs = &stack.clients.queues;
    let timeout = (QueueAttributeName::VisibilityTimeout, "77");
    let queue = stack.queue("orders", std::slice::from_ref(&timeout)).await;
    assert_eq!(stack.queue("orders", &[timeout]).await, queue, "the same again is no error");
    let other = sqs.create_queue().queue_name(stack.name("orders")).attributes(QueueAttributeName::VisibilityTimeout, "78");
    let error = other.send().await.unwrap_err().into_service_error();
    assert!(error.is_queue_name_exists(), "{error:?}");

    assert_eq!(sqs.get_queue_url().queue_name(stack.name("orders")).send().await.unwrap().queue_url, Some(queue.clone()));
    let listed = sqs.list_queues().queue_name_prefix(stack.name("orders")).send().await.unwrap();
    assert_eq!(listed.queue_urls.unwrap(), std::slice::from_ref(&queue));
    assert_eq!(stack.attribute(&queue, QueueAttributeName::VisibilityTimeout).await, "77");
    assert_eq!(stack.attribute(&queue, QueueAttributeName::DelaySeconds).await, "0");
    let set = sqs.set_queue_attributes().queue_url(&queue).attributes(QueueAttributeName::VisibilityTimeout, "5");
    set.send().await.unwrap();
    assert_eq!(stack.attribute(&queue, QueueAttributeName::VisibilityTimeout).await, "5");
    let error = sqs.set_queue_attributes().queue_url(&queue).attributes(QueueAttributeName::VisibilityTimeout, "43201");
    assert!(error.send().await.unwrap_err().into_service_error().is_invalid_attribute_value());
}

#[tokio::test]
async fn counts_and_purge() {
    let Some(stack) = Stack::start("counts_and_purge").await else { return };
    let queue = stack.queue("orders", &[(QueueAttributeName::VisibilityTimeout, "60")]).await;
    for body in ["a", "b", "c"] {
        send(&stack.clients, &queue, body).await;
    }
    let one = stack.clients.queues.receive_message().queue_url(&queue).send().await.unwrap().messages.unwrap();
    assert_eq!(one.len(), 1, "one is the default");
    assert_eq!(stack.attribute(&queue, QueueAttributeName::ApproximateNumberOfMessages).await, "2");
    assert_eq!(stack.attribute(&queue, QueueAttributeName::ApproximateNumberOfMessagesNotVisible).await, "1");
    stack.clients.queues.purge_queue().queue_url(&queue).send().await.unwrap();
    for name in [QueueAttributeName::ApproximateNumberOfMessages, QueueAttributeName::ApproximateNumberOfMessagesNotVisible] {
        assert_eq!(stack.attribute(&queue, name).await, "0");
    }
}
