//! Events for the functions, as AWS sends them.

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use serde_json::Value;

use super::running::Stack;
use crate::StackError;

impl Stack {
    /// One tick of the schedule, now; returns the function's answer. The function itself decides
    /// whether a download is due.
    ///
    /// # Errors
    /// [`StackError::Function`] if it failed.
    pub async fn tick(&self) -> Result<Value, StackError> {
        self.functions.tick().await
    }

    /// One tick of consolidation's schedule, now; returns the function's answer. The function
    /// itself decides whether a day is due.
    ///
    /// # Errors
    /// [`StackError::Function`] if it failed.
    pub async fn consolidation_tick(&self) -> Result<Value, StackError> {
        self.functions.consolidation_tick().await
    }

    /// Sends any event to `consolidate`, as AWS would.
    ///
    /// # Errors
    /// [`StackError::Function`] if it failed.
    pub async fn consolidate(&self, event: Value) -> Result<Value, StackError> {
        self.functions.consolidate(event).await.map_err(|source| StackError::Function { function: "consolidate", source })
    }

    /// Sends any event to `fetch-orders`, as AWS would.
    ///
    /// # Errors
    /// [`StackError::Function`] if it failed.
    pub async fn fetch_orders(&self, event: Value) -> Result<Value, StackError> {
        self.functions.fetch_orders(event).await.map_err(|source| StackError::Function { function: "fetch-orders", source })
    }

    /// Sends any event to `run-operations`, as AWS would.
    ///
    /// # Errors
    /// [`StackError::Function`] if it failed.
    pub async fn run_operations(&self, event: Value) -> Result<Value, StackError> {
        self.functions.run_operations(event).await.map_err(|source| StackError::Function { function: "run-operations", source })
    }

    /// Sends any batch to `process-orders`, as AWS would.
    ///
    /// # Errors
    /// [`StackError::Function`] if it failed.
    pub async fn process_orders(&self, event: SqsEvent) -> Result<SqsBatchResponse, StackError> {
        self.functions.process_orders(event).await.map_err(|source| StackError::Function { function: "process-orders", source })
    }
}
