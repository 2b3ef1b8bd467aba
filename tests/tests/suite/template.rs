//! The infrastructure template holds what the code needs, as far as the linters do not see it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_norway::Value;
use stevedore_aws::TABLE_INDEXES;
use stevedore_lambda::config;

const FUNCTION: &str = "AWS::Serverless::Function";
const QUEUE: &str = "AWS::SQS::Queue";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn template() -> Value {
    let text = std::fs::read_to_string(root().join("infra/template.yaml")).unwrap();
    serde_norway::from_str(&text).unwrap()
}

/// A text, with or without one of CloudFormation's tags before it.
fn text(value: &Value) -> &str {
    let value = if let Value::Tagged(tagged) = value { &tagged.value } else { value };
    value.as_str().unwrap_or_else(|| panic!("not a text: {value:?}"))
}

/// The resource that a `!Ref Name` or `!GetAtt Name.Attribute` means.
fn target(value: &Value) -> &str {
    let Value::Tagged(tagged) = value else { panic!("no reference: {value:?}") };
    assert!(tagged.tag == "Ref" || tagged.tag == "GetAtt", "no reference: {value:?}");
    text(value).split('.').next().unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("not a number: {value:?}"))
}

/// One value or a list of them.
fn each(value: &Value) -> Vec<&Value> {
    value.as_sequence().map_or_else(|| vec![value], |list| list.iter().collect())
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_mapping().unwrap_or_else(|| panic!("not a map: {value:?}")).iter().map(|(name, value)| (text(name), value))
}

fn names(value: &Value) -> BTreeSet<&str> {
    entries(value).map(|(name, _)| name).collect()
}

/// The properties of every resource of a type, by name; there is at least one.
fn resources<'a>(template: &'a Value, kind: &str) -> Vec<(&'a str, &'a Value)> {
    let found: Vec<_> = entries(&template["Resources"])
        .filter(|(_, resource)| text(&resource["Type"]) == kind)
        .map(|(name, resource)| (name, &resource["Properties"]))
        .collect();
    assert!(!found.is_empty(), "no {kind}");
    found
}

/// The events of a type of every function: function's name, its properties, the event's properties. There is at least one.
fn events<'a>(template: &'a Value, kind: &str) -> Vec<(&'a str, &'a Value, &'a Value)> {
    let found: Vec<_> = resources(template, FUNCTION)
        .into_iter()
        .flat_map(|(name, function)| {
            entries(&function["Events"])
                .filter(|(_, event)| text(&event["Type"]) == kind)
                .map(move |(_, event)| (name, function, &event["Properties"]))
        })
        .collect();
    assert!(!found.is_empty(), "no {kind} event");
    found
}

/// Every statement of every role: the role's name and the statement.
fn role_statements(template: &Value) -> Vec<(&str, &Value)> {
    resources(template, "AWS::IAM::Role")
        .into_iter()
        .flat_map(|(name, role)| each(&role["Policies"]).into_iter().map(move |policy| (name, policy)))
        .flat_map(|(name, policy)| each(&policy["PolicyDocument"]["Statement"]).into_iter().map(move |statement| (name, statement)))
        .collect()
}

/// EventBridge takes `rate(1 hour)` and `rate(2 hours)`, and neither `rate(1 hours)` nor `rate(2 hour)` (EventBridge user guide,
/// "Rate expressions").
fn is_rate(expression: &str) -> bool {
    let inner = expression.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')'));
    let Some((count, unit)) = inner.and_then(|inner| inner.split_once(' ')) else { return false };
    match count.parse::<u32>() {
        Ok(1) => ["minute", "hour", "day"].contains(&unit),
        Ok(2..) => ["minutes", "hours", "days"].contains(&unit),
        Ok(0) | Err(_) => false,
    }
}

#[test]
fn a_rate_is_singular_only_for_one() {
    for good in ["rate(1 minute)", "rate(5 minutes)", "rate(1 hour)", "rate(12 hours)", "rate(2 days)"] {
        assert!(is_rate(good), "{good}");
    }
    for bad in [
        "rate(1 minutes)",
        "rate(5 minute)",
        "rate(0 minutes)",
        "rate(5)",
        "rate(5 weeks)",
        "rate(5  minutes)",
        "5 minutes",
        "rate(five minutes)",
    ] {
        assert!(!is_rate(bad), "{bad}");
    }
}

#[test]
fn every_schedule_is_a_rate_that_eventbridge_takes() {
    let template = template();
    for (function, _, schedule) in events(&template, "Schedule") {
        assert!(is_rate(text(&schedule["Schedule"])), "{function}: {schedule:?}");
    }
}

