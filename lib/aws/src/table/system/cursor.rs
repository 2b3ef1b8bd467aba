//! Position up to which the schedule has read, and the operation that reads just now.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use stevedore_domain::ids::OperationId;
use stevedore_domain::pacific::PacificTime;

use crate::Error;
use crate::table::item::keys;
use crate::table::item::versioned::{Conditional, Expected};
use crate::table::{Stored, Table, item_of, value_of, version_of};

/// The schedule's place in ShipStation's changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The newest `modifyDate` that is safely queued; none before the first run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<PacificTime>,
    /// Time at which the last scheduled download began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_tick: Option<Timestamp>,
    /// Lease of the operation that reads just now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// The day of whose orders ShipStation was asked whether it still has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_for: Option<Date>,
}

/// The right to read by the schedule, so that two downloads do not share the limit. Correctness does not rest on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Operation that holds the lease.
    pub operation_id: OperationId,
    /// Till when; a crashed holder's runs out.
    pub until: Timestamp,
}

impl Table {
    /// The cursor, with version 0 before its first write.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn cursor(&self) -> Result<Stored<Cursor>, Error> {
        const OPERATION: &str = "read the cursor";
        match self.get_item(OPERATION, &keys::cursor()).await? {
            Some(item) => Ok(Stored { version: version_of(&item), value: value_of(OPERATION, item)? }),
            None => Ok(Stored { value: Cursor::default(), version: 0 }),
        }
    }

    /// Writes the cursor if it still has the version that was read. Answers the new version, or nothing when somebody else wrote it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_cursor(&self, cursor: &Cursor, read: u64) -> Result<Option<u64>, Error> {
        const OPERATION: &str = "write the cursor";
        let item = item_of(OPERATION, &keys::cursor(), "cursor", cursor)?;
        let expected = if read == 0 { Expected::Absent } else { Expected::Version(read) };
        Ok(match self.put_if(OPERATION, item, expected).await? {
            Conditional::Written(version) => Some(version),
            Conditional::Refused(_) => None,
        })
    }
}
