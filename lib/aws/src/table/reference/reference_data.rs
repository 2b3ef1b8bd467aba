//! The merchant's reference data: customers, products, locations, accounts, tax rules, price tiers. Uniqueness is kept by items of its own, in the same transaction.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stevedore_domain::ids::{CustomerId, ProductId, ShipstationAccount, ShipstationCustomerId, ShipstationProductId};
use stevedore_domain::reference::{
    Account, Customer, Location, PriceTier, Product, TaxRule, formerly_normalized_sku, identifying_email, normalize_sku,
};
use stevedore_domain::sale::{CustomerMatches, Products};

use crate::Error;
use crate::table::item::keys::{self, Key};
use crate::table::item::paging::IndexQuery;
use crate::table::item::schema::BY_TIME;
use crate::table::item::versioned::{Condition, Expected, Transacted};
use crate::table::reference::products::CodeEntry;
use crate::table::{Item, List, Page, RecordOutcome, Stored, Table, item_of, text, text_of, value_of, version_of};

/// A kind of reference data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// [`Customer`]
    Customer,
    /// [`Product`]
    Product,
    /// [`Location`]
    Location,
    /// [`Account`]
    Account,
    /// [`TaxRule`]
    TaxRule,
    /// [`PriceTier`]
    PriceTier,
}

impl RecordKind {
    pub(crate) fn partition(self) -> &'static str {
        match self {
            Self::Customer => "CUSTOMER",
            Self::Product => "PRODUCT",
            Self::Location => "LOCATION",
            Self::Account => "ACCOUNT",
            Self::TaxRule => "TAX_RULE",
            Self::PriceTier => "PRICE_TIER",
        }
    }

    pub(crate) fn entity(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Product => "product",
            Self::Location => "location",
            Self::Account => "account",
            Self::TaxRule => "tax_rule",
            Self::PriceTier => "price_tier",
        }
    }
}

/// What the table must know of a record of reference data.
pub trait Record: Serialize + DeserializeOwned + Clone + Send + Sync {
    /// Its kind.
    const KIND: RecordKind;
    /// Its id.
    fn id(&self) -> &str;
    /// When it came into being, which is where it stands in lists.
    fn created_at(&self) -> jiff::Timestamp;
    /// A name that no two of them share without case and blanks at its ends.
    fn unique_name(&self) -> Option<&str> {
        None
    }
}

impl Record for Customer {
    const KIND: RecordKind = RecordKind::Customer;
    fn id(&self) -> &str {
        self.id.as_str()
    }
    fn created_at(&self) -> jiff::Timestamp {
        self.created_at
    }
}
impl Record for Product {
    const KIND: RecordKind = RecordKind::Product;
    fn id(&self) -> &str {
        self.id.as_str()
    }
    fn created_at(&self) -> jiff::Timestamp {
        self.created_at
    }
}

macro_rules! named_record {
    ($($type:ident),+) => {$(
        impl Record for $type {
            const KIND: RecordKind = RecordKind::$type;
            fn id(&self) -> &str {
                self.id.as_str()
            }
            fn created_at(&self) -> jiff::Timestamp {
                self.created_at
            }
            fn unique_name(&self) -> Option<&str> {
                Some(&self.name)
            }
        }
    )+};
}
named_record!(Location, Account, TaxRule, PriceTier);

/// What an order's lines are matched by.
#[derive(Clone, Debug, Default)]
pub struct ProductKeys {
    /// ShipStation products.
    pub links: BTreeSet<ShipstationProductId>,
    /// SKUs as ShipStation wrote them.
    pub skus: BTreeSet<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
struct Target {
    target: String,
}

pub(crate) fn record_item<T: Record>(operation: &'static str, kind: RecordKind, record: &T) -> Result<Item, Error> {
    let mut item = item_of(operation, &keys::record(kind.partition(), record.id()), kind.entity(), record)?;
    item.insert(BY_TIME.partition.to_owned(), text(kind.partition()));
    item.insert(BY_TIME.sort.to_owned(), text(keys::sort(format!("{}#{}", keys::instant(record.created_at()), record.id()))));
    Ok(item)
}

pub(crate) fn link_item(operation: &'static str, key: &Key, target: &str) -> Result<Item, Error> {
    item_of(operation, key, "link", &Target { target: target.to_owned() })
}

/// A ShipStation customer's link. It outlives the connection: it is looked at only while its own account is connected.
pub(crate) fn customer_link_item(
    operation: &'static str,
    account: ShipstationAccount,
    link: ShipstationCustomerId,
    customer: &CustomerId,
) -> Result<Item, Error> {
    link_item(operation, &keys::customer_link(account, link), customer.as_str())
}

impl Table {
    /// A record.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn record<T: Record>(&self, id: &str) -> Result<Option<Stored<T>>, Error> {
        const OPERATION: &str = "read a record";
        if id.is_empty() {
            return Ok(None);
        }
        let Some(item) = self.get_item(OPERATION, &keys::record(T::KIND.partition(), id)).await? else { return Ok(None) };
        Ok(Some(Stored { version: version_of(&item), value: value_of(OPERATION, item)? }))
    }

