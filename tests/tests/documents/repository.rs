//! The repository's text files, their comments and their test functions.

use std::path::{Path, PathBuf};

/// Folders without texts of the project.
const SKIPPED: [&str; 6] = ["target", "node_modules", "data", "fixtures", "__pycache__", ".git"];

pub(crate) struct Source {
    /// Path from the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A test function with the comment above it.
pub(crate) struct Test<'a> {
    pub(crate) name: &'a str,
    pub(crate) comment: String,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file of the repository with one of these endings.
pub(crate) fn sources(endings: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    gather(&root(), "", endings, &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(found.len() > 10, "only {} files end in {endings:?}", found.len());
    found
}

fn gather(folder: &Path, prefix: &str, endings: &[&str], into: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        if entry.file_type().unwrap().is_dir() {
            if !SKIPPED.contains(&name.as_str()) && !name.starts_with(".stevedore") {
                gather(&entry.path(), &path, endings, into);
            }
        } else if name.rsplit_once('.').is_some_and(|(_, ending)| endings.contains(&ending)) {
            let text = std::fs::read_to_string(entry.path()).unwrap_or_else(|error| panic!("{path}: {error}"));
            into.push(Source { path, text });
        }
    }
}

/// True for Markdown.
pub(crate) fn is_document(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|ending| ending == "md")
}

impl Source {
    pub(crate) fn is_document(&self) -> bool {
        is_document(&self.path)
    }

    /// The prose of a file: the whole of a document, or the comments of another file. Line ends and
    /// comment marks become blanks, so that a wrapped text reads as one sentence.
    pub(crate) fn prose(&self) -> String {
        let mark = match self.path.rsplit_once('.').map(|(_, ending)| ending) {
            Some("md") => return self.text.replace('\n', " "),
            Some("rs" | "js" | "mjs") => "//",
            _ => "#",
        };
        let comments = self.text.lines().filter_map(|line| comment(line, mark));
        comments.collect::<Vec<_>>().join(" ")
    }

    /// The test functions of a Rust file.
    pub(crate) fn tests(&self) -> Vec<Test<'_>> {
        let (mut tests, mut comments, mut is_test) = (Vec::new(), Vec::new(), false);
        for line in self.text.lines().map(str::trim) {
            if line.starts_with("//") {
                comments.push(line.trim_start_matches(['/', '!', ' ']));
            } else if line.starts_with("#[") {
                is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            } else {
                if let Some(name) = function(line).filter(|_| is_test) {
                    tests.push(Test { name, comment: comments.join(" ") });
                }
                (comments, is_test) = (Vec::new(), false);
            }
        }
        tests
    }
}

/// The name of the function that a line begins.
pub(crate) fn function(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let (name, _) = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?.split_once(['(', '<'])?;
    Some(name)
}

/// A line's comment. The two slashes of an address begin no comment.
fn comment<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    let at = line.match_indices(mark).map(|(at, _)| at).find(|at| !line[..*at].ends_with(':'))?;
    Some(line[at..].trim_start_matches([' ', '/', '#', '!']))
}
