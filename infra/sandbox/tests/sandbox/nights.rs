//! N13: the two nights on which Pacific wall time jumps.

use jiff::{SignedDuration, Timestamp};
use stevedore_sandbox::{Draft, Sandbox};

use crate::client::{Client, Hands, options};

fn orders_every_20_minutes(from: &str, count: i64) -> Sandbox {
    let hands = Hands::at("2026-12-01T00:00:00Z");
    let from: Timestamp = from.parse().unwrap();
    let sandbox = Sandbox::from_orders(options(&hands), Vec::<Draft>::new());
    for id in 1..=count {
        let when = from + SignedDuration::from_mins(20 * (id - 1));
        sandbox.upsert_order_at(Draft::new("N").id(id), when, when);
    }
    sandbox
}

/// N13: in the autumn 01:00 to 02:00 occurs twice. Sorting and filtering use the wall time, so the
/// two hours are mixed, and a start in the second one finds orders of the first. The true instants
/// are kept.
#[tokio::test]
async fn n13_autumn_wall_times_repeat() {
    // 00:40, 01:00, 01:20, 01:40 PDT, then 01:00, 01:20, 01:40, 02:00 PST.
    let sandbox = orders_every_20_minutes("2026-11-01T07:40:00Z", 8);
    let client = Client::of(&sandbox).await;
    let wall = |id| sandbox.order(id).unwrap().body().get("modifyDate").unwrap().as_text().unwrap().to_owned();
    assert_eq!((wall(2), wall(2)), ("2026-11-01T01:00:00.0000000".to_owned(), wall(5)));
    assert_eq!(sandbox.order(5).unwrap().modified.duration_since(sandbox.order(2).unwrap().modified), SignedDuration::from_hours(1));
    assert_eq!(client.get("/orders?sortBy=ModifyDate").await.ids(), [1, 2, 5, 3, 6, 4, 7, 8]);
    assert_eq!(client.get("/orders?sortBy=ModifyDate&modifyDateStart=2026-11-01 01:40:00").await.ids(), [4, 7, 8]);
    // An explicit offset is converted to the wall time, which cannot distinguish the hours either.
    assert_eq!(client.get("/orders?sortBy=ModifyDate&modifyDateStart=2026-11-01T09:40:00Z").await.ids(), [4, 7, 8]);
}

/// N13: in the spring 02:00 to 03:00 does not occur. A start inside it finds the orders after it.
#[tokio::test]
async fn n13_spring_wall_times_skip_an_hour() {
    // 01:20, 01:40 PST, then 03:00, 03:20 PDT.
    let sandbox = orders_every_20_minutes("2026-03-08T09:20:00Z", 4);
    let client = Client::of(&sandbox).await;
    let wall = |id| sandbox.order(id).unwrap().body().get("modifyDate").unwrap().as_text().unwrap().to_owned();
    assert_eq!((wall(2), wall(3)), ("2026-03-08T01:40:00.0000000".to_owned(), "2026-03-08T03:00:00.0000000".to_owned()));
    assert_eq!(client.get("/orders?modifyDateStart=2026-03-08 02:30:00").await.ids(), [3, 4]);
    assert_eq!(client.get("/orders?modifyDateEnd=2026-03-08 02:30:00").await.ids(), [1, 2]);
    assert_eq!(client.get("/orders?modifyDateStart=2026-03-08T10:00:00Z").await.ids(), [3, 4]);
}
