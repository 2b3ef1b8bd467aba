//! DynamoDB, SQS and Secrets Manager on one machine, spoken to by the real AWS SDK clients.
//!
//! One HTTP endpoint on 127.0.0.1 answers all three services, told apart by the `X-Amz-Target` header, so that
//! one `AWS_ENDPOINT_URL` serves everything. Where an access key is given, signatures are checked as AWS does it; the `Host` is, always. Data is kept in SQLite files in one
//! folder; what has been accepted survives the death of the process.
//!
//! What is different from AWS, on purpose: every queue is a standard queue; the limit of 120,000 messages in
//! flight and the twelve hours that a message may stay in flight are not enforced; a move task has finished when it is
//! answered; items whose time to live has passed stay in the table; a `ClientRequestToken` is forgotten when the process ends.

mod engines;
mod faults;
mod forward;
mod lagging;
mod limits;
mod secrets;
mod server;
mod signature;
mod sqlite;
mod sqs;
mod tables;
mod wire;
mod writes;

use std::path::PathBuf;
use std::sync::Arc;

pub use engines::{Engines, Indexes, Stream};
pub use faults::{BatchEntry, EntryFault, Fault, Faults};
pub use signature::{AccessKey, Signed, authorization};

/// Source of the engines' time. It moves visibility time-outs, delays, retention and recovery windows; the waiting of a
/// long poll is real time, because the client at the other end waits in real time.
pub type Clock = Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;

/// The account that ARNs and queue URLs name.
pub const ACCOUNT: &str = "000000000000";

/// The region that ARNs name. Clients may use any.
pub const REGION: &str = "us-east-1";

/// Options with which the engines are started.
#[derive(Clone)]
pub struct EngineOptions {
    /// Folder of the data, made when it does not exist; `None` keeps everything in memory.
    pub data: Option<PathBuf>,
    /// TCP port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The time.
    pub clock: Clock,
    /// Another DynamoDB that keeps the tables, `http://HOST:PORT`; `None` is the embedded one.
    pub tables_at: Option<String>,
    /// Requires requests to be signed with the access key that [`Engines::require`] names; until then none is answered. Else every program of this machine is.
    pub signed: bool,
    /// Seed by which the embedded DynamoDB behaves as under load: indexes lag up to 30 seconds of the clock, transactions and single writes meet conflicts,
    /// batches are done in part, calls are throttled. `None`: none of it.
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

/// Reason for which the engines do not start, or do not end in order.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Another process (or another `Engines` of this one) holds the folder.
    #[error("the data folder {folder} is in use by another process; stop that one, or choose another folder")]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// A file or folder of ours could not be read, written or locked.
    #[error("cannot use {path}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The port cannot be had.
    #[error("cannot listen on 127.0.0.1:{port}")]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The table's store does not open.
    #[error("cannot open the table's store")]
    Tables(#[source] dynoxide::DynoxideError),
    /// A table's stream cannot be read.
    #[error("cannot read the table's stream: {0}")]
    Stream(String),
    /// The queues' or the secrets' store does not open.
    #[error("cannot open the store of the {store}")]
    Store {
        /// `queues` or `secrets`.
        store: &'static str,
        /// The cause.
        #[source]
        source: rusqlite::Error,
    },
}
