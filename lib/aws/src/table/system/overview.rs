//! What the home page needs at a glance: counts that read an index up to a bound, and ShipStation's limit as it was last seen.

use aws_sdk_dynamodb::types::Select;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stevedore_domain::health::Count;
use stevedore_domain::log::LogState;

use crate::Error;
use crate::table::item::keys;
use crate::table::item::merged::SpreadQuery;
use crate::table::item::schema::Index;
use crate::table::item::spread::{LOG, SALES, WAITING};
use crate::table::item::versioned::Expected;
use crate::table::{Item, Table, item_of, text, value_of};

/// ShipStation's limit as a run last saw it (N19).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pacing {
    /// Requests that a window allows.
    pub limit: u32,
    /// Requests that were left.
    pub remaining: u32,
    /// When the window ends.
    pub resets_at: Timestamp,
}

impl Table {
    /// Log entries in a state, counted up to `most`. Booked and voided orders are in no state index.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn count_log_state(&self, state: LogState, most: u32) -> Result<Count, Error> {
        const OPERATION: &str = "count log entries in a state";
        let query = SpreadQuery { operation: OPERATION, family: WAITING, of: state.as_str(), newest_first: false };
        self.count_list(query, None, most).await
    }

    /// Orders captured or booked since an instant, counted up to `most` each.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn count_log_since(&self, from: Timestamp, most: u32) -> Result<Count, Error> {
        const OPERATION: &str = "count log entries";
        let lists = [LOG, SALES].map(|family| SpreadQuery { operation: OPERATION, family, of: "", newest_first: false });
        let [open, booked] = lists.map(|query| self.count_list(query, Some(from), most));
        let (open, booked) = tokio::try_join!(open, booked)?;
        Ok(Count { count: open.count + booked.count, more: open.more || booked.more })
    }

    /// Keys of one partition of an index, at most `limit`, and what continues them.
    pub(crate) async fn count(
        &self,
        operation: &'static str,
        index: Index,
        pk: &str,
        from: Option<String>,
        limit: u32,
        start: Option<Item>,
    ) -> Result<(u64, Option<Item>), Error> {
        let mut request = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(index.name)
            .select(Select::Count)
            .expression_attribute_names("#p", index.partition)
            .expression_attribute_values(":p", text(pk))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .set_return_consumed_capacity(self.capacity());
        let mut condition = "#p = :p".to_owned();
        if let Some(from) = from {
            condition.push_str(" AND #s >= :s");
            request = request.expression_attribute_names("#s", index.sort).expression_attribute_values(":s", text(from));
        }
        let reply = request.key_condition_expression(condition).send().await.map_err(Error::call(operation))?;
        Ok((u64::try_from(reply.count).unwrap_or(0), reply.last_evaluated_key))
    }

    /// Orders and places of ShipStation's lists that could not be read, counted up to `most`.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn count_unreadable(&self, most: u32) -> Result<Count, Error> {
        let request = self
            .client
            .query()
            .table_name(&self.name)
            .select(Select::Count)
            .key_condition_expression("pk = :p")
            .expression_attribute_values(":p", text(keys::unreadable_order("").pk))
            .limit(i32::try_from(most).unwrap_or(i32::MAX))
            .set_return_consumed_capacity(self.capacity());
        let reply = request.send().await.map_err(Error::call("count unread places"))?;
        Ok(Count { count: u64::try_from(reply.count).unwrap_or(0), more: reply.last_evaluated_key.is_some() })
    }

    /// ShipStation's limit as a run last saw it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn pacing(&self) -> Result<Option<Pacing>, Error> {
        const OPERATION: &str = "read the pace";
        self.get_item(OPERATION, &keys::pacing()).await?.map(|item| value_of(OPERATION, item)).transpose()
    }

    /// Keeps what a run saw of ShipStation's limit.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_pacing(&self, pacing: &Pacing) -> Result<(), Error> {
        const OPERATION: &str = "write the pace";
        let item = item_of(OPERATION, &keys::pacing(), "pacing", pacing)?;
        self.put_if(OPERATION, item, Expected::Anything).await.map(drop)
    }
}
