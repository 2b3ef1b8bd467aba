//! The table, and the pipe for its events.

use std::collections::BTreeSet;

use serde_norway::Value;
use stevedore_aws::{EVENTS, TABLE_INDEXES, TABLE_TTL};

use super::{each, resource, target, template, text};

#[test]
fn the_table_is_the_one_that_the_code_creates() {
    let template = template();
    let table = &template["Resources"]["Table"]["Properties"];
    let keys = |of: &Value| -> Vec<(String, String)> {
        each(&of["KeySchema"]).into_iter().map(|key| (text(&key["AttributeName"]).to_owned(), text(&key["KeyType"]).to_owned())).collect()
    };
    let key = |partition: &str, sort: &str| [(partition.to_owned(), "HASH".to_owned()), (sort.to_owned(), "RANGE".to_owned())];

    assert_eq!(keys(table), key("pk", "sk"));
    let indexes = each(&table["GlobalSecondaryIndexes"]);
    assert_eq!(indexes.len(), TABLE_INDEXES.len());
    for (written, created) in indexes.into_iter().zip(TABLE_INDEXES) {
        assert_eq!(text(&written["IndexName"]), created.name);
        assert_eq!(keys(written), key(created.partition, created.sort), "{}", created.name);
        assert_eq!(text(&written["Projection"]["ProjectionType"]), "KEYS_ONLY", "{}", created.name);
    }
    let mut defined = BTreeSet::new();
    for attribute in each(&table["AttributeDefinitions"]) {
        assert_eq!(text(&attribute["AttributeType"]), "S");
        defined.insert(text(&attribute["AttributeName"]));
    }
    let used: BTreeSet<&str> = TABLE_INDEXES.iter().flat_map(|index| [index.partition, index.sort]).chain(["pk", "sk"]).collect();
    assert_eq!(defined, used);
}

#[test]
fn the_table_outlives_the_stack_and_can_be_restored() {
    let template = template();
    let table = &template["Resources"]["Table"];
    assert_eq!(text(&table["DeletionPolicy"]), "Retain");
    assert_eq!(text(&table["UpdateReplacePolicy"]), "Retain");
    let properties = &table["Properties"];
    assert_eq!(text(&properties["BillingMode"]), "PAY_PER_REQUEST");
    assert_eq!(properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"].as_bool(), Some(true));
    assert_eq!(properties["SSESpecification"]["SSEEnabled"].as_bool(), Some(true));
    assert_eq!(text(&properties["StreamSpecification"]["StreamViewType"]), "NEW_AND_OLD_IMAGES");
    assert_eq!(text(&properties["TimeToLiveSpecification"]["AttributeName"]), TABLE_TTL);
    assert_eq!(properties["TimeToLiveSpecification"]["Enabled"].as_bool(), Some(true));
}

/// N26: the pipe takes records with events, and only names and keys leave the table.
#[test]
fn n26_events_go_from_the_tables_stream_to_the_bus() {
    let template = template();
    let pipe = &resource(&template, "EventPipe")["Properties"];
    assert_eq!(target(&pipe["Source"]), "Table");
    assert_eq!(target(&pipe["Target"]), "EventBus");
    let filters = each(&pipe["SourceParameters"]["FilterCriteria"]["Filters"]);
    let patterns: Vec<serde_json::Value> =
        filters.into_iter().map(|filter| serde_json::from_str(text(&filter["Pattern"])).unwrap()).collect();
    let expected = serde_json::json!({
        "eventName": ["INSERT", "MODIFY"],
        "dynamodb": {"NewImage": {EVENTS: {"L": {"S": [{"exists": true}]}}}},
    });
    assert_eq!(patterns, [expected]);

    // The input template is JSON once its paths are replaced.
    let sent = text(&pipe["TargetParameters"]["InputTemplate"]);
    let mut filled = String::new();
    let mut paths = Vec::new();
    let mut rest = sent;
    while let Some((before, after)) = rest.split_once('<') {
        let (path, after) = after.split_once('>').unwrap();
        filled.push_str(before);
        filled.push_str("\"\"");
        paths.push(path);
        rest = after;
    }
    filled.push_str(rest);
    let filled: serde_json::Value = serde_json::from_str(&filled).unwrap_or_else(|error| panic!("{error}: {filled}"));
    assert!(filled["event_id"].is_string());
    for path in paths {
        let events = format!("$.dynamodb.NewImage.{EVENTS}.L[*].S");
        let plain = ["$.eventID", events.as_str(), "$.dynamodb.NewImage.entity.S", "$.dynamodb.Keys.pk.S", "$.dynamodb.Keys.sk.S"];
        assert!(plain.contains(&path), "{path}");
    }
    let kind = &pipe["TargetParameters"]["EventBridgeEventBusParameters"]["DetailType"];
    assert_eq!(text(kind), format!("$.dynamodb.NewImage.{EVENTS}.L[0].S"));
    let letters = &pipe["SourceParameters"]["DynamoDBStreamParameters"]["DeadLetterConfig"]["Arn"];
    assert_eq!(target(letters), "EventDeadLetterQueue");
}
