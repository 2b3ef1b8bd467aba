//! The schedule of downloads: when one is due, and which part of ShipStation's time it reads. Its position never passes the clock: orders may bear any date, and
//! what is modified from now on must still be found.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::operation::{Operation, OperationKind, Window};
use crate::pacific::PacificTime;
use crate::settings::Settings;

/// A tick counts as due this much early: schedules are not exact.
const SLACK: SignedDuration = SignedDuration::from_secs(150);
/// Interval of the schedule: a download begins with the first tick from its time on.
const TICK: SignedDuration = SignedDuration::from_mins(5);
/// Windows overlap by this much: more than the hour that repeats each November (N13).
pub const OVERLAP: SignedDuration = SignedDuration::from_mins(75);
/// Time by which the first download looks back from the moment of connecting.
const FIRST_LOOK_BACK: SignedDuration = SignedDuration::from_hours(24);
/// A date further ahead than this is a mistake that a person should know of; less is two clocks that differ.
const MISTAKE: SignedDuration = SignedDuration::from_mins(5);

fn interval(settings: &Settings) -> SignedDuration {
    SignedDuration::from_mins(i64::from(settings.poll_minutes))
}

/// True if a tick at `at` begins a download (`poll_minutes`). A tick that is not later than the last is one that a person sent, or one that came again.
#[must_use]
pub fn is_due(at: Timestamp, last: Option<Timestamp>, settings: &Settings) -> bool {
    let Some(last) = last else { return true };
    let elapsed = at.duration_since(last);
    elapsed <= SignedDuration::ZERO || elapsed >= interval(settings) - SLACK
}

/// Time by which the next download is late; negative before it is due.
#[must_use]
pub fn overdue(last: Timestamp, settings: &Settings, now: Timestamp) -> SignedDuration {
    now.duration_since(last) - interval(settings)
}

/// Time of the next download: one interval after the last, or with the next tick where that has passed. The first begins when the account is connected.
#[must_use]
pub fn next_download(last: Option<Timestamp>, integrated_at: Timestamp, settings: &Settings, now: Timestamp) -> Timestamp {
    let due = last.map_or(integrated_at, |last| last.saturating_add(interval(settings)).unwrap_or(last));
    if due > now { due } else { now.saturating_add(TICK).unwrap_or(now) }
}

/// Beginning of the next download's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowStart {
    /// The wall time at which it begins.
    At(PacificTime),
    /// The position lies ahead of the clock: it is brought back to an earlier window that was sound, or to the first one.
    AheadOfClock {
        /// The position.
        reached: PacificTime,
    },
}

/// The wall time at which the first download of an account begins.
#[must_use]
pub fn first_window(integrated_at: Timestamp) -> PacificTime {
    PacificTime::at(integrated_at.saturating_sub(FIRST_LOOK_BACK).unwrap_or(integrated_at))
}

/// Decides where the next download begins, which has `reached` a position already or is the first one.
#[must_use]
pub fn window_start(reached: Option<PacificTime>, integrated_at: Timestamp, now: Timestamp) -> WindowStart {
    match reached {
        None => WindowStart::At(first_window(integrated_at)),
        Some(reached) if reached.is_ahead_of(now) => WindowStart::AheadOfClock { reached },
        Some(reached) => WindowStart::At(reached.shifted(-OVERLAP)),
    }
}

/// The position from which a window begins at `from`; none where it would lie ahead of the clock.
#[must_use]
pub fn position_before(from: PacificTime, now: Timestamp) -> Option<PacificTime> {
    Some(from.shifted(OVERLAP)).filter(|reached| !reached.is_ahead_of(now))
}

/// End of a download's window: orders younger than the configured delay are left to the next one.
#[must_use]
pub fn window_end(settings: &Settings, now: Timestamp) -> Option<PacificTime> {
    let delay = SignedDuration::from_mins(i64::from(settings.download_delay_minutes));
    (settings.download_delay_minutes > 0).then(|| PacificTime::at(now.saturating_sub(delay).unwrap_or(now)))
}

/// The beginning of a download's window, where its position did not lie ahead of the clock: everything before it was read.
#[must_use]
pub fn sound_window(operation: &Operation) -> Option<PacificTime> {
    let from = operation.window.filter(|_| operation.kind == OperationKind::Download)?.from;
    (!from.shifted(OVERLAP).is_ahead_of(operation.started_at)).then_some(from)
}

/// The window of an operation that loads every order from a day on: from the day's first moment in the merchant's zone, as ShipStation's clock shows it.
#[must_use]
pub fn window_from(day: Date, settings: &Settings, now: Timestamp) -> Window {
    let zone = TimeZone::get(&settings.time_zone).unwrap_or(TimeZone::UTC);
    let midnight = day.to_zoned(zone).map(|zoned| zoned.timestamp()).unwrap_or_default();
    Window { from: PacificTime::at(midnight), until: Some(PacificTime::at(now)) }
}

/// Says in the operation that orders bear dates ahead of the clock, if it is more than two clocks' difference.
pub fn note_dates_ahead(operation: &mut Operation, ahead: Option<PacificTime>, now: Timestamp) {
    let Some(ahead) = ahead.filter(|ahead| ahead.is_ahead_of(now.saturating_add(MISTAKE).unwrap_or(now))) else { return };
    operation.reason = Some("dates_ahead_of_clock".to_owned());
    operation.message = Some(format!(
        "ShipStation says of some orders that they were changed later than now, the last of them at {ahead} (Pacific time). They are read again by each download until then. \
         Correct the clock or the time zone of the channel that sends these dates.",
    ));
}
