//! The stack's ShipStation account, and its restoration after a restart.
//!
//! The sandbox keeps its orders in memory. They depend only on its source, its start and the
//! passing of time, so a restart makes them again. The sandbox is started at the folder's first
//! time and replayed through the times at which the stack ran.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use stevedore_domain::digest::Digest;
use stevedore_sandbox::{Sandbox, SandboxOptions};

use crate::clock::Time;
use crate::state_file::{StackState, StoredSource, Uptime};
use crate::{Options, Source, StackError};

/// Key that the sandbox accepts.
pub(crate) const API_KEY: &str = "sandbox-key";
/// The other half of it.
pub(crate) const API_SECRET: &str = "sandbox-secret";

const SEED: u64 = 1;
const ORDERS: usize = 300;
/// The sandbox skips events older than its newest 2,000 at a request after a long silence. A replay
/// requests in between.
const EVENTS_A_STEP: i64 = 1_000;

/// Decides the source of the orders, from the options and the folder's record.
pub(crate) fn settle(options: &Options, folder: Option<&Path>, kept: Option<&StackState>) -> Result<StoredSource, StackError> {
    let kept = kept.map(|kept| &kept.source);
    let generated = |seed: Option<u64>, orders: Option<usize>| StoredSource::Generated {
        seed: seed.unwrap_or(SEED),
        orders: orders.unwrap_or(ORDERS),
        arrivals_per_hour: options.arrivals_per_hour,
    };
    let wanted = match (&options.source, kept) {
        (Source::Kept, Some(StoredSource::File { path, .. })) | (Source::File(path), _) => file(path)?,
        (Source::Kept, Some(kept)) => return Ok(kept.clone()),
        (Source::Kept, None) => generated(None, None),
        // Options that are not given keep their values.
        (Source::Generated { seed, orders }, Some(StoredSource::Generated { seed: old_seed, orders: old_orders, arrivals_per_hour })) => {
            StoredSource::Generated {
                seed: seed.unwrap_or(*old_seed),
                orders: orders.unwrap_or(*old_orders),
                arrivals_per_hour: *arrivals_per_hour,
            }
        }
        (Source::Generated { seed, orders }, _) => generated(*seed, *orders),
        (Source::ShipStation(url), _) => StoredSource::ShipStation { url: url.clone() },
    };
    let same = match (kept, &wanted) {
        (Some(StoredSource::File { digest: old, .. }), StoredSource::File { digest: new, .. }) => old == new,
        (Some(kept), wanted) => kept == wanted,
        (None, _) => true,
    };
    match (same, kept, folder) {
        (false, Some(kept), Some(folder)) => {
            Err(StackError::OtherSource { folder: folder.to_owned(), kept: kept.to_string(), wanted: wanted.to_string() })
        }
        _ => Ok(wanted),
    }
}

fn file(path: &Path) -> Result<StoredSource, StackError> {
    let failed = |source| StackError::OrdersFile { path: path.to_owned(), source };
    // The next start may happen in another folder.
    let path: PathBuf = path.canonicalize().map_err(failed)?;
    let content = std::fs::read(&path).map_err(failed)?;
    Ok(StoredSource::File { digest: format!("{:032x}", Digest::of_bytes(&content).value), path })
}

/// The present sandbox; `None` for another ShipStation. `runs` are the earlier times at which the
/// stack ran.
pub(crate) fn open(options: &Options, source: &StoredSource, runs: &[Uptime], time: &Time) -> Result<Option<Sandbox>, StackError> {
    let replayed: Arc<Mutex<Option<Timestamp>>> = Arc::default();
    let clock = {
        let (replayed, time) = (Arc::clone(&replayed), time.clone());
        Arc::new(move || replayed.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or_else(|| time.now()))
    };
    let set = |moment: Option<Timestamp>| *replayed.lock().unwrap_or_else(PoisonError::into_inner) = moment;

    let now = time.now();
    set(Some(runs.first().map_or(now, |run| run.from)));
    let mut account = SandboxOptions::new(clock);
    API_KEY.clone_into(&mut account.api_key);
    API_SECRET.clone_into(&mut account.api_secret);
    account.requests_per_minute = options.requests_per_minute;
    let sandbox = match source {
        StoredSource::ShipStation { .. } => return Ok(None),
        StoredSource::File { path, .. } => Sandbox::from_file(account, path).map_err(StackError::Orders)?,
        StoredSource::Generated { seed, orders, arrivals_per_hour } => {
            account.seed = *seed;
            account.orders = *orders;
            account.arrivals_per_hour = *arrivals_per_hour;
            let sandbox = Sandbox::generated(account);
            if let Some(step) = step(*arrivals_per_hour) {
                for moment in moments(runs, now, step) {
                    set(Some(moment));
                    // Any request makes due events happen.
                    sandbox.requests_to("/");
                }
            }
            sandbox
        }
    };
    set(None);
    Ok(Some(sandbox))
}

fn step(arrivals_per_hour: u32) -> Option<SignedDuration> {
    let seconds = (EVENTS_A_STEP * 3_600).checked_div(i64::from(arrivals_per_hour))?;
    Some(SignedDuration::from_secs(seconds.max(1)))
}

