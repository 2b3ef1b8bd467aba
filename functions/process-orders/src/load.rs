//! What a batch's orders need from the table, read for all of them together.

use std::collections::{BTreeMap, HashMap};

use stevedore_aws::messages::OrderMessage;
use stevedore_aws::{Error, Known, List, ProductKeys, Record, Table};
use stevedore_domain::ids::{OrderId, StoreId};
use stevedore_domain::order::Order;
use stevedore_domain::reference::{Location, TaxRule};
use stevedore_domain::sale::{CustomerMatches, Products};
use stevedore_domain::settings::{Consolidation, Settings};
use stevedore_shipstation::parse_order;

/// Records of one page.
const PAGE: usize = 200;
/// Pages that are read: a merchant has far fewer than a thousand locations or tax rules.
const PAGES: usize = 5;

/// Settings and reference data for a batch, and what is known of its orders. An order that turns out to be stale is read again by itself.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) connected: bool,
    pub(crate) settings: Settings,
    pub(crate) tax_rules: Vec<TaxRule>,
    pub(crate) locations: Vec<Location>,
    pub(crate) stores: BTreeMap<StoreId, String>,
    pub(crate) products: Products,
    pub(crate) known: HashMap<OrderId, Known>,
    pub(crate) customers: HashMap<OrderId, CustomerMatches>,
}

impl Loaded {
    pub(crate) async fn read(table: &Table, messages: impl IntoIterator<Item = OrderMessage>) -> Result<Self, Error> {
        let orders: Vec<Order> = messages
            .into_iter()
            .filter_map(|message| parse_order(message.order.get(), message.read_at).ok())
            .map(|revision| revision.order)
            .collect();
        let (settings, connection, stores, known) = tokio::try_join!(
            table.settings(),
            table.connection(),
            table.store_names(),
            table.known_orders(orders.iter().map(|order| order.id).collect::<Vec<_>>()),
        )?;
        let settings = settings.value;
        let mut loaded = Self {
            connected: connection.is_some_and(|connection| !connection.value.disconnecting),
            tax_rules: Vec::new(),
            locations: Vec::new(),
            stores: stores.map(|(names, _)| names).unwrap_or_default(),
            products: Products::default(),
            known,
            customers: HashMap::new(),
            settings,
        };
        if loaded.settings.consolidation == Consolidation::None && !orders.is_empty() {
            Box::pin(loaded.read_reference(table, &orders)).await?;
        }
        Ok(loaded)
    }

    /// What booking needs; with daily consolidation nothing is booked here.
    async fn read_reference(&mut self, table: &Table, orders: &[Order]) -> Result<(), Error> {
        let settings = &self.settings;
        let mut keys = ProductKeys::default();
        for item in orders.iter().flat_map(|order| &order.items).filter(|item| !item.adjustment) {
            keys.links.extend(item.product_id);
            keys.skus.extend(item.sku.clone());
        }
        let buyers: Vec<_> = orders.iter().map(|order| (order.customer_id, order.customer_email.clone())).collect();
        let named: Vec<String> =
            settings.location_map.default.iter().chain(settings.location_map.warehouses.values()).map(|id| id.0.clone()).collect();
        let rules = async {
            let mut rules = every::<TaxRule>(table).await?;
            // A list may lag behind a record that was just made.
            if let Some(id) = settings.tax.default_rule.as_ref().filter(|id| rules.iter().all(|rule| rule.id != **id)) {
                rules.extend(table.record::<TaxRule>(id.as_str()).await?.map(|stored| stored.value));
            }
            Ok(rules)
        };
        let others = async { if settings.order_routing { every::<Location>(table).await } else { Ok(Vec::new()) } };
        let (rules, mut locations, others, products, customers) = tokio::try_join!(
            rules,
            table.records::<Location>(named),
            others,
            table.products_for(&keys),
            table.customers_for(&buyers, settings.customer_id.as_ref()),
        )?;
        for other in others {
            if locations.iter().all(|location| location.id != other.id) {
                locations.push(other);
            }
        }
        self.tax_rules = rules;
        self.locations = locations;
        self.products = products;
        self.customers = orders.iter().map(|order| order.id).zip(customers).collect();
        Ok(())
    }
}

/// Every record of a kind, as far as [`PAGES`] go.
async fn every<T: Record>(table: &Table) -> Result<Vec<T>, Error> {
    let mut list = List { limit: PAGE, ..List::default() };
    let mut records = Vec::new();
    for _ in 0..PAGES {
        let page = table.list_records::<T>(&list).await?;
        records.extend(page.items.into_iter().map(|stored| stored.value));
        list.token = page.next;
        if list.token.is_none() {
            return Ok(records);
        }
    }
    tracing::warn!(kind = ?T::KIND, read = records.len(), "more records than a batch reads");
    Ok(records)
}
