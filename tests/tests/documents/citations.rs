//! Cited sections and decisions exist.

use std::collections::{BTreeMap, BTreeSet};

use crate::repository::{is_document, read, root, sources};

const ENDINGS: [&str; 8] = ["rs", "js", "mjs", "md", "yaml", "toml", "py", "sh"];

/// Distance before a section's number within which its document is named.
const REACH: usize = 90;

#[test]
fn cited_sections_exist() {
    let mut headings = BTreeMap::new();
    let mut wrong = BTreeSet::new();
    let mut followed = 0;
    for source in sources(&ENDINGS) {
        let prose = source.prose();
        for (at, _) in prose.match_indices("section").chain(prose.match_indices("Section")) {
            for number in numbers(&prose[at..]) {
                let before = prose.floor_char_boundary(at.saturating_sub(REACH));
                let itself = || source.is_document().then(|| Cited::Document(source.path.clone()));
                match document(&prose[before..at]).or_else(itself) {
                    Some(Cited::Rfc) => {}
                    Some(Cited::Document(name)) => {
                        followed += 1;
                        let known: &BTreeSet<String> = headings.entry(name.clone()).or_insert_with(|| numbered(&name));
                        if !known.contains(&number) {
                            wrong.insert(format!("{}: {name} has no section {number}", source.path));
                        }
                    }
                    // This file has examples.
                    None if source.path.ends_with("documents/citations.rs") => {}
                    None => {
                        wrong.insert(format!("{}: section {number} of which document?", source.path));
                    }
                }
            }
        }
        for word in ["facts sheet", "features.md", "behaviour.md", "Behaviour 1", "behaviour 1", "ehaviour, section"] {
            if prose.contains(word) {
                wrong.insert(format!("{}: `{word}` is not in the repository", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(followed > 20, "{followed}");
}

enum Cited {
    Rfc,
    /// A document's path from the root.
    Document(String),
}

/// The last document that a text names.
fn document(text: &str) -> Option<Cited> {
    let words = text.split(|character: char| character.is_whitespace() || "()[]`,;:".contains(character));
    words.rev().find_map(|word| {
        let word = word.trim_end_matches('.');
        match word {
            "RFC" => Some(Cited::Rfc),
            _ if is_document(word) && root().join(word).exists() => Some(Cited::Document(word.to_owned())),
            _ => None,
        }
    })
}

/// The numbers after the word: `section 3.1`, `sections 4 and 5`, `sections 3.2 to 3.4`.
fn numbers(text: &str) -> Vec<String> {
    let mut words = text.split(' ');
    if !words.next().is_some_and(|word| matches!(word, "section" | "sections" | "Section" | "Sections")) {
        return Vec::new();
    }
    let mut numbers = Vec::new();
    for word in words {
        let number = word.trim_end_matches([',', ')', ';', ':', '.']);
        if is_number(number) {
            numbers.push(number.to_owned());
        } else if word != "and" && word != "to" {
            break;
        }
        // The list continues only after a comma or a number without a mark.
        if word.ends_with([')', ';', ':', '.']) {
            break;
        }
    }
    numbers
}

fn is_number(word: &str) -> bool {
    let word = word.trim_end_matches('.');
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// The numbers of a document's headings.
fn numbered(name: &str) -> BTreeSet<String> {
    let text = read(name);
    let headings = text.lines().filter(|line| line.starts_with('#')).filter_map(|line| line.split(' ').nth(1));
    headings.filter(|word| is_number(word)).map(|word| word.trim_end_matches('.').to_owned()).collect()
}

/// `decision 12`, `decision 0012` and `decisions/0012` are one decision.
#[test]
fn cited_decisions_exist() {
    let known: BTreeSet<u32> = crate::decisions::files().iter().map(|file| file.number).collect();
    let mut wrong = BTreeSet::new();
    let mut followed = 0;
    for source in sources(&ENDINGS) {
        let prose = source.prose();
        for mark in ["decision ", "Decision ", "decisions/"] {
            for (at, _) in prose.match_indices(mark) {
                let digits = prose[at + mark.len()..].bytes().take_while(u8::is_ascii_digit).count();
                let Ok(number) = prose[at + mark.len()..][..digits].parse() else { continue };
                followed += 1;
                if !known.contains(&number) {
                    wrong.insert(format!("{}: decision {number}", source.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(followed > 20, "{followed}");
}

/// First folders of paths in the repository.
const FOLDERS: [&str; 8] = ["docs/", "lib/", "functions/", "infra/", "tests/", "events/", ".ci/", ".github/"];

/// Files and folders that documents and comments name by their path from the root.
#[test]
fn named_files_exist() {
    let mut wrong = BTreeSet::new();
    let mut followed = 0;
    for source in sources(&ENDINGS).iter().filter(|source| !source.path.ends_with("CHANGELOG.md")) {
        let prose = source.prose();
        let words = prose.split(|character: char| character.is_whitespace() || "()[]{}`,;:\"'|".contains(character));
        for word in words.filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder))) {
            let path = word.trim_end_matches(['.', '/']).split('#').next().unwrap_or_default();
            if path.contains(['*', '<', '…', '?', '=']) || path.contains("NNNN") {
                continue;
            }
            followed += 1;
            if !exists(path) {
                wrong.insert(format!("{}: {path}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "named, and not there: {wrong:#?}");
    assert!(followed > 100, "{followed}");
}

/// A decision can be named by its number alone.
fn exists(path: &str) -> bool {
    let decision = path.strip_prefix("docs/decisions/").and_then(|name| name.parse().ok());
    match decision {
        Some(number) => crate::decisions::files().iter().any(|file| file.number == number),
        None => root().join(path).exists(),
    }
}
