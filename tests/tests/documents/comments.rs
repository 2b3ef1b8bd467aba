//! The language of documentation comments: noun phrases and verbs, not questions.

use crate::repository::{Source, sources};

const QUESTIONS: [&str; 11] = ["what", "who", "whom", "whose", "how", "whether", "which", "where", "when", "why", "if"];

#[test]
fn few_doc_comments_begin_with_a_question_word() {
    let sources = sources(&["rs"]);
    let comments: Vec<(&Source, &str)> = sources.iter().flat_map(|source| doc_comments(source).map(move |text| (source, text))).collect();
    let questions: Vec<&(&Source, &str)> = comments.iter().filter(|(_, text)| is_question(text)).collect();
    let all = comments.len();
    assert!(all > 3000, "{all}");
    // A few are sentences that need one ("If both are there, …").
    let listed: Vec<String> = questions.iter().map(|(source, text)| format!("{}: {text}", source.path)).collect();
    assert!(questions.len() * 100 < all * 3, "{} of {all} doc comments begin with a question word: {listed:#?}", questions.len());
}

/// The first line of each documentation comment.
fn doc_comments(source: &Source) -> impl Iterator<Item = &str> {
    let mut before = "";
    source.text.lines().map(str::trim).filter_map(move |line| {
        let mark = ["///", "//!"].into_iter().find(|mark| line.starts_with(mark)).unwrap_or_default();
        let first = !mark.is_empty() && mark != before;
        before = mark;
        first.then(|| line[3..].trim())
    })
}

/// Codes of requirements before the sentence are skipped: `S53, N3: what is left …`.
fn is_question(text: &str) -> bool {
    let is_code = |word: &str| {
        word.len() < 12 && word.starts_with(|first: char| first.is_ascii_uppercase()) && word.contains(|one: char| one.is_ascii_digit())
    };
    let mut words = text.split([' ', ',', ':']).filter(|word| !word.is_empty());
    let first = words.find(|word| !is_code(word) && *word != "and").unwrap_or_default();
    QUESTIONS.contains(&first.to_lowercase().as_str())
}

#[test]
fn questions_are_told_from_statements() {
    for text in ["What became of it.", "Whether it is", "S53, N3: what is left", "S17–S20: how it begins", "if so"] {
        assert!(is_question(text), "{text}");
    }
    for text in ["Outcome of the write.", "S53: tax that is left", "Whatever", "", "`what` is a word of the API"] {
        assert!(!is_question(text), "{text}");
    }
}
