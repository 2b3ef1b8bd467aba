//! The sources keep their structure: no circles, no long files, no long functions
//! (docs/CONTRIBUTING.md).

use std::collections::BTreeSet;

use crate::module_graph::{Crate, crates};
use crate::repository::{Source, root, sources};

/// Lines of a source file.
const LONGEST_FILE: usize = 500;
/// Lines of code in a function, as `clippy.toml` has it.
const LONGEST_FUNCTION: usize = 80;

/// Modules of the domain that all others may use.
const GROUND_FLOOR: [&str; 7] = ["ids", "digest", "address", "money", "pacific", "reason", "warning"];

/// Folders whose files use each other in a circle, each with the reason. An entry is removed with
/// its circle.
const CIRCLES_OF_FILES: &[(&str, &str)] = &[
    ("functions/api/src/", "`lib.rs` defines `Deps`, which every resource takes, and puts the resources together"),
    ("lib/aws/src/queues/", "reasons of dead letters are read by the client that they are told through"),
    ("lib/aws/src/table/", "items of orders and sales share one type with the saga that moves their stock"),
    ("lib/domain/src/import/", "`mod.rs` defines the lines that its readers make"),
    ("lib/domain/src/log/", "the entry and its lineage are one document"),
    ("lib/domain/src/settings/", "`mod.rs` defines the settings and reads them"),
];

/// Folders whose modules use each other in a circle although their files do not, each with the
/// reason.
const CIRCLES_OF_MODULES: &[(&str, &str)] = &[
    ("functions/api/src/", "auth and audit name each other; so do the panel and the resources"),
    ("lib/aws/src/", "rooms of the table use the items of each other"),
    ("lib/domain/src/log", "classification and the stage of an order"),
];

/// Files over the limit, each with the reason.
const LONG_FILES: &[(&str, &str)] = &[("functions/api/tests/api/sale_actions.rs", "one table of what people do with sales")];

/// Functions over the limit without a reason beside them.
const LONG_FUNCTIONS: &[(&str, &str)] = &[
    ("lib/aws/src/table/orders/commit_order.rs: commit_order", "the writes of one transaction"),
    ("lib/aws/src/table/reference/products.rs: write_product", "the writes of one transaction"),
    ("lib/aws/src/table/sales/change_sale.rs: write_change", "the writes of one transaction"),
    ("lib/domain/src/settings/validate.rs: read", "one line for each setting, twice"),
];

/// Fails for findings without an exception, and for exceptions that are not needed.
fn compare(what: &str, found: &BTreeSet<String>, exceptions: &[(&str, &str)]) {
    let unexpected: Vec<&String> = found.iter().filter(|found| !exceptions.iter().any(|(known, _)| found.starts_with(known))).collect();
    assert!(unexpected.is_empty(), "{what}: {unexpected:#?}");
    let needless: Vec<&(&str, &str)> = exceptions.iter().filter(|(known, _)| !found.iter().any(|found| found.starts_with(known))).collect();
    assert!(needless.is_empty(), "remove these exceptions, which nothing needs any more: {needless:#?}");
}

fn all_crates() -> Vec<Crate> {
    crates(&root())
}

/// A file that uses what another one defines is not used by it, directly or through others.
#[test]
fn files_of_a_crate_use_each_other_in_no_circle() {
    let circles = all_crates().iter().flat_map(Crate::circles).map(|circle| circle.join(" ")).collect();
    compare("files that use each other in a circle", &circles, CIRCLES_OF_FILES);
}

/// The same for modules side by side, each with everything below it.
#[test]
fn modules_side_by_side_use_each_other_in_no_circle() {
    let of_crate = |one: &Crate| -> Vec<String> {
        one.folder_circles().iter().map(|(folder, circle)| format!("{}/src/{folder}: {}", one.name, circle.join(" "))).collect()
    };
    let circles = all_crates().iter().flat_map(of_crate).collect();
    compare("modules that use each other in a circle", &circles, CIRCLES_OF_MODULES);
}

/// What everything else is made of uses nothing that is made of it
/// (docs/decisions/0069-no-circles-between-files.md).
#[test]
fn the_ground_floor_of_the_domain_uses_nothing_above_it() {
    let floor: BTreeSet<String> = GROUND_FLOOR.iter().map(|name| format!("lib/domain/src/{name}.rs")).collect();
    let domain = Crate::of_package(&root(), "lib/domain");
    for file in &floor {
        let used = domain.edges.get(file).unwrap_or_else(|| panic!("{file} is not there"));
        assert!(used.is_subset(&floor), "{file} uses {used:?}");
    }
}

#[test]
fn no_source_file_is_longer_than_500_lines() {
    let long = sources(&["rs", "js", "mjs"]).into_iter().filter(|source| source.text.lines().count() > LONGEST_FILE);
    compare("files that are too long", &long.map(|source| source.path).collect(), LONG_FILES);
}

