//! Common parts of the three services' protocols: a target header in the request, JSON in the
//! answer, errors named by a `__type`.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A service of the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// `DynamoDB`, streams included.
    Tables,
    /// SQS.
    Queues,
    /// Secrets Manager.
    Secrets,
}

impl Service {
    /// The service and operation that an `X-Amz-Target` header names.
    pub(crate) fn of_target(target: &str) -> Option<(Self, &str)> {
        let (prefix, operation) = target.split_once('.')?;
        let service = match prefix {
            "DynamoDB_20120810" | "DynamoDBStreams_20120810" => Self::Tables,
            "AmazonSQS" => Self::Queues,
            "secretsmanager" => Self::Secrets,
            _ => return None,
        };
        Some((service, operation))
    }

    /// The name that requests of the service are signed for.
    pub(crate) fn signing_name(self) -> &'static str {
        match self {
            Self::Tables => "dynamodb",
            Self::Queues => "sqs",
            Self::Secrets => "secretsmanager",
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Tables | Self::Queues => "application/x-amz-json-1.0",
            Self::Secrets => "application/x-amz-json-1.1",
        }
    }

    /// The service's answer that asks callers to slow down.
    pub(crate) fn throttled(self) -> Refusal {
        match self {
            Self::Tables => Refusal::new(
                "ProvisionedThroughputExceededException",
                "The level of configured provisioned throughput for the table was exceeded.",
            ),
            Self::Queues => Refusal::new("RequestThrottled", "Rate exceeded"),
            Self::Secrets => Refusal::new("ThrottlingException", "Rate exceeded"),
        }
    }

    /// A successful answer.
    pub(crate) fn reply(self, body: String) -> Reply {
        Reply { status: 200, content_type: self.content_type(), query_error: None, body }
    }

    /// An error answer, in the form that makes the SDK's typed error of the same name.
    pub(crate) fn refuse(self, refusal: &Refusal) -> Reply {
        let fault = if refusal.status >= 500 { "Receiver" } else { "Sender" };
        let (kind, query_error) = match self {
            Self::Tables => (format!("com.amazonaws.dynamodb.v20120810#{}", refusal.code), None),
            Self::Queues => (format!("com.amazonaws.sqs#{}", refusal.code), Some(format!("{};{fault}", query_code(&refusal.code)))),
            Self::Secrets => (refusal.code.to_string(), None),
        };
        let mut body = json!({ "__type": kind, "message": refusal.message });
        if self == Self::Secrets
            && let Value::Object(fields) = &mut body
        {
            fields.insert("Message".to_owned(), Value::String(refusal.message.clone()));
        }
        Reply { status: refusal.status, content_type: self.content_type(), query_error, body: body.to_string() }
    }
}

/// The error name of SQS's older query protocol. SDKs match on it if the header is present (the
/// service's model, trait `awsQueryError`).
fn query_code(shape: &str) -> Cow<'_, str> {
    match shape {
        "QueueDoesNotExist" => Cow::Borrowed("AWS.SimpleQueueService.NonExistentQueue"),
        "QueueNameExists" => Cow::Borrowed("QueueAlreadyExists"),
        "BatchEntryIdsNotDistinct"
        | "BatchRequestTooLong"
        | "EmptyBatchRequest"
        | "InvalidBatchEntryId"
        | "MessageNotInflight"
        | "PurgeQueueInProgress"
        | "QueueDeletedRecently"
        | "TooManyEntriesInBatchRequest"
        | "UnsupportedOperation" => Cow::Owned(format!("AWS.SimpleQueueService.{shape}")),
        other => Cow::Borrowed(other),
    }
}

/// An answer, ready to be sent.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    /// Value of `x-amzn-query-error`.
    pub(crate) query_error: Option<String>,
    pub(crate) body: String,
}

impl Reply {
    /// A body in the form of DynamoDB's protocol, made by the engine.
    pub(crate) fn tables(status: u16, body: String) -> Self {
        Self { status, content_type: Service::Tables.content_type(), query_error: None, body }
    }
}

/// An operation that a service refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// HTTP status; 4xx are faults of the caller, 5xx faults of the engines.
    pub(crate) status: u16,
    /// The error's name in the service's model.
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
}

impl Refusal {
    /// A fault of the caller.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code: Cow::Borrowed(code), message: message.into() }
    }

    /// A fault of the engines: the store failed.
    pub(crate) fn internal() -> Self {
        Self {
            status: 500,
            code: Cow::Borrowed("InternalFailure"),
            message: "The request processing has failed because of an unknown error, exception or failure.".to_owned(),
        }
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "a store of the engines failed");
        Self::internal()
    }
}

/// Reads a request. A missing field is named as in SQS and Secrets Manager.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let text = error.to_string();
        match text.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
            Some((field, _)) => Refusal::new("MissingParameter", format!("The request must contain the parameter {field}.")),
            None => Refusal::new("SerializationException", text),
        }
    })
}
