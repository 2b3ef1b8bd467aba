//! Pending orders: captured and not a sale yet (S116).

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use stevedore_aws::List;
use stevedore_domain::ids::OrderId;
use stevedore_domain::log::LogState;
use stevedore_domain::operation::OperationKind;
use stevedore_domain::settings::Consolidation;
use utoipa::ToSchema;

use super::operations::accepted;
use super::{OrderInPath, Shared};
use crate::http::auth::Caller;
use crate::http::body::{Body, number_id};
use crate::http::paging::{ListQuery, ListView, Parameters, read_token, write_token};
use crate::http::problem::{Code, FieldFault, Problem};
use crate::http::router::{Routes, routes};
use crate::resources::log::view::{LogEntryView, PendingOrderView};
use crate::resources::operations::view::OperationView;

pub(super) fn routes<R: Routes>(into: R) -> R {
    into.routes(routes!(list)).routes(routes!(process)).routes(routes!(show))
}

/// The states of a pending order, in the order in which they are listed.
const STATES: [LogState; 2] = [LogState::Pending, LogState::Blocked];

/// Orders that are named one by one in a request, at most.
const MOST_ORDERS: usize = 1_000;

/// Orders to process.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "only its schema is used: bodies are read member by member")]
struct ProcessInput {
    /// ShipStation's ids; all where this is left out.
    order_ids: Option<Vec<u64>>,
}

/// Pending orders
#[utoipa::path(get, path = "/v1/pending-orders", tag = "pending orders", operation_id = "list_pending_orders",
    description = "Those that wait for their turn, then those that are blocked, each the oldest first.",
    security(("bearer" = ["integration:shipstation:read"])),
    params(
        ("state" = Option<String>, Query, description = "`pending` or `blocked`; both where it is left out."),
        ListQuery,
    ),
    responses((status = 200, description = "Log entries.", body = ListView<LogEntryView>)))]
async fn list(State(deps): Shared, mut query: Parameters) -> Result<Json<ListView<LogEntryView>>, Problem> {
    let mut list = query.list();
    let only = query.value("state", "pending or blocked", |text| LogState::parse(text).filter(|state| STATES.contains(state)));
    query.finish()?;
    let states: Vec<LogState> = STATES.into_iter().filter(|state| only.is_none_or(|only| only == *state)).collect();
    // A token says which of the lists it continues; an empty one begins it.
    let token = list.token.take();
    let (mut at, mut inner) = (0, None);
    if let Some(token) = &token {
        let place = states.iter().enumerate().find_map(|(at, state)| Some((at, read_token(&name(*state), token)?)));
        let (place, text) = place.ok_or(stevedore_aws::Error::PageToken)?;
        (at, inner) = (place, Some(text).filter(|text| !text.is_empty()));
    }
    let mut view = ListView::whole(Vec::new());
    while let Some(state) = states.get(at) {
        let wanted = list.limit - view.items.len();
        if wanted == 0 {
            view.next_page_token = Some(write_token(&name(*state), &inner.unwrap_or_default()));
            break;
        }
        let page = deps.table.list_log_state(*state, &List { limit: wanted, token: inner.take(), ..list.clone() }).await?;
        view.items.extend(page.items.into_iter().map(|stored| LogEntryView::from(stored.entry)));
        inner = page.next;
        if inner.is_none() {
            at += 1;
        }
    }
    Ok(Json(view))
}

fn name(state: LogState) -> String {
    format!("pending orders: {}", state.as_str())
}

/// A pending order, with what ShipStation sent
#[utoipa::path(get, path = "/v1/pending-orders/{order_id}", tag = "pending orders", operation_id = "show_pending_order",
    security(("bearer" = ["integration:shipstation:read"])), params(("order_id" = u64, Path)),
    responses((status = 200, description = "The order.", body = PendingOrderView)))]
async fn show(State(deps): Shared, OrderInPath(order): OrderInPath) -> Result<Json<PendingOrderView>, Problem> {
    let stored = deps.table.of_connected_account().await?.log_entry(order).await?.filter(|stored| STATES.contains(&stored.entry.state));
    let stored = stored.ok_or_else(|| Problem::not_found("pending order"))?;
    let raw = deps.table.newest_order(&stored).await?;
    Ok(Json(PendingOrderView::of(stored.entry, raw)))
}

/// Process pending orders now
#[utoipa::path(post, path = "/v1/pending-orders/process", tag = "pending orders", operation_id = "process_pending_orders",
    description = "Some or all; skipped and failed orders may be named too, and are among all.",
    security(("bearer" = ["integration:shipstation:operate"])), request_body = Option<ProcessInput>,
    responses(
        (status = 202, description = "Queued.", body = OperationView, headers(("Location" = String, description = "Where it can be watched."))),
        (status = 409, description = "`consolidation_is_daily`"),
    ))]
async fn process(State(deps): Shared, caller: Caller, body: Body) -> Result<Response, Problem> {
    let order_ids = body.read_optional(|fields| {
        let ids = fields.list("order_ids", MOST_ORDERS, number_id);
        if ids.as_ref().is_some_and(Vec::is_empty) {
            fields.refuse("order_ids", "required", "Name at least one order, or leave this out for all.");
        }
        ids.map(|ids| ids.into_iter().map(OrderId).collect::<Vec<_>>())
    })?;
    if deps.table.settings().await?.value.consolidation == Consolidation::Daily {
        return Err(Problem::new(Code::ConsolidationIsDaily));
    }
    if let Some(order_ids) = &order_ids {
        let entries = deps.table.of_connected_account().await?.log_entries(order_ids.iter().copied()).await?;
        let fault = |(index, id): (usize, &OrderId)| {
            let message = match entries.get(id) {
                Some(stored) if stored.entry.state.is_open() => return None,
                Some(stored) => format!("Order {id} does not wait for anything: it is {}.", stored.entry.state.as_str()),
                None => format!("There is no order {id} in the log."),
            };
            Some(FieldFault { pointer: format!("/order_ids/{index}"), code: "not_pending", message })
        };
        let faults: Vec<FieldFault> = order_ids.iter().enumerate().filter_map(fault).collect();
        if !faults.is_empty() {
            return Err(Problem::with_errors(Code::ValidationFailed, faults));
        }
    }
    let named = order_ids.clone();
    let operation = deps.start(OperationKind::ProcessPending { order_ids }, &caller.by).await?;
    caller.change.is_new(serde_json::json!({ "operation_id": operation.id, "order_ids": named }));
    Ok(accepted(operation))
}
