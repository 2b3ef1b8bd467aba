//! The home page in few requests: what is known by key in one, and counts that were made once and are kept while nothing happens.
//!
//! A count asks every partition of its list, sixty questions for all of them. So they are kept in one item, made anew by a look that finds that they no longer
//! hold ([`stevedore_domain::tally`]), and by each tick after the first look. Nothing decides on them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stevedore_domain::health::Count;
use stevedore_domain::log::LogState;
use stevedore_domain::reason::Reason;
use stevedore_domain::settings::Settings;

use crate::Error;
use crate::table::item::keys;
use crate::table::item::versioned::Expected;
use crate::table::system::configuration::{read_connection, read_settings};
use crate::table::system::overview::Pacing;
use crate::table::{Connection, Cursor, Item, Stored, StoredSettings, Table, item_of, text_of, value_of};

/// Log entries in a state, warnings of a kind and unread places are counted up to this.
const MOST_WAITING: u32 = 1_000;
/// Orders of the day are counted up to this.
const MOST_TODAY: u32 = 5_000;

/// Counts of the home page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Time at which counting began: what happened before is in them, as far as the indexes showed it.
    pub made_at: Timestamp,
    /// The day's beginning in the merchant's zone.
    pub since: Timestamp,
    /// Orders captured or booked since then.
    pub today: Count,
    /// Log entries that wait for their day.
    pub pending: Count,
    /// Log entries that wait for configuration.
    pub blocked: Count,
    /// Log entries that could not be booked.
    pub failed: Count,
    /// Log entries that were left aside and are remembered.
    pub skipped: Count,
    /// Orders and places that could not be read.
    pub unreadable: Count,
    /// Warnings that want attention, the gravest first.
    pub warnings: Vec<(Reason, Count)>,
}

/// What the home page knows by key.
#[derive(Debug)]
pub struct Home {
    /// The settings in force.
    pub settings: StoredSettings,
    /// The connection, where there is one.
    pub connection: Option<Connection>,
    /// The schedule's place.
    pub cursor: Cursor,
    /// ShipStation's limit as a run last saw it.
    pub pacing: Option<Pacing>,
    /// The counts that are kept, whether they still hold or not.
    pub tally: Option<Tally>,
}

#[derive(Serialize)]
struct Document<'a> {
    document: &'a str,
}

/// Counts that another release wrote otherwise are none: they are made anew.
fn read_tally(item: &Item) -> Option<Tally> {
    serde_json::from_str(text_of(item, "document")?).ok()
}

impl Table {
    /// Reads it, in one request.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn home(&self) -> Result<Home, Error> {
        const OPERATION: &str = "read the home page";
        let wanted = [keys::settings(), keys::connection(), keys::cursor(), keys::pacing(), keys::tally()];
        let mut items = self.get_items(OPERATION, wanted).await?;
        let settings = items.get(&keys::settings()).map(read_settings).transpose()?;
        Ok(Home {
            settings: settings.unwrap_or_else(|| Stored { value: Settings::default(), version: 0 }),
            connection: items.remove(&keys::connection()).map(read_connection).transpose()?.map(|stored| stored.value),
            cursor: items.remove(&keys::cursor()).map(|item| value_of(OPERATION, item)).transpose()?.unwrap_or_default(),
            pacing: items.remove(&keys::pacing()).map(|item| value_of(OPERATION, item)).transpose()?,
            tally: items.get(&keys::tally()).and_then(read_tally),
        })
    }

    /// The counts that are kept.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn tally(&self) -> Result<Option<Tally>, Error> {
        Ok(self.get_item("read the counts", &keys::tally()).await?.as_ref().and_then(read_tally))
    }

    /// Counts, and keeps the counts. `since` is the beginning of the day that is counted.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn count_anew(&self, since: Timestamp, now: Timestamp) -> Result<Tally, Error> {
        const OPERATION: &str = "keep the counts";
        // The states one after the other, and so the warnings: some twenty connections are opened instead of sixty.
        let waiting = async {
            let count = |state| self.count_log_state(state, MOST_WAITING);
            let (pending, blocked) = (count(LogState::Pending).await?, count(LogState::Blocked).await?);
            Ok::<_, Error>([pending, blocked, count(LogState::Failed).await?, count(LogState::Skipped).await?])
        };
        let (today, [pending, blocked, failed, skipped], unreadable, warnings) = tokio::try_join!(
            self.count_log_since(since, MOST_TODAY),
            waiting,
            self.count_unreadable(MOST_WAITING),
            self.counted_attention(MOST_WAITING),
        )?;
        let tally = Tally { made_at: now, since, today, pending, blocked, failed, skipped, unreadable, warnings };
        let document = serde_json::to_string(&tally).map_err(|error| Error::encoding(OPERATION)(error.into()))?;
        let item = item_of(OPERATION, &keys::tally(), "tally", &Document { document: &document })?;
        self.put_if(OPERATION, item, Expected::Anything).await?;
        Ok(tally)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashMap;

    use super::*;
    use crate::table::text;

    /// What a later release keeps is read, or counted anew: the home page never fails over it.
    #[test]
    fn counts_of_another_release_are_made_anew() {
        let count = Count { count: 3, more: true };
        let at = Timestamp::UNIX_EPOCH;
        let tally = Tally {
            made_at: at,
            since: at,
            today: count,
            pending: count,
            blocked: count,
            failed: count,
            skipped: count,
            unreadable: count,
            warnings: vec![(Reason::ALL.first().copied().unwrap(), count)],
        };
        let document = serde_json::to_string(&tally).unwrap();
        let read = |document: &str| read_tally(&HashMap::from([("document".to_owned(), text(document))]));
        assert_eq!(read(&document), Some(tally));
        for other in ["{}", "", &document.replacen("more", "most", 1)] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
