//! The last calls of a test to the API: what a failure says beside its own words.

use std::collections::VecDeque;
use std::fmt::{Display, Write as _};
use std::sync::{Mutex, PoisonError};

/// Calls that a failure tells.
const KEPT: usize = 5;
/// Characters of a body that it tells.
const LONGEST: usize = 300;

/// The last calls that a test made, with what was asked and answered. A test that fails while it has this tells them, so that an assertion on a reply need not
/// say itself which call and which case it was.
#[derive(Debug, Default)]
pub struct LastCalls(Mutex<VecDeque<String>>);

impl LastCalls {
    /// Notes a call: its method and path, what it sent, the status and what was answered.
    pub fn note(&self, asked: &str, sent: &str, status: impl Display, answered: &str) {
        let mut told = asked.to_owned();
        if !sent.is_empty() {
            let _ = write!(told, " {}", beginning(sent));
        }
        let _ = write!(told, " answered {status}: {}", beginning(answered));
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push_back(told);
        if calls.len() > KEPT {
            calls.pop_front();
        }
    }

    /// The calls, one on each line, the last one last.
    #[must_use]
    pub fn told(&self) -> String {
        let calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().fold(String::new(), |told, call| told + "\n  " + call)
    }
}

impl Drop for LastCalls {
    fn drop(&mut self) {
        let told = self.told();
        if std::thread::panicking() && !told.is_empty() {
            #[expect(clippy::print_stderr, reason = "the harness shows it with the failed test alone")]
            {
                eprintln!("the last calls to the API:{told}");
            }
        }
    }
}

/// A text's beginning, on one line.
#[must_use]
pub fn beginning(text: &str) -> String {
    let end = if text.chars().nth(LONGEST).is_some() { "…" } else { "" };
    let shown: String = text.chars().take(LONGEST).map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    shown + end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_tells_method_path_case_and_status_of_the_last_calls_and_the_beginning_of_bodies() {
        let calls = LastCalls::default();
        for number in 0..7 {
            calls.note("POST /v1/sales", &format!("{{\"case\":{number}}}"), 422, &"x".repeat(400));
        }
        let told = calls.told();
        let lines: Vec<&str> = told.trim_start().lines().collect();
        assert_eq!(lines.len(), KEPT, "{told}");
        let last = format!("  POST /v1/sales {{\"case\":6}} answered 422: {}…", "x".repeat(LONGEST));
        assert_eq!(lines.last(), Some(&last.as_str()));
    }
}
