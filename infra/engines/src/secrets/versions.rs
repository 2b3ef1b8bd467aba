//! The values of a secret: a version for each, with the stages `AWSCURRENT` and `AWSPREVIOUS`.

use rusqlite::{OptionalExtension as _, Transaction, params};
use serde_json::{Map, Value};

use super::requests::{Get, Write};
use super::rows::{Secret, exists, find_live, seconds};
use crate::sqlite::id_of;
use crate::wire::Refusal;

/// Maximum size of a secret's value (quotas: 65,536 bytes).
const MAX_BYTES: usize = 65_536;
const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

/// The version that this request already made: same token, same value.
pub(super) fn repeated(store: &Transaction<'_>, secret: &Secret, request: &Write) -> Result<Option<String>, Refusal> {
    let Some(token) = &request.client_request_token else { return Ok(None) };
    let there: Option<(Option<String>, Option<String>)> = store
        .prepare_cached("SELECT text, bytes FROM versions WHERE secret = ?1 AND version = ?2")?
        .query_row(params![secret.id, token], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match there {
        None => Ok(None),
        Some(value) if value == (request.secret_string.clone(), request.secret_binary.clone()) => Ok(Some(token.clone())),
        Some(_) => Err(exists("a version with this token and another value already exists.")),
    }
}

/// Stores a value as a new version; returns its id and stages.
pub(super) fn add_version(store: &Transaction<'_>, secret: &Secret, request: &Write, now: i64) -> Result<(String, Vec<String>), Refusal> {
    let bytes = request.secret_string.as_ref().or(request.secret_binary.as_ref()).map_or(0, String::len);
    if request.secret_string.is_some() == request.secret_binary.is_some() {
        return Err(Refusal::new("InvalidParameterException", "You must provide either SecretString or SecretBinary, and not both."));
    }
    if bytes > MAX_BYTES {
        return Err(Refusal::new("ValidationException", format!("Member must have length less than or equal to {MAX_BYTES}.")));
    }
    let stages = if request.version_stages.is_empty() { vec![CURRENT.to_owned()] } else { request.version_stages.clone() };
    if let Some(version) = repeated(store, secret, request)? {
        return Ok((version, stages));
    }
    let version = request.client_request_token.clone().unwrap_or_else(|| {
        let count: i64 =
            store.query_row("SELECT COUNT(*) FROM versions WHERE secret = ?1", [secret.id], |row| row.get(0)).unwrap_or_default();
        id_of(&format!("{}/{now}/{count}", secret.arn))
    });
    store.execute(
        "INSERT INTO versions (secret, version, created, text, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![secret.id, version, now, request.secret_string, request.secret_binary],
    )?;
    if stages.iter().any(|stage| stage == CURRENT) {
        store.execute(
            "INSERT OR REPLACE INTO stages (secret, stage, version)
             SELECT secret, ?2, version FROM stages WHERE secret = ?1 AND stage = ?3",
            params![secret.id, PREVIOUS, CURRENT],
        )?;
    }
    for stage in &stages {
        store.execute("INSERT OR REPLACE INTO stages (secret, stage, version) VALUES (?1, ?2, ?3)", params![secret.id, stage, version])?;
    }
    // A version without a stage cannot be read. The service removes such versions in time.
    store
        .execute("DELETE FROM versions WHERE secret = ?1 AND version NOT IN (SELECT version FROM stages WHERE secret = ?1)", [secret.id])?;
    store.execute("UPDATE secrets SET changed = ?2 WHERE id = ?1", params![secret.id, now])?;
    Ok((version, stages))
}

/// `GetSecretValue`: by version, by stage, or the current one.
pub(super) fn get(store: &Transaction<'_>, request: &Get, now: i64) -> Result<Value, Refusal> {
    let secret = find_live(store, &request.secret_id)?;
    let stage = request.version_stage.as_deref().unwrap_or(CURRENT);
    let missing = || {
        Refusal::new(
            "ResourceNotFoundException",
            format!("Secrets Manager can't find the specified secret value for staging label: {stage}"),
        )
    };
    let version = match &request.version_id {
        Some(version) => version.clone(),
        None => store
            .query_row("SELECT version FROM stages WHERE secret = ?1 AND stage = ?2", params![secret.id, stage], |row| row.get(0))
            .optional()?
            .ok_or_else(missing)?,
    };
    let mut answer = Map::new();
    let (created, text, bytes): (i64, Option<String>, Option<String>) = store
        .query_row("SELECT created, text, bytes FROM versions WHERE secret = ?1 AND version = ?2", params![secret.id, version], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?
        .ok_or_else(missing)?;
    let stages: Vec<String> = store
        .prepare_cached("SELECT stage FROM stages WHERE secret = ?1 AND version = ?2 ORDER BY stage")?
        .query_map(params![secret.id, version], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    if request.version_id.is_some() && request.version_stage.is_some() && !stages.iter().any(|known| known == stage) {
        return Err(Refusal::new(
            "InvalidRequestException",
            "You provided a VersionStage that is not associated to the provided VersionId.",
        ));
    }
    store.execute("UPDATE secrets SET accessed = ?2 WHERE id = ?1", params![secret.id, now])?;
    answer.insert("ARN".to_owned(), secret.arn.into());
    answer.insert("Name".to_owned(), secret.name.into());
    answer.insert("VersionId".to_owned(), version.into());
    answer.insert("VersionStages".to_owned(), stages.into());
    answer.insert("CreatedDate".to_owned(), seconds(created));
    for (name, value) in [("SecretString", text), ("SecretBinary", bytes)] {
        if let Some(value) = value {
            answer.insert(name.to_owned(), value.into());
        }
    }
    Ok(answer.into())
}
