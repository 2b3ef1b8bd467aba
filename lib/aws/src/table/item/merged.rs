//! Lists that stand in several partitions, as one: see [`crate::spread`].
//!
//! Keys are merged first, and only the items of those that are chosen are read. A page ends at one place, the sort key and key of its last record, before which every
//! partition is read. So a token does not depend on the number of partitions, and of a list that was one partition it is what that gave.

use std::collections::{HashSet, VecDeque};

use futures::future::try_join_all;
use jiff::Timestamp;

use crate::Error;
use crate::table::item::keys::{Key, instant};
use crate::table::item::paging::{Entry, IndexQuery, Place, Range};
use crate::table::item::spread::Family;
use crate::table::{Item, List, Page, Table, text_of};
use stevedore_domain::health::Count;

/// One list of a family.
#[derive(Clone, Copy)]
pub(crate) struct SpreadQuery<'a> {
    pub operation: &'static str,
    pub family: Family,
    /// Tells the family's lists apart; empty where it has one.
    pub of: &'a str,
    pub newest_first: bool,
}

/// Reads of items that one page takes at most: each follows keys whose items had left the list, while the index still showed them.
const MOST_READS: usize = 8;

/// A partition on its way through a list.
struct Shard<'a> {
    query: SpreadQuery<'a>,
    partition: String,
    waiting: VecDeque<Entry>,
    start: Option<Item>,
    begun: bool,
}

impl Shard<'_> {
    fn is_at_end(&self) -> bool {
        self.begun && self.start.is_none()
    }
}

/// The partitions of one or more lists, merged in the order of their sort keys.
struct Merge<'a> {
    shards: Vec<Shard<'a>>,
    newest_first: bool,
    range: Option<Range>,
    /// The last key that was taken, here or by the page before.
    place: Option<Place>,
}

