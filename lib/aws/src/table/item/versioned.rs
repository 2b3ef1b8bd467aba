//! Records with a version: what an ETag stands for.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};

use stevedore_domain::settings::FieldError;

use crate::Error;
use crate::table::item::keys::Key;
use crate::table::{Item, Table, key_item, number};

/// A record and the version that it has in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<T> {
    /// The record.
    pub value: T,
    /// Counts its writes from 1.
    pub version: u64,
}

/// What became of a write that has conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordOutcome {
    /// Written; the record has this version now.
    Written(u64),
    /// Somebody else wrote it before, or it is there already; it has this version now, if it exists.
    Stale(Option<u64>),
    /// A value that must be unique is taken: the member's name and the value.
    Taken(&'static str, String),
    /// It does not go together with other records as they are now.
    Wrong(Vec<FieldError>),
}

/// The attribute that tells one write from another.
pub(crate) const WRITE_TOKEN: &str = "mark";

/// What must hold for a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// There is none yet.
    Absent,
    /// It has this version.
    Version(u64),
    /// It exists already or not: only for items that may be written twice.
    Anything,
}

impl Expected {
    pub(crate) fn next_version(self) -> u64 {
        match self {
            Self::Absent | Self::Anything => 1,
            Self::Version(version) => version + 1,
        }
    }
}

/// What became of one transaction's condition.
pub(crate) enum Condition {
    Held,
    /// The item as it is, if there is one.
    Failed(Option<Item>),
}

/// What became of a transaction: done, or nothing of it, with its conditions in the order of its writes.
pub(crate) enum Transacted {
    Done,
    Refused(Vec<Condition>),
}

/// What became of one write that has a condition.
pub(crate) enum Conditional {
    Written(u64),
    /// The item as it is, if there is one.
    Refused(Option<Item>),
}

/// Tries of a write that another transaction is in the way of. The SDK repeats neither a cancelled transaction nor a `PutItem` or `DeleteItem` that
/// meets one (`TransactionConflictException`). These are some ten seconds: as long as 500 orders of one product, all at work at once, need for its level (decision 0051).
pub const TRIES: u32 = 16;

