//! A ShipStation V1 on one machine.
//!
//! It holds orders in memory and answers `GET /orders`, `/orders/{id}`, `/stores`, `/warehouses`,
//! `/products`, `/customers` and `/accounts/listtags` with the known behavior of ShipStation's V1
//! API: Basic authentication, 40 requests a minute in fixed windows with `X-Rate-Limit-*` on every
//! reply, US Pacific wall times without an offset, page envelopes, ASP.NET error bodies. It does not
//! depend on the programs that read it, so that it can serve as an independent check of them. Its
//! orders come from a seeded generator or from files. Its time is the clock that it is given. Every
//! fault can be switched on ([`Faults`], or `/_sandbox/faults` over HTTP).
//!
//! # Uncertain behavior of the real service
//!
//! Documented or recorded: the routes, parameters, envelope, time forms, limit headers (a window's
//! first reply shows all 40, because the request itself is not counted yet), `pages: 0` of
//! `/products`, `orderDateStart` exclusive, `orderNumber` as a prefix, and totals after a split (not
//! divided).
//!
//! Not established, and chosen by the sandbox:
//! - `modifyDateStart` is inclusive or not ([`SandboxOptions::modify_start_inclusive`]); the starts
//!   of `createDate` and `paymentDate` are inclusive, and so are all ends;
//! - the order among equal sort values (ascending `orderId`, reversed by `DESC`), `pageSize` above
//!   500 (cut to 500), a page below 1 or a date that cannot be read (400);
//! - the bodies of 401, 402, 403 and 404, and the quota of a refused key (not used up);
//! - totals after a merge (added up), and `GET /orders/{id}` of a poisoned order (fails too).
//!
//! `customsCountryCode` and the `tagId` filters are accepted and have no effect. Nothing can be
//! written through ShipStation's own routes.

mod account;
mod address;
mod admin_routes;
mod arrivals;
mod buyers;
mod customers;
mod damage;
mod faults;
mod generator;
mod goods;
mod json;
mod limit_window;
mod load;
mod load_error;
mod options;
mod order_builder;
mod pacific;
mod products;
mod query;
mod reference;
mod retail;
mod rng;
mod routes;
mod sandbox;
mod server;
mod split_merge;
mod store;
mod wire;
mod world;

pub use crate::account::Order;
pub use crate::faults::{ActiveFault, Damage, Defect, Fault, Faults, Rule};
pub use crate::json::{Json, JsonError};
pub use crate::load_error::LoadError;
pub use crate::options::{Clock, SandboxOptions};
pub use crate::order_builder::Draft;
pub use crate::reference::{AUCTIONS, COUNTER, DEFAULT_WAREHOUSE, MARKETPLACE, WEB_SHOP, WHOLESALE};
pub use crate::sandbox::Sandbox;
pub use crate::server::Serving;
pub use crate::world::{Report, RequestRecord};
