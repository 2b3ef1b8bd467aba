//! Ids of orders' sales: each is given out once.
//!
//! The order's item is the lock of all ids `SO-<order>…`: every sale of the order is written in one transaction with it, under its version, and it outlives the log
//! entry once an id was given out (see [`Table::detached_rest`]). So the first id is free wherever the item is absent or knows of no sale, at no price. A further id is
//! rare, and its write carries a condition of its own.
//!
//! Earlier releases removed the item of an order whose entry named no sale, even if a voided sale stood beside it, and gave its id out once more. [`Table::check_sale_ids`]
//! walks over what they left, once: it puts back items that are missing, and gives the second of two sales with one id an id of its own. Until it is through,
//! the first id is written under a condition too.

use std::sync::atomic::Ordering;

use aws_sdk_dynamodb::types::{ConditionCheck, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stevedore_domain::ids::{OrderId, SaleId};
use stevedore_domain::reason::Reason;
use stevedore_domain::sale::Sale;
use stevedore_domain::warning::Warning;

use crate::Error;
use crate::table::item::keys;
use crate::table::item::merged::SpreadQuery;
use crate::table::item::spread::SALES;
use crate::table::item::versioned::{Conditional, Expected, Transacted};
use crate::table::orders::order_item::{
    DetachedSale, OrderItem, OrderRecord, SalePlace, detached_sale_item, member_item, order_item, read_order_record,
};
use crate::table::sales::sale_items::Head;
use crate::table::{List, StoredEntry, Table, item_of, key_item, value_of};

/// Sales whose keys one look reads.
const PER_LOOK: usize = 500;
/// How often a write is tried anew because others wrote to the same order.
const ATTEMPTS: u32 = 8;

/// How far the walk is.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Walk {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(default)]
    done: bool,
}

