//! The documents and the sources agree: requirements, citations, decisions.
#![allow(clippy::disallowed_methods, clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod citations;
mod comments;
mod decisions;
mod module_graph;
mod repository;
mod requirements;
mod structure;
