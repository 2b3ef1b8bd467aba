//! Sentences about stock that is short.

/// At most five of what is short, so that an order of a thousand lines does not fill the log.
pub(super) fn listed(verb: &str, short: &[String]) -> String {
    let shown = short.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
    match short.len().saturating_sub(5) {
        0 => format!("{verb} {shown}."),
        more => format!("{verb} {shown} and {more} more."),
    }
}
