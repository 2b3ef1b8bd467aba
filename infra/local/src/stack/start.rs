//! Start of a stack, step by step.

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use stevedore_aws::{Clients, QueueUrls};
use stevedore_engines::{AccessKey, Engines};
use stevedore_lambda::{Clock, config};
use stevedore_sandbox::{Sandbox, Serving};
use tokio::sync::watch;

use super::running::Stack;
use crate::clock::{ClockSwitch, Time};
use crate::events::Events;
use crate::functions::Functions;
use crate::progress::{Addresses, Progress};
use crate::reach::Reach;
use crate::setup::SetUp;
use crate::state_file::{self, Record, StackState, StoredSource, Uptime};
use crate::{Options, StackError, sandbox_account, wiring};

impl Stack {
    /// Starts all parts, and sets up a new stack. Must be called inside a Tokio runtime of more
    /// than one thread.
    ///
    /// # Errors
    /// [`StackError`], whose text gives the action.
    pub async fn start(options: Options) -> Result<Self, StackError> {
        wiring::check(&options)?;
        let listener = wiring::listen(options.port).await?;
        let port = listener.local_addr().map_err(|source| StackError::Listen { port: options.port, source })?.port();
        wipe(&options).await?;
        // The engines' clock must exist before the folder's record may be read, which is safe only
        // once the engines hold the folder.
        let switch = ClockSwitch::new(Arc::clone(&options.clock));
        let engines = wiring::start_engines(&options, port, switch.clock()).await?;
        let folder = Folder::open(&options, &switch)?;
        engines.require(folder.key.clone());
        let account = Account::open(&options, &folder).await?;

        let clients = Clients::with_key(engines.endpoint(), (&folder.key.id, &folder.key.secret), options.clients.clone());
        stevedore_aws::create_table(&clients, wiring::TABLE_NAME).await?;
        let events = events(&options, &clients, &engines).await;
        let limits = wiring::InvocationLimits::of(&options);
        let urls = stevedore_aws::create_queues(&clients, &limits.queues).await?;
        let own = Reach::new(&clients, urls.clone());
        wiring::take_over(&own.table).await?;
        if own.secrets.read().await?.is_none() {
            // Empty, like the template's secret.
            own.secrets.clear().await?;
        }
        let environment = folder.write_environment(&options, &engines, &urls, &account.url)?;
        let functions = functions(&options, &own, &engines, &folder, &account.url, &limits)?;
        let mut stack = Self {
            api_url: format!("http://127.0.0.1:{port}"),
            token: folder.token,
            lesser_tokens: folder.lesser_tokens,
            sign_in: options.sign_in.clone(),
            time: folder.time,
            api: own.of("Api", engines.endpoint(), &folder.key, &options),
            table: own.table,
            queues: own.queues,
            engines: Some(engines),
            sandbox: account.sandbox,
            serving: account.serving,
            functions,
            stopping: watch::channel(false).0,
            tasks: Vec::new(),
            record: account.record,
        };
        stack.serve(listener);
        say(&options, || Progress::Ready(stack.addresses(&folder.state.source, &account.url, environment)));
        stack.poll(&options);
        stack.heartbeat();
        if let Some(events) = events {
            stack.tasks.push(tokio::spawn(events.carry(stack.stopping.subscribe())));
        }
        stack.set_up(&options, &folder.state).await?;
        stack.time.run_at(options.speed);
        if options.schedule {
            stack.schedule(options.progress.clone());
        }
        Ok(stack)
    }

    /// Sets up a new stack.
    async fn set_up(&self, options: &Options, state: &StackState) -> Result<(), StackError> {
        if state.set_up {
            say(options, || Progress::Step("found as it was left; the schedule goes on where it was".to_owned()));
            return Ok(());
        }
        let Some(sandbox) = self.sandbox.as_ref().filter(|_| options.set_up) else { return Ok(()) };
        let api = self.api();
        let set_up = SetUp { api: &api, sandbox, source: &state.source, progress: options.progress.as_ref() };
        set_up.run().await?;
        if options.schedule {
            set_up.load_history(self.time.now()).await?;
        }
        if let Some(record) = &self.record {
            record.set_up()?;
        }
        Ok(())
    }

