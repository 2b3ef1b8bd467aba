//! The parts of a stack.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use stevedore_aws::{Cursor, Stored, StoredRun, Table};
use stevedore_engines::{AccessKey, EngineError, EngineOptions, Engines};
use stevedore_lambda::{Clock, config};
use stevedore_sandbox::{Sandbox, Serving};
use tokio::net::TcpListener;

use crate::clock::Time;
use crate::state_file::StackState;
use crate::{Options, Source, StackError, sandbox_account};

/// The table's name.
pub(crate) const TABLE_NAME: &str = "stevedore";
/// The secret's name.
pub(crate) const SECRET: &str = "stevedore/shipstation";

/// The longest visibility that SQS takes.
const LONGEST_VISIBILITY: Duration = Duration::from_hours(12);
/// Factor of the visibility of commands, which wait minutes for ShipStation's limit.
const COMMAND_FACTOR: u32 = 5;

/// Time limits of invocations, during which their messages stay hidden.
pub(crate) struct InvocationLimits {
    /// Real time.
    pub(crate) fetch: Duration,
    /// Real time.
    pub(crate) process: Duration,
    pub(crate) queues: stevedore_aws::QueueSettings,
}

impl InvocationLimits {
    /// The queues use the stack's clock. The faster it runs, the longer a message is hidden;
    /// otherwise it would be delivered again during its processing.
    pub(crate) fn of(options: &Options) -> Self {
        let hidden = |real: Duration| real.saturating_mul(options.speed).clamp(Duration::from_secs(1), LONGEST_VISIBILITY);
        let (orders, commands) = (hidden(options.visibility), hidden(options.visibility * COMMAND_FACTOR));
        let seconds = |hidden: Duration| u32::try_from(hidden.as_secs()).unwrap_or(u32::MAX);
        let queues = stevedore_aws::QueueSettings {
            orders_visibility: seconds(orders),
            commands_visibility: seconds(commands),
            ..stevedore_aws::QueueSettings::default()
        };
        let limit = |hidden: Duration| hidden / options.speed * 5 / 6;
        Self { fetch: limit(commands), process: limit(orders), queues }
    }
}

pub(crate) fn check(options: &Options) -> Result<(), StackError> {
    if !(1..=Options::FASTEST).contains(&options.speed) {
        let problem = format!("{} is not between 1 and {}", options.speed, Options::FASTEST);
        return Err(StackError::Option { option: "--speed", problem });
    }
    let usable = |token: &str| {
        token.len() >= config::SHORTEST_TOKEN && token.bytes().all(|byte| byte.is_ascii_graphic()) && !token.contains(['"', '\'', '#'])
    };
    if options.token.as_ref().is_some_and(|token| !usable(token.expose_secret())) {
        let problem = format!("needs {} characters or more: letters, digits and signs other than quotes and #", config::SHORTEST_TOKEN);
        return Err(StackError::Option { option: "--token", problem });
    }
    if let Source::ShipStation(url) = &options.source {
        let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"].iter().any(|start| url.starts_with(start));
        if !(local || url.starts_with("https://")) {
            let problem = "must begin with https://, for the credentials travel with every request".to_owned();
            return Err(StackError::Option { option: "--shipstation", problem });
        }
    }
    Ok(())
}

pub(crate) async fn listen(port: u16) -> Result<TcpListener, StackError> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => StackError::PortInUse { port },
        _ => StackError::Listen { port, source },
    })
}

/// The engines, on the port after the API's if that is free, so that other programs find them at
/// the same address.
pub(crate) async fn start_engines(options: &Options, api_port: u16, clock: Clock) -> Result<Engines, StackError> {
    let next = if options.port == 0 { 0 } else { api_port.saturating_add(1) };
    let start = |port| {
        let data = options.data.clone();
        Engines::start(EngineOptions { data, port, clock: Arc::clone(&clock), tables_at: None, signed: true, lag: options.lag })
    };
    match start(next).await {
        Err(EngineError::Listen { .. }) if next != 0 => start(0).await,
        started => started,
    }
    .map_err(engines_failed)
}

pub(crate) fn engines_failed(error: EngineError) -> StackError {
    match error {
        EngineError::InUse { folder } => StackError::FolderInUse { folder },
        error => StackError::Engines(error),
    }
}

pub(crate) async fn serve_sandbox(sandbox: &Sandbox, api_port: u16) -> Result<Serving, StackError> {
    let next = if api_port == 0 { 0 } else { api_port.saturating_add(2) };
    match sandbox.serve(next).await {
        Err(_) if next != 0 => sandbox.serve(0).await,
        served => served,
    }
    .map_err(StackError::Sandbox)
}

