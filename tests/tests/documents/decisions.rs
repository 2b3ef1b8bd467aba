//! Decisions have one form and an index.

use std::collections::BTreeSet;

use crate::repository::{is_document, read, root};

const FOLDER: &str = "docs/decisions";
const INDEX: &str = "docs/decisions/README.md";

/// Statuses of a decision. One that is replaced says by which.
const STATUSES: [&str; 2] = ["Accepted", "Replaced by "];

pub(crate) struct File {
    pub(crate) number: u32,
    name: String,
}

/// The files of the decisions, by number.
pub(crate) fn files() -> Vec<File> {
    let entries = std::fs::read_dir(root().join(FOLDER)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let decisions = names.filter(|name| is_document(name) && name != "README.md");
    let mut files: Vec<File> = decisions.map(|name| File { number: name[..4].parse().unwrap(), name }).collect();
    files.sort_by_key(|file| file.number);
    files
}

#[test]
fn each_decision_has_a_title_a_date_and_a_status_and_is_in_the_index() {
    let index = read(INDEX);
    let mut faults = Vec::new();
    let mut numbers = BTreeSet::new();
    for File { number, name } in files() {
        let text = read(&format!("{FOLDER}/{name}"));
        let mut lines = text.lines();
        let Some(title) = lines.next().and_then(|line| line.strip_prefix(&format!("# {number:04} "))) else {
            faults.push(format!("{name}: the first line is `# {number:04} Title`"));
            continue;
        };
        let dated = lines.nth(1).and_then(|line| line.strip_prefix("Date: ")).unwrap_or_default();
        let status = lines.next().and_then(|line| line.strip_prefix("Status: ")).unwrap_or_default();
        if !is_date(dated) || !STATUSES.iter().any(|known| status.starts_with(known)) {
            faults.push(format!("{name}: lines 3 and 4 are `Date: YYYY-MM-DD` and `Status: Accepted`"));
        }
        let row = format!("| [{number:04}]({name}) | {title} | {dated} | {status} |");
        if !index.lines().any(|line| line == row) {
            faults.push(format!("{INDEX} lacks: {row}"));
        }
        if !numbers.insert(number) {
            faults.push(format!("{number} is there twice"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    let listed = index.lines().filter(|line| line.starts_with("| [")).count();
    assert_eq!(listed, numbers.len(), "{INDEX} lists what is not there");
}

/// `2026-11-28`.
fn is_date(text: &str) -> bool {
    let digits = |at: usize, byte: u8| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(|(at, byte)| digits(at, byte))
}
