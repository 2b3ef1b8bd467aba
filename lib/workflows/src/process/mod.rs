//! Order messages become log entries and sales: each is decided on by itself and written in one transaction.

mod after_booking;
mod batch_context;
mod live_sale;
mod metrics;
mod refused;

use std::borrow::Cow;

use crate::booking::{Alike, Kindred, Terms, remember_buyer};
use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;
use stevedore_aws::messages::OrderMessage;
use stevedore_aws::{CommitOutcome, DetachedSale, NewSale, OrderCommit, OrderRecord, Queues, StoredSale, Table, UnreadableOrder};
use stevedore_domain::ids::{OrderId, SaleId, ShipstationAccount};
use stevedore_domain::log::{Decision, LogEntry, LogState, Outcome, Trigger, classify, hold};
use stevedore_domain::order::{Order, Revision, RevisionKey};
use stevedore_domain::reason::Reason;
use stevedore_domain::sale::{Booked, CustomerMatches, Sale, Unbookable, book};
use stevedore_domain::settings::Consolidation;
use stevedore_domain::stock::Levels;
use stevedore_domain::warning::Warning;
use stevedore_lambda::Clock;
use stevedore_shipstation::{Malformed, parse_order};

pub use batch_context::BatchContext;
pub use metrics::{METRICS, Outcomes};

use after_booking::{AfterBooking, At};
use live_sale::ExistingSale;

/// Number of times that an order is decided on again because others wrote to it at the same time.
const ATTEMPTS: u32 = 10;
/// A message that is older than this was redriven: the queue's own deliveries take an hour.
const STALE: SignedDuration = SignedDuration::from_hours(2);

/// Parts that processing needs; built once for each process.
#[derive(Clone)]
pub struct Deps {
    /// The table.
    pub table: Table,
    /// The queues: for what cannot be processed.
    pub queues: Queues,
    /// The clock.
    pub clock: Clock,
}

/// Outcome of a message.
#[derive(Debug)]
pub struct Processed {
    /// The order.
    pub order_id: OrderId,
    /// Outcome of the order.
    pub outcome: Outcome,
    /// The reason, where there is one.
    pub reason: Option<Reason>,
    /// The state of its log entry, where it has one.
    pub state: Option<LogState>,
    /// Its sale, where it has one.
    pub sale_id: Option<SaleId>,
}

/// Reasons why a message's work is not done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The order in it cannot be read. `fetch-orders` sends none such.
    #[error("the order cannot be read at {pointer}", pointer = .0.pointer)]
    Malformed(Box<Malformed>),
    /// The table.
    #[error("the request to the table failed")]
    Table(#[source] stevedore_aws::Error),
    /// Others kept writing to the same order.
    #[error("other writers kept changing the order")]
    Contended,
}

impl From<stevedore_aws::Error> for Failure {
    fn from(error: stevedore_aws::Error) -> Self {
        Self::Table(error)
    }
}

/// Plan for an order, decided before anything is written.
pub(crate) struct EntryPlan {
    pub(crate) entry: LogEntry,
    /// The revision that the message brought, where it is new to the log.
    pub(crate) brings_order: Option<RevisionKey>,
    pub(crate) booked: Option<Booked>,
    /// The order's sale with a payment that came later.
    pub(crate) paid: Option<Box<StoredSale>>,
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<Reason>,
}

