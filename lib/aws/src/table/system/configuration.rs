//! The connection, the settings and their history, and the stores' names.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use stevedore_domain::ids::{ShipstationAccount, StoreId};
use stevedore_domain::settings::{Consolidation, SettingChange, Settings};

use crate::Error;
use crate::table::item::keys;
use crate::table::item::versioned::{Condition, Conditional, Expected, Transacted};
use crate::table::{Item, Page, RecordOutcome, Stored, Table, item_of, number_of, text, text_of, value_of, version_of};

/// Purpose of a connection (docs/requirements.md, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionMode {
    /// Orders flow from ShipStation to us.
    Store,
    /// ShipStation pulls orders from us.
    CustomStore,
    /// ShipStation prints labels for our sales.
    ShippingService,
}

/// The one ShipStation account that this deployment is connected to (S12). Its credentials are in the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its purposes.
    pub modes: Vec<ConnectionMode>,
    /// Time of the connection.
    pub integrated_at: Timestamp,
    /// The last four characters of the API key: all of it that is ever shown.
    pub api_key_last_four: String,
    /// Time at which the credentials were set last.
    pub credentials_set_at: Timestamp,
    /// It is being taken apart; nothing is fetched any more.
    #[serde(default)]
    pub disconnecting: bool,
    /// The account.
    #[serde(default, skip_serializing_if = "ShipstationAccount::is_first")]
    pub account: ShipstationAccount,
}

/// The settings and their version. Version 0 is the defaults, before anybody wrote any.
pub type StoredSettings = Stored<Settings>;

/// One accepted write of the settings: who changed what, when, from which value to which (N29).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SettingsChange {
    /// The version that it made.
    pub version: u64,
    /// Time of the write.
    pub at: Timestamp,
    /// Its author.
    pub by: String,
    /// Its changes.
    pub changes: Vec<SettingChange>,
}

#[derive(Serialize, Deserialize)]
struct Stores {
    names: BTreeMap<StoreId, String>,
    read_at: Timestamp,
}

pub(crate) fn read_settings(item: &Item) -> Result<StoredSettings, Error> {
    let document = text_of(item, "document").unwrap_or_default();
    let settings = serde_json::from_str(document);
    let settings = settings.map_err(|error| Error::unreadable("read the settings", keys::settings().to_string(), error))?;
    Ok(Stored { value: settings, version: version_of(item) })
}

pub(crate) fn read_connection(item: Item) -> Result<Stored<Connection>, Error> {
    Ok(Stored { version: version_of(&item), value: value_of("read the connection", item)? })
}

pub(crate) fn read_store_names(item: &Item) -> Result<(BTreeMap<StoreId, String>, Timestamp), Error> {
    let document = text_of(item, "document").unwrap_or_default();
    let stores: Stores =
        serde_json::from_str(document).map_err(|error| Error::unreadable("read the stores' names", keys::stores().to_string(), error))?;
    Ok((stores.names, stores.read_at))
}

