//! The stack: everything of a deployment, on one machine.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use stevedore_aws::{Clients, Queues, Table};
use stevedore_engines::Engines;
use stevedore_lambda::config::SignIn;
use stevedore_lambda::{Clock, config};
use stevedore_sandbox::{Sandbox, Serving};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::clock::{ClockSwitch, Time};
use crate::events::Events;
use crate::functions::Functions;
use crate::http::ApiClient;
use crate::progress::{Addresses, Follower, Progress};
use crate::reach::Reach;
use crate::setup::SetUp;
use crate::state_file::{self, HEARTBEAT, Record, Run, StackState};
use crate::{Options, StackError, sandbox_account};
use crate::{poller, wiring};

/// Between two ticks of the schedule, by the stack's clock: what the template says.
const TICK_EVERY: Duration = Duration::from_mins(5);
/// The same of consolidation.
const CONSOLIDATE_EVERY: Duration = Duration::from_mins(15);
/// Time that the parts have to end after they were asked to.
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// A running stack. Dropped without [`Stack::stop`], it ends like a killed process.
pub struct Stack {
    api_url: String,
    token: SecretString,
    lesser_tokens: Vec<SecretString>,
    sign_in: Option<SignIn>,
    time: Time,
    table: Table,
    queues: Queues,
    /// The engines as the API's function reaches them.
    api: Reach,
    engines: Option<Engines>,
    sandbox: Option<Sandbox>,
    serving: Option<Serving>,
    functions: Functions,
    stopping: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    record: Option<Record>,
}

