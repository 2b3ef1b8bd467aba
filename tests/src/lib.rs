//! Tests of whole flows (see `tests/tests/suite`), and the code that several test suites share: the
//! roles of the template.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

pub mod calls;
pub mod last_calls;
pub mod role;
pub mod template;
pub mod write_units;
pub mod writes;
