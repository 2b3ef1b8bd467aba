//! Places in ShipStation's lists that could not be read, remembered so that later runs try them again (N11).

use jiff::Timestamp;
use stevedore_aws::UnreadableOrder;
use stevedore_domain::ids::OrderId;
use stevedore_domain::pacific::PacificTime;
use stevedore_shipstation::{Malformed, Poison};

use super::{Deps, Error};

/// An order that is to be read again by its id.
pub(crate) fn of_order(id: OrderId, now: Timestamp, attempts: u32) -> UnreadableOrder {
    UnreadableOrder {
        position: format!("order#{id}"),
        order_id: Some(id),
        by_creation: false,
        from: None,
        until: None,
        first_seen: now,
        attempts,
    }
}

/// Remembers an order whose text cannot be read, by its id. One without a readable id shows up again only when it changes.
pub(crate) async fn remember_order(deps: &Deps, malformed: &Malformed) -> Result<(), Error> {
    let Some(id) = malformed.order_id else { return Ok(()) };
    remember(deps, of_order(id, (deps.clock)(), 1)).await
}

/// Remembers a place where ShipStation answers with an error, by the window that it lies in.
pub(crate) async fn remember_place(deps: &Deps, place: &Poison) -> Result<(), Error> {
    if let Some(order) = &place.order {
        return remember_order(deps, order).await;
    }
    let from = place.before.as_ref().and_then(|neighbour| neighbour.at).unwrap_or(place.from);
    // What lies ahead of the clock is in every download's window; a place that reached so far would have everything in between read each time.
    let now = PacificTime::at((deps.clock)());
    let until = place.after.as_ref().and_then(|neighbour| neighbour.at).or(place.until).map(|until| until.min(now).max(from));
    remember(
        deps,
        UnreadableOrder {
            position: format!("{}#{from}", place.key),
            order_id: None,
            by_creation: place.key == "createDate",
            from: Some(from),
            until,
            first_seen: (deps.clock)(),
            attempts: 1,
        },
    )
    .await
}

async fn remember(deps: &Deps, place: UnreadableOrder) -> Result<(), Error> {
    let place = match deps.table.unreadable_order(&place.position).await? {
        Some(known) => UnreadableOrder { attempts: known.attempts + 1, first_seen: known.first_seen, ..place },
        None => place,
    };
    Ok(deps.table.put_unreadable_order(&place).await?)
}