impl Stack {
    /// Starts everything, and sets up what is new. Must be called inside a Tokio runtime of more than one thread.
    ///
    /// # Errors
    /// [`StackError`], whose text says what to do.
    pub async fn start(options: Options) -> Result<Self, StackError> {
        wiring::check(&options)?;
        let listener = wiring::listen(options.port).await?;
        let port = listener.local_addr().map_err(|source| StackError::Listen { port: options.port, source })?.port();
        let api_url = format!("http://127.0.0.1:{port}");
        let folder = options.data.as_deref();
        if let (true, Some(folder)) = (options.fresh, folder) {
            Engines::wipe(folder).await.map_err(wiring::engines_failed)?;
            state_file::wipe(folder)?;
        }
        // The engines' clock has to exist before the folder's record may be read, which is safe only once the engines hold the folder.
        let switch = ClockSwitch::new(Arc::clone(&options.clock));
        let engines = wiring::start_engines(&options, port, switch.clock()).await?;

        let earlier = folder.map(StackState::read).transpose()?.flatten();
        let source = sandbox_account::settle(&options, folder, earlier.as_ref())?;
        let time = Time::starting(Arc::clone(&options.clock), earlier.as_ref().and_then(StackState::clock), 1);
        switch.set(time.clock());
        let token = wiring::token(&options, earlier.as_ref());
        let lesser_tokens = wiring::lesser_tokens(&options, earlier.as_ref());
        let key = wiring::access_key(&options, earlier.as_ref());
        engines.require(key.clone());
        let mut kept = StackState {
            source,
            token: token.expose_secret().to_owned(),
            lesser_tokens: lesser_tokens.iter().map(|token| token.expose_secret().to_owned()).collect(),
            engines_key: Some((key.id.clone(), key.secret.clone())),
            set_up: earlier.as_ref().is_some_and(|earlier| earlier.set_up),
            runs: earlier.map(|earlier| earlier.runs).unwrap_or_default(),
        };
        // First of all, so that the sandbox starts at the first run's very moment: it is made anew from it at the next start.
        let now = time.now();
        kept.runs.push(Run { from: now, until: now, speed: options.speed });
        let sandbox = wiring::open_sandbox(&options, &kept, &time).await?;
        let record = folder.map(|folder| Record::new(folder, kept.clone(), &time));
        if let Some(record) = &record {
            record.beat()?;
        }
        let serving = match &sandbox {
            Some(sandbox) => Some(wiring::serve_sandbox(sandbox, options.port).await?),
            None => None,
        };
        let shipstation_url = match (&serving, &kept.source) {
            (Some(serving), _) => serving.base_url().to_owned(),
            (None, state_file::StoredSource::ShipStation { url }) => url.clone(),
            (None, _) => config::SHIPSTATION.to_owned(),
        };

        let clients = Clients::with_key(engines.endpoint(), (&key.id, &key.secret), options.clients.clone());
        stevedore_aws::create_table(&clients, wiring::TABLE_NAME).await?;
        let events = match &options.events {
            Some(file) => {
                if let Err(error) = stevedore_aws::enable_stream(&clients, wiring::TABLE_NAME).await {
                    // It is on from an earlier run; where it is not, reading it says so.
                    tracing::debug!(error = &error as &dyn std::error::Error, "the table's stream was not switched on");
                }
                Some(Events::new(engines.stream(wiring::TABLE_NAME), file))
            }
            None => None,
        };
        let limits = wiring::InvocationLimits::of(&options);
        let urls = stevedore_aws::create_queues(&clients, &limits.queues).await?;
        let own = Reach::new(&clients, urls.clone());
        wiring::take_over(&own.table).await?;
        let Reach { table, queues, secrets } = own.clone();
        if secrets.read().await?.is_none() {
            // Empty, as the template makes it.
            secrets.clear().await?;
        }
        let environment = folder
            .map(|folder| {
                let variables = wiring::environment(&engines, &urls, &shipstation_url, &token, &key);
                state_file::write_environment(folder, &variables)
            })
            .transpose()?;

        let clock: Clock = time.clock();
        let of = |function| own.of(function, engines.endpoint(), &key, &options);
        let (fetch, run, process, consolidate, api) =
            (of("FetchOrders"), of("RunOperations"), of("ProcessOrders"), of("Consolidate"), of("Api"));
        let fetch = fetch_orders::Deps {
            table: fetch.table,
            queues: fetch.queues,
            secrets: fetch.secrets,
            shipstation: wiring::shipstation_client(&shipstation_url, &time)?,
            clock: Arc::clone(&clock),
        };
        let functions = Functions {
            run: Arc::new(run_operations::Deps { table: run.table, queues: run.queues, secrets: run.secrets, ..fetch.clone() }),
            fetch: Arc::new(fetch),
            process: Arc::new(process_orders::Deps { table: process.table, queues: process.queues, clock: Arc::clone(&clock) }),
            consolidate: Arc::new(consolidate::Deps { table: consolidate.table, queues: consolidate.queues, clock }),
            time: time.clone(),
            fetch_limit: limits.fetch,
            process_limit: limits.process,
            ticking: Arc::default(),
        };
        let (stopping, _) = watch::channel(false);
        let mut stack = Self {
            api_url,
            token,
            lesser_tokens,
            sign_in: options.sign_in.clone(),
            time,
            table,
            queues,
            api,
            engines: Some(engines),
            sandbox,
            serving,
            functions,
            stopping,
            tasks: Vec::new(),
            record,
        };
        stack.serve(listener);
        Self::say(&options, || Progress::Ready(stack.addresses(&kept.source, &shipstation_url, environment)));
        stack.poll(&options);
        stack.heartbeat();
        if let Some(events) = events {
            stack.tasks.push(tokio::spawn(events.carry(stack.stopping.subscribe())));
        }
        if kept.set_up {
            Self::say(&options, || Progress::Step("found as it was left; the schedule goes on where it was".to_owned()));
        }
        if let (Some(sandbox), false, true) = (&stack.sandbox, kept.set_up, options.set_up) {
            let api = stack.api();
            let set_up = SetUp { api: &api, sandbox, source: &kept.source, progress: options.progress.as_ref() };
            set_up.run().await?;
            if options.schedule {
                set_up.load_history(stack.time.now()).await?;
            }
            if let Some(record) = &stack.record {
                record.set_up()?;
            }
        }
        stack.time.run_at(options.speed);
        if options.schedule {
            stack.schedule(options.progress.clone());
        }
        Ok(stack)
    }

