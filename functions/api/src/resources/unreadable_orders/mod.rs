//! Orders that could not be read, and places of ShipStation's lists where one breaks the reply: what later runs try again (N11).

mod view;

use axum::Json;
use axum::extract::State;

use super::Shared;
use crate::http::paging::{ListQuery, ListView, Parameters};
use crate::http::problem::Problem;
use crate::http::router::{Routes, routes};
use view::UnreadableView;

pub(super) fn routes<R: Routes>(into: R) -> R {
    into.routes(routes!(list))
}

/// Orders that could not be read
#[utoipa::path(get, path = "/v1/unreadable-orders", tag = "log", operation_id = "list_unreadable_orders",
    description = "Each download tries them again, and what can be read by then is taken like every other order. What ShipStation sent is kept with the row of the operation that met it.",
    security(("bearer" = ["integration:shipstation:read"])), params(ListQuery),
    responses((status = 200, description = "Unreadable orders, those seen first at the top.", body = ListView<UnreadableView>)))]
async fn list(State(deps): Shared, mut query: Parameters) -> Result<Json<ListView<UnreadableView>>, Problem> {
    let list = query.list();
    query.finish()?;
    let mut unreadable_orders = deps.table.unreadable_orders().await?;
    unreadable_orders.sort_by(|one, other| (one.first_seen, &one.position).cmp(&(other.first_seen, &other.position)));
    Ok(Json(ListView::cut(unreadable_orders.into_iter().map(UnreadableView::from), "unreadable orders", &list)?))
}
