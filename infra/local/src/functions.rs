//! The functions' own handlers, called with the events that AWS would send.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use jiff::Timestamp;
use serde_json::{Value, json};
use stevedore_lambda::Deadline;

use crate::StackError;
use crate::clock::Time;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The functions that work behind queues and schedule.
#[derive(Clone)]
pub(crate) struct Functions {
    pub(crate) fetch: Arc<fetch_orders::Deps>,
    pub(crate) run: Arc<run_operations::Deps>,
    pub(crate) process: Arc<process_orders::Deps>,
    pub(crate) consolidate: Arc<consolidate::Deps>,
    pub(crate) time: Time,
    /// Real time that an invocation of each may take.
    pub(crate) fetch_limit: Duration,
    pub(crate) process_limit: Duration,
    pub(crate) ticking: Arc<AtomicUsize>,
}

impl Functions {
    fn deadline(&self, limit: Duration) -> Deadline {
        Deadline::after(self.time.now(), self.time.scaled(limit))
    }

    /// `fetch-orders` with any event that AWS could send it.
    pub(crate) async fn fetch_orders(&self, event: Value) -> Result<Value, BoxError> {
        Ok(Box::pin(fetch_orders::handle(&self.fetch, event, self.deadline(self.fetch_limit))).await?)
    }

    /// `run-operations` with any event that AWS could send it.
    pub(crate) async fn run_operations(&self, event: Value) -> Result<Value, BoxError> {
        Ok(Box::pin(run_operations::handle(&self.run, event, self.deadline(self.fetch_limit))).await?)
    }

    /// `run-operations` with commands of its queue.
    pub(crate) async fn commands(&self, event: SqsEvent) -> Result<SqsBatchResponse, BoxError> {
        let answer = self.run_operations(serde_json::to_value(event)?).await?;
        Ok(serde_json::from_value(answer)?)
    }

    /// `process-orders` with orders of its queue.
    pub(crate) async fn process_orders(&self, event: SqsEvent) -> Result<SqsBatchResponse, BoxError> {
        Ok(Box::pin(process_orders::handle(&self.process, event, self.deadline(self.process_limit))).await?)
    }

    /// `consolidate` with any event that AWS could send it.
    pub(crate) async fn consolidate(&self, event: Value) -> Result<Value, BoxError> {
        Ok(Box::pin(consolidate::handle(&self.consolidate, event, self.deadline(self.fetch_limit))).await?)
    }

    /// `consolidate` with commands of its queue.
    pub(crate) async fn consolidation(&self, event: SqsEvent) -> Result<SqsBatchResponse, BoxError> {
        let answer = self.consolidate(serde_json::to_value(event)?).await?;
        Ok(serde_json::from_value(answer)?)
    }

    /// One tick of consolidation's schedule, now. The function itself decides what is due.
    pub(crate) async fn consolidation_tick(&self) -> Result<Value, StackError> {
        self.ticking.fetch_add(1, Ordering::SeqCst);
        let _ticking = Ticking(&self.ticking);
        let answer = self.consolidate(scheduled_event(self.time.now())).await;
        answer.map_err(|source| StackError::Function { function: "consolidate", source })
    }

    /// One tick of the schedule, now. The function itself decides whether a download is due.
    pub(crate) async fn tick(&self) -> Result<Value, StackError> {
        self.ticking.fetch_add(1, Ordering::SeqCst);
        let _ticking = Ticking(&self.ticking);
        let answer = self.fetch_orders(scheduled_event(self.time.now())).await;
        answer.map_err(|source| StackError::Function { function: "fetch-orders", source })
    }
}

/// Counts down at every end of a tick.
struct Ticking<'a>(&'a AtomicUsize);

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The event that the template's schedule sends; its time has whole seconds (EventBridge Scheduler
/// user guide, "Adding context attributes").
fn scheduled_event(now: Timestamp) -> Value {
    let second = Timestamp::from_second(now.as_second()).unwrap_or(now);
    json!({"source": "aws.scheduler", "time": second.to_string()})
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_tick_is_what_the_scheduler_sends() {
        let event = scheduled_event("2026-11-22T10:00:00.750Z".parse().unwrap());
        assert_eq!(event, json!({"source": "aws.scheduler", "time": "2026-11-22T10:00:00Z"}));
    }
}
