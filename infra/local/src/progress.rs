//! Progress of a stack, read from the table beside the flow, so that nothing waits for the reader.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use stevedore_aws::messages::OrderMessage;
use stevedore_aws::{List, Table};
use stevedore_domain::ids::{OperationId, OrderId, StoreId};
use stevedore_domain::log::LogState;
use stevedore_domain::money::{Currency, Minor};
use stevedore_domain::operation::Operation;
use stevedore_lambda::{Clock, ErrorChain};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

/// Interval at which operations are read (real time).
const OPERATIONS_EVERY: Duration = Duration::from_millis(500);
/// Orders that are looked up together.
const ORDERS_A_LOOK: usize = 50;

/// A progress event.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "one at a time, for a terminal")]
pub enum Progress {
    /// All parts listen.
    Ready(Addresses),
    /// A step of the first set-up is done.
    Step(String),
    /// An order was captured, or a newer revision of it was stored.
    Order(OrderLine),
    /// An operation ended, and every order is accounted for.
    Operation(OperationLine),
    /// A step failed and is tried again automatically.
    Trouble(String),
}

/// Addresses of everything that listens.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// The HTTP API: `http://127.0.0.1:PORT`.
    pub api: String,
    /// DynamoDB, SQS and Secrets Manager.
    pub engines: String,
    /// ShipStation.
    pub shipstation: String,
    /// The sandbox behind it: orders and lines at the start of this run, and the rest in a
    /// sentence; `None` for another ShipStation.
    pub sandbox: Option<String>,
    /// The API's bearer token, of the grade that may configure.
    pub token: SecretString,
    /// The tokens of a reader and of an operator.
    pub lesser_tokens: Vec<SecretString>,
    /// The environment file for the same functions in other programs; `None` in memory.
    pub environment: Option<PathBuf>,
}

/// The present state of an order, without data of its buyer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderLine {
    /// Time of the reading, by the stack's clock.
    pub at: Timestamp,
    /// The merchant's zone.
    pub time_zone: String,
    /// ShipStation's number.
    pub order_number: String,
    /// The store's name, or its id.
    pub store: String,
    /// Lines of the sale; none without one.
    pub lines: Option<usize>,
    /// The sale's total, else the order's.
    pub total: Option<(Minor, Currency)>,
    /// State of the order's log entry.
    pub state: LogState,
    /// Reason, unless the order is plainly booked.
    pub reason: Option<String>,
}

/// An operation at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationLine {
    /// Time of the reading, by the stack's clock.
    pub at: Timestamp,
    /// The merchant's zone.
    pub time_zone: String,
    /// The operation.
    pub operation: Operation,
}

/// Follows the table. It ends after a last reading when the senders of `orders` are dropped.
pub(crate) struct Follower {
    pub(crate) table: Table,
    pub(crate) clock: Clock,
    pub(crate) progress: UnboundedSender<Progress>,
    /// Bodies of order messages that were just processed.
    pub(crate) orders: UnboundedReceiver<Vec<String>>,
}

#[derive(Deserialize)]
struct OrderRef {
    #[serde(rename = "orderId")]
    order_id: OrderId,
}

impl Follower {
    /// Follows until the flow has ended.
    pub(crate) async fn follow(mut self) {
        let mut told = self.finished_operations().await;
        let mut shown = Shown::default();
        let mut every = tokio::time::interval(OPERATIONS_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let mut bodies = Vec::new();
            let ended = tokio::select! {
                // An operation's orders are reported before its end.
                biased;
                received = self.orders.recv_many(&mut bodies, ORDERS_A_LOOK / 10) => received == 0,
                _ = every.tick() => {
                    self.tell(self.operations(&mut told, &mut shown).await);
                    false
                }
            };
            if !bodies.is_empty() {
                let bodies = bodies.into_iter().flatten().collect::<Vec<_>>();
                self.tell(self.look(&bodies, &mut shown).await);
            }
            if ended {
                self.tell(self.operations(&mut told, &mut shown).await);
                return;
            }
        }
    }

    fn tell(&self, news: Result<Vec<Progress>, stevedore_aws::Error>) {
        match news {
            // The receiver is dropped when the program ends.
            Ok(news) => news.into_iter().for_each(|news| drop(self.progress.send(news))),
            Err(error) => tracing::debug!(error = %ErrorChain(&error), "could not look at the table"),
        }
    }

