//! Start of a function, and the loop of its invocations: the same for all of them.

use std::fmt::Display;
use std::future::Future;

use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::{Config, ConfigError};
use crate::deadline::{Clock, Deadline};
use crate::telemetry::{self, TelemetryError};

/// Environment and clock of a function, as `main.rs` hands them in, and what is read of them.
#[derive(Clone)]
pub struct Start {
    /// The configuration.
    pub config: Config,
    /// The environment's variables; AWS's own are the SDK's to read.
    pub vars: Vec<(String, String)>,
    /// Certificates in PEM to trust instead of the built-in ones, where the configuration names a file of them.
    pub trusted: Option<Vec<u8>>,
    /// The clock.
    pub clock: Clock,
}

/// Reasons why a function does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log.
    #[error("the log could not be set up")]
    Telemetry(#[from] TelemetryError),
    /// The environment.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The file of certificates.
    #[error("the file of certificates could not be read")]
    Trusted(#[source] std::io::Error),
}

impl Start {
    /// Sets up the log and reads the configuration.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn new(vars: Vec<(String, String)>, clock: Clock) -> Result<Self, StartError> {
        telemetry::init(vars.clone())?;
        let config = Config::from_vars(vars.clone())?;
        let trusted = config.ca_bundle.as_ref().map(std::fs::read).transpose().map_err(StartError::Trusted)?;
        Ok(Self { config, vars, trusted, clock })
    }
}

/// One invocation, beside its event.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Time at which Lambda ends it.
    pub deadline: Deadline,
    /// Header of its trace, if Lambda gave one.
    pub trace: Option<String>,
}

/// Hands each event to `handle`, one at a time, until Lambda ends the process.
///
/// # Errors
/// Those of the runtime; an error of `handle` is the answer to its event.
pub async fn serve<E, A, X, F, W>(clock: Clock, handle: F) -> Result<(), lambda_runtime::Error>
where
    E: DeserializeOwned,
    A: Serialize,
    X: std::error::Error + Display + Send + Sync + 'static,
    F: Fn(E, Invocation) -> W,
    W: Future<Output = Result<A, X>>,
{
    let service = service_fn(|event: LambdaEvent<E>| {
        let deadline = Deadline::of(&event.context, clock());
        let work = handle(event.payload, Invocation { deadline, trace: event.context.xray_trace_id });
        async move { work.await.map_err(lambda_runtime::Error::from) }
    });
    lambda_runtime::run(service).await
}