impl Table {
    /// The connection, where there is one.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn connection(&self) -> Result<Option<Stored<Connection>>, Error> {
        self.get_item("read the connection", &keys::connection()).await?.map(read_connection).transpose()
    }

    /// Writes the connection: a first one with no version, a changed one with the version that was read.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_connection(&self, connection: &Connection, read: Option<u64>) -> Result<RecordOutcome, Error> {
        const OPERATION: &str = "write the connection";
        let item = item_of(OPERATION, &keys::connection(), "connection", connection)?;
        let expected = read.map_or(Expected::Absent, Expected::Version);
        Ok(self.put_if(OPERATION, item, expected).await?.into())
    }

    /// The settings in force.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn settings(&self) -> Result<StoredSettings, Error> {
        Ok(self.daily_settings().await?.0)
    }

    /// The settings in force, and since when they say that orders are consolidated daily.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn daily_settings(&self) -> Result<(StoredSettings, Option<Timestamp>), Error> {
        const OPERATION: &str = "read the settings";
        let Some(item) = self.get_item(OPERATION, &keys::settings()).await? else {
            return Ok((Stored { value: Settings::default(), version: 0 }, None));
        };
        let since = text_of(&item, "daily_since").and_then(|text| text.parse().ok());
        Ok((read_settings(&item)?, since))
    }

    /// Replaces the settings of version `read`, keeping who changed what.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_settings(
        &self,
        settings: &Settings,
        read: u64,
        at: Timestamp,
        by: &str,
        changes: Vec<SettingChange>,
    ) -> Result<RecordOutcome, Error> {
        const OPERATION: &str = "write the settings";
        #[derive(Serialize)]
        struct Document<'a> {
            document: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            daily_since: Option<Timestamp>,
        }
        let daily_since = match settings.consolidation {
            Consolidation::None => None,
            // A stale writer reads somebody else's and is refused.
            Consolidation::Daily => Some(self.daily_settings().await?.1.unwrap_or(at)),
        };
        let encode = |error: serde_json::Error| Error::encoding(OPERATION)(error.into());
        let document = serde_json::to_string(settings).map_err(encode)?;
        let expected = if read == 0 { Expected::Absent } else { Expected::Version(read) };
        let change = SettingsChange { version: read + 1, at, by: by.to_owned(), changes };
        let change = serde_json::to_string(&change).map_err(encode)?;
        let writes = vec![
            self.put(
                OPERATION,
                item_of(OPERATION, &keys::settings(), "settings", &Document { document: &document, daily_since })?,
                expected,
            )?,
            self.put(
                OPERATION,
                item_of(
                    OPERATION,
                    &keys::settings_change(read + 1),
                    "settings_change",
                    &Document { document: &change, daily_since: None },
                )?,
                Expected::Anything,
            )?,
        ];
        Ok(match self.transact(OPERATION, writes).await? {
            Transacted::Done => RecordOutcome::Written(read + 1),
            Transacted::Refused(conditions) => {
                let old = conditions.into_iter().find_map(|condition| if let Condition::Failed(old) = condition { old } else { None });
                RecordOutcome::Stale(old.and_then(|item| number_of(&item, "version")))
            }
        })
    }

    /// Changes of settings, the newest first.
    ///
    /// # Errors
    /// [`Error`]; [`Error::PageToken`] for a token that is not this list's.
    pub async fn settings_history(&self, limit: usize, token: Option<&str>) -> Result<Page<SettingsChange>, Error> {
        const OPERATION: &str = "read the settings' history";
        let before: Option<u64> = token.map(str::parse).transpose().map_err(|_| Error::PageToken)?;
        let before = before.map(|version| keys::settings_change(version).sk);
        let page = self.newest_of(OPERATION, &keys::settings_change(0).pk, limit + 1, before.as_deref()).await?;
        let read = |item: &crate::table::Item| {
            let document = text_of(item, "document").unwrap_or_default();
            serde_json::from_str(document).map_err(|error| Error::unreadable(OPERATION, "CONFIG#SETTINGS", error))
        };
        let mut changes: Vec<SettingsChange> = page.items.iter().map(read).collect::<Result<_, _>>()?;
        let more = changes.len() > limit;
        changes.truncate(limit);
        let next = changes.last().filter(|_| more).map(|change| change.version.to_string());
        Ok(Page { items: changes, next })
    }

    /// The stores' names as they were last read, and when.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn store_names(&self) -> Result<Option<(BTreeMap<StoreId, String>, Timestamp)>, Error> {
        self.get_item("read the stores' names", &keys::stores()).await?.as_ref().map(read_store_names).transpose()
    }

    /// Keeps the stores' names.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_store_names(&self, names: BTreeMap<StoreId, String>, read_at: Timestamp) -> Result<(), Error> {
        const OPERATION: &str = "write the stores' names";
        let document = serde_json::to_string(&Stores { names, read_at }).map_err(|error| Error::encoding(OPERATION)(error.into()))?;
        let mut item = item_of(OPERATION, &keys::stores(), "stores", &BTreeMap::<String, String>::new())?;
        item.insert("document".to_owned(), text(document));
        match self.put_if(OPERATION, item, Expected::Anything).await? {
            Conditional::Written(_) | Conditional::Refused(_) => Ok(()),
        }
    }
}
