//! Opening the SQLite files of the queues and the secrets.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

/// Opens a file, or memory, and creates its tables.
///
/// `synchronous = NORMAL` with the write-ahead log: a killed process loses no committed data. Only
/// a power cut can lose the last moments, and the folder holds a developer's data, not a
/// merchant's.
pub(crate) fn open(path: Option<&Path>, schema: &str) -> rusqlite::Result<Connection> {
    let connection = match path {
        Some(path) => Connection::open(path)?,
        None => Connection::open_in_memory()?,
    };
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch(schema)?;
    Ok(connection)
}

/// A text in the form of a UUID, made from `parts`: the same parts give the same id, so that ids
/// need no randomness.
pub(crate) fn id_of(parts: &str) -> String {
    let hex = format!("{:x}", md5::compute(parts));
    let mut id = String::with_capacity(36);
    for (at, digit) in hex.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            id.push('-');
        }
        id.push(digit);
    }
    id
}
