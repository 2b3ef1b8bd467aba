//! DynamoDB, SQS and Secrets Manager on one machine, for the real AWS SDK clients.
//!
//! One HTTP endpoint on 127.0.0.1 answers all three services, which the `X-Amz-Target` header
//! names, so that one `AWS_ENDPOINT_URL` is enough. If an access key is given, signatures are
//! checked as in AWS. The `Host` is always checked. Data is kept in SQLite files in one folder, and
//! accepted data survives the death of the process.
//!
//! These differences from AWS are intended: every queue is a standard queue. The limit of 120,000
//! messages in flight and the twelve hours that a message may stay in flight are not enforced. A
//! move task has finished when it is answered. Items whose time to live has passed stay in the
//! table. A `ClientRequestToken` is forgotten when the process ends.

mod embedded;
mod engines;
mod error;
mod faults;
mod forward;
mod lagging;
mod limits;
mod names;
mod options;
mod secrets;
mod server;
mod signature;
mod sqlite;
mod sqs;
mod stopping;
mod tables;
mod wire;
mod writes;

pub use engines::{Engines, Indexes, Stream};
pub use error::EngineError;
pub use faults::{BatchEntry, EntryFault, Fault, Faults};
pub use names::{ACCOUNT, REGION};
pub use options::{Clock, EngineOptions};
pub use signature::{AccessKey, Signed, authorization};
