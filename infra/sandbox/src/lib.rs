//! A ShipStation V1 that runs here.
//!
//! It holds orders in memory and answers `GET /orders`, `/orders/{id}`, `/stores`, `/warehouses`, `/products`, `/customers` and
//! `/accounts/listtags` the way ShipStation's V1 API is known to: Basic authentication, 40 requests a minute in fixed windows with
//! `X-Rate-Limit-*` on every reply, US Pacific wall times without an offset, page envelopes, ASP.NET error bodies. It knows nothing of the
//! programs that read it, so that it can be a witness against them. Its orders come from a seeded generator or from files; time is
//! the clock it is given; every fault can be switched on ([`Faults`], or `/_sandbox/faults` over HTTP).
//!
//! # What is not certain about the real service
//!
//! Documented or recorded: the routes, parameters, envelope, time forms, limit headers (a window's first reply shows all 40: the request itself
//! is not counted yet), `pages: 0` of `/products`, `orderDateStart` exclusive, `orderNumber` as a prefix, the split of totals (not split).
//! Not established, and chosen here:
//! - whether `modifyDateStart` is inclusive ([`SandboxOptions::modify_start_inclusive`]); the starts of `createDate` and `paymentDate` are inclusive, all ends are;
//! - the order among equal sort values (here: ascending `orderId`, reversed by `DESC`), `pageSize` above 500 (here: cut to 500), a
//!   page below 1 or a date that cannot be read (here: 400);
//! - the bodies of 401, 402, 403 and 404; whether a refused key uses up quota (here: no);
//! - what a merge does to totals (here: they are added) and whether a poisoned order also breaks `GET /orders/{id}` (here: yes).
//!
//! `customsCountryCode` and the `tagId` filters are accepted and have no effect. Nothing can be written through ShipStation's own routes.

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
