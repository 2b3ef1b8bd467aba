//! Reasons for which a stack does not start, or a command of it fails.

use std::path::PathBuf;
use std::time::Duration;

use crate::http::HttpError;

/// Each text gives the action.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StackError {
    /// The API's port is taken.
    #[error("port {port} on 127.0.0.1 is in use; stop what listens there, or choose another with --port (0 takes any free one)")]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// The API's port is not available.
    #[error("cannot listen on port {port} of 127.0.0.1; choose another with --port")]
    Listen {
        /// The port.
        port: u16,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Another stack runs on the folder.
    #[error("{} is in use by another stevedore; stop that one, or choose another folder with --data", folder.display())]
    FolderInUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The engines do not start.
    #[error("the embedded engines do not start; see that the data folder can be written, or choose another with --data")]
    Engines(#[source] stevedore_engines::EngineError),
    /// The folder belongs to another source of orders.
    #[error("{} holds {kept}, not {wanted}; add --fresh to start it over, or give these a folder of their own with --data", folder.display())]
    OtherSource {
        /// The folder.
        folder: PathBuf,
        /// Source that the folder was started with.
        kept: String,
        /// Source that this start requested.
        wanted: String,
    },
    /// The file of orders was refused.
    #[error("the orders cannot be loaded")]
    Orders(#[source] stevedore_sandbox::LoadError),
    /// The file of orders no longer exists, or cannot be read.
    #[error("cannot read {}; name a file of orders that exists", path.display())]
    OrdersFile {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The sandbox has no port.
    #[error("the ShipStation sandbox cannot listen on 127.0.0.1")]
    Sandbox(#[source] std::io::Error),
    /// An option is out of its range.
    #[error("{option} {problem}")]
    Option {
        /// As it is written on the command line.
        option: &'static str,
        /// The fault, and the correct form.
        problem: String,
    },
    /// A file of the folder cannot be read or written.
    #[error("cannot use {}; repair or remove it, or start over with --fresh", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The folder's own record cannot be understood.
    #[error("{} is damaged; start over with --fresh", path.display())]
    Damaged {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// The client of ShipStation cannot be built.
    #[error("cannot make the client of ShipStation")]
    ShipStation(#[source] stevedore_shipstation::Error),
    /// A call to the engines failed.
    #[error("the embedded engines refused a call")]
    Aws(#[from] stevedore_aws::Error),
    /// The API did not answer.
    #[error("the API did not answer")]
    Api(#[from] HttpError),
    /// The API's answer is not the one that the set-up expects.
    #[error("setting up stopped at {step}: the API answered {status} {body}; the next start goes on there")]
    SetUp {
        /// The step that failed.
        step: String,
        /// HTTP status.
        status: u16,
        /// The problem as the API states it.
        body: String,
    },
    /// A function failed as a whole.
    #[error("{function} failed")]
    Function {
        /// Name of the function.
        function: &'static str,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Not idle in time.
    #[error("still busy after {waited:?}: {busy}")]
    StillBusy {
        /// Duration of the wait.
        waited: Duration,
        /// The work that is left.
        busy: String,
    },
}
