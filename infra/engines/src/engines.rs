//! Starting and ending the engines, and their files.

use std::fs::{File, TryLockError};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::forward::Forward;
use crate::secrets::Secrets;
use crate::server::{self, Backends};
use crate::sqs::Queues;
use crate::tables::Tables;
use crate::{AccessKey, EngineError, EngineOptions, Faults};

const TABLES: &str = "tables.sqlite";
const QUEUES: &str = "queues.sqlite";
const SECRETS: &str = "secrets.sqlite";
const LOCK: &str = "engines.lock";

/// SQLite's own files beside each database file.
const SUFFIXES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Time for which a folder in use is tried again. A process that is just ending releases it in a
/// moment.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// The running engines. Dropped without [`Engines::stop`], they end like a killed process:
/// connections are cut, and everything that was accepted is kept.
pub struct Engines {
    endpoint: String,
    faults: Faults,
    tables: Tables,
    access_key: Arc<OnceLock<AccessKey>>,
    stopping: watch::Sender<bool>,
    server: Option<JoinHandle<()>>,
}

impl Engines {
    /// Opens the data and listens. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// [`EngineError::InUse`] if another process has the folder; the others if a file or the port
    /// is not available.
    pub async fn start(options: EngineOptions) -> Result<Self, EngineError> {
        let lock = match &options.data {
            Some(folder) => Some(lock(folder).await?),
            None => None,
        };
        let path = |name: &str| options.data.as_ref().map(|folder| folder.join(name));
        if let Some(folder) = &options.data {
            for name in [TABLES, QUEUES, SECRETS] {
                private(&folder.join(name))?;
            }
        }
        let faults = Faults::default();
        let tables = Tables::open(path(TABLES).as_deref())?;
        tables.lag(options.lag, &options.clock)?;
        let port = options.port;
        let failed = |source| EngineError::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let access_key = Arc::new(OnceLock::new());
        let backends = Backends {
            elsewhere: options.tables_at.as_deref().map(Forward::new),
            tables: tables.clone(),
            queues: Queues::open(path(QUEUES).as_deref(), Arc::clone(&options.clock), faults.clone())?,
            secrets: Secrets::open(path(SECRETS).as_deref(), options.clock)?,
            faults: faults.clone(),
            signed: options.signed,
            access_key: Arc::clone(&access_key),
        };
        let endpoint = format!("http://{bound}");
        backends.queues.set_endpoint(&endpoint);
        let (stopping, stop) = watch::channel(false);
        let server = tokio::spawn(async move {
            server::serve(listener, Arc::new(backends), stop).await;
            // Held as long as the stores are open.
            drop(lock);
        });
        tracing::debug!(endpoint, "engines started");
        Ok(Self { endpoint, faults, tables, access_key, stopping, server: Some(server) })
    }

    /// `http://127.0.0.1:PORT`, the value of `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Sets the access key that requests must be signed with, if they must be; see
    /// [`EngineOptions::signed`]. The first key stays.
    pub fn require(&self, key: AccessKey) {
        let _ = self.access_key.set(key);
    }

    /// The switch for faults, and the counts of calls.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The tables' indexes.
    pub fn indexes(&self) -> Indexes {
        Indexes { tables: self.tables.clone() }
    }

    /// A table's stream, which must be enabled.
    pub fn stream(&self, table: &str) -> Stream {
        Stream { tables: self.tables.clone(), table: table.to_owned() }
    }

    /// Ends in order: long polls get an empty answer, running requests finish (within five
    /// seconds), and the files are closed.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        if let Some(server) = self.server.take() {
            // It fails only when it was aborted, and it has ended then as well.
            let _ = server.await;
        }
    }

    /// Removes the data of the engines from a folder, and no other file. A missing folder counts as
    /// empty. The empty lock file stays: without it, two processes could hold locks on two files of
    /// the same name.
    ///
    /// # Errors
    /// [`EngineError::InUse`] if running engines have the folder, [`EngineError::File`] if a file
    /// cannot be removed.
    pub async fn wipe(folder: &Path) -> Result<(), EngineError> {
        if !folder.exists() {
            return Ok(());
        }
        let held = lock(folder).await?;
        for name in [TABLES, QUEUES, SECRETS] {
            for suffix in SUFFIXES {
                remove(&folder.join(format!("{name}{suffix}")))?;
            }
        }
        drop(held);
        Ok(())
    }
}

/// A table's stream. It is never trimmed, and writes become slower as it grows. It is for trials,
/// not for permanent use.
#[derive(Clone)]
pub struct Stream {
    tables: Tables,
    table: String,
}

impl Stream {
    /// Up to a thousand records after `after`, in the form of DynamoDB Streams and in the order of
    /// the writes. Blocks on SQLite.
    ///
    /// # Errors
    /// [`EngineError::Stream`] if there is no stream.
    pub fn records(&self, after: Option<&str>) -> Result<Vec<serde_json::Value>, EngineError> {
        self.tables.stream_records(&self.table, after)
    }
}

/// The indexes of tables that behave as under load (see [`EngineOptions::lag`]). For other tables
/// its methods do nothing.
#[derive(Clone)]
pub struct Indexes {
    tables: Tables,
}

impl Indexes {
    /// Brings the indexes up to date, as half a minute without a write does, unless they are held.
    /// Blocks on SQLite.
    pub fn catch_up(&self) {
        self.tables.catch_up();
    }

    /// Hides all later writes from the indexes, or stops hiding them.
    pub fn hold(&self, held: bool) {
        self.tables.hold(held);
    }
}

impl Drop for Engines {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

/// Makes a file that only its owner can read, or removes the access of others: the stores hold
/// buyers' names and ShipStation's secret. SQLite's own files beside it get the same mode.
fn private(path: &Path) -> Result<(), EngineError> {
    let failed = |source| EngineError::File { path: path.to_owned(), source };
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(path).map_err(failed)?);
    #[cfg(unix)]
    for suffix in SUFFIXES {
        let path = PathBuf::from(format!("{}{suffix}", path.display()));
        let rights = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        match std::fs::set_permissions(&path, rights) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => return Err(EngineError::File { path, source }),
            _ => {}
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), EngineError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(EngineError::File { path: path.to_owned(), source }),
        _ => Ok(()),
    }
}

/// Locks the folder for this process. The operating system releases the lock at every kind of end
/// of the process.
async fn lock(folder: &Path) -> Result<File, EngineError> {
    let failed = |path: &Path| {
        let path: PathBuf = path.to_owned();
        move |source| EngineError::File { path, source }
    };
    std::fs::create_dir_all(folder).map_err(failed(folder))?;
    let path = folder.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed(&path))?;
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => return Err(failed(&path)(source)),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                return Err(EngineError::InUse { folder: folder.to_owned() });
            }
            Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
