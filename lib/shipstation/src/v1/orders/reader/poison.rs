//! Orders that no page can be read with, and their neighbours.

use serde::Serialize;
use stevedore_domain::ids::OrderId;
use stevedore_domain::pacific::PacificTime;

use super::super::raw::Malformed;
use crate::http::Broken;

/// An order that no page can be read with (N11): ShipStation answers 500, or a text that is no JSON or ends in the middle. Where the answer does not show which
/// order it is, its neighbours in the order of the window's key identify it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Poison {
    /// The last readable order before it.
    pub before: Option<Neighbour>,
    /// The first readable order behind it.
    pub after: Option<Neighbour>,
    /// `modifyDate` or `createDate`.
    pub key: &'static str,
    /// It lies in the window that begins here (exclusive).
    pub from: PacificTime,
    /// It lies in the window that ends here (inclusive).
    pub until: Option<PacificTime>,
    /// The HTTP status of the page that holds nothing else.
    pub status: u16,
    /// The beginning of that answer: 500 characters of an error, 16 KiB of a text that cannot be read. Keep it, do not log it.
    pub excerpt: String,
    /// The order as far as the answer shows it, and what is wrong with its text.
    #[serde(skip)]
    pub order: Option<Malformed>,
}

/// An order beside a [`Poison`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Neighbour {
    /// `orderId`, if it can be read.
    pub order_id: Option<OrderId>,
    /// The window's key, if it can be read.
    pub at: Option<PacificTime>,
}

/// Poison orders side by side.
#[derive(Clone, Debug)]
pub(super) struct PoisonRun {
    pub(super) before: Option<Neighbour>,
    pub(super) after: Option<Neighbour>,
    pub(super) orders: Vec<Broken>,
}
