//! Messages that could not be processed, and putting them back.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use stevedore_aws::messages::{Command, OrderMessage};
use stevedore_aws::{DeadLetter, Redriven};
use stevedore_domain::reason::Reason;
use stevedore_lambda::ErrorChain;
use stevedore_shipstation::parse_order;
use utoipa::ToSchema;

use super::Shared;
use crate::http::auth::Caller;
use crate::http::body::{Body, text};
use crate::http::paging::{ListQuery, ListView, Parameters};
use crate::http::problem::Problem;
use crate::http::router::{Routes, routes};

pub(super) fn routes<R: Routes>(into: R) -> R {
    into.routes(routes!(list)).routes(routes!(redrive))
}

/// Messages that are named one by one in a request, at most.
const MOST_MESSAGES: usize = 1_000;

/// A message that could not be processed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetter)]
struct DeadLetterView {
    message_id: String,
    #[schema(value_type = String, example = "order")]
    kind: &'static str,
    /// The message: as JSON where it is JSON, else as text.
    #[schema(value_type = serde_json::Value)]
    body: Box<RawValue>,
    /// Reason for which it is a dead letter, or that its processing failed.
    why: String,
    /// A code for that, where it is known: `not_json`, `unknown_version`, `no_order`, `malformed_order` and others.
    #[schema(required = true)]
    reason: Option<String>,
    /// ShipStation's id, where it could be read.
    #[schema(required = true)]
    order_id: Option<u64>,
    #[schema(required = true)]
    order_number: Option<String>,
    /// The operation that it belongs to, where it could be read.
    #[schema(required = true)]
    operation_id: Option<String>,
    /// Time at which it was first sent.
    #[schema(required = true)]
    sent_at: Option<Timestamp>,
    /// Number of times that it was received as a dead letter; listing counts.
    receive_count: u32,
}

/// Names that an order states about itself, as far as they can be read.
#[derive(Default, Deserialize)]
struct Named {
    #[serde(rename = "orderId", default)]
    id: Option<serde_json::Value>,
    #[serde(rename = "orderNumber", default)]
    number: Option<serde_json::Value>,
}

impl DeadLetterView {
    fn of(letter: DeadLetter) -> Self {
        let (mut order, mut operation_id) = (Named::default(), None);
        let failed = || "It was tried as often as the queue allows and failed each time. The log says why; redrive it when that is mended.";
        let (kind, why, found) = match (OrderMessage::decode(&letter.body), Command::decode(&letter.body)) {
            (Ok(message), _) => {
                operation_id = Some(message.operation_id.0);
                order = serde_json::from_str(message.order.get()).unwrap_or_default();
                match parse_order(message.order.get(), message.read_at) {
                    Ok(_) => ("order", failed().to_owned(), None),
                    Err(malformed) => (
                        "order",
                        format!("{}: {}. {}", malformed.pointer, malformed.problem, Reason::MalformedOrder.advice()),
                        Some(Reason::MalformedOrder.code()),
                    ),
                }
            }
            (_, Ok(command)) => {
                operation_id = command.operation_id().map(|id| id.0.clone());
                ("command", failed().to_owned(), None)
            }
            // The one of the two that says more: a text without an order may be a command of another version.
            (Err(error), Err(_)) => ("unknown", capitalised(&ErrorChain(&error).to_string()), Some(error.code())),
        };
        let reason = letter.reason.as_ref().map(|reason| reason.code.clone()).or(found.map(str::to_owned));
        // What the function said that gave it up; where a queue did, what the text itself says.
        let why = letter.reason.as_ref().map_or(why, |reason| capitalised(&reason.detail));
        Self {
            kind,
            why,
            reason,
            order_id: order.id.and_then(|id| id.as_u64()),
            order_number: order.number.and_then(|number| number.as_str().map(str::to_owned)),
            operation_id,
            body: as_json(&letter.body),
            message_id: letter.message_id,
            sent_at: letter.sent_at,
            receive_count: letter.receive_count,
        }
    }
}

fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", letters.as_str())
}

/// A message's own JSON, numbers as they were sent; a text where it is none.
fn as_json(body: &str) -> Box<RawValue> {
    let quoted = || serde_json::value::to_raw_value(body).unwrap_or_default();
    serde_json::from_str::<&RawValue>(body).map_or_else(|_| quoted(), ToOwned::to_owned)
}

/// Dead letters
#[utoipa::path(get, path = "/v1/dead-letters", tag = "dead letters", operation_id = "list_dead_letters",
    description = "The queue has no order and no pages: one page shows what can be seen just now, up to `limit`.",
    security(("bearer" = ["integration:shipstation:read"])), params(ListQuery),
    responses((status = 200, description = "Dead letters.", body = ListView<DeadLetterView>)))]
async fn list(State(deps): Shared, mut query: Parameters) -> Result<Json<ListView<DeadLetterView>>, Problem> {
    let list = query.list();
    query.finish()?;
    if list.token.is_some() {
        return Err(stevedore_aws::Error::PageToken.into());
    }
    let letters = deps.queues.dead_letters(list.limit).await?;
    let mut view = ListView::cut(letters.into_iter().map(DeadLetterView::of), "dead letters", &list)?;
    view.next_page_token = None;
    Ok(Json(view))
}

/// Messages to put back.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "only its schema is used: bodies are read member by member")]
struct RedriveInput {
    /// All where this is left out.
    message_ids: Option<Vec<String>>,
}

/// Result of a redrive.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Redriven)]
struct RedrivenView {
    /// Messages that are on their queue again.
    moved: usize,
    /// Messages that were named and not found among those that can be seen just now.
    missing: usize,
    /// Messages that are still dead letters, approximately. A call moves as many as its time allows: send it again while all are to be moved and some are left.
    left: u64,
}

/// Put dead letters back on their queues
#[utoipa::path(post, path = "/v1/dead-letters/redrive", tag = "dead letters", operation_id = "redrive_dead_letters",
    security(("bearer" = ["integration:shipstation:operate"])), request_body = Option<RedriveInput>,
    responses((status = 200, description = "Moved.", body = RedrivenView)))]
async fn redrive(State(deps): Shared, caller: Caller, body: Body) -> Result<Json<RedrivenView>, Problem> {
    let message_ids = body.read_optional(|fields| {
        let ids = fields.list("message_ids", MOST_MESSAGES, text(200));
        if ids.as_ref().is_some_and(Vec::is_empty) {
            fields.refuse("message_ids", "required", "Name at least one message, or leave this out for all.");
        }
        ids
    })?;
    let redriven = deps.queues.redrive(message_ids.as_deref()).await?;
    let Redriven { moved, missing, left } = redriven;
    tracing::info!(moved, missing, left, "dead letters redriven");
    let view = RedrivenView { moved, missing, left };
    caller.change.is(message_ids.map(|ids| serde_json::json!({ "message_ids": ids })), &view);
    Ok(Json(view))
}
