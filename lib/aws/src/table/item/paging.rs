//! Lists, page by page, with opaque tokens.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use crate::Error;
use crate::table::item::keys::{self, Key};
use crate::table::item::schema::Index;
use crate::table::{Item, Table, key_of, text};

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The records.
    pub items: Vec<T>,
    /// What continues the list; none on its last page.
    pub next: Option<String>,
}

/// What part of a list is wanted.
#[derive(Clone, Debug, Default)]
pub struct List {
    /// At most so many records; 1 to 200.
    pub limit: usize,
    /// What the page before gave.
    pub token: Option<String>,
    /// Not before this instant.
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub to: Option<Timestamp>,
    /// Which query of a client this is: path, parameters and filters. Its tokens are authenticated and of no use to another. None for lists that only this
    /// system reads.
    pub bound: Option<String>,
}

/// What is asked of an index.
pub(crate) struct IndexQuery<'a> {
    pub operation: &'static str,
    pub index: Index,
    pub partition: &'a str,
    pub newest_first: bool,
}

/// A key of an index, in the order of the index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub sort: String,
    pub key: Key,
}

/// The last key of a page, at which the list goes on.
pub(crate) type Place = Entry;

/// Sort keys, the ends included.
#[derive(Clone, Debug)]
pub(crate) struct Range {
    pub from: String,
    pub to: String,
}

impl Default for Range {
    /// Everything: sort keys of lists that are read by time begin with a year.
    fn default() -> Self {
        Self { from: "0".to_owned(), to: "9".to_owned() }
    }
}

impl Range {
    /// The window of a list, where it has one.
    pub(crate) fn of(list: &List) -> Option<Self> {
        (list.from.is_some() || list.to.is_some()).then(|| {
            let Self { from, to } = Self::default();
            // The sort key goes on behind the instant, so the end itself is outside.
            Self { from: list.from.map_or(from, keys::instant), to: list.to.map_or(to, keys::instant) }
        })
    }
}

