//! The log: one entry for each captured order (S145–S150).

pub(super) mod view;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use stevedore_aws::{DeleteOutcome, Error, List, Page, StoredEntry};
use stevedore_domain::log::{LogEntry, LogState};
use stevedore_domain::operation::OperationKind;
use stevedore_domain::reason::Reason;
use stevedore_domain::sale::SaleStatus;
use utoipa::ToSchema;

use super::{OrderInPath, Shared, zone};
use crate::Deps;
use crate::http::auth::Caller;
use crate::http::paging::{ListQuery, ListView, Parameters, filtered};
use crate::http::problem::{Code, Problem};
use crate::http::router::{Routes, routes};
use crate::resources::operations::accepted;
use crate::resources::operations::view::OperationView;
use view::LogEntryView;

pub(super) fn routes<R: Routes>(into: R) -> R {
    into.routes(routes!(list)).routes(routes!(show, delete)).routes(routes!(recreate)).routes(routes!(book_anyway))
}

#[derive(Default)]
struct Filter {
    state: Option<LogState>,
    order_number: Option<String>,
    warning: Option<Reason>,
}

/// The log
#[utoipa::path(get, path = "/v1/log", tag = "log", operation_id = "list_log",
    description = "The newest first; with a `state` other than `booked` and no `order_number`, the oldest first. A page may hold fewer entries than \
        `limit`, even none, and still be continued: follow `next_page_token` until it is null.",
    security(("bearer" = ["integration:shipstation:read"])),
    params(
        ("state" = Option<String>, Query, description = "`pending`, `blocked`, `consolidating`, `booked`, `voided`, `withdrawn`, `skipped` or `failed`."),
        ("order_number" = Option<String>, Query, description = "Compared exactly."),
        ("warning" = Option<String>, Query, description = "The code of a warning that wants attention, as `GET /v1/overview` counts them: the oldest first, void sales left out."),
        ("from" = Option<String>, Query, description = "Captured at this time or later; a day is the merchant's own."),
        ("to" = Option<String>, Query, description = "Captured before this time; a day is included."),
        ListQuery,
    ),
    responses((status = 200, description = "Log entries.", body = ListView<LogEntryView>)))]
async fn list(State(deps): Shared, mut query: Parameters) -> Result<Json<ListView<LogEntryView>>, Problem> {
    let settings = deps.table.settings().await?.value;
    let mut list = query.list();
    query.window(&mut list, &zone(&settings));
    let filter = Filter {
        state: query.value("state", "A state", LogState::parse),
        order_number: query.text("order_number"),
        warning: attention(&mut query),
    };
    query.finish()?;
    let wanted = |stored: &StoredEntry| {
        filter.state.is_none_or(|state| stored.entry.state == state)
            && (filter.warning.is_none() || filter.order_number.as_ref().is_none_or(|number| stored.entry.order_number == *number))
    };
    let page = filtered(list, |list| narrowest(&deps, &filter, list), wanted).await?;
    Ok(Json(ListView::of(page, |stored| LogEntryView::from(stored.entry))))
}

/// A filter by a warning that wants attention.
pub(super) fn attention(query: &mut Parameters) -> Option<Reason> {
    let read = |text: &str| Reason::WANT_ATTENTION.into_iter().find(|reason| reason.code() == text);
    query.value("warning", "The code of a warning that wants attention", read)
}

/// One page of the narrowest list that holds what is asked for.
async fn narrowest(deps: &Deps, filter: &Filter, list: List) -> Result<Page<StoredEntry>, Error> {
    if let Some(warning) = filter.warning {
        return deps.table.list_log_attention(warning, &list).await;
    }
    match (&filter.order_number, filter.state) {
        (Some(number), _) => deps.table.list_log_number(number, &list).await,
        (None, Some(state)) if state != LogState::Booked => deps.table.list_log_state(state, &list).await,
        (None, _) => deps.table.list_log(&list).await,
    }
}

/// An order's log entry
#[utoipa::path(get, path = "/v1/log/{order_id}", tag = "log", operation_id = "show_log_entry",
    security(("bearer" = ["integration:shipstation:read"])), params(("order_id" = u64, Path)),
    responses((status = 200, description = "The entry.", body = LogEntryView)))]
async fn show(State(deps): Shared, OrderInPath(order): OrderInPath) -> Result<Json<LogEntryView>, Problem> {
    let stored = deps.table.of_connected_account().await?.log_entry(order).await?.ok_or_else(|| Problem::not_found("log entry"))?;
    Ok(Json(stored.entry.into()))
}

/// Remainder after an entry was deleted.
#[derive(Debug, Serialize, ToSchema)]
struct DeletedEntry {
    order_id: u64,
    /// The order's sale, which stays live; null when there is none or it is voided.
    #[schema(required = true)]
    live_sale_id: Option<String>,
    /// Meaning of the answer.
    message: String,
}

