//! Names and codes of records.

/// The longest name, in bytes.
pub const LONGEST_NAME: usize = 400;
/// The longest code or e-mail address, in bytes: they are keys of the table, also in lower case, which may be longer.
pub const LONGEST_CODE: usize = 600;

/// A record's name as it is compared: without blanks at its ends and without case.
#[must_use]
pub fn folded_name(name: &str) -> String {
    name.trim().to_lowercase()
}
