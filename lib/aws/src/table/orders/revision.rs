//! Revisions of orders as they are kept: the newest inside its log entry while that stays within one write unit, all others as items of their own.

use serde_json::value::RawValue;
use stevedore_domain::ids::{OrderId, ShipstationAccount};
use stevedore_domain::order::RevisionKey;

use crate::Error;
use crate::table::item::codec;
use crate::table::item::keys::{self, Key};
use crate::table::{CHUNK, Item, Table, blob, item_of};

/// The items that hold one revision. Their keys come from the content, so writing them twice changes nothing.
pub(crate) fn revision_items(account: ShipstationAccount, order: OrderId, key: &RevisionKey, raw: &str) -> Result<Vec<Item>, Error> {
    const OPERATION: &str = "encode a revision";
    #[derive(serde::Serialize)]
    struct Chunk {}
    let packed = codec::pack(raw.as_bytes()).map_err(Error::encoding(OPERATION))?;
    let prefix = keys::revision_prefix(key);
    let chunks = packed.chunks(CHUNK).enumerate().map(|(number, bytes)| {
        let key = Key::new(keys::log_entry(account, order).pk, keys::chunk(&prefix, number));
        let mut item = item_of(OPERATION, &key, "revision", &Chunk {})?;
        item.insert("doc".to_owned(), blob(bytes.to_vec()));
        Ok(item)
    });
    chunks.collect()
}

impl Table {
    /// A revision of an order without its log entry, exactly as ShipStation sent it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn stored_revision(&self, order: OrderId, key: &RevisionKey) -> Result<Option<Box<RawValue>>, Error> {
        self.read_revision(self.account, order, key).await
    }

    /// A revision of an order that is kept as items of its own.
    pub(crate) async fn read_revision(
        &self,
        account: ShipstationAccount,
        order: OrderId,
        key: &RevisionKey,
    ) -> Result<Option<Box<RawValue>>, Error> {
        const OPERATION: &str = "read a revision";
        let pk = keys::log_entry(account, order).pk;
        let Some(packed) = self.read_chunks(OPERATION, &pk, &keys::revision_prefix(key)).await? else { return Ok(None) };
        let unreadable = |error| Error::unreadable(OPERATION, pk.clone(), error);
        let text = codec::unpack(&packed).map_err(unreadable)?;
        serde_json::from_slice(&text).map(Some).map_err(|error| unreadable(error.into()))
    }

    /// The chunks under a prefix, put together.
    pub(crate) async fn read_chunks(&self, operation: &'static str, pk: &str, prefix: &str) -> Result<Option<Vec<u8>>, Error> {
        let items = self.query_prefix(operation, pk, prefix).await?;
        let mut whole: Option<Vec<u8>> = None;
        for item in &items {
            whole.get_or_insert_default().extend_from_slice(crate::table::blob_of(item, "doc").unwrap_or_default());
        }
        Ok(whole)
    }
}
