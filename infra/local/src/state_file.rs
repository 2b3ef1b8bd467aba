//! The record of a stack in its data folder, apart from the engines' files.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::StackError;
use crate::clock::Time;

/// Interval at which the record is updated while the stack runs (real time).
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(5);

const STATE: &str = "stack.json";
const LAMBDA_ENV: &str = "lambda.env";

/// Source of the orders when the folder was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum StoredSource {
    /// Generated orders.
    Generated {
        /// Seed of all random choices.
        seed: u64,
        /// Number of orders at the start.
        orders: usize,
        /// Events in an hour.
        arrivals_per_hour: u32,
    },
    /// The orders of a file.
    File {
        /// Path of the file.
        path: PathBuf,
        /// Digest of its content.
        digest: String,
    },
    /// Another ShipStation.
    ShipStation {
        /// Address of ShipStation.
        url: String,
    },
}

impl std::fmt::Display for StoredSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Generated { seed, orders, .. } => write!(f, "the sandbox with {orders} generated orders (seed {seed})"),
            Self::File { path, digest } => {
                write!(f, "the sandbox with the orders of {} (content {})", path.display(), digest.get(..8).unwrap_or(digest))
            }
            Self::ShipStation { url } => write!(f, "the orders of the ShipStation at {url}"),
        }
    }
}

/// A time during which the stack ran, by its own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Uptime {
    /// Time of the start.
    pub(crate) from: Timestamp,
    /// End of the time during which it certainly ran, and a moment longer.
    pub(crate) until: Timestamp,
    /// Seconds of its clock in a real one.
    pub(crate) speed: u32,
}

/// The folder's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StackState {
    /// Source of the orders.
    pub(crate) source: StoredSource,
    /// The API's token.
    pub(crate) token: String,
    /// The tokens of the lower grades: that of a reader and that of an operator.
    #[serde(default)]
    pub(crate) lesser_tokens: Vec<String>,
    /// The engines' access key: its id and its secret.
    #[serde(default)]
    pub(crate) engines_key: Option<(String, String)>,
    /// True once the set-up has ended. It is not repeated, so that a person's changes stay.
    pub(crate) set_up: bool,
    /// The times at which it ran, the first one first.
    pub(crate) runs: Vec<Uptime>,
}

impl StackState {
    /// The folder's record, if there is one.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>, StackError> {
        let path = folder.join(STATE);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StackError::File { path, source }),
        };
        serde_json::from_slice(&text).map(Some).map_err(|source| StackError::Damaged { path, source })
    }

    /// Replaces the folder's record, whole or not at all.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), StackError> {
        let path = folder.join(STATE);
        let text = serde_json::to_vec_pretty(self).map_err(|source| StackError::Damaged { path: path.clone(), source })?;
        write_private(&path, &text)
    }

    /// Last time of a clock that runs fast. A clock in real time needs no record.
    pub(crate) fn clock(&self) -> Option<Timestamp> {
        self.runs.iter().filter(|run| run.speed > 1).map(|run| run.until).max()
    }
}

/// The folder's record while the stack runs.
#[derive(Clone)]
pub(crate) struct Record {
    folder: Arc<Path>,
    kept: Arc<Mutex<StackState>>,
    time: Time,
}

impl Record {
    pub(crate) fn new(folder: &Path, kept: StackState, time: &Time) -> Self {
        Self { folder: folder.into(), kept: Arc::new(Mutex::new(kept)), time: time.clone() }
    }

    /// Records that the stack runs, and will run for a moment: a killed process writes no end.
    pub(crate) fn beat(&self) -> Result<(), StackError> {
        let ahead = self.time.scaled(HEARTBEAT * 2);
        let until = self.time.now();
        let until = until.checked_add(ahead).unwrap_or(until);
        self.change(|kept| {
            if let Some(run) = kept.runs.last_mut() {
                run.until = until;
            }
        })
    }

    pub(crate) fn set_up(&self) -> Result<(), StackError> {
        self.change(|kept| kept.set_up = true)
    }

    fn change(&self, change: impl FnOnce(&mut StackState)) -> Result<(), StackError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut kept);
        kept.write(&self.folder)
    }
}

/// Removes what this module writes.
pub(crate) fn wipe(folder: &Path) -> Result<(), StackError> {
    for name in [STATE, LAMBDA_ENV] {
        let path = folder.join(name);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => return Err(StackError::File { path, source }),
            _ => {}
        }
    }
    Ok(())
}

/// Writes the environment for the same functions in other programs on this machine; returns its
/// path.
pub(crate) fn write_environment(folder: &Path, variables: &[(&str, String)]) -> Result<PathBuf, StackError> {
    let path = folder.join(LAMBDA_ENV);
    let lines: Vec<String> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
    write_private(&path, (lines.join("\n") + "\n").as_bytes())?;
    Ok(path)
}

/// Only the owner may read these files: they hold the API's token.
fn write_private(path: &Path, text: &[u8]) -> Result<(), StackError> {
    let failed = |source| StackError::File { path: path.to_owned(), source };
    let mut options = std::fs::File::options();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let beside = path.with_extension("new");
    let mut file = options.open(&beside).map_err(failed)?;
    file.write_all(text).map_err(failed)?;
    drop(file);
    std::fs::rename(&beside, path).map_err(failed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn kept() -> StackState {
        let moment = |second| Timestamp::from_second(second).unwrap();
        StackState {
            source: StoredSource::Generated { seed: 7, orders: 10, arrivals_per_hour: 60 },
            token: "0123456789abcdef".to_owned(),
            lesser_tokens: vec!["read-read-read-read".to_owned()],
            engines_key: Some(("AKIA".to_owned(), "secret".to_owned())),
            set_up: false,
            runs: vec![
                Uptime { from: moment(10), until: moment(500), speed: 60 },
                Uptime { from: moment(600), until: moment(700), speed: 1 },
            ],
        }
    }

    #[test]
    fn the_record_reads_back_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(StackState::read(folder.path()).unwrap(), None);
        kept().write(folder.path()).unwrap();
        assert_eq!(StackState::read(folder.path()).unwrap(), Some(kept()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(folder.path().join(STATE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0);
        }
        wipe(folder.path()).unwrap();
        assert_eq!(StackState::read(folder.path()).unwrap(), None);
    }

    #[test]
    fn a_damaged_record_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(STATE), "{").unwrap();
        let error = StackState::read(folder.path()).unwrap_err();
        assert!(error.to_string().contains("--fresh"), "{error}");
    }

    #[test]
    fn only_a_fast_clock_is_remembered() {
        assert_eq!(kept().clock(), Some(Timestamp::from_second(500).unwrap()));
    }
}
