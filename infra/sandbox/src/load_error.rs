//! Errors of files of orders.

use std::path::PathBuf;

use jiff::SignedDuration;

use crate::json::JsonError;

/// The columns, in any order.
pub(crate) const COLUMNS: [&str; 8] =
    ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"];

/// The newest of a file's times is placed this long before the start.
pub(crate) const NEWEST_BEFORE_START: SignedDuration = SignedDuration::from_mins(3);

/// Reasons for which a file of orders is refused. No order of such a file is taken.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Error of the operating system.
        #[source]
        source: std::io::Error,
    },
    /// Neither `.json` nor `.csv`.
    #[error("{}: orders come from .json (ShipStation orders) or .csv (Online Retail layout); rename the file", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
    },
    /// Not JSON.
    #[error("{}: save it as one order, an array of orders, or a page {{\"orders\": […]}}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Error with its place in the text.
        #[source]
        source: JsonError,
    },
    /// JSON, but not orders.
    #[error("{}: {what} is not a ShipStation order: {problem}; correct or remove it", path.display())]
    Order {
        /// The file.
        path: PathBuf,
        /// The order or row, counted from 1.
        what: String,
        /// The fault.
        problem: String,
    },
    /// Not CSV.
    #[error("{}: not readable as CSV; save it as comma-separated UTF-8 text", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// Error with its place in the text.
        #[source]
        source: csv::Error,
    },
    /// The CSV lacks a column.
    #[error("{}, line 1: no column {column}; the first line must name {}", path.display(), COLUMNS.join(","))]
    Column {
        /// The file.
        path: PathBuf,
        /// The missing column.
        column: &'static str,
    },
    /// A CSV row cannot be understood.
    #[error("{}, line {line}: {column} {value:?} is not {expected}; correct or remove the line", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// Line of the file, from 1.
        line: u64,
        /// Column of the value.
        column: &'static str,
        /// The value.
        value: String,
        /// Form that is expected.
        expected: &'static str,
    },
}
