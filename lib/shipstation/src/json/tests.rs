//! The scanner takes exactly the texts that `serde_json` takes.
#![allow(clippy::unwrap_used)]
use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;

fn accepts(text: &str) -> bool {
    let mut scanner = Scanner::new(text);
    scanner.value().is_ok() && scanner.is_at_end()
}

/// Texts that `serde_json` takes for JSON. It does not look behind `\u` for a whole pair, and neither does the scanner.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

#[test]
fn takes_json_and_nothing_else() {
    let cases = [
        "0",
        "-0",
        "01",
        "-",
        "1.",
        ".5",
        "1.5",
        "1e",
        "1e5",
        "1E+5",
        "1e-",
        "+1",
        "NaN",
        "null",
        "nul",
        "nulls",
        "true",
        "fals",
        "\"\"",
        "\"",
        "\"a",
        "\"\\\"",
        "\"\\\"\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12aF\"",
        "\"\\ud800\"",
        "\"\u{1}\"",
        "\"\t\"",
        "\"é😀\"",
        "[]",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{}",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" : [ { } , [ ] ] }",
        "{\"a\":1}}",
        " \n\t\r1 ",
        "1 1",
        "",
        " ",
        "\u{b}1",
        "\"12345678\"",
        "\"1234567\"",
        "\"1234567\u{1f}8\"",
        "\"12345678\\\"90\"",
        "[[[[]]]]",
        "[}",
        "{]",
    ];
    for text in cases {
        assert_eq!(accepts(text), is_json(text), "{text}");
    }
}

#[test]
fn any_depth() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(accepts(&deep));
    assert!(!accepts(&deep[1..]));
}

proptest! {
    #[test]
    fn agrees_with_serde_json_on_anything(text in "[\\[\\]{},:\"\\\\ \\-+.0-9eEtrufalsn\u{0}\u{1f}é]{0,24}") {
        prop_assert_eq!(accepts(&text), is_json(&text));
    }

    #[test]
    fn agrees_with_serde_json_on_strings(text in "\"[a-z\"\\\\u0-9dD\u{1f}\u{20}\u{7f}é\u{ffff}😀]{0,40}\"?") {
        prop_assert_eq!(accepts(&text), is_json(&text));
    }
}
