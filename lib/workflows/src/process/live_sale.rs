//! A live sale of an order that no log entry ties to it: the order is tied to it again and not booked twice (P1, S150).

use jiff::Timestamp;
use stevedore_aws::messages::OrderMessage;
use stevedore_aws::{DayOrder, DetachedSale, OrderRecord};
use stevedore_domain::ids::SaleId;
use stevedore_domain::log::{Decision, LogEntry, LogState, Outcome};
use stevedore_domain::order::{OrderStatus, Revision};
use stevedore_domain::reason::Reason;
use stevedore_domain::sale::Sale;
use stevedore_domain::warning::Warning;

use super::after_booking::AfterBooking;
use super::{Deps, Failure, book_entry, set};
use crate::booking::sale_stands;

/// The sale.
pub(super) enum ExistingSale {
    /// The order's own.
    Own(Box<Sale>),
    /// A day's, and what the order brought to it.
    Day(SaleId, Box<DayOrder>),
}

impl ExistingSale {
    /// Finds it. `conflicting` is a sale whose id the order's next one would have. Every order that has an entry and never had a sale costs no request.
    pub(super) async fn find(deps: &Deps, known: Option<&OrderRecord>, conflicting: Option<&Sale>) -> Result<Option<Self>, Failure> {
        let found = match known {
            Some(OrderRecord::DetachedSale(detached)) => return of_detached_sale(deps, detached).await,
            Some(OrderRecord::Entry(stored)) => of_waiting_entry(deps, &stored.entry).await?,
            None => None,
        };
        let conflicting = || conflicting.filter(|sale| sale.voided_at.is_none()).cloned();
        Ok(found.or_else(conflicting).map(|sale| Self::Own(Box::new(sale))))
    }

    /// Ties the order to it, and holds the revision against what was booked.
    pub(super) fn tie(
        &self,
        entry: &mut LogEntry,
        revision: &Revision,
        after: Option<&AfterBooking>,
        now: Timestamp,
        message: &OrderMessage,
    ) {
        let (order, by) = (&revision.order, message.operation_id.as_str());
        let id = match self {
            Self::Own(sale) => {
                book_entry(entry, sale, order, now, message);
                // The orders that the sale was booked with are not known any more.
                entry.change_kin(|kin| kin.booked.clear());
                &sale.id
            }
            Self::Day(id, member) => {
                set(entry, LogState::Booked, None);
                entry.sale_id = Some(id.clone());
                entry.booked = member.booked_revision;
                (entry.sale_total, entry.currency) = (member.sale_total, member.currency);
                entry.order_total = member.currency.minor(order.total).ok();
                entry.add_event(now, format!("captured; it is in {id} already"), by);
                id
            }
        };
        entry.past_sales.retain(|past| past != id);
        match after {
            Some(after) => after.tell(entry, order, now, by),
            // The booked revision is not known, but nothing that is cancelled was booked.
            None if order.status == OrderStatus::Cancelled => {
                entry.hold_against_booked(None, &order.status, now, by);
            }
            None => {}
        }
        entry.add_warning(Warning::new(Reason::SaleAlreadyLive, &format!("Sale {id}.")));
        entry.reason = Some(Reason::SaleAlreadyLive);
        entry.message = Some(Reason::SaleAlreadyLive.advice().to_owned());
    }
}

/// The decision on an order that is in a live sale without an entry that says so: it is tied to the sale also where its present state would not be captured.
pub(super) fn decide(decision: Decision, live: Option<&ExistingSale>, in_log: bool) -> Decision {
    let not_captured = matches!(
        decision,
        Decision::Nothing(Outcome::Skipped | Outcome::Waiting | Outcome::Cancelled, _) | Decision::Remember(_) | Decision::Withdraw(_)
    );
    match live {
        Some(_) if not_captured => {
            if in_log {
                Decision::Replace
            } else {
                Decision::Capture
            }
        }
        _ => decision,
    }
}

async fn of_detached_sale(deps: &Deps, detached: &DetachedSale) -> Result<Option<ExistingSale>, Failure> {
    if let (Some(_), Some(member)) = (detached.sale_id.day(), &detached.member) {
        let stands = sale_stands(&deps.table, &detached.sale_id).await?;
        return Ok(stands.then(|| ExistingSale::Day(detached.sale_id.clone(), Box::new(member.clone()))));
    }
    let sale = deps.table.sale(&detached.sale_id).await?.map(|stored| stored.sale);
    Ok(sale.filter(|sale| sale.voided_at.is_none()).map(|sale| ExistingSale::Own(Box::new(sale))))
}

/// The live sale of an order that waits beside it: earlier releases remembered an order as skipped although its sale stood.
async fn of_waiting_entry(deps: &Deps, entry: &LogEntry) -> Result<Option<Sale>, Failure> {
    if !(entry.state.is_open() && entry.sale_id.is_none()) {
        return Ok(None);
    }
    let Some(last) = entry.last_own_sale().filter(|id| id.account() == entry.account) else { return Ok(None) };
    let sale = deps.table.sale(last).await?.map(|stored| stored.sale);
    Ok(sale.filter(|sale| sale.voided_at.is_none()))
}
