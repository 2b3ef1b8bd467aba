//! Secrets in the store.

use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use serde_json::Value;

use crate::wire::Refusal;

pub(super) struct Secret {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) description: Option<String>,
    pub(super) kms_key: Option<String>,
    pub(super) created: i64,
    pub(super) changed: i64,
    pub(super) accessed: Option<i64>,
    pub(super) deleted: Option<i64>,
}

impl Secret {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            arn: row.get("arn")?,
            description: row.get("description")?,
            kms_key: row.get("kms_key")?,
            created: row.get("created")?,
            changed: row.get("changed")?,
            accessed: row.get("accessed")?,
            deleted: row.get("deleted")?,
        })
    }
}

/// The service's times are seconds since 1970, with milliseconds after the point, made without
/// binary floating point.
pub(super) fn seconds(milliseconds: i64) -> Value {
    let text = format!("{}.{:03}", milliseconds.div_euclid(1_000), milliseconds.rem_euclid(1_000));
    serde_json::from_str(&text).unwrap_or_default()
}

pub(super) fn purge(store: &Transaction<'_>, now: i64) -> Result<(), Refusal> {
    let gone: Vec<i64> = store
        .prepare_cached("SELECT id FROM secrets WHERE purge <= ?1")?
        .query_map(params![now], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    gone.into_iter().try_for_each(|secret| erase(store, secret))
}

pub(super) fn erase(store: &Transaction<'_>, secret: i64) -> Result<(), Refusal> {
    store.execute("DELETE FROM stages WHERE secret = ?1", [secret])?;
    store.execute("DELETE FROM versions WHERE secret = ?1", [secret])?;
    store.execute("DELETE FROM secrets WHERE id = ?1", [secret])?;
    Ok(())
}

/// By name, by ARN, or by an ARN without its last six characters.
pub(super) fn lookup(store: &Transaction<'_>, id: &str) -> Result<Option<Secret>, Refusal> {
    let secret = store
        .prepare_cached("SELECT * FROM secrets WHERE name = ?1 OR arn = ?1 OR substr(arn, 1, length(arn) - 7) = ?1")?
        .query_row(params![id], Secret::from_row)
        .optional()?;
    Ok(secret)
}

pub(super) fn find(store: &Transaction<'_>, id: &str) -> Result<Secret, Refusal> {
    lookup(store, id)?.ok_or_else(|| Refusal::new("ResourceNotFoundException", "Secrets Manager can't find the specified secret."))
}

pub(super) fn find_live(store: &Transaction<'_>, id: &str) -> Result<Secret, Refusal> {
    let secret = find(store, id)?;
    if secret.deleted.is_some() {
        return Err(Refusal::new(
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
        ));
    }
    Ok(secret)
}

pub(super) fn exists(what: &str) -> Refusal {
    Refusal::new("ResourceExistsException", format!("The operation failed because {what}"))
}
