//! The first start with the sandbox: a person's steps over the API, in the same order. Every step
//! first checks whether it is done, so that an interrupted set-up continues.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::{Map, Value, json};
use stevedore_sandbox::{Json, Sandbox};
use tokio::sync::mpsc::UnboundedSender;

use crate::http::{ApiClient, Reply};
use crate::state_file::StoredSource;
use crate::{Progress, StackError, sandbox_account};

/// Number of products that are created for orders; other lines become service lines.
const PRODUCTS: usize = 12;
/// Number of the sandbox's orders that are read for them.
const ORDERS_READ: usize = 200;

/// Orders younger than this are read by the first download, which starts a day before the
/// connection.
const FIRST_DOWNLOAD: SignedDuration = SignedDuration::from_hours(23);

/// A running set-up.
pub(crate) struct SetUp<'a> {
    pub(crate) api: &'a ApiClient,
    pub(crate) sandbox: &'a Sandbox,
    pub(crate) source: &'a StoredSource,
    pub(crate) progress: Option<&'a UnboundedSender<Progress>>,
}

impl SetUp<'_> {
    /// Connects, and creates the reference data and the settings for booking orders.
    pub(crate) async fn run(&self) -> Result<(), StackError> {
        self.connect().await?;
        let warehouses = self.list("read the warehouses", "/v1/shipstation/warehouses").await?;
        let mut locations = Map::new();
        let mut default_location = Value::Null;
        for (priority, warehouse) in warehouses.iter().enumerate() {
            let name = warehouse.get("name").and_then(Value::as_str).unwrap_or_default();
            let id = self.ensure("location", "/v1/locations", "name", json!({ "name": name, "priority": priority })).await?;
            if default_location.is_null() || warehouse.get("is_default") == Some(&Value::Bool(true)) {
                default_location.clone_from(&id);
            }
            let warehouse_id = warehouse.get("warehouse_id").map(Value::to_string).unwrap_or_default();
            locations.insert(warehouse_id, id);
        }
        if default_location.is_null() {
            default_location = self.ensure("location", "/v1/locations", "name", json!({ "name": "Main" })).await?;
        }
        let sales = json!({ "name": "Sales", "kind": "revenue", "receives_payments": false });
        let sales = self.ensure("account", "/v1/accounts", "name", sales).await?;
        let bank = json!({ "name": "Bank", "kind": "asset", "receives_payments": true });
        let bank = self.ensure("account", "/v1/accounts", "name", bank).await?;
        // ShipStation states an amount for each order and no rate, so the rule for it has none.
        let tax_rule = self.ensure("tax rule", "/v1/tax_rules", "name", json!({ "name": "Sales tax", "components": [] })).await?;
        let walk_in = self.ensure("customer", "/v1/customers", "name", json!({ "name": "Walk-in customer" })).await?;
        for (sku, name) in popular(self.sandbox) {
            self.ensure("product", "/v1/products", "sku", json!({ "sku": sku, "name": name, "kind": "stock" })).await?;
        }
        self.settings(&json!({
            "time_zone": self.zone_and_currency().0,
            "currency": self.zone_and_currency().1,
            "poll_minutes": 5,
            "store_name_as_sales_rep": true,
            "customer_id": walk_in,
            "revenue_account": sales,
            "location_map": { "default": default_location, "warehouses": locations },
            "tax": { "default_rule": tax_rule, "recalculate": false },
            "payment": { "account": bank, "by_method": {} },
        }))
        .await
    }

    /// Loads the orders of a file that are older than the window of the first download, as a
    /// merchant would after connecting.
    pub(crate) async fn load_history(&self, now: Timestamp) -> Result<(), StackError> {
        const STEP: &str = "load the file's older orders";
        let StoredSource::File { .. } = self.source else { return Ok(()) };
        let invoices = self.is_csv();
        // A credit without its sale has an invented order, which is downloaded when it changes.
        let orders = self.sandbox.orders().into_iter().filter(|order| !(invoices && order.number.starts_with('C')));
        let Some(oldest) = orders.map(|order| order.created).min() else { return Ok(()) };
        if now.duration_since(oldest) < FIRST_DOWNLOAD {
            return Ok(());
        }
        let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date().saturating_sub(1.day());
        let year_ago = now.to_zoned(TimeZone::UTC).date().saturating_sub(1.year()).saturating_add(1.day());
        let from = day(oldest).max(year_ago).to_string();
        good(STEP, self.api.post("/v1/operations", &json!({ "kind": "load_orders", "from": from })).await?)?;
        self.say(&format!("orders since {from} are loaded (POST /v1/operations)"));
        Ok(())
    }

    fn is_csv(&self) -> bool {
        matches!(self.source, StoredSource::File { path, .. } if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv")))
    }

    async fn connect(&self) -> Result<(), StackError> {
        const STEP: &str = "connect to ShipStation";
        let state = good(STEP, self.api.get("/v1/connection").await?)?;
        if state.body.get("state").and_then(Value::as_str) == Some("connected") {
            return Ok(());
        }
        let credentials = json!({ "api_key": sandbox_account::API_KEY, "api_secret": sandbox_account::API_SECRET, "modes": ["store"] });
        good(STEP, self.api.post("/v1/connection", &credentials).await?)?;
        self.say("connected to the ShipStation sandbox (POST /v1/connection)");
        Ok(())
    }

    /// The Online Retail layout is a British shop's data.
    fn zone_and_currency(&self) -> (&'static str, &'static str) {
        if self.is_csv() { ("Europe/London", "GBP") } else { ("America/New_York", "USD") }
    }

    async fn settings(&self, wanted: &Value) -> Result<(), StackError> {
        const STEP: &str = "write the settings";
        let current = good(STEP, self.api.get("/v1/settings").await?)?;
        let mut document = current.body.clone();
        if let (Some(document), Some(wanted)) = (document.as_object_mut(), wanted.as_object()) {
            document.extend(wanted.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        let etag = current.etag().unwrap_or("*").to_owned();
        good(STEP, self.api.put("/v1/settings", &document, &etag).await?)?;
        let names: Vec<&str> = wanted.as_object().map(|wanted| wanted.keys().map(String::as_str).collect()).unwrap_or_default();
        self.say(&format!("settings written (PUT /v1/settings): {}", names.join(", ")));
        Ok(())
    }

    /// The id of the record with this name (or SKU), created if there is none.
    async fn ensure(&self, what: &str, path: &str, key: &str, record: Value) -> Result<Value, StackError> {
        let step = format!("make a {what}");
        let found = self.list(&step, path).await?.into_iter().find(|known| known.get(key) == record.get(key));
        let known = if let Some(known) = found {
            known
        } else {
            let made = good(&step, self.api.post(path, &record).await?)?;
            let name = record.get(key).and_then(Value::as_str).unwrap_or_default();
            self.say(&format!("{what} {name} made (POST {path})"));
            made.body
        };
        Ok(known.get("id").cloned().unwrap_or_default())
    }

    /// All records of a list.
    async fn list(&self, step: &str, path: &str) -> Result<Vec<Value>, StackError> {
        let mut records = Vec::new();
        let mut query = "?limit=200".to_owned();
        loop {
            let reply = good(step, self.api.get(&format!("{path}{query}")).await?)?;
            records.extend(reply.body.get("items").and_then(Value::as_array).cloned().unwrap_or_default());
            match reply.body.get("next_page_token").and_then(Value::as_str) {
                Some(token) => query = format!("?limit=200&page_token={token}"),
                None => return Ok(records),
            }
        }
    }

    fn say(&self, step: &str) {
        if let Some(progress) = self.progress {
            // The receiver is dropped when the program ends.
            let _ = progress.send(Progress::Step(step.to_owned()));
        }
    }
}

fn good(step: &str, reply: Reply) -> Result<Reply, StackError> {
    if reply.is_success() {
        return Ok(reply);
    }
    Err(StackError::SetUp { step: step.to_owned(), status: reply.status, body: reply.body.to_string() })
}

/// The SKUs that the sandbox's orders name most often, each with its first name.
fn popular(sandbox: &Sandbox) -> Vec<(String, String)> {
    let mut seen: HashMap<String, (usize, String)> = HashMap::new();
    for order in sandbox.orders().iter().rev().take(ORDERS_READ) {
        let body = order.body();
        for item in body.get("items").map(Json::elements).unwrap_or_default() {
            let of = |name: &str| item.get(name).and_then(Json::as_text).map(str::trim).unwrap_or_default();
            let adjustment = item.get("adjustment") == Some(&Json::Bool(true));
            if adjustment || of("sku").is_empty() || of("name").is_empty() {
                continue;
            }
            let (count, _) = seen.entry(of("sku").to_owned()).or_insert_with(|| (0, of("name").to_owned()));
            *count += 1;
        }
    }
    let mut seen: Vec<_> = seen.into_iter().collect();
    seen.sort_by(|(a_sku, (a, _)), (b_sku, (b, _))| b.cmp(a).then_with(|| a_sku.cmp(b_sku)));
    // SKUs that differ only in case are one product's.
    let mut taken: Vec<String> = Vec::new();
    seen.retain(|(sku, _)| {
        let folded = sku.to_lowercase();
        let new = !taken.contains(&folded);
        taken.push(folded);
        new
    });
    seen.into_iter().take(PRODUCTS).map(|(sku, (_, name))| (sku, name)).collect()
}
