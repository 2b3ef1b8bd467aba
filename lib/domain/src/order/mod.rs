//! A ShipStation order as the domain sees it, and its revisions.
//!
//! Conversion from ShipStation's JSON is `stevedore-shipstation`'s work; what is here has been read exactly or not at all.

mod dates;
mod revision;

use jiff::civil::DateTime;
use rust_decimal::Decimal;

use crate::address::Address;
use crate::ids::{OrderId, ShipstationCustomerId, ShipstationProductId, StoreId, TagId, WarehouseId};
use crate::pacific::PacificTime;

pub use dates::UNREADABLE;
pub use revision::{NEWEST_SCHEME, Revision, RevisionKey};

/// One order of ShipStation's (V1 `GET /orders`; docs/shipstation.md, section 3.2). Blank texts are absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// `orderId`: the only unique key.
    pub id: OrderId,
    /// `orderNumber`: the buyer's number; not unique.
    pub number: String,
    /// `orderKey`: the channel's id or a generated one; shared by the parts of a split.
    pub key: Option<String>,
    /// `orderStatus`.
    pub status: OrderStatus,
    /// `createDate`: when the order entered ShipStation. Absent in old payloads.
    pub created_at: Option<PacificTime>,
    /// `modifyDate`.
    pub modified_at: PacificTime,
    /// `orderDate`: the channel's wall time, not reliably Pacific.
    pub ordered_at: Option<DateTime>,
    /// `paymentDate`: the channel's wall time, not reliably Pacific.
    pub paid_at: Option<DateTime>,
    /// `customerId`.
    pub customer_id: Option<ShipstationCustomerId>,
    /// `customerUsername`.
    pub customer_username: Option<String>,
    /// `customerEmail`.
    pub customer_email: Option<String>,
    /// `billTo`.
    pub bill_to: Address,
    /// `shipTo`.
    pub ship_to: Address,
    /// `items`, adjustments included, in ShipStation's order.
    pub items: Vec<Item>,
    /// `orderTotal`, exactly as stated.
    pub total: Decimal,
    /// `amountPaid`, exactly as stated; independent of the total.
    pub amount_paid: Decimal,
    /// `taxAmount`: one amount for the whole order.
    pub tax: Decimal,
    /// `shippingAmount`: what the buyer paid for shipping.
    pub shipping: Decimal,
    /// `paymentMethod`.
    pub payment_method: Option<String>,
    /// `customerNotes`.
    pub customer_notes: Option<String>,
    /// `internalNotes`.
    pub internal_notes: Option<String>,
    /// `requestedShippingService`.
    pub requested_shipping_service: Option<String>,
    /// `externallyFulfilled`: shipped by a marketplace's warehouse, so our stock is not touched.
    pub externally_fulfilled: bool,
    /// `tagIds`.
    pub tag_ids: Vec<TagId>,
    /// `advancedOptions.storeId`.
    pub store_id: Option<StoreId>,
    /// `advancedOptions.warehouseId`.
    pub warehouse_id: Option<WarehouseId>,
    /// `advancedOptions.source`: `web`, `amazon`, …
    pub source: Option<String>,
    /// `advancedOptions.mergedOrSplit`.
    pub merged_or_split: bool,
    /// `advancedOptions.mergedIds`: orders merged into this one, or the children of a split.
    pub merged_ids: Vec<OrderId>,
    /// `advancedOptions.parentId`: this order is a child of a split.
    pub parent_id: Option<OrderId>,
    /// Its items or their options held nulls, which are left out.
    pub nulls_left_out: bool,
}

/// `orderStatus`. A value that we do not know is kept as it is and is at no stage yet: it never means success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderStatus {
    /// `awaiting_payment`
    AwaitingPayment,
    /// `awaiting_shipment`
    AwaitingShipment,
    /// `pending_fulfillment`
    PendingFulfillment,
    /// `rejected_fulfillment`
    RejectedFulfillment,
    /// `shipped`
    Shipped,
    /// `on_hold`
    OnHold,
    /// `cancelled`
    Cancelled,
    /// Any other text.
    Unknown(String),
}

impl OrderStatus {
    /// Reads ShipStation's text.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "awaiting_payment" => Self::AwaitingPayment,
            "awaiting_shipment" => Self::AwaitingShipment,
            "pending_fulfillment" => Self::PendingFulfillment,
            "rejected_fulfillment" => Self::RejectedFulfillment,
            "shipped" => Self::Shipped,
            "on_hold" => Self::OnHold,
            "cancelled" => Self::Cancelled,
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// ShipStation's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::AwaitingPayment => "awaiting_payment",
            Self::AwaitingShipment => "awaiting_shipment",
            Self::PendingFulfillment => "pending_fulfillment",
            Self::RejectedFulfillment => "rejected_fulfillment",
            Self::Shipped => "shipped",
            Self::OnHold => "on_hold",
            Self::Cancelled => "cancelled",
            Self::Unknown(text) => text,
        }
    }
}

/// A line of an order (docs/shipstation.md, section 3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// `orderItemId`: up to 13 digits and more.
    pub id: Option<u64>,
    /// `lineItemKey`: the channel's line id.
    pub key: Option<String>,
    /// `sku`, as written: blanks and case are kept.
    pub sku: Option<String>,
    /// `name`
    pub name: Option<String>,
    /// `quantity`: 0 is legal.
    pub quantity: i64,
    /// `unitPrice`: exact; negative on discounts.
    pub unit_price: Decimal,
    /// `taxAmount`: for one unit, contained in the order's tax. Absent means not stated, which is not the same as nothing.
    pub unit_tax: Option<Decimal>,
    /// `options`, in order.
    pub options: Vec<ItemOption>,
    /// `productId`
    pub product_id: Option<ShipstationProductId>,
    /// `adjustment`: not a thing but a discount or a charge on the whole order.
    pub adjustment: bool,
}

/// A chosen option: `{name: "Colour", value: "Red"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemOption {
    /// `name`
    pub name: String,
    /// `value`
    pub value: String,
}
