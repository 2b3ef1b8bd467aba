//! The item of an order: its log entry, and with it, as long as the whole stays within one write unit, its sale and its newest revision.
//!
//! A transaction costs two units for each item however small, so what belongs together lies together. What does not fit has items of its own: the sale its
//! head and chunks, the revision its chunks. An order that has had a sale keeps its item: deleting the log entry leaves the sale in it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use stevedore_domain::event::EventKind;
use stevedore_domain::ids::{OrderId, SaleId, ShipstationAccount, StoreId};
use stevedore_domain::log::{LogEntry, LogState};
use stevedore_domain::money::{Currency, Minor};
use stevedore_domain::order::RevisionKey;
use stevedore_domain::sale::Sale;

use crate::Error;
use crate::table::item::codec;
use crate::table::item::keys;
use crate::table::item::spread::{LOG, SALES, WAITING};
use crate::table::{Item, Table, blob, blob_of, item_of, key_of, version_of};

/// A log entry as it stands in the table.
#[derive(Clone, Debug)]
pub struct StoredEntry {
    /// The entry.
    pub entry: LogEntry,
    /// Counts its item's writes from 1.
    pub version: u64,
    pub(crate) order: Option<Box<RawValue>>,
    pub(crate) sale: Option<Box<Sale>>,
}

impl StoredEntry {
    /// The newest revision, where it is kept inside the item.
    pub(crate) fn inline_order(&self) -> Option<(RevisionKey, &RawValue)> {
        Some((*self.entry.newest()?, self.order.as_deref()?))
    }

    /// Whether the newest revision is kept inside the item.
    #[must_use]
    pub fn has_inline_revision(&self) -> bool {
        self.order.is_some()
    }

    /// The order's sale, where it is kept inside the item.
    pub fn inline_sale(&self) -> Option<&Sale> {
        self.sale.as_deref()
    }
}

/// What is left of an order whose log entry was deleted: its sale, or the last sale that it had. The item outlives the entry so that no id of a sale is given
/// out twice.
#[derive(Clone, Debug)]
pub struct DetachedSale {
    /// The account that the order is of.
    pub account: ShipstationAccount,
    /// The order's id.
    pub order_id: OrderId,
    /// The sale's id.
    pub sale_id: SaleId,
    booked: Option<RevisionKey>,
    /// What the order brought to it, where it is a day's.
    pub member: Option<DayOrder>,
    /// Counts its item's writes from 1.
    pub version: u64,
    pub(crate) sale: Option<Box<Sale>>,
}

impl DetachedSale {
    /// The sales that the order has been in, as far as the next id depends on them.
    #[must_use]
    pub fn past_sales(&self) -> Vec<SaleId> {
        let last = self.member.as_ref().and_then(|member| member.last_sale.clone());
        std::iter::once(self.sale_id.clone()).chain(last).collect()
    }

    /// The revision that its sale was made from, or that it brought to a day's.
    #[must_use]
    pub fn booked_revision(&self) -> Option<RevisionKey> {
        let of_day = || self.member.as_ref().and_then(|member| member.booked_revision);
        self.booked.or_else(of_day).or_else(|| self.sale.as_ref().and_then(|sale| sale.booked_revision))
    }
}

/// What is kept of a day's order when its log entry is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayOrder {
    /// The buyer's number.
    pub order_number: String,
    /// The selling channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_id: Option<StoreId>,
    /// The order's part of the sale's total.
    pub sale_total: Option<Minor>,
    /// Its currency.
    pub currency: Currency,
    /// The revision that is in the sale.
    #[serde(alias = "gathered")]
    pub booked_revision: Option<RevisionKey>,
    /// The latest sale of the order alone, from before it was in the day's: the next id follows from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sale: Option<SaleId>,
}

impl DayOrder {
    fn of(entry: &LogEntry) -> Self {
        Self {
            order_number: entry.order_number.clone(),
            store_id: entry.store_id,
            sale_total: entry.sale_total,
            currency: entry.currency,
            booked_revision: entry.booked_revision(),
            last_sale: entry.last_own_sale().cloned(),
        }
    }
}

/// What the table knows of an order.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly every one is an entry")]
pub enum OrderRecord {
    /// It is in the log.
    Entry(StoredEntry),
    /// Its log entry was deleted, and its sale is still there.
    DetachedSale(DetachedSale),
}

impl OrderRecord {
    /// The log entry, where there is one.
    #[must_use]
    pub fn entry(&self) -> Option<&StoredEntry> {
        match self {
            Self::Entry(stored) => Some(stored),
            Self::DetachedSale(_) => None,
        }
    }

