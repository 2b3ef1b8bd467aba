//! Products from a file: ten thousand rows, twice, at once, out of time, and stopped at every
//! write.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use stevedore_aws::messages::Command;
use stevedore_aws::{List, Table};
use stevedore_domain::ids::OperationId;
use stevedore_domain::import::{Format, read};
use stevedore_domain::log::Outcome;
use stevedore_domain::operation::{Counts, Operation, OperationKind, OperationRow, OperationState};
use stevedore_domain::reason::Reason;
use stevedore_domain::reference::{Product, ProductKind};
use stevedore_lambda::Deadline;

use crate::bound::Bound;
use crate::chaos::{Breaker, Plan};
use crate::world::{Options, REVENUE, World, sqs_event};

/// The API's work after it has read a file.
pub async fn ask(world: &World, id: &str, format: Format, text: &str) -> Operation {
    let rows = u64::try_from(read(format, text.as_bytes()).unwrap().len()).unwrap();
    let id = OperationId::from(id);
    let chunks = world.table.put_import_input(&id, text.as_bytes()).await.unwrap();
    let operation = Operation {
        id: id.clone(),
        counts: Counts { queued: rows, ..Counts::default() },
        ..Operation::new(
            OperationKind::ImportProducts { format, rows, chunks, done: 0 },
            stevedore_domain::ids::ShipstationAccount::FIRST,
            "avery",
            world.clock.now(),
        )
    };
    world.table.create_operation(&operation).await.unwrap().unwrap();
    world.queues.send_command(&Command::Run { operation_id: id }).await.unwrap();
    operation
}

async fn import(world: &World, id: &str, text: &str) -> (Operation, Vec<OperationRow>) {
    ask(world, id, Format::Csv, text).await;
    world.drain().await;
    settled(world, id).await
}

pub async fn settled(world: &World, id: &str) -> (Operation, Vec<OperationRow>) {
    world.table.settle_operation(&id.into(), world.clock.now()).await.unwrap().unwrap()
}

/// Every product by its SKU.
async fn products(table: &Table) -> BTreeMap<String, Product> {
    let mut list = List { limit: 200, ..List::default() };
    let mut products = BTreeMap::new();
    let mut bound = Bound::of("a list of products");
    loop {
        bound.turn();
        let page = table.list_records::<Product>(&list).await.unwrap();
        for stored in page.items {
            let sku = stored.value.sku.clone();
            assert!(products.insert(sku, stored.value).is_none());
        }
        list.token = page.next;
        if list.token.is_none() {
            return products;
        }
    }
}

fn counted(operation: &Operation) -> [u64; 5] {
    let of = |outcome| operation.counts.of(outcome);
    [of(Outcome::Captured), of(Outcome::Updated), of(Outcome::Unchanged), of(Outcome::Failed), operation.counts.queued]
}

/// The line, SKU, field and reason of each refused row.
fn refused(rows: &[OperationRow]) -> Vec<(u64, &str, &str, Reason)> {
    let of = |row: &'_ OperationRow| {
        assert_eq!(row.outcome, Some(Outcome::Failed));
        assert!(row.message.as_ref().is_some_and(|message| message.ends_with('.')), "{row:?}");
    };
    rows.iter().for_each(of);
    let parts = rows.iter().map(|row| {
        let at = row.imported.as_ref().unwrap();
        (at.line, at.sku.as_deref().unwrap_or(""), at.field.as_deref().unwrap_or(""), row.reason.unwrap())
    });
    parts.collect()
}

const SMALL: &str = "sku,name,kind,aliases,components,supplier,revenue_account,price_1\n\
    SET,Set,kit,,BIKE:1;BELL:2,,,99.90\n\
    BIKE,Bike,assembly,velo,FRAME:1;WHEEL:2,,sales,80\n\
    WHEEL,Wheel,assembly,,SPOKE:32,,,\n\
    SPOKE,Spoke,stock,,,,,0.1\n\
    FRAME,Frame,stock,,,,,\n\
    BELL,Bell,stock,,,,,3\n\
    SOFA,Sofa,drop_ship,,,Acme,,500\n\
    TWIN,One,stock,,,,,\n\
    TWIN,Other,stock,,,,,\n\
    ROUND,Round,assembly,,TRIP:1,,,\n\
    TRIP,Trip,assembly,,ROUND:1,,,\n\
    BOX,Box,kit,,SET:1,,,\n\
    GHOST,Ghost,kit,,NOBODY:1,,,\n\
    NEG,Negative,stock,,,,,-1\n\
    BANK,Bank,stock,,,,bank,\n\
    SHORT,Short\n";

