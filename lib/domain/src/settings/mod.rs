//! The settings: one document that decides how orders become sales (docs/requirements.md, section 4).

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, CustomerId, LocationId, StoreId, TagId, TaxRuleId, WarehouseId};
use crate::money::Currency;

mod change;
mod document;
mod in_use;
mod locations;
mod references;
#[cfg(test)]
mod tests;
mod validate;
mod values;
mod warnings;

pub use change::{SettingChange, changes};
pub use document::{FieldError, LARGEST_DOCUMENT, MALFORMED_JSON};
pub use references::{AccountUse, Named, References, named_references};
pub use validate::{ACKNOWLEDGEMENT, DOWNLOAD_DELAY_MINUTES, POLL_MINUTES, PRICE_TIERS, parse};
pub use warnings::WARNINGS;

/// The whole document, as it is kept and as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The stage at which an order is captured; governs historical loads too.
    pub capture_order_when: CaptureOrderWhen,
    /// One sale for each order, or one for the whole day.
    pub consolidation: Consolidation,
    /// Local time `HH:MM` of the day's consolidation. Required with `daily`, refused with `none`.
    pub consolidation_time: Option<LocalTime>,
    /// The merchant's own IANA time zone.
    pub time_zone: String,
    /// ISO 4217; V1 orders carry none.
    pub currency: Currency,
    /// The customer of orders that name nobody; with daily consolidation the customer of every sale.
    pub customer_id: Option<CustomerId>,
    /// Price tier (1 to 10) that receives product prices on download.
    pub price_tier: u8,
    /// Extent of automatic fulfilment.
    pub pick_pack_ship: PickPackShip,
    /// Cut restocks of refunds to what was shipped instead of reporting `pending_fulfilment`.
    pub ignore_restock_for_unfulfilled: bool,
    /// State of new invoices: drafts wait for a person.
    pub invoice_status: InvoiceMode,
    /// Overrides the account of product, customer and every other mapping.
    pub revenue_account: Option<AccountId>,
    /// The account of what no other mapping gives one.
    pub default_revenue_account: Option<AccountId>,
    /// Unit of lengths; must agree with the ShipStation account.
    pub dimension_units: DimensionUnits,
    /// The ShipStation store's name becomes the sale's sales representative.
    pub store_name_as_sales_rep: bool,
    /// Way in which products are linked on download.
    pub match_products: MatchProducts,
    /// Create a product when no SKU matches.
    pub create_missing_products: bool,
    /// Downloads overwrite linked products.
    pub shipstation_is_master: bool,
    /// Additional charges take their share of the tax.
    pub shipment_is_taxable: bool,
    /// Take the location nearest to the ship-to address.
    pub order_routing: bool,
    /// Quantity of a product with a bill of materials that is assembled.
    pub auto_assembly: AutoAssembly,
    /// ShipStation warehouse to location.
    pub location_map: LocationMap,
    /// Tax rules.
    pub tax: TaxSettings,
    /// Payment accounts.
    pub payment: PaymentSettings,
    /// Nothing is fetched by the schedule while set.
    pub paused: bool,
    /// Orders dated before this day are not captured by the schedule.
    pub order_lock_date: Option<Date>,
    /// Orders with any of these tags are skipped.
    pub exclude_tags: Vec<TagId>,
    /// Orders of these stores are skipped.
    pub exclude_stores: Vec<StoreId>,
    /// Minutes that the end of a window lies in the past.
    pub download_delay_minutes: u32,
    /// Minutes between two scheduled downloads: 60 by default, 5 at least.
    pub poll_minutes: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            capture_order_when: CaptureOrderWhen::Paid,
            consolidation: Consolidation::None,
            consolidation_time: None,
            time_zone: "UTC".to_owned(),
            currency: Currency::USD,
            customer_id: None,
            price_tier: 1,
            pick_pack_ship: PickPackShip::None,
            ignore_restock_for_unfulfilled: false,
            invoice_status: InvoiceMode::Draft,
            revenue_account: None,
            default_revenue_account: None,
            dimension_units: DimensionUnits::Inches,
            store_name_as_sales_rep: false,
            match_products: MatchProducts::BySku,
            create_missing_products: false,
            shipstation_is_master: false,
            shipment_is_taxable: false,
            order_routing: false,
            auto_assembly: AutoAssembly::OrderedQuantity,
            location_map: LocationMap::default(),
            tax: TaxSettings::default(),
            payment: PaymentSettings::default(),
            paused: false,
            order_lock_date: None,
            exclude_tags: Vec::new(),
            exclude_stores: Vec::new(),
            download_delay_minutes: 0,
            poll_minutes: 60,
        }
    }
}

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant),+
        }
        impl $name {
            /// The values that the settings take, the default first.
            pub const VALUES: &'static [&'static str] = &[$($text),+];

            /// The choice that the settings write as `text`.
            #[must_use]
            pub fn from_text(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The choice as the settings write it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

choice! {
    /// `capture_order_when` (S17–S20).
    CaptureOrderWhen {
        /// Neither awaiting payment nor cancelled; on hold only with a payment date.
        Paid = "paid",
        /// Any status but cancelled.
        Created = "created",
        /// Paid and not on hold.
        NotOnHold = "not_on_hold",
        /// Shipped.
        Shipped = "shipped",
    }
}
choice! {
    /// `consolidation` (S22, S23).
    Consolidation {
        /// One sale for each order.
        None = "none",
        /// One sale for the day.
        Daily = "daily",
    }
}
choice! {
    /// `pick_pack_ship` (S30–S33).
    PickPackShip {
        /// By hand.
        None = "none",
        /// Picked.
        Pick = "pick",
        /// Picked and packed.
        PickPack = "pick_pack",
        /// Picked, packed and shipped.
        PickPackShip = "pick_pack_ship",
    }
}
choice! {
    /// `invoice_status` (S39, S40).
    InvoiceMode {
        /// Waits for a person.
        Draft = "draft",
        /// Authorised at once.
        Authorised = "authorised",
    }
}
choice! {
    /// `dimension_units` (S42).
    DimensionUnits {
        /// Inches.
        Inches = "in",
        /// Centimetres.
        Centimetres = "cm",
    }
}
choice! {
    /// `match_products` (S44, S45).
    MatchProducts {
        /// An existing product with the SKU is linked.
        BySku = "by_sku",
        /// A person links.
        Manual = "manual",
    }
}
choice! {
    /// `auto_assembly` (S57, S58).
    AutoAssembly {
        /// The ordered quantity, whatever is in stock.
        OrderedQuantity = "ordered_quantity",
        /// Only what is missing for the pick.
        MinimumForPicking = "minimum_for_picking",
    }
}

choice! {
    /// Form in which a store states the tax of its orders, in `tax.by_store` (N17, N31).
    StoreTax {
        /// On top of prices.
        Added = "added",
        /// Contained in prices, as in countries with VAT.
        Included = "included",
        /// Collected and paid by the marketplace: no part of the order's total.
        Withheld = "withheld",
    }
}

/// A local time `HH:MM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalTime {
    /// 0 to 23.
    pub hour: i8,
    /// 0 to 59.
    pub minute: i8,
}

