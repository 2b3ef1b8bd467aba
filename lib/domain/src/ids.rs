//! Typed identifiers. ShipStation's own ids are numbers, ours are text.
//!
//! ShipStation's ids are kept as `u64` and travel as JSON integers: an `orderItemId` of 13 digits exceeds 32 bits
//! (facts sheet, section 3.3), and nothing here ever passes one through a float.

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
    /// One run of a download; time-sortable.
    OperationId,
}

impl SaleId {
    /// The id of the sale that order `order` becomes. `attempt` counts from 1: a second sale exists only after the first was voided.
    #[must_use]
    pub fn of_order(order: OrderId, attempt: u32) -> Self {
        if attempt <= 1 { Self(format!("SO-{order}")) } else { Self(format!("SO-{order}-{attempt}")) }
    }

    /// The id of the sale of a local date's orders: `DAY-2026-05-04`.
    #[must_use]
    pub fn of_day(date: jiff::civil::Date) -> Self {
        Self(format!("DAY-{date}"))
    }
}

impl TaxRuleId {
    /// The id of the rule of a place: derived, so that adding a place of business twice makes its rules once.
    #[must_use]
    pub fn of_place(place: &crate::reference::TaxPlace) -> Self {
        let name = |part: &Option<String>| part.as_deref().unwrap_or_default().to_lowercase();
        let text = format!("{}\n{}\n{}", place.state, name(&place.county), name(&place.city));
        let digest = crate::order::Digest::of_bytes(text.as_bytes()).to_string();
        Self(format!("TAX-{}", digest.get(..12).unwrap_or(&digest)))
    }
}

impl CustomerId {
    /// The id of the customer that is created for a ShipStation customer: derived, so that two orders of a new buyer
    /// that are booked at the same time create one customer.
    #[must_use]
    pub fn of_shipstation(customer: ShipstationCustomerId) -> Self {
        Self(format!("C-{customer}"))
    }
}