fn small_refused() -> Vec<(u64, &'static str, &'static str, Reason)> {
    vec![
        (9, "TWIN", "sku", Reason::RowRepeated),
        (10, "TWIN", "sku", Reason::RowRepeated),
        (11, "ROUND", "components", Reason::RowComposition),
        (12, "TRIP", "components", Reason::RowComposition),
        (13, "BOX", "components", Reason::RowComposition),
        (14, "GHOST", "components", Reason::RowUnknownReference),
        (15, "NEG", "price_1", Reason::RowInvalid),
        (16, "BANK", "revenue_account", Reason::RowUnknownReference),
        (17, "SHORT", "", Reason::RowUnreadable),
    ]
}

/// Rows in any sequence, each counted once. The same file again changes nothing, and a file with
/// fewer columns changes only those.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n18_a_file_of_all_kinds_with_refused_rows() {
    let world = World::new(Options::default()).await;
    let (operation, rows) = import(&world, "first", SMALL).await;
    assert_eq!(operation.state, OperationState::Completed, "{operation:?}");
    assert_eq!((counted(&operation), refused(&rows)), ([7, 0, 0, 9, 0], small_refused()));
    let first = products(&world.table).await;
    assert_eq!(first.keys().map(String::as_str).collect::<Vec<_>>(), ["BELL", "BIKE", "FRAME", "SET", "SOFA", "SPOKE", "WHEEL"]);
    let bike = &first["BIKE"];
    assert_eq!(
        (bike.kind, bike.aliases.as_slice(), bike.revenue_account.as_ref().unwrap().as_str()),
        (ProductKind::Assembly, ["velo".to_owned()].as_slice(), REVENUE)
    );
    assert_eq!((&bike.components[1].product_id, bike.components[1].quantity), (&first["WHEEL"].id, 2));
    assert_eq!(first["SOFA"].supplier.as_deref(), Some("Acme"));
    assert_eq!(world.table.import_input(&operation.id, 1).await.unwrap(), None);

    world.clock.advance(SignedDuration::from_secs(1));
    let (again, rows) = import(&world, "again", SMALL).await;
    assert_eq!((counted(&again), refused(&rows)), ([0, 0, 7, 9, 0], small_refused()));
    assert_eq!(products(&world.table).await, first);

    let (prices, rows) = import(&world, "prices", "price_1,sku\n100,BIKE\n,SPOKE\n3.00,BELL\n1,NEW\n").await;
    assert_eq!(counted(&prices), [0, 2, 1, 1, 0]);
    assert_eq!(refused(&rows), [(5, "NEW", "name", Reason::RowInvalid)]);
    let third = products(&world.table).await;
    assert_eq!(third["BIKE"], Product { prices: [(1, "100".parse().unwrap())].into(), ..first["BIKE"].clone() });
    assert!(third["SPOKE"].prices.is_empty());
}

/// Aliases, SKUs and kinds that other products hold; and an id from a SKU of a product whose SKU
/// was changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_held_against_what_is_there() {
    let world = World::new(Options::default()).await;
    import(&world, "first", "sku,name,aliases,kind,components\nA,Mug,mug,,\nB,Cup,,,\nK,Set,,kit,A:1\n").await;
    let (operation, rows) =
        import(&world, "second", "sku,name,aliases,kind,supplier\nC,Pot,mug,,\nmug,Pot,,,\nA,Mug,,drop_ship,Acme\n").await;
    assert_eq!(counted(&operation), [0, 0, 0, 3, 0]);
    assert_eq!(
        refused(&rows),
        [(2, "C", "aliases", Reason::RowTaken), (3, "mug", "aliases", Reason::RowTaken), (4, "A", "kind", Reason::RowComposition)]
    );
    let stored = world.table.products_by_sku(&["B".to_owned()].into()).await.unwrap().remove("B").unwrap().stored;
    let renamed = Product { sku: "B2".to_owned(), ..stored.value.clone() };
    world.table.put_product(&renamed, Some(&stored)).await.unwrap();
    let (operation, _) = import(&world, "third", "sku,name\nB,Cup\n").await;
    assert_eq!(counted(&operation), [1, 0, 0, 0, 0]);
    let all = products(&world.table).await;
    assert!(all.contains_key("B") && all.contains_key("B2") && all["B"].id != all["B2"].id);
}

