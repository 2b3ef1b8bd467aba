//! The whole system in one test: engines, sandbox and the functions' handlers, with a clock that
//! only moves when it is set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::bound::Bound;

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use stevedore_aws::interceptors::{
    BeforeTransmitInterceptorContextMut, BoxError, ConfigBag, Intercept, RuntimeComponents, SharedInterceptor,
};
use stevedore_aws::{
    ClientOptions, Clients, Connection, ConnectionMode, List, QueueSettings, Queues, ReceivedMessage, Secrets, StoredCredentials,
    StoredEntry, StoredSale, Table, create_queues, create_table,
};
use stevedore_domain::address::Address;
use stevedore_domain::ids::{OperationId, OrderId};
use stevedore_domain::operation::Operation;
use stevedore_domain::reference::{Account, AccountKind, Location, TaxComponent, TaxRule};
use stevedore_domain::settings::Settings;
use stevedore_engines::{EngineOptions, Engines, Indexes};
use stevedore_lambda::{Clock, Deadline};
use stevedore_sandbox::{Sandbox, SandboxOptions, Serving};
use stevedore_shipstation::{Client, ClientOptions as ShipStationOptions, http_client};

/// Start time of every world.
pub const START: &str = "2026-01-15T18:00:00Z";

/// A clock that a test moves.
#[derive(Clone)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub fn new(start: &str) -> Self {
        Self(Arc::new(AtomicI64::new(start.parse::<Timestamp>().unwrap().as_millisecond())))
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap()
    }

    pub fn advance(&self, by: SignedDuration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub fn clock(&self) -> Clock {
        let own = self.clone();
        // Readings do not move the clock: two operations in one millisecond get different ids by
        // the table's own condition.
        Arc::new(move || own.now())
    }
}

/// An exact amount.
pub fn dec(text: &str) -> stevedore_domain::money::Decimal {
    text.parse().unwrap()
}

/// Options of a world.
pub struct Options {
    pub start: &'static str,
    pub orders: usize,
    pub interceptors: Vec<SharedInterceptor>,
    /// Seed of the simulation of load; by default that of the environment.
    pub lag: Option<u64>,
    pub sandbox: Box<dyn FnOnce(&mut SandboxOptions)>,
}

impl Default for Options {
    fn default() -> Self {
        Self { start: START, orders: 0, interceptors: Vec::new(), lag: lag(), sandbox: Box::new(|_| {}) }
    }
}

/// Another DynamoDB for the same flows (docs/second-engine.md).
pub fn tables_at() -> Option<String> {
    std::env::var("STEVEDORE_TABLES_AT").ok()
}

/// The seed of the simulation of load for the same flows (docs/second-engine.md).
pub fn lag() -> Option<u64> {
    std::env::var("STEVEDORE_LAG").ok().map(|seed| seed.parse().expect("STEVEDORE_LAG is a number"))
}

/// The table of a function.
fn table_of(clients: &Clients) -> Table {
    let table = Table::new(clients, "stevedore");
    // DynamoDB Local of 2020 takes ten writes in a transaction, as DynamoDB itself did at first.
    if tables_at().is_some() { table.moving_at_most(8) } else { table }
}

/// Brings lagging indexes up to date before each query.
#[derive(Clone)]
pub struct Patient(pub Indexes);

impl std::fmt::Debug for Patient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Patient").finish_non_exhaustive()
    }
}

impl Intercept for Patient {
    fn name(&self) -> &'static str {
        "Patient"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.request().headers().get("x-amz-target").is_some_and(|target| target.ends_with(".Query")) {
            self.0.catch_up();
        }
        Ok(())
    }
}

/// The whole running system.
pub struct World {
    pub clock: TestClock,
    pub engines: Engines,
    pub sandbox: Sandbox,
    serving: Serving,
    pub clients: Clients,
    pub table: Table,
    pub queues: Queues,
    pub secrets: Secrets,
    pub fetch: fetch_orders::Deps,
    pub run: run_operations::Deps,
    pub process: process_orders::Deps,
    pub consolidate: consolidate::Deps,
}

pub const LOCATION: &str = "reno";
pub const TAX_RULE: &str = "sales-tax";
pub const REVENUE: &str = "sales";
pub const BANK: &str = "bank";

