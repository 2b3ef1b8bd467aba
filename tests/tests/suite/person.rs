//! Acts and views of a person in a world.

use jiff::SignedDuration;
use serde_json::json;
use stevedore_domain::ids::OperationId;
use stevedore_domain::log::LogEntry;
use stevedore_domain::operation::{Operation, OperationKind, OperationRow};
use stevedore_domain::sale::Sale;

use crate::world::{World, order_id};

impl World {
    /// A download, due or not.
    pub async fn download_now(&self) -> Operation {
        // A tick that is not later than the last one was sent by hand.
        let last = self.table.cursor().await.unwrap().value.last_tick.unwrap_or_else(|| self.clock.now());
        let event = json!({"source": "aws.events", "detail-type": "Scheduled Event", "time": last});
        let answer = fetch_orders::handle(&self.fetch, event, self.deadline()).await.unwrap();
        let id = OperationId(answer["operation_id"].as_str().unwrap_or_else(|| panic!("not run: {answer}")).to_owned());
        self.drain().await;
        self.operation(&id).await
    }

    /// An operation that a person starts over the API, until its end.
    pub async fn start(&self, kind: OperationKind) -> Operation {
        // Two of the same time would have one id.
        self.clock.advance(SignedDuration::from_secs(1));
        let now = self.clock.now();
        let account = self.table.of_connected_account().await.unwrap().account();
        let operation = Operation { id: OperationId::at(now, "by-hand", 1), ..Operation::new(kind, account, "avery", now) };
        assert!(self.table.create_operation(&operation).await.unwrap().is_some(), "the operation's id is taken");
        self.queues.send_run(&operation).await.unwrap();
        self.drain().await;
        self.operation(&operation.id).await
    }

    /// Loads one order by its number.
    pub async fn load_number(&self, number: &str) -> Operation {
        self.start(OperationKind::LoadOrder { order_number: number.to_owned() }).await
    }

    /// An operation's present rows.
    pub async fn rows(&self, operation: &Operation) -> Vec<OperationRow> {
        self.table.settle_operation(&operation.id, self.clock.now()).await.unwrap().unwrap().1
    }

    /// The row of an order in an operation.
    pub async fn row(&self, operation: &Operation, order: i64) -> OperationRow {
        let rows = self.rows(operation).await;
        let own: Vec<_> = rows.into_iter().filter(|row| row.order_id == Some(order_id(order))).collect();
        assert_eq!(own.len(), 1, "one row for each order: {own:?}");
        own.into_iter().next().unwrap()
    }

    /// The log entry of an order, if it has one.
    pub async fn logged(&self, order: i64) -> Option<LogEntry> {
        self.table.log_entry(order_id(order)).await.unwrap().map(|stored| stored.entry)
    }

    /// The sale that the log ties to an order.
    pub async fn sale(&self, order: i64) -> Sale {
        let entry = self.logged(order).await.unwrap_or_else(|| panic!("order {order} is not in the log"));
        let id = entry.sale_id.clone().unwrap_or_else(|| panic!("no sale: {entry:?}"));
        self.table.sale(&id).await.unwrap().unwrap().sale
    }
}
