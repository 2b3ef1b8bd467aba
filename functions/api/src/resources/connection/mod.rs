//! The one connection to ShipStation (S12, S15, S16, S76).
//!
//! The secret is written before the connection: cut off in between, nothing is connected and connecting again overwrites it. Disconnecting marks
//! the connection first and removes it last: cut off in between, it stays `disconnecting`, nothing is fetched, and the DELETE can be sent again.

pub(super) mod view;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use stevedore_aws::messages::Command;
use stevedore_aws::{Connection, ConnectionMode, Progress, RecordOutcome, StoredCredentials};
use stevedore_domain::account::Evidence;
use stevedore_domain::ids::ShipstationAccount;
use stevedore_shipstation::Credentials;
use utoipa::ToSchema;

use super::Shared;
use crate::Deps;
use crate::http::auth::Caller;
use crate::http::body::{Body, Fields, choice, text};
use crate::http::problem::{Code, Problem};
use crate::http::router::{Routes, routes};
use view::ConnectionView;

pub(super) fn routes<R: Routes>(into: R) -> R {
    into.routes(routes!(show, connect, change, disconnect))
}

/// Body of a request to connect.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "only its schema is used: bodies are read member by member")]
struct ConnectInput {
    /// V1 API key.
    #[schema(format = Password, min_length = 1)]
    api_key: String,
    /// V1 API secret.
    #[schema(format = Password, min_length = 1)]
    api_secret: String,
    /// `store` where it is left out.
    modes: Option<Vec<ModeName>>,
}

/// Body of a change: both credentials, or modes, or all three.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "only its schema is used: bodies are read member by member")]
struct ChangeInput {
    #[schema(format = Password)]
    api_key: Option<String>,
    #[schema(format = Password)]
    api_secret: Option<String>,
    modes: Option<Vec<ModeName>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ConnectionMode)]
#[allow(dead_code, reason = "only its schema is used")]
enum ModeName {
    Store,
    CustomStore,
    ShippingService,
}

/// The word that disconnecting takes.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "only its schema is used: bodies are read member by member")]
struct DisconnectInput {
    #[schema(example = "disconnect", pattern = "^disconnect$")]
    confirm: String,
}

const MODES: &[(&str, ConnectionMode)] = &[
    ("store", ConnectionMode::Store),
    ("custom_store", ConnectionMode::CustomStore),
    ("shipping_service", ConnectionMode::ShippingService),
];

/// The longest key or secret that is taken, in bytes; ShipStation's have 32.
const LONGEST_CREDENTIAL: usize = 256;

fn read_modes(fields: &mut Fields<'_>) -> Option<Vec<ConnectionMode>> {
    let mut modes = fields.list("modes", 10, choice(MODES))?;
    modes.sort_unstable();
    modes.dedup();
    if modes.is_empty() {
        fields.refuse("modes", "required", "Name at least one mode: store, custom_store or shipping_service.");
    }
    if modes.contains(&ConnectionMode::CustomStore) && modes.contains(&ConnectionMode::ShippingService) {
        fields.refuse("modes", "not_allowed", "custom_store and shipping_service exclude each other; store goes with either.");
    }
    Some(modes)
}

fn read_credentials(fields: &mut Fields<'_>) -> Credentials {
    let mut secret = |name| SecretString::from(fields.required(name, text(LONGEST_CREDENTIAL)));
    Credentials { api_key: secret("api_key"), api_secret: secret("api_secret") }
}

fn last_four(credentials: &Credentials) -> String {
    let key = credentials.api_key.expose_secret();
    // Of a key so short that four characters are most of it, fewer are shown.
    let shown = (key.chars().count() / 2).min(4);
    key.chars().skip(key.chars().count() - shown).collect()
}

fn stored(credentials: &Credentials) -> StoredCredentials {
    StoredCredentials { api_key: credentials.api_key.clone(), api_secret: credentials.api_secret.clone() }
}

impl Deps {
    /// Proves credentials by a live call before anything is kept. Answers what tells their account.
    async fn verify_credentials(&self, credentials: &Credentials) -> Result<Evidence, Problem> {
        let stores = self.shipstation.stores(&self.call(credentials)).await.map_err(|error| Problem::shipstation(&error, true))?;
        Ok(Evidence::new(stores.into_iter().map(|store| store.store_id), credentials.api_key.expose_secret()))
    }

    /// The account that is about to be connected: one that was connected before, or a new one.
    async fn identify(&self, evidence: &Evidence) -> Result<ShipstationAccount, Problem> {
        let accounts = self.table.accounts().await?.value;
        if let Some(before) = accounts.latest().filter(|latest| accounts.identify(evidence) != Some(*latest)) {
            // Products that were linked while nothing was connected are linked to nothing of this account.
            self.table.of_account(before).remove_product_links().await?;
        }
        let now = self.now();
        Ok(self.table.change_accounts(|accounts| accounts.connect(evidence, now)).await?)
    }

