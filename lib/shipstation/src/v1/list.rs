//! Small lists, which V1 answers with as bare arrays.

use serde::de::DeserializeOwned;

/// Text that is not blank.
pub(super) fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

/// A bare array of `T`.
pub(super) fn parse_list<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, serde_json::Error> {
    serde_json::from_str(text)
}
