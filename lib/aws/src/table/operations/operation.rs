//! Operations and their rows.

use serde::{Deserialize, Serialize};
use stevedore_domain::ids::OperationId;
use stevedore_domain::operation::{Operation, OperationRow, OperationState};

use crate::Error;
use crate::table::item::codec;
use crate::table::item::keys;
use crate::table::item::paging::IndexQuery;
use crate::table::item::schema::{BY_STATE, BY_TIME};
use crate::table::item::versioned::{Conditional, Expected};
use crate::table::{Item, List, Page, Stored, Table, blob, blob_of, item_of, key_of, text, text_of, version_of};

/// Marks an operation whose counts are final, and its rows with them.
pub(crate) const SETTLED: &str = "settled";

#[derive(Serialize, Deserialize)]
pub(crate) struct Document<T> {
    pub(crate) operation: T,
}

pub(crate) fn operation_item(operation: &Operation) -> Result<Item, Error> {
    const OPERATION: &str = "encode an operation";
    #[derive(Serialize)]
    struct Shown {
        state: OperationState,
    }
    let mut item = item_of(OPERATION, &keys::operation(&operation.id), "operation", &Shown { state: operation.state })?;
    let document = serde_json::to_string(operation).map_err(|error| Error::encoding(OPERATION)(error.into()))?;
    item.insert("document".to_owned(), text(document));
    let sort = format!("{}#{}", keys::instant(operation.started_at), operation.id);
    if !operation.is_quiet() {
        item.insert(BY_TIME.partition.to_owned(), text("OP"));
        item.insert(BY_TIME.sort.to_owned(), text(&sort));
    }
    if !operation.state.is_final() {
        item.insert(BY_STATE.partition.to_owned(), text("OP#open"));
        item.insert(BY_STATE.sort.to_owned(), text(sort));
    }
    Ok(item)
}

pub(crate) fn read_operation(item: &Item) -> Result<Stored<Operation>, Error> {
    const OPERATION: &str = "read an operation";
    let key = key_of(OPERATION, item)?;
    let document = text_of(item, "document").unwrap_or_default();
    let value = serde_json::from_str(document).map_err(|error| Error::unreadable(OPERATION, key.to_string(), error))?;
    Ok(Stored { value, version: version_of(item) })
}

pub(crate) fn page_item(id: &OperationId, page: u32, rows: &[OperationRow]) -> Result<Item, Error> {
    const OPERATION: &str = "encode an operation's rows";
    #[derive(Serialize)]
    struct Empty {}
    let mut item = item_of(OPERATION, &keys::operation_page(id, page), "operation_page", &Empty {})?;
    item.insert("doc".to_owned(), blob(codec::encode(&Document { operation: rows }).map_err(Error::encoding(OPERATION))?));
    Ok(item)
}