    /// Refuses credentials of another account than the connected one: its orders must never meet those of this one.
    async fn refuse_another_account(&self, account: ShipstationAccount, evidence: &Evidence) -> Result<(), Problem> {
        let accounts = self.table.accounts().await?.value;
        let same = !accounts.is_told(account) || accounts.identify(evidence) == Some(account);
        if same { Ok(()) } else { Err(Problem::new(Code::AnotherAccount)) }
    }

    /// True if the secret holds these credentials.
    async fn is_kept(&self, credentials: &Credentials) -> Result<bool, Problem> {
        let same = |a: &SecretString, b: &SecretString| a.expose_secret() == b.expose_secret();
        let kept = self.secrets.read().await?;
        Ok(kept.is_some_and(|kept| same(&kept.api_key, &credentials.api_key) && same(&kept.api_secret, &credentials.api_secret)))
    }
}

/// The connection's state
#[utoipa::path(get, path = "/v1/connection", tag = "connection", operation_id = "show_connection",
    security(("bearer" = ["integration:shipstation:read"])),
    responses((status = 200, description = "The connection, or that there is none.", body = ConnectionView)))]
async fn show(State(deps): Shared) -> Result<Json<ConnectionView>, Problem> {
    let connection = deps.table.connection().await?;
    Ok(Json(connection.map(|stored| stored.value).into()))
}

/// Connect a ShipStation account
#[utoipa::path(post, path = "/v1/connection", tag = "connection", operation_id = "connect",
    description = "The credentials are proved by a live call before anything is kept.",
    security(("bearer" = ["integration:shipstation:configure"])), request_body = ConnectInput,
    responses(
        (status = 201, description = "Connected.", body = ConnectionView),
        (status = 409, description = "`already_connected` or `disconnecting`."),
        (status = 422, description = "`validation_failed`, or what ShipStation said to the credentials: `shipstation_refused_credentials`, \
            `shipstation_plan_without_api`, `shipstation_forbidden`."),
        (status = 502, description = "ShipStation's answer was not understood; its code begins with `shipstation_`."),
        (status = 503, description = "`shipstation_unavailable`, `shipstation_throttled`, or `unavailable`."),
    ))]
async fn connect(State(deps): Shared, caller: Caller, body: Body) -> Result<Response, Problem> {
    let (credentials, modes) = body.read(|fields| {
        let modes = read_modes(fields).unwrap_or_else(|| vec![ConnectionMode::Store]);
        (read_credentials(fields), modes)
    })?;
    refuse_a_second(&deps).await?;
    let evidence = deps.verify_credentials(&credentials).await?;
    // Once more, because proving took its time and the secret must not be somebody else's.
    refuse_a_second(&deps).await?;
    let account = deps.identify(&evidence).await?;
    // What a disconnect of a moment ago left behind must not count as known.
    deps.table.sweep_disconnected(deps.now()).await?;
    deps.secrets.write(&stored(&credentials)).await?;
    let now = deps.now();
    let connection = Connection {
        modes,
        integrated_at: now,
        api_key_last_four: last_four(&credentials),
        credentials_set_at: now,
        disconnecting: false,
        account,
    };
    let RecordOutcome::Written(_) = deps.table.put_connection(&connection, None).await? else {
        return Err(Problem::new(Code::AlreadyConnected));
    };
    // Another who connected at the same moment and came second may have written the secret in between.
    if !deps.is_kept(&credentials).await? {
        deps.secrets.write(&stored(&credentials)).await?;
    }
    tracing::info!("connected");
    let view = ConnectionView::from(Some(connection));
    caller.change.is_new(&view);
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

async fn refuse_a_second(deps: &Deps) -> Result<(), Problem> {
    match deps.connected().await {
        Ok(_) => Err(Problem::new(Code::AlreadyConnected)),
        Err(problem) if problem.is(Code::NotConnected) => Ok(()),
        Err(problem) => Err(problem),
    }
}

/// Rotate the credentials or change the modes
#[utoipa::path(patch, path = "/v1/connection", tag = "connection", operation_id = "change_connection",
    description = "New credentials are proved by a live call before they replace the old ones. Both are sent together.",
    security(("bearer" = ["integration:shipstation:configure"])), request_body = ChangeInput,
    responses(
        (status = 200, description = "Changed.", body = ConnectionView),
        (status = 409, description = "`not_connected` or `disconnecting`; `another_account` where the credentials are of another ShipStation account."),
        (status = 422, description = "`validation_failed`, or what ShipStation said to the credentials."),
        (status = 502, description = "ShipStation's answer was not understood."),
        (status = 503, description = "`shipstation_unavailable`, `shipstation_throttled`, or `unavailable`."),
    ))]