/// JSON Lines give the same result.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_lines_are_carried_out() {
    let world = World::new(Options::default()).await;
    let text = "{\"sku\":\"K\",\"name\":\"Kit\",\"kind\":\"kit\",\"components\":[{\"sku\":\"A\",\"quantity\":3}]}\n{\"sku\":\"A\",\"name\":\"Part\",\"prices\":{\"10\":0.05}}\n{}\n";
    ask(&world, "lines", Format::JsonLines, text).await;
    world.drain().await;
    let (operation, rows) = settled(&world, "lines").await;
    assert_eq!((counted(&operation), refused(&rows)), ([2, 0, 0, 1, 0], vec![(3, "", "sku", Reason::RowInvalid)]));
    let all = products(&world.table).await;
    assert_eq!((all["K"].components[0].quantity, all["A"].prices[&10].to_string()), (3, "0.05".to_owned()));
}

/// Ten thousand rows in one call, including refused ones, in as many invocations as needed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_rows_come_in_over_several_invocations() {
    const ROWS: usize = 10_000;
    let world = World::new(Options::default()).await;
    let mut text = "sku,name,kind,components,price_1\n".to_owned();
    let mut bad = HashSet::new();
    for row in 0..ROWS {
        // Kits come before their components.
        let line = match row {
            _ if row % 97 == 5 => {
                bad.insert(u64::try_from(row).unwrap() + 2);
                format!("S{row},Bad {row},stock,,minus\n")
            }
            _ if row < 200 => format!("S{row},Kit {row},kit,S{}:2;S{}:1,{row}.5\n", ROWS - 1 - 97 * row / 3, 250 + 97 * (row / 97)),
            _ => format!("S{row},\"Product, {row}\",stock,,{row}.99\n"),
        };
        text.push_str(&line);
    }
    let begun = Instant::now();
    ask(&world, "large", Format::Csv, &text).await;
    let mut seen = Vec::new();
    let url = world.queues.urls().commands.clone();
    let mut bound = Bound::at_most(200, "the commands of an import");
    loop {
        bound.turn();
        let messages = world.queues.receive(&url, 0).await.unwrap();
        let Some(message) = messages.first() else { break };
        // An invocation that runs out of time after some batches: each reading of the clock takes a
        // while. The remaining time also limits the real time of a command, so it must be more than
        // any machine needs for these batches.
        let ticking = world.clock.clone();
        let clock: stevedore_lambda::Clock = std::sync::Arc::new(move || {
            ticking.advance(SignedDuration::from_secs(15));
            ticking.now()
        });
        let deps = run_operations::Deps { clock, ..world.run.clone() };
        let deadline = Deadline::after(world.clock.now(), Duration::from_secs(15 + 40 * 15));
        let event = serde_json::to_value(sqs_event(&messages)).unwrap();
        let answer = run_operations::handle(&deps, event, deadline).await.unwrap();
        if answer["batchItemFailures"] != serde_json::json!([]) {
            // An engine that is slower than any deadline cuts an invocation short: its message comes again, and goes on where that one stopped.
            assert!(crate::world::tables_at().is_some() || crate::world::lag().is_some(), "{answer}");
            world.clock.advance(SignedDuration::from_mins(91));
            continue;
        }
        world.queues.delete(&url, std::slice::from_ref(&message.receipt_handle)).await.unwrap();
        let (operation, _) = settled(&world, "large").await;
        assert_eq!(operation.counts.total(), u64::try_from(ROWS).unwrap());
        seen.push(operation.counts.queued);
    }
    let took = begun.elapsed();
    assert!(seen.len() > 2 && seen.is_sorted_by(|a, b| a > b) && seen.last() == Some(&0), "{seen:?}");
    let (operation, rows) = settled(&world, "large").await;
    assert_eq!(operation.state, OperationState::Completed);
    let [captured, updated, unchanged, failed, queued] = counted(&operation);
    assert_eq!((captured + failed, updated, unchanged, queued), (u64::try_from(ROWS).unwrap(), 0, 0, 0));
    let lines: HashSet<u64> = rows.iter().map(|row| row.imported.as_ref().unwrap().line).collect();
    assert_eq!((lines.len(), rows.len()), (usize::try_from(failed).unwrap(), lines.len()));
    assert!(bad.is_subset(&lines), "every bad row is reported");
    // The other refused row is a kit that names a refused row.
    assert!(
        rows.iter()
            .filter(|row| !bad.contains(&row.imported.as_ref().unwrap().line))
            .all(|row| row.reason == Some(Reason::RowUnknownReference))
    );
    assert_eq!(products(&world.table).await.len(), usize::try_from(captured).unwrap());
    // The duration on another engine, or on one under load, shows nothing about the import.
    let at_rest = crate::world::tables_at().is_none() && crate::world::lag().is_none();
    assert!(took < Duration::from_mins(5) || !at_rest, "{took:?}");
}

