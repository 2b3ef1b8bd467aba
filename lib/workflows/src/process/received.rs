//! An order message as it was read: once, for the batch and for all that follows.

use stevedore_aws::DeadReason;
use stevedore_aws::messages::{MessageError, OrderMessage};
use stevedore_domain::order::Revision;
use stevedore_domain::reason::Reason;
use stevedore_shipstation::{Malformed, parse_order};

/// A message and the order in it.
#[derive(Debug)]
pub struct ReceivedOrder {
    /// The message.
    pub message: OrderMessage,
    /// The order's revision.
    pub revision: Revision,
}

/// Reasons why a message cannot be read. It belongs to the dead letters.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The message.
    #[error("the message cannot be read")]
    Message(#[source] MessageError),
    /// The order in it. `fetch-orders` sends none such. What was found there is left out: it may be the buyer's.
    #[error("the order cannot be read at {pointer}", pointer = .0.pointer)]
    Order(Box<Malformed>),
}

impl ReceivedOrder {
    /// Reads a message.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn read(body: &str) -> Result<Self, Unreadable> {
        let message = OrderMessage::decode(body).map_err(Unreadable::Message)?;
        let revision = parse_order(message.order.get(), message.read_at).map_err(|error| Unreadable::Order(Box::new(error)))?;
        Ok(Self { message, revision })
    }
}

impl Unreadable {
    /// The reason that the dead letter bears.
    #[must_use]
    pub fn dead_reason(&self) -> DeadReason {
        match self {
            Self::Message(error) => DeadReason::from(error),
            Self::Order(malformed) => {
                DeadReason::new(Reason::MalformedOrder.code(), format!("{}: {}", malformed.pointer, malformed.problem))
            }
        }
    }
}