    fn addresses(&self, source: &StoredSource, shipstation: &str, environment: Option<PathBuf>) -> Addresses {
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
}

/// Removes the folder's content, if the options request it.
async fn wipe(options: &Options) -> Result<(), StackError> {
    if let (true, Some(folder)) = (options.fresh, options.data.as_deref()) {
        Engines::wipe(folder).await.map_err(wiring::engines_failed)?;
        state_file::wipe(folder)?;
    }
    Ok(())
}

/// Contents of the stack's folder, with this run added; those of a new one without.
struct Folder {
    state: StackState,
    time: Time,
    token: SecretString,
    lesser_tokens: Vec<SecretString>,
    key: AccessKey,
}

impl Folder {
    fn open(options: &Options, switch: &ClockSwitch) -> Result<Self, StackError> {
        let folder = options.data.as_deref();
        let earlier = folder.map(StackState::read).transpose()?.flatten();
        let source = sandbox_account::settle(options, folder, earlier.as_ref())?;
        let time = Time::starting(Arc::clone(&options.clock), earlier.as_ref().and_then(StackState::clock), 1);
        switch.set(time.clock());
        let token = wiring::token(options, earlier.as_ref());
        let lesser_tokens = wiring::lesser_tokens(options, earlier.as_ref());
        let key = wiring::access_key(options, earlier.as_ref());
        let mut state = StackState {
            source,
            token: token.expose_secret().to_owned(),
            lesser_tokens: lesser_tokens.iter().map(|token| token.expose_secret().to_owned()).collect(),
            engines_key: Some((key.id.clone(), key.secret.clone())),
            set_up: earlier.as_ref().is_some_and(|earlier| earlier.set_up),
            runs: earlier.map(|earlier| earlier.runs).unwrap_or_default(),
        };
        // First of all, so that the sandbox starts at the exact time of the first run. The next
        // start replays it from there.
        let now = time.now();
        state.runs.push(Uptime { from: now, until: now, speed: options.speed });
        Ok(Self { state, time, token, lesser_tokens, key })
    }

    fn write_environment(
        &self,
        options: &Options,
        engines: &Engines,
        urls: &QueueUrls,
        shipstation_url: &str,
    ) -> Result<Option<PathBuf>, StackError> {
        let Some(folder) = options.data.as_deref() else { return Ok(None) };
        let variables = wiring::environment(engines, urls, shipstation_url, &self.token, &self.key);
        state_file::write_environment(folder, &variables).map(Some)
    }
}

/// The ShipStation account that the stack reads.
struct Account {
    sandbox: Option<Sandbox>,
    serving: Option<Serving>,
    url: String,
    record: Option<Record>,
}

impl Account {
    async fn open(options: &Options, folder: &Folder) -> Result<Self, StackError> {
        let sandbox = wiring::open_sandbox(options, &folder.state, &folder.time).await?;
        let record = options.data.as_deref().map(|path| Record::new(path, folder.state.clone(), &folder.time));
        if let Some(record) = &record {
            record.beat()?;
        }
        let serving = match &sandbox {
            Some(sandbox) => Some(wiring::serve_sandbox(sandbox, options.port).await?),
            None => None,
        };
        let url = match (&serving, &folder.state.source) {
            (Some(serving), _) => serving.base_url().to_owned(),
            (None, StoredSource::ShipStation { url }) => url.clone(),
            (None, _) => config::SHIPSTATION.to_owned(),
        };
        Ok(Self { sandbox, serving, url, record })
    }
}

/// The table's events, if a file takes them.
async fn events(options: &Options, clients: &Clients, engines: &Engines) -> Option<Events> {
    let file = options.events.as_ref()?;
    if let Err(error) = stevedore_aws::enable_stream(clients, wiring::TABLE_NAME).await {
        // An earlier run switched it on. If it is off, reading it fails with an error.
        tracing::debug!(error = &error as &dyn std::error::Error, "the table's stream was not switched on");
    }
    Some(Events::new(engines.stream(wiring::TABLE_NAME), file))
}

/// The functions, each under its own role.
fn functions(
    options: &Options,
    own: &Reach,
    engines: &Engines,
    folder: &Folder,
    shipstation_url: &str,
    limits: &wiring::InvocationLimits,
) -> Result<Functions, StackError> {
    let time = folder.time.clone();
    let clock: Clock = time.clock();
    let of = |function| own.of(function, engines.endpoint(), &folder.key, options);
    let (fetch, run, process, consolidate) = (of("FetchOrders"), of("RunOperations"), of("ProcessOrders"), of("Consolidate"));
    let fetch = fetch_orders::Deps {
        table: fetch.table,
        queues: fetch.queues,
        secrets: fetch.secrets,
        shipstation: wiring::shipstation_client(shipstation_url, &time)?,
        clock: Arc::clone(&clock),
    };
    Ok(Functions {
        run: Arc::new(run_operations::Deps { table: run.table, queues: run.queues, secrets: run.secrets, ..fetch.clone() }),
        fetch: Arc::new(fetch),
        process: Arc::new(process_orders::Deps { table: process.table, queues: process.queues, clock: Arc::clone(&clock) }),
        consolidate: Arc::new(consolidate::Deps { table: consolidate.table, queues: consolidate.queues, clock }),
        time,
        fetch_limit: limits.fetch,
        process_limit: limits.process,
        ticking: Arc::default(),
    })
}

fn say(options: &Options, news: impl FnOnce() -> Progress) {
    if let Some(progress) = &options.progress {
        // The receiver is dropped when the program ends.
        let _ = progress.send(news());
    }
}
