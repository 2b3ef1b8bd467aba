//! DynamoDB under load, from a seed. A replica that lags answers index queries, transactions and
//! single writes meet conflicts, batches are done in part, and calls are throttled (developer
//! guide, "Global secondary indexes", "Transactions: conflict handling", `BatchWriteItem`,
//! `BatchGetItem`, "Error handling").
//!
//! Reads of the table itself are unchanged. No request is disturbed more than twice in a row. A
//! program that asks three times therefore always succeeds, and every write finally reaches the
//! indexes.

mod behavior;
mod dice;
mod disturbances;
mod replica;
mod split;

pub(crate) use behavior::{Lagging, of_seed};
pub(crate) use split::in_part;