impl<'a> Merge<'a> {
    fn new(queries: &[SpreadQuery<'a>], list: &List, place: Option<Place>) -> Self {
        let shards = queries.iter().flat_map(|query| {
            query.family.partitions(query.of).map(|partition| Shard {
                query: *query,
                partition,
                waiting: VecDeque::new(),
                start: None,
                begun: false,
            })
        });
        let newest_first = queries.first().is_some_and(|query| query.newest_first);
        let range = match (&place, Range::of(list)) {
            (None, range) => range,
            // The place itself is read again and passed over: a text that ends just before it does not exist.
            (Some(place), range) => {
                let Range { from, to } = range.unwrap_or_default();
                Some(if newest_first { Range { from, to: place.sort.clone() } } else { Range { from: place.sort.clone(), to } })
            }
        };
        Self { shards: shards.collect(), newest_first, range, place }
    }

    /// `one` comes before `other` in the list.
    fn precedes(&self, one: &Entry, other: &Entry) -> bool {
        if self.newest_first { one > other } else { one < other }
    }

    /// Reads on in the partitions of which no key is known, so that the next of all is. `wanted`: so many records are to come.
    async fn read_on(&mut self, table: &Table, wanted: usize) -> Result<(), Error> {
        let range = self.range.as_ref();
        let blind = self.shards.iter_mut().filter(|shard| shard.waiting.is_empty() && !shard.is_at_end());
        let place = self.place.as_ref();
        let newest_first = self.newest_first;
        let reads = blind.map(async |shard| {
            let SpreadQuery { operation, family, .. } = shard.query;
            // First its part of what is wanted, and a half more, for no partition holds exactly its part; then all that is wanted.
            let share = wanted.div_ceil(usize::from(family.shards));
            let limit = if shard.begun { wanted } else { (share + share / 2 + 3).min(wanted) } + usize::from(place.is_some());
            let query = IndexQuery { operation, index: family.index, partition: &shard.partition, newest_first };
            let (entries, start) = table.query_entries(&query, range, limit, shard.start.take()).await?;
            let behind = |entry: &Entry| place.is_none_or(|place| if newest_first { entry < place } else { entry > place });
            shard.waiting.extend(entries.into_iter().filter(behind));
            (shard.start, shard.begun) = (start, true);
            Ok::<(), Error>(())
        });
        try_join_all(reads).await.map(drop)
    }

    /// The next key of all partitions, with the query that it is of. Nothing at the end.
    async fn next(&mut self, table: &Table, wanted: usize) -> Result<Option<(SpreadQuery<'a>, Entry)>, Error> {
        loop {
            while self.shards.iter().any(|shard| shard.waiting.is_empty() && !shard.is_at_end()) {
                self.read_on(table, wanted).await?;
            }
            let mut best: Option<(usize, &Entry)> = None;
            for (at, shard) in self.shards.iter().enumerate() {
                let Some(entry) = shard.waiting.front() else { continue };
                if best.is_none_or(|(_, known)| self.precedes(entry, known)) {
                    best = Some((at, entry));
                }
            }
            let Some((at, _)) = best else { return Ok(None) };
            let Some(shard) = self.shards.get_mut(at) else { return Ok(None) };
            let Some(entry) = shard.waiting.pop_front() else { return Ok(None) };
            let query = shard.query;
            // An item that moves from the first partition to its own is in both for a moment.
            if self.place.as_ref() != Some(&entry) {
                self.place = Some(entry.clone());
                return Ok(Some((query, entry)));
            }
        }
    }

    /// The place at which the list goes on; nothing when all of it was read.
    fn end(self) -> Option<Place> {
        let over = self.shards.iter().all(|shard| shard.waiting.is_empty() && shard.is_at_end());
        self.place.filter(|_| !over)
    }
}

impl Table {
    /// The keys of one page of lists of one index, merged.
    pub(crate) async fn merged_keys(&self, queries: &[SpreadQuery<'_>], list: &List) -> Result<Page<Key>, Error> {
        let (mut merge, context) = self.merge(queries, list).await?;
        let limit = list.limit.clamp(1, 500);
        let mut items = Vec::with_capacity(limit);
        while items.len() < limit {
            let Some((_, entry)) = merge.next(self, limit - items.len()).await? else { break };
            items.push(entry.key);
        }
        let next = self.next_token(queries, list, &context, merge.end()).await?;
        Ok(Page { items, next })
    }

    /// The same with whole items. One that left these lists meanwhile is left out, and the page goes on behind it.
    pub(crate) async fn list_merged(&self, queries: &[SpreadQuery<'_>], list: &List) -> Result<Page<Item>, Error> {
        let Some(first) = queries.first() else { return Ok(Page { items: Vec::new(), next: None }) };
        let index = first.family.index;
        let (mut merge, context) = self.merge(queries, list).await?;
        let limit = list.limit.clamp(1, 500);
        let mut items = Vec::with_capacity(limit);
        let mut seen: HashSet<Key> = HashSet::new();
        for _ in 0..MOST_READS {
            let mut chosen = Vec::with_capacity(limit - items.len());
            while chosen.len() < limit - items.len() {
                let Some(next) = merge.next(self, limit - items.len() - chosen.len()).await? else { break };
                chosen.push(next);
            }
            if chosen.is_empty() {
                break;
            }
            let mut found = self.get_items(first.operation, chosen.iter().map(|(_, entry)| entry.key.clone())).await?;
            for (query, entry) in chosen {
                // An item that has moved between the lists meanwhile is taken where it is.
                let stands = |item: &Item| {
                    let list = text_of(item, index.partition).and_then(|partition| query.family.list_of(partition));
                    list.is_some_and(|list| list == query.family.list(query.of)) && text_of(item, index.sort) == Some(&entry.sort)
                };
                if let Some(item) = found.remove(&entry.key).filter(stands)
                    && seen.insert(entry.key)
                {
                    items.push(item);
                }
            }
            if items.len() >= limit {
                break;
            }
        }
        let next = self.next_token(queries, list, &context, merge.end()).await?;
        Ok(Page { items, next })
    }

    /// The records of a list, counted up to `most`.
    pub(crate) async fn count_list(&self, query: SpreadQuery<'_>, from: Option<Timestamp>, most: u32) -> Result<Count, Error> {
        let SpreadQuery { operation, family, of, .. } = query;
        let from = from.map(instant);
        let mut shards: Vec<(String, u64, Option<Item>, bool)> = family.partitions(of).map(|name| (name, 0, None, true)).collect();
        // First each partition's part of it; those that hold more are counted on, as far as that may still matter.
        let mut limit = most.div_ceil(u32::from(family.shards));
        limit = (limit + limit / 4 + 8).min(most);
        loop {
            let reads = shards.iter_mut().filter(|(.., more)| *more).map(async |(partition, count, start, more)| {
                let reply = self.count(operation, family.index, partition, from.clone(), limit, start.take()).await?;
                *count += reply.0;
                (*start, *more) = (reply.1.clone(), reply.1.is_some());
                Ok::<(), Error>(())
            });
            try_join_all(reads).await?;
            let count: u64 = shards.iter().map(|(_, count, ..)| count).sum();
            let more = shards.iter().any(|(.., more)| *more);
            let left = u64::from(most).saturating_sub(count);
            if !more || left == 0 {
                return Ok(Count { count: count.min(u64::from(most)), more: more || count > u64::from(most) });
            }
            limit = u32::try_from(left).unwrap_or(most).max(1);
        }
    }

    /// The lists from their beginning, or from where the token stopped, and what binds a token to them.
    async fn merge<'a>(&self, queries: &[SpreadQuery<'a>], list: &List) -> Result<(Merge<'a>, String), Error> {
        let context = context(queries);
        let opened = self.opened(list, &context).await?;
        let place =
            opened.token.as_deref().zip(queries.first()).map(|(token, first)| Place::read(token, first.family.index, &names(queries)));
        Ok((Merge::new(queries, &opened, place.transpose()?), context))
    }

