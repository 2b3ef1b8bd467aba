//! Stock: levels, and the corrections that people make to them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};
use stevedore_aws::{AdjustmentOutcome, StockLevel};
use stevedore_domain::digest::Digest;
use stevedore_domain::ids::{LocationId, ProductId};
use stevedore_domain::reference::{LONGEST_CODE, Location, Product};
use stevedore_domain::stock::{Adjustment, LARGEST_QUANTITY, Level};
use utoipa::ToSchema;

use super::Shared;
use crate::Deps;
use crate::http::auth::Caller;
use crate::http::body::{Body, integer, other_than_zero, text};
use crate::http::paging::{ListQuery, ListView, Parameters, filtered};
use crate::http::problem::{Code, FieldFault, Problem};
use crate::http::router::{Routes, routes};

pub(super) fn routes<R: Routes>(into: R) -> R {
    into.routes(routes!(list)).routes(routes!(list_adjustments, adjust))
}

/// The longest id that may be named, in bytes.
const ID: usize = 256;
/// The longest reason of an adjustment, in bytes.
const REASON: usize = 2_000;

/// Quantities of a product at a location, in units.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StockLevel)]
struct StockLevelView {
    product_id: String,
    /// The product's SKU and name as they are now; null when the product was deleted.
    #[schema(required = true)]
    sku: Option<String>,
    #[schema(required = true)]
    name: Option<String>,
    location_id: String,
    /// Quantity at the location, picked or not.
    on_hand: i64,
    /// Quantity that live sales have a claim on and have not shipped.
    allocated: i64,
    /// On hand − allocated: negative while more is sold than there is.
    available: i64,
    /// Quantity at the location that is not picked: never below zero.
    unpicked: i64,
}

/// A correction of a level.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StockAdjustment)]
struct AdjustmentView {
    id: String,
    product_id: String,
    location_id: String,
    /// Units that were added; negative took away.
    quantity: i64,
    #[schema(required = true)]
    reason: Option<String>,
    at: Timestamp,
    by: String,
}

/// A correction of a level, as it is asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = StockAdjustmentInput)]
#[allow(dead_code, reason = "describes the body")]
struct AdjustmentInput {
    /// The product; its `sku` can be stated instead.
    product_id: Option<String>,
    /// The SKU, or an alias, of one product; in place of `product_id`.
    sku: Option<String>,
    location_id: String,
    /// Units to add; negative takes away. Not zero.
    #[schema(minimum = -1_000_000_000, maximum = 1_000_000_000)]
    quantity: i64,
    reason: Option<String>,
    /// Your own key among the product's adjustments: sent again with it, this one is not made twice. Left out, every request is an adjustment of its own.
    id: Option<String>,
}

fn view(id: ProductId, product: Option<&Product>, location: LocationId, level: Level) -> StockLevelView {
    StockLevelView {
        product_id: id.0,
        sku: product.map(|product| product.sku.clone()),
        name: product.map(|product| product.name.clone()),
        location_id: location.0,
        on_hand: level.on_hand,
        allocated: level.allocated,
        available: level.available(),
        unpicked: level.unpicked,
    }
}

/// The products of levels, by their ids: one read for a page.
struct Named(HashMap<ProductId, Product>);

impl Named {
    async fn of(deps: &Deps, levels: &[StockLevel]) -> Result<Self, Problem> {
        let ids: BTreeSet<String> = levels.iter().map(|stock| stock.key.product_id.0.clone()).collect();
        let products = deps.table.records::<Product>(ids).await?;
        Ok(Self(products.into_iter().map(|product| (product.id.clone(), product)).collect()))
    }

    fn view(&self, stock: StockLevel) -> StockLevelView {
        let product = self.0.get(&stock.key.product_id);
        view(stock.key.product_id, product, stock.key.location_id, stock.level)
    }
}

impl From<Adjustment> for AdjustmentView {
    fn from(adjustment: Adjustment) -> Self {
        let Adjustment { id, product_id, location_id, quantity, reason, at, by } = adjustment;
        Self { id, product_id: product_id.0, location_id: location_id.0, quantity, reason, at, by }
    }
}