/// Delivered twice at once, and again when it is done: each row counts once, and no product is made
/// twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_deliveries_at_once_are_one_import() {
    let world = World::new(Options::default()).await;
    let mut text = SMALL.to_owned();
    for row in 0..350 {
        text = format!("{text}P{row},Product,stock,,,,,{row}\n");
    }
    ask(&world, "twice", Format::Csv, &text).await;
    let url = world.queues.urls().commands.clone();
    let messages = world.queues.receive(&url, 0).await.unwrap();
    let event = serde_json::to_value(sqs_event(&messages)).unwrap();
    let deliver = || run_operations::handle(&world.run, event.clone(), world.deadline());
    let (one, other) = tokio::join!(deliver(), deliver());
    one.unwrap();
    other.unwrap();
    deliver().await.unwrap();
    let (operation, rows) = settled(&world, "twice").await;
    assert_eq!((operation.state, counted(&operation)), (OperationState::Completed, [357, 0, 0, 9, 0]));
    assert_eq!(refused(&rows), small_refused());
    assert_eq!(products(&world.table).await.len(), 357);
}

/// The final state of one import.
async fn end(world: &World) -> (BTreeMap<String, Product>, [u64; 5], Vec<(u64, String, Reason)>) {
    let (operation, rows) = settled(world, "import").await;
    assert_eq!(operation.state, OperationState::Completed, "{operation:?}");
    assert_eq!(world.table.import_input(&operation.id, 1).await.unwrap(), None);
    let rows = refused(&rows).into_iter().map(|(line, sku, _, reason)| (line, sku.to_owned(), reason)).collect();
    (products(&world.table).await, counted(&operation), rows)
}

/// P4: stopped before or after any write, or with any reply lost, and delivered again, an import
/// ends the same, including its counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n12_an_import_that_is_stopped_anywhere_ends_the_same() {
    let run = async |plan: Plan| {
        // Writes are counted, and a table under load repeats some of them.
        let world = World::new(Options { lag: None, ..Options::default() }).await;
        // One product exists and is changed; one exists with its final values.
        let before = "sku,name,price_1\nSPOKE,Spoke,7\nFRAME,Frame,\n";
        import(&world, "before", before).await;
        world.clock.advance(SignedDuration::from_mins(1));
        ask(&world, "import", Format::Csv, SMALL).await;
        let breaker = Breaker::new(world.engines.faults(), plan);
        let options = stevedore_aws::ClientOptions { interceptors: vec![breaker.interceptor()], ..Default::default() };
        let clients = stevedore_aws::Clients::at_endpoint(world.engines.endpoint(), options);
        let deps = run_operations::Deps {
            table: Table::new(&clients, "stevedore"),
            queues: stevedore_aws::Queues::new(&clients, world.queues.urls().clone()),
            ..world.run.clone()
        };
        let url = world.queues.urls().commands.clone();
        let messages = world.queues.receive(&url, 0).await.unwrap();
        let event = serde_json::to_value(sqs_event(&messages)).unwrap();
        let answer = run_operations::handle(&deps, event, world.deadline()).await.unwrap();
        let failed = answer["batchItemFailures"].as_array().is_some_and(|failures| !failures.is_empty());
        if !failed {
            world.queues.delete(&url, &[messages[0].receipt_handle.clone()]).await.unwrap();
        }
        // Unfinished messages are delivered again.
        world.clock.advance(SignedDuration::from_hours(2));
        world.drain().await;
        (end(&world).await, breaker.writes(), breaker.struck())
    };
    let (expected, writes, _) = run(Plan::Count).await;
    assert_eq!(expected.1, [5, 1, 1, 9, 0]);
    assert!(writes > 8, "{writes} writes");
    for write in 1..=writes {
        for plan in [Plan::StopBefore(write), Plan::StopAfter(write), Plan::LoseReply(write)] {
            let (found, _, struck) = run(plan.clone()).await;
            assert_eq!(struck, 1, "{plan:?} missed");
            for (sku, product) in &expected.0 {
                assert_eq!(found.0.get(sku), Some(product), "{plan:?}");
            }
            assert_eq!(found, expected, "{plan:?}");
        }
    }
}