/// S104: hourly unless `poll_minutes` says otherwise, so the tick comes at least as often as the shortest `poll_minutes`.
#[test]
fn fetch_orders_is_ticked_as_often_as_the_shortest_setting() {
    let template = template();
    let ticks: Vec<_> =
        events(&template, "Schedule").into_iter().map(|(function, _, schedule)| (function, text(&schedule["Schedule"]))).collect();
    assert_eq!(ticks, [("FetchOrders", "rate(5 minutes)")]);
}

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
        // More than ten would need a batching window as well.
        assert!(number(&mapping["BatchSize"]) <= 10, "{name}");
        assert!(number(&mapping["ScalingConfig"]["MaximumConcurrency"]) >= 2, "{name}");
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

#[test]
fn every_function_has_a_role_of_its_own_and_none_has_a_managed_policy() {
    let template = template();
    let functions = resources(&template, FUNCTION);
    let roles: BTreeSet<&str> = functions.iter().map(|(_, function)| target(&function["Role"])).collect();
    let written: BTreeSet<&str> = resources(&template, "AWS::IAM::Role").into_iter().map(|(name, _)| name).collect();
    assert_eq!(roles, written);
    assert_eq!(roles.len(), functions.len());
    for (name, role) in resources(&template, "AWS::IAM::Role") {
        assert!(role.get("ManagedPolicyArns").is_none(), "{name}");
    }
}

#[test]
fn no_role_has_a_wildcard() {
    let template = template();
    for (role, statement) in role_statements(&template) {
        assert_eq!(text(&statement["Effect"]), "Allow", "{role}");
        assert!(statement.get("NotAction").is_none() && statement.get("NotResource").is_none(), "{role}");
        for part in each(&statement["Action"]).into_iter().chain(each(&statement["Resource"])) {
            assert!(!text(part).contains('*'), "{role}: {part:?}");
        }
    }
}

/// A transaction's permission is that of the writes in it: there is no `dynamodb:TransactWriteItems` to grant (DynamoDB developer
/// guide, "Using IAM with DynamoDB transactions").
#[test]
fn every_function_may_read_and_write_the_table_and_query_each_index() {
    let template = template();
    let on_the_table: BTreeSet<&str> = [
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:ConditionCheckItem",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
    ]
    .into();
    let indexes: BTreeSet<String> = TABLE_INDEXES.iter().map(|index| format!("${{Table.Arn}}/index/{}", index.name)).collect();
    for (role, _) in resources(&template, "AWS::IAM::Role") {
        let granted = |resource: &dyn Fn(&str) -> bool| -> BTreeSet<&str> {
            role_statements(&template)
                .into_iter()
                .filter(|(of, statement)| *of == role && each(&statement["Resource"]).into_iter().any(|arn| resource(text(arn))))
                .flat_map(|(_, statement)| each(&statement["Action"]))
                .map(text)
                .collect()
        };
        assert_eq!(granted(&|arn| arn == "Table.Arn"), on_the_table, "{role}");
        for index in &indexes {
            assert_eq!(granted(&|arn| arn == index), BTreeSet::from(["dynamodb:Query"]), "{role}: {index}");
        }
    }
}

#[test]
fn the_environment_is_what_the_configuration_reads() {
    let template = template();
    let written = names(&template["Globals"]["Function"]["Environment"]["Variables"]);
    let mut read: BTreeSet<&str> = config::REQUIRED.into_iter().chain(config::OPTIONAL).collect();
    // A fixed token is for one machine; here the authorizer decides.
    read.remove(config::API_TOKEN);
    assert_eq!(written, read);
    for (name, function) in resources(&template, FUNCTION) {
        assert!(function.get("Environment").is_none(), "{name} has an environment of its own");
    }
}

#[test]
fn each_variable_means_its_own_resource() {
    let template = template();
    let variables = &template["Globals"]["Function"]["Environment"]["Variables"];
    for (variable, resource) in [
        (config::TABLE, "Table"),
        (config::ORDERS_QUEUE_URL, "OrdersQueue"),
        (config::COMMANDS_QUEUE_URL, "CommandsQueue"),
        (config::DEAD_LETTER_QUEUE_URL, "DeadLetterQueue"),
        (config::SECRET_ID, "ShipStationSecret"),
        (config::SHIPSTATION_URL, "ShipStationUrl"),
        (config::PERMISSIONS_CLAIM, "PermissionsClaim"),
        (config::SIGN_IN_URL, "SignInUrl"),
        (config::SIGN_IN_TOKEN_URL, "SignInTokenUrl"),
        (config::SIGN_IN_CLIENT_ID, "SignInClientId"),
        (config::SIGN_IN_SCOPES, "SignInScopes"),
    ] {
        assert_eq!(target(&variables[variable]), resource, "{variable}");
    }
    assert_eq!(text(&template["Parameters"]["ShipStationUrl"]["Default"]), config::SHIPSTATION);
}

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
    assert_eq!(text(&properties["StreamSpecification"]["StreamViewType"]), "NEW_IMAGE");
}

