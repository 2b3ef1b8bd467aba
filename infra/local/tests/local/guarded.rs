//! Answers of a stack's ports to the programs of this machine.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use stevedore_engines::{AccessKey, Signed, authorization};
use stevedore_local::{Options, Stack};

use crate::harness::options;

/// The key of a stack with a test's entropy.
pub(crate) fn key_of_tests() -> AccessKey {
    AccessKey { id: format!("AKIA{:032X}", 0), secret: "0".repeat(64) }
}

const TIME: &str = "20260131T101500Z";

/// One call to the engines; returns status and body.
pub(crate) fn call(address: &str, host: &str, target: &str, body: &str, key: Option<&AccessKey>) -> (u16, String) {
    let service = match target.split('.').next() {
        Some("secretsmanager") => "secretsmanager",
        Some("AmazonSQS") => "sqs",
        _ => "dynamodb",
    };
    let headers = [("host", host), ("x-amz-date", TIME), ("x-amz-target", target)];
    let signed = key.map(|key| authorization(key, service, TIME, Signed { method: "POST", headers: &headers, body: body.as_bytes() }));
    let signed = signed.map(|value| format!("authorization: {value}\r\n")).unwrap_or_default();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {host}\r\nx-amz-date: {TIME}\r\nx-amz-target: {target}\r\n{signed}content-type: application/x-amz-json-1.0\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let answer = exchange(address, &[head.as_bytes(), body.as_bytes()]);
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    (status, body)
}

/// Sends all of the parts, then reads to the end, like clients that read an answer only after they
/// have sent their request.
fn exchange(address: &str, parts: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    for part in parts {
        stream.write_all(part).unwrap();
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// The engines return neither the secret nor an item to a program without the folder's key, and
/// nothing to a web page under a name that points to this machine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engines_answer_signed_requests_to_this_machine_alone() {
    let stack = Stack::start(Options { set_up: false, ..options(None) }).await.unwrap();
    let address = stack.engines().unwrap().endpoint().trim_start_matches("http://").to_owned();
    let (secret, scan) = ("secretsmanager.GetSecretValue", "DynamoDB_20120810.Scan");
    let (of_secret, of_table) = (r#"{"SecretId":"stevedore/shipstation"}"#, r#"{"TableName":"stevedore"}"#);
    let key = key_of_tests();
    let other = AccessKey { id: "local".to_owned(), secret: "local".to_owned() };
    let forged = AccessKey { secret: "local".to_owned(), ..key.clone() };
    for (target, body) in [(secret, of_secret), (scan, of_table), ("AmazonSQS.ListQueues", "{}")] {
        let (status, text) = call(&address, &address, target, body, Some(&key));
        assert_eq!(status, 200, "{target}: {text}");
        for (host, key, status, code) in [
            (address.as_str(), None, 400, "MissingAuthenticationTokenException"),
            (&address, Some(&other), 400, "UnrecognizedClientException"),
            (&address, Some(&forged), 400, "InvalidSignatureException"),
            ("evil.example", Some(&key), 403, "Host"),
            ("evil.example:9001", None, 403, "Host"),
        ] {
            let (answered, text) = call(&address, host, target, body, key);
            assert!(answered == status && text.contains(code), "{target} for {host}: {answered} {text}");
            assert!(!text.contains("SecretString") && !text.contains("Items"), "{target} for {host}: {text}");
        }
    }
    // A body that was replaced is not the signed one.
    let headers = [("host", address.as_str()), ("x-amz-date", TIME), ("x-amz-target", scan)];
    let signed = authorization(&key, "dynamodb", TIME, Signed { method: "POST", headers: &headers, body: b"{}" });
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\nx-amz-date: {TIME}\r\nx-amz-target: {scan}\r\nauthorization: {signed}\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{of_table}",
        of_table.len()
    );
    let answer = exchange(&address, &[head.as_bytes()]);
    assert!(answer.contains("InvalidSignatureException"), "{answer}");
    stack.stop().await;
}

/// Buyers' names, ShipStation's secret and the keys of the stack are in files that only their owner
/// can read, also if an earlier release created them.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_a_data_folder_are_their_owners() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let stack = Stack::start(Options { set_up: false, ..options(Some(folder.path())) }).await.unwrap();
        let mut files = 0;
        for file in std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
            let name = file.file_name().into_string().unwrap();
            let mode = file.metadata().unwrap().permissions().mode();
            assert!(name == "engines.lock" || mode.trailing_zeros() >= 6, "{name} has the rights {mode:o}");
            files += 1;
        }
        assert!(files >= 5, "{files}");
        stack.stop().await;
        // The state of an earlier release.
        std::fs::set_permissions(folder.path().join("tables.sqlite"), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    }
}

/// A client that sends all of its body before it reads gets the answer, for every kind of refusal
/// and every size of the body.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_request_is_answered_after_its_body_was_read() {
    let stack = Stack::start(Options { set_up: false, ..options(None) }).await.unwrap();
    let address = stack.api_url().trim_start_matches("http://").to_owned();
    let token = stack.token().to_owned();
    for (path, authorized, size, status) in [
        ("/v1/settings", false, 3_000_000, "401"),
        ("/v1/no-such-route", true, 3_000_000, "404"),
        ("/v1/operations", true, 3_000_000, "413"),
        ("/v1/operations", true, 20_000_000, "413"),
        ("/v1/operations", false, 9_000_000, "401"),
    ] {
        for _ in 0..3 {
            let authorization = if authorized { format!("authorization: Bearer {token}\r\n") } else { String::new() };
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n{authorization}content-length: {size}\r\n\
                 connection: close\r\n\r\n"
            );
            let address = address.clone();
            let answer = tokio::task::spawn_blocking(move || exchange(&address, &[head.as_bytes(), &vec![b'x'; size]])).await.unwrap();
            assert_eq!(answer.split(' ').nth(1), Some(status), "{path} with {size} bytes: {answer:?}");
        }
    }
    stack.stop().await;
}
