//! Statements of the documents about the code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of crates in the dependency sections of a manifest, without those of the workspace.
fn named(manifest: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            inside = section.trim_end_matches(']').ends_with("dependencies");
        } else if inside
            && let Some((name, _)) = line.split_once(['.', ' ', '='])
            && !name.is_empty()
            && !name.starts_with('#')
        {
            names.insert(name.to_owned());
        }
    }
    names
}

/// Every package of the workspace: the folder of each manifest, by its name.
fn packages() -> Vec<(String, String)> {
    let mut packages = Vec::new();
    for folder in ["functions", "lib", "infra"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let manifest = entry.unwrap().path().join("Cargo.toml");
            if let Ok(text) = std::fs::read_to_string(&manifest) {
                packages.push(text);
            }
        }
    }
    packages.push(read("tests/Cargo.toml"));
    let name = |text: &str| text.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).unwrap().to_owned();
    packages.into_iter().map(|text| (name(&text), text)).collect()
}

#[test]
fn every_dependency_says_what_it_is_for() {
    let packages = packages();
    let ours: BTreeSet<String> = packages.iter().map(|(name, _)| name.clone()).collect();
    let used: BTreeSet<String> = packages.iter().flat_map(|(_, manifest)| named(manifest)).filter(|name| !ours.contains(name)).collect();
    let document = read("docs/dependencies.md");
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let mut documented = BTreeSet::new();
    for (name, what_for) in rows {
        assert!(what_for.trim_end_matches([' ', '|']).len() > 5, "{name}");
        assert!(documented.insert(name.to_owned()), "{name} is there twice");
    }
    assert_eq!(documented, used);
    // The workspace's own list has no crate that no package uses.
    let offered: BTreeSet<String> = named(&read("Cargo.toml")).into_iter().filter(|name| !ours.contains(name)).collect();
    assert_eq!(offered, used);
}

/// The metrics that the functions emit, and no others.
#[test]
fn every_metric_is_described() {
    let document = read("docs/LOGGING.md");
    let (_, metrics) = document.split_once("## Metrics").unwrap();
    let (metrics, _) = metrics.split_once("## Traces").unwrap();
    let cells = metrics.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let described: BTreeSet<&str> = cells.flat_map(|cell| cell.split(", ")).map(|name| name.trim_matches('`')).collect();
    let emitted: BTreeSet<&str> = fetch_orders::METRICS.into_iter().chain(process_orders::METRICS).chain(consolidate::METRICS).collect();
    assert_eq!(described, emitted);
}

/// The documented log lines are in the code, word for word.
#[test]
fn every_log_line_that_is_described_exists() {
    let mut sources = String::new();
    for folder in ["functions", "lib"] {
        gather(&root().join(folder), &mut sources);
    }
    let document = read("docs/LOGGING.md");
    let (_, lines) = document.split_once("| message | level |").unwrap();
    let (lines, _) = lines.split_once("\n\n").unwrap();
    let mut found = 0;
    for row in lines.lines().filter_map(|line| line.strip_prefix("| `")) {
        for message in row.split(" | ").next().unwrap().split(", ").map(|message| message.trim_matches('`')) {
            assert!(sources.contains(&format!("\"{message}\"")), "no line says {message:?}");
            found += 1;
        }
    }
    assert!(found >= 15, "{found}");
}

fn gather(folder: &Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// Links between documents have a target.
#[test]
fn links_between_documents_lead_somewhere() {
    let mut documents: Vec<PathBuf> = vec![root().join("README.md")];
    for folder in ["docs", "docs/decisions"] {
        documents.extend(std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path()));
    }
    let mut followed = 0;
    for document in documents.iter().filter(|path| path.extension().is_some_and(|ending| ending == "md")) {
        let text = std::fs::read_to_string(document).unwrap();
        for (start, _) in text.match_indices("](") {
            let link = text[start + 2..].split(')').next().unwrap();
            let path = link.split('#').next().unwrap();
            if link.starts_with("http") || path.is_empty() {
                continue;
            }
            assert!(document.parent().unwrap().join(path).exists(), "{}: {link}", document.display());
            followed += 1;
        }
    }
    assert!(followed > 5);
}
