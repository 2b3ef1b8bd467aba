//! Calls of each function while it runs, as IAM names them, recorded by an interceptor in its own
//! clients.
#![allow(clippy::missing_panics_doc, reason = "tests panic where they fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use stevedore_aws::interceptors::{
    BeforeTransmitInterceptorContextRef, BoxError, ConfigBag, Intercept, RuntimeComponents, SharedInterceptor,
};
use stevedore_aws::{ClientOptions, Clients};

/// An action and the resource of the template that it uses.
pub type Call = (String, String);

/// Records calls. Clones share the record.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<BTreeSet<Call>>>);

impl Recorder {
    /// Clients of the engines whose calls are recorded, after the interceptor `first`.
    pub fn clients(&self, endpoint: &str, first: SharedInterceptor) -> Clients {
        Clients::at_endpoint(endpoint, ClientOptions { interceptors: vec![first, self.interceptor()], ..ClientOptions::default() })
    }

    /// Records the calls of the clients that have it.
    pub fn interceptor(&self) -> SharedInterceptor {
        SharedInterceptor::new(self.clone())
    }

    pub fn calls(&self) -> BTreeSet<Call> {
        self.0.lock().unwrap().clone()
    }
}

impl Intercept for Recorder {
    fn name(&self) -> &'static str {
        "recorder"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.lock().unwrap().extend(calls_of(context)?);
        Ok(())
    }
}

/// The actions that one request needs.
pub(crate) fn calls_of(context: &BeforeTransmitInterceptorContextRef<'_>) -> Result<Vec<Call>, BoxError> {
    let target = context.request().headers().get("x-amz-target").unwrap_or_default();
    let (service, operation) = target.split_once('.').ok_or("no target")?;
    let body: Value = serde_json::from_slice(context.request().body().bytes().unwrap_or_default())?;
    Ok(match service {
        "DynamoDB_20120810" => table(operation, &body),
        "AmazonSQS" => queue(operation, &body),
        "secretsmanager" => vec![(format!("secretsmanager:{operation}"), "ShipStationSecret".to_owned())],
        other => panic!("{other} is not known to the template's tests"),
    })
}

/// A transaction needs the permissions of its actions: there is no `dynamodb:TransactWriteItems` to
/// grant (DynamoDB developer guide, "Using IAM with DynamoDB transactions").
fn table(operation: &str, body: &Value) -> Vec<Call> {
    let on = |action: &str, resource: &str| (format!("dynamodb:{action}"), resource.to_owned());
    match operation {
        "TransactWriteItems" => {
            let items = body["TransactItems"].as_array().unwrap();
            let actions = items.iter().flat_map(|item| item.as_object().unwrap().keys()).map(|kind| match kind.as_str() {
                "ConditionCheck" => "ConditionCheckItem".to_owned(),
                kind => format!("{kind}Item"),
            });
            actions.map(|action| on(&action, "Table")).collect()
        }
        "TransactGetItems" => vec![on("GetItem", "Table")],
        "Query" => match body["IndexName"].as_str() {
            Some(index) => vec![on("Query", &format!("Table/index/{index}"))],
            None => vec![on("Query", "Table")],
        },
        operation => vec![on(operation, "Table")],
    }
}

fn queue(operation: &str, body: &Value) -> Vec<Call> {
    let resources = BTreeMap::from([
        ("stevedore-orders", "OrdersQueue"),
        ("stevedore-commands", "CommandsQueue"),
        ("stevedore-consolidation", "ConsolidationQueue"),
        ("stevedore-dead-letters", "DeadLetterQueue"),
    ]);
    let name = body["QueueUrl"].as_str().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
    // A batch needs the permission of its single calls (Amazon SQS developer guide, "Amazon SQS API
    // permissions").
    let action = operation.strip_suffix("Batch").unwrap_or(operation);
    vec![(format!("sqs:{action}"), resources[name].to_owned())]
}
