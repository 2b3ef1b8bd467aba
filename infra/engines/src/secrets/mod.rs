//! Secrets Manager: secrets with their versions, kept in a SQLite file that only the owner can
//! read.

mod requests;
mod rows;
mod service;
mod versions;

pub(crate) use service::Secrets;
