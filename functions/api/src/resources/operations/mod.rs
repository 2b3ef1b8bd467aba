//! Operations: what ran, and starting one (S114, S115, S153, S154).

pub(super) mod view;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Deserialize;
use stevedore_domain::ids::OperationId;
use stevedore_domain::operation::{KINDS, Operation, OperationKind, OperationState, Source, StartedBy};
use stevedore_lambda::ErrorChain;
use utoipa::ToSchema;

use super::{Id, Shared, zone};
use crate::Deps;
use crate::http::auth::Caller;
use crate::http::body::{Body, date, text, verbatim};
use crate::http::paging::{ListQuery, ListView, Parameters};
use crate::http::problem::{Code, FieldFault, Problem};
use crate::http::router::{Routes, routes};
use view::{OperationView, RowView};

pub(super) fn routes<R: Routes>(into: R) -> R {
    into.routes(routes!(list, start)).routes(routes!(show)).routes(routes!(rows))
}

/// Body that starts an operation.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(dead_code, reason = "only its schema is used: bodies are read member by member")]
enum StartInput {
    /// Every order that entered ShipStation since that day's midnight in the merchant's zone, at most one year back.
    LoadOrders { from: Date },
    /// The orders with exactly this number, else those whose number differs in blanks at its ends or a leading `#` alone.
    LoadOrder { order_number: String },
    /// Daily consolidation, as far as it is due.
    Consolidate,
}

/// The longest order number that is taken, in bytes; ShipStation's have 50 characters at most.
const LONGEST_NUMBER: usize = 256;

/// Operations of a page whose counts are brought up to date; the others show what was last written.
const SETTLED: usize = 3;
/// Queued orders of each that a list looks up.
const LOOKED_AT_IN_LISTS: usize = 100;
/// Queued orders that a look at one operation looks up. While a year is loaded the rest is counted by later looks, and by the schedule.
const LOOKED_AT: usize = 1_000;

/// Operations, the newest first
#[utoipa::path(get, path = "/v1/operations", tag = "operations", operation_id = "list_operations",
    security(("bearer" = ["integration:shipstation:read"])), params(ListQuery),
    responses((status = 200, description = "Operations.", body = ListView<OperationView>)))]
async fn list(State(deps): Shared, mut query: Parameters) -> Result<Json<ListView<OperationView>>, Problem> {
    let list = query.list();
    query.finish()?;
    let mut page = deps.table.list_operations(&list).await?;
    let open = |operation: &Operation| !operation.state.is_final() || operation.counts.queued > 0;
    for operation in page.items.iter_mut().filter(|operation| open(operation)).take(SETTLED) {
        if let Some(settled) = deps.table.look_at_operation(&operation.id, deps.now(), LOOKED_AT_IN_LISTS).await? {
            *operation = settled;
        }
    }
    Ok(Json(ListView::of(page, OperationView::from)))
}

/// Start an operation
#[utoipa::path(post, path = "/v1/operations", tag = "operations", operation_id = "start_operation",
    security(("bearer" = ["integration:shipstation:operate"])), request_body = StartInput,
    responses(
        (status = 202, description = "Queued.", body = OperationView, headers(("Location" = String, description = "Where it can be watched."))),
        (status = 409, description = "`not_connected`, `disconnecting` or `store_mode_off`."),
        (status = 422, description = "`validation_failed` or `kind_not_supported`."),
    ))]
async fn start(State(deps): Shared, caller: Caller, body: Body) -> Result<Response, Problem> {
    let kind = body.read(|fields| {
        let kind = fields.required("kind", text(100));
        match kind.as_str() {
            "load_orders" => Some(OperationKind::LoadOrders { from: fields.required("from", date) }),
            "load_order" => Some(OperationKind::LoadOrder { order_number: fields.required("order_number", verbatim(LONGEST_NUMBER)) }),
            "consolidate" => Some(OperationKind::Consolidate { local_date: None }),
            // Its members are nobody's fault while its kind is unknown.
            _ => {
                fields.forgive_the_rest();
                None
            }
        }
    })?;
    let Some(kind) = kind else {
        let startable = KINDS.iter().filter(|kind| kind.started_by == StartedBy::Request).map(|kind| kind.name);
        let message = format!("One of these belongs here: {}.", startable.collect::<Vec<_>>().join(", "));
        let fault = FieldFault { pointer: "/kind".to_owned(), code: "not_supported", message };
        return Err(Problem::with_errors(Code::KindNotSupported, vec![fault]));
    };
    let settings = deps.table.settings().await?.value;
    if let OperationKind::LoadOrders { from } = &kind {
        check_from(*from, deps.now().to_zoned(zone(&settings)).date())?;
    }
    if kind.spec().source != Source::Here {
        deps.takes_orders().await?;
    }
    let operation = deps.start(kind, &caller.by).await?;
    caller.change.is_new(serde_json::json!({ "operation_id": operation.id }));
    Ok(accepted(operation))
}

