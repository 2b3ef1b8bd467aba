//! The merchant's reference data: lists, and records with an ETag.

mod import;
mod place_of_business;
mod records;
pub(super) mod view;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;
use stevedore_aws::{RecordOutcome, Stored};
use stevedore_domain::digest::Digest;
use stevedore_domain::reference::{Account, Customer, Location, PriceTier, Product, TaxRule};
use stevedore_domain::settings::FieldError;

use super::{Id, Shared};
use crate::Deps;
use crate::http::auth::Caller;
use crate::http::body::{Body, Fields, text};
use crate::http::etag::{IfMatch, etag, tagged};
use crate::http::paging::{ListQuery, ListView, Parameters};
use crate::http::problem::{Code, FieldFault, Problem};
use crate::http::router::{Routes, routes};
use records::Reference;
use view::{
    AccountInput, AccountView, CustomerInput, CustomerView, LocationInput, LocationView, PriceTierInput, PriceTierView, ProductInput,
    ProductView, TaxRuleInput, TaxRuleView,
};

pub(super) fn routes<R: Routes>(into: R) -> R {
    let into = products::routes(into);
    let into = customers::routes(into);
    let into = locations::routes(into);
    let into = accounts::routes(into);
    let into = tax_rules::routes(into);
    let into = place_of_business::routes(into);
    let into = price_tiers::routes(into);
    import::routes(into)
}

async fn list<T: Reference>(deps: &Deps, mut query: Parameters) -> Result<Json<ListView<T::View>>, Problem> {
    let list = query.list();
    let wanted = T::FOUND_BY.and_then(|name| query.text(name));
    query.finish()?;
    if let Some(text) = wanted {
        let found = T::find(&deps.table, &text).await?;
        return ListView::cut(found.into_iter().map(T::View::from), &format!("{}s of {text}", T::NAME), &list).map(Json);
    }
    let page = deps.table.list_records::<T>(&list).await?;
    Ok(Json(ListView::of(page, |stored| T::View::from(stored.value))))
}

async fn show<T: Reference>(deps: &Deps, id: &str) -> Result<Response, Problem> {
    let stored = stored::<T>(deps, id).await?;
    Ok(tagged(stored.version, Json(T::View::from(stored.value))))
}

async fn stored<T: Reference>(deps: &Deps, id: &str) -> Result<Stored<T>, Problem> {
    deps.table.record::<T>(id).await?.ok_or_else(|| Problem::not_found(T::NAME))
}

async fn create<T: Reference>(deps: &Deps, caller: &Caller, body: &Body) -> Result<Response, Problem> {
    let now = deps.now();
    let mut record = body.read(|fields| {
        let mut record = T::read(fields, String::new(), now);
        record.keep(fields, None);
        record
    })?;
    record.check(&deps.table).await?;
    for attempt in 0..8_u32 {
        let own_id = record.own_id();
        record.set_id(own_id.clone().unwrap_or_else(|| new_id::<T>(&record, now, attempt)));
        match record.put(&deps.table, None).await? {
            RecordOutcome::Written(version) => {
                wrote::<T>(deps).await;
                let location = format!("{}/{}", T::PATH, record.id());
                let created = (StatusCode::CREATED, [(header::LOCATION, location)], Json(T::View::from(record)));
                caller.change.is_new(&created.2.0);
                return Ok(tagged(version, created));
            }
            RecordOutcome::Taken(member, value) => return Err(taken(member, &value)),
            RecordOutcome::Wrong(errors) => return Err(wrong(errors)),
            RecordOutcome::Stale(_) if own_id.is_some() => return Err(taken(T::NUMBER, own_id.as_deref().unwrap_or_default())),
            // The same was written in the same microsecond: another id.
            RecordOutcome::Stale(_) => {}
        }
    }
    Err(Problem::new(Code::Unavailable))
}

async fn replace<T: Reference>(deps: &Deps, caller: &Caller, id: &str, headers: &HeaderMap, body: &Body) -> Result<Response, Problem> {
    let precondition = IfMatch::of(headers)?;
    let known = stored::<T>(deps, id).await?;
    let record = body.read(|fields| {
        same(fields, "id", id);
        same(fields, "created_at", &known.value.created_at().to_string());
        let mut record = T::read(fields, id.to_owned(), known.value.created_at());
        record.keep(fields, Some(&known.value));
        record
    })?;
    record.check(&deps.table).await?;
    // Last, for a request that is wrong in itself is answered as such whatever it expects (RFC 9110, section 13.2.1).
    precondition.check(known.version)?;
    match record.put(&deps.table, Some(&known)).await? {
        RecordOutcome::Written(version) => {
            wrote::<T>(deps).await;
            let view = T::View::from(record);
            caller.change.is(Some(T::View::from(known.value)), &view);
            Ok(tagged(version, Json(view)))
        }
        RecordOutcome::Taken(member, value) => Err(taken(member, &value)),
        RecordOutcome::Wrong(errors) => Err(wrong(errors)),
        RecordOutcome::Stale(Some(version)) => Err(Problem::stale(&etag(version))),
        RecordOutcome::Stale(None) => Err(Problem::not_found(T::NAME)),
    }
}

/// A shown value may be sent back, and is not for writing.
fn same(fields: &mut Fields<'_>, name: &'static str, value: &str) {
    if fields.optional(name, text(2_000)).is_some_and(|sent| sent != value) {
        fields.refuse(name, "read_only", "This cannot be changed.");
    }
}

async fn wrote<T: Reference>(deps: &Deps) {
    if T::MAY_UNBLOCK {
        deps.look_again().await;
    }
}

