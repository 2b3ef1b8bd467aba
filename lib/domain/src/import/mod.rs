//! Products from a file (CSV or JSON Lines): reading its rows, in what order they are carried out, and what each makes of a product.
//!
//! What makes the whole file unreadable is refused before anything is written. What is wrong with one row costs that row.

mod lines;
mod order;
mod row;
mod sheet;

use serde::{Deserialize, Serialize};

use crate::reason::Reason;
use crate::settings::FieldError;

pub use order::{Batch, batches};
pub use row::{Known, Part, Row};

/// Rows of one file.
pub const MOST_ROWS: usize = 20_000;

/// Format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// RFC 4180: a header, commas, quotes doubled inside quotes; CRLF or LF; with or without a byte order mark.
    Csv,
    /// One JSON object a line.
    JsonLines,
}

/// One row of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Line at which it begins, counted from 1 with the header.
    pub number: u64,
    /// Its SKU, where that could be read.
    pub sku: Option<String>,
    /// The row, or its fault.
    pub row: Result<Row, RowFault>,
}

/// Reason for which one row is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFault {
    /// The column or member at fault; none for the row as a whole.
    pub field: Option<String>,
    /// Stable, `snake_case`.
    pub code: &'static str,
    /// The fault, and what to write instead.
    pub message: String,
}

impl RowFault {
    /// A fault of one column or member.
    pub fn new(field: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), code, message: message.into() }
    }

    /// The reason for it, as operations name it.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match (self.code, self.field.as_deref()) {
            ("malformed_json" | "wrong_field_count", _) => Reason::RowUnreadable,
            ("repeated", Some("sku")) => Reason::RowRepeated,
            ("taken", _) => Reason::RowTaken,
            ("unknown_reference", _) => Reason::RowUnknownReference,
            ("cycle" | "itself" | "wrong_kind" | "used_as_component" | "too_deep", _) => Reason::RowComposition,
            _ => Reason::RowInvalid,
        }
    }

    fn whole(code: &'static str, message: impl Into<String>) -> Self {
        Self { field: None, code, message: message.into() }
    }
}

/// Reads a whole file.
///
/// # Errors
/// What makes the file as a whole unusable; pointers are `/<line>`, or `/<line>/<column>`.
pub fn read(format: Format, bytes: &[u8]) -> Result<Vec<Line>, Vec<FieldError>> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes.get(..error.valid_up_to()).unwrap_or_default().split(|byte| *byte == b'\n').count();
        vec![file_fault(line, "not_utf8", "This is not UTF-8. Save the file as UTF-8 and send it again.")]
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = match format {
        Format::Csv => sheet::read(text)?,
        Format::JsonLines => lines::read(text),
    };
    if lines.is_empty() {
        return Err(vec![file_fault(1, "no_rows", "The file has no rows.")]);
    }
    if lines.len() > MOST_ROWS {
        return Err(vec![file_fault(1, "too_many", format!("The file has {} rows; at most {MOST_ROWS} are taken at once.", lines.len()))]);
    }
    refuse_repeated(&mut lines);
    Ok(lines)
}

fn file_fault(line: impl std::fmt::Display, code: &'static str, message: impl Into<String>) -> FieldError {
    FieldError { pointer: format!("/{line}"), code, message: message.into() }
}

/// Of rows that share a SKU none is taken: nothing tells which of them is meant.
fn refuse_repeated(lines: &mut [Line]) {
    let mut places: std::collections::HashMap<String, Vec<u64>> = std::collections::HashMap::new();
    for line in lines.iter() {
        if let Some(sku) = &line.sku {
            places.entry(sku.clone()).or_default().push(line.number);
        }
    }
    for line in lines {
        let Some(numbers) = line.sku.as_ref().and_then(|sku| places.get(sku)).filter(|numbers| numbers.len() > 1) else { continue };
        let named = numbers.iter().take(10).map(u64::to_string).collect::<Vec<_>>().join(", ");
        line.row = Err(RowFault::new("sku", "repeated", format!("This SKU stands in the lines {named}. Keep one of them.")));
    }
}
