//! Orders: from their JSON to revisions, exactly or not at all; by id, by number and by window.

mod convert;
mod lookup;
mod page;
mod page_sizes;
mod raw;
mod reader;
mod scalar;
mod wire;

pub use convert::parse_order;
pub use raw::{Malformed, RawJson, RawOrder};
pub use reader::{Neighbour, OrderBatch, OrderReader, Poison};