    /// Operations that an earlier run of the stack has reported already.
    async fn finished_operations(&self) -> HashSet<OperationId> {
        let list = List { limit: 200, ..List::default() };
        let operations = self.table.list_operations(&list).await.map(|page| page.items).unwrap_or_default();
        operations.into_iter().filter(|operation| operation.state.is_final()).map(|operation| operation.id).collect()
    }

    async fn operations(&self, told: &mut HashSet<OperationId>, shown: &mut Shown) -> Result<Vec<Progress>, stevedore_aws::Error> {
        shown.time_zone = self.table.settings().await?.value.time_zone;
        let page = self.table.list_operations(&List { limit: 20, ..List::default() }).await?;
        let mut news = Vec::new();
        for operation in page.items.into_iter().rev().filter(|operation| !told.contains(&operation.id)).collect::<Vec<_>>() {
            let now = (self.clock)();
            // Settling is the API's work at a view: it counts the present outcomes of the log.
            let operation = match self.table.settle(&operation.id, now).await? {
                Some(settled) if settled.operation.state.is_final() => settled.operation,
                _ => continue,
            };
            told.insert(operation.id.clone());
            news.push(Progress::Operation(OperationLine { at: now, time_zone: shown.time_zone.clone(), operation }));
        }
        Ok(news)
    }

    async fn look(&self, bodies: &[String], shown: &mut Shown) -> Result<Vec<Progress>, stevedore_aws::Error> {
        let messages = bodies.iter().filter_map(|body| {
            let message = OrderMessage::decode(body).ok()?;
            let order: OrderRef = serde_json::from_str(message.order.get()).ok()?;
            Some((order.order_id, message.operation_id))
        });
        let wanted: Vec<(OrderId, OperationId)> = messages.collect();
        let orders: Vec<OrderId> = wanted.iter().map(|(order, _)| *order).collect();
        let entries = self.table.log_entries(orders).await?;
        let sales: Vec<_> = entries.values().filter_map(|stored| stored.entry.sale_id.clone()).collect();
        let sales = self.table.sales(sales).await?;
        shown.learn_names(&self.table).await?;
        let mut news = Vec::new();
        for (order, operation) in wanted {
            let Some(entry) = entries.get(&order).map(|stored| &stored.entry) else { continue };
            let brought = entry.revisions.iter().any(|seen| seen.operation_id.as_ref() == Some(&operation));
            if !brought || !shown.is_news(order, entry.revisions.len(), entry.state) {
                continue;
            }
            let sale = entry.sale_id.as_ref().and_then(|id| sales.get(id)).map(|stored| &stored.sale);
            let total = sale.map(|sale| (sale.total, sale.currency)).or_else(|| entry.order_total.map(|total| (total, entry.currency)));
            news.push(Progress::Order(OrderLine {
                at: (self.clock)(),
                time_zone: shown.time_zone.clone(),
                order_number: entry.order_number.clone(),
                store: shown.store(entry.store_id),
                lines: sale.map(|sale| sale.lines.len()),
                total,
                state: entry.state,
                reason: entry.reason.map(|reason| reason.code().to_owned()),
            }));
        }
        Ok(news)
    }
}

/// Records that were shown, and the state that is needed to show more.
#[derive(Default)]
struct Shown {
    orders: HashMap<OrderId, (usize, LogState)>,
    stores: HashMap<StoreId, String>,
    time_zone: String,
}

impl Shown {
    /// The same state of the same revision is reported once, for any number of deliveries.
    fn is_news(&mut self, order: OrderId, revisions: usize, state: LogState) -> bool {
        self.orders.insert(order, (revisions, state)) != Some((revisions, state))
    }

    async fn learn_names(&mut self, table: &Table) -> Result<(), stevedore_aws::Error> {
        // Each time, because the first set-up writes it while this already reads.
        self.time_zone = table.settings().await?.value.time_zone;
        if self.stores.is_empty()
            && let Some((names, _)) = table.store_names().await?
        {
            self.stores = names.into_iter().collect();
        }
        Ok(())
    }

    fn store(&self, id: Option<StoreId>) -> String {
        let Some(id) = id else { return "-".to_owned() };
        self.stores.get(&id).cloned().unwrap_or_else(|| format!("store {id}"))
    }
}
