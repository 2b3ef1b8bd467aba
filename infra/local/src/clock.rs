//! A clock that may run faster than the real one.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use stevedore_lambda::Clock;

/// The stack's time: from its start on, `speed` seconds pass in every real one.
#[derive(Clone)]
pub(crate) struct Time {
    real: Clock,
    real_start: Timestamp,
    start: Timestamp,
    speed: u32,
}

impl Time {
    /// Time that is `start` now, by the real clock `real`. A start before now is moved up to it: a stack that ran fast goes on from where it was, and never
    /// back.
    pub(crate) fn starting(real: Clock, start: Option<Timestamp>, speed: u32) -> Self {
        let real_start = real();
        let start = start.map_or(real_start, |start| start.max(real_start));
        Self { real, real_start, start, speed: speed.max(1) }
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Timestamp {
        let passed = (self.real)().duration_since(self.real_start).max(SignedDuration::ZERO);
        let scaled = i32::try_from(self.speed).ok().and_then(|speed| passed.checked_mul(speed));
        scaled.and_then(|scaled| self.start.checked_add(scaled).ok()).unwrap_or(Timestamp::MAX)
    }

    /// The same as a function.
    pub(crate) fn clock(&self) -> Clock {
        let time = self.clone();
        Arc::new(move || time.now())
    }

    /// How long it really takes until `duration` has passed on this clock.
    pub(crate) fn real(&self, duration: Duration) -> Duration {
        duration / self.speed
    }

    /// How far this clock moves on in a real `duration`.
    pub(crate) fn scaled(&self, duration: Duration) -> Duration {
        duration.saturating_mul(self.speed)
    }

    /// Seconds of this clock in one real second.
    pub(crate) fn speed(&self) -> u32 {
        self.speed
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    fn clock() -> (Arc<AtomicI64>, Clock) {
        let seconds = Arc::new(AtomicI64::new(1_000_000));
        let shared = Arc::clone(&seconds);
        (seconds, Arc::new(move || Timestamp::from_second(shared.load(Ordering::SeqCst)).unwrap()))
    }

    #[test]
    fn time_passes_as_fast_as_it_was_told() {
        let (real, clock) = clock();
        let time = Time::starting(clock, None, 60);
        real.fetch_add(2, Ordering::SeqCst);
        assert_eq!(time.now().as_second(), 1_000_120);
        assert_eq!(time.real(Duration::from_secs(300)), Duration::from_secs(5));
        assert_eq!(time.scaled(Duration::from_secs(5)), Duration::from_secs(300));
    }

    #[test]
    fn a_fast_stack_goes_on_where_it_was_and_never_back() {
        let (real, clock) = clock();
        let ahead = Timestamp::from_second(1_005_000).unwrap();
        assert_eq!(Time::starting(Arc::clone(&clock), Some(ahead), 1).now(), ahead);
        let behind = Timestamp::from_second(900_000).unwrap();
        let time = Time::starting(clock, Some(behind), 1);
        assert_eq!(time.now().as_second(), 1_000_000);
        // A system clock that is set back does not take this one back behind its start.
        real.fetch_sub(500, Ordering::SeqCst);
        assert_eq!(time.now().as_second(), 1_000_000);
    }
}