    /// The records with these ids, those that exist.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn records<T: Record>(&self, ids: impl IntoIterator<Item = String>) -> Result<Vec<T>, Error> {
        const OPERATION: &str = "read records";
        let keys = ids.into_iter().filter(|id| !id.is_empty()).map(|id| keys::record(T::KIND.partition(), &id));
        self.get_items(OPERATION, keys.collect::<Vec<_>>()).await?.into_values().map(|item| value_of(OPERATION, item)).collect()
    }

    /// The same for booking: see [`Table::get_eventually_consistent`].
    async fn kept<T: Record>(&self, ids: impl IntoIterator<Item = String>) -> Result<Vec<T>, Error> {
        const OPERATION: &str = "read records";
        let keys = ids.into_iter().filter(|id| !id.is_empty()).map(|id| keys::record(T::KIND.partition(), &id));
        self.get_eventually_consistent(OPERATION, keys.collect::<Vec<_>>())
            .await?
            .into_values()
            .map(|item| value_of(OPERATION, item))
            .collect()
    }

    /// Records of a kind, the newest first.
    ///
    /// # Errors
    /// [`Error`]; [`Error::PageToken`] for a token that is not this list's.
    pub async fn list_records<T: Record>(&self, list: &List) -> Result<Page<Stored<T>>, Error> {
        const OPERATION: &str = "list records";
        let query = IndexQuery { operation: OPERATION, index: BY_TIME, partition: T::KIND.partition(), newest_first: true };
        let page = if T::KIND.names_recent() {
            self.list_with_recent(&query, T::KIND, list).await?
        } else {
            self.list_index(&query, list).await?
        };
        let items = page.items.into_iter().map(|item| Ok(Stored { version: version_of(&item), value: value_of(OPERATION, item)? }));
        Ok(Page { items: items.collect::<Result<_, Error>>()?, next: page.next })
    }

    /// Writes a customer. Two customers may share an e-mail address; the oldest is the one that orders find by it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_customer(&self, customer: &Customer, read: Option<&Stored<Customer>>) -> Result<RecordOutcome, Error> {
        const OPERATION: &str = "write a customer";
        let expected = read.map_or(Expected::Absent, |stored| Expected::Version(stored.version));
        for attempt in 1..=8 {
            let mut writes = vec![self.put(OPERATION, record_item(OPERATION, RecordKind::Customer, customer)?, expected)?];
            let old = read.and_then(|stored| stored.value.email.as_deref()).and_then(identifying_email);
            let new = customer.email.as_deref().and_then(identifying_email);
            if old != new {
                if let Some(email) = &new {
                    writes.push(self.email_write(OPERATION, email, |owners| owners.with(customer)).await?);
                }
                if let Some(email) = &old {
                    writes.push(self.email_write(OPERATION, email, |owners| owners.without(&customer.id)).await?);
                }
            }
            match self.transact(OPERATION, writes).await? {
                Transacted::Done => return Ok(RecordOutcome::Written(expected.next_version())),
                Transacted::Refused(failed) => {
                    if let Some(Condition::Failed(old)) = failed.into_iter().next() {
                        return Ok(RecordOutcome::Stale(old.as_ref().map(version_of)));
                    }
                }
            }
            tokio::time::sleep(crate::table::item::versioned::jitter(attempt)).await;
        }
        Err(Error::Contended { operation: OPERATION })
    }

    /// The products that orders' lines may name, in two reads however many lines there are (each up to a hundred keys).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn products_for(&self, wanted: &ProductKeys) -> Result<Products, Error> {
        const OPERATION: &str = "match products";
        let links = wanted.links.iter().map(|link| keys::product_link(self.account, link));
        let folded: BTreeSet<String> = wanted.skus.iter().map(|sku| normalize_sku(sku)).filter(|sku| !sku.is_empty()).collect();
        let former = wanted.skus.iter().filter_map(|sku| formerly_normalized_sku(sku));
        let codes = folded.iter().cloned().chain(former).map(|code| keys::product_code(&code));
        let mut ids: BTreeSet<String> = BTreeSet::new();
        for (key, item) in self.get_eventually_consistent(OPERATION, links.chain(codes).collect::<Vec<_>>()).await? {
            if key.pk.starts_with("CODE#") {
                let entry: CodeEntry = value_of(OPERATION, item)?;
                ids.extend(entry.names.into_iter().map(|name| name.product_id.0));
            } else if let Some(target) = text_of(&item, "target") {
                ids.insert(target.to_owned());
            }
        }
        let mut products = Products::default();
        let mut behind = BTreeSet::new();
        for product in self.kept::<Product>(ids).await? {
            let names_it =
                |code: &String| normalize_sku(&product.sku) == *code || product.aliases.iter().any(|alias| normalize_sku(alias) == *code);
            let is_linked = product.shipstation_product_id.is_some_and(|id| wanted.links.contains(&id));
            if is_linked || folded.iter().any(names_it) {
                products.add(Arc::new(product));
            } else {
                // What led here knows more of it than this copy does.
                behind.insert(product.id.0);
            }
        }
        for product in self.records::<Product>(behind).await? {
            products.add(Arc::new(product));
        }
        self.add_components(&mut products, false).await?;
        Ok(products)
    }

    /// Adds the components of kits and assemblies that are there, and what these consist of in turn: as they are now, or at half the price as they may have been
    /// a moment ago.
    async fn add_components(&self, products: &mut Products, now: bool) -> Result<(), Error> {
        // A kit's assembly, its components: deeper than that nothing is looked at.
        for _ in 0..2 {
            let missing = products.missing_components();
            if missing.is_empty() {
                break;
            }
            let missing = missing.into_iter().map(|id| id.0);
            let found = if now { self.records::<Product>(missing).await? } else { self.kept::<Product>(missing).await? };
            for product in found {
                products.add_component(Arc::new(product));
            }
        }
        Ok(())
    }

    /// Products by their ids, with their components, as they are now: whoever has just changed one gets that.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn products_by_id(&self, ids: impl IntoIterator<Item = ProductId>) -> Result<Products, Error> {
        let mut products = Products::default();
        for product in self.records::<Product>(ids.into_iter().map(|id| id.0)).await? {
            products.add(Arc::new(product));
        }
        self.add_components(&mut products, true).await?;
        Ok(products)
    }

    /// The customers that orders may belong to: by ShipStation customer and by e-mail address, in two reads.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn customers_for(
        &self,
        wanted: &[(Option<ShipstationCustomerId>, Option<String>)],
        from_settings: Option<&CustomerId>,
    ) -> Result<Vec<CustomerMatches>, Error> {
        const OPERATION: &str = "match customers";
        let usable = |email: &Option<String>| email.as_deref().and_then(identifying_email);
        let links = wanted.iter().filter_map(|(id, _)| id.map(|id| keys::customer_link(self.account, id)));
        let emails = wanted.iter().filter_map(|(_, email)| usable(email)).map(|email| keys::email(&email));
        let found = self.get_eventually_consistent(OPERATION, links.chain(emails).collect::<Vec<_>>()).await?;
        let target = |key: &Key| found.get(key).and_then(|item| text_of(item, "target")).map(str::to_owned);
        let ids: BTreeSet<String> = found
            .values()
            .filter_map(|item| text_of(item, "target"))
            .map(str::to_owned)
            .chain(from_settings.map(|id| id.0.clone()))
            .collect();
        let customers: HashMap<String, Arc<Customer>> =
            self.kept::<Customer>(ids).await?.into_iter().map(|customer| (customer.id.0.clone(), Arc::new(customer))).collect();
        let matches = wanted.iter().map(|(id, email)| {
            let email = usable(email).map(|email| keys::email(&email));
            let shared = email
                .as_ref()
                .and_then(|key| found.get(key))
                .and_then(|item| item.get("shared"))
                .and_then(|value| value.as_bool().ok())
                .copied();
            CustomerMatches {
                linked: id.and_then(|id| target(&keys::customer_link(self.account, id))).and_then(|id| customers.get(&id).cloned()),
                by_email: email.as_ref().and_then(target).and_then(|id| customers.get(&id).cloned()),
                email_is_shared: shared.unwrap_or(false),
                from_settings: from_settings.and_then(|id| customers.get(id.as_str()).cloned()),
            }
        });
        Ok(matches.collect())
    }

    /// Removes every link to ShipStation's products. The products stay, and so do the customers' links, which are looked at only while their account is connected:
    /// an account that is connected again finds its customers.
    ///
    /// # Errors
    /// [`Error`]; calling it again goes on.
    pub async fn remove_product_links(&self) -> Result<(), Error> {
        const OPERATION: &str = "remove links";
        let products = IndexQuery { operation: OPERATION, index: BY_TIME, partition: RecordKind::Product.partition(), newest_first: false };
        let mut list = List { limit: 100, ..List::default() };
        loop {
            let page = self.list_index(&products, &list).await?;
            for item in page.items {
                let stored = Stored { version: version_of(&item), value: value_of::<Product>(OPERATION, item)? };
                if stored.value.shipstation_product_id.is_some() {
                    let product = Product { shipstation_product_id: None, ..stored.value.clone() };
                    self.put_product(&product, Some(&stored)).await?;
                }
            }
            list.token = page.next;
            if list.token.is_none() {
                return Ok(());
            }
        }
    }
}
