//! CSV.

use std::collections::HashSet;

use csv::{ReaderBuilder, StringRecord};

use super::row::{self, Part, Row};
use super::{Line, RowFault, file_fault};
use crate::settings::FieldError;

/// The columns, apart from `price_1` … `price_10`.
const COLUMNS: [&str; 7] = ["sku", "name", "kind", "aliases", "components", "supplier", "revenue_account"];

pub(super) fn read(text: &str) -> Result<Vec<Line>, Vec<FieldError>> {
    framed(text).map_err(|fault| vec![fault])?;
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut header: Option<Vec<String>> = None;
    let mut lines = Vec::new();
    let mut record = StringRecord::new();
    let mut place = Place { text: text.as_bytes(), byte: 0, line: 1 };
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            // The text is UTF-8 and rows may have any number of fields, so that nothing is left to go wrong.
            Err(error) => {
                return Err(vec![file_fault(reader.position().line(), "unreadable", format!("The CSV cannot be read: {error}."))]);
            }
        }
        let line = place.line_at(record.position().map_or(0, csv::Position::byte));
        match &header {
            None => header = Some(columns(&record, line)?),
            Some(header) => lines.push(line_of(header, &record, line)),
        }
    }
    match header {
        Some(_) => Ok(lines),
        None => {
            Err(vec![file_fault(1, "no_header", format!("The file is empty. Its first line names the columns: {}.", COLUMNS.join(", ")))])
        }
    }
}

/// Line of a byte. The reader's own count has the line feed behind a carriage return, and blank lines, still ahead of it.
struct Place<'a> {
    text: &'a [u8],
    byte: usize,
    line: u64,
}

impl Place<'_> {
    /// The line of the first byte at `byte` or behind it that ends no line. Bytes are asked for in their order.
    fn line_at(&mut self, byte: u64) -> u64 {
        let byte = usize::try_from(byte).unwrap_or(usize::MAX);
        while let Some(next) = self.text.get(self.byte) {
            if self.byte >= byte && !matches!(next, b'\r' | b'\n') {
                break;
            }
            self.line += u64::from(*next == b'\n');
            self.byte += 1;
        }
        self.line
    }
}

/// Checks that quotes frame fields as they should: a quote that is never closed, or text behind a closing one, shifts every row behind it.
fn framed(text: &str) -> Result<(), FieldError> {
    #[derive(PartialEq)]
    enum At {
        Start,
        Bare,
        Quoted,
        Closed,
    }
    let (mut at, mut line, mut opened) = (At::Start, 1_u64, 1_u64);
    for byte in text.bytes() {
        at = match (at, byte) {
            (At::Start, b'"') => {
                opened = line;
                At::Quoted
            }
            (At::Quoted, b'"') => At::Closed,
            (At::Quoted, _) | (At::Closed, b'"') => At::Quoted,
            (At::Start | At::Bare | At::Closed, b',' | b'\n' | b'\r') => At::Start,
            (At::Start | At::Bare, _) => At::Bare,
            (At::Closed, _) => {
                let message = "Something stands behind a closing quote. Inside quotes a quote is written twice.";
                return Err(file_fault(line, "broken_quotes", message));
            }
        };
        line += u64::from(byte == b'\n');
    }
    if at == At::Quoted {
        return Err(file_fault(opened, "broken_quotes", "A quote that opens in this line is never closed."));
    }
    Ok(())
}

fn columns(record: &StringRecord, line: u64) -> Result<Vec<String>, Vec<FieldError>> {
    let names: Vec<String> = record.iter().map(|name| name.trim().to_lowercase()).collect();
    let mut seen = HashSet::new();
    let mut faults = Vec::new();
    for name in &names {
        let at = format!("{line}/{name}");
        if !COLUMNS.contains(&name.as_str()) && row::tier_of(name).is_none() {
            let message = format!("There is no column `{name}`; known are {}, price_1 … price_10.", COLUMNS.join(", "));
            faults.push(file_fault(at, "unknown_column", message));
        } else if !seen.insert(name) {
            faults.push(file_fault(at, "repeated_column", format!("The column `{name}` stands here twice.")));
        }
    }
    if !names.iter().any(|name| name == "sku") {
        faults.push(file_fault(line, "no_header", "The first line names the columns, and `sku` must be one of them."));
    }
    if faults.is_empty() { Ok(names) } else { Err(faults) }
}

fn line_of(header: &[String], record: &StringRecord, number: u64) -> Line {
    let sku = header.iter().position(|name| name == "sku").and_then(|place| record.get(place)).and_then(|sku| row::sku(sku).ok());
    Line { number, sku, row: row_of(header, record) }
}

fn row_of(header: &[String], record: &StringRecord) -> Result<Row, RowFault> {
    if record.len() != header.len() {
        let message = format!("This row has {} fields, and the header has {}.", record.len(), header.len());
        return Err(RowFault::whole("wrong_field_count", message));
    }
    let mut row = Row::default();
    for (column, field) in header.iter().zip(record) {
        let listed = |separator| field.split(separator).map(str::trim).filter(|part| !part.is_empty());
        match column.as_str() {
            "sku" => row.sku = row::sku(field)?,
            "name" => row.name = Some(row::name(field)?),
            "kind" => row.kind = Some(row::kind(field)?),
            "aliases" => row.aliases = Some(row::aliases(listed(';'))?),
            "components" => row.components = Some(listed(';').map(part).collect::<Result<_, _>>()?),
            "supplier" => row.supplier = Some(row::optional(column, field)?),
            "revenue_account" => row.revenue_account = Some(row::optional(column, field)?),
            _ => {
                let Some(tier) = row::tier_of(column) else { continue };
                let price = if field.trim().is_empty() { None } else { Some(row::price(column, field)?) };
                row.price.insert(tier, price);
            }
        }
    }
    Ok(row)
}

/// `SKU:2`. A SKU may have colons itself; the last one counts.
fn part(text: &str) -> Result<Part, RowFault> {
    let wrong =
        || RowFault::new("components", "wrong_type", format!("`{text}` is no component; SKU:QUANTITY belongs here, such as MUG:2."));
    let (sku, quantity) = text.rsplit_once(':').ok_or_else(wrong)?;
    let quantity = quantity.trim().parse().map_err(|_| wrong())?;
    Ok(Part { sku: row::text("components", sku, crate::reference::LONGEST_CODE)?, quantity })
}
