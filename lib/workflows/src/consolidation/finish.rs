//! The end of a run: the day's one sale, its stock, the marker and the operation, together.

use std::collections::BTreeMap;

use jiff::Timestamp;
use stevedore_aws::{RunEnd, RunEnded, StoredRun};
use stevedore_domain::address::Address;
use stevedore_domain::consolidation::{DayOf, RunStep};
use stevedore_domain::ids::OperationId;
use stevedore_domain::log::Outcome;
use stevedore_domain::operation::{Operation, OperationState};
use stevedore_domain::reference::Customer;
use stevedore_domain::sale::{Actor, Fulfilment, Products, Sale};
use stevedore_domain::settings::Settings;
use stevedore_domain::stock::{Level, Levels};

use super::collect::Collector;
use super::{Deps, Error, metrics};

/// Number of times that the sale is fulfilled again because others took stock at the same time.
const ATTEMPTS: u32 = 10;

pub(crate) async fn finish(deps: &Deps, collector: Collector<'_>) -> Result<(), Error> {
    let Collector { run: held, sum, .. } = collector;
    let now = (deps.clock)();
    let date = held.run.local_date;
    let customer = customer(deps, &held.settings).await?;
    let mut whole = sum.sale(DayOf { local_date: date, settings: &held.settings, customer: &customer, booked_at: now });
    // From here on the sale says it all.
    drop(sum);
    let (products, mut levels) = match &mut whole {
        Some(sale) => {
            // Levels without what an invocation that was cut off has moved: the run is held, so nobody is at it any more.
            deps.table.recover_now(&sale.id, now).await?;
            stock(deps, sale).await?
        }
        None => (Products::default(), Levels::default()),
    };
    let id = held.run.operation_id.clone();
    let stored = deps.table.operation(&id).await?.ok_or_else(|| Error::NoOperation(id.clone()))?;
    let mut counts = deps.table.count_operation_rows(&id).await?;
    let mut run = StoredRun { held_until: None, ..held };
    run.run.step = RunStep::Done;
    run.run.finished_at = Some(now);
    run.run.left_out = counts.total();
    if run.run.orders > 0 {
        *counts.by_outcome.entry(Outcome::Captured).or_default() += run.run.orders;
    }
    let message = Some(in_words(&run, whole.as_ref()));
    let processing =
        Operation { state: OperationState::Processing, counts, message, read_at: Some(now), finished_at: None, ..stored.value };
    let completed = Operation { state: OperationState::Completed, finished_at: Some(now), ..processing.clone() };
    for _ in 0..ATTEMPTS {
        let mut sale = whole.clone();
        let changes = sale.as_mut().map(|sale| {
            let (mode, auto_assembly) = (run.settings.pick_pack_ship, run.settings.auto_assembly);
            let with = Fulfilment { mode, auto_assembly, products: &products, levels: &levels, actor: Actor::System, at: now };
            sale.fulfil(&BTreeMap::new(), with)
        });
        let written = sale.as_ref().zip(changes.as_deref());
        // What moved stock has a last step more: telling the other channels.
        let moved = changes.as_ref().is_some_and(|changes| !changes.is_empty());
        let operation = if moved { &processing } else { &completed };
        let end = RunEnd { run: &run, sale: written, operation, operation_version: stored.version };
        match deps.table.end_run(end, now).await? {
            RunEnded::Written => {
                metrics::record_day(run.run.orders, run.run.left_out, now);
                complete(deps, &id, now).await?;
                tracing::info!(%date, orders = run.run.orders, left_out = run.run.left_out, "consolidation is done");
                return Ok(());
            }
            RunEnded::StockShort(short) => short.into_iter().for_each(|(key, level)| levels.learn(key, level)),
            RunEnded::Changed => return Err(Error::RunTaken),
        }
    }
    Err(Error::StockMoved)
}

/// The last step of a day that is booked (S127). Cut off before, the next tick takes it.
pub(crate) async fn complete(deps: &Deps, id: &OperationId, now: Timestamp) -> Result<(), Error> {
    if let Some(stored) = deps.table.operation(id).await? {
        deps.table.complete_day(stored.value, stored.version, now).await?;
    }
    Ok(())
}

/// Notes what the sale claims, and reads what is known of it.
async fn stock(deps: &Deps, sale: &mut Sale) -> Result<(Products, Levels), Error> {
    let mut ids: Vec<_> = sale.lines.iter().filter_map(|line| line.product_id.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    let products = deps.table.products_by_id(ids).await?;
    sale.claim(&products);
    let wanted = sale.stock_keys(&products);
    let mut levels = Levels::default();
    for key in &wanted {
        levels.learn(key.clone(), Level::default());
    }
    for stock in deps.table.stock_levels(wanted).await? {
        levels.learn(stock.key, stock.level);
    }
    Ok((products, levels))
}

/// The settings' customer. One that was deleted while the run went on keeps the id that every order was booked for.
async fn customer(deps: &Deps, settings: &Settings) -> Result<Customer, Error> {
    let id = settings.customer_id.clone().unwrap_or_else(|| "".into());
    if let Some(stored) = deps.table.record::<Customer>(id.as_str()).await? {
        return Ok(stored.value);
    }
    Ok(Customer {
        name: id.0.clone(),
        id,
        email: None,
        phone: None,
        company: None,
        billing_address: Address::default(),
        business_address: Address::default(),
        revenue_account: None,
        created_at: (deps.clock)(),
    })
}

fn in_words(run: &StoredRun, sale: Option<&Sale>) -> String {
    let date = run.run.local_date;
    let left_out = match run.run.left_out {
        0 => String::new(),
        1 => " 1 order was left out; its row says why.".to_owned(),
        more => format!(" {more} orders were left out; their rows say why."),
    };
    let Some(sale) = sale else {
        return if left_out.is_empty() {
            format!("Nothing was pending, so {date} has no sale.")
        } else {
            format!("{date} has no sale.{left_out}")
        };
    };
    let (currency, lines) = (sale.currency, sale.lines.len());
    let orders = if run.run.orders == 1 { "1 order".to_owned() } else { format!("{} orders", run.run.orders) };
    let paid = sale.invoice.payments.iter().map(|payment| payment.amount).sum();
    format!(
        "{orders} became {}: total {} {currency}, of it tax {}, paid {}, merged lines {lines}.{left_out}",
        sale.id,
        currency.text(sale.total),
        currency.text(sale.tax),
        currency.text(paid)
    )
}