/// Reading a large file, or replaying a long time, takes a while.
pub(crate) async fn open_sandbox(options: &Options, kept: &StackState, time: &Time) -> Result<Option<Sandbox>, StackError> {
    let (options, source, runs, time) = (options.clone(), kept.source.clone(), kept.runs.clone(), time.clone());
    let opening = tokio::task::spawn_blocking(move || sandbox_account::open(&options, &source, &runs, &time));
    opening.await.unwrap_or_else(|error| Err(StackError::Sandbox(error.into())))
}

pub(crate) fn token(options: &Options, earlier: Option<&StackState>) -> SecretString {
    let new = || SecretString::from(format!("stv-{:032x}", u128::from_be_bytes(options.entropy)));
    options.token.clone().or_else(|| earlier.map(|earlier| earlier.token.clone().into())).unwrap_or_else(new)
}

/// The engines' access key: the folder's own, or a new one.
pub(crate) fn access_key(options: &Options, earlier: Option<&StackState>) -> AccessKey {
    let [id, first, second] = options.key_entropy.map(u128::from_be_bytes);
    let new = || (format!("AKIA{id:032X}"), format!("{first:032x}{second:032x}"));
    let (id, secret) = earlier.and_then(|earlier| earlier.engines_key.clone()).unwrap_or_else(new);
    AccessKey { id, secret }
}

/// The tokens of a reader and of an operator: the folder's own, or new ones.
pub(crate) fn lesser_tokens(options: &Options, earlier: Option<&StackState>) -> Vec<SecretString> {
    let kept = earlier.map(|earlier| earlier.lesser_tokens.clone()).unwrap_or_default();
    let new = |(name, entropy): (&str, [u8; 16])| format!("stv-{name}-{:032x}", u128::from_be_bytes(entropy));
    let made = ["read", "operate"].into_iter().zip(options.lesser_entropy).map(new);
    made.enumerate().map(|(index, new)| kept.get(index).cloned().unwrap_or(new).into()).collect()
}

pub(crate) fn shipstation_client(url: &str, time: &Time) -> Result<stevedore_shipstation::Client, StackError> {
    let http = stevedore_shipstation::http_client().map_err(StackError::ShipStation)?;
    let mut options = stevedore_shipstation::ClientOptions::new(url, http, time.clock());
    let time = time.clone();
    options.sleep = Arc::new(move |duration| Box::pin(tokio::time::sleep(time.real(duration))));
    Ok(stevedore_shipstation::Client::new(options))
}

/// With these variables `cargo lambda watch` runs the same functions against this stack.
pub(crate) fn environment(
    engines: &Engines,
    urls: &stevedore_aws::QueueUrls,
    shipstation_url: &str,
    token: &SecretString,
    key: &AccessKey,
) -> Vec<(&'static str, String)> {
    vec![
        (config::TABLE, TABLE_NAME.to_owned()),
        (config::ORDERS_QUEUE_URL, urls.orders.clone()),
        (config::COMMANDS_QUEUE_URL, urls.commands.clone()),
        (config::CONSOLIDATION_QUEUE_URL, urls.consolidation.clone()),
        (config::DEAD_LETTER_QUEUE_URL, urls.dead_letters.clone()),
        (config::SECRET_ID, SECRET.to_owned()),
        (config::SHIPSTATION_URL, shipstation_url.to_owned()),
        (config::API_TOKEN, token.expose_secret().to_owned()),
        ("AWS_ENDPOINT_URL", engines.endpoint().to_owned()),
        ("AWS_REGION", stevedore_engines::REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", key.id.clone()),
        ("AWS_SECRET_ACCESS_KEY", key.secret.clone()),
    ]
}

/// The folder's lock shows that no other process works, so a lease on the cursor belongs to a
/// killed run. Its download is repeated at once, not after the end of the lease.
pub(crate) async fn take_over(table: &Table) -> Result<(), StackError> {
    let Stored { value: cursor, version } = table.cursor().await?;
    if cursor.lease.is_some() {
        table.put_cursor(&Cursor { lease: None, last_tick: None, ..cursor }, version).await?;
    }
    if let Some(run) = table.newest_run().await?.filter(|run| run.held_until.is_some() && !run.is_done()) {
        table.put_run(&StoredRun { held_until: None, ..run }).await?;
    }
    Ok(())
}
