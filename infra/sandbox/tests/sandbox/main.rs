//! The sandbox over HTTP, as a client sees it.
#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::float_arithmetic,
    missing_docs
)]

mod client;
mod faults;
mod files;
mod generated;
mod nights;
mod wire;
