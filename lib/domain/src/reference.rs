//! The merchant's own reference data: what orders are booked against.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, CustomerId, LocationId, PriceTierId, ProductId, ShipstationProductId, TaxRuleId};
use crate::jurisdiction::{Whereabouts, whereabouts};
use crate::order::Address;
use crate::settings::{FieldError, Settings};

pub use crate::sku::{folded_sku, formerly_folded_sku, normalized_sku};

/// The longest name, in bytes.
pub const LONGEST_NAME: usize = 400;
/// The longest code or e-mail address, in bytes: they are keys of the table, also in lower case, which may be longer.
pub const LONGEST_CODE: usize = 600;
/// Aliases of one product: product, SKU, aliases before and after and both links fit one transaction of a hundred writes.
pub const MOST_ALIASES: usize = 40;

/// A customer of the merchant's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Customer {
    /// Ours.
    pub id: CustomerId,
    /// As shown on sales.
    pub name: String,
    /// As written; compared without case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Contact's phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// Address for invoices.
    #[serde(default, skip_serializing_if = "Address::is_blank")]
    pub billing_address: Address,
    /// Address of the business: the ship-to of the first order, for a customer made from one.
    #[serde(default, skip_serializing_if = "Address::is_blank")]
    pub business_address: Address,
    /// The account of this customer's sales, unless product or settings name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revenue_account: Option<AccountId>,
    /// Time of its creation.
    pub created_at: Timestamp,
}

/// Kind of a product (docs/requirements.md, section 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProductKind {
    /// Kept in stock.
    #[default]
    Stock,
    /// No stock.
    Service,
    /// Sold as one, picked as its components; no stock of its own (N18).
    Kit,
    /// Kept in stock, and made from its components (its bill of materials) when orders need it (S57–S62).
    Assembly,
    /// Sent to the buyer by its supplier; no stock here, and not picked.
    DropShip,
}

impl ProductKind {
    /// Every kind, the default first.
    pub const ALL: [Self; 5] = [Self::Stock, Self::Service, Self::Kit, Self::Assembly, Self::DropShip];

    /// The text of the API and of the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Service => "service",
            Self::Kit => "kit",
            Self::Assembly => "assembly",
            Self::DropShip => "drop_ship",
        }
    }

    /// True if units of it lie on our shelves.
    #[must_use]
    pub fn has_stock(self) -> bool {
        matches!(self, Self::Stock | Self::Assembly)
    }

    /// True if it consists of other products.
    #[must_use]
    pub fn has_components(self) -> bool {
        matches!(self, Self::Kit | Self::Assembly)
    }
}

/// A part of a kit, or of the bill of materials of an assembly.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// The product.
    pub product_id: ProductId,
    /// Quantity of it that one unit takes: 1 or more.
    pub quantity: i64,
}

/// A product of the merchant's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Ours.
    pub id: ProductId,
    /// Unique among products, as written.
    pub sku: String,
    /// As shown on sales.
    pub name: String,
    /// Kind of the product.
    #[serde(default)]
    pub kind: ProductKind,
    /// Other codes under which orders name it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The ShipStation product that it is linked to; wins over SKU (S82).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipstation_product_id: Option<ShipstationProductId>,
    /// The account of its sales, unless the settings name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revenue_account: Option<AccountId>,
    /// Components of a kit or an assembly; empty for every other kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
    /// Supplier that sends a drop-ship product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier: Option<String>,
    /// Its price in each price tier that has one, in the settings' currency, exact (S29).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub prices: BTreeMap<u8, Decimal>,
    /// Time of its creation.
    pub created_at: Timestamp,
}

impl Product {
    /// A stock product with nothing but its names.
    #[must_use]
    pub fn new(id: impl Into<ProductId>, sku: impl Into<String>, name: impl Into<String>, created_at: Timestamp) -> Self {
        Self {
            id: id.into(),
            sku: sku.into(),
            name: name.into(),
            kind: ProductKind::Stock,
            aliases: Vec::new(),
            shipstation_product_id: None,
            revenue_account: None,
            components: Vec::new(),
            supplier: None,
            prices: BTreeMap::new(),
            created_at,
        }
    }
}

/// A merchant's name for a price tier (S29). A tier needs no record to be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceTier {
    /// Ours, derived from the number.
    pub id: PriceTierId,
    /// 1 to 10, as the settings and the products' prices name it.
    pub tier: u8,
    /// Unique among price tiers.
    pub name: String,
    /// Time of its creation.
    pub created_at: Timestamp,
}

