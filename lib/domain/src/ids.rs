//! Typed identifiers. ShipStation's own ids are numbers, ours are text.
//!
//! ShipStation's ids are kept as `u64` and travel as JSON integers: an `orderItemId` of 13 digits exceeds 32 bits
//! (docs/shipstation.md, section 3.3), and nothing here ever passes one through a float.

use serde::{Deserialize, Serialize};

macro_rules! shipstation_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

macro_rules! own_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    )+};
}

shipstation_id! {
    /// ShipStation's `orderId`: the only unique key of an order (split orders share number and key).
    OrderId,
    /// ShipStation's `storeId`: a selling channel inside the account.
    StoreId,
    /// ShipStation's `warehouseId`: a "ship from" location, mapped to one of our locations.
    WarehouseId,
    /// ShipStation's `productId`.
    ShipstationProductId,
    /// ShipStation's `customerId`.
    ShipstationCustomerId,
    /// ShipStation's `tagId`.
    TagId,
}

own_id! {
    /// A sale; derived from the order's id or the day's date, so that booking twice collides instead of duplicating.
    SaleId,
    /// A product of ours.
    ProductId,
    /// A customer of ours.
    CustomerId,
    /// A place of ours that holds stock.
    LocationId,
    /// An account of the merchant's books.
    AccountId,
    /// A tax rule.
    TaxRuleId,
    /// A price tier's record.
    PriceTierId,
    /// One run of a download; time-sortable.
    OperationId,
}

impl OperationId {
    /// An id that sorts in time; `attempt` tells those of one millisecond and stem apart.
    #[must_use]
    pub fn at(at: jiff::Timestamp, stem: &str, attempt: u32) -> Self {
        let stamp = at.strftime("%Y%m%dT%H%M%S%3f");
        if attempt <= 1 { Self(format!("{stamp}-{stem}")) } else { Self(format!("{stamp}-{stem}-{attempt}")) }
    }
}

/// One of the ShipStation accounts that this deployment was connected to, counted from 1 (see [`crate::account`]). It is part of every key that comes from
/// ShipStation: `501` is order 501 of the first account, `2.501` that of the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShipstationAccount(pub u32);

impl ShipstationAccount {
    /// The first one, which every record belongs to that names none.
    pub const FIRST: Self = Self(1);

    /// True for the first account.
    #[must_use]
    pub fn is_first(&self) -> bool {
        *self == Self::FIRST
    }

    /// An id of ShipStation's, with the account that it is of.
    #[must_use]
    pub fn qualify(self, id: impl std::fmt::Display) -> String {
        if self.is_first() { id.to_string() } else { format!("{}.{id}", self.0) }
    }

    /// Reads the text of [`Self::qualify`], exactly as it is written.
    #[must_use]
    pub fn parse(text: &str) -> Option<(Self, u64)> {
        let (account, id) = match text.split_once('.') {
            Some((account, id)) => (Self(account.parse().ok()?), id),
            None => (Self::FIRST, text),
        };
        let id: u64 = id.parse().ok()?;
        (account.qualify(id) == text).then_some((account, id))
    }
}

impl Default for ShipstationAccount {
    fn default() -> Self {
        Self::FIRST
    }
}

impl std::fmt::Display for ShipstationAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl SaleId {
    /// The id of the sale that order `order` of the first account becomes. `attempt` counts from 1: a second sale exists only after the first was voided.
    #[must_use]
    pub fn of_order(order: OrderId, attempt: u32) -> Self {
        Self::of(ShipstationAccount::FIRST, order, attempt)
    }

    /// The same for an order of any account.
    #[must_use]
    pub fn of(account: ShipstationAccount, order: OrderId, attempt: u32) -> Self {
        let order = account.qualify(order);
        if attempt <= 1 { Self(format!("SO-{order}")) } else { Self(format!("SO-{order}-{attempt}")) }
    }

    /// The order that [`Self::of`] made this id from, and which attempt it is; nothing for a sale of another kind.
    #[must_use]
    pub fn order(&self) -> Option<(OrderId, u32)> {
        self.parts().map(|(_, order, attempt)| (order, attempt))
    }

    /// The account of the order that [`Self::of`] made this id from; the first for a sale of another kind.
    #[must_use]
    pub fn account(&self) -> ShipstationAccount {
        self.parts().map_or(ShipstationAccount::FIRST, |(account, ..)| account)
    }

    fn parts(&self) -> Option<(ShipstationAccount, OrderId, u32)> {
        let rest = self.0.strip_prefix("SO-")?;
        let (order, attempt) = match rest.split_once('-') {
            Some((order, attempt)) => (order, attempt.parse().ok().filter(|attempt| *attempt > 1)?),
            None => (rest, 1),
        };
        let (account, order) = ShipstationAccount::parse(order)?;
        let order = OrderId(order);
        // Only as it is written: another text is another id.
        (Self::of(account, order, attempt) == *self).then_some((account, order, attempt))
    }

    /// The id of the sale of a local date's orders: `DAY-2026-05-04`.
    #[must_use]
    pub fn of_day(date: jiff::civil::Date) -> Self {
        Self(format!("DAY-{date}"))
    }

    /// The date that [`Self::of_day`] made this id from; nothing for a sale of another kind.
    #[must_use]
    pub fn day(&self) -> Option<jiff::civil::Date> {
        let date = self.0.strip_prefix("DAY-")?.parse().ok()?;
        // Only as it is written: another text is another id.
        (Self::of_day(date) == *self).then_some(date)
    }
}

impl PriceTierId {
    /// The id of the record of tier `tier`: derived, so that a tier has one record at most.
    #[must_use]
    pub fn of_tier(tier: u8) -> Self {
        Self(format!("PRT-{tier}"))
    }
}

impl CustomerId {
    /// The id of the customer that is created for a ShipStation customer: derived, so that two orders of a new buyer
    /// that are booked at the same time create one customer.
    #[must_use]
    pub fn of_shipstation(account: ShipstationAccount, customer: ShipstationCustomerId) -> Self {
        Self(format!("C-{}", account.qualify(customer)))
    }
}
