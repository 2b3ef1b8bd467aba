//! The API over the embedded engines and the ShipStation sandbox, called as a client calls it.
#![allow(
    clippy::disallowed_methods,
    clippy::large_futures,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::float_arithmetic,
    clippy::print_stderr,
    missing_docs
)]

mod access;
mod adjust;
mod attention;
mod audit;
mod captured;
mod connection;
mod contract;
mod cost;
mod dead_letters;
mod import;
mod lineage;
mod operations;
mod orders;
mod overview;
mod panel;
mod payments;
mod places;
mod problems;
mod products;
mod reference;
mod sale_actions;
mod settings;
mod stock;
mod tokens;
mod world;