    async fn next_token(
        &self,
        queries: &[SpreadQuery<'_>],
        asked: &List,
        context: &str,
        end: Option<Place>,
    ) -> Result<Option<String>, Error> {
        let next = end.zip(queries.first()).map(|(place, first)| place.write(first.family.index, &names(queries)));
        self.sealed(asked, context, next).await
    }
}

/// Tells the lists apart. One list has the name that it had when it was one partition, so that tokens of that are understood.
fn names(queries: &[SpreadQuery<'_>]) -> String {
    let names: Vec<String> = queries.iter().map(|query| query.family.list(query.of)).collect();
    names.join("+")
}

/// The text that binds a token to the lists.
fn context(queries: &[SpreadQuery<'_>]) -> String {
    let (index, newest_first) = queries.first().map_or(("", false), |query| (query.family.index.name, query.newest_first));
    format!("{index} {} {newest_first}", names(queries))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::table::item::spread::{LOG, SALES, SYNCS, WAITING};

    /// A token of the release before, when each of these lists was one partition, goes on in the same place, whether a client or the table kept it. Of the log,
    /// which was two, it is refused.
    #[test]
    fn a_token_of_one_partition_is_read_by_the_merged_list() {
        let query = |family, of, newest_first| [SpreadQuery { operation: "test", family, of, newest_first }];
        assert_eq!(context(&query(SALES, "", true)), "by_time SALE true");
        assert_eq!(context(&query(WAITING, "blocked", false)), "by_state LOG#blocked false");
        assert_eq!(context(&query(SYNCS, "", false)), "by_state SYNC#pending false");
        let token = "YnlfdGltZR9TQUxFHzIwMjYwMTE1VDE4MDAwMC4wMDAwMDAjNx9PUkRFUiM3H0xPRw";
        let place = Place::read(token, SALES.index, &names(&query(SALES, "", false))).unwrap();
        assert_eq!((place.sort.as_str(), place.key.clone()), ("20260115T180000.000000#7", Key::new("ORDER#7", "LOG")));
        assert_eq!(place.write(SALES.index, "SALE"), token);
        let log = [LOG, SALES].map(|family| SpreadQuery { operation: "test", family, of: "", newest_first: true });
        assert_eq!(context(&log), "by_time LOG+SALE true");
        for refused in [token.to_owned(), format!("{token}.{token}"), format!("{token}.-")] {
            assert!(matches!(Place::read(&refused, LOG.index, &names(&log)), Err(Error::PageToken)));
        }
    }
}