    pub(crate) fn entry_mut(&mut self) -> Option<&mut LogEntry> {
        match self {
            Self::Entry(stored) => Some(&mut stored.entry),
            Self::DetachedSale(_) => None,
        }
    }

    pub(crate) fn order_id(&self) -> OrderId {
        match self {
            Self::Entry(stored) => stored.entry.order_id,
            Self::DetachedSale(detached) => detached.order_id,
        }
    }

    /// Counts its item's writes from 1.
    #[must_use]
    pub fn version(&self) -> u64 {
        match self {
            Self::Entry(stored) => stored.version,
            Self::DetachedSale(detached) => detached.version,
        }
    }

    pub(crate) fn sale_id(&self) -> Option<&SaleId> {
        match self {
            Self::Entry(stored) => stored.entry.sale_id.as_ref(),
            Self::DetachedSale(detached) => Some(&detached.sale_id),
        }
    }

    /// The latest sale of the order alone that its item remembers.
    pub(crate) fn last_own_sale(&self) -> Option<&SaleId> {
        match self {
            Self::Entry(stored) => stored.entry.last_own_sale(),
            Self::DetachedSale(detached) => {
                let last = detached.member.as_ref().and_then(|member| member.last_sale.as_ref());
                last.or(Some(&detached.sale_id).filter(|id| id.order().is_some()))
            }
        }
    }

    /// The revision that its sale was made from.
    pub(crate) fn booked_revision(&self) -> Option<RevisionKey> {
        match self {
            Self::Entry(stored) => stored.entry.booked_revision(),
            Self::DetachedSale(detached) => detached.booked_revision(),
        }
    }

