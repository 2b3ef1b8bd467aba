//! DynamoDB, SQS and Secrets Manager on one machine, spoken to by the real AWS SDK clients.
//!
//! One HTTP endpoint on 127.0.0.1 answers all three services, told apart by the `X-Amz-Target` header, so that
//! one `AWS_ENDPOINT_URL` serves everything. Where an access key is given, signatures are checked as AWS does it; the `Host` is, always. Data is kept in SQLite files in one
//! folder; what has been accepted survives the death of the process.
//!
//! What is different from AWS, on purpose: every queue is a standard queue; the limit of 120,000 messages in
//! flight and the twelve hours that a message may stay in flight are not enforced; a move task has finished when it is
//! answered; items whose time to live has passed stay in the table; a `ClientRequestToken` is forgotten when the process ends.

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
