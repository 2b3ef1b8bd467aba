//! DynamoDB as it is under load, by a seed: index queries are answered by a replica that is behind, transactions and single writes meet conflicts,
//! batches are left half done, calls are throttled (developer guide, "Global secondary indexes", "Transactions: conflict handling",
//! `BatchWriteItem`, `BatchGetItem`, "Error handling").
//!
//! Reads of the table itself stay as they are. No request is disturbed more than twice in a row, so that a program which asks
//! again three times always gets on, and every write reaches the indexes at last.

mod behavior;
mod dice;
mod disturbances;
mod replica;
mod split;

pub(crate) use behavior::{Lagging, of_seed};
pub(crate) use split::in_part;