/// A longer function says why: `#[expect(clippy::too_many_lines, reason = "…")]`.
#[test]
fn no_function_is_longer_than_80_lines_without_a_reason() {
    let sources = sources(&["rs"]);
    let long = sources.iter().flat_map(|source| {
        let long = functions(source).into_iter().filter(|function| function.lines > LONGEST_FUNCTION && !function.gives_reason);
        long.map(|function| format!("{}: {} has {} lines", source.path, function.name, function.lines))
    });
    let long: BTreeSet<String> = long.collect();
    compare("functions that are too long and give no reason", &long, LONG_FUNCTIONS);
}

struct Function<'a> {
    name: &'a str,
    /// Lines between its braces that hold code.
    lines: usize,
    gives_reason: bool,
}

/// The functions of a file that rustfmt has formatted: each ends at the closing brace in the column
/// of its first line.
fn functions(source: &Source) -> Vec<Function<'_>> {
    let lines: Vec<&str> = source.text.lines().collect();
    let mut found = Vec::new();
    let mut attributes = String::new();
    for (index, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let Some(name) = name_of(code) else {
            // Attributes may span lines; anything else ends them.
            let goes_on = code.starts_with("#[") || code.starts_with("//") || (!attributes.is_empty() && !code.ends_with(['}', ';', '{']));
            if goes_on {
                attributes.push_str(code);
            } else {
                attributes.clear();
            }
            continue;
        };
        let gives_reason = attributes.split_once("clippy::too_many_lines").is_some_and(|(_, rest)| rest.contains("reason = "));
        attributes.clear();
        let end = format!("{}}}", &line[..line.len() - code.len()]);
        let below = &lines[index..];
        let (Some(first), Some(last)) = (below.iter().position(|line| line.ends_with('{')), below.iter().position(|line| **line == end))
        else {
            continue;
        };
        let is_code = |line: &&&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
        let body = below.get(first + 1..last).unwrap_or_default();
        found.push(Function { name, lines: body.iter().filter(is_code).count(), gives_reason });
    }
    found
}

/// The name of the function that a line begins.
fn name_of(code: &str) -> Option<&str> {
    let mut rest = code;
    if let Some(visible) = rest.strip_prefix("pub") {
        rest = visible.split_once(' ')?.1;
    }
    for word in ["const ", "async ", "unsafe "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    rest.strip_prefix("fn ")?.split(['(', '<']).next()
}

/// The measure itself: what it counts, and what it takes for a reason.
#[test]
fn functions_are_measured_by_their_lines_of_code() {
    let text = "/// Doc.\n#[expect(clippy::too_many_lines, reason = \"a table\")]\npub(crate) async fn long<T>(\n    one: T,\n) {\n    let a = 1;\n\n    // Comment.\n    call(a);\n}\n\nimpl One {\n    const fn short() -> u8 {\n        1\n    }\n\n    fn line() {}\n}\n";
    let source = Source { path: "one.rs".to_owned(), text: text.to_owned() };
    let functions = functions(&source);
    let found: Vec<_> = functions.iter().map(|one| (one.name, one.lines, one.gives_reason)).collect();
    assert_eq!(found, [("long", 2, true), ("short", 1, false)]);
}

/// The graph itself: re-exports are followed, and a parent that declares its children is no circle.
#[test]
fn uses_lead_through_reexports_to_the_file_that_defines() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("lib/one/src/lib.rs", "mod floor;\nmod room;\npub use room::Room;\n");
    write("lib/one/src/floor.rs", "pub(crate) struct Floor;\n");
    write("lib/one/src/room/mod.rs", "mod door;\nmod wall;\npub use wall::Room;\npub(crate) use door::Door;\n");
    write("lib/one/src/room/wall.rs", "use super::Door;\npub struct Room { door: Door }\nfn f(_: crate::floor::Floor) {}\n");
    write("lib/one/src/room/door.rs", "pub(crate) struct Door;\n");
    let read = || Crate::of_package(folder.path(), "lib/one");
    let one = read();
    let wall = &one.edges["lib/one/src/room/wall.rs"];
    assert_eq!(wall.iter().map(String::as_str).collect::<Vec<_>>(), ["lib/one/src/floor.rs", "lib/one/src/room/door.rs"]);
    assert_eq!((one.circles(), one.folder_circles()), (Vec::new(), Vec::new()));
    write("lib/one/src/floor.rs", "pub(crate) struct Floor;\nmacro_rules! door { () => { $crate::Room } }\n");
    let circle = read().circles();
    assert_eq!(circle, [["lib/one/src/floor.rs", "lib/one/src/room/wall.rs"]]);
    assert_eq!(read().folder_circles(), [(String::new(), vec!["floor".to_owned(), "room".to_owned()])]);
}