/// Decides on one order message and writes what it becomes.
///
/// # Errors
/// [`Failure`]; nothing is written then.
pub async fn process(deps: &Deps, context: &BatchContext, message: &OrderMessage) -> Result<Processed, Failure> {
    let mut revision = parse_order(message.order.get(), message.read_at).map_err(|error| Failure::Malformed(Box::new(error)))?;
    let order_id = revision.order.id;
    let set_aside = |reason| Processed { order_id, outcome: Outcome::Skipped, reason: Some(reason), state: None, sale_id: None };
    if let Some(reason) = not_of(context.connected, message) {
        return Ok(set_aside(reason));
    }
    if context.newest.get(&order_id).is_some_and(|newest| newest.overtakes(&revision.key, message.trigger)) {
        return Ok(Processed { order_id, outcome: Outcome::Unchanged, reason: Some(Reason::OlderRevision), state: None, sale_id: None });
    }
    let mut known: Option<Cow<'_, OrderRecord>> = context.known.get(&order_id).map(Cow::Borrowed);
    let mut customers: Cow<'_, CustomerMatches> = Cow::Borrowed(context.reference.customers(order_id));
    let mut levels = Levels::default();
    // A sale whose id the order's next one would have, although nothing here remembers it.
    let mut conflicting_sale: Option<Sale> = None;
    let mut alike = Alike { queued: message.alike.iter().copied().collect(), ..Alike::default() };
    let mut looked = false;
    for _ in 0..ATTEMPTS {
        let now = (deps.clock)();
        let entry = known.as_deref().and_then(OrderRecord::entry);
        if let Some(stored) = entry
            && remember_buyer(&deps.table, &mut revision.order, stored).await?
        {
            customers = Cow::Owned(matches(deps, context, &revision.order).await?);
        }
        let order = &revision.order;
        let live = ExistingSale::find(deps, known.as_deref(), conflicting_sale.as_ref()).await?;
        // Apart, so that an order that is new does not carry the room for it.
        let after = match known.as_deref() {
            Some(known) => Box::pin(after_booking::read(deps, context, message.trigger, &revision, known)).await?,
            None => None,
        };
        if let (Some(after), Some(stored)) = (&after, known.as_deref().and_then(OrderRecord::entry))
            && after.waits_for_its_day(&stored.entry, order)
        {
            read_again(deps, order.id, now).await?;
            return Ok(waiting(&stored.entry));
        }
        let after = after.as_deref();
        let kindred = match entry.map(|stored| &stored.entry) {
            // What has a sale is not booked again, whoever its kin are.
            Some(entry) if matches!(entry.state, LogState::Booked | LogState::Consolidating | LogState::Voided) => Kindred::default(),
            entry => {
                if !looked && may_be_booked(context, &revision, entry, message.trigger) {
                    alike = alike.look(&deps.table, order).await?;
                    looked = true;
                }
                Kindred::read(&deps.table, order, entry, &alike).await?
            }
        };
        let with = PlanInput {
            context,
            customers: &customers,
            levels: &levels,
            message,
            conflicting_sale: conflicting_sale.as_ref().map(|sale| &sale.id),
            kindred: &kindred,
            after,
        };
        let plan = match plan(with, &revision, known.as_deref(), live.as_ref(), now) {
            Ok(plan) => plan,
            Err(done) => return Ok(done),
        };
        let raw: Option<(_, &RawValue)> = plan.brings_order.as_ref().map(|key| (key, &*message.order));
        let sale = plan.booked.as_ref().map(|booked| NewSale { sale: &booked.sale, customer: &booked.customer, stock: &booked.stock });
        let write = OrderCommit {
            entry: &plan.entry,
            known: known.as_deref(),
            order: raw,
            sale,
            paid: plan.paid.as_deref(),
            beside: &kindred.beside,
        };
        let captured = match deps.table.commit_order(write, now).await {
            Err(error) if error.is_invalid() => {
                return refused::keep(deps, &plan.entry, known.as_deref(), &revision, message, &error).await;
            }
            captured => captured?,
        };
        match captured {
            CommitOutcome::Written => {
                if known.is_none() && message.read_at.is_some_and(|read_at| now.duration_since(read_at) > STALE) {
                    read_again(deps, order_id, now).await?;
                }
                return Ok(plan.done());
            }
            CommitOutcome::EntryChanged => {}
            CommitOutcome::StockShort(short) => {
                for (key, level) in short {
                    levels.learn(key, level);
                }
                // Nothing else has changed.
                continue;
            }
            CommitOutcome::CustomerChanged => {
                let fresh = matches(deps, context, order).await?;
                customers = Cow::Owned(adopt(deps, fresh, plan.booked.as_ref()).await?);
            }
            CommitOutcome::SaleExists(existing) => conflicting_sale = Some(existing.sale),
        }
        // The connection was read with the batch. Another writer may have been a disconnect, and
        // then this order is not the connected account's any more.
        if let Some(reason) = disconnected(deps, message).await? {
            return Ok(set_aside(reason));
        }
        known = deps.table.order_record(order_id).await?.map(Cow::Owned);
    }
    Err(Failure::Contended)
}

