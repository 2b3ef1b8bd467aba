//! An error with everything that caused it, on one line of the log.

use std::error::Error;
use std::fmt;

/// Shows an error and its sources, outermost first, joined by `: `.
///
/// Our errors' `Display` does not repeat the source, so the chain is written where an error is logged, and only there.
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the order was not written")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("the table is throttled")]
    struct Inner;

    #[test]
    fn a_chain_names_every_source_once() {
        assert_eq!(ErrorChain(&Outer(Inner)).to_string(), "the order was not written: the table is throttled");
    }
}
