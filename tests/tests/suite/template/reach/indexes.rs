//! Every place that reads an index is in the table of docs/ARCHITECTURE.md, with the effect of lag,
//! and the table has no other place.

use std::collections::{BTreeMap, BTreeSet};

use super::super::root;
use super::Reach;
use super::source::{Function, Source, Token};

const AWS: &str = "stevedore-aws";
/// The general methods of `lib/aws` that read indexes. They are no places themselves.
const MEANS: [&str; 8] =
    ["query_entries", "query_index", "list_index", "merged_keys", "list_merged", "list_with_recent", "count_list", "count"];
/// The files that hold only such methods.
const OF_MEANS: [&str; 2] = ["table/item/paging.rs", "table/item/merged.rs"];
/// The heading above the table.
const HEADING: &str = "## Indexes lag";

/// A place: a method of the table that reads an index, with every file that calls it.
type Places = BTreeMap<String, BTreeSet<String>>;

/// The methods of `names` that a function calls on a table: on itself, on a value named as a table,
/// or on the result of a call that returns one.
fn calls<'a>(function: &Function, names: impl Fn(&str) -> bool + 'a) -> BTreeSet<String> {
    let body = &function.body;
    let name = |index: usize| body.get(index).and_then(Token::name);
    let mut found = BTreeSet::new();
    for at in 2..body.len() {
        let Some(called) = name(at).filter(|called| names(called) && body[at - 1].is('.')) else { continue };
        let on_a_table = match name(at - 2) {
            Some(receiver) => receiver == "self" || receiver.ends_with("table"),
            // `.await?.` after a call that returns the table of an account.
            None => body[..at].iter().rev().take(12).any(|token| matches!(token.name(), Some("of_account" | "of_connected_account"))),
        };
        if on_a_table {
            found.insert(called.to_owned());
        }
    }
    found
}

fn places(source: &Source) -> Places {
    let of_aws = |function: &&Function| function.package == AWS;
    let reads = |function: &&Function| {
        !MEANS.contains(&function.name.as_str())
            && !OF_MEANS.contains(&source.files[function.file].path.as_str())
            && (!calls(function, |name| MEANS.contains(&name)).is_empty()
                || ["query", "index_name"].iter().all(|word| function.body.iter().any(|token| token.name() == Some(*word))))
    };
    let readers: Vec<&Function> = source.functions.iter().filter(of_aws).filter(reads).collect();
    let mut places: Places = readers.iter().map(|reader| (reader.name.clone(), BTreeSet::new())).collect();
    for function in &source.functions {
        for called in calls(function, |name| readers.iter().any(|reader| reader.name == name)) {
            let folder = match function.package.strip_prefix("stevedore-") {
                Some(library) => format!("lib/{library}/src"),
                None => format!("functions/{}/src", function.package),
            };
            places.entry(called).or_default().insert(format!("{folder}/{}", source.files[function.file].path));
        }
    }
    places
}

/// The table's rows: the method in its first cell, and the files in its second.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let section = text.split(HEADING).nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let code = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
        let [place, read_by, index, with_lag] = cells.as_slice() else { return None };
        let name = code(place).into_iter().next()?;
        assert!(!index.is_empty() && with_lag.len() > 10, "`{name}` says nothing of lag");
        Some((name, code(read_by)))
    });
    let mut table = BTreeMap::new();
    for (name, files) in rows {
        assert!(table.insert(name.clone(), files).is_none(), "`{name}` has two rows");
    }
    table
}

#[test]
fn every_place_that_reads_an_index_says_why_lag_is_safe_there() {
    let places = places(&Reach::read().source);
    assert!(places.len() > 15, "{places:?}");
    let table = table();
    let mut wrong = Vec::new();
    for (name, files) in &places {
        let Some(said) = table.get(name) else {
            wrong.push(format!("| `{name}` | {} | | |", files.iter().map(|file| format!("`{file}`")).collect::<Vec<_>>().join(", ")));
            continue;
        };
        wrong.extend(files.difference(said).map(|file| format!("`{name}` is read by `{file}`, which its row does not name")));
        wrong.extend(said.difference(files).map(|file| format!("`{name}` is not read by `{file}`, which its row names")));
    }
    wrong.extend(table.keys().filter(|name| !places.contains_key(*name)).map(|name| format!("`{name}` reads no index")));
    assert!(wrong.is_empty(), "docs/ARCHITECTURE.md, \"{HEADING}\":\n{}", wrong.join("\n"));
}
