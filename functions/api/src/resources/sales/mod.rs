//! Sales, to be read. What is done with them is in `sale_actions`.

mod actions;
mod adjust;
mod fulfilment_view;
mod view;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use jiff::civil::Date;
use stevedore_aws::{Error, List, OrderRecord, Page, StoredEntry};
use stevedore_domain::ids::SaleId;
use stevedore_domain::order::Revision;
use stevedore_shipstation::parse_order;

use super::{Id, Shared, zone};
use crate::Deps;
use crate::http::etag::tagged;
use crate::http::paging::{ListQuery, ListView, Parameters};
use crate::http::problem::Problem;
use crate::http::router::{Routes, routes};
use view::{SaleOrderView, SaleView};

pub(super) fn routes<R: Routes>(into: R) -> R {
    let into = into.routes(routes!(list)).routes(routes!(show)).routes(routes!(orders));
    adjust::routes(actions::routes(into))
}

/// Sales, the newest first
#[utoipa::path(get, path = "/v1/sales", tag = "sales", operation_id = "list_sales",
    description = "A page of very large sales may hold fewer than `limit`.",
    security(("bearer" = ["integration:shipstation:read"])),
    params(
        ("from" = Option<String>, Query, description = "Booked at this time or later; a day is the merchant's own."),
        ("to" = Option<String>, Query, description = "Booked before this time; a day is included."),
        ("warning" = Option<String>, Query, description = "The code of a warning that wants attention, as `GET /v1/overview` counts them: the oldest first, void sales left out."),
        ListQuery,
    ),
    responses((status = 200, description = "Sales.", body = ListView<SaleView>)))]
async fn list(State(deps): Shared, mut query: Parameters) -> Result<Json<ListView<SaleView>>, Problem> {
    let settings = deps.table.settings().await?.value;
    let mut list = query.list();
    query.window(&mut list, &zone(&settings));
    let warning = crate::resources::log::attention(&mut query);
    query.finish()?;
    loop {
        let page = match warning {
            Some(warning) => deps.table.list_sales_attention(warning, &list).await?,
            None => deps.table.list_sales(&list).await?,
        };
        let view = ListView::of(page, |stored| SaleView::from(stored.sale));
        if list.limit == 1 || view.fits() {
            return Ok(Json(view));
        }
        // Sales of a thousand lines: a smaller page can be answered.
        list.limit = list.limit.div_ceil(4);
    }
}

/// A sale
#[utoipa::path(get, path = "/v1/sales/{id}", tag = "sales", operation_id = "show_sale",
    security(("bearer" = ["integration:shipstation:read"])), params(("id" = String, Path)),
    responses((status = 200, description = "The sale.", body = SaleView, headers(("ETag" = String, description = "Its version.")))))]
async fn show(State(deps): Shared, Id(id): Id) -> Result<Response, Problem> {
    let stored = deps.table.sale(&SaleId(id)).await?.ok_or_else(|| Problem::not_found("sale"))?;
    Ok(tagged(stored.version, Json(SaleView::from(stored.sale))))
}

/// The orders of a day's sale, each with the revision that is in it.
async fn day_orders(deps: &Deps, id: &SaleId, day: Date, mut list: List) -> Result<Json<ListView<SaleOrderView>>, Problem> {
    loop {
        let Page { items, next } = deps.table.list_day_orders(day, &list).await?;
        let mut orders = Vec::with_capacity(items.len());
        for known in items {
            // Nearly every one lies with its entry, which is read already.
            let revision = match &known {
                OrderRecord::Entry(stored) => revision_in(deps, stored).await?,
                OrderRecord::DetachedSale(_) => None,
            };
            orders.push(SaleOrderView::of_day(id, &known, revision.as_ref().map(|revision| &revision.order)));
        }
        let view = ListView::of(Page { items: orders, next }, |view| view);
        if list.limit == 1 || view.fits() {
            return Ok(Json(view));
        }
        list.limit = list.limit.div_ceil(4);
    }
}

/// The revision of an order that is in its day's sale, where it can be read.
async fn revision_in(deps: &Deps, stored: &StoredEntry) -> Result<Option<Revision>, Error> {
    let Some(key) = stored.entry.booked_revision() else { return Ok(None) };
    let raw = deps.table.order_revision(stored, &key).await?;
    Ok(raw.and_then(|raw| parse_order(raw.get(), key.read_at).ok()))
}

/// The orders inside a sale
#[utoipa::path(get, path = "/v1/sales/{id}/orders", tag = "sales", operation_id = "list_sale_orders",
    description = "A day's sale has many: a page may hold fewer than `limit`, and their parts add up to the sale's total as it was booked. Each has its own lines with the \
        options that were chosen, which a merged line of the sale only lists.",
    security(("bearer" = ["integration:shipstation:read"])),
    params(("id" = String, Path), ListQuery),
    responses((status = 200, description = "Its orders.", body = ListView<SaleOrderView>)))]
async fn orders(State(deps): Shared, Id(id): Id, mut query: Parameters) -> Result<Json<ListView<SaleOrderView>>, Problem> {
    let list = query.list();
    query.finish()?;
    let id = SaleId(id);
    if let Some(day) = id.day() {
        let run = deps.table.run(day).await?.filter(|run| run.is_done() && run.run.orders > 0);
        run.ok_or_else(|| Problem::not_found("sale"))?;
        return day_orders(&deps, &id, day, list).await;
    }
    let sale = deps.table.sale(&id).await?.ok_or_else(|| Problem::not_found("sale"))?.sale;
    let mut orders = Vec::new();
    if let Some(source) = sale.source.order() {
        let entry = deps.table.of_account(sale.id.account()).log_entry(source.order_id).await?;
        orders.push(SaleOrderView::of(&sale, source, entry.as_ref().map(|stored| &stored.entry)));
    }
    Ok(Json(ListView::cut(orders, &format!("orders of {}", sale.id), &list)?))
}
