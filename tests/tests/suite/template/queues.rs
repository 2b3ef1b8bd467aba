//! Queues: times, deliveries, recipients.

use std::collections::BTreeSet;

use serde_norway::Value;
use stevedore_aws::QueueSettings;

use super::{QUEUE, each, events, number, resource, resources, target, template, text};

#[test]
fn a_message_is_hidden_for_six_times_its_functions_time_out() {
    let template = template();
    for (name, function, mapping) in events(&template, "SQS") {
        let queue = &template["Resources"][target(&mapping["Queue"])]["Properties"];
        assert!(number(&queue["VisibilityTimeout"]) >= 6 * number(&function["Timeout"]), "{name}");
    }
}

#[test]
fn every_queue_is_read_with_partial_batch_responses() {
    let template = template();
    for (name, _, mapping) in events(&template, "SQS") {
        let types: Vec<&str> = each(&mapping["FunctionResponseTypes"]).into_iter().map(text).collect();
        assert_eq!(types, ["ReportBatchItemFailures"], "{name}");
        // Lambda refuses more than ten without a window (Lambda API reference,
        // `CreateEventSourceMapping`).
        let window = mapping.get("MaximumBatchingWindowInSeconds").map_or(0, number);
        assert!(number(&mapping["BatchSize"]) <= 10 || window > 0, "{name}");
        let concurrency = &mapping["ScalingConfig"]["MaximumConcurrency"];
        let least = concurrency.as_u64().unwrap_or_else(|| number(&template["Parameters"][target(concurrency)]["MinValue"]));
        assert!(least >= 2, "{name}");
    }
}

#[test]
fn what_a_queue_gives_up_on_goes_to_the_dead_letters_and_outlives_it() {
    let template = template();
    let dead_letters = &template["Resources"]["DeadLetterQueue"]["Properties"];
    for (name, _, mapping) in events(&template, "SQS") {
        let queue = &template["Resources"][target(&mapping["Queue"])]["Properties"];
        assert_eq!(target(&queue["RedrivePolicy"]["deadLetterTargetArn"]), "DeadLetterQueue", "{name}");
        assert_eq!(number(&queue["RedrivePolicy"]["maxReceiveCount"]), 5, "{name}");
        assert!(number(&queue["MessageRetentionPeriod"]) < number(&dead_letters["MessageRetentionPeriod"]), "{name}");
    }
    assert_eq!(number(&dead_letters["MessageRetentionPeriod"]), 14 * 24 * 60 * 60);
}

#[test]
fn the_dead_letters_take_from_the_two_queues_and_nobody_else() {
    let template = template();
    let allowed: BTreeSet<&str> = each(&template["Resources"]["DeadLetterQueue"]["Properties"]["RedriveAllowPolicy"]["sourceQueueArns"])
        .into_iter()
        .map(|arn| text(arn).split_once("${AWS::AccountId}:").unwrap().1)
        .collect();
    let reading: BTreeSet<&str> = events(&template, "SQS")
        .into_iter()
        .map(|(_, _, mapping)| text(&template["Resources"][target(&mapping["Queue"])]["Properties"]["QueueName"]))
        .collect();
    assert_eq!(allowed, reading);
}

#[test]
fn every_queue_is_encrypted_and_speaks_tls_only() {
    let template = template();
    let policies = resources(&template, "AWS::SQS::QueuePolicy");
    for (name, queue) in resources(&template, QUEUE) {
        assert_eq!(queue["SqsManagedSseEnabled"].as_bool(), Some(true), "{name}");
        let denies_plain_http = |statement: &&Value| {
            text(&statement["Effect"]) == "Deny"
                && text(&statement["Action"]) == "sqs:*"
                && text(&statement["Principal"]) == "*"
                && target(&statement["Resource"]) == name
                && text(&statement["Condition"]["Bool"]["aws:SecureTransport"]) == "false"
        };
        let of_this_queue = policies.iter().filter(|(_, policy)| each(&policy["Queues"]).into_iter().any(|queue| target(queue) == name));
        let denials = of_this_queue.flat_map(|(_, policy)| each(&policy["PolicyDocument"]["Statement"])).filter(denies_plain_http).count();
        assert_eq!(denials, 1, "{name}");
    }
}

/// The one-machine stack creates its queues with the same values.
#[test]
fn the_queues_are_the_ones_that_the_code_creates() {
    let template = template();
    let settings = QueueSettings::default();
    for (name, visibility) in [
        ("OrdersQueue", settings.orders_visibility),
        ("CommandsQueue", settings.commands_visibility),
        ("ConsolidationQueue", settings.commands_visibility),
    ] {
        let queue = &resource(&template, name)["Properties"];
        assert_eq!(number(&queue["VisibilityTimeout"]), u64::from(visibility), "{name}");
        assert_eq!(number(&queue["RedrivePolicy"]["maxReceiveCount"]), u64::from(settings.max_receive_count), "{name}");
    }
}