/// Reason for which a message is set aside while `connected` is the whole connection's account.
fn not_of(connected: Option<ShipstationAccount>, message: &OrderMessage) -> Option<Reason> {
    match connected {
        None => Some(Reason::NotConnected),
        Some(account) => (account != message.account).then_some(Reason::OtherAccount),
    }
}

/// The same by the connection as it is now.
async fn disconnected(deps: &Deps, message: &OrderMessage) -> Result<Option<Reason>, Failure> {
    let connection = deps.table.connection().await?.map(|stored| stored.value).filter(|connection| !connection.disconnecting);
    Ok(not_of(connection.map(|connection| connection.account), message))
}

/// True if this may book the order, so that others of its number are looked for. With daily consolidation the day's run looks for them.
fn may_be_booked(context: &BatchContext, revision: &Revision, entry: Option<&LogEntry>, trigger: Trigger) -> bool {
    let decision = || classify(revision, &context.settings, entry, trigger);
    context.settings.consolidation == Consolidation::None
        && match entry {
            None => matches!(decision(), Decision::Capture),
            Some(entry) => entry.state.is_open() || matches!(decision(), Decision::Replace),
        }
}

/// The customers that the order may belong to, as they are now.
async fn matches(deps: &Deps, context: &BatchContext, order: &Order) -> Result<CustomerMatches, Failure> {
    let wanted = [(order.customer_id, order.customer_email.clone())];
    let fresh = deps.table.customers_for(&wanted, context.settings.customer_id.as_ref()).await?;
    Ok(fresh.into_iter().next().unwrap_or_default())
}

/// Data on which an order is decided.
#[derive(Clone, Copy)]
struct PlanInput<'a> {
    context: &'a BatchContext,
    customers: &'a CustomerMatches,
    levels: &'a Levels,
    message: &'a OrderMessage,
    conflicting_sale: Option<&'a SaleId>,
    after: Option<&'a AfterBooking>,
    kindred: &'a Kindred,
}

/// Has the next download read an order again that was captured from an old message: ShipStation may have changed or cancelled it since, in a state
/// that was never queued because there was nothing to capture. What it finds becomes a noted change.
async fn read_again(deps: &Deps, order: OrderId, now: Timestamp) -> Result<(), Failure> {
    let position = format!("order#{order}");
    let unreadable_order =
        UnreadableOrder { position, order_id: Some(order), by_creation: false, from: None, until: None, first_seen: now, attempts: 0 };
    Ok(deps.table.put_unreadable_order(&unreadable_order).await?)
}

/// An order with nothing to write yet.
fn waiting(entry: &LogEntry) -> Processed {
    let (order_id, state, sale_id) = (entry.order_id, Some(entry.state), entry.sale_id.clone());
    Processed { order_id, outcome: Outcome::Unchanged, reason: Some(Reason::NothingBookedChanged), state, sale_id }
}

/// The customer whose derived id is taken although nothing links it to the order's buyer: the id names account and buyer, and the link is gone.
async fn adopt(deps: &Deps, mut matches: CustomerMatches, booked: Option<&Booked>) -> Result<CustomerMatches, Failure> {
    use stevedore_domain::sale::CustomerChoice;
    if let (None, Some(Booked { customer: CustomerChoice::Create(new), .. })) = (&matches.by_email, booked)
        && (matches.linked.is_none() || new.replaces_link)
    {
        let existing = deps.table.record::<stevedore_domain::reference::Customer>(new.customer.id.as_str()).await?;
        // By e-mail, so that booking links it from now on.
        matches.by_email = existing.map(|stored| std::sync::Arc::new(stored.value));
    }
    Ok(matches)
}

impl EntryPlan {
    fn done(&self) -> Processed {
        Processed {
            order_id: self.entry.order_id,
            outcome: self.outcome,
            reason: self.reason.or(self.entry.reason),
            state: Some(self.entry.state),
            sale_id: self.entry.sale_id.clone(),
        }
    }
}

