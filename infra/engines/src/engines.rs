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

/// SQLite's own files beside each of ours.
const SUFFIXES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Time for which a folder that is in use is asked for again: a process that is just ending lets go of it in a moment.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// The running engines. Dropped without [`Engines::stop`], they end like a killed process: connections are cut, and nothing that was
/// accepted is lost.
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
    /// [`EngineError::InUse`] when another process has the folder; the others when a file or the port cannot be had.
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

    /// `http://127.0.0.1:PORT`: what `AWS_ENDPOINT_URL` is set to.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Names the access key that requests must be signed with, where they must be; see [`EngineOptions::signed`]. The first one stays.
    pub fn require(&self, key: AccessKey) {
        let _ = self.access_key.set(key);
    }

    /// The switch for faults, and the count of calls.
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

    /// Ends in order: long polls are answered empty, running requests finish (five seconds at most), the files are closed.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        if let Some(server) = self.server.take() {
            // It fails only when it was aborted, and then it has ended as well.
            let _ = server.await;
        }
    }

    /// Removes the data of the engines from a folder, and nothing else; a folder that does not exist is as good as an empty one. The empty
    /// lock file stays: removed, it would let two processes hold locks on two files of the same name.
    ///
    /// # Errors
    /// [`EngineError::InUse`] when running engines have the folder, [`EngineError::File`] when a file cannot be removed.
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

/// A table's stream. It is never trimmed, and each write takes longer the more it holds: for trying, not for years.
#[derive(Clone)]
pub struct Stream {
    tables: Tables,
    table: String,
}

impl Stream {
    /// Up to a thousand records behind `after`, each as DynamoDB Streams writes it, in the order in which they were written. Blocks on SQLite.
    ///
    /// # Errors
    /// [`EngineError::Stream`] where there is none.
    pub fn records(&self, after: Option<&str>) -> Result<Vec<serde_json::Value>, EngineError> {
        self.tables.stream_records(&self.table, after)
    }
}

/// The indexes of tables that behave as under load (see [`EngineOptions::lag`]); of others there is nothing to do here.
#[derive(Clone)]
pub struct Indexes {
    tables: Tables,
}

impl Indexes {
    /// Brings them up to date, as half a minute without a write does; not while they are held. Blocks on SQLite.
    pub fn catch_up(&self) {
        self.tables.catch_up();
    }

    /// Shows nothing that is written from now on, or no longer.
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

/// Makes a file that only its owner may read, or takes others' rights away: the stores hold buyers' names and ShipStation's secret. SQLite's own files beside it
/// get the same rights.
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

/// Takes the folder for this process. The operating system gives the lock back when the process ends, however it ends.
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