impl Table {
    /// A new operation. Answers its version, or nothing when the id is taken.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_operation(&self, operation: &Operation) -> Result<Option<u64>, Error> {
        match self.put_if("create an operation", operation_item(operation)?, Expected::Absent).await? {
            Conditional::Written(version) => Ok(Some(version)),
            Conditional::Refused(_) => Ok(None),
        }
    }

    /// Writes an operation if it still has the version that was read. Answers the new version, or nothing when somebody else wrote it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_operation(&self, operation: &Operation, read: u64) -> Result<Option<u64>, Error> {
        match self.put_if("write an operation", operation_item(operation)?, Expected::Version(read)).await? {
            Conditional::Written(version) => Ok(Some(version)),
            Conditional::Refused(_) => Ok(None),
        }
    }

    /// An operation as it was last written; see [`Self::settle`] for its present counts.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn operation(&self, id: &OperationId) -> Result<Option<Stored<Operation>>, Error> {
        self.get_item("read an operation", &keys::operation(id)).await?.as_ref().map(read_operation).transpose()
    }

    /// Operations, the newest first.
    ///
    /// # Errors
    /// [`Error`]; [`Error::PageToken`] for a token that is not this list's.
    pub async fn list_operations(&self, list: &List) -> Result<Page<Operation>, Error> {
        let query = IndexQuery { operation: "list operations", index: BY_TIME, partition: "OP", newest_first: true };
        let page = self.list_index(&query, list).await?;
        let items = page.items.iter().map(|item| read_operation(item).map(|stored| stored.value)).collect::<Result<_, _>>()?;
        Ok(Page { items, next: page.next })
    }

    /// Operations that are not finished, the oldest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn open_operations(&self, limit: usize) -> Result<Vec<OperationId>, Error> {
        Ok(self.open_operations_page(&List { limit, ..List::default() }).await?.items)
    }

    pub(crate) async fn open_operations_page(&self, list: &List) -> Result<Page<OperationId>, Error> {
        let query = IndexQuery { operation: "list open operations", index: BY_STATE, partition: "OP#open", newest_first: false };
        let page = self.list_index(&query, list).await?;
        let items = page.items.iter().map(|item| read_operation(item).map(|stored| stored.value.id)).collect::<Result<_, _>>()?;
        Ok(Page { items, next: page.next })
    }

    /// Writes rows `pages` and on of an operation, in as many items as they need. Answers how many pages there are now. Writing them again writes the same.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_operation_rows(&self, id: &OperationId, pages: u32, rows: &[OperationRow]) -> Result<u32, Error> {
        let mut page = pages;
        let mut items = Vec::new();
        // Evidence may be large: rows are cut into pages by what they weigh before compression.
        let mut start = 0;
        while start < rows.len() {
            let mut weight = 0;
            let rest = rows.get(start..).unwrap_or_default();
            let fitting = rest.iter().take_while(|row| {
                weight += 200 + row.evidence.as_ref().map_or(0, String::len);
                weight <= crate::table::CHUNK
            });
            let count = fitting.count().max(1);
            page += 1;
            items.push(page_item(id, page, rest.get(..count).unwrap_or(rest))?);
            start += count;
        }
        self.put_items("write an operation's rows", items).await?;
        Ok(page)
    }

    /// Writes one page of an operation's rows, whatever it held before.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_operation_page(&self, id: &OperationId, page: u32, rows: &[OperationRow]) -> Result<(), Error> {
        self.put_items("write an operation's rows", vec![page_item(id, page, rows)?]).await
    }

    /// Keeps an import's file under its operation. Answers how many items that takes.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_import_input(&self, id: &OperationId, file: &[u8]) -> Result<u32, Error> {
        const OPERATION: &str = "keep an import's file";
        #[derive(Serialize)]
        struct Empty {}
        let mut chunks = 0;
        let mut items = Vec::new();
        // Cut before compression: a chunk fits its item also where compression gains nothing.
        for chunk in file.chunks(crate::table::CHUNK) {
            chunks += 1;
            let mut item = item_of(OPERATION, &keys::operation_input(id, chunks), "operation_input", &Empty {})?;
            item.insert("doc".to_owned(), blob(codec::pack(chunk).map_err(Error::encoding(OPERATION))?));
            items.push(item);
        }
        self.put_items(OPERATION, items).await?;
        Ok(chunks)
    }

    /// An import's file; nothing where a part of it is missing.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn import_input(&self, id: &OperationId, chunks: u32) -> Result<Option<Vec<u8>>, Error> {
        const OPERATION: &str = "read an import's file";
        let items = self.query_prefix(OPERATION, &keys::operation(id).pk, "INPUT#").await?;
        let mut file = Vec::new();
        for item in &items {
            let unreadable = |error| Error::unreadable(OPERATION, keys::operation(id).to_string(), error);
            file.extend(codec::unpack(blob_of(item, "doc").unwrap_or_default()).map_err(unreadable)?);
        }
        Ok((usize::try_from(chunks) == Ok(items.len()) && !items.is_empty()).then_some(file))
    }

    /// Removes an import's file.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_import_input(&self, id: &OperationId, chunks: u32) -> Result<(), Error> {
        self.delete_items("remove an import's file", (1..=chunks).map(|chunk| keys::operation_input(id, chunk)).collect()).await
    }
}
