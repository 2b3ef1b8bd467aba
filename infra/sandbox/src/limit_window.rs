//! The account's quota of requests.

/// One minute of the account's quota.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LimitWindow {
    minute: i64,
    pub(crate) used: u32,
}

impl LimitWindow {
    /// Returns the window of this minute. A new minute starts with no requests used.
    pub(crate) fn turn(&mut self, now: jiff::Timestamp) {
        let minute = now.as_second().div_euclid(60);
        if self.minute != minute {
            *self = Self { minute, used: 0 };
        }
    }
}
