//! Faults on demand: the next calls of an operation fail, are throttled, lose their connection, or
//! fail for some of their entries.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Fault of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The service's throttling error (`ProvisionedThroughputExceededException`,
    /// `RequestThrottled`, `ThrottlingException`). The operation is not executed.
    Throttle,
    /// An error with this name and HTTP status. The operation is not executed.
    Error {
        /// HTTP status, 400 to 599.
        status: u16,
        /// The error's name in the service's model, e.g. `InternalServerError`.
        code: String,
    },
    /// The connection is closed before the operation is executed.
    LostRequest,
    /// The operation is executed, and the connection is closed before the answer.
    LostReply,
    /// A `BatchGetItem` or `BatchWriteItem` is executed for this many of its entries, and leaves
    /// out the others. Other operations are executed.
    Partial(usize),
    /// The operation waits this long (real time) before it is executed.
    Delay(Duration),
}

/// One entry of a batch, as a matcher sees it.
#[derive(Debug, Clone, Copy)]
pub struct BatchEntry<'a> {
    /// Place in the request, from 0.
    pub index: usize,
    /// The caller's id of the entry.
    pub id: &'a str,
    /// The message's text, where the operation has one.
    pub body: &'a str,
}

/// Failure of an entry of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryFault {
    /// `Code` of the entry's failure, e.g. `InternalError`.
    pub code: String,
    /// `SenderFault`: true for a mistake of the caller, which trying again does not solve.
    pub sender_fault: bool,
}

impl EntryFault {
    /// SQS could not store this entry at this time. The caller should send it again.
    pub fn internal() -> Self {
        Self { code: "InternalError".to_owned(), sender_fault: false }
    }
}

type Matcher = Arc<dyn Fn(&BatchEntry<'_>) -> bool + Send + Sync>;

struct EntryRule {
    operation: String,
    /// Entries that may still fail.
    left: u32,
    matcher: Matcher,
    fault: EntryFault,
}

#[derive(Default)]
struct Plan {
    calls: BTreeMap<String, VecDeque<Fault>>,
    entries: Vec<EntryRule>,
    seen: BTreeMap<String, u64>,
    partial_short_polls: bool,
    short_polls: u64,
}

/// The switch for faults, shared with the running engines. A new fault affects the next call.
#[derive(Clone, Default)]
pub struct Faults {
    plan: Arc<Mutex<Plan>>,
}

impl Faults {
    /// The next `count` calls of `operation` (`SendMessageBatch`, `TransactWriteItems`, …) get
    /// `fault`, after the faults that are already set.
    pub fn fail_next(&self, operation: &str, count: usize, fault: Fault) {
        let mut plan = self.lock();
        plan.calls.entry(operation.to_owned()).or_default().extend(std::iter::repeat_n(fault, count));
    }

    /// The next `count` entries of `SendMessageBatch`, `DeleteMessageBatch` or
    /// `ChangeMessageVisibilityBatch` that match fail; the others of the same call succeed.
    pub fn fail_entries(
        &self,
        operation: &str,
        count: u32,
        fault: EntryFault,
        matcher: impl Fn(&BatchEntry<'_>) -> bool + Send + Sync + 'static,
    ) {
        self.lock().entries.push(EntryRule { operation: operation.to_owned(), left: count, matcher: Arc::new(matcher), fault });
    }

    /// Removes all faults. The counts stay.
    pub fn clear(&self) {
        let mut plan = self.lock();
        plan.calls.clear();
        plan.entries.clear();
    }

    /// Makes a receive that does not wait ask only some of the servers, as in SQS (SQS developer
    /// guide, "Short and long polling"). The first call finds nothing, the next finds a message,
    /// and so on.
    pub fn short_polls_are_partial(&self, partial: bool) {
        self.lock().partial_short_polls = partial;
    }

    /// True if this receive, which does not wait, asks servers without messages.
    pub(crate) fn short_poll_finds_nothing(&self) -> bool {
        let mut plan = self.lock();
        plan.short_polls += 1;
        plan.partial_short_polls && plan.short_polls % 2 == 1
    }

    /// Number of calls of each operation so far, including calls with a fault.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.lock().seen.clone()
    }

    /// Counts the call, and returns its fault.
    pub(crate) fn next(&self, operation: &str) -> Option<Fault> {
        let mut plan = self.lock();
        match plan.seen.get_mut(operation) {
            Some(count) => *count += 1,
            None => {
                plan.seen.insert(operation.to_owned(), 1);
            }
        }
        plan.calls.get_mut(operation)?.pop_front()
    }

    /// Returns the failure of this entry, if it has one.
    pub(crate) fn entry(&self, operation: &str, entry: &BatchEntry<'_>) -> Option<EntryFault> {
        let mut plan = self.lock();
        let rule = plan.entries.iter_mut().find(|rule| rule.left > 0 && rule.operation == operation && (rule.matcher)(entry))?;
        rule.left -= 1;
        Some(rule.fault.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