/// Levels of stock, by product and location
#[utoipa::path(get, path = "/v1/stock", tag = "stock", operation_id = "list_stock",
    description = "Only levels that anything was ever moved at, by product and location. With `location_id` alone a page may hold fewer levels than \
        `limit`, even none, and still be continued: follow `next_page_token` until it is null.",
    security(("bearer" = ["integration:shipstation:read"])),
    params(
        ("product_id" = Option<String>, Query, description = "Only of this product."),
        ("sku" = Option<String>, Query, description = "Only of products whose SKU or alias this is, whatever its case."),
        ("location_id" = Option<String>, Query, description = "Only at this location."),
        ListQuery,
    ),
    responses((status = 200, description = "Levels.", body = ListView<StockLevelView>)))]
async fn list(State(deps): Shared, mut query: Parameters) -> Result<Json<ListView<StockLevelView>>, Problem> {
    let list = query.list();
    let (product, sku, location) = (query.text("product_id"), query.text("sku"), query.text("location_id"));
    query.finish()?;
    let wanted = |stock: &StockLevel| location.as_ref().is_none_or(|location| stock.key.location_id.as_str() == location);
    if product.is_some() || sku.is_some() {
        let name = format!("stock of {} {}", product.as_deref().unwrap_or_default(), sku.as_deref().unwrap_or_default());
        let levels = levels_of(&deps, product, sku).await?;
        let levels: Vec<StockLevel> = levels.into_iter().filter(wanted).collect();
        let named = Named::of(&deps, &levels).await?;
        let levels = levels.into_iter().map(|stock| named.view(stock));
        return Ok(Json(ListView::cut(levels, &name, &list)?));
    }
    let table = &deps.table;
    let page = filtered(list, |list| async move { table.list_stock(&list).await }, wanted).await?;
    let named = Named::of(&deps, &page.items).await?;
    Ok(Json(ListView::of(page, |stock| named.view(stock))))
}

/// The levels of one product, or of those that a SKU names; of both, where both are asked for.
async fn levels_of(deps: &Deps, product: Option<String>, sku: Option<String>) -> Result<Vec<StockLevel>, Problem> {
    let ids: Vec<ProductId> = match (product, sku) {
        (Some(product), None) => vec![ProductId(product)],
        (product, sku) => {
            let named = deps.table.products_named(&sku.unwrap_or_default()).await?;
            named.into_iter().map(|named| named.id).filter(|id| product.as_ref().is_none_or(|product| id.as_str() == product)).collect()
        }
    };
    let mut levels = Vec::new();
    for id in ids {
        levels.extend(deps.table.stock_of(&id).await?);
    }
    Ok(levels)
}

/// Adjustments, the newest first
#[utoipa::path(get, path = "/v1/stock/adjustments", tag = "stock", operation_id = "list_stock_adjustments",
    security(("bearer" = ["integration:shipstation:read"])), params(ListQuery),
    responses((status = 200, description = "Adjustments.", body = ListView<AdjustmentView>)))]
async fn list_adjustments(State(deps): Shared, mut query: Parameters) -> Result<Json<ListView<AdjustmentView>>, Problem> {
    let list = query.list();
    query.finish()?;
    Ok(Json(ListView::of(deps.table.list_adjustments(&list).await?, AdjustmentView::from)))
}

/// The one product that a SKU or an alias names.
async fn one_named(deps: &Deps, sku: &str) -> Result<ProductId, Problem> {
    let named = deps.table.products_named(sku).await?;
    match named.as_slice() {
        [] => Err(Problem::field("/sku", "unknown_reference", format!("There is no product with the SKU or alias `{sku}`."))),
        [one] => Ok(one.id.clone()),
        [first, ..] if first.sku == sku => Ok(first.id.clone()),
        several => {
            let skus: Vec<&str> = several.iter().map(|product| product.sku.as_str()).collect();
            Err(Problem::field("/sku", "ambiguous", format!("Several products are meant: write one of {} as it is here.", skus.join(", "))))
        }
    }
}

