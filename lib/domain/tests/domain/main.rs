//! The rules of capture and booking, by example and by property.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::float_arithmetic, missing_docs)]

mod accounts;
mod adjustments;
mod alive;
mod amounts;
mod attention;
mod booked_revision;
mod cents;
mod changes;
mod compositions;
mod customers;
mod dates;
mod day;
mod day_sums;
mod digests;
mod due;
mod due_changes;
mod fulfilment;
mod imports;
mod invoices;
mod jurisdictions;
mod lineage;
mod locations;
mod merchant;
mod nothing_to_pick;
mod orders;
mod paid_later;
mod payments;
mod products;
mod reread;
mod revisions;
mod routing;
mod stages;
mod stated_taxes;
mod store_taxes;
mod taxes;
