//! Places in ShipStation's lists that could not be read, remembered so that later runs try them again (N11).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use stevedore_domain::ids::OrderId;
use stevedore_domain::pacific::PacificTime;

use crate::Error;
use crate::table::item::keys;
use crate::table::item::versioned::Expected;
use crate::table::{Table, item_of, value_of};

/// One such place: a single order that could not be read, by id where it is known, else by the window that it lies in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadableOrder {
    /// Names the place; the same place has the same name on every run.
    pub position: String,
    /// The order, where its id could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// The window's times are `createDate`s instead of `modifyDate`s.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_creation: bool,
    /// The first time that it may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PacificTime>,
    /// The last time that it may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<PacificTime>,
    /// Time at which it was seen first.
    pub first_seen: Timestamp,
    /// Number of times that it was tried.
    pub attempts: u32,
}

impl Table {
    /// Every such place.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn unreadable_orders(&self) -> Result<Vec<UnreadableOrder>, Error> {
        const OPERATION: &str = "read unread places";
        self.query_prefix(OPERATION, &keys::unreadable_order("").pk, "").await?.into_iter().map(|item| value_of(OPERATION, item)).collect()
    }

    /// One such place.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn unreadable_order(&self, position: &str) -> Result<Option<UnreadableOrder>, Error> {
        const OPERATION: &str = "read an unread place";
        self.get_item(OPERATION, &keys::unreadable_order(position)).await?.map(|item| value_of(OPERATION, item)).transpose()
    }

    /// Remembers a place.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_unreadable_order(&self, unreadable_order: &UnreadableOrder) -> Result<(), Error> {
        const OPERATION: &str = "remember an unread place";
        let item = item_of(OPERATION, &keys::unreadable_order(&unreadable_order.position), "trouble", unreadable_order)?;
        self.put_if(OPERATION, item, Expected::Anything).await.map(drop)
    }

    /// Forgets a place: it could be read.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_unreadable_order(&self, position: &str) -> Result<(), Error> {
        self.delete_items("forget an unread place", vec![keys::unreadable_order(position)]).await
    }
}
