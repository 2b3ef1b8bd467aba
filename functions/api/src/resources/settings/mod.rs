//! The settings and their history (docs/requirements.md, section 4).

mod answer;
pub(crate) mod view;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use stevedore_aws::RecordOutcome;
use stevedore_domain::reference::{Account, Customer, Location, TaxRule};
use stevedore_domain::settings::{MALFORMED_JSON, References, SettingChange, changes, named_references, parse};

use super::Shared;
use crate::http::auth::Caller;
use crate::http::body::Body;
use crate::http::etag::{IfMatch, etag};
use crate::http::paging::{ListQuery, ListView, Parameters, read_number, write_number};
use crate::http::problem::{Code, FieldFault, Problem};
use crate::http::router::{Routes, routes};
use answer::Answer;
use view::{SettingsChangeView, SettingsView};

pub(super) fn routes<R: Routes>(into: R) -> R {
    into.routes(routes!(show, replace)).routes(routes!(history))
}

/// The settings in force
#[utoipa::path(get, path = "/v1/settings", tag = "settings", operation_id = "show_settings",
    security(("bearer" = ["integration:shipstation:read"])),
    description = "The whole document. `warnings` is no setting: it stands there where something about the settings should be known, and a write that sends it back changes nothing by it.",
    responses((status = 200, description = "The whole document.", body = SettingsView, headers(("ETag" = String, description = "Its version.")))))]
async fn show(State(deps): Shared) -> Result<Response, Problem> {
    let stored = deps.table.settings().await?;
    Ok(Answer::of(&deps.table, stored.value).await?.tagged(stored.version))
}

/// Replace the settings
#[utoipa::path(put, path = "/v1/settings", tag = "settings", operation_id = "replace_settings",
    description = "The whole document: what is left out has its default. Blocked and skipped orders are looked at again by themselves afterwards.",
    security(("bearer" = ["integration:shipstation:configure"])), request_body = SettingsView,
    params(("If-Match" = String, Header, description = "The ETag of what this replaces; without it 428.")),
    responses(
        (status = 200, description = "Written.", body = SettingsView, headers(("ETag" = String, description = "The new version."))),
        (status = 412, description = "`stale_version`", headers(("ETag" = String, description = "The version in force."))),
        (status = 428, description = "`precondition_required`"),
    ))]
async fn replace(State(deps): Shared, caller: Caller, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let precondition = IfMatch::of(&headers)?;
    let current = deps.table.settings().await?;
    let named = named_references(body.text());
    let (accounts, customers, locations, tax_rules) = tokio::try_join!(
        deps.table.records::<Account>(named.accounts.into_iter().map(|id| id.0)),
        deps.table.records::<Customer>(named.customers.into_iter().map(|id| id.0)),
        deps.table.records::<Location>(named.locations.into_iter().map(|id| id.0)),
        deps.table.records::<TaxRule>(named.tax_rules.into_iter().map(|id| id.0)),
    )?;
    let references = References::found(&accounts, &customers, &locations, &tax_rules);
    let settings = parse(body.text(), &current.value, &references).map_err(|errors| {
        let malformed = errors.iter().any(|error| error.code == MALFORMED_JSON);
        let code = if malformed { Code::MalformedJson } else { Code::ValidationFailed };
        Problem::with_errors(code, errors.into_iter().map(FieldFault::from).collect())
    })?;
    // Last, for a request that is wrong in itself is answered as such whatever it expects (RFC 9110, section 13.2.1).
    precondition.check(current.version)?;
    let changed = changes(&current.value, &settings);
    // Beforehand: what is written is not to be answered with an error.
    let answer = Answer::of(&deps.table, settings.clone()).await?;
    if changed.is_empty() {
        return Ok(answer.tagged(current.version));
    }
    let count = changed.len();
    let side = |value: fn(&SettingChange) -> &serde_json::Value| -> serde_json::Map<_, _> {
        changed.iter().map(|change| (change.pointer.clone(), value(change).clone())).collect()
    };
    caller.change.is(Some(side(|change| &change.from)), side(|change| &change.to));
    match deps.table.put_settings(&settings, current.version, deps.now(), &caller.by, changed).await? {
        RecordOutcome::Written(version) => {
            tracing::info!(version, count, "settings changed");
            deps.look_again().await;
            Ok(answer.tagged(version))
        }
        RecordOutcome::Stale(version) => Err(Problem::stale(&etag(version.unwrap_or(0)))),
        // Settings hold nothing that must be unique.
        RecordOutcome::Taken(..) | RecordOutcome::Wrong(_) => Err(Problem::new(Code::Internal)),
    }
}

const HISTORY: &str = "settings_history";

/// Changes of settings
#[utoipa::path(get, path = "/v1/settings/history", tag = "settings", operation_id = "list_settings_history",
    security(("bearer" = ["integration:shipstation:read"])), params(ListQuery),
    responses((status = 200, description = "Accepted writes, the newest first.", body = ListView<SettingsChangeView>)))]
async fn history(State(deps): Shared, mut query: Parameters) -> Result<Json<ListView<SettingsChangeView>>, Problem> {
    let list = query.list();
    query.finish()?;
    let before = list.token.as_deref().map(|token| read_number(HISTORY, token)).transpose()?;
    let before = before.map(|version| version.to_string());
    let mut page = deps.table.settings_history(list.limit, before.as_deref()).await?;
    page.next = page.next.and_then(|version| version.parse().ok()).map(|version| write_number(HISTORY, version));
    Ok(Json(ListView::of(page, SettingsChangeView::from)))
}