impl World {
    /// Engines and a connected system that is set up; the sandbox has `orders` generated orders.
    pub async fn new(options: Options) -> Self {
        Self::around(options, Sandbox::generated).await
    }

    /// The same with the orders of a file.
    pub async fn of_file(path: &std::path::Path) -> Self {
        Self::around(Options::default(), |options| Sandbox::from_file(options, path).unwrap()).await
    }

    async fn around(how: Options, sandbox: impl FnOnce(SandboxOptions) -> Sandbox) -> Self {
        let Options { start, orders, interceptors, lag, sandbox: change } = how;
        let clock = TestClock::new(start);
        let engines = EngineOptions { tables_at: tables_at(), lag, ..EngineOptions::in_memory(clock.clock()) };
        let engines = Engines::start(engines).await.unwrap();
        let mut options = SandboxOptions::new(clock.clock());
        options.orders = orders;
        options.requests_per_minute = None;
        change(&mut options);
        let credentials = (options.api_key.clone(), options.api_secret.clone());
        let world = Self::assemble(clock, engines, sandbox(options), interceptors).await;
        world.set_up(credentials).await;
        world
    }

    /// The functions with existing engines and sandbox: a new process after a crash.
    pub async fn assemble(clock: TestClock, engines: Engines, sandbox: Sandbox, interceptors: Vec<SharedInterceptor>) -> Self {
        let serving = sandbox.serve(0).await.unwrap();
        let plain = Clients::at_endpoint(engines.endpoint(), ClientOptions::default());
        create_table(&plain, "stevedore").await.unwrap();
        let urls = create_queues(&plain, &QueueSettings::default()).await.unwrap();
        // A test reads lists when they are complete.
        let looking = std::iter::once(SharedInterceptor::new(Patient(engines.indexes()))).chain(interceptors.clone()).collect();
        let clients = Clients::at_endpoint(engines.endpoint(), ClientOptions { interceptors: looking, ..ClientOptions::default() });
        // Each function works under the role of the template.
        let of_function = |name| {
            let interceptors = crate::role_of(name).into_iter().chain(interceptors.clone()).collect();
            Clients::at_endpoint(engines.endpoint(), ClientOptions { interceptors, ..ClientOptions::default() })
        };
        let (of_fetch, of_process) = (of_function("FetchOrders"), of_function("ProcessOrders"));
        let table = table_of(&clients);
        let queues = Queues::new(&clients, urls);
        let secrets = Secrets::new(&clients, "stevedore");
        let sleeping = clock.clone();
        let mut shipstation = ShipStationOptions::new(serving.base_url(), http_client().unwrap(), clock.clock());
        // Waiting moves the clock instead of taking real time.
        shipstation.sleep = Arc::new(move |duration: Duration| {
            sleeping.advance(SignedDuration::try_from(duration).unwrap());
            Box::pin(tokio::task::yield_now())
        });
        let fetch = fetch_orders::Deps {
            table: table_of(&of_fetch),
            queues: Queues::new(&of_fetch, queues.urls().clone()),
            secrets: Secrets::new(&of_fetch, "stevedore"),
            shipstation: Client::new(shipstation),
            clock: clock.clock(),
        };
        let of_run = of_function("RunOperations");
        let run = run_operations::Deps {
            table: table_of(&of_run),
            queues: Queues::new(&of_run, queues.urls().clone()),
            secrets: Secrets::new(&of_run, "stevedore"),
            ..fetch.clone()
        };
        let process = process_orders::Deps {
            table: table_of(&of_process),
            queues: Queues::new(&of_process, queues.urls().clone()),
            clock: clock.clock(),
        };
        let of_consolidate = of_function("Consolidate");
        let consolidate = consolidate::Deps {
            table: table_of(&of_consolidate),
            queues: Queues::new(&of_consolidate, queues.urls().clone()),
            clock: clock.clock(),
        };
        Self { clock, engines, sandbox, serving, clients, table, queues, secrets, fetch, run, process, consolidate }
    }

