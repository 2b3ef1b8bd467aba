//! Pace of the requests to ShipStation: 40 in fixed windows of a minute for each API key, shared with everybody who uses the key
//! (docs/shipstation.md, section 2).
//!
//! The headers of every answer say how many are left and when the window ends. ShipStation counts the present call into "remaining" late (the first
//! answer of a window says 40), so our own count is kept as well and the lower of the two holds.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::credentials::Priority;

/// The documented limit, until an answer says otherwise.
const LIMIT: u32 = 40;
/// The documented length of a window.
const WINDOW: SignedDuration = SignedDuration::from_secs(60);
/// A window's end is stated in whole seconds, so it may seem to move by this much within one window.
const ROUNDING: SignedDuration = SignedDuration::from_secs(3);

/// State of the present window (N19).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PacingState {
    /// Requests that a window allows.
    pub limit: u32,
    /// Requests that are left in the present window, others' use included as far as known.
    pub remaining: u32,
    /// Time at which the next window begins.
    pub resets_at: Timestamp,
}

/// Limits that an answer's headers state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) limit: Option<u32>,
    pub(crate) remaining: Option<u32>,
    /// From the answer's arrival to the window's end.
    pub(crate) resets_in: Option<SignedDuration>,
}

/// Permission to send a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Now. The number is the request's place among all that were sent.
    Go(u64),
    /// Not before then.
    At(Timestamp),
}

/// The pace of one API key.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    sent: u64,
    window: Option<PacingState>,
}

impl Pace {
    /// State of the window that holds `now`.
    pub(crate) fn state(&self, now: Timestamp) -> Option<PacingState> {
        let window = self.window?;
        if now < window.resets_at {
            return Some(window);
        }
        Some(PacingState { remaining: window.limit, resets_at: later(now, WINDOW), ..window })
    }

    /// Takes one request out of the window, if one is left for this priority. `reserve` are those that the background leaves to the operator.
    pub(crate) fn admit(&mut self, now: Timestamp, priority: Priority, reserve: u32) -> Admission {
        self.window = self.state(now);
        if let Some(window) = &mut self.window {
            let kept = match priority {
                Priority::Operator => 0,
                Priority::Background => reserve.min(window.limit / 4),
            };
            if window.remaining <= kept {
                return Admission::At(window.resets_at);
            }
            window.remaining = window.remaining.saturating_sub(1);
        }
        self.sent = self.sent.saturating_add(1);
        Admission::Go(self.sent)
    }

    /// Takes in what the answer to request number `place` says about the limit.
    pub(crate) fn answered(&mut self, now: Timestamp, place: u64, limits: Limits) {
        if limits == Limits::default() {
            return;
        }
        // Requests that left after this one are probably not in the answer's count yet.
        let later_ones = u32::try_from(self.sent.saturating_sub(place)).unwrap_or(u32::MAX);
        let known = self.window.filter(|window| now < window.resets_at);
        let limit = limits.limit.or(known.map(|window| window.limit)).unwrap_or(LIMIT);
        let resets_at =
            limits.resets_in.map(|time| later(now, time)).or(known.map(|window| window.resets_at)).unwrap_or(later(now, WINDOW));
        let same = known.filter(|window| resets_at <= later(window.resets_at, ROUNDING));
        let ours = same.map_or(limit.saturating_sub(later_ones).saturating_sub(1), |window| window.remaining);
        let theirs = limits.remaining.map_or(u32::MAX, |remaining| remaining.saturating_sub(later_ones));
        self.window = Some(PacingState { limit, remaining: ours.min(theirs), resets_at });
    }

    /// Nothing more goes before `until`: ShipStation answered 429 or the like.
    pub(crate) fn close(&mut self, until: Timestamp) {
        let limit = self.window.map_or(LIMIT, |window| window.limit);
        self.window = Some(PacingState { limit, remaining: 0, resets_at: until });
    }
}

/// `time` moved on by `duration`, at most to the end of time.
pub(crate) fn later(time: Timestamp, duration: SignedDuration) -> Timestamp {
    time.saturating_add(duration).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        later(Timestamp::UNIX_EPOCH, SignedDuration::from_secs(second))
    }

    fn limits(remaining: u32, resets_in: i64) -> Limits {
        Limits { limit: Some(40), remaining: Some(remaining), resets_in: Some(SignedDuration::from_secs(resets_in)) }
    }

    #[test]
    fn the_lower_of_our_count_and_theirs_holds() {
        let mut pace = Pace::default();
        assert_eq!(pace.admit(at(0), Priority::Operator, 4), Admission::Go(1));
        pace.answered(at(1), 1, limits(40, 30));
        assert_eq!(pace.state(at(1)).map(|s| s.remaining), Some(39), "the first answer of a window counts late");
        assert_eq!(pace.admit(at(2), Priority::Operator, 4), Admission::Go(2));
        pace.answered(at(3), 2, limits(7, 28));
        assert_eq!(pace.state(at(3)).map(|s| s.remaining), Some(7), "somebody else uses the key");
    }

    #[test]
    fn n19_the_background_leaves_a_reserve_to_the_operator() {
        let mut pace = Pace::default();
        pace.admit(at(0), Priority::Background, 4);
        pace.answered(at(0), 1, limits(4, 30));
        assert_eq!(pace.admit(at(1), Priority::Background, 4), Admission::At(at(30)));
        for place in 2..=5 {
            assert_eq!(pace.admit(at(1), Priority::Operator, 4), Admission::Go(place));
        }
        assert_eq!(pace.admit(at(1), Priority::Operator, 4), Admission::At(at(30)));
        assert_eq!(pace.admit(at(30), Priority::Background, 4), Admission::Go(6), "a new window");
    }

    #[test]
    fn an_answer_out_of_a_newer_window_opens_it() {
        let mut pace = Pace::default();
        pace.admit(at(0), Priority::Operator, 4);
        pace.answered(at(0), 1, limits(0, 5));
        pace.answered(at(4), 1, limits(40, 60));
        assert_eq!(pace.state(at(4)), Some(PacingState { limit: 40, remaining: 39, resets_at: at(64) }));
    }

    #[test]
    fn answers_that_arrive_after_a_429_do_not_open_the_window() {
        let mut pace = Pace::default();
        pace.admit(at(0), Priority::Operator, 4);
        pace.admit(at(0), Priority::Operator, 4);
        pace.close(at(20));
        pace.answered(at(1), 1, limits(12, 19));
        assert_eq!(pace.admit(at(2), Priority::Operator, 4), Admission::At(at(20)));
    }

    #[test]
    fn a_tiny_limit_starves_nobody() {
        let mut pace = Pace::default();
        pace.admit(at(0), Priority::Background, 4);
        pace.answered(at(0), 1, Limits { limit: Some(2), remaining: Some(1), resets_in: Some(SignedDuration::from_secs(9)) });
        assert_eq!(pace.admit(at(0), Priority::Background, 4), Admission::Go(2));
    }

    #[test]
    fn no_headers_no_pace() {
        let mut pace = Pace::default();
        for place in 1..=100 {
            assert_eq!(pace.admit(at(0), Priority::Background, 4), Admission::Go(place));
            pace.answered(at(0), place, Limits::default());
        }
        assert_eq!(pace.state(at(0)), None);
    }
}
