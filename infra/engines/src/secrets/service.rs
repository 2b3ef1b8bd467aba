//! The secrets and their operations.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use serde_json::{Map, Value, json};

use super::requests::{Delete, OneSecret, Write};
use super::rows::{Secret, erase, exists, find, find_live, lookup, purge, seconds};
use super::versions::{add_version, get, repeated};
use crate::sqlite::{self, id_of};
use crate::wire::{Refusal, read};
use crate::{ACCOUNT, Clock, EngineError, REGION};

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
        // A deleted value is overwritten and does not stay in a free page of the file.
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

/// Creates the file before SQLite opens it, so that it is never readable for others. The log beside
/// it inherits the mode.
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
        // A repeated call of a client that lost the answer is no conflict.
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
        // The service stores only the day.
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

/// Deletes at once if forced, else after a window of 7 to 30 days in which the secret can be
/// restored and its name is in use.
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
        // Forcing the deletion of a missing secret is no error (API reference,
        // `ForceDeleteWithoutRecovery`).
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
