//! What a batch's orders need from the table, read for all of them together.

use std::collections::HashMap;

use stevedore_aws::messages::OrderMessage;
use stevedore_aws::{Error, Known, Table};
use stevedore_booking::Reference;
use stevedore_domain::ids::OrderId;
use stevedore_domain::order::Order;
use stevedore_domain::settings::{Consolidation, Settings};
use stevedore_shipstation::parse_order;

/// Settings and reference data for a batch, and what is known of its orders. An order that turns out to be stale is read again by itself.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) connected: bool,
    pub(crate) settings: Settings,
    pub(crate) reference: Reference,
    pub(crate) known: HashMap<OrderId, Known>,
}

impl Loaded {
    pub(crate) async fn read(table: &Table, messages: impl IntoIterator<Item = OrderMessage>) -> Result<Self, Error> {
        let orders: Vec<Order> = messages
            .into_iter()
            .filter_map(|message| parse_order(message.order.get(), message.read_at).ok())
            .map(|revision| revision.order)
            .collect();
        let (settings, connection, stores, known) = tokio::try_join!(
            table.settings(),
            table.connection(),
            table.store_names(),
            table.known_orders(orders.iter().map(|order| order.id).collect::<Vec<_>>()),
        )?;
        let settings = settings.value;
        let stores = stores.map(|(names, _)| names).unwrap_or_default();
        // With daily consolidation nothing is booked here.
        let reference = if settings.consolidation == Consolidation::None && !orders.is_empty() {
            Box::pin(Reference::read(table, &settings, stores, &orders.iter().collect::<Vec<_>>())).await?
        } else {
            Reference::default()
        };
        Ok(Self { connected: connection.is_some_and(|connection| !connection.value.disconnecting), settings, reference, known })
    }
}
