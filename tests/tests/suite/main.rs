//! Whole flows over the real engines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, unreachable_pub, missing_docs)]

mod chaos;
mod flow;
mod flow_booking;
mod flow_capture;
mod flow_changes;
mod flow_customers;
mod flow_events;
mod flow_failures;
mod flow_generated;
mod flow_heal;
mod flow_import;
mod flow_large;
mod flow_load;
mod flow_nights;
mod flow_places;
mod flow_stock;
mod flow_trouble;
mod person;
mod stock;
mod table;
mod template;
mod world;
