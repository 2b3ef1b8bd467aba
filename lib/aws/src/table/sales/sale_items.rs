//! Sales: inside the order's item while they fit, else a head with chunks of their own.

use std::collections::HashMap;

use futures::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use serde::Serialize;
use stevedore_domain::event::EventKind;
use stevedore_domain::ids::SaleId;
use stevedore_domain::sale::Sale;

use crate::Error;
use crate::table::item::codec;
use crate::table::item::keys::{self, Key};
use crate::table::item::merged::SpreadQuery;
use crate::table::item::spread::{SALES, SYNCS};
use crate::table::orders::order_item::{OrderRecord, read_order_record};
use crate::table::{CHUNK, Item, List, Page, Table, blob, blob_of, item_of, key_of, number, number_of, text, text_of, version_of};

/// The largest document that stands in its head. A head is written in a transaction, at twice the price, again with each change, and each step of a large sale's
/// stock pays for it by its size; a chunk is written once, by itself, at the price of one request more.
const IN_HEAD: usize = 4 * 1024;

/// A sale as it stands in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSale {
    /// The sale.
    pub sale: Sale,
    /// Counts the writes of the item that it is in, from 1.
    pub version: u64,
}

/// Sales whose chunks are read at a time.
const AT_A_TIME: usize = 16;

/// What people look for in the table itself, and what events carry; the document holds all of it, and these are never read back.
#[derive(Serialize)]
struct Shown<'a> {
    sale_id: &'a SaleId,
    number: &'a str,
    total: i64,
    currency: &'a str,
}

/// A sale's own items: its head, and chunks where the document does not fit into it.
pub(crate) struct SaleItems {
    pub head: Item,
    pub chunks: Vec<Item>,
}

/// How a head is written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HeadState<'a> {
    /// It stands among the sales by itself, since no order's item stands there for it.
    pub listed: bool,
    /// What the write does.
    pub events: &'a [EventKind],
    /// Work on its stock that takes more than one transaction.
    pub saga: Option<&'a crate::table::sales::stock_saga::StockSaga>,
}

/// A head whose chunks have not been read.
#[derive(Debug)]
pub(crate) struct Head {
    item: Item,
}

/// The items of a sale beside its order, or without one.
pub(crate) fn sale_items(sale: &Sale, state: HeadState<'_>) -> Result<SaleItems, Error> {
    const OPERATION: &str = "encode a sale";
    #[derive(Serialize)]
    struct Chunk {}
    let key = keys::sale(&sale.id);
    let shown = Shown { sale_id: &sale.id, number: &sale.number, total: sale.total.0, currency: sale.currency.code() };
    let mut head = item_of(OPERATION, &key, "sale", &shown)?;
    head.insert("created_at".to_owned(), text(sale.created_at.to_string()));
    if state.listed {
        SALES.place("", format!("{}#{}", keys::instant(sale.created_at), sale.id), &key, &mut head);
        head.insert("listed".to_owned(), aws_sdk_dynamodb::types::AttributeValue::Bool(true));
    }
    head.extend(sync_keys(sale, &key));
    if let Some(saga) = state.saga {
        saga.write(&mut head, &sale.id);
    }
    crate::table::item::events::name(&mut head, state.events);
    let document = codec::encode(sale).map_err(Error::encoding(OPERATION))?;
    if document.len() <= IN_HEAD {
        head.insert("doc".to_owned(), blob(document));
        return Ok(SaleItems { head, chunks: Vec::new() });
    }
    let digest = digest(&document);
    let prefix = keys::sale_chunk_prefix(&digest);
    let mut chunks = Vec::new();
    for (index, bytes) in document.chunks(CHUNK).enumerate() {
        let mut item = item_of(OPERATION, &Key::new(&key.pk, keys::chunk(&prefix, index)), "sale_chunk", &Chunk {})?;
        item.insert("doc".to_owned(), blob(bytes.to_vec()));
        chunks.push(item);
    }
    head.insert("chunks".to_owned(), number(chunks.len()));
    head.insert("digest".to_owned(), text(digest));
    Ok(SaleItems { head, chunks })
}

fn digest(document: &[u8]) -> String {
    format!("{:032x}", stevedore_domain::digest::Digest::of_bytes(document).value)
}

/// The keys under which the accounting system finds a sale whose invoice it has not fetched yet, in the item with this key.
pub(crate) fn sync_keys(sale: &Sale, key: &Key) -> Item {
    let mut places = Item::new();
    if let Some(sync) = sale.invoice.sync.as_ref().filter(|sync| sync.is_pending()) {
        SYNCS.place("", format!("{}#{}", keys::instant(sync.created_at), sale.id), key, &mut places);
    }
    places
}

