//! The application layer: one module per use case. A workflow loads what it needs, asks `stevedore_domain` what to do, and commits the answer.
//!
//! Functions wire a workflow to an event and nothing else. Workflows know no Lambda event; what they share with functions is the deadline, the clock and
//! the metrics of `stevedore_lambda`.

pub mod booking;
pub mod consolidation;
mod deps;
pub mod orders;
pub mod process;
