//! Orders whose text makes every answer that contains it unreadable.

use crate::faults::{Damage, Fault};

/// Marks the place where an answer ends too early.
const CUT: &str = "\u{0}cut\u{0}";

/// An order's text with its damage.
pub(crate) fn damaged(mut text: String, fault: &Fault) -> String {
    let Fault::UnreadableOrder { damage, .. } = fault else { return text };
    match damage {
        Damage::ControlCharacter => text = text.replacen("\"orderStatus\":\"", "\"orderStatus\":\"\u{1}", 1),
        Damage::NotANumber => {
            const NAME: &str = "\"orderTotal\":";
            if let Some((before, rest)) = text.split_once(NAME) {
                let behind = rest.find([',', '}']).and_then(|end| rest.get(end..)).unwrap_or_default();
                text = format!("{before}{NAME}NaN{behind}");
            }
        }
        Damage::CutOff => {
            let middle = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(middle);
            text.push_str(CUT);
        }
        Damage::Html => {}
    }
    text
}

/// An answer up to the place where it ends too early.
pub(crate) fn ended(mut text: String) -> String {
    if let Some(end) = text.find(CUT) {
        text.truncate(end);
    }
    text
}