/// The times of a replay's requests: often while the stack ran, and never while it did not.
fn moments(runs: &[Uptime], now: Timestamp, step: SignedDuration) -> Vec<Timestamp> {
    let mut moments = Vec::new();
    for run in runs {
        let until = run.until.min(now);
        let mut moment = run.from.min(now);
        while moment < until {
            moments.push(moment);
            moment = moment.checked_add(step).unwrap_or(until);
        }
        moments.push(until);
    }
    moments
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use std::collections::BTreeMap;

    use super::*;

    fn moment(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn options(now: i64) -> Options {
        Options { arrivals_per_hour: 3_600, ..Options::in_memory(Arc::new(move || moment(now))) }
    }

    fn time(second: i64) -> Time {
        Time::starting(Arc::new(move || moment(second)), None, 1)
    }

    const SOURCE: StoredSource = StoredSource::Generated { seed: 3, orders: 20, arrivals_per_hour: 3_600 };

    fn orders(runs: &[Uptime], now: i64) -> BTreeMap<i64, (String, Timestamp)> {
        let sandbox = open(&options(now), &SOURCE, runs, &time(now)).unwrap().unwrap();
        sandbox.orders().into_iter().map(|order| (order.id, (order.number, order.created))).collect()
    }

    /// No id may change to another order. Some are gone because they were merged into others.
    fn assert_same(before: &BTreeMap<i64, (String, Timestamp)>, after: &BTreeMap<i64, (String, Timestamp)>, case: &str) {
        let changed: Vec<_> = before.iter().filter(|(id, order)| after.get(id).is_some_and(|now| now != *order)).take(3).collect();
        assert!(changed.is_empty(), "{case}: {changed:?}");
        let gone = before.keys().filter(|id| !after.contains_key(id)).count();
        assert!(gone * 10 < before.len(), "{case}: {gone} of {} are gone", before.len());
    }

    #[test]
    fn a_restart_finds_the_same_orders_however_long_the_stack_was_down() {
        let first = Uptime { from: moment(0), until: moment(300), speed: 1 };
        let up = orders(&[first], 300);
        assert!(up.len() > 100);
        assert_eq!(orders(&[first], 300), up);
        let second = |pause: i64| Uptime { from: moment(300 + pause), until: moment(400 + pause), speed: 1 };
        assert_same(&up, &orders(&[first, second(1)], 401), "after a second");
        let again = orders(&[first, second(1_000_000)], 1_000_400);
        assert_same(&up, &again, "after days");
        // Events of the second run are present in the third.
        assert_same(&again, &orders(&[first, second(1_000_000)], 20_000_000), "twice");
    }

    #[test]
    fn a_folder_keeps_its_orders_and_says_so_when_others_are_asked_for() {
        let folder = Path::new("data");
        let kept = StackState {
            source: SOURCE,
            token: String::new(),
            lesser_tokens: Vec::new(),
            set_up: true,
            runs: Vec::new(),
            engines_key: None,
        };
        let settled = |source| settle(&Options { source, ..options(0) }, Some(folder), Some(&kept));
        assert_eq!(settled(Source::Kept).unwrap(), SOURCE);
        assert_eq!(settled(Source::Generated { seed: Some(3), orders: None }).unwrap(), SOURCE);
        let refused = settled(Source::Generated { seed: Some(4), orders: None }).unwrap_err().to_string();
        for part in ["data holds", "(seed 3)", "(seed 4)", "--fresh", "--data"] {
            assert!(refused.contains(part), "{part} is not in: {refused}");
        }
        assert!(settled(Source::ShipStation("https://example.com".to_owned())).is_err());
    }

    #[test]
    fn a_file_is_known_by_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orders.json");
        std::fs::write(&path, "[]").unwrap();
        let source = Source::File(path.clone());
        let first = settle(&Options { source: source.clone(), ..options(0) }, None, None).unwrap();
        let kept = StackState {
            source: first,
            token: String::new(),
            lesser_tokens: Vec::new(),
            set_up: true,
            runs: Vec::new(),
            engines_key: None,
        };
        let settled = |source: &Source| settle(&Options { source: source.clone(), ..options(0) }, Some(folder.path()), Some(&kept));
        assert!(settled(&source).is_ok() && settled(&Source::Kept).is_ok());
        std::fs::write(&path, "[ ]").unwrap();
        assert!(matches!(settled(&source), Err(StackError::OtherSource { .. })));
        assert!(matches!(settled(&Source::Kept), Err(StackError::OtherSource { .. })));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(settled(&Source::Kept), Err(StackError::OrdersFile { .. })));
    }

    #[test]
    fn steps_stay_below_what_the_sandbox_skips() {
        assert_eq!(step(0), None);
        assert_eq!(step(60), Some(SignedDuration::from_secs(60_000)));
        let run = Uptime { from: moment(0), until: moment(100), speed: 1 };
        let asked = moments(&[run], moment(1_000), SignedDuration::from_secs(40));
        assert_eq!(asked, [moment(0), moment(40), moment(80), moment(100)]);
    }
}
