//! Outcome of messages that were sent.

/// Outcome of messages that were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SendReport {
    /// The messages that SQS did not accept, after retries.
    pub refused: Vec<Refusal>,
}

/// A message that SQS did not accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its place among the messages that were to be sent.
    pub index: usize,
    /// SQS's reason.
    pub code: String,
    /// SQS says that the message itself is at fault (`SenderFault`): sending it again changes nothing.
    pub for_good: bool,
}

impl SendReport {
    /// The messages that SQS will never accept.
    ///
    /// # Errors
    /// How many it did not accept this time only, and its reason for the first of them: these may be sent again.
    pub fn for_good(self) -> Result<Vec<Refusal>, (usize, String)> {
        let (for_good, passing): (Vec<_>, Vec<_>) = self.refused.into_iter().partition(|refusal| refusal.for_good);
        match passing.first() {
            Some(first) => Err((passing.len(), first.code.clone())),
            None => Ok(for_good),
        }
    }
}

/// True if SQS takes the character in a message: those of XML 1.0.
pub(crate) fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// True if an error of a whole call is about what the messages contain, so that the call's other messages may pass without the one at fault.
pub(crate) fn is_about_contents(code: &str) -> bool {
    ["InvalidMessageContents", "InvalidParameterValue", "BatchRequestTooLong"].iter().any(|known| code.ends_with(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(index: usize, for_good: bool) -> Refusal {
        Refusal { index, code: "X".to_owned(), for_good }
    }

    #[test]
    fn a_refusal_that_passes_stands_before_one_for_good() {
        let report = |refused| SendReport { refused };
        assert_eq!(report(Vec::new()).for_good(), Ok(Vec::new()));
        assert_eq!(report(vec![refusal(1, true)]).for_good(), Ok(vec![refusal(1, true)]));
        assert_eq!(report(vec![refusal(1, true), refusal(2, false)]).for_good(), Err((1, "X".to_owned())));
    }
}
