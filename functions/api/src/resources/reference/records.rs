//! Members that each kind of reference data takes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use stevedore_aws::{Error, Record, RecordOutcome, Stored, Table};
use stevedore_domain::address::Address;
use stevedore_domain::bill_of_materials::{MOST_COMPONENTS, QUANTITIES, TIERS, own_faults};
use stevedore_domain::ids::{AccountId, CustomerId, LocationId, PriceTierId, ProductId, ShipstationProductId, TaxRuleId};
use stevedore_domain::money::Decimal;
use stevedore_domain::reference::{
    Account, AccountKind, Component, Customer, LONGEST_CODE as CODE, LONGEST_NAME as NAME, Location, MOST_ALIASES, PriceTier, Product,
    ProductKind, TaxComponent, TaxPlace, TaxRule,
};

use super::view::{AccountView, CustomerView, LocationView, PriceTierView, ProductView, TaxRuleView};
use crate::http::body::{Fields, boolean, choice, decimal, integer, number_id, text};
use crate::http::problem::{Code, FieldFault, Problem};

use super::wrong;

/// The longest id that may be named, in bytes.
const ID: usize = 256;
/// Parts of one tax rule.
const MOST_PARTS: usize = 20;

/// A kind of reference data, as the API handles it.
pub(super) trait Reference: Record {
    /// View of a record.
    type View: From<Self> + Serialize + Send;
    /// Name of the kind in problems.
    const NAME: &'static str;
    /// Path of its records.
    const PATH: &'static str;
    /// Prefix of its ids.
    const PREFIX: &'static str;
    /// True if blocked or skipped orders may wait for one.
    const MAY_UNBLOCK: bool;
    /// The member that its id is derived from, where it is.
    const NUMBER: &'static str = "id";
    /// The query parameter that its records are found by, where there is one.
    const FOUND_BY: Option<&'static str> = None;

    /// Reads what was sent; faults are noted in `fields`.
    fn read(fields: &mut Fields<'_>, id: String, created_at: Timestamp) -> Self;

    fn set_id(&mut self, id: String);

    /// The id that a new one gets, where it is derived from what the record says.
    fn own_id(&self) -> Option<String> {
        None
    }

    /// Sees to the members that this way of writing may not change; `known` is what the record replaces.
    fn keep(&mut self, fields: &mut Fields<'_>, known: Option<&Self>) {
        let _ = (fields, known);
    }

    /// The records that [`Self::FOUND_BY`] names.
    fn find(table: &Table, text: &str) -> impl Future<Output = Result<Vec<Self>, Error>> + Send {
        let _ = (table, text);
        std::future::ready(Ok(Vec::new()))
    }

    /// Checks what only the table knows: whether accounts that it names exist, and what the settings need it to be.
    fn check(&self, table: &Table) -> impl Future<Output = Result<(), Problem>> + Send {
        let _ = table;
        std::future::ready(Ok(()))
    }

    fn put(&self, table: &Table, read: Option<&Stored<Self>>) -> impl Future<Output = Result<RecordOutcome, Error>> + Send {
        table.put_record(self, read)
    }
}

fn address(fields: &mut Fields<'_>) -> Address {
    let mut part = |name| fields.optional(name, text(NAME));
    Address {
        name: part("name"),
        company: part("company"),
        street1: part("street1"),
        street2: part("street2"),
        street3: part("street3"),
        city: part("city"),
        state: part("state"),
        postal_code: part("postal_code"),
        country: part("country"),
        phone: part("phone"),
    }
}

/// Refuses accounts that do not exist, or are not of the kind; each with the pointer where it is named.
async fn check_accounts(table: &Table, named: Vec<(String, &AccountId)>, kind: Option<AccountKind>) -> Result<(), Problem> {
    if named.is_empty() {
        return Ok(());
    }
    let accounts: Vec<Account> = table.records(named.iter().map(|(_, id)| id.0.clone())).await?;
    let fault = |(pointer, id): (String, &AccountId)| match accounts.iter().find(|account| account.id == *id) {
        None => Some(FieldFault { pointer, code: "unknown_reference", message: format!("There is no account `{id}`.") }),
        Some(account) if kind.is_some_and(|kind| account.kind != kind) => {
            Some(FieldFault { pointer, code: "wrong_kind", message: format!("The account `{id}` is not of revenue kind.") })
        }
        Some(_) => None,
    };
    let faults: Vec<FieldFault> = named.into_iter().filter_map(fault).collect();
    if faults.is_empty() { Ok(()) } else { Err(Problem::with_errors(Code::ValidationFailed, faults)) }
}

async fn check_revenue_account(table: &Table, account: Option<&AccountId>) -> Result<(), Problem> {
    let named = account.map(|id| ("/revenue_account".to_owned(), id)).into_iter().collect();
    check_accounts(table, named, Some(AccountKind::Revenue)).await
}

/// Prices by tier.
fn prices(fields: &mut Fields<'_>) -> BTreeMap<u8, Decimal> {
    const TIER_NAMES: [&str; 10] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"];
    let price = |name| Some((name, fields.optional(name, decimal(Decimal::ZERO..=Decimal::MAX))?));
    let prices = TIER_NAMES.into_iter().filter_map(price);
    prices.filter_map(|(name, price)| Some((name.parse().ok()?, price))).collect()
}

impl Reference for Product {
    type View = ProductView;
    const NAME: &'static str = "product";
    const PATH: &'static str = "/v1/products";
    const PREFIX: &'static str = "PRD";
    // A line without its product is booked as a service line; no order waits for one.
    const MAY_UNBLOCK: bool = false;
    const FOUND_BY: Option<&'static str> = Some("sku");

