//! Data that booking needs from the table, read for many orders together: a few requests, whether they become a sale each or one for the day.

mod buyer;
mod kin;

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use stevedore_aws::{Error, List, ProductKeys, Record, Table};
use stevedore_domain::ids::{OrderId, SaleId, StoreId};
use stevedore_domain::order::{Order, Revision};
use stevedore_domain::reference::{Location, TaxRule};
use stevedore_domain::sale::{Booking, CustomerMatches, Products};
use stevedore_domain::settings::{Consolidation, Settings};
use stevedore_domain::stock::Levels;

pub use buyer::remember_buyer;
pub use kin::{Alike, Kindred};

/// Records of one page.
const PAGE: usize = 200;
/// Pages that are read: a merchant has far fewer than a thousand locations or tax rules.
const PAGES: usize = 5;

/// Reference data, as far as some orders need it.
#[derive(Debug, Default)]
pub struct Reference {
    tax_rules: Vec<TaxRule>,
    locations: Vec<Location>,
    stores: BTreeMap<StoreId, String>,
    products: Products,
    customers: HashMap<OrderId, CustomerMatches>,
    nobody: CustomerMatches,
}

/// Terms of booking an order besides reference data.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The settings in force.
    pub settings: &'a Settings,
    /// Known levels of stock.
    pub levels: &'a Levels,
    /// The id that the sale will have.
    pub sale_id: &'a SaleId,
    /// The sale's time of booking.
    pub booked_at: Timestamp,
}

impl Reference {
    /// Reads what these orders need under these settings.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn read(table: &Table, settings: &Settings, stores: BTreeMap<StoreId, String>, orders: &[&Order]) -> Result<Self, Error> {
        let mut keys = ProductKeys::default();
        for item in orders.iter().flat_map(|order| &order.items).filter(|item| !item.adjustment) {
            keys.links.extend(item.product_id);
            keys.skus.extend(item.sku.clone());
        }
        // With daily consolidation nobody but the settings' customer is asked for (S105).
        let daily = settings.consolidation == Consolidation::Daily;
        let buyers: Vec<_> = match orders {
            [] => Vec::new(),
            _ if daily => vec![(None, None)],
            _ => orders.iter().map(|order| (order.customer_id, order.customer_email.clone())).collect(),
        };
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
        let (tax_rules, mut locations, others, products, customers) = tokio::try_join!(
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
        let mut reference = Self { tax_rules, locations, stores, products, ..Self::default() };
        if daily {
            reference.nobody = customers.into_iter().next().unwrap_or_default();
        } else {
            reference.customers = orders.iter().map(|order| order.id).zip(customers).collect();
        }
        Ok(reference)
    }

    /// The customers that an order may belong to, as far as they were read.
    #[must_use]
    pub fn customers(&self, order: OrderId) -> &CustomerMatches {
        self.customers.get(&order).unwrap_or(&self.nobody)
    }

    /// Data with which an order is booked; `customers` are those of [`Self::customers`], or newer ones.
    #[must_use]
    pub fn booking<'a>(&'a self, revision: &Revision, customers: &'a CustomerMatches, terms: Terms<'a>) -> Booking<'a> {
        Booking {
            settings: terms.settings,
            customers,
            levels: terms.levels,
            products: &self.products,
            tax_rules: &self.tax_rules,
            locations: &self.locations,
            store_name: revision.order.store_id.and_then(|store| self.stores.get(&store)).map(String::as_str),
            sale_id: terms.sale_id,
            booked_at: terms.booked_at,
        }
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

/// True if there is such a sale and it is not void.
pub(crate) async fn sale_stands(table: &Table, id: &SaleId) -> Result<bool, Error> {
    Ok(match id.day() {
        Some(day) => table.run(day).await?.is_some_and(|stored| stored.run.voided_at.is_none()),
        None => table.sale(id).await?.is_some_and(|stored| stored.sale.voided_at.is_none()),
    })
}
