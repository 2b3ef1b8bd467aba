//! Pages of an operation's rows, read a few at a time.

use std::collections::VecDeque;

use aws_sdk_dynamodb::types::AttributeValue;
use stevedore_domain::ids::OperationId;
use stevedore_domain::operation::OperationRow;

use crate::Error;
use crate::table::item::codec;
use crate::table::item::keys;
use crate::table::operations::operation::Document;
use crate::table::{Item, Table, blob_of, key_of, text};

const OPERATION: &str = "read an operation's rows";
/// Pages of one request where all of them are read: each holds 350 KB of text at most.
const AT_ONCE: i32 = 4;
const LAST: u32 = 999_999;

/// Reads pages in their order, from one on.
pub(crate) struct RowPages<'a> {
    table: &'a Table,
    id: &'a OperationId,
    /// The next page that is asked for; none after the last.
    from: Option<u32>,
    at_once: i32,
    read: VecDeque<(u32, Item)>,
}

impl Table {
    /// All pages of an operation.
    pub(crate) fn row_pages<'a>(&'a self, id: &'a OperationId) -> RowPages<'a> {
        RowPages { table: self, id, from: Some(0), at_once: AT_ONCE, read: VecDeque::new() }
    }

    /// Pages from `from` on, one for each request.
    pub(crate) fn row_pages_from<'a>(&'a self, id: &'a OperationId, from: u32) -> RowPages<'a> {
        RowPages { table: self, id, from: Some(from), at_once: 1, read: VecDeque::new() }
    }

    /// True if there is a page from `from` on.
    pub(crate) async fn has_row_page(&self, id: &OperationId, from: u32) -> Result<bool, Error> {
        Ok(!self.query_row_pages(id, from, 1, true).await?.0.is_empty())
    }

    /// Items of pages from `from` on, and whether the request stopped before the last.
    async fn query_row_pages(&self, id: &OperationId, from: u32, limit: i32, keys_only: bool) -> Result<(Vec<Item>, bool), Error> {
        let request = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :p AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":p", text(keys::operation(id).pk))
            .expression_attribute_values(":from", AttributeValue::S(keys::operation_page(id, from).sk))
            .expression_attribute_values(":to", AttributeValue::S(keys::operation_page(id, LAST).sk))
            .set_projection_expression(keys_only.then(|| "pk, sk".to_owned()))
            .consistent_read(true)
            .limit(limit)
            .set_return_consumed_capacity(self.capacity());
        let reply = request.send().await.map_err(Error::call(OPERATION))?;
        Ok((reply.items.unwrap_or_default(), reply.last_evaluated_key.is_some()))
    }
}

impl RowPages<'_> {
    /// The next page and its number; nothing after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<(u32, Vec<OperationRow>)>, Error> {
        if self.read.is_empty()
            && let Some(from) = self.from
        {
            let (items, more) = self.table.query_row_pages(self.id, from, self.at_once, false).await?;
            for item in items {
                self.read.push_back((number(&item)?, item));
            }
            self.from = self.read.back().filter(|_| more).map(|(last, _)| last.saturating_add(1));
        }
        let Some((page, item)) = self.read.pop_front() else { return Ok(None) };
        let unreadable = |error| Error::unreadable(OPERATION, keys::operation_page(self.id, page).to_string(), error);
        let document: Document<Vec<OperationRow>> = codec::decode(blob_of(&item, "doc").unwrap_or_default()).map_err(unreadable)?;
        Ok(Some((page, document.operation)))
    }
}

fn number(item: &Item) -> Result<u32, Error> {
    let key = key_of(OPERATION, item)?;
    let number = key.sk.strip_prefix("PAGE#").and_then(|number| number.parse().ok());
    number.ok_or_else(|| Error::unreadable(OPERATION, key.to_string(), "no page number"))
}
