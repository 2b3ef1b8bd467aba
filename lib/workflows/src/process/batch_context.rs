//! Data that a batch's orders need from the table, read for all of them together.

use std::collections::{BTreeSet, HashMap};

use stevedore_aws::{Connection, Error, OrderRecord, Table};
use stevedore_domain::ids::{OrderId, ShipstationAccount};
use stevedore_domain::log::Trigger;
use stevedore_domain::order::{Order, RevisionKey};
use stevedore_domain::settings::{Consolidation, Settings};

use super::Deps;
use super::received::ReceivedOrder;
use crate::booking::Reference;

/// Settings and reference data for a batch, and what is known of its orders. An order that turns out to be stale is read again by itself.
#[derive(Debug)]
pub struct BatchContext {
    /// The connected account; none where there is no whole connection.
    pub(crate) connected: Option<ShipstationAccount>,
    /// The table, for the account that the rest was read of.
    pub(crate) table: Table,
    pub(crate) settings: Settings,
    pub(crate) reference: Reference,
    pub(crate) known: HashMap<OrderId, OrderRecord>,
    pub(crate) newest: HashMap<OrderId, Newest>,
}

/// The newest of a batch's messages for one order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Newest {
    key: RevisionKey,
    trigger: Trigger,
}

impl Newest {
    /// True if another message of the same order is set aside for it: two revisions on their way at once must not be booked in the order in which they happen to
    /// come. One that a person asked for may do what the schedule may not.
    pub(crate) fn overtakes(&self, key: &RevisionKey, trigger: Trigger) -> bool {
        self.key.supersedes(key) && (self.trigger == Trigger::Manual || trigger == self.trigger)
    }
}

impl BatchContext {
    /// `deps`, for the account that the batch was read of.
    #[must_use]
    pub fn deps(&self, deps: &Deps) -> Deps {
        Deps { table: self.table.clone(), ..deps.clone() }
    }

    /// Reads what the orders of a batch need.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn read<'a>(table: &Table, received: impl IntoIterator<Item = &'a ReceivedOrder>) -> Result<Self, Error> {
        let received: Vec<&ReceivedOrder> = received.into_iter().collect();
        let accounts: BTreeSet<ShipstationAccount> = received.iter().map(|received| received.message.account).collect();
        // Nearly always all messages are of one account, which is the connected one.
        let account = match accounts.first() {
            Some(account) if accounts.len() == 1 => *account,
            _ => table.of_connected_account().await?.account(),
        };
        let table = table.of_account(account);
        let mut newest: HashMap<OrderId, Newest> = HashMap::new();
        let mut orders: Vec<&Order> = Vec::new();
        for ReceivedOrder { message, revision } in received.into_iter().filter(|received| received.message.account == account) {
            let one = Newest { key: revision.key, trigger: message.trigger };
            newest
                .entry(revision.order.id)
                .and_modify(|known| {
                    if one.key.supersedes(&known.key) {
                        *known = one;
                    }
                })
                .or_insert(one);
            orders.push(&revision.order);
        }
        let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
        let stevedore_aws::BatchContext { settings, connection, stores, known } = table.batch_context(&ids).await?;
        let settings = settings.value;
        let connected = connection.filter(|connection| !connection.disconnecting);
        let connected = connected.map(|Connection { account, .. }| account);
        // With daily consolidation nothing is booked here, and nothing of an account that is not connected.
        let books = settings.consolidation == Consolidation::None && !orders.is_empty() && connected == Some(account);
        let reference = if books { Box::pin(Reference::read(&table, &settings, stores, &orders)).await? } else { Reference::default() };
        Ok(Self { connected, table, settings, reference, known, newest })
    }
}
