//! Due dates of the runs: exactly one for each local date, whatever the clocks, the schedule and the admin do (decision 0025).

use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};

use super::record::{DueRun, RunHistory};
use crate::settings::{Consolidation, Settings};

/// Task of a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueDecision {
    /// Nothing: every order becomes its own sale.
    Off,
    /// Nothing yet.
    Wait(DueRun),
    /// Begin this run. Others may be due after it.
    Begin(DueRun),
    /// Go on with the newest run, which was cut off. This comes before anything else, also when consolidation was turned off meanwhile.
    Continue(Date),
}

/// Reasons for which nothing could be decided. Accepted settings never lead here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecided {
    /// No such zone.
    #[error("the time zone {0} is not in the bundled database")]
    UnknownZone(String),
    /// Daily without a time.
    #[error("daily consolidation has no time")]
    NoTime,
    /// Beyond the calendar's end.
    #[error("the next local date is beyond the calendar")]
    OutOfRange,
}

/// Decides what a tick at `now` has to do.
///
/// The next run is that of the first local date after the last run's. It falls due when the merchant's clock first shows the configured time of that
/// date or anything later, so a time that does not exist counts from the end of the gap, and one that exists twice counts once. Its boundary is that
/// moment and not the tick's: a late tick, or days without any, change nothing about which orders belong to which date.
///
/// Boundaries never go back, also where a change of zone makes a date fall due before the last run did.
///
/// # Errors
/// [`Undecided`], for settings that were never validated.
pub fn due(now: Timestamp, settings: &Settings, history: &RunHistory) -> Result<DueDecision, Undecided> {
    if let Some(last) = history.last.filter(|last| !last.finished) {
        return Ok(DueDecision::Continue(last.local_date));
    }
    if settings.consolidation == Consolidation::None {
        return Ok(DueDecision::Off);
    }
    let time = settings.consolidation_time.ok_or(Undecided::NoTime)?;
    let zone = TimeZoneDatabase::bundled().get(&settings.time_zone).map_err(|_| Undecided::UnknownZone(settings.time_zone.clone()))?;

    let mut local_date = zone.to_datetime(history.since).date();
    if let Some(last) = history.last {
        local_date = local_date.max(last.local_date.tomorrow().map_err(|_| Undecided::OutOfRange)?);
    }
    let reached = loop {
        let reached = first_showing(&zone, local_date.at(time.hour, time.minute, 0, 0))?;
        if zone.to_datetime(reached).date() == local_date || exists(&zone, local_date)? {
            break reached;
        }
        local_date = local_date.tomorrow().map_err(|_| Undecided::OutOfRange)?;
    };
    let boundary = history.last.map_or(reached, |last| reached.max(last.boundary));
    let run = DueRun { local_date, boundary };
    Ok(if boundary <= now { DueDecision::Begin(run) } else { DueDecision::Wait(run) })
}

/// True if the zone's calendar has `date`: Samoa went from 29 to 31 December 2011.
fn exists(zone: &TimeZone, date: Date) -> Result<bool, Undecided> {
    let begins = first_showing(zone, date.at(0, 0, 0, 0))?;
    Ok(zone.to_datetime(begins).date() == date)
}

/// The first moment at which a clock in `zone` shows `wall` or later.
fn first_showing(zone: &TimeZone, wall: DateTime) -> Result<Timestamp, Undecided> {
    let ambiguous = zone.to_ambiguous_timestamp(wall);
    let in_gap = matches!(ambiguous.offset(), jiff::tz::AmbiguousOffset::Gap { .. });
    let earlier = ambiguous.earlier().map_err(|_| Undecided::OutOfRange)?;
    if !in_gap {
        return Ok(earlier);
    }
    // Of a time in a gap, the earlier reading lies before the gap: the clock jumps over `wall` at a transition soon after it.
    let before = earlier.checked_sub(1.second()).map_err(|_| Undecided::OutOfRange)?;
    let jump = zone.following(before).map(|transition| transition.timestamp()).find(|at| zone.to_datetime(*at) >= wall);
    jump.ok_or(Undecided::OutOfRange)
}