/// Correct a level of stock
#[utoipa::path(post, path = "/v1/stock/adjustments", tag = "stock", operation_id = "adjust_stock",
    description = "What is picked already cannot be taken away. Answers the level as it is then.",
    security(("bearer" = ["integration:shipstation:operate"])), request_body = AdjustmentInput,
    responses(
        (status = 201, description = "Corrected.", body = StockLevelView),
        (status = 409, description = "`taken`: another adjustment of the product has the `id`."),
        (status = 422, description = "`validation_failed`, for example `not_there`: less lies there unpicked than is to be taken away."),
    ))]
async fn adjust(State(deps): Shared, caller: Caller, body: Body) -> Result<Response, Problem> {
    let now = deps.now();
    let (mut adjustment, sku) = body.read(|fields| {
        let sku = fields.optional("sku", text(LONGEST_CODE));
        match (fields.has("product_id"), fields.has("sku")) {
            (true, true) => fields.refuse("sku", "ambiguous", "Name the product by its id or by its SKU, not by both."),
            (false, false) => fields.refuse("product_id", "required", "Name the product by its id, or by `sku`."),
            _ => {}
        }
        let units = integer(-LARGEST_QUANTITY..=LARGEST_QUANTITY);
        let units = other_than_zero(units, "Zero changes nothing; name the units to add, or to take away with a minus.");
        let adjustment = Adjustment {
            id: fields.optional("id", text(ID)).unwrap_or_default(),
            product_id: ProductId(fields.optional("product_id", text(ID)).unwrap_or_default()),
            location_id: LocationId(fields.required("location_id", text(ID))),
            quantity: fields.required("quantity", units),
            reason: fields.optional("reason", text(REASON)),
            at: now,
            by: caller.by.clone(),
        };
        (adjustment, sku)
    })?;
    if let Some(sku) = &sku {
        adjustment.product_id = one_named(&deps, sku).await?;
    }
    let (product, location) = tokio::try_join!(
        deps.table.record::<Product>(adjustment.product_id.as_str()),
        deps.table.record::<Location>(adjustment.location_id.as_str()),
    )?;
    let mut faults = Vec::new();
    let mut fault = |pointer: &str, code, message: String| faults.push(FieldFault { pointer: pointer.to_owned(), code, message });
    match &product {
        None => fault("/product_id", "unknown_reference", format!("There is no product `{}`.", adjustment.product_id)),
        Some(product) if !product.value.kind.has_stock() => {
            let kind = product.value.kind.as_str();
            let pointer = if sku.is_some() { "/sku" } else { "/product_id" };
            fault(pointer, "no_stock", format!("{} is of kind {kind}, which has no stock of its own.", product.value.sku));
        }
        Some(_) => {}
    }
    if location.is_none() {
        fault("/location_id", "unknown_reference", format!("There is no location `{}`.", adjustment.location_id));
    }
    if !faults.is_empty() {
        return Err(Problem::with_errors(Code::ValidationFailed, faults));
    }
    if adjustment.id.is_empty() {
        let digest = Digest::of_bytes(format!("{adjustment:?}").as_bytes()).to_string();
        digest.get(..16).unwrap_or_default().clone_into(&mut adjustment.id);
    }
    match deps.table.adjust_stock(&adjustment).await? {
        AdjustmentOutcome::Written(level) => {
            tracing::info!(quantity = adjustment.quantity, "stock adjusted");
            let done = AdjustmentView::from(adjustment.clone());
            let product = product.as_ref().map(|product| &product.value);
            let view = view(adjustment.product_id, product, adjustment.location_id, level);
            caller.change.is_new(serde_json::json!({ "adjustment": done, "level": view }));
            Ok((StatusCode::CREATED, Json(view)).into_response())
        }
        AdjustmentOutcome::NotThere(level) => {
            let message = format!("{} lie there unpicked; more cannot be taken away.", level.unpicked);
            Err(Problem::field("/quantity", "not_there", message))
        }
        AdjustmentOutcome::KeyTaken => {
            let message = format!("`{}` belongs to another adjustment of this product.", adjustment.id);
            Err(Problem::with_errors(Code::Taken, vec![FieldFault { pointer: "/id".to_owned(), code: "taken", message }]))
        }
    }
}
