//! Sales.

use serde::Serialize;
use std::collections::HashMap;
use stevedore_domain::ids::SaleId;
use stevedore_domain::sale::Sale;

use super::paging::IndexQuery;
use super::{CHUNK, Item, List, Page, Table, blob, blob_of, item_of, key_of, number, number_of, text, text_of, version_of};
use crate::keys::{self, Key};
use crate::schema::BY_TIME;
use crate::{Error, codec};

/// A sale as it stands in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSale {
    /// The sale.
    pub sale: Sale,
    /// Counts its writes from 1.
    pub version: u64,
}

/// What people look for in the table itself; the document holds all of it, and these are never read back.
#[derive(Serialize)]
struct Shown<'a> {
    number: &'a str,
    total: i64,
    currency: &'a str,
}

/// A sale's items: its head, and chunks where the document does not fit into it.
pub(super) struct SaleItems {
    pub head: Item,
    pub chunks: Vec<Item>,
}

/// A head whose chunks have not been read.
pub(super) struct Head {
    item: Item,
}

pub(super) fn sale_items(sale: &Sale) -> Result<SaleItems, Error> {
    const OPERATION: &str = "encode a sale";
    #[derive(Serialize)]
    struct Chunk {}
    let key = keys::sale(&sale.id);
    let shown = Shown { number: &sale.number, total: sale.total.0, currency: sale.currency.code() };
    let mut head = item_of(OPERATION, &key, "sale", &shown)?;
    head.insert(BY_TIME.partition.to_owned(), text("SALE"));
    head.insert(BY_TIME.sort.to_owned(), text(format!("{}#{}", keys::instant(sale.created_at), sale.id)));
    let document = codec::encode(sale).map_err(Error::encoding(OPERATION))?;
    if document.len() <= CHUNK {
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
    format!("{:032x}", stevedore_domain::order::Digest::of_bytes(document).0)
}

pub(super) fn read_head(item: Item) -> Result<Head, Error> {
    key_of("read a sale", &item)?;
    Ok(Head { item })
}

impl Table {
    /// A sale with its chunks.
    pub(super) async fn whole_sale(&self, head: Head) -> Result<StoredSale, Error> {
        const OPERATION: &str = "read a sale";
        let key = key_of(OPERATION, &head.item)?;
        let unreadable = |error: aws_sdk_dynamodb::error::BoxError| Error::unreadable(OPERATION, key.to_string(), error);
        let version = version_of(&head.item);
        if let Some(document) = blob_of(&head.item, "doc") {
            return Ok(StoredSale { sale: codec::decode(document).map_err(unreadable)?, version });
        }
        let prefix = keys::sale_chunk_prefix(text_of(&head.item, "digest").unwrap_or_default());
        let chunks = self.query_prefix(OPERATION, &key.pk, &prefix).await?;
        if u64::try_from(chunks.len()).ok() != number_of(&head.item, "chunks") {
            return Err(unreadable("chunks are missing".into()));
        }
        let document: Vec<u8> = chunks.iter().filter_map(|chunk| blob_of(chunk, "doc")).flatten().copied().collect();
        Ok(StoredSale { sale: codec::decode(&document).map_err(unreadable)?, version })
    }

    /// A sale.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn sale(&self, id: &SaleId) -> Result<Option<StoredSale>, Error> {
        match self.get_item("read a sale", &keys::sale(id)).await? {
            Some(item) => self.whole_sale(read_head(item)?).await.map(Some),
            None => Ok(None),
        }
    }

    /// Sales, the newest first.
    ///
    /// # Errors
    /// [`Error`]; [`Error::PageToken`] for a token that is not this list's.
    pub async fn list_sales(&self, list: &List) -> Result<Page<StoredSale>, Error> {
        let query = IndexQuery { operation: "list sales", index: BY_TIME, partition: "SALE", newest_first: true };
        let page = self.list_index(&query, list).await?;
        let mut items = Vec::with_capacity(page.items.len());
        for item in page.items {
            items.push(self.whole_sale(read_head(item)?).await?);
        }
        Ok(Page { items, next: page.next })
    }

    /// The sales with these ids, those that exist.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn sales(&self, ids: impl IntoIterator<Item = SaleId>) -> Result<HashMap<SaleId, StoredSale>, Error> {
        let keys: Vec<Key> = ids.into_iter().map(|id| keys::sale(&id)).collect();
        let mut sales = HashMap::new();
        for item in self.get_items("read sales", keys).await?.into_values() {
            let stored = self.whole_sale(read_head(item)?).await?;
            sales.insert(stored.sale.id.clone(), stored);
        }
        Ok(sales)
    }
}
