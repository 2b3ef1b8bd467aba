//! Orders that are captured already: log entries, and sales as a download books them.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use stevedore_aws::{CommitOutcome, NewSale, OrderCommit};
use stevedore_domain::address::Address;
use stevedore_domain::digest::Digest;
use stevedore_domain::ids::{OrderId, SaleId, StoreId};
use stevedore_domain::log::{LogEntry, LogState, SeenRevision};
use stevedore_domain::money::{Currency, Decimal, Minor};
use stevedore_domain::order::RevisionKey;
use stevedore_domain::reason::Reason;
use stevedore_domain::reference::{Customer, ProductKind, TaxComponent};
use stevedore_domain::sale::{
    Actor, Charge, CustomerChoice, Discount, Fulfilment, Invoice, NewCustomer, OrderSource, Payment, Sale, SaleCustomer, SaleKind,
    SaleLine, SaleTaxRule, Source, Stage, StageStatus, Sync, SyncAction,
};
use stevedore_domain::settings::PickPackShip;
use stevedore_domain::stock::{Level, Levels, StockChange};
use stevedore_domain::warning::Warning;

use crate::world::{NOW, World};

/// The sale of an order that is nothing but service lines: nothing of it lies on our shelves.
pub(crate) fn sale(order: u64) -> Sale {
    let component = |name: &str, percent: i64| TaxComponent { name: name.to_owned(), percent: percent.into(), account: None };
    let line = |line_no: u32, comment: Option<String>| SaleLine {
        line_no,
        product_id: None,
        service: true,
        components: Vec::new(),
        external: false,
        sku: Some("85123A".to_owned()),
        name: "Heart".to_owned(),
        comment,
        quantity: 3,
        unit_price: Decimal::new(8504, 4),
        total: Minor(255),
        tax: Minor(20),
        tax_included: false,
        tax_rule: "TAX-1".into(),
        account: None,
        location_id: "LOC-1".into(),
    };
    Sale {
        id: SaleId::of_order(OrderId(order), 1),
        number: format!("N{order}"),
        kind: SaleKind::Order,
        source: Source::Order(OrderSource {
            order_id: OrderId(order),
            order_number: format!("N{order}"),
            order_key: Some("key".to_owned()),
            store_id: Some(StoreId(7)),
            store_name: None,
        }),
        customer: SaleCustomer { id: format!("C-{order}").into(), name: "Ann".to_owned(), email: None },
        bill_to: Address::default(),
        ship_to: Address { city: Some("Reno".to_owned()), ..Address::default() },
        sales_representative: None,
        location_id: "LOC-1".into(),
        location_reason: "default location".to_owned(),
        price_tier: 1,
        currency: Currency::USD,
        lines: vec![line(1, Some("Colour: Red".to_owned())), line(2, Some("x".repeat(300)))],
        charges: vec![Charge { name: "Shipping".to_owned(), comment: None, amount: Minor(500), tax: Minor(0), account: None }],
        discounts: vec![Discount { name: "Spring".to_owned(), amount: Minor(50) }],
        tax_rules: vec![SaleTaxRule {
            id: "TAX-1".into(),
            name: "California".to_owned(),
            components: vec![component("State", 6), component("County", 1)],
        }],
        subtotal: Minor(510),
        tax: Minor(40),
        total: Minor(1000),
        withheld_tax: None,
        invoice: Invoice {
            status: StageStatus::Authorised,
            number: format!("INV-{order}"),
            payments: vec![Payment {
                amount: Minor(1000),
                account: "ACC-1".into(),
                method: Some("PayPal".to_owned()),
                date: None,
                id: None,
                by: None,
            }],
            voided_payments: Vec::new(),
            sync: Some(Sync { action: SyncAction::Authorised, created_at: NOW.parse().unwrap(), acknowledged_at: None }),
        },
        allocations: Vec::new(),
        assemblies: Vec::new(),
        purchases: Vec::new(),
        pick: Stage::default(),
        pack: Stage::default(),
        ship: Stage::default(),
        warnings: vec![Warning::new(Reason::ServiceLine, "")],
        order_date: Some(jiff::civil::date(2026, 1, 30)),
        adjusted: None,
        created_at: moment(order),
        voided_at: None,
        booked_revision: None,
    }
}

