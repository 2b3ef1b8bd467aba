//! Settings, connection, cursor, activity, unreadable places.

pub(crate) mod accounts;
pub(crate) mod audit;
pub(crate) mod configuration;
pub(crate) mod cursor;
pub(crate) mod disconnect;
pub(crate) mod overview;
pub(crate) mod sweep;
pub(crate) mod tally;
pub(crate) mod unreadable;