impl Table {
    /// The condition that no sale has this id, where the condition on the order's item does not say so already.
    pub(crate) async fn id_is_free(&self, id: &SaleId) -> Result<Option<TransactWriteItem>, Error> {
        const OPERATION: &str = "check that a sale's id is free";
        let first = id.order().is_none_or(|(_, attempt)| attempt == 1);
        if first && self.ids_are_checked().await? {
            return Ok(None);
        }
        let check = ConditionCheck::builder()
            .table_name(&self.name)
            .set_key(Some(key_item(&keys::sale(id))))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| Error::encoding(OPERATION)(error.into()))?;
        Ok(Some(TransactWriteItem::builder().condition_check(check).build()))
    }

    /// Whether every sale that an earlier release left has an item of its order that remembers it. Once it is so, it stays so.
    async fn ids_are_checked(&self) -> Result<bool, Error> {
        if self.ids_checked.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let (walk, _) = self.walk().await?;
        self.ids_checked.fetch_or(walk.done, Ordering::Relaxed);
        Ok(walk.done)
    }

    async fn walk(&self) -> Result<(Walk, Expected), Error> {
        const OPERATION: &str = "read how far sales' ids are checked";
        let Some(item) = self.get_item(OPERATION, &keys::sale_ids()).await? else { return Ok((Walk::default(), Expected::Absent)) };
        let version = Expected::Version(crate::table::version_of(&item));
        Ok((value_of(OPERATION, item)?, version))
    }

    /// Goes on checking the sales that an earlier release left, `PER_LOOK` at a time. Answers whether there is nothing left to check.
    ///
    /// # Errors
    /// [`Error`]; calling it again goes on where it stopped.
    pub async fn check_sale_ids(&self, at: Timestamp) -> Result<bool, Error> {
        const OPERATION: &str = "check sales' ids";
        if self.ids_checked.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let (walk, expected) = self.walk().await?;
        if walk.done {
            self.ids_checked.store(true, Ordering::Relaxed);
            return Ok(true);
        }
        let query = SpreadQuery { operation: OPERATION, family: SALES, of: "", newest_first: false };
        let page = self.merged_keys(&[query], &List { limit: PER_LOOK, token: walk.token, ..List::default() }).await?;
        for key in page.items {
            let Some(id) = key.pk.strip_prefix("SALE#").map(SaleId::from) else { continue };
            if let Some((order, _)) = id.order() {
                self.remember_id(order, &id, at).await?;
            }
        }
        let walk = Walk { done: page.next.is_none(), token: page.next };
        let item = item_of(OPERATION, &keys::sale_ids(), "sale_ids", &walk)?;
        // Where another was faster, it is as far.
        let written = matches!(self.put_if(OPERATION, item, expected).await?, Conditional::Written(_));
        Ok(written && walk.done)
    }

    /// Has the order's item remember a sale that has a head of its own.
    async fn remember_id(&self, order: OrderId, id: &SaleId, at: Timestamp) -> Result<(), Error> {
        const OPERATION: &str = "remember a sale's id";
        for attempt in 1..=ATTEMPTS {
            let mut items = self.get_items(OPERATION, [keys::sale(id), keys::log_entry(id.account(), order)]).await?;
            if !items.remove(&keys::sale(id)).map(Head::new).is_some_and(|head| head.is_live()) {
                return Ok(());
            }
            let known = items.remove(&keys::log_entry(id.account(), order)).as_ref().map(read_order_record).transpose()?.flatten();
            let done = match &known {
                None => {
                    let item = detached_sale_item(order, id, None, SalePlace::Nowhere, &[])?;
                    matches!(self.put_if(OPERATION, item, Expected::Absent).await?, Conditional::Written(_))
                }
                Some(known) if known.inline_sale().is_some_and(|sale| sale.id == *id) => self.renumber(known, at).await?.is_some(),
                Some(known) if attempt_of(id) <= known.last_own_sale().map_or(0, attempt_of) => true,
                Some(OrderRecord::Entry(stored)) => {
                    let before = stored.entry.clone();
                    let mut stored = stored.clone();
                    let kept = stored.inline_order().map(|(key, raw)| (key, raw.to_owned()));
                    stored.entry.past_sales.push(id.clone());
                    self.put_entry(OPERATION, &before, &stored, kept.as_ref().map(|(key, raw)| (*key, raw.as_ref())), &[]).await?
                }
                Some(OrderRecord::DetachedSale(detached)) => self.remember_beside_a_day(detached, id).await?,
            };
            if done {
                return Ok(());
            }
            tokio::time::sleep(crate::table::item::versioned::jitter(attempt)).await;
        }
        Err(Error::Contended { operation: OPERATION })
    }

    /// An order without a log entry that is in a day's sale, and had one of its own before.
    async fn remember_beside_a_day(&self, detached: &DetachedSale, id: &SaleId) -> Result<bool, Error> {
        const OPERATION: &str = "remember a sale's id";
        let item = match &detached.member {
            Some(member) => {
                let member = crate::table::DayOrder { last_sale: Some(id.clone()), ..member.clone() };
                member_item(detached.account, detached.order_id, &detached.sale_id, member)?
            }
            // A later sale than the one that the item names: that one is void, and has a head of its own.
            None if detached.sale.is_none() => detached_sale_item(detached.order_id, id, None, SalePlace::Nowhere, &[])?,
            None => return Ok(true),
        };
        Ok(matches!(self.put_if(OPERATION, item, Expected::Version(detached.version)).await?, Conditional::Written(_)))
    }

    /// Gives a sale that lies in its order's item the next free id, since another sale has its id. Entry and accounting sync follow; the other sale, its invoice
    /// number and both sales' stock stay as they are. Answers the new id, or nothing where somebody else wrote to the order meanwhile.
    pub(crate) async fn renumber(&self, known: &OrderRecord, at: Timestamp) -> Result<Option<SaleId>, Error> {
        const OPERATION: &str = "give a sale an id of its own";
        let Some(sale) = known.inline_sale() else { return Ok(None) };
        let order = known.order_id();
        let mut attempt = known.last_own_sale().map_or(1, attempt_of);
        let new = loop {
            attempt = attempt.saturating_add(1);
            let id = SaleId::of(sale.id.account(), order, attempt);
            if self.head(&id).await?.is_none() {
                break id;
            }
        };
        let old = sale.id.clone();
        let sale = Sale { id: new.clone(), ..sale.clone() };
        let expected = Expected::Version(known.version());
        let mut writes = Vec::new();
        match known {
            OrderRecord::Entry(stored) => {
                let entry = renumbered(stored, &old, &new, at);
                let OrderItem { item, revision, sale_beside } = order_item(&entry, stored.inline_order(), SalePlace::Here(&sale), &[])?;
                self.put_items(OPERATION, revision).await?;
                writes.push(self.put(OPERATION, item, expected)?);
                if sale_beside {
                    writes.extend(self.move_out(OPERATION, &sale, false).await?);
                }
            }
            OrderRecord::DetachedSale(_) => writes.push(self.put(
                OPERATION,
                detached_sale_item(order, &new, known.booked_revision(), SalePlace::Here(&sale), &[])?,
                expected,
            )?),
        }
        let done = matches!(self.transact(OPERATION, writes).await?, Transacted::Done);
        Ok(done.then_some(new))
    }
}

fn renumbered(stored: &StoredEntry, old: &SaleId, new: &SaleId, at: Timestamp) -> stevedore_domain::log::LogEntry {
    let mut entry = stored.entry.clone();
    entry.past_sales.retain(|past| past != old);
    entry.past_sales.push(old.clone());
    entry.sale_id = Some(new.clone());
    entry.add_warning(Warning::new(Reason::SaleRenumbered, &format!("{old} became {new}.")));
    entry.add_event(at, format!("sale {old} became {new}: a voided sale has its id"), "system");
    entry
}

/// Which sale of its order this is, from 1; 0 for a sale of another kind.
fn attempt_of(id: &SaleId) -> u32 {
    id.order().map_or(0, |(_, attempt)| attempt)
}