#[test]
fn every_function_is_a_package_of_that_name() {
    let template = template();
    for (name, function) in resources(&template, FUNCTION) {
        let package = text(&function["FunctionName"]).strip_prefix("${AWS::StackName}-").unwrap();
        assert_eq!(text(&function["CodeUri"]), format!("../target/lambda/{package}"), "{name}");
        let manifest = root().join("functions").join(package).join("Cargo.toml");
        let manifest = std::fs::read_to_string(&manifest).unwrap_or_else(|error| panic!("{}: {error}", manifest.display()));
        assert!(manifest.contains(&format!("name = \"{package}\"")), "{name}");
    }
    assert_eq!(text(&template["Globals"]["Function"]["Handler"]), "bootstrap");
    assert_eq!(text(&template["Globals"]["Function"]["Runtime"]), "provided.al2023");
}

/// Deny by default: what has no authorizer of its own has the JWT one, and only these say that they are open: health, the OpenAPI text, and the panel, which holds no data.
#[test]
fn only_health_the_openapi_text_and_the_panels_files_are_open() {
    let template = template();
    let auth = &template["Resources"]["Http"]["Properties"]["Auth"];
    assert_eq!(names(&auth["Authorizers"]), BTreeSet::from([text(&auth["DefaultAuthorizer"])]));
    let open: BTreeSet<(&str, &str)> = events(&template, "HttpApi")
        .into_iter()
        .filter(|(_, _, route)| route.get("Auth").is_some())
        .map(|(_, _, route)| (text(&route["Method"]), text(&route["Path"])))
        .collect();
    let panel = [("GET", "/"), ("GET", "/panel/{proxy+}"), ("GET", "/v1/panel-configuration")];
    assert_eq!(open, [("GET", "/v1/health"), ("GET", "/v1/openapi.json")].into_iter().chain(panel).collect());
}

/// API Gateway's HTTP APIs wait 30 seconds at most (API Gateway developer guide, "Quotas for HTTP APIs").
#[test]
fn the_api_answers_before_the_gateway_gives_up() {
    let template = template();
    for (name, function, _) in events(&template, "HttpApi") {
        assert!(number(&function["Timeout"]) < 30, "{name}");
    }
}

#[test]
fn every_alarm_says_what_to_do() {
    let template = template();
    for (name, alarm) in resources(&template, "AWS::CloudWatch::Alarm") {
        let (_, runbook) = text(&alarm["AlarmDescription"]).split_once("Runbook: ").unwrap_or_else(|| panic!("{name}"));
        assert!(runbook.len() > 20, "{name}");
    }
}

#[test]
fn every_function_and_queue_is_watched() {
    let template = template();
    let watched: BTreeSet<(&str, &str)> = resources(&template, "AWS::CloudWatch::Alarm")
        .into_iter()
        .flat_map(|(_, alarm)| {
            each(&alarm["Dimensions"]).into_iter().map(|dimension| (text(&alarm["MetricName"]), target(&dimension["Value"])))
        })
        .collect();
    for (function, _) in resources(&template, FUNCTION) {
        assert!(watched.contains(&("Errors", function)), "{function}");
        assert!(watched.contains(&("Throttles", function)), "{function}");
    }
    for (_, _, mapping) in events(&template, "SQS") {
        let queue = target(&mapping["Queue"]);
        assert!(watched.contains(&("ApproximateAgeOfOldestMessage", queue)), "{queue}");
    }
    assert!(watched.contains(&("ApproximateNumberOfMessagesVisible", "DeadLetterQueue")));
}

#[test]
fn every_function_keeps_its_logs_for_a_limited_time() {
    let template = template();
    let groups = resources(&template, "AWS::Logs::LogGroup");
    for (name, group) in &groups {
        assert_eq!(target(&group["RetentionInDays"]), "LogRetentionDays", "{name}");
    }
    for (name, function) in resources(&template, FUNCTION) {
        let group = target(&function["LoggingConfig"]["LogGroup"]);
        assert!(groups.iter().any(|(each, _)| *each == group), "{name}");
        assert_eq!(text(&function["LoggingConfig"]["LogFormat"]), "JSON", "{name}");
    }
}

/// CloudFormation reads no anchors and aliases, although every YAML reader here would (CloudFormation user guide, "Template
/// formats": "YAML").
#[test]
fn the_template_has_no_anchors() {
    let text = std::fs::read_to_string(root().join("infra/template.yaml")).unwrap();
    for (number, line) in text.lines().enumerate() {
        let value = line.split_once(": ").map_or(line.trim_start(), |(_, value)| value).trim_start_matches("- ");
        assert!(!value.starts_with(['&', '*']), "line {}: {line}", number + 1);
    }
}
