//! Parts that every function shares: its configuration, its telemetry, the deadline of an invocation, and the runner of a
//! queue's batch.
//!
//! Nothing here reads the environment or the clock by itself. A function's `main.rs` hands both in:
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! stevedore_lambda::telemetry::init(std::env::vars())?;
//! let config = stevedore_lambda::Config::from_vars(std::env::vars())?;
//! # Ok(())
//! # }
//! ```

pub mod batch;
pub mod config;
pub mod deadline;
mod error_chain;
pub mod metrics;
pub mod telemetry;

pub use batch::{BatchError, Limits, Record, RecordError, run_batch};
pub use config::{Config, ConfigError};
pub use deadline::{Clock, Deadline};
pub use error_chain::ErrorChain;
