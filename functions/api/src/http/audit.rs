//! Every act of a person leaves a record: who, when, what, before, after (N29).
//!
//! Here, and not in the handlers, so that no route can be without it. The record is written before the act and completed after it: cut off in between, it
//! stands there without an end. An act that was refused was none, and its record is taken back.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::Value;
use stevedore_aws::AuditRecord;
use stevedore_lambda::ErrorChain;

use crate::Deps;
use crate::http::auth::Caller;
use crate::http::problem::Problem;

/// Change that an act made, as its handler says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change(Arc<Mutex<(Option<Value>, Option<Value>)>>);

impl Change {
    /// There was this before, where anything was, and there is that now.
    pub(crate) fn is(&self, before: Option<impl Serialize>, after: impl Serialize) {
        let value = |value| serde_json::to_value(value).ok();
        let before = before.and_then(|before| serde_json::to_value(before).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (before, value(after));
    }

    /// The same, where there was nothing before.
    pub(crate) fn is_new(&self, after: impl Serialize) {
        self.is(None::<()>, after);
    }

    fn take(&self) -> (Option<Value>, Option<Value>) {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// An act that is about to be done.
pub(crate) struct Act {
    pub caller: Caller,
    pub permission: &'static str,
    /// The document's name of the operation.
    pub name: &'static str,
    pub target: String,
}

/// Does it, with its record around it.
pub(crate) async fn recorded(deps: &Deps, act: Act, done: impl Future<Output = Response>) -> Response {
    let Act { caller, permission, name, target } = act;
    let mut record = AuditRecord {
        id: String::new(),
        at: deps.now(),
        by: caller.by,
        permission: permission.to_owned(),
        act: name.to_owned(),
        target,
        status: None,
        before: None,
        after: None,
    };
    if let Err(error) = deps.table.begin_audit(&mut record).await {
        // No act without its record.
        return Problem::from(error).into_response();
    }
    let response = done.await;
    let status = response.status();
    let kept = if status.is_client_error() {
        deps.table.withdraw_audit(&record).await
    } else {
        record.status = Some(status.as_u16());
        (record.before, record.after) = caller.change.take();
        deps.table.finish_audit(&record).await
    };
    if let Err(error) = kept {
        tracing::error!(error = %ErrorChain(&error), act = name, "an act's record was not completed");
    }
    response
}
