//! Options with which a stack is started.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use stevedore_lambda::Clock;
use tokio::sync::mpsc::UnboundedSender;

use crate::Progress;

/// Source of the orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The source with which the data folder was started; a new folder gets generated orders.
    Kept,
    /// A ShipStation sandbox full of generated orders.
    Generated {
        /// The seed of all random choices; by default the folder's, or 1.
        seed: Option<u64>,
        /// Number of orders at the start; by default the folder's, or 300.
        orders: Option<usize>,
    },
    /// A ShipStation sandbox with the orders of a file: ShipStation JSON, or CSV in the Online
    /// Retail layout.
    File(PathBuf),
    /// Another ShipStation, for example the real one. Nothing is connected until a person connects
    /// it over the API.
    ShipStation(String),
}

/// Options with which a stack is started.
#[derive(Clone)]
pub struct Options {
    /// Folder of the data, created if it does not exist; `None` keeps everything in memory.
    pub data: Option<PathBuf>,
    /// Removes the data of earlier runs first.
    pub fresh: bool,
    /// Port of the API on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// The bearer token of the API, of at least [`stevedore_lambda::config::SHORTEST_TOKEN`] bytes.
    /// `None` keeps the folder's own, or makes one.
    pub token: Option<SecretString>,
    /// Random bytes of a new token.
    pub entropy: [u8; 16],
    /// Random bytes of the new tokens of a reader and of an operator.
    pub lesser_entropy: [[u8; 16]; 2],
    /// Random bytes of a new access key of the engines: its id, and the two halves of its secret.
    pub key_entropy: [[u8; 16]; 3],
    /// Issuer with which people sign in to the panel; with `None` they use a token.
    pub sign_in: Option<stevedore_lambda::config::SignIn>,
    /// Source of the orders.
    pub source: Source,
    /// The real time.
    pub clock: Clock,
    /// Seconds that pass in the stack in one real second, 1 to [`Self::FASTEST`]. Set-up happens in
    /// real time.
    pub speed: u32,
    /// Starts the schedule, which ticks automatically.
    pub schedule: bool,
    /// File of events for other systems, one JSON line each; with `None` events are dropped.
    pub events: Option<PathBuf>,
    /// Lets the stack poll the queues. Without it, messages wait until a test receives them.
    pub pollers: bool,
    /// Sets up a new stack with a sandbox over the API, including the connection.
    pub set_up: bool,
    /// The sandbox's limit for each minute of its clock; `None` lifts it.
    pub requests_per_minute: Option<u32>,
    /// Events of the sandbox's generated account in an hour of its clock: new orders and edits.
    pub arrivals_per_hour: u32,
    /// Time (real time) for which a received message stays hidden; the handlers have five sixths of
    /// it.
    pub visibility: Duration,
    /// Number of concurrent batches of orders.
    pub order_pollers: usize,
    /// Seed of the simulation of load; see [`stevedore_engines::EngineOptions::lag`].
    pub lag: Option<u64>,
    /// Options of the clients, whose interceptors get every call to the engines.
    pub clients: stevedore_aws::ClientOptions,
    /// Limits each function to its role of the template: returns the interceptor for its clients,
    /// by its name there. For tests; the roles are not part of the program.
    pub roles: Option<fn(&'static str) -> stevedore_aws::interceptors::SharedInterceptor>,
    /// Receives progress. Without it no progress is read.
    pub progress: Option<UnboundedSender<Progress>>,
}

impl Options {
    /// The fastest clock: five minutes in a second. With a faster one, the functions' own time
    /// reserves, for an answer of ShipStation for example, would be too short.
    pub const FASTEST: u32 = 300;

    /// In memory, on free ports, in real time, with the sandbox set up and connected, and without
    /// the schedule: the default of a test.
    #[must_use]
    pub fn in_memory(clock: Clock) -> Self {
        Self {
            data: None,
            fresh: false,
            port: 0,
            token: Some("local-token-for-tests".into()),
            entropy: [0; 16],
            lesser_entropy: [[0; 16]; 2],
            key_entropy: [[0; 16]; 3],
            sign_in: None,
            source: Source::Kept,
            clock,
            speed: 1,
            schedule: false,
            events: None,
            pollers: true,
            set_up: true,
            requests_per_minute: Some(40),
            arrivals_per_hour: 0,
            visibility: Duration::from_mins(1),
            order_pollers: 4,
            lag: None,
            clients: stevedore_aws::ClientOptions::default(),
            roles: None,
            progress: None,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("data", &self.data)
            .field("fresh", &self.fresh)
            .field("port", &self.port)
            .field("source", &self.source)
            .field("speed", &self.speed)
            .field("schedule", &self.schedule)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}
