//! The stack as a whole: started, used over HTTP, restarted, refused; and every file of `events/`.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::float_arithmetic,
    missing_docs
)]
// A skipped test prints a line.
#![allow(clippy::print_stderr)]

mod binary;
#[cfg(unix)]
mod cargo_lambda;
mod events;
mod files;
mod flow;
mod guarded;
mod harness;
mod refused;
mod reload;
mod restart;
mod secrets;