    fn find(table: &Table, text: &str) -> impl Future<Output = Result<Vec<Self>, Error>> + Send {
        table.products_named(text)
    }

    fn read(fields: &mut Fields<'_>, id: String, created_at: Timestamp) -> Self {
        const KINDS: &[(&str, ProductKind)] = &[
            ("stock", ProductKind::Stock),
            ("service", ProductKind::Service),
            ("kit", ProductKind::Kit),
            ("assembly", ProductKind::Assembly),
            ("drop_ship", ProductKind::DropShip),
        ];
        fields.refuse_null(&["kind", "aliases", "components", "prices"]);
        let sku = fields.required("sku", text(CODE));
        let aliases = fields.list("aliases", MOST_ALIASES, text(CODE)).unwrap_or_default();
        let repeated = |(index, alias): (usize, &String)| *alias == sku || aliases.iter().take(index).any(|other| other == alias);
        if aliases.iter().enumerate().any(repeated) {
            fields.refuse("aliases", "repeated", "An alias stands here twice, or is the SKU itself.");
        }
        Self {
            name: fields.required("name", text(NAME)),
            kind: fields.optional("kind", choice(KINDS)).unwrap_or_default(),
            shipstation_product_id: fields.optional("shipstation_product_id", number_id).map(ShipstationProductId),
            revenue_account: fields.optional("revenue_account", text(ID)).map(AccountId),
            aliases,
            // Their quantities are held against the range with the other rules, which say where a product is wrong as a whole.
            components: fields.objects("components", MOST_COMPONENTS, |fields| Component {
                product_id: ProductId(fields.required("product_id", text(ID))),
                quantity: fields.required("quantity", integer(QUANTITIES)),
            }),
            supplier: fields.optional("supplier", text(NAME)),
            prices: fields.object("prices", prices).unwrap_or_default(),
            ..Self::new(id, sku, String::new(), created_at)
        }
    }

    fn set_id(&mut self, id: String) {
        self.id = ProductId(id);
    }

    async fn check(&self, table: &Table) -> Result<(), Problem> {
        let faults = own_faults(self);
        if !faults.is_empty() {
            return Err(wrong(faults));
        }
        check_revenue_account(table, self.revenue_account.as_ref()).await
    }

