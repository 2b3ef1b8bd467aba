//! Levels of stock and the corrections that people make to them.

use aws_sdk_dynamodb::types::{ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use jiff::Timestamp;
use stevedore_domain::event::EventKind;
use stevedore_domain::ids::{LocationId, ProductId};
use stevedore_domain::stock::{Adjustment, Change, Floor, Level, StockChange, StockKey};

use crate::Error;
use crate::table::item::keys;
use crate::table::item::paging::IndexQuery;
use crate::table::item::schema::BY_TIME;
use crate::table::item::versioned::{Condition, Expected, Transacted};
use crate::table::{Item, List, Page, Table, item_of, key_item, key_of, number, text, text_of, value_of};

/// Quantity of a product at a location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockLevel {
    /// Product and location.
    pub key: StockKey,
    /// Quantities of the level.
    pub level: Level,
}

/// Outcome of an adjustment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdjustmentOutcome {
    /// Written, now or under the same key before; the level as it is.
    Written(Level),
    /// It takes away more than lies there unpicked.
    NotThere(Level),
    /// Another adjustment has its key.
    KeyTaken,
}

const STOCK: &str = "STOCK";
const ADJUSTMENT: &str = "ADJUSTMENT";

fn level(item: &Item) -> Level {
    let count = |attribute: &str| item.get(attribute).and_then(|value| value.as_n().ok()?.parse().ok()).unwrap_or(0);
    Level { on_hand: count("on_hand"), allocated: count("allocated"), unpicked: count("unpicked") }
}

/// The level that a failed condition brought along: none is nothing.
pub(crate) fn level_of(item: Option<&Item>) -> Level {
    item.map(level).unwrap_or_default()
}

fn stock_level(item: &Item) -> Result<StockLevel, Error> {
    const OPERATION: &str = "read a stock level";
    let key = key_of(OPERATION, item)?;
    match (text_of(item, "product_id"), text_of(item, "location_id")) {
        (Some(product), Some(location)) => {
            Ok(StockLevel { key: StockKey::new(&ProductId::from(product), &LocationId::from(location)), level: level(item) })
        }
        _ => Err(Error::unreadable(OPERATION, key.to_string(), "neither product nor location")),
    }
}

impl Table {
    /// Adds to a level what a sale or a person moves, if its floor holds. `cause` says whose movement it is.
    ///
    /// `available` is kept beside the counters that it follows from, because a condition compares attributes and does not calculate.
    pub(crate) fn stock_update(
        &self,
        operation: &'static str,
        change: &StockChange,
        cause: &str,
        at: Timestamp,
    ) -> Result<TransactWriteItem, Error> {
        let Change { on_hand, allocated, unpicked } = change.change;
        let key = keys::stock(&change.key);
        let added = [("on_hand", on_hand), ("allocated", allocated), ("unpicked", unpicked), ("available", change.change.available())];
        let mut update = Update::builder()
            .table_name(&self.name)
            .set_key(Some(key_item(&key)))
            .expression_attribute_values(":e", text("stock"))
            .expression_attribute_values(":m", number(crate::table::SCHEMA))
            .expression_attribute_values(":p", text(change.key.product_id.as_str()))
            .expression_attribute_values(":l", text(change.key.location_id.as_str()))
            .expression_attribute_values(":c", text(cause))
            .expression_attribute_values(":t", text(at.to_string()))
            .expression_attribute_values(":n", crate::table::item::events::list(&[EventKind::StockChanged]))
            .expression_attribute_names("#t", BY_TIME.partition)
            .expression_attribute_names("#s", BY_TIME.sort)
            .expression_attribute_values(":tp", text(STOCK))
            .expression_attribute_values(":ts", text(format!("{}#{}", change.key.product_id, change.key.location_id)));
        let mut adds = Vec::with_capacity(added.len());
        // All four, zeros too, so that every level has each of them to compare.
        for (name, value) in added {
            adds.push(format!("{name} :{name}"));
            update = update.expression_attribute_values(format!(":{name}"), number(value));
        }
        let sets =
            "entity = :e, #schema = :m, product_id = :p, location_id = :l, cause = :c, changed_at = :t, events = :n, #t = :tp, #s = :ts";
        update = update.expression_attribute_names("#schema", "schema").update_expression(format!("ADD {} SET {sets}", adds.join(", ")));
        let floor = match change.floor {
            Floor::None => None,
            Floor::Available(least) => Some(("available", least)),
            Floor::Unpicked(least) => Some(("unpicked", least)),
        };
        if let Some((name, least)) = floor {
            // A level that nobody has written yet is zero.
            let condition =
                if least <= 0 { format!("attribute_not_exists({name}) OR {name} >= :floor") } else { format!("{name} >= :floor") };
            update = update.condition_expression(condition).expression_attribute_values(":floor", number(least));
            update = update.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        }
        let update = update.build().map_err(|error| Error::encoding(operation)(error.into()))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Levels, those that anything was ever moved at.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn stock_levels(&self, wanted: impl IntoIterator<Item = StockKey>) -> Result<Vec<StockLevel>, Error> {
        let keys: Vec<_> = wanted.into_iter().map(|key| keys::stock(&key)).collect();
        self.get_items("read stock levels", keys).await?.values().map(stock_level).collect()
    }

    /// A product's levels, by location.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn stock_of(&self, product: &ProductId) -> Result<Vec<StockLevel>, Error> {
        let partition = keys::stock_partition(product);
        self.query_prefix("read a product's stock", &partition, keys::LEVEL_PREFIX).await?.iter().map(stock_level).collect()
    }

