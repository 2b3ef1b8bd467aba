//! Whole flows over the real engines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, unreachable_pub, missing_docs)]

mod flow;
mod template;
mod world;
