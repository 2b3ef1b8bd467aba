//! Schemas of the fixed words: taken from the domain's own lists, so that the document cannot fall behind.

use stevedore_domain::log::{LogState, Outcome};
use stevedore_domain::operation::KINDS;
use stevedore_domain::reason::Reason;
use stevedore_domain::reference::ProductKind;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

pub(super) fn of(values: &[&str]) -> Object {
    words(values.iter().copied())
}

fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

pub(super) fn log_state() -> Object {
    words(LogState::ALL.map(LogState::as_str))
}

/// A word, or null.
fn or_null<'a>(words: impl IntoIterator<Item = &'a str>) -> Object {
    let values = words.into_iter().map(serde_json::Value::from).chain([serde_json::Value::Null]);
    ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null])).enum_values(Some(values)).build()
}

pub(super) fn reason_or_null() -> Object {
    or_null(Reason::ALL.iter().map(|reason| reason.code()))
}

pub(super) fn reason() -> Object {
    words(Reason::ALL.iter().map(|reason| reason.code()))
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
    words(["stopped", "attention"])
}

pub(super) fn sale_kind() -> Object {
    words(["order", "consolidated", "refund_only"])
}

pub(super) fn sale_status() -> Object {
    words(["draft", "authorised", "shipped", "voided"])
}

pub(super) fn stage_status() -> Object {
    words(["not_available", "draft", "authorised", "voided"])
}

pub(super) fn operation_kind() -> Object {
    words(KINDS.iter().map(|kind| kind.name))
}

pub(super) fn operation_state() -> Object {
    words(["queued", "running", "processing", "completed", "failed"])
}

pub(super) fn trigger() -> Object {
    words(["schedule", "manual"])
}

pub(super) fn connection_mode() -> Object {
    words(["store", "custom_store", "shipping_service"])
}

pub(super) fn product_kind() -> Object {
    words(ProductKind::ALL.map(ProductKind::as_str))
}

pub(crate) fn account_kind() -> Object {
    words(["revenue", "asset", "liability", "expense", "equity"])
}

pub(super) fn movement_kind() -> Object {
    words(["adjust", "allocate", "pick", "ship", "assemble", "consume", "release", "unpick", "unship", "disassemble", "recover"])
}

pub(crate) fn sync_action() -> Object {
    words(["authorised", "voided"])
}

pub(crate) fn sync_state() -> Object {
    words(["pending", "acknowledged"])
}
