//! Orders that could not be read are tried again on later runs (N11).

use stevedore_aws::UnreadableOrder;
use stevedore_domain::ids::OrderId;
use stevedore_domain::pacific::PacificTime;
use stevedore_lambda::Deadline;
use stevedore_shipstation::{Call, OrderReader};

use super::run::Run;
use super::stop::Stop;
use super::{Deps, MARGIN, ingest_page, one_order};

/// Number of places that one run tries again: a handful of requests.
const PER_RUN: usize = 5;

/// Tries the places of earlier runs again, those tried least first. What can be read now is taken like everything else and forgotten as unreadable.
///
/// # Errors
/// [`Stop::ShipStation`]: an error that concerns more than one place ends the attempt.
pub(crate) async fn try_again(deps: &Deps, run: &mut Run, call: &Call<'_>, deadline: Deadline) -> Result<(), Stop> {
    let mut places = deps.table.unreadable_orders().await?;
    places.retain(|place| place.first_seen < run.operation.started_at);
    places.sort_by_key(|place| place.attempts);
    for place in places.into_iter().take(PER_RUN) {
        if deadline.is_near((deps.clock)(), MARGIN) {
            return Ok(());
        }
        let tried = match (place.order_id, place.from) {
            (Some(id), _) => read_order(deps, run, call, id).await?,
            (None, Some(from)) => read_place(deps, run, call, &place, from).await?,
            (None, None) => Tried::Solved,
        };
        match tried {
            Tried::Solved => deps.table.delete_unreadable_order(&place.position).await?,
            Tried::Unreadable => deps.table.put_unreadable_order(&UnreadableOrder { attempts: place.attempts + 1, ..place }).await?,
        }
    }
    Ok(())
}

/// Outcome of reading a place again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tried {
    /// All of it could be read, or there is nothing any more.
    Solved,
    /// Something in it still cannot be read.
    Unreadable,
}

/// Reads one order again.
async fn read_order(deps: &Deps, run: &mut Run, call: &Call<'_>, id: OrderId) -> Result<Tried, Stop> {
    run.count_requests(1);
    match deps.shipstation.order(call, id).await {
        Ok(None) => Ok(Tried::Solved),
        Ok(Some(order)) if order.parsed.is_ok() => {
            ingest_page::ingest(deps, run, call, vec![order], Vec::new()).await?;
            Ok(Tried::Solved)
        }
        Ok(Some(_)) => Ok(Tried::Unreadable),
        Err(error) if one_order::is_its_own(deps, call, &error).await => Ok(Tried::Unreadable),
        Err(error) => Err(error.into()),
    }
}

/// Reads a window again.
async fn read_place(deps: &Deps, run: &mut Run, call: &Call<'_>, place: &UnreadableOrder, from: PacificTime) -> Result<Tried, Stop> {
    // An open end would read up to the present again and again.
    let until = Some(place.until.unwrap_or_else(|| from.shifted(jiff::SignedDuration::from_mins(1))));
    let mut reader = if place.by_creation { OrderReader::created(from, until) } else { OrderReader::changed(from, until) };
    let mut tried = Tried::Solved;
    loop {
        let before = reader.requests();
        let step = reader.next(&deps.shipstation, call).await;
        run.count_requests(reader.requests() - before);
        match step {
            Ok(read) => {
                if !read.poison.is_empty() {
                    tried = Tried::Unreadable;
                }
                ingest_page::ingest(deps, run, call, read.orders, Vec::new()).await?;
                if read.finished {
                    return Ok(tried);
                }
            }
            // Alone in its window, a poison order looks like a ShipStation that is down.
            Err(error) if one_order::is_its_own(deps, call, &error).await => return Ok(Tried::Unreadable),
            Err(error) => return Err(error.into()),
        }
    }
}