    async fn put(&self, table: &Table, read: Option<&Stored<Self>>) -> Result<RecordOutcome, Error> {
        // A link is one to the connected account's product.
        let linked = |product: &Self| product.shipstation_product_id.is_some();
        if linked(self) || read.is_some_and(|stored| linked(&stored.value)) {
            return table.of_connected_account().await?.put_product(self, read).await;
        }
        table.put_product(self, read).await
    }
}

impl Reference for Customer {
    type View = CustomerView;
    const NAME: &'static str = "customer";
    const PATH: &'static str = "/v1/customers";
    const PREFIX: &'static str = "CUS";
    const MAY_UNBLOCK: bool = true;
    const FOUND_BY: Option<&'static str> = Some("email");

    fn find(table: &Table, text: &str) -> impl Future<Output = Result<Vec<Self>, Error>> + Send {
        table.customers_with(text)
    }

    fn read(fields: &mut Fields<'_>, id: String, created_at: Timestamp) -> Self {
        let email = fields.optional("email", text(CODE));
        if email.as_ref().is_some_and(|email| !email.contains('@') || email.contains(char::is_whitespace)) {
            fields.refuse("email", "invalid_email", "An e-mail address belongs here, such as ann@example.com.");
        }
        Self {
            id: CustomerId(id),
            name: fields.required("name", text(NAME)),
            email,
            phone: fields.optional("phone", text(NAME)),
            company: fields.optional("company", text(NAME)),
            billing_address: fields.object("billing_address", address).unwrap_or_default(),
            business_address: fields.object("business_address", address).unwrap_or_default(),
            revenue_account: fields.optional("revenue_account", text(ID)).map(AccountId),
            created_at,
        }
    }

    fn set_id(&mut self, id: String) {
        self.id = CustomerId(id);
    }

    async fn check(&self, table: &Table) -> Result<(), Problem> {
        check_revenue_account(table, self.revenue_account.as_ref()).await
    }

    async fn put(&self, table: &Table, read: Option<&Stored<Self>>) -> Result<RecordOutcome, Error> {
        table.put_customer(self, read).await
    }
}

impl Reference for Location {
    type View = LocationView;
    const NAME: &'static str = "location";
    const PATH: &'static str = "/v1/locations";
    const PREFIX: &'static str = "LOC";
    const MAY_UNBLOCK: bool = true;

    fn read(fields: &mut Fields<'_>, id: String, created_at: Timestamp) -> Self {
        fields.refuse_null(&["priority", "active"]);
        let priority = fields.optional("priority", integer(i64::from(i32::MIN)..=i64::from(i32::MAX)));
        Self {
            id: LocationId(id),
            name: fields.required("name", text(NAME)),
            address: fields.object("address", address).unwrap_or_default(),
            priority: priority.and_then(|priority| i32::try_from(priority).ok()).unwrap_or_default(),
            active: fields.optional("active", boolean).unwrap_or(true),
            created_at,
        }
    }

    fn set_id(&mut self, id: String) {
        self.id = LocationId(id);
    }

    async fn check(&self, table: &Table) -> Result<(), Problem> {
        let settings = table.settings().await?.value;
        let mut faults = self.faults(&settings);
        faults.extend(settings.location_faults(self));
        if faults.is_empty() { Ok(()) } else { Err(wrong(faults)) }
    }
}

impl Reference for PriceTier {
    type View = PriceTierView;
    const NAME: &'static str = "price tier";
    const PATH: &'static str = "/v1/price_tiers";
    const PREFIX: &'static str = "PRT";
    const MAY_UNBLOCK: bool = false;
    const NUMBER: &'static str = "tier";

    fn read(fields: &mut Fields<'_>, id: String, created_at: Timestamp) -> Self {
        let tier = fields.required("tier", integer(i64::from(*TIERS.start())..=i64::from(*TIERS.end())));
        let name = fields.required("name", text(NAME));
        Self { id: PriceTierId(id), tier: u8::try_from(tier).unwrap_or_default(), name, created_at }
    }

    /// A tier is its number: the settings and the prices of products name it by that.
    fn keep(&mut self, fields: &mut Fields<'_>, known: Option<&Self>) {
        if known.is_some_and(|known| known.tier != self.tier) {
            fields.refuse("tier", "read_only", "A tier keeps its number. Change the names instead.");
        }
    }

