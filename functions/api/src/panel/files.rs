//! The panel's files, inside the program.

use std::sync::LazyLock;

use stevedore_domain::digest::Digest;

/// A file of the panel.
pub(super) struct File {
    /// Path below the panel's folder.
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
    "main.js", "mark.svg",
    "core/base.css", "core/components.css",
    "core/api.js", "core/components.js", "core/dom.js", "core/form.js", "core/format.js", "core/labels.js", "core/list.js", "core/session.js",
    "pages/accounting-syncs.js", "pages/activity.js", "pages/connection.js", "pages/dead-letters.js", "pages/home.js", "pages/log-entry.js",
    "pages/log.js", "pages/operation.js", "pages/operations.js", "pages/pending-orders.js", "pages/places-of-business.js",
    "pages/reference-fields.js", "pages/reference-list.js", "pages/sale-actions.js", "pages/sale-adjust.js", "pages/sale.js", "pages/sales.js",
    "pages/settings-fields.js", "pages/settings.js", "pages/setup.js", "pages/stock.js", "pages/unreadable-orders.js",
}

const fn media_type(name: &str) -> &'static str {
    match name.as_bytes() {
        [.., b'.', b'j', b's'] => "text/javascript; charset=utf-8",
        [.., b'.', b'c', b's', b's'] => "text/css; charset=utf-8",
        _ => "image/svg+xml",
    }
}

const KINDS_NAME: &str = "core/operation-kinds.js";

/// The labels of operation kinds, from the domain's registry.
static KINDS: LazyLock<File> = LazyLock::new(|| {
    let labels: serde_json::Map<String, serde_json::Value> =
        stevedore_domain::operation::KINDS.iter().map(|kind| (kind.name.to_owned(), kind.label.into())).collect();
    let text = format!("// Made by the program.\nexport const KINDS = {};\n", serde_json::Value::from(labels));
    File { name: KINDS_NAME, media_type: media_type(KINDS_NAME), text: text.leak() }
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

    /// The file that `import` of the file `from` names, both below the panel's folder.
    fn resolved(from: &str, import: &str) -> String {
        let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        match import.strip_prefix("../") {
            Some(rest) => rest.to_owned(),
            None if folder.is_empty() => import.trim_start_matches("./").to_owned(),
            None => format!("{folder}/{}", import.trim_start_matches("./")),
        }
    }

    #[test]
    fn every_import_names_a_file_of_the_panel_and_none_of_another_host() {
        for file in all() {
            let imports = file.text.lines().filter(|line| line.starts_with("import "));
            for import in imports.chain(file.text.split("import(").skip(1)) {
                let name = resolved(file.name, import.split('"').nth(1).unwrap());
                assert!(all().any(|known| name == known.name), "{} imports {name}", file.name);
                assert!(!(file.name.starts_with("core/") && name.starts_with("pages/")), "{} imports the page {name}", file.name);
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
