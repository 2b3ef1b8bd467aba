//! Decisions have one form and an index.

use std::collections::BTreeSet;

use crate::repository::{is_document, read, root};

const FOLDER: &str = "docs/decisions";
const INDEX: &str = "docs/decisions/README.md";

/// Statuses of a decision. One that is replaced names its successor.
const STATUSES: [&str; 2] = ["Accepted", "Replaced by "];

/// Sections of a decision in their order, and the ones that are optional.
const SECTIONS: [(&str, bool); 6] =
    [("Context", false), ("Decision", false), ("Why", false), ("Alternatives", true), ("Consequences", true), ("Revisit when", false)];

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
        if let Some(fault) = fault_of_sections(&text) {
            faults.push(format!("{name}: {fault}"));
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

/// `## Decision: tax` is a part of the section `Decision`, which may have several parts.
fn fault_of_sections(text: &str) -> Option<String> {
    let mut headings =
        text.lines().filter_map(|line| line.strip_prefix("## ")).map(|line| line.split(':').next().unwrap_or(line)).peekable();
    for (section, is_optional) in SECTIONS {
        if headings.next_if_eq(&section).is_none() && !is_optional {
            return Some(format!("the section `## {section}` is missing or out of order"));
        }
        while headings.next_if(|heading| *heading == section && section == "Decision").is_some() {}
    }
    headings.next().map(|heading| format!("`## {heading}` is no section of a decision, or is out of order"))
}

#[test]
fn missing_and_misplaced_sections_are_found() {
    let whole = "## Context\n## Decision: dates\n## Decision: tax\n## Why\n## Consequences\n## Revisit when\n";
    assert_eq!(fault_of_sections(whole), None);
    for wrong in
        ["## Decision\n## Why\n## Revisit when\n", "## Context\n## Why\n## Decision\n## Revisit when\n", &format!("{whole}## Notes\n")]
    {
        assert!(fault_of_sections(wrong).is_some(), "{wrong}");
    }
}

/// `2026-11-28`.
fn is_date(text: &str) -> bool {
    let digits = |at: usize, byte: u8| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(|(at, byte)| digits(at, byte))
}