impl Table {
    /// Keys of an index partition, in the index's order, and what continues them.
    pub(crate) async fn query_entries(
        &self,
        query: &IndexQuery<'_>,
        range: Option<&Range>,
        limit: usize,
        start: Option<Item>,
    ) -> Result<(Vec<Entry>, Option<Item>), Error> {
        let IndexQuery { operation, index, partition, newest_first } = *query;
        // DynamoDB refuses a window that ends before it begins; there is nothing in it.
        if range.is_some_and(|range| range.from > range.to) {
            return Ok((Vec::new(), None));
        }
        let mut condition = "#p = :p".to_owned();
        let mut request = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(index.name)
            .expression_attribute_names("#p", index.partition)
            .expression_attribute_values(":p", text(partition))
            .scan_index_forward(!newest_first)
            .limit(i32::try_from(limit.max(1)).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .set_return_consumed_capacity(self.capacity());
        if let Some(Range { from, to }) = range {
            condition.push_str(" AND #s BETWEEN :from AND :to");
            request = request
                .expression_attribute_names("#s", index.sort)
                .expression_attribute_values(":from", text(from))
                .expression_attribute_values(":to", text(to));
        }
        let reply = request.key_condition_expression(condition).send().await.map_err(Error::call(operation))?;
        let entry = |item: &Item| {
            let sort = crate::table::text_of(item, index.sort).unwrap_or_default().to_owned();
            Ok(Entry { sort, key: key_of(operation, item)? })
        };
        let entries = reply.items.unwrap_or_default().iter().map(entry).collect::<Result<_, Error>>()?;
        Ok((entries, reply.last_evaluated_key))
    }

    /// The keys of one page of an index partition, in the index's order.
    pub(crate) async fn query_index(&self, query: &IndexQuery<'_>, list: &List) -> Result<Page<Key>, Error> {
        let IndexQuery { index, partition, newest_first, .. } = *query;
        let (asked, context) = (list, format!("{} {partition} {newest_first}", index.name));
        let list = &self.opened(asked, &context).await?;
        let start = list.token.as_deref().map(|token| Place::read(token, index, partition)).transpose()?;
        let start = start.map(|place| start_key(index, partition, &place));
        let (entries, next) = self.query_entries(query, Range::of(list).as_ref(), list.limit.clamp(1, 500), start).await?;
        let next = next.map(|key| {
            let part = |attribute: &str| crate::table::text_of(&key, attribute).unwrap_or_default().to_owned();
            let place = Place { sort: part(index.sort), key: Key { pk: part("pk"), sk: part("sk") } };
            place.write(index, partition)
        });
        let items = entries.into_iter().map(|entry| entry.key).collect();
        Ok(Page { items, next: self.sealed(asked, &context, next).await? })
    }

    /// One page of an index partition with its whole items. An item that left the index in the meantime is left out.
    pub(crate) async fn list_index(&self, query: &IndexQuery<'_>, list: &List) -> Result<Page<Item>, Error> {
        let page = self.query_index(query, list).await?;
        let mut found = self.get_items(query.operation, page.items.iter().cloned()).await?;
        Ok(Page { items: page.items.iter().filter_map(|key| found.remove(key)).collect(), next: page.next })
    }

    /// The sort key of the index behind which a page of a list begins; none of the first page.
    pub(crate) async fn begins_behind(&self, query: &IndexQuery<'_>, list: &List) -> Result<Option<String>, Error> {
        let IndexQuery { index, partition, newest_first, .. } = *query;
        let list = self.opened(list, &format!("{} {partition} {newest_first}", index.name)).await?;
        let place = list.token.as_deref().map(|token| Place::read(token, index, partition)).transpose()?;
        Ok(place.map(|place| place.sort))
    }

    /// The token of the page that begins behind an item, whether the index shows it already or not.
    pub(crate) async fn continued_behind(&self, query: &IndexQuery<'_>, list: &List, item: &Item) -> Result<Option<String>, Error> {
        let IndexQuery { operation, index, partition, newest_first } = *query;
        let sort = crate::table::text_of(item, index.sort).unwrap_or_default().to_owned();
        let place = Place { sort, key: key_of(operation, item)? };
        self.sealed(list, &format!("{} {partition} {newest_first}", index.name), Some(place.write(index, partition))).await
    }

    /// Every item of a partition whose sort key starts with `prefix`, in order. An empty one is no condition: DynamoDB takes no empty text for a key.
    pub(crate) async fn query_prefix(&self, operation: &'static str, pk: &str, prefix: &str) -> Result<Vec<Item>, Error> {
        let (condition, prefix) = match prefix {
            "" => ("pk = :p", None),
            prefix => ("pk = :p AND begins_with(sk, :s)", Some(prefix)),
        };
        let mut values = HashMap::from([(":p".to_owned(), text(pk))]);
        values.extend(prefix.map(|prefix| (":s".to_owned(), text(prefix))));
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let request = self
                .client
                .query()
                .table_name(&self.name)
                .key_condition_expression(condition)
                .set_expression_attribute_values(Some(values.clone()))
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .set_return_consumed_capacity(self.capacity());
            let reply = request.send().await.map_err(Error::call(operation))?;
            items.extend(reply.items.unwrap_or_default());
            start = reply.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }
}

/// The key behind which DynamoDB goes on in a partition.
fn start_key(index: Index, partition: &str, place: &Place) -> Item {
    let values = [(index.partition, partition), (index.sort, &place.sort), ("pk", &place.key.pk), ("sk", &place.key.sk)];
    values.into_iter().map(|(attribute, value)| (attribute.to_owned(), text(value))).collect()
}

impl Place {
    /// The place as a token: with the names of index and list in front, of no use to another list.
    pub(crate) fn write(&self, index: Index, list: &str) -> String {
        URL_SAFE_NO_PAD.encode([index.name, list, &self.sort, &self.key.pk, &self.key.sk].join("\u{1f}"))
    }

    pub(crate) fn read(token: &str, index: Index, list: &str) -> Result<Self, Error> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| Error::PageToken)?;
        let joined = String::from_utf8(bytes).map_err(|_| Error::PageToken)?;
        let parts: Vec<&str> = joined.split('\u{1f}').collect();
        let [name, of, sort, pk, sk] = parts.as_slice() else { return Err(Error::PageToken) };
        if *name != index.name || *of != list || [sort, pk, sk].iter().any(|value| value.is_empty()) {
            return Err(Error::PageToken);
        }
        Ok(Self { sort: (*sort).to_owned(), key: Key { pk: (*pk).to_owned(), sk: (*sk).to_owned() } })
    }
}
