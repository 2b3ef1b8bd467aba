//! The merchant's reference data, as it is shown and as it is written.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use stevedore_domain::address::Address;
use stevedore_domain::reference::{
    Account, AccountKind, Customer, Location, PriceTier, Product, ProductKind, TaxComponent, TaxPlace, TaxRule,
};
use utoipa::ToSchema;

use crate::resources::enums;

/// An address; every member may be missing.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Address)]
pub(crate) struct AddressView {
    name: Option<String>,
    company: Option<String>,
    street1: Option<String>,
    street2: Option<String>,
    street3: Option<String>,
    city: Option<String>,
    /// Two letters in the United States.
    state: Option<String>,
    postal_code: Option<String>,
    /// Two letters (ISO 3166).
    #[schema(example = "US")]
    country: Option<String>,
    phone: Option<String>,
}

impl From<Address> for AddressView {
    fn from(address: Address) -> Self {
        let Address { name, company, street1, street2, street3, city, state, postal_code, country, phone } = address;
        Self { name, company, street1, street2, street3, city, state, postal_code, country, phone }
    }
}

/// A customer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Customer)]
pub(crate) struct CustomerView {
    id: String,
    #[serde(flatten)]
    customer: CustomerInput,
    created_at: Timestamp,
}

/// Body of a customer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CustomerInput)]
pub(crate) struct CustomerInput {
    #[schema(min_length = 1)]
    name: String,
    /// Two customers may share one; the oldest is found by it.
    email: Option<String>,
    phone: Option<String>,
    company: Option<String>,
    /// Address for invoices.
    billing_address: Option<AddressView>,
    business_address: Option<AddressView>,
    /// The account of this customer's sales, unless product or settings name one.
    revenue_account: Option<String>,
}

/// A product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Product)]
pub(crate) struct ProductView {
    id: String,
    #[serde(flatten)]
    product: ProductInput,
    created_at: Timestamp,
}

/// Body of a product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProductInput)]
pub(crate) struct ProductInput {
    /// Unique as written.
    #[schema(min_length = 1)]
    sku: String,
    #[schema(min_length = 1)]
    name: String,
    #[schema(schema_with = enums::product_kind, required = false)]
    kind: ProductKind,
    /// Other codes under which orders name it.
    #[schema(required = false)]
    aliases: Vec<String>,
    /// The ShipStation product that it is linked to; wins over the SKU.
    shipstation_product_id: Option<u64>,
    /// The account of its sales, unless the settings name one.
    revenue_account: Option<String>,
    /// Components of a kit or an assembly: at least one, and 50 at most. A kit holds stock, assembly and service products; an assembly is made from stock
    /// and assembly products. No other kind has components.
    #[schema(required = false, max_items = 50)]
    components: Vec<PartView>,
    /// Supplier that sends a drop-ship product, which needs one; no other kind has one.
    supplier: Option<String>,
    /// By tier, `1` to `10`; exact decimals, as texts. JSON numbers are taken too.
    #[schema(required = false, example = json!({"1": "12.34"}))]
    prices: BTreeMap<String, String>,
}

/// A component of a kit or an assembly.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Component)]
pub(crate) struct PartView {
    product_id: String,
    /// Quantity of it that one unit takes.
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: i64,
}

/// Name of a price tier.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PriceTier)]
pub(crate) struct PriceTierView {
    id: String,
    #[serde(flatten)]
    tier: PriceTierInput,
    created_at: Timestamp,
}

/// Body of a price tier. A tier needs no record to be used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PriceTierInput)]
pub(crate) struct PriceTierInput {
    /// Unique among price tiers, and kept: what names a tier names it by its number.
    #[schema(minimum = 1, maximum = 10)]
    tier: u8,
    /// Unique among price tiers.
    #[schema(min_length = 1)]
    name: String,
}

/// A place that holds stock.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Location)]
pub(crate) struct LocationView {
    id: String,
    #[serde(flatten)]
    location: LocationInput,
    created_at: Timestamp,
}

/// Body of a location.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LocationInput)]
pub(crate) struct LocationInput {
    /// Unique among locations.
    #[schema(min_length = 1)]
    name: String,
    address: Option<AddressView>,
    /// Lower comes first among equals.
    #[schema(required = false)]
    priority: i32,
    /// Not taken for new sales when false.
    #[schema(required = false, default = true)]
    active: bool,
}

/// An account of the merchant's books.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub(crate) struct AccountView {
    id: String,
    #[serde(flatten)]
    account: AccountInput,
    created_at: Timestamp,
}

