//! Activity (N29), and the caller's identity.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use stevedore_aws::AuditRecord;
use utoipa::ToSchema;

use super::Shared;
use crate::http::auth::{Caller, Grade};
use crate::http::paging::{ListQuery, ListView, Parameters};
use crate::http::problem::Problem;
use crate::http::router::{Routes, routes};

pub(super) fn routes<R: Routes>(into: R) -> R {
    into.routes(routes!(list)).routes(routes!(me))
}

/// Something that a person did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditRecord)]
struct AuditView {
    /// Sorts by time.
    id: String,
    at: Timestamp,
    by: String,
    /// The permission that let him.
    permission: String,
    /// The operation's name in this document.
    #[schema(example = "replace_settings")]
    act: String,
    /// The path that was called.
    target: String,
    /// The answer's HTTP status; null when the end is not known.
    #[schema(required = true)]
    status: Option<u16>,
    /// State before the act.
    #[schema(required = true)]
    before: Option<serde_json::Value>,
    /// State after the act.
    #[schema(required = true)]
    after: Option<serde_json::Value>,
}

impl From<AuditRecord> for AuditView {
    fn from(record: AuditRecord) -> Self {
        let AuditRecord { id, at, by, permission, act, target, status, before, after } = record;
        Self { id, at, by, permission, act, target, status, before, after }
    }
}

const AUDIT: &str = "audit";

/// Acts of people, the newest first
#[utoipa::path(get, path = "/v1/audit", tag = "audit", operation_id = "list_audit",
    description = "Every change of connection, settings and reference data, and every operator's act. Calls that were refused are not in it.",
    security(("bearer" = ["integration:shipstation:read"])), params(ListQuery),
    responses((status = 200, description = "Acts.", body = ListView<AuditView>)))]
async fn list(State(deps): Shared, mut query: Parameters) -> Result<Json<ListView<AuditView>>, Problem> {
    let list = query.list();
    query.finish()?;
    let before = deps.table.opened(&list, AUDIT).await?.token;
    let mut page = deps.table.list_audit(list.limit, before.as_deref()).await?;
    page.next = deps.table.sealed(&list, AUDIT, page.next).await?;
    Ok(Json(ListView::of(page, AuditView::from)))
}

/// Identity and permission by the token.
#[derive(Debug, Serialize, ToSchema)]
struct Me {
    by: String,
    /// The permissions that the token carries.
    #[schema(example = json!(["integration:shipstation:read"]))]
    permissions: Vec<&'static str>,
    /// The merchant's zone, in which times are shown.
    time_zone: String,
    /// ISO 4217.
    currency: String,
    /// Of this program.
    version: &'static str,
}

/// The caller's identity and permission
#[utoipa::path(get, path = "/v1/me", tag = "audit", operation_id = "show_me",
    security(("bearer" = ["integration:shipstation:read"])),
    responses((status = 200, description = "The caller.", body = Me)))]
async fn me(State(deps): Shared, caller: Caller) -> Result<Json<Me>, Problem> {
    let settings = deps.table.settings().await?.value;
    let permissions = Grade::ALL.into_iter().filter(|grade| caller.grade >= Some(*grade)).map(Grade::permission).collect();
    let currency = settings.currency.code().to_owned();
    Ok(Json(Me { by: caller.by, permissions, time_zone: settings.time_zone, currency, version: env!("CARGO_PKG_VERSION") }))
}
