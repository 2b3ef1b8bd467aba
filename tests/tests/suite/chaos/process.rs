//! A process of the functions that can die, in a world that stays: engines, sandbox and clock.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::sqs::SqsBatchResponse;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use stevedore_aws::{ClientOptions, Clients, Queues, ReceivedMessage, Secrets, Table};
use stevedore_lambda::Deadline;
use stevedore_sandbox::Serving;
use stevedore_shipstation::{Client, ClientOptions as ShipStationOptions, http_client};

use super::breaker::{Breaker, Plan};
use crate::bound::Bound;
use crate::world::{Options, World, sqs_event};

/// Longer than a lease, a visibility time-out, and the age at which a run counts as cut off.
pub const RECOVERY: SignedDuration = SignedDuration::from_hours(1);

/// A world whose functions run behind a [`Breaker`]. The world's own calls (pollers, checks of the
/// final state) never fail.
pub struct Shop {
    pub world: World,
    pub breaker: Breaker,
    pub fetch: fetch_orders::Deps,
    pub process: process_orders::Deps,
    pub consolidate: consolidate::Deps,
    shipstation: ShipStationOptions,
    _serving: Serving,
}

impl Shop {
    pub async fn new(options: Options) -> Self {
        let world = World::new(options).await;
        let serving = world.sandbox.serve(0).await.unwrap();
        let breaker = Breaker::new(world.engines.faults(), Plan::Count);
        let sleeping = world.clock.clone();
        let mut shipstation = ShipStationOptions::new(serving.base_url(), http_client().unwrap(), world.clock.clock());
        shipstation.sleep = Arc::new(move |duration: Duration| {
            sleeping.advance(SignedDuration::try_from(duration).unwrap());
            Box::pin(tokio::task::yield_now())
        });
        let (fetch, process, consolidate) = functions(&world, &breaker, Client::new(shipstation.clone()));
        Self { world, breaker, fetch, process, consolidate, shipstation, _serving: serving }
    }

    /// A new process of the program with this plan. The clients hold only connections and stay.
    pub fn start(&mut self, plan: Plan) {
        self.breaker.start(plan);
        self.fetch.shipstation = Client::new(self.shipstation.clone());
    }

    /// `process-orders` behind a breaker of its own.
    pub fn process_behind(&self, breaker: &Breaker) -> process_orders::Deps {
        functions(&self.world, breaker, self.fetch.shipstation.clone()).1
    }

    /// `consolidate` behind a breaker of its own.
    pub fn consolidate_behind(&self, breaker: &Breaker) -> consolidate::Deps {
        functions(&self.world, breaker, self.fetch.shipstation.clone()).2
    }

    /// The queues behind a breaker of their own.
    pub fn queues_behind(&self, breaker: &Breaker) -> Queues {
        functions(&self.world, breaker, self.fetch.shipstation.clone()).0.queues
    }

    pub fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    /// Moves the clock to this time after the world's start; never back.
    pub fn at(&self, since_start: SignedDuration) {
        let target = crate::world::START.parse::<Timestamp>().unwrap() + since_start;
        let left = target.duration_since(self.now());
        assert!(!left.is_negative(), "the clock is already past {target}");
        self.world.clock.advance(left);
    }

    /// The schedule's event of this moment.
    pub fn tick_event(&self) -> Value {
        json!({"source": "aws.events", "time": self.now()})
    }

    pub async fn tick(&self, event: &Value) -> Result<Value, fetch_orders::Error> {
        fetch_orders::handle(&self.fetch, event.clone(), self.world.deadline()).await
    }

    /// Delivers everything in both queues until they are empty, or the program dies.
    pub async fn drain(&self) {
        let mut bound = Bound::of("the work of the queues");
        while !self.breaker.stopped() {
            bound.turn();
            let commands = self.deliver_commands(self.world.deadline()).await;
            if commands + self.deliver_orders(self.world.deadline()).await == 0 {
                return;
            }
        }
    }

    /// One batch of the orders queue, as in Lambda. Returns the number of its messages.
    pub async fn deliver_orders(&self, deadline: Deadline) -> usize {
        self.deliver_orders_to(&self.process, deadline).await
    }

    pub async fn deliver_orders_to(&self, process: &process_orders::Deps, deadline: Deadline) -> usize {
        let url = &self.world.queues.urls().orders;
        let messages = self.world.queues.receive(url, 0).await.unwrap();
        if !messages.is_empty() {
            let answer = process_orders::handle(process, sqs_event(&messages), deadline).await;
            self.settle(url, &messages, answer.ok()).await;
        }
        messages.len()
    }

    /// One batch of the commands queue. Returns the number of its messages.
    pub async fn deliver_commands(&self, deadline: Deadline) -> usize {
        let url = &self.world.queues.urls().commands;
        let messages = self.world.queues.receive(url, 0).await.unwrap();
        if !messages.is_empty() {
            let event = serde_json::to_value(sqs_event(&messages)).unwrap();
            let answer = run_operations::handle(&self.fetch, event, deadline).await.ok();
            self.settle(url, &messages, answer.map(|answer| serde_json::from_value(answer).unwrap())).await;
        }
        messages.len()
    }

    /// Deletes processed messages. The answer of a dead program never arrives.
    pub async fn settle(&self, url: &str, messages: &[ReceivedMessage], answer: Option<SqsBatchResponse>) {
        let Some(answer) = answer.filter(|_| !self.breaker.stopped()) else { return };
        let failed =
            |message: &ReceivedMessage| answer.batch_item_failures.iter().any(|failure| failure.item_identifier == message.message_id);
        let done: Vec<String> = messages.iter().filter(|message| !failed(message)).map(|message| message.receipt_handle.clone()).collect();
        if !done.is_empty() {
            self.world.queues.delete(url, &done).await.unwrap();
        }
    }

    /// Number of unfinished messages in all places.
    pub async fn undone(&self) -> u64 {
        let urls = self.world.queues.urls();
        let mut undone = 0;
        for url in [&urls.orders, &urls.commands, &urls.consolidation, &urls.dead_letters] {
            undone += self.world.queues.depth(url).await.unwrap().total();
        }
        undone
    }
}

/// The functions, with all their calls to AWS behind a breaker.
fn functions(world: &World, breaker: &Breaker, shipstation: Client) -> (fetch_orders::Deps, process_orders::Deps, consolidate::Deps) {
    let clients = Clients::at_endpoint(
        world.engines.endpoint(),
        ClientOptions { interceptors: vec![breaker.interceptor()], ..ClientOptions::default() },
    );
    let table = Table::new(&clients, "stevedore");
    let fetch = fetch_orders::Deps {
        table: table.clone(),
        queues: Queues::new(&clients, world.queues.urls().clone()),
        secrets: Secrets::new(&clients, "stevedore"),
        shipstation,
        clock: world.clock.clock(),
    };
    let consolidate = consolidate::Deps { table: table.clone(), queues: fetch.queues.clone(), clock: world.clock.clock() };
    let queues = fetch.queues.clone();
    (fetch, process_orders::Deps { table, queues, clock: world.clock.clock() }, consolidate)
}
