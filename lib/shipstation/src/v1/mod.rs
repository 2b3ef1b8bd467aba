//! ShipStation's V1 API, by resource.

mod list;
mod orders;
mod stores;
mod warehouses;

pub use orders::{Malformed, Neighbour, OrderBatch, OrderReader, Poison, RawJson, RawOrder, parse_order};
pub use stores::Store;
pub use warehouses::Warehouse;