    pub(crate) fn inline_sale(&self) -> Option<&Sale> {
        match self {
            Self::Entry(stored) => stored.sale.as_deref(),
            Self::DetachedSale(detached) => detached.sale.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct DocumentRef<'a> {
    log: &'a LogEntry,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sale: Option<&'a Sale>,
}

#[derive(Deserialize)]
struct Document {
    log: LogEntry,
    #[serde(default)]
    order: Option<Box<RawValue>>,
    #[serde(default)]
    sale: Option<Box<Sale>>,
}

#[derive(Serialize, Deserialize)]
struct DetachedSaleDocument<S> {
    sale_id: SaleId,
    /// That of a sale that stands elsewhere and may not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    booked_revision: Option<RevisionKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    member: Option<DayOrder>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    sale: Option<S>,
}

fn none<T>() -> Option<T> {
    None
}

/// What people look for in the table itself, and what events carry; the document holds all of it, and these are never read back.
#[derive(Serialize)]
struct Shown<'a> {
    state: LogState,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<stevedore_domain::reason::Reason>,
    /// Puts the entry into the index of numbers. Entries without a number are not in it: all of them would share one key.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sale_id: Option<&'a SaleId>,
}

/// The largest item that costs one write unit, with room for what a write adds: version and mark.
const ONE_UNIT: usize = 1024 - 26;

/// Where an order's sale is, or goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SalePlace<'a> {
    /// There is none, or it belongs to a day.
    Nowhere,
    /// In the order's item if it fits, else beside it.
    Here(&'a Sale),
    /// In items of its own.
    Beside(jiff::Timestamp),
}

/// An order's item, and what did not fit into it.
pub(crate) struct OrderItem {
    pub item: Item,
    /// The items of the newest revision.
    pub revision: Vec<Item>,
    /// The sale did not fit either.
    pub sale_beside: bool,
}

/// Encodes an order's item. A sale that does not fit goes beside it, then the newest revision.
pub(crate) fn order_item(
    entry: &LogEntry,
    order: Option<(RevisionKey, &RawValue)>,
    sale: SalePlace<'_>,
    events: &[EventKind],
) -> Result<OrderItem, Error> {
    const OPERATION: &str = "encode a log entry";
    let key = keys::log_entry(entry.account, entry.order_id);
    let number = keys::order_number(&entry.order_number);
    let shown = Shown { state: entry.state, reason: entry.reason, order_number: number.as_deref(), sale_id: entry.sale_id.as_ref() };
    let mut item = item_of(OPERATION, &key, "log", &shown)?;
    // An order that has a sale stands among the sales, with the time of the sale; every other one among the rest of the log.
    let sold_at = match sale {
        SalePlace::Nowhere => None,
        SalePlace::Here(sale) => Some(sale.created_at),
        SalePlace::Beside(created_at) => Some(created_at),
    };
    let sort = format!("{}#{}", keys::instant(sold_at.unwrap_or(entry.captured_at)), entry.order_id);
    if sold_at.is_some() {
        SALES.place("", &sort, &key, &mut item);
    } else {
        LOG.place("", &sort, &key, &mut item);
    }
    if is_waiting(entry.state) {
        WAITING.place(entry.state.as_str(), sort, &key, &mut item);
    }
    crate::table::item::events::name(&mut item, events);
    let encode = |order, sale| codec::encode(&DocumentRef { log: entry, order, sale }).map_err(Error::encoding(OPERATION));
    let raw = order.map(|(_, raw)| raw);
    let unsaid;
    let own = match sale {
        // The entry beside it says from which revision it was made.
        SalePlace::Here(sale) if sale.booked_revision.is_some() && sale.booked_revision == entry.booked_revision() => {
            unsaid = Sale { booked_revision: None, ..sale.clone() };
            Some(&unsaid)
        }
        SalePlace::Here(sale) => Some(sale),
        SalePlace::Nowhere | SalePlace::Beside(_) => None,
    };
    // The fullest that fits; the entry alone always does.
    let mut choices = vec![(raw, own)];
    if own.is_some() {
        choices.push((None, own));
        choices.push((raw, None));
    }
    let (mut kept_order, mut kept_sale) = (None, None);
    for (raw, sale) in choices {
        let sync = sale.map(|sale| crate::table::sales::sale_items::sync_keys(sale, &key)).unwrap_or_default();
        let document = encode(raw, sale)?;
        if size(&item) + size(&sync) + document.len() <= ONE_UNIT {
            item.extend(sync);
            item.insert("doc".to_owned(), blob(document));
            (kept_order, kept_sale) = (raw, sale);
            break;
        }
    }
    if !item.contains_key("doc") {
        item.insert("doc".to_owned(), blob(encode(None, None)?));
    }
    let revision = match order {
        Some((key, raw)) if kept_order.is_none() => {
            crate::table::orders::revision::revision_items(entry.account, entry.order_id, &key, raw.get())?
        }
        _ => Vec::new(),
    };
    Ok(OrderItem { item, revision, sale_beside: own.is_some() && kept_sale.is_none() })
}

/// The item of an order whose log entry is deleted.
pub(crate) fn detached_sale_item(
    order: OrderId,
    sale_id: &SaleId,
    booked_revision: Option<RevisionKey>,
    place: SalePlace<'_>,
    events: &[EventKind],
) -> Result<Item, Error> {
    const OPERATION: &str = "encode a sale without its log entry";
    #[derive(Serialize)]
    struct Shown<'a> {
        sale_id: &'a SaleId,
    }
    let key = keys::log_entry(sale_id.account(), order);
    let mut item = item_of(OPERATION, &key, "sale", &Shown { sale_id })?;
    let (created_at, sale) = match place {
        SalePlace::Nowhere => (None, None),
        SalePlace::Here(sale) => (Some(sale.created_at), Some(sale)),
        SalePlace::Beside(created_at) => (Some(created_at), None),
    };
    // A day's sale stands among the sales by itself.
    if let Some(created_at) = created_at {
        SALES.place("", format!("{}#{order}", keys::instant(created_at)), &key, &mut item);
    }
    let booked_revision = booked_revision.filter(|_| sale.is_none());
    let document = DetachedSaleDocument { sale_id: sale_id.clone(), booked_revision, member: None, sale };
    item.insert("doc".to_owned(), blob(codec::encode(&document).map_err(Error::encoding(OPERATION))?));
    item.extend(sale.map(|sale| crate::table::sales::sale_items::sync_keys(sale, &key)).unwrap_or_default());
    crate::table::item::events::name(&mut item, events);
    Ok(item)
}

/// The item of a day's order whose log entry is deleted. The day's sale stands among the sales by itself.
pub(crate) fn day_order_item(entry: &LogEntry, sale_id: &SaleId) -> Result<Item, Error> {
    member_item(entry.account, entry.order_id, sale_id, DayOrder::of(entry))
}

/// The same from what is kept of it.
pub(crate) fn member_item(account: ShipstationAccount, order: OrderId, sale_id: &SaleId, member: DayOrder) -> Result<Item, Error> {
    const OPERATION: &str = "encode a day's order without its log entry";
    #[derive(Serialize)]
    struct Shown<'a> {
        sale_id: &'a SaleId,
    }
    let mut item = item_of(OPERATION, &keys::log_entry(account, order), "sale", &Shown { sale_id })?;
    let document = DetachedSaleDocument::<Sale> { sale_id: sale_id.clone(), booked_revision: None, member: Some(member), sale: None };
    item.insert("doc".to_owned(), blob(codec::encode(&document).map_err(Error::encoding(OPERATION))?));
    Ok(item)
}

