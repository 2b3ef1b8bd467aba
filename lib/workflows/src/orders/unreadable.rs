//! Orders that could not be read are tried again on later runs (N11).

use stevedore_aws::UnreadableOrder;
use stevedore_domain::pacific::PacificTime;
use stevedore_lambda::Deadline;
use stevedore_shipstation::{Call, Error as ShipStationError, Malformed, OrderReader, Poison};

use super::download::Run;
use super::{Deps, Error, MARGIN, ingest_page, one_order};

/// Number of places that one run tries again: a handful of requests.
const PER_RUN: usize = 5;

/// Remembers an order whose text cannot be read, by its id. One without a readable id shows up again only when it changes.
pub(crate) async fn remember_order(deps: &Deps, malformed: &Malformed) -> Result<(), Error> {
    let Some(id) = malformed.order_id else { return Ok(()) };
    remember(
        deps,
        UnreadableOrder {
            position: format!("order#{id}"),
            order_id: Some(id),
            by_creation: false,
            from: None,
            until: None,
            first_seen: (deps.clock)(),
            attempts: 1,
        },
    )
    .await
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

async fn remember(deps: &Deps, unreadable_order: UnreadableOrder) -> Result<(), Error> {
    let unreadable_order = match deps.table.unreadable_order(&unreadable_order.position).await? {
        Some(known) => UnreadableOrder { attempts: known.attempts + 1, first_seen: known.first_seen, ..unreadable_order },
        None => unreadable_order,
    };
    Ok(deps.table.put_unreadable_order(&unreadable_order).await?)
}

/// Tries the places of earlier runs again, those tried least first. What can be read now is taken like everything else and forgotten as a trouble.
///
/// The inner result is ShipStation's: an error that concerns more than one place ends the attempt.
pub(crate) async fn try_again(
    deps: &Deps,
    run: &mut Run,
    call: &Call<'_>,
    deadline: Deadline,
) -> Result<Result<(), ShipStationError>, Error> {
    let mut unreadable_orders = deps.table.unreadable_orders().await?;
    unreadable_orders.retain(|unreadable_order| unreadable_order.first_seen < run.operation.started_at);
    unreadable_orders.sort_by_key(|unreadable_order| unreadable_order.attempts);
    for unreadable_order in unreadable_orders.into_iter().take(PER_RUN) {
        if deadline.is_near((deps.clock)(), MARGIN) {
            return Ok(Ok(()));
        }
        let solved = match (unreadable_order.order_id, unreadable_order.from) {
            (Some(id), _) => {
                run.operation.requests = run.operation.requests.saturating_add(1);
                match deps.shipstation.order(call, id).await {
                    Ok(None) => true,
                    Ok(Some(order)) => {
                        let readable = order.parsed.is_ok();
                        if readable && let Err(error) = ingest_page::ingest(deps, run, call, vec![order], Vec::new()).await? {
                            return Ok(Err(error));
                        }
                        readable
                    }
                    Err(error) if one_order::is_its_own(deps, call, &error).await => false,
                    Err(error) => return Ok(Err(error)),
                }
            }
            (None, Some(from)) => match read_place(deps, run, call, &unreadable_order, from).await? {
                Ok(solved) => solved,
                Err(error) => return Ok(Err(error)),
            },
            (None, None) => true,
        };
        if solved {
            deps.table.delete_unreadable_order(&unreadable_order.position).await?;
        } else {
            deps.table.put_unreadable_order(&UnreadableOrder { attempts: unreadable_order.attempts + 1, ..unreadable_order }).await?;
        }
    }
    Ok(Ok(()))
}

/// Reads a window again; whether nothing in it is poison any more.
async fn read_place(
    deps: &Deps,
    run: &mut Run,
    call: &Call<'_>,
    unreadable_order: &UnreadableOrder,
    from: PacificTime,
) -> Result<Result<bool, ShipStationError>, Error> {
    // An open end would read up to the present again and again.
    let until = Some(unreadable_order.until.unwrap_or_else(|| from.shifted(jiff::SignedDuration::from_mins(1))));
    let mut reading = if unreadable_order.by_creation { OrderReader::created(from, until) } else { OrderReader::changed(from, until) };
    let mut solved = true;
    loop {
        let before = reading.requests();
        let step = reading.next(&deps.shipstation, call).await;
        run.operation.requests = run.operation.requests.saturating_add(reading.requests() - before);
        match step {
            Ok(read) => {
                solved &= read.poison.is_empty();
                if let Err(error) = ingest_page::ingest(deps, run, call, read.orders, Vec::new()).await? {
                    return Ok(Err(error));
                }
                if read.finished {
                    return Ok(Ok(solved));
                }
            }
            // Alone in its window, a poison order looks like a ShipStation that is down.
            Err(error) if one_order::is_its_own(deps, call, &error).await => return Ok(Ok(false)),
            Err(error) => return Ok(Err(error)),
        }
    }
}
