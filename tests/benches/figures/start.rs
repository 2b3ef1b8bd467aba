//! From the start of the whole system on this machine to its first sale.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The median of a few starts of the program that `cargo run` built last, each with an empty
/// folder; `None` if it is not built.
pub fn measure() -> Option<Duration> {
    // This program is in `<target>/release/deps`.
    let own = std::env::current_exe().unwrap();
    let program = own.ancestors().nth(3)?.join("debug/stevedore");
    if !program.exists() {
        return None;
    }
    let mut took: Vec<Duration> = (0..3).map(|_| first_sale(&program)).collect();
    took.sort_unstable();
    took.get(1).copied()
}

fn first_sale(program: &std::path::Path) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let mut child = Command::new(program)
        .args(["--fresh", "--port", "0", "--data"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let seen = lines.map(|line| (line.ends_with("  sale"), began.elapsed())).find(|(sale, _)| *sale);
    child.kill().unwrap();
    child.wait().unwrap();
    seen.expect("it ended without a sale").1
}