    /// The address of the API: `http://127.0.0.1:PORT`.
    pub fn api_url(&self) -> &str {
        &self.api_url
    }

    /// The bearer token of the API; of the grade that may configure.
    pub fn token(&self) -> &str {
        self.token.expose_secret()
    }

    /// The bearer token of a grade.
    pub fn token_of(&self, grade: api::Grade) -> &str {
        let lesser = match grade {
            api::Grade::Read => self.lesser_tokens.first(),
            api::Grade::Operate => self.lesser_tokens.get(1),
            api::Grade::Configure => None,
        };
        lesser.unwrap_or(&self.token).expose_secret()
    }

    /// A client of the API that has the token.
    pub fn api(&self) -> ApiClient {
        ApiClient::new(&self.api_url, self.token.clone())
    }

    /// The API's own router over this stack, for callers who show who they are in this way.
    pub fn router(&self, access: api::Access) -> axum::Router {
        let Reach { table, queues, secrets } = self.api.clone();
        let fetch_orders::Deps { shipstation, clock, .. } = self.functions.fetch.as_ref().clone();
        api::router(Arc::new(api::Deps { table, queues, secrets, shipstation, clock, access, sign_in: self.sign_in.clone() }))
    }

    /// The table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The queues.
    pub fn queues(&self) -> &Queues {
        &self.queues
    }

    /// The ShipStation that was brought along; none when another one is used.
    pub fn sandbox(&self) -> Option<&Sandbox> {
        self.sandbox.as_ref()
    }

    /// The engines, and with them their faults; none while the stack stops.
    pub fn engines(&self) -> Option<&Engines> {
        self.engines.as_ref()
    }

    /// The stack's time.
    pub fn clock(&self) -> Clock {
        self.time.clock()
    }

    /// One tick of the schedule, now; answers when the function has. The function itself decides whether a download is due.
    ///
    /// # Errors
    /// [`StackError::Function`] when it failed.
    pub async fn tick(&self) -> Result<Value, StackError> {
        self.functions.tick().await
    }

    /// One tick of consolidation's schedule, now; answers when the function has. The function itself decides what is due.
    ///
    /// # Errors
    /// [`StackError::Function`] when it failed.
    pub async fn consolidation_tick(&self) -> Result<Value, StackError> {
        self.functions.consolidation_tick().await
    }

    /// Hands any event to `consolidate`, as AWS would.
    ///
    /// # Errors
    /// [`StackError::Function`] when it failed.
    pub async fn consolidate(&self, event: Value) -> Result<Value, StackError> {
        self.functions.consolidate(event).await.map_err(|source| StackError::Function { function: "consolidate", source })
    }

    /// Hands any event to `fetch-orders`, as AWS would.
    ///
    /// # Errors
    /// [`StackError::Function`] when it failed.
    pub async fn fetch_orders(&self, event: Value) -> Result<Value, StackError> {
        self.functions.fetch_orders(event).await.map_err(|source| StackError::Function { function: "fetch-orders", source })
    }

    /// Hands any event to `run-operations`, as AWS would.
    ///
    /// # Errors
    /// [`StackError::Function`] when it failed.
    pub async fn run_operations(&self, event: Value) -> Result<Value, StackError> {
        self.functions.run_operations(event).await.map_err(|source| StackError::Function { function: "run-operations", source })
    }

    /// Hands any batch to `process-orders`, as AWS would.
    ///
    /// # Errors
    /// [`StackError::Function`] when it failed.
    pub async fn process_orders(&self, event: SqsEvent) -> Result<SqsBatchResponse, StackError> {
        self.functions.process_orders(event).await.map_err(|source| StackError::Function { function: "process-orders", source })
    }

