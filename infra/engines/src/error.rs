//! Errors of the engines.

use std::path::PathBuf;

/// Reasons for which the engines do not start, or do not end in order.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Another process (or another `Engines` of this one) holds the folder.
    #[error("the data folder {folder} is in use by another process; stop that one, or choose another folder")]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// A file or folder of the engines could not be read, written or locked.
    #[error("cannot use {path}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The port is not available.
    #[error("cannot listen on 127.0.0.1:{port}")]
    Listen {
        /// The requested port.
        port: u16,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The table's store does not open.
    #[error("cannot open the table's store")]
    Tables(#[source] dynoxide::DynoxideError),
    /// A table's stream cannot be read.
    #[error("cannot read the table's stream: {0}")]
    Stream(String),
    /// The queues' or the secrets' store does not open.
    #[error("cannot open the store of the {store}")]
    Store {
        /// `queues` or `secrets`.
        store: &'static str,
        /// The cause.
        #[source]
        source: rusqlite::Error,
    },
}
