//! One order message: the order is decided on and written in one transaction, again and again until no other process wrote in between.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;
use stevedore_aws::messages::OrderMessage;
use stevedore_aws::{CommitOutcome, DetachedSale, Error, NewSale, OrderCommit, OrderRecord, StoredSale};
use stevedore_domain::ids::{OrderId, SaleId, ShipstationAccount};
use stevedore_domain::log::{Decision, EntryPlan, LogEntry, Outcome, Transition, TransitionInput, classify, not_storable, transition};
use stevedore_domain::order::Revision;
use stevedore_domain::reason::Reason;
use stevedore_domain::sale::{Booked, CustomerMatches, Sale, Unbookable, book};
use stevedore_domain::settings::Consolidation;
use stevedore_domain::stock::Levels;

use super::after_booking::ReadAfterBooking;
use super::batch_context::BatchContext;
use super::received::ReceivedOrder;
use super::{Deps, Failure, Processed, after_booking, customers, existing_sale};
use crate::booking::{Alike, Kindred, Terms, remember_buyer};
use crate::orders::unread_places;

/// Number of times that an order is decided on again because other processes wrote to it at the same time.
const ATTEMPTS: u32 = 10;
/// A message that is older than this was redriven: the queue's own deliveries take an hour.
const STALE: SignedDuration = SignedDuration::from_hours(2);

/// Decides on one order message and writes what it becomes.
///
/// # Errors
/// [`Failure`]; nothing is written then.
pub async fn process(deps: &Deps, context: &BatchContext, received: ReceivedOrder) -> Result<Processed, Failure> {
    let ReceivedOrder { message, revision } = received;
    if let Some(done) = set_aside(context, &message, &revision) {
        return Ok(done);
    }
    let order_id = revision.order.id;
    let mut work = Work {
        deps,
        context,
        customers: Cow::Borrowed(context.reference.customers(order_id)),
        levels: Levels::default(),
        conflicting_sale: None,
        alike: Alike { queued: message.alike.iter().copied().collect(), ..Alike::default() },
        looked: false,
        message,
        revision,
    };
    let mut known: Option<Cow<'_, OrderRecord>> = context.known.get(&order_id).map(Cow::Borrowed);
    for _ in 0..ATTEMPTS {
        match work.attempt(known.as_deref()).await? {
            Attempt::Done(done) => return Ok(done),
            Attempt::Again { known_changed: false } => {}
            Attempt::Again { known_changed: true } => {
                // The connection was read with the batch. Another writer may have been a disconnect, and then this order is not the connected account's any more.
                let connection = deps.table.connection().await?.map(|stored| stored.value).filter(|connection| !connection.disconnecting);
                if let Some(reason) = not_of(connection.map(|connection| connection.account), &work.message) {
                    return Ok(aside(order_id, Outcome::Skipped, reason));
                }
                known = deps.table.order_record(order_id).await?.map(Cow::Owned);
            }
        }
    }
    Err(Failure::Contended)
}

/// Outcome of a message whose order is not decided on: of another account, or overtaken by another message of its batch.
fn set_aside(context: &BatchContext, message: &OrderMessage, revision: &Revision) -> Option<Processed> {
    let order_id = revision.order.id;
    if let Some(reason) = not_of(context.connected, message) {
        return Some(aside(order_id, Outcome::Skipped, reason));
    }
    let newest = context.newest.get(&order_id)?;
    newest.overtakes(&revision.key, message.trigger).then(|| aside(order_id, Outcome::Unchanged, Reason::OlderRevision))
}

fn aside(order_id: OrderId, outcome: Outcome, reason: Reason) -> Processed {
    Processed { order_id, outcome, reason: Some(reason), state: None, sale_id: None }
}

/// Reason for which a message is set aside while `connected` is the whole connection's account.
fn not_of(connected: Option<ShipstationAccount>, message: &OrderMessage) -> Option<Reason> {
    match connected {
        None => Some(Reason::NotConnected),
        Some(account) => (account != message.account).then_some(Reason::OtherAccount),
    }
}

/// Outcome of one attempt.
enum Attempt {
    Done(Processed),
    /// Something has changed that the decision rested on: what is known of the order, or something that the attempt has read again already.
    Again {
        known_changed: bool,
    },
}

