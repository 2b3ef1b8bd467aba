//! Lists that stand in several partitions of an index (decision 0051).
//!
//! DynamoDB takes 1,000 write units a second on one partition key of an index, and keys that rise with time are never split apart. So a list that each order is
//! written to has shards: an item's key decides in which it stands, and readers merge all of them. The first shard has the name that the whole list had when it was
//! one partition: what an earlier release wrote is listed where it stands, and moves to its own shard with its next write.

use std::borrow::Cow;
use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::table::item::keys::Key;
use crate::table::item::schema::{BY_STATE, BY_TIME, Index};

/// The lists of one kind in an index, each in so many partitions.
///
/// The number of shards may grow from release to release, and never shrink: readers look into those that are declared here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// The index.
    pub index: Index,
    /// Begins the name of a list's first partition.
    prefix: &'static str,
    /// Begins the names of its other partitions; short where it stands in a booked order's item, in which every byte counts.
    stem: &'static str,
    /// Partitions of each list.
    pub shards: u8,
}

/// Log entries without a sale. An order that waits before it is booked comes and goes: two writes.
pub(crate) const LOG: Family = Family { index: BY_TIME, prefix: "LOG", stem: "LOG", shards: 4 };
/// Sales. An order that is booked comes once.
pub(crate) const SALES: Family = Family { index: BY_TIME, prefix: "SALE", stem: "SALE", shards: 4 };
/// Log entries that wait for something, a list for each state. A day takes its orders out of one of them sixteen at a time.
pub(crate) const WAITING: Family = Family { index: BY_STATE, prefix: "LOG#", stem: "LOG#", shards: 8 };
/// Sales that the accounting system has not heard of. Each comes, and goes when it is acknowledged.
pub(crate) const SYNCS: Family = Family { index: BY_STATE, prefix: "SYNC#pending", stem: "SYNC", shards: 8 };
/// Warnings that want attention, a list for each code: few, unless all orders of a day bear the same one.
pub(crate) const ATTENTION: Family = Family { index: BY_STATE, prefix: "ATTENTION#", stem: "ATTENTION#", shards: 4 };

/// Every family, for what counts or documents them.
pub const FAMILIES: [Family; 5] = [LOG, SALES, WAITING, SYNCS, ATTENTION];

impl Family {
    /// The partitions of its list `of`; of a family with one list that is empty.
    pub(crate) fn partitions(self, of: &str) -> impl Iterator<Item = String> {
        (0..self.shards).map(move |shard| self.partition(of, shard))
    }

    /// The partition of its list `of` in which the item with this key stands.
    #[must_use]
    pub fn partition_of(self, of: &str, pk: &str, sk: &str) -> String {
        let digest = stevedore_domain::digest::Digest::of_bytes(format!("{pk} {sk}").as_bytes()).value % u128::from(self.shards.max(1));
        self.partition(of, u8::try_from(digest).unwrap_or(0))
    }

    /// Puts the item with this key into its list `of`, at `sort`.
    pub(crate) fn place(self, of: &str, sort: impl Into<String>, key: &Key, item: &mut HashMap<String, AttributeValue>) {
        item.insert(self.index.partition.to_owned(), AttributeValue::S(self.partition_of(of, &key.pk, &key.sk)));
        item.insert(self.index.sort.to_owned(), AttributeValue::S(sort.into()));
    }

    fn partition(self, of: &str, shard: u8) -> String {
        if shard == 0 { format!("{}{of}", self.prefix) } else { format!("{}{of}#{shard}", self.stem) }
    }

    /// The list's name: that of its first partition.
    pub(crate) fn list(self, of: &str) -> String {
        self.partition(of, 0)
    }

    /// The `of` of the list that has this name; see [`Self::partition_of`].
    #[must_use]
    pub fn of(self, list: &str) -> &str {
        list.strip_prefix(self.prefix).unwrap_or_default()
    }

    /// The list that a partition belongs to, by its name; nothing for a partition of another family.
    #[must_use]
    pub fn list_of<'a>(self, partition: &'a str) -> Option<Cow<'a, str>> {
        let first = |name: &'a str| name.starts_with(self.prefix) && (self.prefix.ends_with('#') || name == self.prefix);
        match partition.rsplit_once('#') {
            Some((list, shard)) if shard.parse::<u8>().is_ok_and(|shard| (1..self.shards).contains(&shard)) => {
                let of = list.strip_prefix(self.stem)?;
                Some(Cow::Owned(format!("{}{of}", self.prefix))).filter(|_| self.prefix.ends_with('#') || of.is_empty())
            }
            _ => first(partition).then_some(Cow::Borrowed(partition)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use super::*;

    /// Items stand where an earlier release put them: the first partition keeps its name, and a key its shard.
    #[test]
    fn names_and_shards_never_change() {
        assert_eq!(SALES.partitions("").collect::<Vec<_>>(), ["SALE", "SALE#1", "SALE#2", "SALE#3"]);
        assert_eq!(LOG.partitions("").next().unwrap(), "LOG");
        assert_eq!(WAITING.partitions("pending").take(2).collect::<Vec<_>>(), ["LOG#pending", "LOG#pending#1"]);
        assert_eq!(SYNCS.partitions("").take(2).collect::<Vec<_>>(), ["SYNC#pending", "SYNC#1"]);
        assert_eq!(ATTENTION.partitions("stock_short").last().unwrap(), "ATTENTION#stock_short#3");
        let shards = |order: u64| {
            let pk = format!("ORDER#{order}");
            (SALES.partition_of("", &pk, "LOG"), WAITING.partition_of("pending", &pk, "LOG"))
        };
        let found = [1, 2, 123_456_789].map(shards);
        assert_eq!(found.each_ref().map(|(sale, waiting)| (sale.as_str(), waiting.as_str())), PINNED);
    }

    const PINNED: [(&str, &str); 3] = [("SALE#1", "LOG#pending#1"), ("SALE", "LOG#pending"), ("SALE", "LOG#pending#4")];

    /// The shards of ids that rise one by one, or all are even, fill evenly: within a tenth of their share.
    #[test]
    fn shards_fill_evenly() {
        for step in [1, 2, 8, 1_000] {
            let mut counts: BTreeMap<String, u32> = BTreeMap::new();
            for order in 0..40_000_u64 {
                let pk = format!("ORDER#{}", 500_000_000 + order * step);
                *counts.entry(WAITING.partition_of("pending", &pk, "LOG")).or_default() += 1;
            }
            assert_eq!(counts.len(), 8);
            assert!(counts.values().all(|count| (4_500..5_500).contains(count)), "{step}: {counts:?}");
        }
    }

    /// Each partition names its list, and no other family's.
    #[test]
    fn a_partition_names_its_list() {
        for (family, of) in [(LOG, ""), (SALES, ""), (WAITING, "pending"), (SYNCS, ""), (ATTENTION, "stock_short")] {
            for partition in family.partitions(of) {
                assert_eq!(family.list_of(&partition).as_deref(), Some(family.list(of).as_str()), "{partition}");
            }
            for other in ["OP", "STOCK", "CUSTOMER", "OP#open", "WORK"] {
                assert_eq!(family.list_of(other), None);
            }
        }
        assert_eq!((LOG.list_of("LOG#pending"), SALES.list_of("SALE#9")), (None, None));
    }
}
