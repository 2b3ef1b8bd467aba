//! Orders beside which another is booked: the write that books it holds only while they are as they were read.

use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem};
use stevedore_domain::ids::OrderId;

use crate::Error;
use crate::table::item::keys;
use crate::table::{Table, key_item, number};

/// An order as it was read: its item's version, or that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beside {
    /// The order.
    pub order_id: OrderId,
    /// Counts its item's writes from 1; none where there was no item.
    pub version: Option<u64>,
}

impl Table {
    /// That these orders are as they were read. Two units each, and nearly no order has any.
    pub(crate) fn still_beside(&self, operation: &'static str, beside: &[Beside]) -> Result<Vec<TransactWriteItem>, Error> {
        let check = |one: &Beside| {
            let check =
                ConditionCheck::builder().table_name(&self.name).set_key(Some(key_item(&keys::log_entry(self.account, one.order_id))));
            let check = match one.version {
                None => check.condition_expression("attribute_not_exists(pk)"),
                Some(version) => check.condition_expression("version = :v").expression_attribute_values(":v", number(version)),
            };
            let check = check.build().map_err(|error| Error::encoding(operation)(error.into()))?;
            Ok(TransactWriteItem::builder().condition_check(check).build())
        };
        beside.iter().take(Self::BESIDE).map(check).collect()
    }

    /// Orders that one write watches: a transaction takes a hundred items, eighty of them levels of
    /// stock, ten of what wants attention and six an order's own.
    const BESIDE: usize = 4;
}
