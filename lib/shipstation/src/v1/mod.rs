//! ShipStation's V1 API, by resource.

mod list;
mod orders;
mod stores;
mod warehouses;

pub use orders::{Malformed, Neighbour, OrderReader, Poison, RawJson, RawOrder, Step, parse_order};
pub use stores::Store;
pub use warehouses::Warehouse;
