//! Schemas of the fixed words: taken from the domain's own lists, so that the document cannot fall behind.

use stevedore_domain::log::{LogState, Outcome};
use stevedore_domain::operation::KINDS;
use stevedore_domain::reason::Reason;
use stevedore_domain::reference::ProductKind;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

pub(super) fn of(values: &[&str]) -> Object {
    one_of(values.iter().copied())
}

fn one_of<'a>(values: impl IntoIterator<Item = &'a str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values)).build()
}

pub(super) fn log_state() -> Object {
    one_of(LogState::ALL.map(LogState::as_str))
}

/// A word, or null.
fn or_null<'a>(values: impl IntoIterator<Item = &'a str>) -> Object {
    let values = values.into_iter().map(serde_json::Value::from).chain([serde_json::Value::Null]);
    ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null])).enum_values(Some(values)).build()
}

pub(super) fn reason_or_null() -> Object {
    or_null(Reason::ALL.iter().map(|reason| reason.code()))
}

pub(super) fn reason() -> Object {
    one_of(Reason::ALL.iter().map(|reason| reason.code()))
}

pub(super) fn outcome_or_null() -> Object {
    let outcomes = Outcome::ALL.map(|outcome| match outcome {
        Outcome::Captured => "captured",
        Outcome::Updated => "updated",
        Outcome::Unchanged => "unchanged",
        Outcome::Skipped => "skipped",
        Outcome::Waiting => "waiting",
        Outcome::Cancelled => "cancelled",
        Outcome::Refunded => "refunded",
        Outcome::Failed => "failed",
    });
    or_null(outcomes)
}

pub(super) fn severity() -> Object {
    one_of(["stopped", "attention"])
}

pub(super) fn sale_kind() -> Object {
    one_of(["order", "consolidated", "refund_only"])
}

pub(super) fn sale_status() -> Object {
    one_of(["draft", "authorised", "shipped", "voided"])
}

pub(super) fn stage_status() -> Object {
    one_of(["not_available", "draft", "authorised", "voided"])
}

pub(super) fn operation_kind() -> Object {
    one_of(KINDS.iter().map(|kind| kind.name))
}

pub(super) fn operation_state() -> Object {
    one_of(["queued", "running", "processing", "completed", "failed"])
}

pub(super) fn trigger() -> Object {
    one_of(["schedule", "manual"])
}

pub(super) fn connection_mode() -> Object {
    one_of(["store", "custom_store", "shipping_service"])
}

pub(super) fn product_kind() -> Object {
    one_of(ProductKind::ALL.map(ProductKind::as_str))
}

pub(crate) fn account_kind() -> Object {
    one_of(["revenue", "asset", "liability", "expense", "equity"])
}

pub(super) fn movement_kind() -> Object {
    one_of(["adjust", "allocate", "pick", "ship", "assemble", "consume", "release", "unpick", "unship", "disassemble", "recover"])
}

pub(crate) fn sync_action() -> Object {
    one_of(["authorised", "voided"])
}

pub(crate) fn sync_state() -> Object {
    one_of(["pending", "acknowledged"])
}