    fn own_id(&self) -> Option<String> {
        Some(PriceTierId::of_tier(self.tier).0)
    }

    fn set_id(&mut self, id: String) {
        self.id = PriceTierId(id);
    }
}

impl Reference for Account {
    type View = AccountView;
    const NAME: &'static str = "account";
    const PATH: &'static str = "/v1/accounts";
    const PREFIX: &'static str = "ACC";
    const MAY_UNBLOCK: bool = true;

    fn read(fields: &mut Fields<'_>, id: String, created_at: Timestamp) -> Self {
        const KINDS: &[(&str, AccountKind)] = &[
            ("revenue", AccountKind::Revenue),
            ("asset", AccountKind::Asset),
            ("liability", AccountKind::Liability),
            ("expense", AccountKind::Expense),
            ("equity", AccountKind::Equity),
        ];
        fields.refuse_null(&["receives_payments"]);
        if !fields.has("kind") {
            fields.refuse("kind", "required", "This member is missing.");
        }
        Self {
            id: AccountId(id),
            name: fields.required("name", text(NAME)),
            kind: fields.optional("kind", choice(KINDS)).unwrap_or(AccountKind::Revenue),
            receives_payments: fields.optional("receives_payments", boolean).unwrap_or_default(),
            created_at,
        }
    }

    fn set_id(&mut self, id: String) {
        self.id = AccountId(id);
    }

    async fn check(&self, table: &Table) -> Result<(), Problem> {
        let faults = table.settings().await?.value.account_faults(self);
        if faults.is_empty() { Ok(()) } else { Err(wrong(faults)) }
    }
}

impl Reference for TaxRule {
    type View = TaxRuleView;
    const NAME: &'static str = "tax rule";
    const PATH: &'static str = "/v1/tax_rules";
    const PREFIX: &'static str = "TAX";
    const MAY_UNBLOCK: bool = true;

    fn read(fields: &mut Fields<'_>, id: String, created_at: Timestamp) -> Self {
        fields.refuse_null(&["components"]);
        let name = fields.required("name", text(NAME));
        let components = fields.objects("components", MOST_PARTS, |fields| TaxComponent {
            name: fields.required("name", text(NAME)),
            percent: fields.required("percent", decimal(Decimal::ZERO..=Decimal::ONE_HUNDRED)),
            account: fields.optional("account", text(ID)).map(AccountId),
        });
        let place = fields.object("place", |fields| TaxPlace {
            state: fields.required("state", text(NAME)),
            county: fields.optional("county", text(NAME)),
            city: fields.optional("city", text(NAME)),
        });
        let addresses = fields.objects("addresses", Self::MOST_ADDRESSES, address);
        Self { id: TaxRuleId(id), name, components, place, addresses, created_at }
    }

    /// A place comes with a place of business alone. Left out it stays, since a client that knows name and components alone means no more than these.
    fn keep(&mut self, fields: &mut Fields<'_>, known: Option<&Self>) {
        let before = known;
        let known = known.and_then(|known| known.place.as_ref());
        if self.place.is_some() && self.place.as_ref() != known {
            fields.refuse("place", "read_only", "A rule gets its place from POST /v1/tax_rules/places_of_business.");
        }
        if !fields.is_null("place") {
            self.place = known.cloned();
        }
        let addresses = before.map(|known| known.addresses.clone()).unwrap_or_default();
        if !self.addresses.is_empty() && self.addresses != addresses {
            fields.refuse("addresses", "read_only", "Places of business are added with POST /v1/tax_rules/places_of_business.");
        }
        // Without its place a rule is that of no place of business.
        self.addresses = if self.place.is_some() { addresses } else { Vec::new() };
    }

    fn set_id(&mut self, id: String) {
        self.id = TaxRuleId(id);
    }

    async fn check(&self, table: &Table) -> Result<(), Problem> {
        let named = self.components.iter().enumerate();
        let named = named.filter_map(|(index, part)| Some((format!("/components/{index}/account"), part.account.as_ref()?)));
        check_accounts(table, named.collect(), None).await
    }
}
