//! Whole flows over the real engines.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::large_futures,
    unreachable_pub,
    missing_docs
)]

mod bound;
mod chaos;
mod contention;
mod day;
mod documents;
mod flow;
mod flow_accounts;
mod flow_attention;
mod flow_booking;
mod flow_capture;
mod flow_changes;
mod flow_channels;
mod flow_clock;
mod flow_customers;
mod flow_day_members;
mod flow_days;
mod flow_days_api;
mod flow_deleted;
mod flow_duplicates;
mod flow_events;
mod flow_failures;
mod flow_generated;
mod flow_heal;
mod flow_identity;
mod flow_import;
mod flow_lagging;
mod flow_large;
mod flow_liberal;
mod flow_lineage;
mod flow_load;
mod flow_nights;
mod flow_numberless;
mod flow_operations;
mod flow_places;
mod flow_retry_unreadable;
mod flow_revisions;
mod flow_stage;
mod flow_stock;
mod flow_taxes;
mod flow_twice_read;
mod flow_unreadable;
mod hot_keys;
mod http;
mod item_sizes;
mod logs;
mod person;
mod raw;
mod spread;
mod stock;
mod table;
mod template;
#[path = "../../benches/cold_start/tls.rs"]
mod tls;
mod trust;
mod under_load;
mod world;

/// Interceptor that limits a function's clients to the role of the template.
fn role_of(function: &'static str) -> Vec<stevedore_aws::interceptors::SharedInterceptor> {
    vec![stevedore_tests::role::role_of(function)]
}