/// Delete a log entry
#[utoipa::path(delete, path = "/v1/log/{order_id}", tag = "log", operation_id = "delete_log_entry",
    description = "Lets the order be captured again. It neither voids nor deletes its sale; the answer says which live sale remains.",
    security(("bearer" = ["integration:shipstation:operate"])), params(("order_id" = u64, Path)),
    responses(
        (status = 200, description = "Deleted.", body = DeletedEntry),
        (status = 409, description = "`consolidating`"),
    ))]
async fn delete(State(deps): Shared, caller: Caller, OrderInPath(order): OrderInPath) -> Result<Json<DeletedEntry>, Problem> {
    let table = deps.table.of_connected_account().await?;
    let before = table.log_entry(order).await?.map(|stored| LogEntryView::from(stored.entry));
    let sale_id = match table.delete_log_entry(order).await? {
        DeleteOutcome::Deleted(sale_id) => sale_id,
        DeleteOutcome::Absent => return Err(Problem::not_found("log entry")),
        DeleteOutcome::Consolidating => return Err(Problem::new(Code::Consolidating)),
    };
    tracing::info!(order_id = order.0, "log entry deleted");
    let sale = match sale_id {
        Some(id) => deps.table.sale(&id).await?,
        None => None,
    };
    let live = sale.filter(|stored| stored.sale.status() != SaleStatus::Voided).map(|stored| stored.sale.id.0);
    let message = match &live {
        Some(id) => format!(
            "The order can be captured again. Its sale {id} is still live: void it first to book the order anew, else the order is tied to it again."
        ),
        None => "The order can be captured again.".to_owned(),
    };
    let view = DeletedEntry { order_id: order.0, live_sale_id: live, message };
    caller.change.is(before, &view);
    Ok(Json(view))
}

/// Book a held order all the same
#[utoipa::path(post, path = "/v1/log/{order_id}/book-anyway", tag = "log", operation_id = "book_order_anyway",
    description = "For an order that is blocked with `merged_after_booking`, `split_after_booking` or `possible_duplicate`: it is booked beside the orders that its message \
        names, at once or, with daily consolidation, in the day's sale. The order's timeline says by whom. Orders that turn out to be its kin later hold it again.",
    security(("bearer" = ["integration:shipstation:operate"])), params(("order_id" = u64, Path)),
    responses(
        (status = 202, description = "Queued.", body = OperationView, headers(("Location" = String, description = "Where it can be watched."))),
        (status = 409, description = "`not_held`"),
    ))]
async fn book_anyway(State(deps): Shared, caller: Caller, OrderInPath(order): OrderInPath) -> Result<Response, Problem> {
    let before = deps.table.log_entry(order).await?.ok_or_else(|| Problem::not_found("log entry"))?.entry;
    let (now, mut held) = (deps.now(), false);
    let change = |entry: &mut LogEntry| {
        held = entry.book_anyway(now, &caller.by);
        held
    };
    let entry = deps.table.change_log_entry(order, change).await?.ok_or_else(|| Problem::not_found("log entry"))?;
    if !held {
        return Err(Problem::new(Code::NotHeld));
    }
    let operation = deps.start(OperationKind::ProcessPending { order_ids: Some(vec![order]) }, &caller.by).await?;
    caller.change.is(Some(LogEntryView::from(before)), LogEntryView::from(entry));
    Ok(accepted(operation))
}

/// Make an order's sale anew
#[utoipa::path(post, path = "/v1/log/{order_id}/recreate", tag = "log", operation_id = "recreate_sale",
    description = "Voids the order's sale, reads the order from ShipStation once more, and books it under the settings of today; with daily consolidation it waits for \
        the next day's sale. The voided sale stays as a record. An order of a day's sale can be made anew once that sale is void.",
    security(("bearer" = ["integration:shipstation:operate"])), params(("order_id" = u64, Path)),
    responses(
        (status = 202, description = "Queued.", body = OperationView, headers(("Location" = String, description = "Where it can be watched."))),
        (status = 409, description = "`nothing_to_recreate` or `in_a_days_sale`"),
    ))]
async fn recreate(State(deps): Shared, caller: Caller, OrderInPath(order): OrderInPath) -> Result<Response, Problem> {
    let stored = deps.table.of_connected_account().await?.log_entry(order).await?.ok_or_else(|| Problem::not_found("log entry"))?;
    match &stored.entry.sale_id {
        // Of a day that is void each order may be booked by itself.
        Some(id) if id.order().is_none() && stored.entry.state != LogState::Voided => return Err(Problem::new(Code::InADaysSale)),
        Some(_) => {}
        None => return Err(Problem::new(Code::NothingToRecreate)),
    }
    let operation = deps.start(OperationKind::Recreate { order_id: order }, &caller.by).await?;
    let before = serde_json::json!({ "sale_id": stored.entry.sale_id });
    caller.change.is(Some(before), serde_json::json!({ "operation_id": operation.id }));
    Ok(accepted(operation))
}