impl Head {
    pub(crate) fn new(item: Item) -> Self {
        Self { item }
    }

    /// When the sale was booked.
    pub(crate) fn created_at(&self) -> Timestamp {
        text_of(&self.item, "created_at").and_then(|text| text.parse().ok()).unwrap_or_default()
    }

    pub(crate) fn version(&self) -> u64 {
        version_of(&self.item)
    }

    pub(crate) fn is_listed(&self) -> bool {
        self.item.contains_key("listed")
    }

    /// Work on it that is not done.
    pub(crate) fn saga(&self) -> Option<crate::table::sales::stock_saga::StockSaga> {
        crate::table::sales::stock_saga::StockSaga::read(&self.item)
    }

    /// The head as it is, with another piece of work. Its events were said when it was written.
    pub(crate) fn with_saga(&self, saga: &crate::table::sales::stock_saga::StockSaga, sale: &SaleId) -> Item {
        let mut item = self.item.clone();
        crate::table::item::events::unname(&mut item);
        saga.write(&mut item, sale);
        item
    }

    /// The head written anew, with its document as it lies. Encoding that again would name chunks that nobody wrote, wherever this program would encode it in
    /// another way than the one that wrote it.
    pub(crate) fn again(&self, sale: &Sale, state: HeadState<'_>) -> Result<Item, Error> {
        let SaleItems { head: mut item, .. } = sale_items(sale, state)?;
        for name in ["doc", "chunks", "digest"] {
            match self.item.get(name) {
                Some(value) => item.insert(name.to_owned(), value.clone()),
                None => item.remove(name),
            };
        }
        Ok(item)
    }

    /// Whether the sale is one, and not merely about to become one.
    pub(crate) fn is_live(&self) -> bool {
        self.saga().is_none_or(|saga| !saga.is_of_new_sale())
    }
}

impl Table {
    /// A sale with its chunks.
    pub(crate) async fn whole_sale(&self, head: &Head) -> Result<Sale, Error> {
        const OPERATION: &str = "read a sale";
        let key = key_of(OPERATION, &head.item)?;
        let unreadable = |error: aws_sdk_dynamodb::error::BoxError| Error::unreadable(OPERATION, key.to_string(), error);
        if let Some(document) = blob_of(&head.item, "doc") {
            return codec::decode(document).map_err(unreadable);
        }
        let prefix = keys::sale_chunk_prefix(text_of(&head.item, "digest").unwrap_or_default());
        let chunks = self.query_prefix(OPERATION, &key.pk, &prefix).await?;
        if u64::try_from(chunks.len()).ok() != number_of(&head.item, "chunks") {
            return Err(unreadable("chunks are missing".into()));
        }
        let document: Vec<u8> = chunks.iter().filter_map(|chunk| blob_of(chunk, "doc")).flatten().copied().collect();
        codec::decode(&document).map_err(unreadable)
    }

    /// Sales with their chunks, in the order of their heads.
    async fn whole_sales(&self, heads: Vec<Head>) -> Result<Vec<StoredSale>, Error> {
        let reads = heads.into_iter().map(async |head| Ok(StoredSale { sale: self.whole_sale(&head).await?, version: head.version() }));
        stream::iter(reads).buffered(AT_A_TIME).try_collect().await
    }

    /// A sale's head, building or live.
    pub(crate) async fn head(&self, id: &SaleId) -> Result<Option<Head>, Error> {
        Ok(self.get_item("read a sale", &keys::sale(id)).await?.map(Head::new))
    }

