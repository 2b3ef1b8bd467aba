//! Operations, their rows, and their outcome.

pub(crate) mod operation;
pub(crate) mod row_pages;
pub(crate) mod settling;
