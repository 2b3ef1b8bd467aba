//! A clock that may run faster than the real one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use stevedore_lambda::Clock;

/// The stack's time: this many seconds pass in every real one. Clones share it.
#[derive(Clone)]
pub(crate) struct Time {
    real: Clock,
    anchor: Arc<Mutex<Anchor>>,
}

/// From an anchor on, the time passes at one speed.
#[derive(Clone, Copy)]
struct Anchor {
    real: Timestamp,
    start: Timestamp,
    speed: u32,
}

impl Time {
    /// Time that is `start` now, by the real clock `real`. A start before now is moved up to it: a
    /// stack that ran fast continues from its last time, and never goes back.
    pub(crate) fn starting(real: Clock, start: Option<Timestamp>, speed: u32) -> Self {
        let now = real();
        let start = start.map_or(now, |start| start.max(now));
        Self { real, anchor: Arc::new(Mutex::new(Anchor { real: now, start, speed: speed.max(1) })) }
    }

    fn anchor(&self) -> Anchor {
        *self.anchor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on, this many seconds pass in every real one.
    pub(crate) fn run_at(&self, speed: u32) {
        let mut anchor = self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        let real = (self.real)();
        *anchor = Anchor { real: real.max(anchor.real), start: anchor.at(real), speed: speed.max(1) };
    }

    /// Returns the present time of this clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.anchor().at((self.real)())
    }

    /// The same as a function.
    pub(crate) fn clock(&self) -> Clock {
        let time = self.clone();
        Arc::new(move || time.now())
    }

    /// Real time until `duration` has passed on this clock.
    pub(crate) fn real(&self, duration: Duration) -> Duration {
        duration / self.speed()
    }

    /// Time that passes on this clock in a real `duration`.
    pub(crate) fn scaled(&self, duration: Duration) -> Duration {
        duration.saturating_mul(self.speed())
    }

    /// Seconds of this clock in one real second.
    pub(crate) fn speed(&self) -> u32 {
        self.anchor().speed
    }
}

impl Anchor {
    /// The time at a real moment. A system clock that is set back does not move it before the
    /// anchor.
    fn at(self, real: Timestamp) -> Timestamp {
        let passed = real.duration_since(self.real).max(SignedDuration::ZERO);
        let scaled = i32::try_from(self.speed).ok().and_then(|speed| passed.checked_mul(speed));
        scaled.and_then(|scaled| self.start.checked_add(scaled).ok()).unwrap_or(Timestamp::MAX)
    }
}

/// A clock that can be replaced later.
pub(crate) struct ClockSwitch(Arc<Mutex<Clock>>);

impl ClockSwitch {
    pub(crate) fn new(clock: Clock) -> Self {
        Self(Arc::new(Mutex::new(clock)))
    }

    pub(crate) fn clock(&self) -> Clock {
        let shared = Arc::clone(&self.0);
        Arc::new(move || {
            let clock = Arc::clone(&shared.lock().unwrap_or_else(PoisonError::into_inner));
            clock()
        })
    }

    pub(crate) fn set(&self, clock: Clock) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = clock;
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
        assert_eq!(time.real(Duration::from_mins(5)), Duration::from_secs(5));
        assert_eq!(time.scaled(Duration::from_secs(5)), Duration::from_mins(5));
        time.run_at(1);
        real.fetch_add(2, Ordering::SeqCst);
        assert_eq!(time.now().as_second(), 1_000_122);
    }

    #[test]
    fn a_fast_stack_goes_on_where_it_was_and_never_back() {
        let (real, clock) = clock();
        let ahead = Timestamp::from_second(1_005_000).unwrap();
        assert_eq!(Time::starting(Arc::clone(&clock), Some(ahead), 1).now(), ahead);
        let behind = Timestamp::from_second(900_000).unwrap();
        let time = Time::starting(clock, Some(behind), 1);
        assert_eq!(time.now().as_second(), 1_000_000);
        // A system clock that is set back does not move this one before its start.
        real.fetch_sub(500, Ordering::SeqCst);
        assert_eq!(time.now().as_second(), 1_000_000);
    }
}
