//! Pending syncs for an accounting connector (S40).

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use stevedore_aws::{AccountingSync, SyncState};
use stevedore_domain::sale::SyncAction;
use utoipa::ToSchema;

use super::{Id, Shared};
use crate::http::auth::Caller;
use crate::http::paging::{ListQuery, ListView, Parameters};
use crate::http::problem::Problem;
use crate::http::router::{Routes, routes};
use crate::resources::enums::{sync_action, sync_state};

pub(super) fn routes<R: Routes>(into: R) -> R {
    into.routes(routes!(list)).routes(routes!(acknowledge))
}

/// Event of an invoice, and its acknowledgement by the accounting system.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountingSync)]
struct SyncView {
    id: String,
    sale_id: String,
    invoice_number: String,
    /// The invoice's date: the order's own on the merchant's calendar, or the day of a consolidated sale. Null where it is not known.
    #[schema(required = true)]
    order_date: Option<Date>,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    /// Total of the invoice, with its tax.
    #[schema(example = "12.34")]
    total: String,
    tax: String,
    /// Tax that the marketplace keeps and pays itself: no part of `tax` and `total`. Null where it keeps none.
    #[schema(required = true)]
    withheld_tax: Option<String>,
    /// Event of the invoice: `authorised`, or `voided` after the accounting system had it.
    #[schema(schema_with = sync_action)]
    action: SyncAction,
    #[schema(schema_with = sync_state)]
    state: SyncState,
    /// Time of the event.
    created_at: Timestamp,
    #[schema(required = true)]
    acknowledged_at: Option<Timestamp>,
}

impl From<AccountingSync> for SyncView {
    fn from(sync: AccountingSync) -> Self {
        let amount = |amount| sync.currency.text(amount);
        Self {
            order_date: sync.order_date,
            currency: sync.currency.code().to_owned(),
            total: amount(sync.total),
            tax: amount(sync.tax),
            withheld_tax: sync.withheld_tax.map(amount),
            id: sync.id,
            sale_id: sync.sale_id.0,
            invoice_number: sync.invoice_number,
            action: sync.action,
            state: sync.state,
            created_at: sync.created_at,
            acknowledged_at: sync.acknowledged_at,
        }
    }
}

/// Pending syncs, the oldest first
#[utoipa::path(get, path = "/v1/accounting-syncs", tag = "accounting", operation_id = "list_accounting_syncs",
    security(("bearer" = ["integration:shipstation:read"])), params(ListQuery),
    responses((status = 200, description = "Pending syncs.", body = ListView<SyncView>)))]
async fn list(State(deps): Shared, mut query: Parameters) -> Result<Json<ListView<SyncView>>, Problem> {
    let list = query.list();
    query.finish()?;
    Ok(Json(ListView::of(deps.table.list_pending_syncs(&list).await?, SyncView::from)))
}

/// The accounting system has it
#[utoipa::path(post, path = "/v1/accounting-syncs/{id}/acknowledge", tag = "accounting", operation_id = "acknowledge_accounting_sync",
    description = "Again is fine: the first time counts.",
    security(("bearer" = ["integration:shipstation:operate"])), params(("id" = String, Path)),
    responses((status = 200, description = "Acknowledged.", body = SyncView)))]
async fn acknowledge(State(deps): Shared, caller: Caller, Id(id): Id) -> Result<Json<SyncView>, Problem> {
    let sync = deps.table.acknowledge_sync(&id, deps.now()).await?.ok_or_else(|| Problem::not_found("accounting sync"))?;
    tracing::info!("accounting sync acknowledged");
    let view = SyncView::from(sync);
    caller.change.is_new(&view);
    Ok(Json(view))
}
