//! ShipStation's V1 API: what is asked of it, how fast, and what its answers mean.
//!
//! * [`Client`] asks. One is built for each process and cloned freely; pacing is shared by all its clones and kept apart by API key.
//! * [`Reading`] reads the orders of a window **by key**, so that an order edited while the pages are read never hides another.
//! * [`parse_order`] turns one order's JSON into a [`stevedore_domain::order::Revision`], exactly or not at all.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use jiff::Timestamp;
//! # use stevedore_domain::pacific::PacificTime;
//! # use stevedore_shipstation::{Call, Client, ClientOptions, Clock, Credentials, Error, Priority, Reading, http_client};
//! # async fn read(clock: Clock, credentials: Credentials, deadline: Timestamp, from: PacificTime) -> Result<(), Error> {
//! let client = Client::new(ClientOptions::new("https://ssapi.shipstation.com", http_client()?, clock));
//! let call = Call { credentials: &credentials, priority: Priority::Background, deadline };
//! client.prove(&call).await?;
//! let mut reading = Reading::changed(from, None);
//! loop {
//!     let step = reading.next(&client, &call).await?;
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

mod client;
mod error;
mod json;
mod order;
mod pacing;
mod page;
mod reading;
mod reference;
mod transport;

pub use client::{Call, Client, ClientOptions, Clock, Credentials, Priority, Sleep, http_client, http_client_trusting};
pub use error::Error;
pub use order::{Malformed, RawJson, RawOrder, parse_order};
pub use pacing::PacingState;
pub use reading::{Neighbour, Poison, Reading, Step};
pub use reference::{Store, Warehouse};
