//! Secrets Manager: secrets with their versions, kept in a SQLite file that only the owner can read.

mod versions;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::sqlite::{self, id_of};
use crate::wire::{Refusal, read};
use crate::{ACCOUNT, Clock, EngineError, REGION};
use versions::{add_version, get, repeated};

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS secrets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    arn TEXT NOT NULL,
    description TEXT,
    kms_key TEXT,
    created INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    accessed INTEGER,
    deleted INTEGER,
    purge INTEGER                    -- from when on a deleted secret is gone for good
);
CREATE TABLE IF NOT EXISTS versions (
    secret INTEGER NOT NULL,
    version TEXT NOT NULL,
    created INTEGER NOT NULL,
    text TEXT,
    bytes TEXT,                      -- base64
    PRIMARY KEY (secret, version)
);
CREATE TABLE IF NOT EXISTS stages (
    secret INTEGER NOT NULL,
    stage TEXT NOT NULL,
    version TEXT NOT NULL,
    PRIMARY KEY (secret, stage)
);
";

const DAY: i64 = 86_400_000;

/// A value, and what is said of it; the fields of `CreateSecret`, `PutSecretValue` and `UpdateSecret`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Write {
    #[serde(alias = "SecretId")]
    name: String,
    client_request_token: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    #[serde(default)]
    version_stages: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Get {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Delete {
    secret_id: String,
    recovery_window_in_days: Option<i64>,
    #[serde(default)]
    force_delete_without_recovery: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OneSecret {
    secret_id: String,
}

struct Secret {
    id: i64,
    name: String,
    arn: String,
    description: Option<String>,
    kms_key: Option<String>,
    created: i64,
    changed: i64,
    accessed: Option<i64>,
    deleted: Option<i64>,
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

/// The secrets.
#[derive(Clone)]
pub(crate) struct Secrets {
    store: Arc<Mutex<Connection>>,
    clock: Clock,
}

impl Secrets {
    pub(crate) fn open(path: Option<&Path>, clock: Clock) -> Result<Self, EngineError> {
        if let Some(path) = path {
            owner_only(path)?;
        }
        let store = sqlite::open(path, SCHEMA).map_err(|source| EngineError::Store { store: "secrets", source })?;
        // A deleted value is overwritten, not left in a free page of the file.
        store.pragma_update(None, "secure_delete", true).map_err(|source| EngineError::Store { store: "secrets", source })?;
        Ok(Self { store: Arc::new(Mutex::new(store)), clock })
    }

    /// Answers one call. Blocks on SQLite.
    pub(crate) fn answer(&self, operation: &str, body: &[u8]) -> Result<Value, Refusal> {
        let now = (self.clock)().as_millisecond();
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let store = store.transaction_with_behavior(TransactionBehavior::Immediate)?;
        purge(&store, now)?;
        let answer = match operation {
            "CreateSecret" => create(&store, read(body)?, now)?,
            "GetSecretValue" => get(&store, &read(body)?, now)?,
            "PutSecretValue" => put(&store, read(body)?, now)?,
            "UpdateSecret" => update(&store, read(body)?, now)?,
            "DescribeSecret" => describe(&store, &find(&store, &read::<OneSecret>(body)?.secret_id)?)?,
            "DeleteSecret" => delete(&store, &read(body)?, now)?,
            "RestoreSecret" => {
                let secret = find(&store, &read::<OneSecret>(body)?.secret_id)?;
                store.execute("UPDATE secrets SET deleted = NULL, purge = NULL WHERE id = ?1", [secret.id])?;
                json!({ "ARN": secret.arn, "Name": secret.name })
            }
            _ => return Err(Refusal::new("InvalidRequestException", format!("{operation} is not supported here."))),
        };
        store.commit()?;
        Ok(answer)
    }
}

/// The file is made before SQLite opens it, so that it never is readable for others, not for a moment; the log beside it inherits the mode.
fn owner_only(path: &Path) -> Result<(), EngineError> {
    let failed = |source| EngineError::File { path: path.to_owned(), source };
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(failed)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600)).map_err(failed)?;
    drop(file);
    Ok(())
}

/// The service's times are seconds since 1970, with milliseconds behind the point; made without binary floating point.
fn seconds(milliseconds: i64) -> Value {
    let text = format!("{}.{:03}", milliseconds.div_euclid(1_000), milliseconds.rem_euclid(1_000));
    serde_json::from_str(&text).unwrap_or_default()
}

fn purge(store: &Transaction<'_>, now: i64) -> Result<(), Refusal> {
    let gone: Vec<i64> = store
        .prepare_cached("SELECT id FROM secrets WHERE purge <= ?1")?
        .query_map(params![now], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    gone.into_iter().try_for_each(|secret| erase(store, secret))
}

fn erase(store: &Transaction<'_>, secret: i64) -> Result<(), Refusal> {
    store.execute("DELETE FROM stages WHERE secret = ?1", [secret])?;
    store.execute("DELETE FROM versions WHERE secret = ?1", [secret])?;
    store.execute("DELETE FROM secrets WHERE id = ?1", [secret])?;
    Ok(())
}

/// By name, by ARN, or by an ARN without its last six characters.
fn lookup(store: &Transaction<'_>, id: &str) -> Result<Option<Secret>, Refusal> {
    let secret = store
        .prepare_cached("SELECT * FROM secrets WHERE name = ?1 OR arn = ?1 OR substr(arn, 1, length(arn) - 7) = ?1")?
        .query_row(params![id], Secret::from_row)
        .optional()?;
    Ok(secret)
}

fn find(store: &Transaction<'_>, id: &str) -> Result<Secret, Refusal> {
    lookup(store, id)?.ok_or_else(|| Refusal::new("ResourceNotFoundException", "Secrets Manager can't find the specified secret."))
}

fn find_live(store: &Transaction<'_>, id: &str) -> Result<Secret, Refusal> {
    let secret = find(store, id)?;
    if secret.deleted.is_some() {
        return Err(Refusal::new(
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
        ));
    }
    Ok(secret)
}

fn create(store: &Transaction<'_>, request: Write, now: i64) -> Result<Value, Refusal> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
    if request.name.is_empty() || request.name.len() > 512 || !request.name.chars().all(plain) {
        return Err(Refusal::new(
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        ));
    }
    if let Some(there) = lookup(store, &request.name)? {
        if there.deleted.is_some() {
            return Err(Refusal::new(
                "InvalidRequestException",
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            ));
        }
        // The same call again, as a client sends it when the answer was lost, is no conflict.
        if let Some(version) = repeated(store, &there, &request)? {
            return Ok(json!({ "ARN": there.arn, "Name": there.name, "VersionId": version }));
        }
        return Err(exists(&format!("the secret {} already exists.", request.name)));
    }
    let suffix: String = id_of(&format!("{}/{now}", request.name)).chars().take(6).collect();
    let arn = format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{}-{suffix}", request.name);
    store.execute(
        "INSERT INTO secrets (name, arn, description, kms_key, created, changed) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        params![request.name, arn, request.description, request.kms_key_id, now],
    )?;
    let secret = find(store, &request.name)?;
    let mut answer = Map::new();
    answer.insert("ARN".to_owned(), arn.into());
    answer.insert("Name".to_owned(), request.name.clone().into());
    if request.secret_string.is_some() || request.secret_binary.is_some() {
        let (version, _) = add_version(store, &secret, &request, now)?;
        answer.insert("VersionId".to_owned(), version.into());
    }
    Ok(answer.into())
}

fn exists(what: &str) -> Refusal {
    Refusal::new("ResourceExistsException", format!("The operation failed because {what}"))
}

fn put(store: &Transaction<'_>, request: Write, now: i64) -> Result<Value, Refusal> {
    let secret = find_live(store, &request.name)?;
    let (version, stages) = add_version(store, &secret, &request, now)?;
    Ok(json!({ "ARN": secret.arn, "Name": secret.name, "VersionId": version, "VersionStages": stages }))
}

fn update(store: &Transaction<'_>, request: Write, now: i64) -> Result<Value, Refusal> {
    let secret = find_live(store, &request.name)?;
    store.execute(
        "UPDATE secrets SET description = COALESCE(?2, description), kms_key = COALESCE(?3, kms_key), changed = ?4 WHERE id = ?1",
        params![secret.id, request.description, request.kms_key_id, now],
    )?;
    let mut answer = Map::new();
    answer.insert("ARN".to_owned(), secret.arn.clone().into());
    answer.insert("Name".to_owned(), secret.name.clone().into());
    if request.secret_string.is_some() || request.secret_binary.is_some() {
        let (version, _) = add_version(store, &secret, &request, now)?;
        answer.insert("VersionId".to_owned(), version.into());
    }
    Ok(answer.into())
}

fn describe(store: &Transaction<'_>, secret: &Secret) -> Result<Value, Refusal> {
    let mut versions: Map<String, Value> = Map::new();
    let stages: Vec<(String, String)> = store
        .prepare_cached("SELECT version, stage FROM stages WHERE secret = ?1 ORDER BY stage")?
        .query_map(params![secret.id], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (version, stage) in stages {
        if let Value::Array(list) = versions.entry(version).or_insert_with(|| json!([])) {
            list.push(stage.into());
        }
    }
    let mut answer = Map::new();
    answer.insert("ARN".to_owned(), secret.arn.clone().into());
    answer.insert("Name".to_owned(), secret.name.clone().into());
    answer.insert("CreatedDate".to_owned(), seconds(secret.created));
    answer.insert("LastChangedDate".to_owned(), seconds(secret.changed));
    answer.insert("VersionIdsToStages".to_owned(), versions.into());
    let optional = [
        ("Description", secret.description.clone().map(Value::from)),
        ("KmsKeyId", secret.kms_key.clone().map(Value::from)),
        // The service keeps only the day.
        ("LastAccessedDate", secret.accessed.map(|accessed| seconds(accessed - accessed.rem_euclid(DAY)))),
        ("DeletedDate", secret.deleted.map(seconds)),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            answer.insert(name.to_owned(), value);
        }
    }
    Ok(answer.into())
}

/// Deletes at once when forced, else after a window of 7 to 30 days in which the secret can be restored and its name is taken.
fn delete(store: &Transaction<'_>, request: &Delete, now: i64) -> Result<Value, Refusal> {
    let force = request.force_delete_without_recovery;
    if force && request.recovery_window_in_days.is_some() {
        return Err(Refusal::new(
            "InvalidParameterException",
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        ));
    }
    let days = request.recovery_window_in_days.unwrap_or(30);
    if !(7..=30).contains(&days) {
        return Err(Refusal::new("InvalidParameterException", "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."));
    }
    let answer = |arn: &str, name: &str, date: i64| json!({ "ARN": arn, "Name": name, "DeletionDate": seconds(date) });
    if force {
        // Forcing the deletion of what is not there is no error (API reference, `ForceDeleteWithoutRecovery`).
        let Some(secret) = lookup(store, &request.secret_id)? else {
            return Ok(answer(&request.secret_id, &request.secret_id, now));
        };
        erase(store, secret.id)?;
        return Ok(answer(&secret.arn, &secret.name, now));
    }
    let secret = find_live(store, &request.secret_id)?;
    let date = now + days * DAY;
    store.execute("UPDATE secrets SET deleted = ?2, purge = ?3 WHERE id = ?1", params![secret.id, now, date])?;
    Ok(answer(&secret.arn, &secret.name, date))
}