/// Each order comes at a time of its own.
fn moment(order: u64) -> jiff::Timestamp {
    NOW.parse::<jiff::Timestamp>().unwrap() + jiff::SignedDuration::from_secs(i64::try_from(order % 100_000).unwrap())
}

/// Writes a log entry as a download would: `booked` with its sale, or another state without one.
pub(crate) async fn capture(world: &World, order: u64, state: &str) -> RevisionKey {
    let state = LogState::parse(state).unwrap();
    write(world, order, state, (state == LogState::Booked).then(|| sale(order)), &[]).await
}

/// Books a sale with what it adds to stock.
pub(crate) async fn book(world: &World, sale: Sale, stock: &[StockChange]) {
    let order = sale.source.order().map_or(1, |order| order.order_id.0);
    write(world, order, LogState::Booked, Some(sale), stock).await;
}

async fn write(world: &World, order: u64, state: LogState, sale: Option<Sale>, stock: &[StockChange]) -> RevisionKey {
    let at = NOW.parse().unwrap();
    let key = RevisionKey { modified_at: at, read_at: Some(at), digest: Digest::of_bytes(&order.to_le_bytes()) };
    let mut entry = LogEntry {
        account: stevedore_domain::ids::ShipstationAccount::FIRST,
        order_id: OrderId(order),
        order_number: format!("N{}", order % 10),
        store_id: Some(StoreId(7)),
        state,
        reason: (state == LogState::Blocked).then_some(Reason::NoCustomer),
        message: (state == LogState::Blocked).then(|| Reason::NoCustomer.advice().to_owned()),
        sale_id: sale.as_ref().map(|sale| sale.id.clone()),
        past_sales: Vec::new(),
        booked: None,
        revisions: vec![SeenRevision { key, operation_id: None, unchanged: false }],
        order_total: Some(Minor(1000)),
        sale_total: sale.as_ref().map(|sale| sale.total),
        currency: Currency::USD,
        warnings: Vec::new(),
        timeline: Vec::new(),
        captured_at: sale.as_ref().map_or_else(|| moment(order), |sale| sale.created_at),
        captured_by: Some("op".into()),
        kin: None,
    };
    entry.add_event(at, "captured", "op");
    if let Some(sale) = &sale {
        entry.take_warnings_of(sale);
    }
    let raw = RawValue::from_string(format!(r#"{{"orderId":{order},"orderTotal":10.00,"x":1e2}}"#)).unwrap();
    let customer = Customer {
        id: format!("C-{order}").into(),
        name: "Ann".to_owned(),
        email: None,
        phone: None,
        company: None,
        billing_address: Address::default(),
        business_address: Address::default(),
        revenue_account: None,
        created_at: at,
    };
    let choice = CustomerChoice::Create(Box::new(NewCustomer { customer, link: None, replaces_link: false }));
    let write = OrderCommit {
        paid: None,
        entry: &entry,
        known: None,
        order: Some((&key, &raw)),
        sale: sale.as_ref().map(|sale| NewSale { sale, customer: &choice, stock }),
        beside: &[],
    };
    let outcome = world.table.commit_order(write, at).await.unwrap();
    assert!(matches!(outcome, CommitOutcome::Written), "{outcome:?}");
    key
}

/// A shop with a location and products that are made over the API.
pub(crate) struct Shop<'a> {
    pub(crate) world: &'a World,
    pub(crate) location: String,
    products: BTreeMap<String, String>,
}

impl<'a> Shop<'a> {
    pub(crate) async fn new(world: &'a World) -> Self {
        let made = world.post("/v1/locations", json!({"name": "Reno"})).await.ok();
        Self { world, location: made["id"].as_str().unwrap().to_owned(), products: BTreeMap::new() }
    }

    /// Changes members of the settings.
    pub(crate) async fn settings(&self, changes: Value) {
        let stored = self.world.get("/v1/settings").await;
        let mut settings = stored.body.clone();
        settings.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        self.world.put("/v1/settings", stored.header("etag"), settings).await.ok();
    }

    /// Makes a product whose name is its SKU; components are named by their SKUs.
    pub(crate) async fn product(&mut self, sku: &str, kind: &str, parts: &[(&str, i64)]) -> String {
        let parts: Vec<Value> = parts.iter().map(|(sku, quantity)| json!({"product_id": self.id(sku), "quantity": quantity})).collect();
        let supplier = if kind == "drop_ship" { json!("Quarry Ltd") } else { Value::Null };
        let body = json!({"sku": sku, "name": sku, "kind": kind, "components": parts, "supplier": supplier});
        let id = self.world.post("/v1/products", body).await.ok()["id"].as_str().unwrap().to_owned();
        self.products.insert(sku.to_owned(), id.clone());
        id
    }

    pub(crate) fn id(&self, sku: &str) -> &str {
        &self.products[sku]
    }

    /// Brings units in over the API, or takes them away.
    pub(crate) async fn adjust(&self, sku: &str, quantity: i64) -> Value {
        let body = json!({"product_id": self.id(sku), "location_id": self.location, "quantity": quantity});
        self.world.post("/v1/stock/adjustments", body).await.ok()
    }

    /// On hand, allocated, unpicked.
    pub(crate) async fn level(&self, sku: &str) -> [i64; 3] {
        let path = format!("/v1/stock?product_id={}&location_id={}", self.id(sku), self.location);
        let found = self.world.get(&path).await;
        let Some(level) = found.items().first() else { return [0; 3] };
        let units = |name: &str| level[name].as_i64().unwrap();
        assert_eq!(units("available"), units("on_hand") - units("allocated"), "{level}");
        [units("on_hand"), units("allocated"), units("unpicked")]
    }

    /// A sale of products, as far as the system takes it by itself.
    pub(crate) async fn draft(&self, order: u64, mode: PickPackShip, lines: &[(&str, i64)]) -> (Sale, Vec<StockChange>) {
        let ids: Vec<_> = lines.iter().map(|(sku, _)| self.id(sku).into()).collect();
        let products = self.world.table.products_by_id(ids).await.unwrap();
        let mut sale = sale(order);
        let template = sale.lines.remove(0);
        let line = |(index, (sku, quantity)): (usize, &(&str, i64))| {
            let product = products.get(&self.id(sku).into()).unwrap();
            SaleLine {
                line_no: u32::try_from(index).unwrap() + 1,
                product_id: Some(product.id.clone()),
                service: product.kind == ProductKind::Service,
                components: if product.kind == ProductKind::Kit { product.components.clone() } else { Vec::new() },
                sku: Some((*sku).to_owned()),
                quantity: *quantity,
                location_id: self.location.as_str().into(),
                ..template.clone()
            }
        };
        sale.lines = lines.iter().enumerate().map(line).collect();
        sale.location_id = self.location.as_str().into();
        sale.created_at = NOW.parse().unwrap();
        sale.invoice = Invoice { status: StageStatus::Draft, payments: Vec::new(), sync: None, ..sale.invoice };
        sale.claim(&products);
        let mut levels = Levels::default();
        for stock in self.world.table.stock_levels(sale.stock_keys(&products)).await.unwrap() {
            levels.learn(stock.key, stock.level);
        }
        for key in sale.stock_keys(&products) {
            if levels.get(&key).is_none() {
                levels.learn(key, Level::default());
            }
        }
        let auto_assembly = self.world.table.settings().await.unwrap().value.auto_assembly;
        let at = NOW.parse().unwrap();
        let with = Fulfilment { mode, auto_assembly, products: &products, levels: &levels, actor: Actor::System, at };
        let stock = sale.fulfil(&BTreeMap::new(), with);
        (sale, stock)
    }

    /// Books a sale of products, and answers its path.
    pub(crate) async fn sell(&self, order: u64, mode: PickPackShip, lines: &[(&str, i64)]) -> String {
        let (sale, stock) = self.draft(order, mode, lines).await;
        let path = format!("/v1/sales/{}", sale.id);
        book(self.world, sale, &stock).await;
        path
    }
}