impl Table {
    /// Writes one item if the condition holds: half the units of a transaction.
    ///
    /// The SDK asks again when a reply is lost, and then the condition fails on what was just written. A transaction has its token against that; this
    /// write marks its item, and finds its own mark in the item that the failure brings along.
    pub(crate) async fn put_if(&self, operation: &'static str, mut item: Item, expected: Expected) -> Result<Conditional, Error> {
        let version = expected.next_version();
        if expected != Expected::Anything {
            item.insert("version".to_owned(), number(version));
            item.insert(WRITE_TOKEN.to_owned(), crate::table::blob(random().to_be_bytes().to_vec()));
        }
        let write_token = item.get(WRITE_TOKEN).cloned();
        let request = self.client.put_item().table_name(&self.name).set_item(Some(item)).set_return_consumed_capacity(self.capacity());
        let request = match expected {
            Expected::Anything => request,
            Expected::Absent => request.condition_expression("attribute_not_exists(pk)"),
            Expected::Version(version) => request.condition_expression("version = :v").expression_attribute_values(":v", number(version)),
        };
        let request = request.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let mut attempt = 1;
        loop {
            let Err(error) = request.clone().send().await else { return Ok(Conditional::Written(version)) };
            match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    let old = failed.item().filter(|item| !item.is_empty());
                    if write_token.is_some() && old.and_then(|old| old.get(WRITE_TOKEN)) == write_token.as_ref() {
                        return Ok(Conditional::Written(version));
                    }
                    return Ok(Conditional::Refused(old.cloned()));
                }
                Some(PutItemError::TransactionConflictException(_)) if attempt < TRIES => tokio::time::sleep(jitter(attempt)).await,
                Some(PutItemError::TransactionConflictException(_)) => return Err(Error::Contended { operation }),
                _ => return Err(Error::call(operation)(error)),
            }
            attempt += 1;
        }
    }

    /// Deletes one item if it still has this version. Answers whether it did.
    pub(crate) async fn delete_if(&self, operation: &'static str, key: &Key, version: u64) -> Result<bool, Error> {
        let request = self.client.delete_item().table_name(&self.name).set_key(Some(key_item(key))).condition_expression("version = :v");
        let request = request.expression_attribute_values(":v", number(version)).set_return_consumed_capacity(self.capacity());
        let mut attempt = 1;
        loop {
            let Err(error) = request.clone().send().await else { return Ok(true) };
            match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => return Ok(false),
                Some(DeleteItemError::TransactionConflictException(_)) if attempt < TRIES => tokio::time::sleep(jitter(attempt)).await,
                Some(DeleteItemError::TransactionConflictException(_)) => return Err(Error::Contended { operation }),
                _ => return Err(Error::call(operation)(error)),
            }
            attempt += 1;
        }
    }

    pub(crate) fn put(&self, operation: &'static str, mut item: Item, expected: Expected) -> Result<TransactWriteItem, Error> {
        if expected != Expected::Anything {
            item.insert("version".to_owned(), number(expected.next_version()));
        }
        let put = Put::builder().table_name(&self.name).set_item(Some(item));
        let put = match expected {
            Expected::Anything => put,
            Expected::Absent => put.condition_expression("attribute_not_exists(pk)"),
            Expected::Version(version) => put.condition_expression("version = :v").expression_attribute_values(":v", number(version)),
        };
        let put = put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld).build();
        Ok(TransactWriteItem::builder().put(put.map_err(|error| Error::encoding(operation)(error.into()))?).build())
    }

    pub(crate) fn delete(&self, operation: &'static str, key: &Key, version: Option<u64>) -> Result<TransactWriteItem, Error> {
        let delete = Delete::builder().table_name(&self.name).set_key(Some(key_item(key)));
        let delete = match version {
            None => delete,
            Some(version) => delete.condition_expression("version = :v").expression_attribute_values(":v", number(version)),
        };
        let delete = delete.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld).build();
        Ok(TransactWriteItem::builder().delete(delete.map_err(|error| Error::encoding(operation)(error.into()))?).build())
    }

    /// All writes or none. Conflicts with other transactions are retried with a growing, jittered wait.
    pub(crate) async fn transact(&self, operation: &'static str, writes: Vec<TransactWriteItem>) -> Result<Transacted, Error> {
        for attempt in 1..=TRIES {
            let request = self.client.transact_write_items().set_transact_items(Some(writes.clone()));
            let Err(error) = request.set_return_consumed_capacity(self.capacity()).send().await else { return Ok(Transacted::Done) };
            let Some(reasons) = cancellation(&error) else { return Err(Error::call(operation)(error)) };
            if reasons.iter().any(|reason| reason.code() == Some("ConditionalCheckFailed")) {
                let conditions = reasons.iter().map(|reason| match reason.code() {
                    Some("ConditionalCheckFailed") => Condition::Failed(reason.item().filter(|item| !item.is_empty()).cloned()),
                    _ => Condition::Held,
                });
                return Ok(Transacted::Refused(conditions.collect()));
            }
            let passing = |code: &str| matches!(code, "None" | "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded");
            if let Some(code) = reasons.iter().filter_map(CancellationReason::code).find(|code| !passing(code)) {
                return Err(Error::Refused { operation, code: code.to_owned(), source: error.into() });
            }
            tokio::time::sleep(jitter(attempt)).await;
        }
        Err(Error::Contended { operation })
    }
}

/// A name that no other invocation has.
#[must_use]
pub fn invocation_id(at: jiff::Timestamp) -> String {
    format!("{}-{:016x}", crate::table::item::keys::instant(at), random())
}

/// A growing wait with jitter.
pub(crate) fn jitter(attempt: u32) -> std::time::Duration {
    wait(attempt, random())
}

/// The wait after a write's attempt of this number, from 1, that something else was in the way of.
#[must_use]
pub fn wait(attempt: u32, random: u64) -> std::time::Duration {
    let most = 10_u64 << attempt.min(7);
    std::time::Duration::from_millis(most / 2 + random % (most / 2 + 1))
}

/// The randomness of a hash map's seed: two processes that collide differ in it, and nothing else depends on it.
pub(crate) fn random() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(())
}

fn cancellation<R>(error: &SdkError<TransactWriteItemsError, R>) -> Option<&[CancellationReason]> {
    match error.as_service_error()? {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => Some(cancelled.cancellation_reasons()),
        // Another call holds the items: the SDK reports it as an error of its own kind.
        TransactWriteItemsError::TransactionInProgressException(_) => Some(&[]),
        _ => None,
    }
}
