//! The sandbox over HTTP, from a client's side.
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
