//! The merchant's reference data.

pub(crate) mod email;
pub(crate) mod products;
pub(crate) mod recent;
pub(crate) mod reference_data;
