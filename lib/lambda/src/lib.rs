//! Parts that every function shares: its start, its configuration, its telemetry, the deadline of an invocation, and the
//! runner of a queue's batch.
//!
//! Nothing here reads the environment or the clock by itself. A function's `main.rs` hands both in:
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let start = stevedore_lambda::Start::new(std::env::vars().collect(), std::sync::Arc::new(jiff::Timestamp::now))?;
//! # Ok(())
//! # }
//! ```

pub mod batch;
pub mod config;
pub mod deadline;
mod error_chain;
pub mod metrics;
mod start;
pub mod telemetry;

pub use batch::{BatchError, Limits, Prepared, Record, RecordError, run_batch, run_prepared_batch};
pub use config::{Config, ConfigError};
pub use deadline::{Clock, Deadline};
pub use error_chain::ErrorChain;
pub use start::{Invocation, Start, StartError, serve};