/// A place that holds stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Ours.
    pub id: LocationId,
    /// Unique among locations.
    pub name: String,
    /// Its address.
    #[serde(default, skip_serializing_if = "Address::is_blank")]
    pub address: Address,
    /// Lower comes first among equals.
    #[serde(default)]
    pub priority: i32,
    /// Not taken for new sales when false.
    #[serde(default = "yes")]
    pub active: bool,
    /// Time of its creation.
    pub created_at: Timestamp,
}

fn yes() -> bool {
    true
}

impl Location {
    /// Faults of its address: an address in the United States whose ZIP does not exist; or none at all, while orders are routed by distance. An
    /// address elsewhere, or with a country that is not known, is taken as it is: routing leaves it out and says so.
    #[must_use]
    pub fn faults(&self, settings: &Settings) -> Vec<FieldError> {
        let fault = |pointer: &str, code, message: String| vec![FieldError { pointer: pointer.to_owned(), code, message }];
        if settings.order_routing && self.active && self.address.is_blank() {
            let message = "Orders are routed to the nearest location, so an active one needs an address. Give it one, or make it inactive.";
            return fault("/address", "required", message.to_owned());
        }
        match (self.address.postal_code.as_deref(), whereabouts(&self.address)) {
            (Some(zip), Some(Whereabouts { place: None, .. })) => {
                let message = format!("There is no ZIP code `{zip}` in the United States; 89501 is one.");
                fault("/address/postal_code", "unknown_zip", message)
            }
            _ => Vec::new(),
        }
    }
}

/// Purpose of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// Income of sales.
    Revenue,
    /// Money held.
    Asset,
    /// Money owed, taxes collected among it.
    Liability,
    /// Costs and fees.
    Expense,
    /// The owners' part.
    Equity,
}

/// An account of the merchant's books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Ours.
    pub id: AccountId,
    /// Unique among accounts.
    pub name: String,
    /// Its purpose.
    pub kind: AccountKind,
    /// True if payments may go to it (S73).
    #[serde(default)]
    pub receives_payments: bool,
    /// Time of its creation.
    pub created_at: Timestamp,
}

/// A part of a tax rule: `{name: "California", percent: 7.25}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxComponent {
    /// As shown.
    pub name: String,
    /// Percent of the taxed amount, exact.
    pub percent: Decimal,
    /// The account that collects it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
}

/// Place where a tax is due. Names are those of the bundled data (`stevedore-geography`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxPlace {
    /// The state's two letters.
    pub state: String,
    /// The county with its kind, `Washoe County`; none: the whole state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub county: Option<String>,
    /// The city, inside the county; none: the whole county.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
}

/// A tax rule (S67).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxRule {
    /// Ours.
    pub id: TaxRuleId,
    /// Unique among tax rules; shown on sales.
    pub name: String,
    /// Its components. May be empty: a rule that names an amount without stating a rate.
    #[serde(default)]
    pub components: Vec<TaxComponent>,
    /// Place where it is due: the rule of a place of business (S65). None: taken only where the settings name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<TaxPlace>,
    /// The merchant's places of business of which it is the narrowest rule (S64); at most [`Self::MOST_ADDRESSES`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    /// Time of its creation.
    pub created_at: Timestamp,
}

impl TaxRule {
    /// Rules are read with every batch of orders, so what they carry along is bounded.
    pub const MOST_ADDRESSES: usize = 20;

    /// The percent of all components together.
    #[must_use]
    pub fn percent(&self) -> Decimal {
        self.components.iter().map(|component| component.percent).sum()
    }
}

/// A record's name as it is compared: without blanks at its ends and without case.
#[must_use]
pub fn folded_name(name: &str) -> String {
    name.trim().to_lowercase()
}

/// An e-mail address as it is compared.
#[must_use]
pub fn folded_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// The address by which a customer is found, folded. Nothing for a text that cannot be an address, such as `N/A`, `none` or `-`: channels fill it in for every
/// buyer, so that it identifies none of them.
#[must_use]
pub fn identifying_email(text: &str) -> Option<String> {
    let folded = folded_email(text);
    let (local, domain) = folded.rsplit_once('@')?;
    let is_domain = domain.contains('.') && domain.split('.').all(|label| !label.is_empty());
    let is_plain = !folded.chars().any(|letter| letter.is_whitespace() || letter.is_control()) && !local.contains('@');
    (is_domain && is_plain && !local.is_empty()).then_some(folded)
}