async fn change(State(deps): Shared, caller: Caller, body: Body) -> Result<Json<ConnectionView>, Problem> {
    let (credentials, modes) = body.read(|fields| {
        let modes = read_modes(fields);
        // One without the other cannot be proved; the missing one is named.
        let credentials = (fields.has("api_key") || fields.has("api_secret")).then(|| read_credentials(fields));
        if credentials.is_none() && modes.is_none() && !fields.has("modes") {
            fields.refuse("modes", "required", "Send modes, or api_key and api_secret, or all three.");
        }
        (credentials, modes)
    })?;
    deps.connected().await?;
    if let Some(credentials) = &credentials {
        let evidence = deps.verify_credentials(credentials).await?;
        let account = deps.connected().await?.value.account;
        deps.refuse_another_account(account, &evidence).await?;
        deps.secrets.write(&stored(credentials)).await?;
        if let Err(problem) = deps.connected().await {
            // The connection was removed since: nothing may stay of its credentials, and of another's that is being made nothing goes.
            if deps.is_kept(credentials).await? {
                deps.secrets.clear().await?;
            }
            return Err(problem);
        }
        deps.table.change_accounts(|accounts| accounts.learn(account, &evidence)).await?;
    }
    // Cut off here, the new credentials are in use already and only what is shown of them is old; sending it again mends that.
    for _ in 0..8 {
        let read = deps.connected().await?;
        let mut connection = read.value;
        let before = ConnectionView::from(Some(connection.clone()));
        if let Some(credentials) = &credentials {
            connection.api_key_last_four = last_four(credentials);
            connection.credentials_set_at = deps.now();
        }
        connection.modes = modes.clone().unwrap_or(connection.modes);
        if let RecordOutcome::Written(_) = deps.table.put_connection(&connection, Some(read.version)).await? {
            tracing::info!(credentials = credentials.is_some(), modes = modes.is_some(), "connection changed");
            let view = ConnectionView::from(Some(connection));
            caller.change.is(Some(before), &view);
            return Ok(Json(view));
        }
    }
    Err(Problem::new(Code::Unavailable))
}

/// Time for which a request removes things before it leaves the rest to the background.
const REMOVING: SignedDuration = SignedDuration::from_secs(10);

/// Disconnect
#[utoipa::path(delete, path = "/v1/connection", tag = "connection", operation_id = "disconnect",
    description = "Removes the log, pending orders, links, cursors and the secret. Sales, customers, products and stock stay. Can be repeated.",
    security(("bearer" = ["integration:shipstation:configure"])), request_body = DisconnectInput,
    responses(
        (status = 200, description = "Disconnected.", body = ConnectionView),
        (status = 202, description = "Much is left to remove; the background goes on.", body = ConnectionView),
    ))]
async fn disconnect(State(deps): Shared, caller: Caller, body: Body) -> Result<Response, Problem> {
    body.read(|fields| {
        if fields.optional("confirm", text(100)).as_deref() != Some("disconnect") {
            fields.refuse("confirm", "not_confirmed", "Write \"disconnect\" here to confirm.");
        }
    })?;
    let mut marked = None;
    for _ in 0..8 {
        let Some(read) = deps.table.connection().await? else { break };
        let mut connection = read.value;
        caller.change.is(Some(ConnectionView::from(Some(connection.clone()))), ConnectionView::from(None));
        let done = connection.disconnecting;
        connection.disconnecting = true;
        let written = done || matches!(deps.table.put_connection(&connection, Some(read.version)).await?, RecordOutcome::Written(_));
        if written {
            marked = Some(connection);
            break;
        }
    }
    // Also without a connection: one that was cut off while connecting leaves a secret behind.
    if deps.secrets.read().await?.is_some() {
        deps.secrets.clear().await?;
    }
    let Some(connection) = marked else {
        // Either there was none, or others kept changing it and it is still whole.
        deps.refuse_if_whole().await?;
        deps.table.end_operations_of_connection(deps.now(), true).await?;
        return Ok(Json(ConnectionView::from(None)).into_response());
    };
    tracing::info!("disconnecting");
    let until = deps.now().saturating_add(REMOVING).unwrap_or(jiff::Timestamp::MAX);
    // What ran or waited is accounted for while the log still says what became of it.
    deps.table.end_operations_of_connection(deps.now(), false).await?;
    let mut place = None;
    while let Progress::More(_) = deps.table.disconnect_step(&mut place, deps.now()).await? {
        if deps.now() >= until {
            deps.queues.send_command(&Command::Disconnect).await?;
            return Ok((StatusCode::ACCEPTED, Json(ConnectionView::from(Some(connection)))).into_response());
        }
    }
    deps.table.end_operations_of_connection(deps.now(), true).await?;
    Ok(Json(ConnectionView::from(None)).into_response())
}

impl Deps {
    async fn refuse_if_whole(&self) -> Result<(), Problem> {
        if self.table.connection().await?.is_some() { Err(Problem::new(Code::Unavailable)) } else { Ok(()) }
    }
}
