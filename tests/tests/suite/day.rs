//! Days in a world: daily consolidation is turned on, its ticks, and sums of ShipStation's own data
//! that are compared with a day's sale.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use stevedore_aws::{List, OrderRecord, SaleDraft, SaleEdit, SaleOutcome};
use stevedore_domain::address::Address;
use stevedore_domain::event::EventKind;
use stevedore_domain::ids::SaleId;
use stevedore_domain::log::LogState;
use stevedore_domain::money::Decimal;
use stevedore_domain::operation::Operation;
use stevedore_domain::order::Order;
use stevedore_domain::reference::Customer;
use stevedore_domain::sale::Sale;
use stevedore_domain::settings::{Consolidation, LocalTime};
use stevedore_domain::stock::Levels;
use stevedore_lambda::Deadline;
use stevedore_shipstation::parse_order;

use crate::bound::Bound;
use crate::world::World;

/// The customer of the days' sales.
pub const COUNTER: &str = "counter";

impl World {
    /// Daily consolidation at `hour`:00 in New York, for a customer of its own (S28).
    pub async fn daily(&self, hour: i8) {
        let customer = Customer {
            id: COUNTER.into(),
            name: "Counter".to_owned(),
            email: None,
            phone: None,
            company: None,
            billing_address: Address::default(),
            business_address: Address::default(),
            revenue_account: None,
            created_at: self.clock.now(),
        };
        self.table.put_customer(&customer, None).await.unwrap();
        self.settings(|settings| {
            settings.consolidation = Consolidation::Daily;
            settings.consolidation_time = Some(LocalTime { hour, minute: 0 });
            settings.customer_id = Some(COUNTER.into());
        })
        .await;
    }

    /// Moves the clock to this moment; never back.
    pub fn at(&self, moment: &str) {
        let left = moment.parse::<Timestamp>().unwrap().duration_since(self.clock.now());
        assert!(!left.is_negative(), "the clock is already past {moment}");
        self.clock.advance(left);
    }

    /// A tick, and all messages that it sends. Returns the dates that were done at once.
    pub async fn consolidate(&self) -> Vec<String> {
        let answer = self.consolidation_tick().await.unwrap();
        self.drain().await;
        dates(&answer)
    }

    /// A day's sale.
    pub async fn day(&self, date: &str) -> Sale {
        self.table.sale(&SaleId::of_day(date.parse().unwrap())).await.unwrap().unwrap_or_else(|| panic!("{date} has no sale")).sale
    }

    /// The operation of a date's run.
    pub async fn run_operation(&self, date: &str) -> Operation {
        let run = self.table.run(date.parse().unwrap()).await.unwrap().unwrap_or_else(|| panic!("{date} has no run"));
        self.operation(&run.run.operation_id).await
    }

    /// The orders of a day, a page at a time.
    pub async fn day_orders(&self, date: &str, limit: usize) -> Vec<OrderRecord> {
        let date: Date = date.parse().unwrap();
        let mut list = List { limit, ..List::default() };
        let mut orders = Vec::new();
        let mut bound = Bound::of("a list of a day's orders");
        loop {
            bound.turn();
            let page = self.table.list_day_orders(date, &list).await.unwrap();
            assert!(page.items.len() <= limit);
            orders.extend(page.items);
            list.token = page.next;
            if list.token.is_none() {
                return orders;
            }
        }
    }

    /// N5: the orders of a day's sale name it, and their parts add up to it.
    pub async fn traceable(&self, date: &str) -> usize {
        let sale = self.day(date).await;
        let orders = self.day_orders(date, 7).await;
        let mut total = 0;
        for known in &orders {
            let entry = &known.entry().expect("an entry").entry;
            assert_eq!((entry.state, entry.sale_id.as_ref()), (LogState::Booked, Some(&sale.id)), "{entry:?}");
            assert!(entry.booked_revision().is_some());
            total += entry.sale_total.unwrap().0;
        }
        assert_eq!(total, sale.total.0, "{date}: its orders do not add up to it");
        orders.len()
    }