/// Body of an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountInput)]
pub(crate) struct AccountInput {
    /// Unique among accounts.
    #[schema(min_length = 1)]
    name: String,
    #[schema(schema_with = enums::account_kind)]
    kind: AccountKind,
    /// True if payments may go to it.
    #[schema(required = false)]
    receives_payments: bool,
}

/// A tax rule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaxRule)]
pub(crate) struct TaxRuleView {
    id: String,
    #[serde(flatten)]
    rule: TaxRuleInput,
    /// The merchant's places of business of which it is the narrowest rule. Read-only: see `POST /v1/tax_rules/places_of_business`.
    addresses: Vec<AddressView>,
    created_at: Timestamp,
}

/// Body of a tax rule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaxRuleInput)]
pub(crate) struct TaxRuleInput {
    /// Unique among tax rules; shown on sales.
    #[schema(min_length = 1)]
    name: String,
    /// Its components; none for a rule that names an amount without stating a rate.
    #[schema(required = false)]
    components: Vec<ComponentView>,
    /// Place where it is due: set for the rules of a place of business. Left out it stays as it is; null takes it away, and the rule is no longer chosen
    /// by ship-to address.
    place: Option<TaxPlaceView>,
}

/// Place where a tax is due.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaxPlace)]
pub(crate) struct TaxPlaceView {
    /// Two letters.
    #[schema(example = "NV")]
    state: String,
    /// With its kind; null: the whole state.
    #[schema(example = "Washoe County")]
    county: Option<String>,
    /// Null: the whole county.
    #[schema(example = "Reno")]
    city: Option<String>,
}

/// A part of a tax rule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaxComponent)]
pub(crate) struct ComponentView {
    #[schema(min_length = 1)]
    name: String,
    /// Percent of the taxed amount, exact. A JSON number is taken too.
    #[schema(example = "7.25", pattern = r"^\d{1,3}(\.\d+)?$")]
    percent: String,
    /// The account that collects it.
    account: Option<String>,
}

impl From<Customer> for CustomerView {
    fn from(customer: Customer) -> Self {
        let input = CustomerInput {
            name: customer.name,
            email: customer.email,
            phone: customer.phone,
            company: customer.company,
            billing_address: Some(customer.billing_address.into()),
            business_address: Some(customer.business_address.into()),
            revenue_account: customer.revenue_account.map(|id| id.0),
        };
        Self { id: customer.id.0, customer: input, created_at: customer.created_at }
    }
}

impl From<Product> for ProductView {
    fn from(product: Product) -> Self {
        let input = ProductInput {
            sku: product.sku,
            name: product.name,
            kind: product.kind,
            aliases: product.aliases,
            shipstation_product_id: product.shipstation_product_id.map(|id| id.0),
            revenue_account: product.revenue_account.map(|id| id.0),
            components: product
                .components
                .into_iter()
                .map(|part| PartView { product_id: part.product_id.0, quantity: part.quantity })
                .collect(),
            supplier: product.supplier,
            prices: product.prices.into_iter().map(|(tier, price)| (tier.to_string(), price.to_string())).collect(),
        };
        Self { id: product.id.0, product: input, created_at: product.created_at }
    }
}

impl From<PriceTier> for PriceTierView {
    fn from(tier: PriceTier) -> Self {
        let PriceTier { id, tier, name, created_at } = tier;
        Self { id: id.0, tier: PriceTierInput { tier, name }, created_at }
    }
}

impl From<Location> for LocationView {
    fn from(location: Location) -> Self {
        let Location { id, name, address, priority, active, created_at } = location;
        Self { id: id.0, location: LocationInput { name, address: Some(address.into()), priority, active }, created_at }
    }
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        let Account { id, name, kind, receives_payments, created_at } = account;
        Self { id: id.0, account: AccountInput { name, kind, receives_payments }, created_at }
    }
}

impl From<TaxRule> for TaxRuleView {
    fn from(rule: TaxRule) -> Self {
        let component = |component: TaxComponent| ComponentView {
            name: component.name,
            percent: component.percent.to_string(),
            account: component.account.map(|id| id.0),
        };
        let components = rule.components.into_iter().map(component).collect();
        let place = rule.place.map(|TaxPlace { state, county, city }| TaxPlaceView { state, county, city });
        let addresses = rule.addresses.into_iter().map(AddressView::from).collect();
        Self { id: rule.id.0, rule: TaxRuleInput { name: rule.name, components, place }, addresses, created_at: rule.created_at }
    }
}
