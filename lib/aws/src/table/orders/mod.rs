//! Orders: log entry, revisions, and the transaction that commits one.

pub(crate) mod alike;
pub(crate) mod attention;
pub(crate) mod batch_context;
pub(crate) mod beside;
pub(crate) mod commit_order;
pub(crate) mod healing;
pub(crate) mod log;
pub(crate) mod order_item;
pub(crate) mod revision;
