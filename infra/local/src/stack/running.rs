//! A running stack: its addresses, its parts, and its end.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use stevedore_aws::{Queues, Table};
use stevedore_engines::Engines;
use stevedore_lambda::Clock;
use stevedore_lambda::config::SignIn;
use stevedore_sandbox::{Sandbox, Serving};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::Time;
use crate::functions::Functions;
use crate::http::ApiClient;
use crate::reach::Reach;
use crate::state_file::Record;

/// Time in which the parts must end after the stop.
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// A running stack. Dropped without [`Stack::stop`], it ends like a killed process.
pub struct Stack {
    pub(super) api_url: String,
    pub(super) token: SecretString,
    pub(super) lesser_tokens: Vec<SecretString>,
    pub(super) sign_in: Option<SignIn>,
    pub(super) time: Time,
    pub(super) table: Table,
    pub(super) queues: Queues,
    /// The engines' clients of the API's function.
    pub(super) api: Reach,
    pub(super) engines: Option<Engines>,
    pub(super) sandbox: Option<Sandbox>,
    pub(super) serving: Option<Serving>,
    pub(super) functions: Functions,
    pub(super) stopping: watch::Sender<bool>,
    pub(super) tasks: Vec<JoinHandle<()>>,
    pub(super) record: Option<Record>,
}

impl Stack {
    /// The address of the API: `http://127.0.0.1:PORT`.
    pub fn api_url(&self) -> &str {
        &self.api_url
    }

    /// The bearer token of the API; of the grade that may configure.
    pub fn token(&self) -> &str {
        self.token.expose_secret()
    }

    /// The bearer token of a grade.
    pub fn token_of(&self, grade: api::Grade) -> &str {
        let lesser = match grade {
            api::Grade::Read => self.lesser_tokens.first(),
            api::Grade::Operate => self.lesser_tokens.get(1),
            api::Grade::Configure => None,
        };
        lesser.unwrap_or(&self.token).expose_secret()
    }

    /// A client of the API that has the token.
    pub fn api(&self) -> ApiClient {
        ApiClient::new(&self.api_url, self.token.clone())
    }

    /// The API's own router over this stack, for callers that are identified by `access`.
    pub fn router(&self, access: api::Access) -> axum::Router {
        let Reach { table, queues, secrets } = self.api.clone();
        let fetch_orders::Deps { shipstation, clock, .. } = self.functions.fetch.as_ref().clone();
        api::router(Arc::new(api::Deps { table, queues, secrets, shipstation, clock, access, sign_in: self.sign_in.clone() }))
    }

    /// The table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The queues.
    pub fn queues(&self) -> &Queues {
        &self.queues
    }

    /// The stack's own ShipStation sandbox; `None` if another ShipStation is used.
    pub fn sandbox(&self) -> Option<&Sandbox> {
        self.sandbox.as_ref()
    }

    /// The engines with their faults; `None` while the stack stops.
    pub fn engines(&self) -> Option<&Engines> {
        self.engines.as_ref()
    }

    /// The stack's time.
    pub fn clock(&self) -> Clock {
        self.time.clock()
    }

    /// Ends in order: current work is finished, then the parts end, and the engines last.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        let tasks = std::mem::take(&mut self.tasks);
        let aborts: Vec<_> = tasks.iter().map(JoinHandle::abort_handle).collect();
        if tokio::time::timeout(STOP_PATIENCE, futures::future::join_all(tasks)).await.is_err() {
            tracing::warn!("not everything ended in time; what was at work is delivered again at the next start");
            aborts.iter().for_each(tokio::task::AbortHandle::abort);
        }
        if let Some(record) = &self.record
            && let Err(error) = record.beat()
        {
            tracing::warn!(%error, "the folder's record was not written");
        }
        drop(self.serving.take());
        if let Some(engines) = self.engines.take() {
            engines.stop().await;
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
