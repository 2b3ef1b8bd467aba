//! Orders behind a sale.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::ids::{OrderId, StoreId};

/// Orders behind a sale. In JSON the two are told apart by their members: sales of single orders are written as they always were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Source {
    /// One order.
    Order(OrderSource),
    /// A day's orders; each one's log entry names the sale.
    Day(DaySource),
}

impl Source {
    /// The one order, where it is one.
    #[must_use]
    pub fn order(&self) -> Option<&OrderSource> {
        match self {
            Self::Order(order) => Some(order),
            Self::Day(_) => None,
        }
    }
}

/// The day behind a consolidated sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaySource {
    /// The merchant's date.
    pub local_date: Date,
    /// Number of orders in it.
    pub order_count: u64,
}

/// The order behind a sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderSource {
    /// ShipStation's id.
    pub order_id: OrderId,
    /// The buyer's number.
    pub order_number: String,
    /// The channel's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_key: Option<String>,
    /// The selling channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_id: Option<StoreId>,
    /// Its name, where it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_name: Option<String>,
}
