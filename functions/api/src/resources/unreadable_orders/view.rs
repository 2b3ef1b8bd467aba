//! Orders that could not be read.

use jiff::Timestamp;
use serde::Serialize;
use stevedore_aws::UnreadableOrder;
use utoipa::ToSchema;

/// An order that could not be read, or the place where it lies.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnreadableOrder)]
pub(crate) struct UnreadableView {
    /// Names the place; the same place has the same name on every run.
    position: String,
    /// ShipStation's id, where it could be read.
    #[schema(required = true)]
    order_id: Option<u64>,
    /// The order lies between this time of ShipStation's…
    #[schema(required = true)]
    from: Option<Timestamp>,
    /// … and this one.
    #[schema(required = true)]
    until: Option<Timestamp>,
    /// Time at which it was met first.
    first_seen: Timestamp,
    /// Number of times that it was tried.
    attempts: u32,
}

impl From<UnreadableOrder> for UnreadableView {
    fn from(unreadable_order: UnreadableOrder) -> Self {
        let UnreadableOrder { position, order_id, from, until, first_seen, attempts, .. } = unreadable_order;
        Self {
            position,
            order_id: order_id.map(|id| id.0),
            from: from.map(|from| from.instant(None)),
            until: until.map(|until| until.instant(Some(Timestamp::MAX))),
            first_seen,
            attempts,
        }
    }
}
