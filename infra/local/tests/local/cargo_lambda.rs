//! The four functions under Lambda's own runtime: `cargo lambda watch`, beside a running stack,
//! with the files of `events/`.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::here;

/// Time that building four functions again may take.
const BUILD: Duration = Duration::from_mins(20);

/// A program with all its children, which end with it.
struct Group(Child);

impl Group {
    fn start(command: &mut Command) -> Self {
        Self(command.process_group(0).spawn().unwrap())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", "--", &format!("-{}", self.0.id())]).status();
        let _ = self.0.wait();
    }
}

fn is_installed() -> bool {
    Command::new("cargo").args(["lambda", "--version"]).output().is_ok_and(|output| output.status.success())
}

/// The stack without a schedule, set up, with the orders of the events.
fn stack(folder: &Path) -> Group {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stevedore"));
    command.args(["--port", "0", "--no-schedule", "--token", "local-token-for-tests", "--orders"]).arg(here("tests/fixtures/orders.json"));
    let mut stack = Group::start(command.arg("--data").arg(folder).stdout(Stdio::piped()));
    let mut lines = BufReader::new(stack.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut before = Vec::new();
    while !before.last().is_some_and(|line: &String| line.contains("settings written")) {
        before.push(lines.next().unwrap_or_else(|| panic!("it ended without settings:\n{}", before.join("\n"))));
    }
    // The output is not read further; the pipe takes the rest.
    std::mem::forget(lines);
    stack
}

fn invoke(port: &str, function: &str, case: &str) -> Output {
    let event = here("../../events").join(format!("{function}.{case}.json"));
    let mut command = Command::new("cargo");
    command.current_dir(here("../..")).args(["lambda", "invoke", function, "-A", "127.0.0.1", "-P", port, "--data-file"]).arg(event);
    command.output().unwrap()
}

/// Returns the function's answer to an event. It may have to be built first.
fn answer(port: &str, function: &str, case: &str) -> Value {
    let began = Instant::now();
    loop {
        let output = invoke(port, function, case);
        let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.success() {
            return serde_json::from_str(&said).unwrap_or_else(|error| panic!("{function}.{case}: {error}: {said}"));
        }
        assert!(began.elapsed() < BUILD, "{function}.{case}: {said}{wrong}");
        std::thread::sleep(Duration::from_secs(2));
    }
}

#[test]
fn cargo_lambda_watches_and_invokes_every_function() {
    if !is_installed() {
        eprintln!("skipped: cargo-lambda is not installed (the PyPI package cargo-lambda brings it)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let _stack = stack(folder.path());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let mut watch = Command::new("cargo");
    watch.current_dir(here("../..")).args(["lambda", "watch", "--ignore-changes", "-A", "127.0.0.1", "-P", &port, "--env-file"]);
    let log = std::fs::File::create(folder.path().join("watch.log")).unwrap();
    let _watch = Group::start(watch.arg(folder.path().join("lambda.env")).stdout(log.try_clone().unwrap()).stderr(log));

    let failed = |answer: &Value| answer["batchItemFailures"].as_array().unwrap_or_else(|| panic!("{answer}")).len();
    let health = answer(&port, "api", "health");
    assert_eq!(health["statusCode"], 200, "{health}");
    assert_eq!(failed(&answer(&port, "process-orders", "one-order")), 0);
    assert_eq!(failed(&answer(&port, "process-orders", "redelivered")), 0);
    assert_eq!(failed(&answer(&port, "process-orders", "unknown-version")), 1);
    // The sale exists for the function that shows it.
    let sales = answer(&port, "api", "list-sales");
    let body: Value = serde_json::from_str(sales["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["items"][0]["id"], "SO-480200001", "{sales}");
    assert_eq!(answer(&port, "api", "start-operation-forbidden")["statusCode"], 403);
    let tick = answer(&port, "fetch-orders", "tick");
    assert!(tick["ran"].is_boolean(), "{tick}");
    assert_eq!(failed(&answer(&port, "run-operations", "unknown-command")), 1);
    assert_eq!(answer(&port, "consolidate", "tick"), json!({"dates": [], "reason": "off"}));
    assert_eq!(failed(&answer(&port, "consolidate", "continue")), 0);
}