    /// A sale.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn sale(&self, id: &SaleId) -> Result<Option<StoredSale>, Error> {
        Ok(self.sales([id.clone()]).await?.remove(id))
    }

    /// The sales with these ids, those that exist.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn sales(&self, ids: impl IntoIterator<Item = SaleId>) -> Result<HashMap<SaleId, StoredSale>, Error> {
        const OPERATION: &str = "read sales";
        let ids: Vec<SaleId> = ids.into_iter().collect();
        let places = ids.iter().flat_map(|id| [Some(keys::sale(id)), id.order().map(|(order, _)| keys::log_entry(id.account(), order))]);
        let mut items = self.get_items(OPERATION, places.flatten().collect::<Vec<_>>()).await?;
        let mut sales = HashMap::with_capacity(ids.len());
        let mut heads = Vec::new();
        for id in ids {
            let order = id.order().and_then(|(order, _)| items.get(&keys::log_entry(id.account(), order)));
            let known = order.map(read_order_record).transpose()?.flatten();
            // Of two sales that an earlier release gave one id, the one in the order's item is the live one (see `sale_ids`).
            if let Some(stored) = known.and_then(inline).filter(|stored| stored.sale.id == id) {
                sales.insert(id, stored);
            } else {
                heads.extend(items.remove(&keys::sale(&id)).map(Head::new).filter(Head::is_live));
            }
        }
        for mut stored in self.whole_sales(heads).await? {
            // A head that an earlier release wrote does not say it; the log entry that names the sale does.
            if let (None, Some((order, _))) = (stored.sale.booked_revision, stored.sale.id.order()) {
                let known = items.get(&keys::log_entry(stored.sale.id.account(), order)).map(read_order_record).transpose()?.flatten();
                stored.sale.booked_revision =
                    known.filter(|known| known.sale_id() == Some(&stored.sale.id)).and_then(|known| known.booked_revision());
            }
            sales.insert(stored.sale.id.clone(), stored);
        }
        Ok(sales)
    }

    /// Sales, the newest first.
    ///
    /// # Errors
    /// [`Error`]; [`Error::PageToken`] for a token that is not this list's.
    pub async fn list_sales(&self, list: &List) -> Result<Page<StoredSale>, Error> {
        let query = SpreadQuery { operation: "list sales", family: SALES, of: "", newest_first: true };
        let page = self.list_merged(&[query], list).await?;
        Ok(Page { items: self.sales_of(page.items).await?, next: page.next })
    }

    /// The sales that items hold or stand for, in their order.
    pub(crate) async fn sales_of(&self, items: Vec<Item>) -> Result<Vec<StoredSale>, Error> {
        enum Place {
            Inline(Box<StoredSale>),
            Head,
            Beside(SaleId),
        }
        let (mut places, mut heads, mut beside) = (Vec::with_capacity(items.len()), Vec::new(), Vec::new());
        for item in items {
            let Some(known) = read_order_record(&item)? else {
                heads.push(Head::new(item));
                places.push(Place::Head);
                continue;
            };
            let id = known.sale_id().cloned();
            match (inline(known), id) {
                (Some(stored), _) => places.push(Place::Inline(Box::new(stored))),
                (None, Some(id)) => {
                    beside.push(id.clone());
                    places.push(Place::Beside(id));
                }
                (None, None) => {}
            }
        }
        let mut whole = self.whole_sales(heads).await?.into_iter();
        let mut others = if beside.is_empty() { HashMap::new() } else { self.sales(beside).await? };
        let sales = places.into_iter().filter_map(|place| match place {
            Place::Inline(stored) => Some(*stored),
            Place::Head => whole.next(),
            Place::Beside(id) => others.remove(&id),
        });
        Ok(sales.collect())
    }
}

fn inline(known: OrderRecord) -> Option<StoredSale> {
    let version = known.version();
    let sale = match known {
        OrderRecord::Entry(stored) => stored.sale,
        OrderRecord::DetachedSale(detached) => detached.sale,
    };
    sale.map(|sale| StoredSale { sale: *sale, version })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    /// A head that an earlier version wrote whole, and one whose chunks it encoded in its own way: neither loses its document when it is written anew.
    #[test]
    fn a_head_keeps_its_document_as_it_lies() {
        let name = |line: u64| stevedore_domain::digest::Digest::of_bytes(&line.to_le_bytes()).to_string();
        let line = |number: u64| json!({"line_no": number, "name": name(number), "quantity": 1, "unit_price": "1.00", "total": 100, "tax": 0, "tax_rule": "T", "account": name(number + 1_000), "location_id": "L"});
        let sale: Sale = serde_json::from_value(json!({
            "id": "SO-1", "number": "1", "kind": "order", "source": {"order_id": 1, "order_number": "1", "order_key": "1", "store_id": 1},
            "customer": {"id": "C-1", "name": "Ann"}, "location_id": "L", "location_reason": "default", "price_tier": 1, "currency": "USD",
            "lines": (1..=200).map(line).collect::<Vec<_>>(), "subtotal": 20_000, "tax": 0, "total": 20_000,
            "invoice": {"status": "draft", "number": "INV-1"}, "created_at": "2026-01-15T18:00:00Z",
        }))
        .unwrap();
        let SaleItems { head, chunks } = sale_items(&sale, HeadState::default()).unwrap();
        assert!(!chunks.is_empty() && !head.contains_key("doc"));
        let mut whole = head.clone();
        whole.retain(|name, _| name != "chunks" && name != "digest");
        whole.insert("doc".to_owned(), blob(codec::encode(&sale).unwrap()));
        let mut otherwise = head.clone();
        otherwise.insert("digest".to_owned(), text("0123"));
        for item in [whole, otherwise, head] {
            let again = Head::new(item.clone()).again(&sale, HeadState { listed: true, ..HeadState::default() }).unwrap();
            for name in ["doc", "chunks", "digest"] {
                assert_eq!(again.get(name), item.get(name), "{name}");
            }
            assert!(again.contains_key("listed"));
        }
    }
}
