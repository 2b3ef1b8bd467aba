//! SKUs as they are compared. Channels and spreadsheets bring along what no person sees: zero-width characters, byte order marks, accents in two pieces.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

/// A SKU without what cannot be seen in it, its letters composed (NFC). Blanks and case are kept. Nearly every SKU is its own normal form.
#[must_use]
pub fn visible_sku(sku: &str) -> Cow<'_, str> {
    if sku.is_ascii() {
        return Cow::Borrowed(sku);
    }
    let normalized: String = sku.nfc().filter(|letter| !is_invisible(*letter)).nfc().collect();
    if normalized == sku { Cow::Borrowed(sku) } else { Cow::Owned(normalized) }
}

/// Characters without width: joiners, marks of direction, the byte order mark, the soft hyphen.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// A SKU as it is compared when no exact one is found: normalized, without blanks at its ends and without case.
#[must_use]
pub fn normalize_sku(sku: &str) -> String {
    visible_sku(sku).trim().to_lowercase()
}

/// The form by which earlier releases compared it, where it is another one: products that they stored are found by it.
#[must_use]
pub fn formerly_normalized_sku(sku: &str) -> Option<String> {
    let former = sku.trim().to_lowercase();
    (!sku.is_ascii() && former != normalize_sku(sku)).then_some(former)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A zero-width space, a byte order mark, a decomposed accent.
    #[test]
    fn what_cannot_be_seen_in_a_sku_does_not_count() {
        for (sku, seen) in [
            ("A\u{200b}B-1", "AB-1"),
            ("\u{feff}AB-1", "AB-1"),
            ("cafe\u{301}", "caf\u{e9}"),
            ("e\u{200d}\u{301}", "\u{e9}"),
            (" ab 1 ", " ab 1 "),
            ("\u{5c3a}\u{5bf8}", "\u{5c3a}\u{5bf8}"),
        ] {
            assert_eq!(visible_sku(sku), seen);
            assert_eq!(visible_sku(seen), seen);
        }
        assert_eq!(normalize_sku(" \u{feff}CAFE\u{301} "), "caf\u{e9}");
        assert_eq!(formerly_normalized_sku("Caf\u{e9}"), None);
        assert_eq!(formerly_normalized_sku(" A\u{200b}B"), Some("a\u{200b}b".to_owned()));
    }
}
