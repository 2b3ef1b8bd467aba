//! Levels of stock.

pub(crate) mod levels;
pub(crate) mod stock_update;
