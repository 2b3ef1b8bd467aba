//! Accounts from files: small ones of the tests, and five days of real sales if they are present
//! beside the project.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rust_decimal::{Decimal, RoundingStrategy};
use stevedore_sandbox::{Json, LoadError, Report, Sandbox, SandboxOptions};

use crate::client::{Client, Hands, NOW, options};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn by_number(sandbox: &Sandbox) -> BTreeMap<String, (Json, Decimal)> {
    sandbox.orders().into_iter().map(|order| (order.number.clone(), (order.body(), order.total().unwrap()))).collect()
}

#[test]
fn invoices_become_orders_to_the_cent() {
    let hands = Hands::at(NOW);
    let sandbox = Sandbox::from_file(options(&hands), &fixture("retail.csv")).unwrap();
    assert_eq!(sandbox.report(), Report { orders: 6, lines: 9, revisions: 4 });
    let orders = by_number(&sandbox);
    let total = |number: &str| orders[number].1;
    // 6 × 2.55 + 3 × 0.001 + 3.39 = 18.693
    assert_eq!(total("700001"), d("18.69"));
    assert_eq!(total("700002"), d("36"));
    assert_eq!(total("700003"), d("10"));
    assert_eq!(total("700004"), d("0"));
    assert_eq!(total("700008"), d("571.02"));
    // The credit without a sale: an older order that still has the units that will be returned.
    assert_eq!(total("C700006"), d("8.50"));

    let first = &orders["700001"].0;
    let items = first.get("items").unwrap().elements();
    assert_eq!(items[1].get("unitPrice").unwrap().to_string(), "0.001");
    assert_eq!(items[1].get("name").unwrap().as_text(), Some("TIN, ROUND"));
    assert_eq!(items[0].get("productId"), items[2].get("productId"));
    assert_eq!(first.get("customerId").unwrap().as_int(), Some(50001));
    assert_eq!(first.get("shipTo").unwrap().get("country").unwrap().as_text(), Some("GB"));
    let blank = &orders["700002"].0;
    assert_eq!((blank.get("customerId"), blank.get("customerEmail")), (Some(&Json::Null), Some(&Json::Null)));
    assert_eq!(blank.get("shippingAmount").unwrap().to_string(), "36");
    assert_eq!(blank.get("shipTo").unwrap().get("country").unwrap().as_text(), Some("FR"));
    let discount = &orders["700003"].0.get("items").unwrap().elements()[1];
    assert_eq!((discount.get("adjustment"), discount.get("unitPrice").unwrap().to_string()), (Some(&Json::Bool(true)), "-2.5".to_owned()));
    let lost = &orders["700004"].0.get("items").unwrap().elements()[0];
    assert_eq!(
        (lost.get("adjustment"), lost.get("quantity").unwrap().as_int(), lost.get("unitPrice").unwrap().to_string()),
        (Some(&Json::Bool(true)), Some(12), "0".to_owned())
    );
    let shipping = &orders["700008"].0;
    assert_eq!(
        (shipping.get("shippingAmount").unwrap().to_string(), shipping.get("items").unwrap().elements().len()),
        ("569.77".to_owned(), 1)
    );
}

#[test]
fn times_move_to_the_start_or_stay() {
    let hands = Hands::at(NOW);
    let start: jiff::Timestamp = NOW.parse().unwrap();
    let sandbox = Sandbox::from_file(options(&hands), &fixture("retail.csv")).unwrap();
    let modified = |number: &str| sandbox.orders().into_iter().find(|order| order.number == number).unwrap().modified;
    assert_eq!(start.duration_since(modified("700008")).as_secs(), 180, "the newest sale is three minutes old");
    assert_eq!(modified("700008").duration_since(modified("700001")).as_mins(), 114);
    assert_eq!(start.duration_since(modified("C700006")).as_hours(), 60 * 24);

    let kept = Sandbox::from_file(SandboxOptions { keep_times: true, ..options(&hands) }, &fixture("retail.csv")).unwrap();
    let orders = kept.orders();
    let at = |number: &str| orders.iter().find(|order| order.number == number).unwrap().modified.to_string();
    assert_eq!(at("700008"), "2010-12-01T10:20:00Z");
    assert_eq!(at("C700006"), "2010-12-01T10:10:00Z", "the credits have long come");
}

