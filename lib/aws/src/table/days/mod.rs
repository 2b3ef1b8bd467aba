//! Consolidated days: their runs and their sales.

pub(crate) mod day;
pub(crate) mod runs;