    /// A person's first setup: a connection, a location, accounts, a tax rule and the settings that
    /// name them.
    async fn set_up(&self, (api_key, api_secret): (String, String)) {
        let now = self.clock.now();
        self.secrets.write(&StoredCredentials { api_key: api_key.clone().into(), api_secret: api_secret.into() }).await.unwrap();
        let connection = Connection {
            modes: vec![ConnectionMode::Store],
            integrated_at: now,
            api_key_last_four: api_key[api_key.len() - 4..].to_owned(),
            credentials_set_at: now,
            disconnecting: false,
            account: stevedore_domain::ids::ShipstationAccount::FIRST,
        };
        self.table.put_connection(&connection, None).await.unwrap();
        let location =
            Location { id: LOCATION.into(), name: "Reno".into(), address: Address::default(), priority: 0, active: true, created_at: now };
        self.table.put_record(&location, None).await.unwrap();
        let components = vec![TaxComponent { name: "State".into(), percent: "7.25".parse().unwrap(), account: None }];
        self.table
            .put_record(
                &TaxRule { id: TAX_RULE.into(), name: "Sales tax".into(), components, place: None, addresses: Vec::new(), created_at: now },
                None,
            )
            .await
            .unwrap();
        for (id, kind, receives_payments) in [(REVENUE, AccountKind::Revenue, false), (BANK, AccountKind::Asset, true)] {
            self.table
                .put_record(&Account { id: id.into(), name: id.into(), kind, receives_payments, created_at: now }, None)
                .await
                .unwrap();
        }
        self.settings(|settings| {
            settings.location_map.default = Some(LOCATION.into());
            settings.tax.default_rule = Some(TAX_RULE.into());
            settings.payment.account = Some(BANK.into());
            settings.time_zone = "America/New_York".into();
        })
        .await;
    }

    /// Changes the settings.
    pub async fn settings(&self, change: impl FnOnce(&mut Settings)) {
        let stored = self.table.settings().await.unwrap();
        let mut settings = stored.value;
        change(&mut settings);
        let outcome = self.table.put_settings(&settings, stored.version, self.clock.now(), "test", Vec::new()).await.unwrap();
        assert_eq!(outcome, stevedore_aws::RecordOutcome::Written(stored.version + 1));
    }

    /// The address of the sandbox.
    pub fn sandbox_url(&self) -> &str {
        self.serving.base_url()
    }

    pub fn deadline(&self) -> Deadline {
        Deadline::after(self.clock.now(), Duration::from_mins(15))
    }

    /// The event that the schedule sends.
    pub fn tick_event(&self) -> serde_json::Value {
        json!({"source": "aws.events", "detail-type": "Scheduled Event", "time": self.clock.now()})
    }

    /// One scheduled download, in one invocation.
    pub async fn tick(&self) -> Result<serde_json::Value, fetch_orders::Error> {
        fetch_orders::handle(&self.fetch, self.tick_event(), self.deadline()).await
    }

    /// An hour later: the next scheduled download, and the processing of all its messages.
    pub async fn next_hour(&self) -> Operation {
        self.clock.advance(SignedDuration::from_hours(1));
        self.download().await
    }

    /// A download whose orders are all processed: its operation, settled.
    pub async fn download(&self) -> Operation {
        let answer = self.tick().await.unwrap();
        let id = OperationId(answer["operation_id"].as_str().unwrap_or_else(|| panic!("not run: {answer}")).to_owned());
        self.drain().await;
        self.operation(&id).await
    }

    /// The operation with its present counts.
    pub async fn operation(&self, id: &OperationId) -> Operation {
        self.table.settle_operation(id, self.clock.now()).await.unwrap().unwrap().0
    }

    /// Delivers messages of both queues until they are empty, like Lambda's pollers.
    pub async fn drain(&self) {
        let mut bound = Bound::of("the work of the queues");
        loop {
            bound.turn();
            let commands = self.deliver_commands().await;
            let orders = self.deliver_orders().await;
            if commands + orders + self.deliver_consolidation().await == 0 {
                return;
            }
        }
    }

    /// One batch from the orders queue. Returns the number of its messages.
    pub async fn deliver_orders(&self) -> usize {
        let url = self.queues.urls().orders.clone();
        let messages = self.queues.receive(&url, 0).await.unwrap();
        if !messages.is_empty() {
            let answer = process_orders::handle(&self.process, sqs_event(&messages), self.deadline()).await;
            let failed: Vec<String> = match answer {
                Ok(answer) => answer.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect(),
                Err(_) => messages.iter().map(|message| message.message_id.clone()).collect(),
            };
            self.delete_done(&url, &messages, &failed).await;
        }
        messages.len()
    }

