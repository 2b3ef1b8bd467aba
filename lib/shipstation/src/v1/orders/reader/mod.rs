//! The orders of a window, page by page.

mod order_reader;
mod page_pass;
mod poison;
mod seen;
mod window;

pub use order_reader::{OrderBatch, OrderReader};
pub use poison::{Neighbour, Poison};