#[tokio::test]
async fn credits_arrive_later_as_lower_quantities() {
    let hands = Hands::at(NOW);
    let sandbox = Sandbox::from_file(options(&hands), &fixture("retail.csv")).unwrap();
    let client = Client::of(&sandbox).await;
    let since = "/orders?modifyDateStart=2026-03-04 10:00:05";
    assert_eq!(client.get(since).await.int("total"), 0);
    hands.advance(600);
    // 12 tins: the 10 of the newer order, then 2 of the older, whose code differs by case.
    assert_eq!(client.get(since).await.int("total"), 2);
    let orders = by_number(&sandbox);
    let quantity = |number: &str, item: usize| orders[number].0.get("items").unwrap().elements()[item].get("quantity").unwrap().as_int();
    assert_eq!((quantity("700003", 0), quantity("700001", 1)), (Some(0), Some(1)));
    assert_eq!((orders["700003"].1, orders["700001"].1), (d("-2.50"), d("18.69")));
    assert_eq!(orders["700003"].0.get("amountPaid").unwrap().to_string(), "10");
    hands.advance(60);
    let old = by_number(&sandbox)["C700006"].clone();
    assert_eq!((old.1, old.0.get("amountPaid").unwrap().to_string().as_str()), (d("0"), "8.5"));
    assert_eq!(client.get(since).await.int("total"), 3);
    // The last one by hand: a later discount, on the customer's newest order.
    let touched = sandbox.arrive(1);
    assert_eq!(sandbox.order(touched[0]).unwrap().number, "700003");
    assert_eq!(by_number(&sandbox)["700003"].1, d("-3.50"));
}

#[test]
fn json_keeps_every_digit_and_looks_freshly_imported() {
    let hands = Hands::at(NOW);
    let sandbox = Sandbox::from_file(options(&hands), &fixture("orders.json")).unwrap();
    let order = sandbox.order(9_007_199_254_740_993).unwrap();
    for part in ["\"unitPrice\":16.990", "\"orderTotal\":33.980", "\"somethingNew\":[1,2]", "\"orderDate\":\"2019-05-01T03:00:00.0000000\""]
    {
        assert!(order.text.contains(part), "{part} in {}", order.text);
    }
    let start: jiff::Timestamp = NOW.parse().unwrap();
    assert_eq!(start.duration_since(order.modified).as_mins(), 63);
    assert_eq!(order.modified.duration_since(order.created).as_hours(), 24);
    let other = sandbox.orders().into_iter().find(|order| order.number == "J-2").unwrap();
    assert_eq!(start.duration_since(other.modified).as_mins(), 3);

    let kept = Sandbox::from_file(SandboxOptions { keep_times: true, ..options(&hands) }, &fixture("orders.json")).unwrap();
    assert!(kept.order(9_007_199_254_740_993).unwrap().text.contains("\"modifyDate\":\"2019-05-02T04:00:00.0000000\""));
}