/// The answer to whoever started an operation.
pub(super) fn accepted(operation: Operation) -> Response {
    let location = format!("/v1/operations/{}", operation.id);
    (StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(OperationView::from(operation))).into_response()
}

/// At most one year back, and not in the future (S115).
fn check_from(from: Date, today: Date) -> Result<(), Problem> {
    let earliest = today.saturating_sub(1.year());
    if from > today {
        return Err(Problem::field("/from", "in_the_future", format!("{from} is in the future; today is {today}.")));
    }
    if from < earliest {
        let message = format!("Orders are loaded from at most one year back: {earliest} is the first day.");
        return Err(Problem::field("/from", "more_than_one_year_back", message));
    }
    Ok(())
}

impl Deps {
    /// Writes an operation and sends its command. When that fails the operation says so.
    pub(super) async fn start(&self, kind: OperationKind, by: &str) -> Result<Operation, Problem> {
        let (operation, version) = self.create_operation(kind, by).await?;
        match self.queues.send_run(&operation).await {
            Ok(()) => Ok(operation),
            Err(error) => Err(self.not_queued(operation, version, &error).await?),
        }
    }

    /// Writes an operation that is to be queued. Answers its version too.
    pub(super) async fn create_operation(&self, kind: OperationKind, by: &str) -> Result<(Operation, u64), Problem> {
        let now = self.now();
        let account = self.table.of_connected_account().await?.account();
        let mut operation = Operation::new(kind, account, by, now);
        let mut version = None;
        for attempt in 1..=100 {
            operation.id = operation.kind.spec().id(now, attempt);
            version = self.table.create_operation(&operation).await?;
            if version.is_some() {
                break;
            }
        }
        Ok((operation, version.ok_or_else(|| Problem::new(Code::Unavailable))?))
    }

    /// Writes that an operation could not be queued. Answers the problem for it.
    pub(super) async fn not_queued(
        &self,
        mut operation: Operation,
        version: u64,
        error: &stevedore_aws::Error,
    ) -> Result<Problem, Problem> {
        tracing::error!(error = %ErrorChain(error), "an operation could not be queued");
        operation.state = OperationState::Failed;
        operation.reason = Some("not_queued".to_owned());
        operation.message = Some("The operation could not be queued, so nothing was done. Start it again.".to_owned());
        operation.finished_at = Some(self.now());
        // The command may have been accepted all the same, and then the operation goes on.
        self.table.put_operation(&operation, version).await?;
        Ok(Problem::with_detail(Code::Unavailable, "The operation could not be queued, so nothing was done. Start it again."))
    }
}

/// An operation with its present counts
#[utoipa::path(get, path = "/v1/operations/{id}", tag = "operations", operation_id = "show_operation",
    security(("bearer" = ["integration:shipstation:read"])), params(("id" = String, Path)),
    responses((status = 200, description = "The operation.", body = OperationView)))]
async fn show(State(deps): Shared, Id(id): Id) -> Result<Json<OperationView>, Problem> {
    let operation = deps.table.look_at_operation(&OperationId(id), deps.now(), LOOKED_AT).await?;
    Ok(Json(operation.ok_or_else(|| Problem::not_found("operation"))?.into()))
}

/// Every order of an operation that was not plainly captured
#[utoipa::path(get, path = "/v1/operations/{id}/rows", tag = "operations", operation_id = "list_operation_rows",
    security(("bearer" = ["integration:shipstation:read"])),
    params(("id" = String, Path), ListQuery),
    responses((status = 200, description = "One row for each.", body = ListView<RowView>)))]
async fn rows(State(deps): Shared, Id(id): Id, mut query: Parameters) -> Result<Json<ListView<RowView>>, Problem> {
    let list = query.list();
    query.finish()?;
    let id = OperationId(id);
    let stored = deps.table.operation(&id).await?.ok_or_else(|| Problem::not_found("operation"))?;
    let page = deps.table.list_operation_rows(&stored.value, &list, deps.now()).await?;
    Ok(Json(ListView::of(page, RowView::from)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use jiff::civil::date as day;

    /// S115: a year back to the day, leap days included.
    #[test]
    fn s115_one_year_back_and_not_in_the_future() {
        let today = day(2028, 2, 29);
        for (from, allowed) in [(today, true), (day(2027, 2, 28), true), (day(2027, 2, 27), false), (day(2028, 3, 1), false)] {
            assert_eq!(check_from(from, today).is_ok(), allowed, "{from}");
        }
    }

    /// The schema lists what the registry lets people start.
    #[test]
    fn the_schema_offers_the_kinds_that_a_request_may_start() {
        let schema = serde_json::to_value(<StartInput as utoipa::PartialSchema>::schema()).unwrap();
        let offered: Vec<&str> =
            schema["oneOf"].as_array().unwrap().iter().map(|kind| kind["properties"]["kind"]["enum"][0].as_str().unwrap()).collect();
        let startable: Vec<&str> = KINDS.iter().filter(|kind| kind.started_by == StartedBy::Request).map(|kind| kind.name).collect();
        assert_eq!(offered, startable, "{schema}");
    }
}
