//! Options of the engines.

use std::path::PathBuf;
use std::sync::Arc;

/// Source of the engines' time. It controls visibility time-outs, delays, retention and recovery
/// windows. A long poll waits in real time, because its client does too.
pub type Clock = Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;

/// Options with which the engines are started.
#[derive(Clone)]
pub struct EngineOptions {
    /// Folder of the data, created if it does not exist; `None` keeps everything in memory.
    pub data: Option<PathBuf>,
    /// TCP port on 127.0.0.1; 0 selects a free one.
    pub port: u16,
    /// The time.
    pub clock: Clock,
    /// Another DynamoDB with the tables, `http://HOST:PORT`; `None` is the embedded one.
    pub tables_at: Option<String>,
    /// Requires requests to be signed with the access key of [`crate::Engines::require`]. Until
    /// that key is set, no request is answered. If false, every program on this machine is
    /// answered.
    pub signed: bool,
    /// Seed of the simulation of load in the embedded DynamoDB: indexes lag up to 30 seconds of the
    /// clock, transactions and single writes meet conflicts, batches are done in part, calls are
    /// throttled. `None` switches it off.
    pub lag: Option<u64>,
}

impl EngineOptions {
    /// Everything in memory, on a free port.
    pub fn in_memory(clock: Clock) -> Self {
        Self { data: None, port: 0, clock, tables_at: None, signed: false, lag: None }
    }

    /// Kept in `data`, on a free port.
    pub fn in_folder(data: impl Into<PathBuf>, clock: Clock) -> Self {
        Self { data: Some(data.into()), port: 0, clock, tables_at: None, signed: false, lag: None }
    }
}
