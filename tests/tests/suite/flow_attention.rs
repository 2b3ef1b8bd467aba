//! Warnings that want attention, in whole flows: counted while they exist, and gone when they are
//! resolved.

use stevedore_aws::{DeleteOutcome, List, Progress};
use stevedore_domain::reason::Reason;
use stevedore_domain::settings::PickPackShip;
use stevedore_sandbox::Draft;

use crate::bound::Bound;
use crate::flow::with;
use crate::world::{Options, World, dec, order_id};

impl World {
    /// Number of warnings of each kind that wants attention.
    async fn attention(&self) -> Vec<(Reason, u64)> {
        let counts = self.table.counted_attention(1_000).await.unwrap();
        counts.into_iter().filter(|(_, count)| count.count > 0).map(|(reason, count)| (reason, count.count)).collect()
    }

    async fn listed(&self, reason: Reason) -> Vec<i64> {
        let page = self.table.list_log_attention(reason, &List { limit: 50, ..List::default() }).await.unwrap();
        page.items.iter().map(|stored| i64::try_from(stored.entry.order_id.0).unwrap()).collect()
    }
}

fn adjusted(number: &str) -> stevedore_sandbox::Json {
    with(&Draft::new(number).line("MUG", 2, dec("10.00")), |order| order.set("orderTotal", dec("20.50")))
}

/// S34, and docs/requirements.md, section 9: an order that is cancelled after it was booked, an
/// adjusted order, and a short pick are counted. Each is removed when it is resolved.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_wants_attention_is_counted_until_it_is_answered() {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.pick_pack_ship = PickPackShip::Pick).await;
    world.product("mug", |_| {}).await;
    world.adjust("mug", 1).await;
    let cancelled = world.sandbox.upsert_order(Draft::new("cancelled").line("GHOST", 1, dec("5")));
    let odd = world.sandbox.upsert_order(adjusted("odd"));
    world.sandbox.upsert_order(Draft::new("plain").line("GHOST", 1, dec("5")));
    world.download().await;
    assert_eq!(world.attention().await, [(Reason::TotalAdjusted, 1), (Reason::StockShort, 1)]);
    world.clock.advance(jiff::SignedDuration::from_mins(10));
    world.sandbox.edit_order(cancelled, |order| order.set("orderStatus", "cancelled"));
    world.next_hour().await;
    assert_eq!(world.attention().await[0], (Reason::CancelledAfterBooking, 1));
    assert_eq!(
        (world.listed(Reason::CancelledAfterBooking).await, world.listed(Reason::TotalAdjusted).await),
        (vec![cancelled], vec![odd])
    );
    let short = world.table.list_sales_attention(Reason::StockShort, &List { limit: 50, ..List::default() }).await.unwrap();
    assert_eq!(short.items.iter().map(|stored| stored.sale.number.as_str()).collect::<Vec<_>>(), ["odd"]);
    // Re-created with the present stock, the pick is complete, and the adjustment is present again.
    world.adjust("mug", 5).await;
    world.start(stevedore_domain::operation::OperationKind::Recreate { order_id: order_id(odd) }).await;
    assert_eq!(world.attention().await, [(Reason::CancelledAfterBooking, 1), (Reason::TotalAdjusted, 1)]);
    // Without its entry the order has no warning.
    assert!(matches!(world.table.delete_log_entry(order_id(odd)).await.unwrap(), DeleteOutcome::Deleted(Some(_))));
    assert_eq!(world.attention().await, [(Reason::CancelledAfterBooking, 1)]);
    let (mut place, mut bound) = (None, Bound::of("a disconnect"));
    while world.table.disconnect_step(&mut place, world.clock.now()).await.unwrap() != Progress::Done {
        bound.turn();
    }
    assert_eq!(world.attention().await, []);
}

/// S34: a short sale of a day counts once, its orders count for their own warnings, and voiding the
/// day resolves all of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_void_day_answers_what_wanted_attention_of_it() {
    let world = World::new(Options::default()).await;
    world.daily(18).await;
    world.settings(|settings| settings.pick_pack_ship = PickPackShip::Pick).await;
    world.product("mug", |_| {}).await;
    let odd = world.sandbox.upsert_order(adjusted("odd"));
    let other = world.sandbox.upsert_order(Draft::new("other").line("MUG", 2, dec("10.00")));
    world.download().await;
    world.at("2026-01-15T23:00:00Z");
    assert_eq!(world.consolidate().await, ["2026-01-15"]);
    assert_eq!(world.attention().await, [(Reason::TotalAdjusted, 1), (Reason::StockShort, 1)]);
    assert_eq!(world.listed(Reason::TotalAdjusted).await, [odd]);
    let short = world.table.list_sales_attention(Reason::StockShort, &List { limit: 50, ..List::default() }).await.unwrap();
    assert_eq!(short.items.iter().map(|stored| stored.sale.id.as_str()).collect::<Vec<_>>(), ["DAY-2026-01-15"]);
    world.sandbox.edit_order(other, |order| order.set("orderStatus", "cancelled"));
    world.next_hour().await;
    assert_eq!(world.listed(Reason::CancelledAfterBooking).await, [other]);
    world.void_day("2026-01-15").await;
    assert_eq!(world.attention().await, []);
}