/// Decides, without writing. `Err` is an order with nothing to write.
fn plan(
    with: PlanInput<'_>,
    revision: &Revision,
    known: Option<&OrderRecord>,
    live: Option<&ExistingSale>,
    now: Timestamp,
) -> Result<EntryPlan, Processed> {
    let PlanInput { context, message, .. } = with;
    let settings = &context.settings;
    let detached = match known {
        Some(OrderRecord::DetachedSale(detached)) => Some(detached),
        _ => None,
    };
    let known = known.and_then(OrderRecord::entry);
    let decision = live_sale::decide(classify(revision, settings, known.map(|known| &known.entry), message.trigger), live, known.is_some());
    let nothing = || Processed {
        order_id: revision.order.id,
        outcome: decision.outcome(),
        reason: decision.reason(),
        state: known.map(|known| known.entry.state),
        sale_id: known.and_then(|known| known.entry.sale_id.clone()),
    };
    let one_by_one = settings.consolidation == Consolidation::None;
    let by = message.operation_id.as_str();
    let key = revision.key_beside(known.and_then(|known| known.entry.newest()));
    let mut brings_order = true;
    let mut entry = match (&decision, known) {
        (Decision::Nothing(..), Some(known)) => {
            // An open order that comes again as it is (a redelivery, or somebody asked to process it) is tried again: what blocked it may be gone.
            let same = known.entry.newest().is_some_and(|newest| newest.digest == key.digest);
            let open = matches!(known.entry.state, LogState::Pending | LogState::Blocked | LogState::Failed);
            if !(one_by_one && same && open) {
                return Err(nothing());
            }
            brings_order = false;
            known.entry.clone()
        }
        (Decision::Nothing(..), None) => return Err(nothing()),
        (_, Some(known)) => known.entry.clone(),
        (_, None) => {
            LogEntry { past_sales: detached.map(DetachedSale::past_sales).unwrap_or_default(), ..new_entry(revision, context, now) }
        }
    };
    if brings_order {
        brings_order = entry.newest().is_none_or(|newest| key.digest != newest.digest || key.modified_at > newest.modified_at);
        if brings_order {
            entry.record_revision(key, Some(message.operation_id.clone()));
            entry.order_number.clone_from(&revision.order.number);
            entry.store_id = revision.order.store_id;
        }
        entry.record_kin(&revision.order);
    }
    // While there is no sale, the entry's amounts follow the settings' currency; then they are in the sale's.
    if entry.sale_id.is_none() {
        entry.currency = settings.currency;
    }
    if brings_order || entry.sale_id.is_none() {
        entry.order_total = entry.currency.minor(revision.order.total).ok();
    }
    let brought = brings_order.then_some(key);
    let done = |entry, booked| EntryPlan {
        entry,
        brings_order: brought,
        booked,
        paid: None,
        outcome: decision.outcome(),
        reason: decision.reason(),
    };
    match decision {
        Decision::Withdraw(reason) => {
            let what =
                if reason == Reason::Withdrawn { "cancelled in ShipStation and withdrawn" } else { "gone from ShipStation and withdrawn" };
            if reason == Reason::Withdrawn {
                entry.is_back();
            }
            set(&mut entry, LogState::Withdrawn, Some(Warning::new(reason, "")));
            entry.add_event(now, what, by);
            return Ok(done(entry, None));
        }
        Decision::RecordLaterModifyDate => {
            entry.is_here(&revision.key);
            entry.mark_unchanged(&key);
            return Ok(done(entry, None));
        }
        Decision::Remember(reason) => {
            let again = entry.state == LogState::Skipped && entry.reason == Some(reason) && known.is_some();
            entry.is_back();
            set(&mut entry, LogState::Skipped, Some(Warning::new(reason, "")));
            if !again {
                entry.add_event(now, format!("skipped: {reason}"), by);
            }
            return Ok(done(entry, None));
        }
        Decision::NoteChange(reason) => {
            entry.is_here(&revision.key);
            let Some(after) = with.after else {
                entry.add_warning(Warning::new(reason, ""));
                return Ok(done(entry, None));
            };
            return Ok(after.plan(entry, At { revision, key: brought, settings, now, by }));
        }
        Decision::Capture | Decision::Replace => entry.is_back(),
        Decision::Nothing(..) => {}
    }
    let first_capture = entry.captured_by.is_none();
    if first_capture && !matches!(decision, Decision::Nothing(..)) {
        entry.captured_by = Some(message.operation_id.clone());
    }
    if let Some(live) = live {
        live.tie(&mut entry, revision, with.after, now, message);
        return Ok(done(entry, None));
    }
    if let Some((why, held_for)) = hold(&revision.order, &entry, &with.kindred.relatives) {
        let reason = why.reason;
        return if entry.hold(why, held_for, now, by) || brings_order {
            Ok(EntryPlan { entry, brings_order: brought, booked: None, paid: None, outcome: decision.outcome(), reason: Some(reason) })
        } else {
            Err(nothing())
        };
    }
    if !one_by_one {
        set(&mut entry, LogState::Pending, None);
        entry.add_event(now, if first_capture { "captured" } else { "replaced by a newer revision" }, by);
        return Ok(done(entry, None));
    }
    // A void sale that the entry still names makes way.
    entry.detach_sale();
    entry.past_sales.extend(with.conflicting_sale.filter(|id| !entry.past_sales.contains(id)).cloned());
    let sale_id = entry.next_sale_id();
    let terms = Terms { settings, levels: with.levels, sale_id: &sale_id, booked_at: now };
    match book(revision, context.reference.booking(revision, with.customers, terms)) {
        Ok(booked) => {
            set(&mut entry, LogState::Booked, None);
            book_entry(&mut entry, &booked.sale, &revision.order, now, message);
            Ok(done(entry, Some(booked)))
        }
        Err(unbookable) => {
            let (state, warning) = match unbookable {
                Unbookable::Blocked(warning) => (LogState::Blocked, warning),
                Unbookable::Failed(warning) => (LogState::Failed, warning),
            };
            let unchanged = !brings_order
                && entry.state == state
                && entry.reason == Some(warning.reason)
                && entry.message.as_deref() == Some(warning.message.as_str());
            if unchanged {
                return Err(nothing());
            }
            entry.add_event(now, format!("{}: {}", state.as_str(), warning.reason), by);
            let reason = warning.reason;
            set(&mut entry, state, Some(warning));
            let outcome = if state == LogState::Failed { Outcome::Failed } else { decision.outcome() };
            Ok(EntryPlan { entry, brings_order: brought, booked: None, paid: None, outcome, reason: Some(reason) })
        }
    }
}

