//! Cost of calls in requests to AWS: lists do not grow with what they do not show.

use crate::captured::capture;
use crate::world::World;

/// Requests to DynamoDB and SQS since the counter was last looked at.
pub(crate) async fn asked(world: &World, path: &str) -> u64 {
    let before: u64 = world.engines.faults().calls().values().sum();
    let reply = world.get(path).await;
    assert!(reply.status.is_success(), "{path}: {}", reply.body);
    world.engines.faults().calls().values().sum::<u64>() - before
}

/// A page is one look into each partition of its lists and one into the table, however many pages there are; filters that days are read by cost the settings as well.
#[tokio::test]
async fn a_list_reads_what_it_shows() {
    let world = World::new().await;
    for order in 1..=30 {
        capture(&world, order, "booked").await;
        capture(&world, 100 + order, "blocked").await;
    }
    // The key of page tokens is read once for each process.
    world.get("/v1/log?limit=1").await.ok();
    for (path, most) in [
        // The log stands in eight partitions, the sales in four, what waits in eight for each state.
        ("/v1/log?limit=5", 11),
        ("/v1/log?state=blocked&limit=5", 11),
        ("/v1/log?order_number=N1&limit=2", 5),
        ("/v1/sales?limit=5", 6),
        ("/v1/pending-orders?limit=5", 17),
        ("/v1/accounting-syncs?limit=5", 10),
        ("/v1/customers?limit=5", 6),
        ("/v1/operations?limit=5", 6),
        ("/v1/settings", 1),
        ("/v1/me", 1),
        ("/v1/settings/history?limit=5", 1),
        ("/v1/audit?limit=5", 1),
        // The counts over the partitions of their lists, once; then one read finds them.
        ("/v1/overview", 90),
        ("/v1/overview", 7),
    ] {
        let taken = asked(&world, path).await;
        assert!(taken <= most, "{path} took {taken}");
    }
    // The whole of a list, page by page, reads each record once.
    let before = world.engines.faults().calls();
    assert_eq!(world.all("/v1/log?state=blocked", 10).await.len(), 30);
    let after = world.engines.faults().calls();
    let count = |calls: &std::collections::BTreeMap<String, u64>, name: &str| calls.get(name).copied().unwrap_or(0);
    assert!(count(&after, "BatchGetItem") - count(&before, "BatchGetItem") <= 3);
}
