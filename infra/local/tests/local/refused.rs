//! Arguments with which the program does not start, and its messages.

use stevedore_local::{Options, Source, Stack, StackError};

use crate::harness::{here, options};

async fn refusal(options: Options) -> (StackError, String) {
    let error = Stack::start(options).await.err().expect("it started");
    let text = error.to_string();
    (error, text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_in_use_is_named_and_nothing_is_touched() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (error, text) = refusal(Options { port, fresh: true, ..options(Some(&data)) }).await;
    assert!(matches!(error, StackError::PortInUse { .. }));
    assert!(text.contains(&port.to_string()) && text.contains("--port"), "{text}");
    assert!(!data.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_in_use_is_refused_even_to_fresh() {
    let folder = tempfile::tempdir().unwrap();
    let running = Stack::start(Options { set_up: false, ..options(Some(folder.path())) }).await.unwrap();
    for fresh in [false, true] {
        let (error, text) = refusal(Options { fresh, ..options(Some(folder.path())) }).await;
        assert!(matches!(error, StackError::FolderInUse { .. }), "{error:?}");
        assert!(text.contains("--data"), "{text}");
    }
    assert!(running.api().get("/v1/health").await.unwrap().is_success());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_orders_than_the_folders_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = Stack::start(Options { set_up: false, ..options(Some(folder.path())) }).await.unwrap();
    first.stop().await;
    let file = here("tests/fixtures/orders.json");
    for source in [
        Source::Generated { seed: Some(6), orders: None },
        Source::Generated { seed: None, orders: Some(41) },
        Source::File(file),
        Source::ShipStation("https://ssapi.shipstation.com".to_owned()),
    ] {
        let (error, text) = refusal(Options { source, ..options(Some(folder.path())) }).await;
        assert!(matches!(error, StackError::OtherSource { .. }), "{error:?}");
        assert!(text.contains("40 generated orders (seed 5)") && text.contains("--fresh"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_file_of_orders_says_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Options { source: Source::File(path), ..options(None) }
    };
    for (name, text, said) in [
        ("a.json", "{", "a.json"),
        ("b.json", r#"[{"orderId": 1}]"#, "orderNumber"),
        ("c.csv", "InvoiceNo,StockCode\n1,2\n", "c.csv"),
        ("d.txt", "", ".csv"),
    ] {
        let (error, text) = refusal(file(name, text)).await;
        assert!(matches!(error, StackError::Orders(_)), "{error:?}");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains(said), "{text}: {cause}");
    }
    let missing = Options { source: Source::File(folder.path().join("none.json")), ..options(None) };
    assert!(refusal(missing).await.1.contains("none.json"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn options_out_of_range_are_refused() {
    let (_, text) = refusal(Options { speed: 0, ..options(None) }).await;
    assert!(text.contains("--speed"), "{text}");
    let (_, text) = refusal(Options { speed: Options::FASTEST + 1, ..options(None) }).await;
    assert!(text.contains("--speed"), "{text}");
    for token in ["short", "has a blank in its midst", "quote\"quote\"quote\"quote"] {
        let (_, text) = refusal(Options { token: Some(token.into()), ..options(None) }).await;
        assert!(text.contains("--token") && !text.contains(token), "{text}");
    }
    let plain = Source::ShipStation("http://ssapi.shipstation.com".to_owned());
    let (_, text) = refusal(Options { source: plain, ..options(None) }).await;
    assert!(text.contains("--shipstation") && text.contains("https://"), "{text}");
}