fn new_entry(revision: &Revision, context: &BatchContext, now: Timestamp) -> LogEntry {
    let order = &revision.order;
    LogEntry {
        account: context.table.account(),
        order_id: order.id,
        order_number: order.number.clone(),
        store_id: order.store_id,
        state: LogState::Pending,
        reason: None,
        message: None,
        sale_id: None,
        past_sales: Vec::new(),
        booked: None,
        revisions: Vec::new(),
        order_total: None,
        sale_total: None,
        currency: context.settings.currency,
        warnings: Vec::new(),
        timeline: Vec::new(),
        captured_at: now,
        captured_by: None,
        kin: None,
    }
}

fn set(entry: &mut LogEntry, state: LogState, why: Option<Warning>) {
    entry.state = state;
    entry.reason = why.as_ref().map(|warning| warning.reason);
    entry.message = why.map(|warning| warning.message);
}

fn book_entry(entry: &mut LogEntry, sale: &Sale, order: &Order, now: Timestamp, message: &OrderMessage) {
    set(entry, LogState::Booked, None);
    entry.sale_id = Some(sale.id.clone());
    // A sale that is there already was made from a revision of its own.
    if let Some(key) = sale.booked_revision.or_else(|| entry.newest().copied()) {
        entry.booked_as(key);
    }
    entry.sale_total = Some(sale.total);
    entry.currency = sale.currency;
    entry.order_total = sale.currency.minor(order.total).ok();
    entry.warnings.clone_from(&sale.warnings);
    entry.booked_kin();
    entry.add_event(now, format!("captured and booked as {}", sale.id), message.operation_id.as_str());
}