#[test]
fn one_order_and_arrays_are_taken_too() {
    let folder = tempfile::tempdir().unwrap();
    let load = |text: &str| {
        let path = folder.path().join("orders.json");
        std::fs::write(&path, text).unwrap();
        Sandbox::from_file(options(&Hands::at(NOW)), &path)
    };
    assert_eq!(load(r#"{"orderNumber":"1","items":[]}"#).unwrap().orders().len(), 1);
    assert_eq!(load(r#"[{"orderNumber":"1","items":[]},{"orderNumber":"1","items":[]}]"#).unwrap().orders().len(), 2);
    assert_eq!(load("\u{feff}[]").unwrap().orders().len(), 0);
    for (text, told) in [
        (r#"[{"orderNumber":"1"},{"orderId":2}]"#, "order 2 is not a ShipStation order: it has no orderNumber"),
        (r#"[{"orderNumber":"1","orderId":"x"}]"#, "order 1 is not a ShipStation order: its orderId is not a whole number"),
        ("[7]", "order 1 is not a ShipStation order: it is not an object"),
        (r#"{"orders":{}}"#, "its orders are not an array"),
        (r#"{"orders":"#, "save it as one order"),
    ] {
        let error = load(text).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn bad_rows_name_their_line_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let good = std::fs::read_to_string(fixture("retail.csv")).unwrap();
    let load = |text: &[u8]| -> Result<Sandbox, LoadError> {
        let path = folder.path().join("sales.csv");
        std::fs::write(&path, text).unwrap();
        Sandbox::from_file(options(&Hands::at(NOW)), &path)
    };
    for (from, to, told) in [
        (",6,2010", ",six,2010", "line 2: Quantity \"six\" is not a whole number; correct or remove the line"),
        ("10:00:00,1.25", "10:00:00,1e", "line 10: UnitPrice \"1e\" is not a decimal number"),
        ("2010-12-01 09:00:00", "sometime", "line 5: InvoiceDate \"sometime\" is not a time like"),
        ("50001.0", "50001.5", "line 2: CustomerID \"50001.5\" is not a whole number or blank"),
        ("\n700001,", "\n,", "line 2: InvoiceNo \"\" is not an invoice number"),
        ("UnitPrice", "Price", "line 1: no column UnitPrice; the first line must name InvoiceNo,"),
        (",United Kingdom\n700001", "\n700001", "not readable as CSV"),
    ] {
        let error = load(good.replacen(from, to, 1).as_bytes()).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    // Latin-1.
    assert!(matches!(load(&[good.as_bytes(), b"1,2,\xe9,1,2010-12-01 08:26:00,1,,EIRE\n"].concat()), Err(LoadError::Csv { .. })));
    // The data set's own form of times, a byte-order mark, columns in another order.
    let other =
        "\u{feff}Country,CustomerID,UnitPrice,InvoiceDate,Quantity,Description,StockCode,InvoiceNo\nEIRE,,2.5,12/1/2010 8:26,2,X,11001,9\n";
    assert_eq!(load(other.as_bytes()).unwrap().orders()[0].total(), Some(d("5")));
    let path = folder.path().join("sales.xlsx");
    std::fs::write(&path, "").unwrap();
    assert!(Sandbox::from_file(options(&Hands::at(NOW)), &path).unwrap_err().to_string().contains("rename the file"));
    assert!(matches!(Sandbox::from_file(options(&Hands::at(NOW)), Path::new("/nowhere/x.csv")), Err(LoadError::Read { .. })));
}

/// Five days of real sales, read in place. There are as many orders as sale invoices, and each
/// total equals the exact sum of its rows. After all credits, the sum of all orders equals that of
/// the files.
#[test]
#[allow(clippy::disallowed_methods, reason = "the folder is the tester's own")]
fn real_days_are_exact() {
    let Some(folder) = std::env::var_os("STEVEDORE_RETAIL_ORDERS").map(PathBuf::from) else {
        eprintln!("skipped: STEVEDORE_RETAIL_ORDERS names no folder");
        return;
    };
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "csv"));
    assert!(!files.is_empty());
    for path in files {
        let mut sales: BTreeMap<String, Decimal> = BTreeMap::new();
        let (mut sold, mut returned) = (BTreeMap::<_, BTreeSet<Decimal>>::new(), Vec::new());
        let (mut credited, mut pieces) = (Decimal::ZERO, Decimal::ZERO);
        for row in csv::Reader::from_path(&path).unwrap().records() {
            let row = row.unwrap();
            let value = d(&row[3]) * d(&row[5]);
            let what = (row[6].to_owned(), row[1].to_uppercase());
            if row[0].starts_with('C') {
                credited += value;
                returned.push((what, d(&row[5])));
                pieces -= if ["D", "POST", "DOT"].contains(&&row[1]) { Decimal::ZERO } else { d(&row[3]) };
            } else {
                *sales.entry(row[0].to_owned()).or_default() += value;
                sold.entry(what).or_default().insert(d(&row[5]));
            }
        }
        let hands = Hands::at(NOW);
        let sandbox = Sandbox::from_file(options(&hands), &path).unwrap();
        let all = by_number(&sandbox);
        let (old, loaded): (Vec<_>, Vec<_>) = all.iter().partition(|(number, _)| number.starts_with('C'));
        assert_eq!(loaded.len(), sales.len(), "{}", path.display());
        for (number, (_, total)) in &loaded {
            let exact = sales[*number].round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
            assert_eq!(*total, exact, "{number}");
        }
        let sum = |orders: &[(&String, &(Json, Decimal))]| orders.iter().map(|(_, (_, total))| *total).sum::<Decimal>();
        let (before, made_up) = (sum(&loaded), sum(&old));
        assert_eq!(before, sales.values().sum::<Decimal>());
        let goods = || sandbox.orders().iter().map(|order| pieces_of(&order.body())).sum::<Decimal>();
        let (pieces_before, revisions) = (goods(), sandbox.report().revisions);
        assert_eq!(sandbox.arrive(revisions).len(), revisions);
        let after: Decimal = sandbox.orders().iter().map(|order| order.total().unwrap()).sum();
        eprintln!("{}: {:?}, {} older orders for credits, sales {before}, credits {credited}", path.display(), sandbox.report(), old.len());
        assert_eq!(pieces_before - goods(), pieces, "as many pieces come back as the file says");
        // Where a credit states another price than the sale, ShipStation's lower quantity returns
        // the sale's price. Otherwise the amount equals the file's.
        if returned.iter().all(|(what, price)| sold.get(what).is_none_or(|prices| prices.contains(price))) {
            assert_eq!(after, before + made_up + credited, "{}", path.display());
        } else {
            eprintln!("{}: a credit of another price than its sale; the sum after credits is not compared", path.display());
        }
    }
}

fn pieces_of(order: &Json) -> Decimal {
    let items = order.get("items").unwrap().elements().iter();
    let goods = items.filter(|item| item.get("adjustment") == Some(&Json::Bool(false)));
    goods.map(|item| item.get("quantity").unwrap().as_decimal().unwrap()).sum()
}
