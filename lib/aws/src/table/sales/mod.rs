//! Sales: their items, their changes, and the saga that moves their stock.

pub(crate) mod accounting_syncs;
pub(crate) mod change_sale;
pub(crate) mod paid;
pub(crate) mod sale_ids;
pub(crate) mod sale_items;
pub(crate) mod stock_saga;
