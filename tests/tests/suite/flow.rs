//! Sandbox → fetch-orders → queue → process-orders → table.

use stevedore_domain::log::{LogState, Outcome};
use stevedore_domain::operation::{Operation, OperationState};
use stevedore_sandbox::{Draft, Json};

use crate::world::{Options, World, dec};

/// An order of one line of 10.00.
pub fn plain(number: &str) -> Draft {
    Draft::new(number).line("SKU-1", 1, dec("10.00"))
}

/// The order's ShipStation form, with a change that drafts do not support.
pub fn with(draft: &Draft, change: impl FnOnce(&mut Json)) -> Json {
    let mut order = draft.json();
    change(&mut order);
    order
}

/// A member of a JSON object, to be changed.
pub fn member<'a>(json: &'a mut Json, name: &str) -> &'a mut Json {
    json.get_mut(name).unwrap_or_else(|| panic!("no {name}"))
}

/// An item of an order, to be changed.
pub fn item(order: &mut Json, index: usize) -> &mut Json {
    &mut member(order, "items").elements_mut().unwrap()[index]
}

/// Removes the buyer's data from an order, as marketplaces do.
pub fn nameless(order: &mut Json) {
    for name in ["customerId", "customerUsername", "customerEmail"] {
        order.set(name, Json::Null);
    }
    for address in ["billTo", "shipTo"] {
        member(order, address).set("name", Json::Null);
    }
}

/// P2: an operation is complete, its counts are its rows, one for each order, and each row other
/// than captured or updated has a reason.
pub async fn accounted(world: &World, operation: &Operation) {
    assert_eq!(operation.state, OperationState::Completed, "{operation:?}");
    let rows = world.rows(operation).await;
    assert_eq!(operation.counts.total(), rows.len() as u64, "{:?}", operation.counts);
    assert_eq!(operation.counts.queued, 0);
    let mut orders: Vec<_> = rows.iter().filter_map(|row| row.order_id).collect();
    orders.sort();
    orders.dedup();
    assert_eq!(orders.len(), rows.iter().filter(|row| row.order_id.is_some()).count(), "an order has two rows");
    for row in rows {
        let outcome = row.outcome.unwrap();
        if !matches!(outcome, Outcome::Captured | Outcome::Updated) {
            assert!(row.reason.is_some(), "{row:?}");
        }
        if let Some(reason) = row.reason {
            let message = row.message.as_deref().unwrap_or_default();
            assert!(message.ends_with(reason.advice()), "N20: {message:?} does not say what to do about {reason}");
        }
    }
}

/// S103, S113, S116, S145, S147, S153, S154: the shortest complete flow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s113_an_order_becomes_a_sale() {
    let world = World::new(Options::default()).await;
    world
        .sandbox
        .upsert_order(Draft::new("1001").line("SKU-1", 2, dec("19.99")).tax(dec("3.20")).shipping(dec("5.00")).status("awaiting_shipment"));
    let operation = world.download().await;
    assert_eq!(operation.state, OperationState::Completed);
    assert_eq!(operation.counts.of(Outcome::Captured), 1);
    assert_eq!(operation.counts.total(), 1);
    let sales = world.sales().await;
    let [stored] = sales.as_slice() else { panic!("{} sales", sales.len()) };
    assert_eq!(stored.sale.total.0, 4818);
    assert_eq!(stored.sale.tax.0, 320);
    let log = world.log().await;
    assert_eq!(log[0].entry.state, LogState::Booked);
    assert_eq!(log[0].entry.sale_id.as_ref(), Some(&stored.sale.id));
    // S117: the next hour reads it again and changes nothing.
    let again = world.next_hour().await;
    assert_eq!(again.counts.of(Outcome::Unchanged), 1, "{again:?}");
    assert_eq!(world.sales().await.len(), 1);
}
