//! The program itself.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

fn stevedore() -> Command {
    Command::new(env!("CARGO_BIN_EXE_stevedore"))
}

/// `cargo run` on a new folder prints its addresses, books the first order, and ends in order when
/// it is stopped.
#[cfg(unix)]
#[test]
fn it_starts_books_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = stevedore()
        .args(["--port", "0", "--orders-count", "20", "--token", "local-token-for-tests", "--data"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines().map(Result::unwrap);
    // Every awaited state ends in a line, or in the end of the program's output.
    let mut before = Vec::new();
    let sale = loop {
        let line = lines.next().unwrap_or_else(|| panic!("it ended without a sale:\n{}", before.join("\n")));
        if line.ends_with("  sale") {
            break line;
        }
        before.push(line);
    };
    assert!(sale.contains(" USD "), "{sale}");
    let before = before.join("\n");
    assert!(before.contains("Authorization: Bearer local-token-for-tests") && before.contains("lambda.env"), "{before}");
    assert!(before.contains("POST /v1/connection") && before.contains("PUT /v1/settings"), "{before}");
    let told = Command::new("kill").arg("-INT").arg(program.id().to_string()).status().unwrap();
    assert!(told.success());
    let rest: Vec<String> = lines.collect();
    assert!(program.wait().unwrap().success(), "{rest:?}");
}

#[test]
fn what_cannot_start_says_what_to_do_and_answers_2() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.csv");
    let data = folder.path().join("data");
    let run = |arguments: &[&str]| stevedore().arg("--data").arg(&data).args(arguments).output().unwrap();
    for (arguments, said) in [
        (vec!["--port", &port], "--port"),
        (vec!["--port", "0", "--orders", missing.to_str().unwrap()], "missing.csv"),
        (vec!["--port", "0", "--speed", "0"], "--speed"),
        (vec!["--port", "0", "--rate-limit", "perhaps"], "rate-limit"),
        (vec!["--no-such-flag"], "no-such-flag"),
    ] {
        let output = run(&arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.starts_with("error: ") && text.contains(said), "{arguments:?}: {text}");
    }
}

#[test]
fn help_names_every_flag() {
    let text = String::from_utf8(stevedore().arg("--help").output().unwrap().stdout).unwrap();
    for flag in [
        "--port",
        "--data",
        "--fresh",
        "--token",
        "--shipstation",
        "--orders",
        "--speed",
        "--no-schedule",
        "--seed",
        "--orders-count",
        "--rate-limit",
    ] {
        assert!(text.contains(flag), "{flag}:\n{text}");
    }
}