    /// One batch from the commands queue. Returns the number of its messages.
    pub async fn deliver_commands(&self) -> usize {
        let url = self.queues.urls().commands.clone();
        let messages = self.queues.receive(&url, 0).await.unwrap();
        if !messages.is_empty() {
            let event = serde_json::to_value(sqs_event(&messages)).unwrap();
            let answer = run_operations::handle(&self.run, event, self.deadline()).await;
            let failed: Vec<String> = match answer {
                Ok(answer) => serde_json::from_value::<aws_lambda_events::event::sqs::SqsBatchResponse>(answer)
                    .unwrap()
                    .batch_item_failures
                    .into_iter()
                    .map(|failure| failure.item_identifier)
                    .collect(),
                Err(_) => messages.iter().map(|message| message.message_id.clone()).collect(),
            };
            self.delete_done(&url, &messages, &failed).await;
        }
        messages.len()
    }

    /// One batch from consolidation's queue. Returns the number of its messages.
    pub async fn deliver_consolidation(&self) -> usize {
        let url = self.queues.urls().consolidation.clone();
        let messages = self.queues.receive(&url, 0).await.unwrap();
        if !messages.is_empty() {
            let event = serde_json::to_value(sqs_event(&messages)).unwrap();
            let answer = consolidate::handle(&self.consolidate, event, self.deadline()).await;
            let failed: Vec<String> = match answer {
                Ok(answer) => serde_json::from_value::<aws_lambda_events::event::sqs::SqsBatchResponse>(answer)
                    .unwrap()
                    .batch_item_failures
                    .into_iter()
                    .map(|failure| failure.item_identifier)
                    .collect(),
                Err(_) => messages.iter().map(|message| message.message_id.clone()).collect(),
            };
            self.delete_done(&url, &messages, &failed).await;
        }
        messages.len()
    }

    /// One tick of consolidation's schedule, in one invocation.
    pub async fn consolidation_tick(&self) -> Result<serde_json::Value, consolidate::Error> {
        consolidate::handle(&self.consolidate, self.tick_event(), self.deadline()).await
    }

    async fn delete_done(&self, url: &str, messages: &[ReceivedMessage], failed: &[String]) {
        let done = messages.iter().filter(|message| !failed.contains(&message.message_id)).map(|message| message.receipt_handle.clone());
        let done: Vec<String> = done.collect();
        if !done.is_empty() {
            self.queues.delete(url, &done).await.unwrap();
        }
    }

    /// Every sale, the newest first.
    pub async fn sales(&self) -> Vec<StoredSale> {
        let mut list = List { limit: 100, ..List::default() };
        let mut sales = Vec::new();
        let mut bound = Bound::of("a list of sales");
        loop {
            bound.turn();
            let page = self.table.list_sales(&list).await.unwrap();
            sales.extend(page.items);
            list.token = page.next;
            if list.token.is_none() {
                return sales;
            }
        }
    }

    /// The same without their versions, which also count writes of the log entries beside them.
    pub async fn booked(&self) -> Vec<stevedore_domain::sale::Sale> {
        self.sales().await.into_iter().map(|stored| stored.sale).collect()
    }

    /// Every log entry, the newest first.
    pub async fn log(&self) -> Vec<StoredEntry> {
        let mut list = List { limit: 100, ..List::default() };
        let mut entries = Vec::new();
        let mut bound = Bound::of("the log");
        loop {
            bound.turn();
            let page = self.table.list_log(&list).await.unwrap();
            entries.extend(page.items);
            list.token = page.next;
            if list.token.is_none() {
                return entries;
            }
        }
    }
}

/// The sandbox's id as an order id.
pub fn order_id(order: i64) -> OrderId {
    OrderId(u64::try_from(order).unwrap())
}

/// The event that Lambda makes of received messages.
pub fn sqs_event(messages: &[ReceivedMessage]) -> SqsEvent {
    let mut event = SqsEvent::default();
    for message in messages {
        let mut record = SqsMessage::default();
        record.message_id = Some(message.message_id.clone());
        record.receipt_handle = Some(message.receipt_handle.clone());
        record.body = Some(message.body.clone());
        record.attributes.insert("ApproximateReceiveCount".to_owned(), message.receive_count.to_string());
        record.attributes.extend(message.trace.clone().map(|trace| ("AWSTraceHeader".to_owned(), trace)));
        event.records.push(record);
    }
    event
}