    /// Every level, by product and location.
    ///
    /// # Errors
    /// [`Error`]; [`Error::PageToken`] for a token that is not this list's.
    pub async fn list_stock(&self, list: &List) -> Result<Page<StockLevel>, Error> {
        let query = IndexQuery { operation: "list stock", index: BY_TIME, partition: STOCK, newest_first: false };
        let page = self.list_index(&query, list).await?;
        Ok(Page { items: page.items.iter().map(stock_level).collect::<Result<_, _>>()?, next: page.next })
    }

    /// Corrects a level, once for each key of an adjustment.
    ///
    /// # Errors
    /// [`Error`]; nothing was written then.
    pub async fn adjust_stock(&self, adjustment: &Adjustment) -> Result<AdjustmentOutcome, Error> {
        const OPERATION: &str = "adjust stock";
        let change = adjustment.stock_change();
        let key = keys::adjustment(&change.key.product_id, &adjustment.id);
        let mut item = item_of(OPERATION, &key, "stock_adjustment", adjustment)?;
        item.insert(BY_TIME.partition.to_owned(), text(ADJUSTMENT));
        item.insert(BY_TIME.sort.to_owned(), text(format!("{}#{}", keys::instant(adjustment.at), adjustment.id)));
        let cause = format!("adjustment {}", adjustment.id);
        let writes = vec![self.put(OPERATION, item, Expected::Absent)?, self.stock_update(OPERATION, &change, &cause, adjustment.at)?];
        if let Transacted::Refused(failed) = self.transact(OPERATION, writes).await? {
            match failed.as_slice() {
                [Condition::Failed(known), ..] => {
                    let known: Option<Adjustment> = known.clone().map(|item| value_of(OPERATION, item)).transpose()?;
                    let same = |known: &Adjustment| {
                        (&known.product_id, &known.location_id, known.quantity)
                            == (&adjustment.product_id, &adjustment.location_id, adjustment.quantity)
                    };
                    if !known.as_ref().is_some_and(same) {
                        return Ok(AdjustmentOutcome::KeyTaken);
                    }
                }
                [_, Condition::Failed(there)] => return Ok(AdjustmentOutcome::NotThere(level_of(there.as_ref()))),
                _ => {}
            }
        }
        let level = self.get_item(OPERATION, &keys::stock(&change.key)).await?;
        Ok(AdjustmentOutcome::Written(level_of(level.as_ref())))
    }

    /// Adjustments, the newest first.
    ///
    /// # Errors
    /// [`Error`]; [`Error::PageToken`] for a token that is not this list's.
    pub async fn list_adjustments(&self, list: &List) -> Result<Page<Adjustment>, Error> {
        const OPERATION: &str = "list adjustments";
        let query = IndexQuery { operation: OPERATION, index: BY_TIME, partition: ADJUSTMENT, newest_first: true };
        let page = self.list_index(&query, list).await?;
        let items = page.items.into_iter().map(|item| value_of(OPERATION, item)).collect::<Result<_, _>>()?;
        Ok(Page { items, next: page.next })
    }
}
