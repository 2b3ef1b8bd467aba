//! Sandbox → fetch-orders → queue → process-orders → table.

use stevedore_domain::log::{LogState, Outcome};
use stevedore_domain::operation::OperationState;
use stevedore_sandbox::Draft;

use crate::world::{Options, World, dec};

/// S103, S113, S116, S145, S147, S153, S154: the thinnest whole path.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s113_an_order_becomes_a_sale() {
    let world = World::new(Options::default()).await;
    world.sandbox.upsert_order(Draft::new("1001").line("SKU-1", 2, dec("19.99")).tax(dec("3.20")).shipping(dec("5.00")).status("awaiting_shipment"));
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
    // S117: the next hour reads it again and leaves it alone.
    let again = world.next_hour().await;
    assert_eq!(again.counts.of(Outcome::Unchanged), 1, "{again:?}");
    assert_eq!(world.sales().await.len(), 1);
}
