//! ShipStation's V1 API: what is asked of it, how fast, and what its answers mean.
//!
//! * [`Client`] asks. One is built for each process and cloned freely; pacing is shared by all its clones and kept apart by API key.
//! * [`OrderReader`] reads the orders of a window **by key**, so that an order edited while the pages are read never hides another.
//! * [`parse_order`] turns one order's JSON into a [`stevedore_domain::order::Revision`], exactly or not at all.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use jiff::Timestamp;
//! # use stevedore_domain::pacific::PacificTime;
//! # use stevedore_shipstation::{Call, Client, ClientOptions, Clock, Credentials, Error, Priority, OrderReader, http_client};
//! # async fn read(clock: Clock, credentials: Credentials, deadline: Timestamp, from: PacificTime) -> Result<(), Error> {
//! let client = Client::new(ClientOptions::new("https://ssapi.shipstation.com", http_client()?, clock));
//! let call = Call { credentials: &credentials, priority: Priority::Background, deadline };
//! client.verify_credentials(&call).await?;
//! let mut reader = OrderReader::changed(from, None);
//! loop {
//!     let step = reader.next(&client, &call).await?;
//!     // … queue step.orders, record step.poison, then move the cursor to step.reached …
//!     if step.finished {
//!         break;
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Time and waiting are inputs ([`ClientOptions::clock`], [`ClientOptions::sleep`]). Nothing here logs a body, a name, an address or a key:
//! only counts and statuses.

mod http;
mod json;
mod v1;

pub use http::{
    Call, Client, ClientOptions, Clock, Credentials, Error, PacingState, Priority, Repetition, Sleep, http_client, http_client_trusting,
};
pub use v1::{Malformed, Neighbour, OrderBatch, OrderReader, Poison, RawJson, RawOrder, Store, Warehouse, parse_order};
