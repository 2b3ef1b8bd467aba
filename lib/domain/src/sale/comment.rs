//! Comments of lines.

use crate::order::ItemOption;

/// Characters of a comment that lists show.
pub const DISPLAYED_COMMENT: usize = 256;

/// The chosen options as one comment: `Colour: Red; Size: L` (S80).
#[must_use]
pub fn options_comment(options: &[ItemOption]) -> Option<String> {
    let mut comment = String::new();
    for ItemOption { name, value } in options {
        if !comment.is_empty() {
            comment.push_str("; ");
        }
        comment.push_str(name);
        if !name.is_empty() && !value.is_empty() {
            comment.push_str(": ");
        }
        comment.push_str(value);
    }
    (!comment.is_empty()).then_some(comment)
}

/// `comment` cut to [`DISPLAYED_COMMENT`] characters, with an ellipsis where something was cut.
#[must_use]
pub fn displayed_comment(comment: &str) -> std::borrow::Cow<'_, str> {
    if comment.chars().nth(DISPLAYED_COMMENT).is_none() {
        return comment.into();
    }
    let shown: String = comment.chars().take(DISPLAYED_COMMENT - 1).collect();
    format!("{shown}…").into()
}
