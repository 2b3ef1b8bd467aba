//! The SDK: its clients, their HTTP, and errors.

pub(crate) mod clients;
pub(crate) mod connector;
pub(crate) mod error;
