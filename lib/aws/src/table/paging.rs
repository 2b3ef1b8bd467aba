//! Lists, page by page, with opaque tokens.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use super::{Item, Table, key_of, text};
use crate::Error;
use crate::keys::{self, Key};
use crate::schema::Index;

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
pub(super) struct IndexQuery<'a> {
    pub operation: &'static str,
    pub index: Index,
    pub partition: &'a str,
    pub newest_first: bool,
}

impl Table {
    /// The keys of one page of an index partition, in the index's order.
    pub(super) async fn query_index(&self, query: &IndexQuery<'_>, list: &List) -> Result<Page<Key>, Error> {
        let IndexQuery { operation, index, partition, newest_first } = *query;
        let attributes = [index.partition, index.sort, "pk", "sk"];
        let (asked, context) = (list, format!("{} {partition} {newest_first}", index.name));
        let list = &self.opened(asked, &context).await?;
        let start = list.token.as_deref().map(|token| read_token(token, index, partition, attributes)).transpose()?;
        let mut condition = "#p = :p".to_owned();
        let mut request = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(index.name)
            .expression_attribute_names("#p", index.partition)
            .expression_attribute_values(":p", text(partition))
            .scan_index_forward(!newest_first)
            .limit(i32::try_from(list.limit.clamp(1, 500)).unwrap_or(500))
            .set_exclusive_start_key(start)
            .set_return_consumed_capacity(self.capacity());
        if list.from.is_some() || list.to.is_some() {
            condition.push_str(" AND #s BETWEEN :from AND :to");
            let from = list.from.map_or_else(|| "0".to_owned(), keys::instant);
            // The sort key goes on behind the instant, so the end itself is outside.
            let to = list.to.map_or_else(|| "9".to_owned(), keys::instant);
            request = request
                .expression_attribute_names("#s", index.sort)
                .expression_attribute_values(":from", text(from))
                .expression_attribute_values(":to", text(to));
        }
        let reply = request.key_condition_expression(condition).send().await.map_err(Error::call(operation))?;
        let items = reply.items.unwrap_or_default().iter().map(|item| key_of(operation, item)).collect::<Result<_, _>>()?;
        let next = reply.last_evaluated_key.map(|key| write_token(index, &key, attributes));
        Ok(Page { items, next: self.sealed(asked, &context, next).await? })
    }

    /// One page of an index partition with its whole items. An item that left the index in the meantime is left out.
    pub(super) async fn list_index(&self, query: &IndexQuery<'_>, list: &List) -> Result<Page<Item>, Error> {
        let page = self.query_index(query, list).await?;
        let mut found = self.get_items(query.operation, page.items.iter().cloned()).await?;
        Ok(Page { items: page.items.iter().filter_map(|key| found.remove(key)).collect(), next: page.next })
    }

    /// One page of several partitions of an index, merged in the order of their sort keys. Each partition's part of the token says where it stopped.
    pub(super) async fn list_merged(&self, queries: &[IndexQuery<'_>], list: &List) -> Result<Page<Item>, Error> {
        let Some(first) = queries.first() else { return Ok(Page { items: Vec::new(), next: None }) };
        let (index, newest_first) = (first.index, first.newest_first);
        let attributes = [index.partition, index.sort, "pk", "sk"];
        let asked = list;
        let list = &self.opened(asked, MERGED).await?;
        let sort = |item: &Item| super::text_of(item, index.sort).unwrap_or_default().to_owned();
        // A part is empty while its partition has not begun, and `-` when it is at its end.
        let parts: Vec<&str> = match list.token.as_deref() {
            Some(token) => token.split('.').collect(),
            None => vec![""; queries.len()],
        };
        if parts.len() != queries.len() || parts.iter().all(|part| *part == AT_END) {
            return Err(Error::PageToken);
        }
        let mut lists: Vec<(std::collections::VecDeque<Item>, Option<String>)> = Vec::with_capacity(queries.len());
        for (query, part) in queries.iter().zip(&parts) {
            if *part == AT_END {
                lists.push((std::collections::VecDeque::new(), None));
                continue;
            }
            let token = (!part.is_empty()).then(|| (*part).to_owned());
            let page = self.query_index(query, &List { token, ..list.clone() }).await?;
            let mut found = self.get_items(query.operation, page.items.iter().cloned()).await?;
            // An item that has moved between the partitions meanwhile is taken where it is.
            let partition = query.partition;
            let items = page.items.iter().filter_map(|key| found.remove(key));
            lists.push((items.filter(|item| super::text_of(item, index.partition) == Some(partition)).collect(), page.next));
        }
        let mut tokens: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        let mut items = Vec::new();
        while items.len() < list.limit.clamp(1, 500) {
            // Behind the end of a page that goes on there may be anything: the next page starts there.
            let heads = lists.iter().enumerate().map(|(at, (waiting, next))| (at, waiting.front().map(&sort), next.is_some()));
            let mut best: Option<(usize, String)> = None;
            let mut blind = false;
            for (at, head, more) in heads {
                match head {
                    Some(key) if best.as_ref().is_none_or(|(_, known)| (key > *known) == newest_first && key != *known) => {
                        best = Some((at, key));
                    }
                    Some(_) => {}
                    None => blind |= more,
                }
            }
            let Some((at, _)) = best.filter(|_| !blind) else { break };
            let Some((item, token)) = lists.get_mut(at).and_then(|(waiting, _)| waiting.pop_front()).zip(tokens.get_mut(at)) else { break };
            *token = write_token(index, &item, attributes);
            items.push(item);
        }
        for ((waiting, next), token) in lists.into_iter().zip(&mut tokens) {
            if waiting.is_empty() {
                *token = next.unwrap_or_else(|| AT_END.to_owned());
            }
        }
        let next = tokens.iter().any(|token| token != AT_END).then(|| tokens.join("."));
        Ok(Page { items, next: self.sealed(asked, MERGED, next).await? })
    }

    /// Every item of a partition whose sort key starts with `prefix`, in order. An empty one is no condition: DynamoDB takes no empty text for a key.
    pub(super) async fn query_prefix(&self, operation: &'static str, pk: &str, prefix: &str) -> Result<Vec<Item>, Error> {
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

/// What tells the tokens of merged lists from others.
const MERGED: &str = "merged";
/// The part of a merged list's token for a partition that is at its end.
const AT_END: &str = "-";

/// A token is the key where the list stopped, with the index's name in front: opaque, and of no use to another list.
fn write_token(index: Index, key: &Item, attributes: [&str; 4]) -> String {
    let mut parts = vec![index.name.to_owned()];
    parts.extend(attributes.iter().map(|attribute| super::text_of(key, attribute).unwrap_or_default().to_owned()));
    URL_SAFE_NO_PAD.encode(parts.join("\u{1f}"))
}

fn read_token(token: &str, index: Index, partition: &str, attributes: [&str; 4]) -> Result<Item, Error> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| Error::PageToken)?;
    let joined = String::from_utf8(bytes).map_err(|_| Error::PageToken)?;
    let parts: Vec<&str> = joined.split('\u{1f}').collect();
    let [name, values @ ..] = parts.as_slice() else { return Err(Error::PageToken) };
    if *name != index.name
        || values.len() != attributes.len()
        || values.first() != Some(&partition)
        || values.iter().any(|value| value.is_empty())
    {
        return Err(Error::PageToken);
    }
    Ok(attributes
        .iter()
        .zip(values)
        .map(|(attribute, value)| ((*attribute).to_owned(), text(*value)))
        .collect::<HashMap<_, AttributeValue>>())
}
