//! `docs/requirements.md` names a test for each rule that is built, and every cited code is a rule
//! there.

use std::collections::{BTreeMap, BTreeSet};

use crate::repository::{Source, function, read, root, sources};

const DOCUMENT: &str = "docs/requirements.md";

/// Letters that begin the code of a rule.
const LETTERS: &str = "SNUGFDRWQCHP";

struct Row {
    code: String,
    /// Tests that show it, as `path::function`.
    tests: Vec<String>,
    /// Its other lines: the rule is not built yet or not as a whole, or there is nothing to build.
    notes: Vec<String>,
}

impl Row {
    fn is_not_built(&self) -> bool {
        self.notes.iter().any(|note| note == "not built yet")
    }
}

fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for line in read(DOCUMENT).lines() {
        if let Some((code, _)) = line.strip_prefix("- **").and_then(|rest| rest.split_once("** ")) {
            assert!(is_code(code), "{DOCUMENT}: `{code}` is no code");
            rows.push(Row { code: code.to_owned(), tests: Vec::new(), notes: Vec::new() });
        } else if let (Some(shown), Some(row)) = (line.strip_prefix("  - "), rows.last_mut()) {
            match shown.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
                Some(test) => row.tests.push(test.to_owned()),
                None => row.notes.push(shown.to_owned()),
            }
        }
    }
    assert!(rows.len() > 400, "only {} rows were read", rows.len());
    rows
}

/// A letter, one to three digits, and perhaps a `b`.
fn is_code(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(|letter| LETTERS.contains(letter)) else { return false };
    let digits = rest.strip_suffix('b').unwrap_or(rest);
    (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The codes in a prose text.
fn codes(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric()).filter(|word| is_code(word))
}

/// The codes at the beginning of a test's name.
fn codes_of_name(name: &str) -> impl Iterator<Item = String> {
    name.split('_').map(str::to_uppercase).take_while(|word| is_code(word))
}

#[test]
fn each_row_is_there_once_and_names_its_tests_or_why_there_is_none() {
    let mut seen = BTreeSet::new();
    for row in rows() {
        assert!(seen.insert(row.code.clone()), "{} is there twice", row.code);
        let whole = row.notes.iter().filter(|note| *note == "not built yet" || *note == "nothing to build").count();
        let part = row.notes.iter().filter(|note| note.starts_with("not built yet: ")).count();
        assert_eq!(whole + part, row.notes.len(), "{}: {:?}", row.code, row.notes);
        assert_eq!(row.tests.is_empty(), whole == 1, "{}: tests, or `not built yet`, or `nothing to build`", row.code);
        assert!(whole + part <= 1, "{}: {:?}", row.code, row.notes);
    }
}

/// With `UPDATE_REQUIREMENTS=1`, tests that moved to another file are followed, and the document is
/// written.
#[test]
fn the_tests_that_rows_name_exist() {
    let sources = sources(&["rs"]);
    let functions: BTreeMap<&str, BTreeSet<&str>> = sources.iter().map(|source| (source.path.as_str(), functions(source))).collect();
    let mut text = read(DOCUMENT);
    let mut missing = BTreeSet::new();
    for named in rows().iter().flat_map(|row| &row.tests) {
        let (path, name) = named.split_once("::").unwrap_or_else(|| panic!("{named}: `path::function`"));
        if functions.get(path).is_some_and(|names| names.contains(name)) {
            continue;
        }
        let elsewhere: Vec<&str> = functions.iter().filter(|(_, names)| names.contains(name)).map(|(path, _)| *path).collect();
        if let [path] = elsewhere[..] {
            text = text.replace(&format!("`{named}`"), &format!("`{path}::{name}`"));
        }
        missing.insert(format!("{named} (now in {elsewhere:?})"));
    }
    if std::env::var_os("UPDATE_REQUIREMENTS").is_some() {
        std::fs::write(root().join(DOCUMENT), text).unwrap();
    }
    assert!(missing.is_empty(), "{DOCUMENT} names tests that do not exist; UPDATE_REQUIREMENTS=1 follows moved ones: {missing:#?}");
}

fn functions(source: &Source) -> BTreeSet<&str> {
    source.text.lines().filter_map(|line| function(line.trim_start())).collect()
}

#[test]
fn cited_rows_exist() {
    let rows: BTreeSet<String> = rows().into_iter().map(|row| row.code).collect();
    let mut unknown = BTreeSet::new();
    let mut cited = 0;
    for source in sources(&["rs", "js", "mjs", "md", "yaml", "toml", "py", "sh"]) {
        let prose = source.prose();
        let tests = source.tests();
        let named = tests.iter().flat_map(|test| codes_of_name(test.name));
        for code in codes(&prose).map(str::to_owned).chain(named) {
            cited += 1;
            if !rows.contains(&code) {
                unknown.insert(format!("{}: {code}", source.path));
            }
        }
    }
    assert!(unknown.is_empty(), "codes without a row in {DOCUMENT}: {unknown:#?}");
    assert!(cited > 1000, "{cited}");
}

/// A test that cites a row shows it, so the row names a test.
#[test]
fn rows_that_are_not_built_are_cited_by_no_test() {
    let missing: BTreeSet<String> = rows().into_iter().filter(Row::is_not_built).map(|row| row.code).collect();
    let mut shown = BTreeSet::new();
    for source in sources(&["rs"]) {
        for test in source.tests() {
            let cited = codes(&test.comment).map(str::to_owned).chain(codes_of_name(test.name));
            for code in cited.filter(|code| missing.contains(code)) {
                shown.insert(format!("{code}: `{}::{}`", source.path, test.name));
            }
        }
    }
    assert!(shown.is_empty(), "{DOCUMENT} says `not built yet`; replace that by these tests: {shown:#?}");
}
