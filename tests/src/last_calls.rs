//! The last calls of a test to the API, which a failure prints.

use std::collections::VecDeque;
use std::fmt::{Display, Write as _};
use std::sync::{Mutex, PoisonError};

/// Number of calls that a failure prints.
const KEPT: usize = 5;
/// Maximum number of printed characters of a body.
const LONGEST: usize = 300;

/// The last calls of a test, with requests and answers. If a test fails while it holds this, the
/// calls are printed, so that an assertion on a reply need not name the call and the case.
#[derive(Debug, Default)]
pub struct LastCalls(Mutex<VecDeque<String>>);

impl LastCalls {
    /// Records a call: its method and path, its body, the status and the answer.
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

    /// The calls, one on each line, the newest last.
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

/// The beginning of a text, on one line.
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
