//! Activity: one item for each act of a person (N29).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;
use crate::table::item::keys;
use crate::table::{Page, Table, item_of, text, text_of};

/// Something that a person did, or tried when the end is not known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Sorts by time.
    pub id: String,
    /// Time of the act.
    pub at: Timestamp,
    /// Its author.
    pub by: String,
    /// The permission that let him.
    pub permission: String,
    /// The API's name of the operation.
    pub act: String,
    /// On what: the path that was called.
    pub target: String,
    /// The answer's HTTP status; none when the end is not known, because the program stopped in between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// State before the act, as far as it changed something that has a before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// State after the act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

#[derive(Serialize)]
struct Document<'a> {
    document: &'a str,
}

/// The largest record that is kept with what was there before and afterwards, in bytes.
const LARGEST: usize = 300 * 1024;

impl Table {
    /// Writes a record before its act, and gives it its id: no act without its record.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn begin_audit(&self, record: &mut AuditRecord) -> Result<(), Error> {
        record.id = format!("{}-{:016x}", keys::instant(record.at), crate::table::item::versioned::random());
        self.put_audit(record).await
    }

    /// Completes a record with what became of its act.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn finish_audit(&self, record: &AuditRecord) -> Result<(), Error> {
        self.put_audit(record).await
    }

    /// Removes the record of an act that was refused, and so never was.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn withdraw_audit(&self, record: &AuditRecord) -> Result<(), Error> {
        self.delete_items("withdraw an audit record", vec![keys::audit(&record.id)]).await
    }

    async fn put_audit(&self, record: &AuditRecord) -> Result<(), Error> {
        const OPERATION: &str = "write an audit record";
        let encode = |record: &AuditRecord| serde_json::to_string(record).map_err(|error| Error::encoding(OPERATION)(error.into()));
        let mut document = encode(record)?;
        if document.len() > LARGEST {
            document = encode(&AuditRecord { before: None, after: None, ..record.clone() })?;
        }
        let item = item_of(OPERATION, &keys::audit(&record.id), "audit", &Document { document: &document })?;
        self.put_items(OPERATION, vec![item]).await
    }

    /// Acts of people, the newest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_audit(&self, limit: usize, before: Option<&str>) -> Result<Page<AuditRecord>, Error> {
        const OPERATION: &str = "list the audit records";
        let page = self.newest_of(OPERATION, &keys::audit("").pk, limit, before).await?;
        let read = |item: &crate::table::Item| {
            let document = text_of(item, "document").unwrap_or_default();
            serde_json::from_str(document).map_err(|error| Error::unreadable(OPERATION, "AUDIT", error))
        };
        Ok(Page { items: page.items.iter().map(read).collect::<Result<_, _>>()?, next: page.next })
    }

    /// One page of a partition by descending sort key: what lies before `before`. Reads no item that is not on the page.
    pub(crate) async fn newest_of(
        &self,
        operation: &'static str,
        pk: &str,
        limit: usize,
        before: Option<&str>,
    ) -> Result<Page<crate::table::Item>, Error> {
        let mut request = self
            .client
            .query()
            .table_name(&self.name)
            .expression_attribute_values(":p", text(pk))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(i32::try_from(limit.clamp(1, 500)).unwrap_or(500))
            .set_return_consumed_capacity(self.capacity());
        let mut condition = "pk = :p".to_owned();
        if let Some(before) = before {
            condition.push_str(" AND sk < :s");
            request = request.expression_attribute_values(":s", text(before));
        }
        let reply = request.key_condition_expression(condition).send().await.map_err(Error::call(operation))?;
        let next = reply.last_evaluated_key.and_then(|key| text_of(&key, "sk").map(str::to_owned));
        Ok(Page { items: reply.items.unwrap_or_default(), next })
    }
}