/// An order at work, with what its attempts have learned.
struct Work<'a> {
    deps: &'a Deps,
    context: &'a BatchContext,
    message: OrderMessage,
    revision: Revision,
    customers: Cow<'a, CustomerMatches>,
    levels: Levels,
    /// A sale whose id the order's next one would have, although nothing here remembers it.
    conflicting_sale: Option<Sale>,
    alike: Alike,
    /// The index of numbers was asked.
    looked: bool,
}

impl Work<'_> {
    async fn attempt(&mut self, known: Option<&OrderRecord>) -> Result<Attempt, Failure> {
        let deps = self.deps;
        let now = (deps.clock)();
        let stored = known.and_then(OrderRecord::entry);
        if let Some(stored) = stored
            && remember_buyer(&deps.table, &mut self.revision.order, stored).await?
        {
            self.customers = Cow::Owned(customers::read(deps, self.context, &self.revision.order).await?);
        }
        let existing = existing_sale::read(deps, known, self.conflicting_sale.as_ref()).await?;
        // Apart, so that an order that is new does not carry the room for it.
        let after = match known {
            Some(known) => Box::pin(after_booking::read(deps, self.context, self.message.trigger, &self.revision, known)).await?,
            None => None,
        };
        if let (Some(after), Some(stored)) = (&after, stored)
            && after.state.waits_for_its_day(&stored.entry, &self.revision.order)
        {
            self.read_again(now).await?;
            return Ok(Attempt::Done(waiting(&stored.entry)));
        }
        let kindred = self.kindred(stored.map(|stored| &stored.entry)).await?;
        let decided = self.decide(&Facts { known, existing: existing.as_ref(), after: after.as_deref(), kindred: &kindred, now });
        let plan = match decided {
            Transition::Write(plan) => plan,
            Transition::Nothing { outcome, reason } => return Ok(Attempt::Done(self.unchanged(known, outcome, reason))),
        };
        let paid = plan.paid.as_deref().zip(after.as_deref()).map(|(sale, after)| after.paid(sale.clone()));
        self.write(known, plan, paid, &kindred, now).await
    }

    /// The orders that may hold the same goods. What has a sale is not booked again, whichever its kin are.
    async fn kindred(&mut self, entry: Option<&LogEntry>) -> Result<Kindred, Failure> {
        if entry.is_some_and(|entry| entry.state.has_been_booked()) {
            return Ok(Kindred::default());
        }
        let (table, order) = (&self.deps.table, &self.revision.order);
        if !self.looked && self.may_be_booked(entry) {
            self.alike = std::mem::take(&mut self.alike).look(table, order).await?;
            self.looked = true;
        }
        Ok(Kindred::read(table, order, entry, &self.alike).await?)
    }

    /// True if this may book the order, so that others of its number are looked for. With daily consolidation the day's run looks for them.
    fn may_be_booked(&self, entry: Option<&LogEntry>) -> bool {
        let settings = &self.context.settings;
        let decision = || classify(&self.revision, settings, entry, self.message.trigger);
        settings.consolidation == Consolidation::None
            && match entry {
                None => matches!(decision(), Decision::Capture),
                Some(entry) => entry.state.is_open() || matches!(decision(), Decision::Replace),
            }
    }

    fn decide(&self, facts: &Facts<'_>) -> Transition {
        let (context, revision) = (self.context, &self.revision);
        let past_sales = match facts.known {
            Some(OrderRecord::DetachedSale(detached)) => DetachedSale::past_sales(detached),
            _ => Vec::new(),
        };
        let book = |sale_id: &SaleId| -> Result<Booked, Unbookable> {
            let terms = Terms { settings: &context.settings, levels: &self.levels, sale_id, booked_at: facts.now };
            book(revision, context.reference.booking(revision, &self.customers, terms))
        };
        transition(TransitionInput {
            revision,
            settings: &context.settings,
            account: context.table.account(),
            entry: facts.known.and_then(OrderRecord::entry).map(|stored| &stored.entry),
            past_sales: &past_sales,
            trigger: self.message.trigger,
            operation_id: &self.message.operation_id,
            now: facts.now,
            existing: facts.existing,
            conflicting_sale: self.conflicting_sale.as_ref().map(|sale| &sale.id),
            after: facts.after.map(|after| &after.state),
            relatives: &facts.kindred.relatives,
            book: &book,
        })
    }

    async fn write(
        &mut self,
        known: Option<&OrderRecord>,
        plan: Box<EntryPlan>,
        paid: Option<StoredSale>,
        kindred: &Kindred,
        now: Timestamp,
    ) -> Result<Attempt, Failure> {
        let deps = self.deps;
        let order: Option<(_, &RawValue)> = plan.brings_order.as_ref().map(|key| (key, &*self.message.order));
        let sale = plan.booked.as_ref().map(|booked| NewSale { sale: &booked.sale, customer: &booked.customer, stock: &booked.stock });
        let write = OrderCommit { entry: &plan.entry, known, order, sale, paid: paid.as_ref(), beside: &kindred.beside };
        let captured = match deps.table.commit_order(write, now).await {
            Err(error) if error.is_invalid() => return self.keep_refused(known, &plan.entry, &error).await.map(Attempt::Done),
            captured => captured?,
        };
        match captured {
            CommitOutcome::Written => {
                if known.is_none() && self.message.read_at.is_some_and(|read_at| now.duration_since(read_at) > STALE) {
                    self.read_again(now).await?;
                }
                return Ok(Attempt::Done(done(*plan)));
            }
            CommitOutcome::EntryChanged => {}
            CommitOutcome::StockShort(short) => {
                for (key, level) in short {
                    self.levels.learn(key, level);
                }
                return Ok(Attempt::Again { known_changed: false });
            }
            CommitOutcome::CustomerChanged => {
                let fresh = customers::read_again(deps, self.context, &self.revision.order, plan.booked.as_ref()).await?;
                self.customers = Cow::Owned(fresh);
            }
            CommitOutcome::SaleExists(existing) => self.conflicting_sale = Some(existing.sale),
        }
        Ok(Attempt::Again { known_changed: true })
    }

    /// Writes what is known of an order that the table refuses for what it holds, and the refusal.
    async fn keep_refused(&self, known: Option<&OrderRecord>, planned: &LogEntry, error: &Error) -> Result<Processed, Failure> {
        let now = (self.deps.clock)();
        let key = self.revision.key;
        let entry = known.and_then(OrderRecord::entry).map(|stored| &stored.entry);
        let plan = match not_storable(planned, entry, key, &self.message.operation_id, now) {
            Transition::Nothing { outcome, reason } => return Ok(self.unchanged(known, outcome, reason)),
            Transition::Write(plan) => plan,
        };
        tracing::error!(order_id = %plan.entry.order_id, error = %stevedore_lambda::ErrorChain(error), "DynamoDB refuses the order for what it holds");
        let order = Some((&key, &*self.message.order));
        let write = OrderCommit { entry: &plan.entry, known, order, sale: None, paid: None, beside: &[] };
        match self.deps.table.commit_order(write, now).await? {
            CommitOutcome::Written => Ok(done(*plan)),
            _ => Err(Failure::Contended),
        }
    }

    /// Has the next download read an order again that was captured from an old message: ShipStation may have changed or cancelled it since, in a state
    /// that was never queued because there was nothing to capture. What it finds becomes a noted change.
    async fn read_again(&self, now: Timestamp) -> Result<(), Failure> {
        Ok(self.deps.table.put_unreadable_order(&unread_places::of_order(self.revision.order.id, now, 0)).await?)
    }

    fn unchanged(&self, known: Option<&OrderRecord>, outcome: Outcome, reason: Option<Reason>) -> Processed {
        let entry = known.and_then(OrderRecord::entry).map(|stored| &stored.entry);
        Processed {
            order_id: self.revision.order.id,
            outcome,
            reason,
            state: entry.map(|entry| entry.state),
            sale_id: entry.and_then(|entry| entry.sale_id.clone()),
        }
    }
}

/// What an attempt has read.
struct Facts<'a> {
    known: Option<&'a OrderRecord>,
    existing: Option<&'a stevedore_domain::log::ExistingSale>,
    after: Option<&'a ReadAfterBooking>,
    kindred: &'a Kindred,
    now: Timestamp,
}

/// Outcome of an order with nothing to write yet.
fn waiting(entry: &LogEntry) -> Processed {
    let (order_id, state, sale_id) = (entry.order_id, Some(entry.state), entry.sale_id.clone());
    Processed { order_id, outcome: Outcome::Unchanged, reason: Some(Reason::NothingBookedChanged), state, sale_id }
}

fn done(plan: EntryPlan) -> Processed {
    let EntryPlan { entry, outcome, reason, .. } = plan;
    Processed { order_id: entry.order_id, outcome, reason: reason.or(entry.reason), state: Some(entry.state), sale_id: entry.sale_id }
}