impl LocalTime {
    /// Reads `HH:MM`, both with two digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (hour, minute) = text.split_once(':')?;
        let two = |part: &str| (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<i8>().ok()).flatten();
        let (hour, minute) = (two(hour)?, two(minute)?);
        (hour < 24 && minute < 60).then_some(Self { hour, minute })
    }
}

impl std::fmt::Display for LocalTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}
impl Serialize for LocalTime {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for LocalTime {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a time such as 18:30")))
    }
}

/// Locations of the ShipStation warehouses (S63).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LocationMap {
    /// For orders without a warehouse, or with one that is not mapped.
    pub default: Option<LocationId>,
    /// ShipStation warehouse id to location.
    pub warehouses: BTreeMap<WarehouseId, LocationId>,
}

/// Tax rules (S67–S71).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TaxSettings {
    /// The rule of a line that no narrower rule fits. While there is none, the tax mapping is unfinished and orders are skipped.
    pub default_rule: Option<TaxRuleId>,
    /// Replace ShipStation's amount by the rule's.
    pub recalculate: bool,
    /// Form in which each store states tax. A store that is not named adds it.
    pub by_store: BTreeMap<StoreId, StoreTax>,
}

/// Accounts that receive the payments of orders (S72–S75). Optional as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaymentSettings {
    /// The account for every payment method without its own. None: no payment is added.
    pub account: Option<AccountId>,
    /// `paymentMethod` of the order to account.
    pub by_method: BTreeMap<String, AccountId>,
}

impl Settings {
    /// True once the tax mapping is finished, so that orders may be booked (S71).
    #[must_use]
    pub fn tax_mapping_finished(&self) -> bool {
        self.tax.default_rule.is_some()
    }

    /// Form in which the store states tax; an order without a store adds it.
    #[must_use]
    pub fn store_tax(&self, store: Option<StoreId>) -> StoreTax {
        store.and_then(|store| self.tax.by_store.get(&store)).copied().unwrap_or(StoreTax::Added)
    }

    /// The location of orders from `warehouse` (S63), and whether it was mapped or is the default.
    #[must_use]
    pub fn location_for(&self, warehouse: Option<WarehouseId>) -> Option<(&LocationId, bool)> {
        let mapped = warehouse.and_then(|id| self.location_map.warehouses.get(&id));
        mapped.map(|id| (id, true)).or_else(|| self.location_map.default.as_ref().map(|id| (id, false)))
    }

    /// The account that receives a payment made by `method`. Nothing without a payment account at all (S74).
    #[must_use]
    pub fn payment_account(&self, method: Option<&str>) -> Option<&AccountId> {
        let by_method = &self.payment.by_method;
        // As written, else whatever its case: channels write one method in several ways.
        let same = |method: &str| {
            let folded = method.trim().to_lowercase();
            by_method.iter().find(|(name, _)| name.trim().to_lowercase() == folded).map(|(_, account)| account)
        };
        let stated = method.filter(|_| !by_method.is_empty());
        stated.and_then(|method| by_method.get(method).or_else(|| same(method))).or(self.payment.account.as_ref())
    }
}