    /// Voids a day's sale.
    pub async fn void_day(&self, date: &str) -> Sale {
        let now = self.clock.now();
        let change = |draft: &mut SaleDraft| -> Result<Option<SaleEdit>, ()> {
            if draft.sale.voided_at.is_some() {
                return Ok(None);
            }
            Ok(Some(SaleEdit { stock: draft.sale.void(&draft.levels, now), events: vec![EventKind::SaleVoided] }))
        };
        match self.table.change_sale(&SaleId::of_day(date.parse().unwrap()), Levels::default(), now, change).await.unwrap() {
            SaleOutcome::Written(stored) | SaleOutcome::Unchanged(stored) => stored.sale,
            other => panic!("{other:?}"),
        }
    }

    /// The function on a clock that advances by `step` at every reading, so that its time runs out.
    pub fn hurried(&self, step: SignedDuration) -> consolidate::Deps {
        let clock = self.clock.clone();
        let clock = Arc::new(move || {
            clock.advance(step);
            clock.now()
        });
        consolidate::Deps { clock, ..self.consolidate.clone() }
    }

    /// Invocations of `limit` each, until one does not run out of time. Returns their number.
    pub async fn consolidate_in_pieces(&self, deps: &consolidate::Deps, limit: Duration) -> usize {
        for invocation in 1..1_000 {
            let deadline = Deadline::after(self.clock.now(), limit);
            let answer = consolidate::handle(deps, self.tick_event(), deadline).await.unwrap();
            if answer["reason"] != "out_of_time" {
                self.drain().await;
                return invocation;
            }
        }
        panic!("the run never came to its end");
    }

    /// Every order of ShipStation, parsed.
    pub fn source(&self) -> Vec<Order> {
        self.sandbox.orders().into_iter().map(|order| parse_order(&order.text, None).unwrap().order).collect()
    }
}

/// The dates in a tick's answer.
pub fn dates(answer: &Value) -> Vec<String> {
    answer["dates"].as_array().unwrap().iter().map(|date| date.as_str().unwrap().to_owned()).collect()
}

/// The amounts of a day, added up from ShipStation's data only.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub orders: u64,
    pub total: Decimal,
    pub tax: Decimal,
    pub paid: Decimal,
    /// Quantity by SKU and unit price.
    pub pieces: BTreeMap<(String, Decimal), i64>,
}

impl Sums {
    /// The amounts of these orders.
    pub fn of<'a>(orders: impl IntoIterator<Item = &'a Order>) -> Self {
        let mut sums = Self::default();
        for order in orders {
            sums.orders += 1;
            sums.total += order.total;
            sums.tax += order.tax;
            sums.paid += order.amount_paid;
            for item in order.items.iter().filter(|item| !item.adjustment) {
                *sums.pieces.entry((item.sku.clone().unwrap_or_default(), item.unit_price.normalize())).or_default() += item.quantity;
            }
        }
        sums.normalised()
    }

    /// The amounts of a day's sale.
    pub fn of_day(sale: &Sale) -> Self {
        let mut sums = Self {
            orders: match &sale.source {
                stevedore_domain::sale::Source::Day(day) => day.order_count,
                stevedore_domain::sale::Source::Order(order) => panic!("{order:?}"),
            },
            total: sale.currency.decimal(sale.total),
            tax: sale.currency.decimal(sale.tax),
            paid: sale.invoice.payments.iter().map(|payment| sale.currency.decimal(payment.amount)).sum(),
            pieces: BTreeMap::new(),
        };
        for line in &sale.lines {
            *sums.pieces.entry((line.sku.clone().unwrap_or_default(), line.unit_price.normalize())).or_default() += line.quantity;
        }
        sums.normalised()
    }

    /// Panics with the differences, not with thousands of lines.
    pub fn equal(&self, source: &Self, what: &str) {
        let money = |sums: &Self| (sums.orders, sums.total, sums.tax, sums.paid);
        assert_eq!(money(self), money(source), "{what}");
        let differ = |a: &Self, b: &Self| -> Vec<_> {
            a.pieces.iter().filter(|(key, pieces)| b.pieces.get(*key) != Some(*pieces)).take(5).map(|piece| format!("{piece:?}")).collect()
        };
        assert_eq!((differ(self, source), differ(source, self)), (Vec::new(), Vec::new()), "{what}");
    }

    fn normalised(mut self) -> Self {
        self.pieces.retain(|_, pieces| *pieces != 0);
        Self { total: self.total.normalize(), tax: self.tax.normalize(), paid: self.paid.normalize(), ..self }
    }
}