fn taken(member: &'static str, value: &str) -> Problem {
    let message = format!("`{value}` belongs to another record.");
    Problem::with_errors(Code::Taken, vec![FieldFault { pointer: format!("/{member}"), code: "taken", message }])
}

fn wrong(errors: Vec<FieldError>) -> Problem {
    Problem::with_errors(Code::ValidationFailed, errors.into_iter().map(FieldFault::from).collect())
}

/// An id from what is written and when: nothing random is needed, and the same never gets the same one by accident.
fn new_id<T: Reference>(record: &T, at: Timestamp, attempt: u32) -> String {
    let content = serde_json::to_string(record).unwrap_or_default();
    let digest = Digest::of_bytes(format!("{content}\n{at}\n{attempt}").as_bytes());
    format!("{}-{}", T::PREFIX, digest.to_string().get(..12).unwrap_or_default())
}

/// The four routes of one kind of record. Written out once for each, because each has its own place and names in the document.
macro_rules! resource {
    ($module:ident, $record:ty, $view:ident, $input:ident, $tag:literal, $list:literal, $one:literal,
     $list_id:literal, $create_id:literal, $show_id:literal, $replace_id:literal $(, $found_by:literal = $found_what:literal)?) => {
        mod $module {
            use super::*;

            pub(super) fn routes<R: Routes>(into: R) -> R {
                into.routes(routes!(list, create)).routes(routes!(show, replace))
            }

            /// All of them, the newest first
            #[utoipa::path(get, path = $list, tag = $tag, operation_id = $list_id, security(("bearer" = ["integration:shipstation:read"])),
                params($(($found_by = Option<String>, Query, description = $found_what),)? ListQuery),
                responses((status = 200, description = "The records.", body = ListView<$view>)))]
            async fn list(State(deps): Shared, query: Parameters) -> Result<Json<ListView<$view>>, Problem> {
                super::list::<$record>(&deps, query).await
            }

            /// Make one
            #[utoipa::path(post, path = $list, tag = $tag, operation_id = $create_id, security(("bearer" = ["integration:shipstation:configure"])),
                request_body = $input,
                responses(
                    (status = 201, description = "Made.", body = $view, headers(
                        ("ETag" = String, description = "Its version."), ("Location" = String, description = "Where it is."))),
                    (status = 409, description = "`taken`"),
                ))]
            async fn create(State(deps): Shared, caller: Caller, body: Body) -> Result<Response, Problem> {
                super::create::<$record>(&deps, &caller, &body).await
            }

            /// One of them
            #[utoipa::path(get, path = $one, tag = $tag, operation_id = $show_id, security(("bearer" = ["integration:shipstation:read"])),
                params(("id" = String, Path)),
                responses((status = 200, description = "The record.", body = $view, headers(("ETag" = String, description = "Its version.")))))]
            async fn show(State(deps): Shared, Id(id): Id) -> Result<Response, Problem> {
                super::show::<$record>(&deps, &id).await
            }

            /// Replace one
            #[utoipa::path(put, path = $one, tag = $tag, operation_id = $replace_id, security(("bearer" = ["integration:shipstation:configure"])),
                description = "The whole record: what is left out is taken away. `id` and `created_at` may be sent back unchanged.",
                request_body = $input,
                params(("id" = String, Path), ("If-Match" = String, Header, description = "The ETag of what this replaces; without it 428.")),
                responses(
                    (status = 200, description = "Written.", body = $view, headers(("ETag" = String, description = "The new version."))),
                    (status = 409, description = "`taken`"),
                    (status = 412, description = "`stale_version`", headers(("ETag" = String, description = "The present version."))),
                    (status = 428, description = "`precondition_required`"),
                ))]
            async fn replace(State(deps): Shared, caller: Caller, Id(id): Id, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
                super::replace::<$record>(&deps, &caller, &id, &headers, &body).await
            }
        }
    };
}

resource!(
    products,
    Product,
    ProductView,
    ProductInput,
    "products",
    "/v1/products",
    "/v1/products/{id}",
    "list_products",
    "create_product",
    "show_product",
    "replace_product",
    "sku" = "Only those whose SKU or alias this is, whatever its case."
);
resource!(
    customers,
    Customer,
    CustomerView,
    CustomerInput,
    "customers",
    "/v1/customers",
    "/v1/customers/{id}",
    "list_customers",
    "create_customer",
    "show_customer",
    "replace_customer",
    "email" = "Only those with this e-mail address, whatever its case, the oldest first."
);
resource!(
    locations,
    Location,
    LocationView,
    LocationInput,
    "locations",
    "/v1/locations",
    "/v1/locations/{id}",
    "list_locations",
    "create_location",
    "show_location",
    "replace_location"
);
resource!(
    accounts,
    Account,
    AccountView,
    AccountInput,
    "accounts",
    "/v1/accounts",
    "/v1/accounts/{id}",
    "list_accounts",
    "create_account",
    "show_account",
    "replace_account"
);
resource!(
    tax_rules,
    TaxRule,
    TaxRuleView,
    TaxRuleInput,
    "tax rules",
    "/v1/tax_rules",
    "/v1/tax_rules/{id}",
    "list_tax_rules",
    "create_tax_rule",
    "show_tax_rule",
    "replace_tax_rule"
);
resource!(
    price_tiers,
    PriceTier,
    PriceTierView,
    PriceTierInput,
    "price tiers",
    "/v1/price_tiers",
    "/v1/price_tiers/{id}",
    "list_price_tiers",
    "create_price_tier",
    "show_price_tier",
    "replace_price_tier"
);
