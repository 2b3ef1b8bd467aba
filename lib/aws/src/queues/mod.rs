//! The queues and their messages.

pub(crate) mod client;
pub(crate) mod dead_letters;
pub(crate) mod dead_reason;
pub mod messages;
pub(crate) mod sent;
