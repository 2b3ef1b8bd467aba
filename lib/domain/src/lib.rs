//! Everything that decides, and nothing that does: no I/O, no clock, no AWS, no HTTP.
//!
//! Functions load what these need, call them, and write the outcome in one transaction.

pub mod account;
pub mod address;
pub mod allocate;
pub mod bill_of_materials;
pub mod calendar;
pub mod changes;
pub mod consolidation;
pub mod day_member;
pub mod digest;
pub mod distinct_rows;
pub mod event;
pub mod health;
pub mod ids;
pub mod import;
pub mod jurisdiction;
pub mod log;
pub mod money;
pub mod operation;
pub mod order;
pub mod pacific;
pub mod reason;
pub mod reference;
pub mod sale;
pub mod schedule;
pub mod settings;
pub mod stock;
pub mod tally;
pub mod warning;