/// Whether an entry waits for something, so that it is in the index of its state. One that is being gathered is in its run's pages.
pub(crate) fn is_waiting(state: LogState) -> bool {
    !matches!(state, LogState::Booked | LogState::Voided | LogState::Consolidating)
}

/// What DynamoDB counts: names and values.
fn size(item: &Item) -> usize {
    let value = |value: &aws_sdk_dynamodb::types::AttributeValue| match value {
        aws_sdk_dynamodb::types::AttributeValue::S(text) => text.len(),
        aws_sdk_dynamodb::types::AttributeValue::B(bytes) => bytes.as_ref().len(),
        // Two digits a byte, and one more.
        aws_sdk_dynamodb::types::AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
        aws_sdk_dynamodb::types::AttributeValue::L(list) => {
            3 + list.iter().map(|one| 1 + one.as_s().map_or(21, String::len)).sum::<usize>()
        }
        _ => 21,
    };
    item.iter().map(|(name, attribute)| name.len() + value(attribute)).sum::<usize>() + "doc".len()
}

/// Reads an order's item; nothing for an item of another kind.
pub(crate) fn read_order_record(item: &Item) -> Result<Option<OrderRecord>, Error> {
    const OPERATION: &str = "read a log entry";
    let key = key_of(OPERATION, item)?;
    if !key.pk.starts_with("ORDER#") || key.sk != "LOG" {
        return Ok(None);
    }
    let unreadable = |error| Error::unreadable(OPERATION, key.to_string(), error);
    let document = blob_of(item, "doc").unwrap_or_default();
    let version = version_of(item);
    if crate::table::text_of(item, "entity") == Some("sale") {
        let DetachedSaleDocument { sale_id, booked_revision, member, sale } = codec::decode(document).map_err(unreadable)?;
        let parsed = key.pk.strip_prefix("ORDER#").and_then(ShipstationAccount::parse);
        let (account, order_id) = parsed.map(|(account, id)| (account, OrderId(id))).ok_or_else(|| unreadable("no order id".into()))?;
        return Ok(Some(OrderRecord::DetachedSale(DetachedSale {
            account,
            order_id,
            sale_id,
            booked: booked_revision,
            member,
            version,
            sale,
        })));
    }
    let Document { log, order, mut sale } = codec::decode(document).map_err(unreadable)?;
    if let Some(sale) = sale.as_mut().filter(|sale| sale.booked_revision.is_none() && log.sale_id.as_ref() == Some(&sale.id)) {
        sale.booked_revision = log.booked_revision();
    }
    Ok(Some(OrderRecord::Entry(StoredEntry { entry: log, version, order, sale })))
}

impl Table {
    /// What is known of orders.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn order_records(&self, orders: impl IntoIterator<Item = OrderId>) -> Result<HashMap<OrderId, OrderRecord>, Error> {
        self.order_records_as(orders, true).await
    }

    /// See [`Table::get_all`] for what `now` means.
    pub(crate) async fn order_records_as(
        &self,
        orders: impl IntoIterator<Item = OrderId>,
        now: bool,
    ) -> Result<HashMap<OrderId, OrderRecord>, Error> {
        let wanted: Vec<OrderId> = orders.into_iter().collect();
        let mut items =
            self.get_all("read log entries", wanted.iter().map(|order| keys::log_entry(self.account, *order)).collect(), now).await?;
        let mut known = HashMap::with_capacity(items.len());
        for order in wanted {
            let Some(item) = items.remove(&keys::log_entry(self.account, order)) else { continue };
            if let Some(one) = read_order_record(&item)? {
                known.insert(order, one);
            }
        }
        self.follow(known.values_mut().filter_map(OrderRecord::entry_mut)).await?;
        Ok(known)
    }

    /// What is known of an order.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn order_record(&self, order: OrderId) -> Result<Option<OrderRecord>, Error> {
        match self.get_item("read a log entry", &keys::log_entry(self.account, order)).await? {
            Some(item) => {
                let mut known = read_order_record(&item)?;
                self.follow(known.as_mut().and_then(OrderRecord::entry_mut)).await?;
                Ok(known)
            }
            None => Ok(None),
        }
    }
}
