//! The panel's files, inside the program.

use std::sync::LazyLock;

use stevedore_domain::order::Digest;

/// A file.
pub(super) struct File {
    pub name: &'static str,
    pub media_type: &'static str,
    pub text: &'static str,
}

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        /// The files that are written by hand.
        const FILES: &[File] = &[$(File { name: $name, media_type: media_type($name), text: include_str!(concat!("../../panel/", $name)) }),+];
    };
}

files! {
    "base.css", "parts.css", "mark.svg",
    "main.js", "session.js", "api.js", "dom.js", "format.js", "words.js", "parts.js", "list.js", "form.js",
    "home.js", "setup.js", "connection.js", "settings.js", "settings-fields.js", "history.js", "places.js",
    "pending.js", "log.js", "entry.js", "operations.js", "operation.js", "sales.js", "sale.js", "sale-acts.js",
    "stock.js", "records.js", "record-fields.js", "syncs.js", "dead-letters.js", "unreadable.js", "sale-adjust.js",
}

const fn media_type(name: &str) -> &'static str {
    match name.as_bytes() {
        [.., b'.', b'j', b's'] => "text/javascript; charset=utf-8",
        [.., b'.', b'c', b's', b's'] => "text/css; charset=utf-8",
        _ => "image/svg+xml",
    }
}

/// The labels of operation kinds, from the domain's registry.
static KINDS: LazyLock<File> = LazyLock::new(|| {
    let labels: serde_json::Map<String, serde_json::Value> =
        stevedore_domain::operation::KINDS.iter().map(|kind| (kind.name.to_owned(), kind.label.into())).collect();
    let text = format!("// Made by the program.\nexport const KINDS = {};\n", serde_json::Value::from(labels));
    File { name: "operation-kinds.js", media_type: media_type("operation-kinds.js"), text: text.leak() }
});

/// Every file but the page itself.
fn all() -> impl Iterator<Item = &'static File> {
    FILES.iter().chain([&*KINDS])
}

/// Names the content of all files: one that changes moves all of them, so that they always fit each other.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let all: String = all().flat_map(|file| [file.name, file.text]).collect();
    Digest::of_bytes(all.as_bytes()).to_string()
});

static PAGE: LazyLock<String> = LazyLock::new(|| include_str!("../../panel/index.html").replace("{version}", &VERSION));

/// The page, which names its files by their version.
pub(super) fn page() -> &'static str {
    &PAGE
}

pub(super) fn find(version: &str, name: &str) -> Option<&'static File> {
    all().find(|file| file.name == name && version == VERSION.as_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A module that is imported is served; nothing is fetched from elsewhere; nothing becomes markup.
    #[test]
    fn the_files_name_each_other_alone() {
        for file in all() {
            let imports = file.text.lines().filter(|line| line.starts_with("import "));
            for import in imports.chain(file.text.split("import(").skip(1)) {
                let name = import.split('"').nth(1).unwrap();
                assert!(all().any(|known| name.strip_prefix("./") == Some(known.name)), "{} imports {name}", file.name);
            }
            let lines = file.text.lines().count();
            assert!(lines <= 400, "{} has {lines} lines", file.name);
            for forbidden in
                ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "localStorage", "@import"]
            {
                assert!(!file.text.contains(forbidden), "{} uses {forbidden}", file.name);
            }
            let foreign = file.text.replace("http://www.w3.org/", "");
            assert!(!foreign.contains("http://") && !foreign.contains("https://"), "{} names another host", file.name);
        }
        assert!(!PAGE.contains("<script>") && !PAGE.contains("<style") && !PAGE.contains("style=") && !PAGE.contains(" on"), "inline");
        assert!(PAGE.contains(VERSION.as_str()) && !PAGE.contains("{version}"));
        assert!(find("other", "main.js").is_none() && find(&VERSION, "main.js").is_some() && find(&VERSION, "index.html").is_none());
    }
}
