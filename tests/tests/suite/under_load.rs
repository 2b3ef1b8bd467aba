//! Flows once more, on a table that behaves as under load (decision 0050): this program starts itself with a seed, which decides what lags, conflicts, is done by
//! halves and throttled.

use std::process::Command;

/// Seeds that are always tried, each with so many flows.
const ALWAYS: u64 = 10;
const ALWAYS_EACH: usize = 2;
/// Seeds of the long form. Each tries a part of the flows, so that every flow meets one seed in so many.
const LONG: u64 = 200;
const PARTS: u64 = 5;
/// Flows that take long: by one seed in so many of the long form.
const SLOW_PARTS: u64 = 20;
const SLOW: [&str; 4] = [
    "flow_days::a_day_of_thousands_goes_on_over_invocations",
    "flow_generated::",
    "flow_import::n12_an_import_that_is_stopped_anywhere_ends_the_same",
    "flow_import::ten_thousand_rows_come_in_over_several_invocations",
];

/// The tests of this program that are flows.
fn flows() -> Vec<String> {
    let listed = Command::new(std::env::current_exe().unwrap()).args(["--list", "--format", "terse"]).output().unwrap();
    let names = String::from_utf8(listed.stdout).unwrap();
    let tests = names.lines().filter_map(|line| line.strip_suffix(": test")).filter(|name| name.starts_with("flow"));
    tests.map(str::to_owned).collect()
}

/// Runs them by a seed; answers what failed, with what it said.
fn tried(seed: u64, flows: &[&str]) -> Option<String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "--test-threads", "2"]).args(flows).env("STEVEDORE_LAG", seed.to_string()).env_remove("STEVEDORE_LONG");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let ran = said.lines().filter(|line| line.starts_with("test ") && line.ends_with("... ok")).count();
    if output.status.success() && ran == flows.len() {
        return None;
    }
    let failures = said.split_once("\nfailures:\n").map_or(said.as_str(), |(_, failures)| failures);
    Some(format!("by seed {seed}, {ran} of {} flows went well:\n{failures}", flows.len()))
}

/// The seeds of the long form: `STEVEDORE_SEEDS=21-40`, or all of them.
pub fn seeds() -> std::ops::RangeInclusive<u64> {
    let Ok(named) = std::env::var("STEVEDORE_SEEDS") else { return 1..=LONG };
    let (first, last) = named.split_once('-').expect("STEVEDORE_SEEDS is FIRST-LAST");
    first.parse().unwrap()..=last.parse().unwrap()
}

/// The flows of a seed of the long form.
fn share<'a>(seed: u64, quick: &[&'a str], slow: &[&'a str]) -> Vec<&'a str> {
    let part = |flows: &[&'a str], parts: u64| -> Vec<&'a str> {
        flows.iter().enumerate().filter(|(at, _)| (*at as u64 + seed).is_multiple_of(parts)).map(|(_, name)| *name).collect()
    };
    let mut share = part(quick, PARTS);
    share.extend(part(slow, SLOW_PARTS));
    share
}

/// P1, P2, P4: what holds of a flow holds on a table that lags, conflicts, does things by halves and throttles. `STEVEDORE_LONG=1` tries 200 seeds.
#[test]
fn p4_flows_hold_on_a_table_under_load() {
    // Within such a run, and on another engine, there is nothing to add.
    if crate::world::lag().is_some() || crate::world::tables_at().is_some() {
        return;
    }
    let all = flows();
    assert!(all.len() > 150, "{} flows", all.len());
    let (slow, quick): (Vec<&str>, Vec<&str>) =
        all.iter().map(String::as_str).partition(|name| SLOW.iter().any(|slow| name.starts_with(slow)));
    assert!(slow.len() >= SLOW.len() && slow.len() < 20, "{slow:?}");
    let mut failed = Vec::new();
    if std::env::var_os("STEVEDORE_LONG").is_some() {
        for seed in seeds() {
            let share = share(seed, &quick, &slow);
            let outcome = tried(seed, &share);
            #[expect(clippy::print_stderr, reason = "the progress of a run that takes an hour")]
            let () = eprintln!("seed {seed}: {} flows, {}", share.len(), outcome.as_deref().unwrap_or("all went well"));
            failed.extend(outcome);
        }
    } else {
        // Flows of every file, as evenly as it goes.
        let chosen: Vec<&str> = quick.iter().copied().step_by((quick.len() / (ALWAYS_EACH * 10)).max(1)).collect();
        for (seed, share) in (1..=ALWAYS).zip(chosen.chunks(ALWAYS_EACH)) {
            failed.extend(tried(seed, share));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