    /// Waits until nothing is going on: no tick at work, both queues empty, every operation at its end. Dead letters may be left.
    ///
    /// # Errors
    /// [`StackError::StillBusy`] after `patience` (real time), saying what is left.
    pub async fn wait_until_idle(&self, patience: Duration) -> Result<(), StackError> {
        let started = tokio::time::Instant::now();
        loop {
            let Some(busy) = self.busy().await? else { return Ok(()) };
            if started.elapsed() >= patience {
                return Err(StackError::StillBusy { waited: patience, busy });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Returns the work that is under way, if any. Looked at in the order in which work moves on, so that none slips by in between.
    async fn busy(&self) -> Result<Option<String>, StackError> {
        let ticking = self.functions.ticking.load(Ordering::SeqCst);
        if ticking > 0 {
            return Ok(Some(format!("{ticking} ticks at work")));
        }
        let urls = self.queues.urls();
        for (name, url) in [("commands", &urls.commands), ("orders", &urls.orders), ("consolidation", &urls.consolidation)] {
            let depth = self.queues.depth(url).await?;
            if depth.total() > 0 {
                return Ok(Some(format!("{} visible and {} hidden messages on the {name} queue", depth.visible, depth.in_flight)));
            }
        }
        for id in self.table.open_operations(100).await? {
            let settled = self.table.settle(&id, self.time.now()).await?;
            if let Some(stevedore_aws::Settled { operation, .. }) = settled
                && !operation.state.is_final()
            {
                return Ok(Some(format!("operation {id} is {:?} with {:?}", operation.state, operation.counts)));
            }
        }
        Ok(None)
    }

    /// Ends in order: what is at work is finished, then the parts end, the engines last.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        let tasks = std::mem::take(&mut self.tasks);
        let aborts: Vec<_> = tasks.iter().map(JoinHandle::abort_handle).collect();
        if tokio::time::timeout(STOP_PATIENCE, futures::future::join_all(tasks)).await.is_err() {
            tracing::warn!("not everything ended in time; what was at work is delivered again at the next start");
            aborts.iter().for_each(tokio::task::AbortHandle::abort);
        }
        if let Some(record) = &self.record
            && let Err(error) = record.beat()
        {
            tracing::warn!(%error, "the folder's record was not written");
        }
        drop(self.serving.take());
        if let Some(engines) = self.engines.take() {
            engines.stop().await;
        }
    }

    fn say(options: &Options, news: impl FnOnce() -> Progress) {
        if let Some(progress) = &options.progress {
            // Nobody listens any more when the program ends.
            let _ = progress.send(news());
        }
    }

    fn addresses(&self, source: &state_file::StoredSource, shipstation: &str, environment: Option<std::path::PathBuf>) -> Addresses {
        let sandbox = self.sandbox.as_ref().map(|sandbox| {
            let report = sandbox.report();
            format!("{source}: {} orders with {} lines at its start", report.orders, report.lines)
        });
        Addresses {
            api: self.api_url.clone(),
            engines: self.engines.as_ref().map(|engines| engines.endpoint().to_owned()).unwrap_or_default(),
            shipstation: shipstation.to_owned(),
            sandbox,
            token: self.token.clone(),
            lesser_tokens: self.lesser_tokens.clone(),
            environment,
        }
    }

    fn serve(&mut self, listener: TcpListener) {
        let tokens = api::Grade::ALL.map(|grade| (self.token_of(grade).to_owned().into(), grade));
        let router = crate::gateway::whole_bodies(self.router(api::Access::Tokens(tokens.to_vec())));
        let mut stopping = self.stopping.subscribe();
        self.tasks.push(tokio::spawn(async move {
            let stopped = async move {
                // An error means that the stack is gone.
                let _ = stopping.wait_for(|stopping| *stopping).await;
            };
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
                tracing::error!(%error, "the API stopped");
            }
        }));
    }

    fn poll(&mut self, options: &Options) {
        if !options.pollers {
            return;
        }
        let (seen, orders) = mpsc::unbounded_channel();
        let seen = options.progress.as_ref().map(|_| seen);
        let urls = self.queues.urls();
        let source = |url: &str| poller::Source { queues: self.queues.clone(), url: url.to_owned() };
        for _ in 0..options.order_pollers.max(1) {
            let (functions, seen) = (self.functions.clone(), seen.clone());
            let handler = move |event: SqsEvent| -> futures::future::BoxFuture<'static, _> {
                let (functions, seen) = (functions.clone(), seen.clone());
                Box::pin(async move {
                    let bodies = seen.as_ref().map(|_| event.records.iter().filter_map(|record| record.body.clone()).collect());
                    let answer = functions.process_orders(event).await;
                    if let (Some(seen), Some(bodies)) = (seen, bodies) {
                        // Nobody looks any more when the stack stops.
                        let _ = seen.send(bodies);
                    }
                    answer
                })
            };
            self.tasks.push(tokio::spawn(poller::poll(source(&urls.orders), self.stopping.subscribe(), Box::new(handler))));
        }
        for _ in 0..2 {
            let functions = self.functions.clone();
            let handler = move |event| -> futures::future::BoxFuture<'static, _> {
                let functions = functions.clone();
                Box::pin(async move { functions.commands(event).await })
            };
            self.tasks.push(tokio::spawn(poller::poll(source(&urls.commands), self.stopping.subscribe(), Box::new(handler))));
        }
        let functions = self.functions.clone();
        let handler = move |event| -> futures::future::BoxFuture<'static, _> {
            let functions = functions.clone();
            Box::pin(async move { functions.consolidation(event).await })
        };
        self.tasks.push(tokio::spawn(poller::poll(source(&urls.consolidation), self.stopping.subscribe(), Box::new(handler))));
        if let Some(progress) = options.progress.clone() {
            let (table, clock) = (self.table.clone(), self.time.clock());
            let follower = Follower { table, clock, progress, orders };
            self.tasks.push(tokio::spawn(follower.follow()));
        }
    }

    /// Ticks of each schedule, one after the other: one at once, and then by the stack's clock.
    fn schedule(&mut self, progress: Option<mpsc::UnboundedSender<Progress>>) {
        let functions = self.functions.clone();
        self.every(TICK_EVERY, progress.clone(), move || {
            let functions = functions.clone();
            Box::pin(async move { functions.tick().await })
        });
        let functions = self.functions.clone();
        self.every(CONSOLIDATE_EVERY, progress, move || {
            let functions = functions.clone();
            Box::pin(async move { functions.consolidation_tick().await })
        });
    }

    fn every(
        &mut self,
        time: Duration,
        progress: Option<mpsc::UnboundedSender<Progress>>,
        tick: impl Fn() -> futures::future::BoxFuture<'static, Result<Value, StackError>> + Send + 'static,
    ) {
        let mut stopping = self.stopping.subscribe();
        let mut every = tokio::time::interval(self.time.real(time));
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.tasks.push(tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = every.tick() => {}
                    _ = stopping.wait_for(|stopping| *stopping) => return,
                }
                if let Err(error) = tick().await {
                    let error = stevedore_lambda::ErrorChain(&error).to_string();
                    tracing::warn!(error, "a tick failed; the next one continues");
                    if let Some(progress) = &progress {
                        let _ = progress.send(Progress::Trouble(error));
                    }
                }
            }
        }));
    }

    fn heartbeat(&mut self) {
        let Some(record) = self.record.clone() else { return };
        let mut stopping = self.stopping.subscribe();
        self.tasks.push(tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = tokio::time::sleep(HEARTBEAT) => {}
                    _ = stopping.wait_for(|stopping| *stopping) => return,
                }
                if let Err(error) = record.beat() {
                    tracing::warn!(error = %stevedore_lambda::ErrorChain(&error), "the folder's record was not written");
                }
            }
        }));
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