/// N4: an order that is held for a person, because it was split off a booked one or may be a
/// duplicate, is counted and listed by its reason until a person answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_held_orders_are_counted_until_a_person_answers() {
    let world = World::new(Options::default()).await;
    let twin = |id: i64| Draft::new("twin").key("twin").id(id).line("GHOST", 1, dec("5"));
    world.sandbox.upsert_order(twin(303));
    let parent = world.sandbox.upsert_order(Draft::new("whole").line("GHOST", 1, dec("3")).line("GHOST-2", 1, dec("8")));
    world.download().await;
    assert_eq!(world.attention().await, []);
    world.clock.advance(jiff::SignedDuration::from_mins(10));
    world.sandbox.upsert_order(twin(304));
    let child = world.sandbox.split(parent).unwrap();
    world.next_hour().await;
    for (reason, order) in [(Reason::SplitAfterBooking, child), (Reason::PossibleDuplicate, 304)] {
        assert!(world.attention().await.contains(&(reason, 1)), "{:?}", world.attention().await);
        assert_eq!(world.listed(reason).await, [order]);
    }
    // A person books one all the same, and the other is cancelled in ShipStation.
    let now = world.clock.now();
    world.table.change_log_entry(order_id(304), |entry| entry.book_anyway(now, "avery")).await.unwrap();
    world.start(stevedore_domain::operation::OperationKind::ProcessPending { order_ids: None }).await;
    world.sandbox.cancel(child);
    world.next_hour().await;
    for reason in [Reason::SplitAfterBooking, Reason::PossibleDuplicate] {
        assert_eq!(world.listed(reason).await, [0; 0], "{reason}");
        assert!(world.attention().await.iter().all(|(counted, _)| *counted != reason));
    }
}

/// N17, N31, S70: an order whose tax is not in its total, and one that was to be recalculated by a
/// rule without percentages, are counted until their sales are void.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn taxes_that_a_setting_must_tell_are_counted() {
    let world = World::new(Options::default()).await;
    let rule = stevedore_domain::reference::TaxRule {
        id: "none".into(),
        name: "None".into(),
        components: Vec::new(),
        place: None,
        addresses: Vec::new(),
        created_at: world.clock.now(),
    };
    world.table.put_record(&rule, None).await.unwrap();
    let gross = world.sandbox.upsert_order(with(&Draft::new("gross").line("GHOST", 1, dec("120.00")), |order| {
        order.set("taxAmount", dec("20.00"));
        order.set("orderTotal", dec("120.00"));
    }));
    world.download().await;
    assert!(world.attention().await.contains(&(Reason::TaxNotAdded, 1)), "{:?}", world.attention().await);
    assert_eq!(world.listed(Reason::TaxNotAdded).await, [gross]);
    world
        .settings(|settings| {
            settings.tax.default_rule = Some("none".into());
            settings.tax.recalculate = true;
        })
        .await;
    world.clock.advance(jiff::SignedDuration::from_mins(10));
    let kept = world.sandbox.upsert_order(Draft::new("kept").line("GHOST", 1, dec("10.00")).tax(dec("1.00")));
    world.next_hour().await;
    assert!(world.attention().await.contains(&(Reason::TaxRuleWithoutPercent, 1)), "{:?}", world.attention().await);
    assert_eq!(world.listed(Reason::TaxRuleWithoutPercent).await, [kept]);
    let now = world.clock.now();
    for order in [gross, kept] {
        let void = |draft: &mut stevedore_aws::SaleDraft| {
            let stock = draft.sale.void(&draft.levels, now);
            draft.entry.as_mut().unwrap().sale_voided(now, "avery");
            Ok::<_, ()>(Some(stevedore_aws::SaleEdit { stock, events: Vec::new() }))
        };
        let id = world.sale(order).await.id;
        world.table.change_sale(&id, stevedore_domain::stock::Levels::default(), now, void).await.unwrap();
    }
    assert_eq!(world.attention().await, []);
}
