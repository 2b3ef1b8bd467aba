//! Due times of a local date's run (S25): each zone of the database, each date, each tick that matters.

use jiff::civil::{Date, date};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp, ToSpan};
use stevedore_domain::consolidation::{DueDecision, DueRun, LastRun, RunHistory, RunRecord, Undecided, due};
use stevedore_domain::settings::{Consolidation, LocalTime, Settings};

/// Interval at which the question is asked.
pub(crate) const TICK: SignedDuration = SignedDuration::from_mins(15);

pub(crate) fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn daily(zone: &str, time: &str) -> Settings {
    let consolidation_time = LocalTime::parse(time);
    Settings { consolidation: Consolidation::Daily, consolidation_time, time_zone: zone.to_owned(), ..Settings::default() }
}

/// The runs that ticks find, each run to its end at once.
pub(crate) struct Days {
    pub(crate) history: RunHistory,
    pub(crate) runs: Vec<(DueRun, Timestamp)>,
}

impl Days {
    pub(crate) fn since(since: Timestamp) -> Self {
        Self { history: RunHistory { since, last: None }, runs: Vec::new() }
    }

    /// A tick: begins whatever is due. At most one run for each date that there can be.
    pub(crate) fn tick(&mut self, now: Timestamp, settings: &Settings) {
        let before = self.runs.len();
        // From the last run on, or from when consolidation began, each date can begin one; two more for where the local date runs ahead and behind.
        let since = self.history.last.as_ref().map_or(self.history.since, |last| last.boundary);
        let dates = usize::try_from(now.duration_since(since).as_hours().max(0) / 24).unwrap() + 3;
        while let DueDecision::Begin(run) = due(now, settings, &self.history).unwrap() {
            let begun = self.runs.len() - before;
            assert!(
                begun < dates,
                "at {now} run {begun} of at most {dates} begins, for {}: {run:?} after {:?}",
                run.local_date,
                self.history
            );
            self.history.last = Some(LastRun { local_date: run.local_date, boundary: run.boundary, finished: true });
            self.runs.push((run, now));
        }
    }

    /// Each date once, in order, none left out.
    pub(crate) fn assert_each_date_once(&self, what: &str) {
        for pair in self.runs.windows(2) {
            assert_eq!(pair[0].0.local_date.tomorrow().unwrap(), pair[1].0.local_date, "{what}");
            assert!(pair[0].0.boundary <= pair[1].0.boundary, "{what}");
        }
        assert!(self.runs.iter().all(|(run, at)| run.boundary <= *at), "{what}");
    }
}

/// The boundary is the moment at which the clock comes to the date's time: there, and not a second before.
fn assert_boundary(zone: &TimeZone, run: DueRun, time: LocalTime, what: &str) {
    let wall = run.local_date.at(time.hour, time.minute, 0, 0);
    assert!(zone.to_datetime(run.boundary) >= wall, "{what}: {run:?}");
    let second_before = run.boundary.checked_sub(1.second()).unwrap();
    assert!(zone.to_datetime(second_before) < wall, "{what}: {run:?}");
}

fn all_zones() -> Vec<String> {
    TimeZoneDatabase::bundled().available().map(|name| name.as_str().to_owned()).collect()
}

/// S25: in every zone, every date of three years has exactly one run, at the moment when its clock first shows the time or later.
#[test]
fn s25_every_zone_and_every_date_of_three_years() {
    let (from, until) = (date(2025, 1, 1), date(2027, 12, 31));
    let zones = all_zones();
    assert!(zones.len() > 500, "{}", zones.len());
    // Another time in every zone; the hours around its changes have a test of their own.
    let tasks: Vec<_> = zones.iter().zip((0..).map(|index| index * 25 % 1_440)).collect();
    std::thread::scope(|scope| {
        for part in tasks.chunks(tasks.len().div_ceil(4)) {
            scope.spawn(move || part.iter().for_each(|(zone, minutes)| every_date(zone, *minutes, from, until)));
        }
    });
}

fn every_date(name: &str, minutes: i32, from: Date, until: Date) {
    let zone = TimeZoneDatabase::bundled().get(name).unwrap();
    let text = format!("{:02}:{:02}", minutes / 60, minutes % 60);
    let (settings, time) = (daily(name, &text), LocalTime::parse(&text).unwrap());
    let begin = first_moment(&zone, from);
    let end = until.tomorrow().unwrap().tomorrow().unwrap().at(15, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp();
    let mut days = Days::since(begin);
    let mut now = begin;
    while now < end {
        days.tick(now, &settings);
        // Several dates at once: a late tick changes nothing, which tests of their own show.
        now += SignedDuration::from_hours(95);
    }
    days.tick(end, &settings);
    days.assert_each_date_once(name);
    assert_eq!(days.runs[0].0.local_date, from, "{name}");
    assert!(days.runs.last().unwrap().0.local_date >= until, "{name}");
    for (run, _) in &days.runs {
        assert_boundary(&zone, *run, time, name);
    }
}

fn first_moment(zone: &TimeZone, date: Date) -> Timestamp {
    date.to_zoned(zone.clone()).unwrap().timestamp()
}

/// S25: around every change of every zone's clock in three years, every quarter-hour as the time, and a tick every quarter of an hour: one run for
/// each date, at the first tick after it fell due.
#[test]
fn s25_every_change_of_every_clock() {
    let (from, until) = (instant("2025-01-01T00:00:00Z"), instant("2028-01-01T00:00:00Z"));
    let mut changes = std::collections::BTreeMap::new();
    for name in all_zones() {
        let zone = TimeZoneDatabase::bundled().get(&name).unwrap();
        for change in zone.following(from).take_while(|change| change.timestamp() < until) {
            // Names that are links to one zone change alike; one of them is walked.
            let before = zone.to_offset(change.timestamp() - SignedDuration::from_secs(1));
            changes.entry((change.timestamp(), before, change.offset())).or_insert_with(|| name.clone());
        }
    }
    assert!(changes.len() > 50, "{}", changes.len());
    for ((at, before, after), name) in changes {
        let zone = TimeZoneDatabase::bundled().get(&name).unwrap();
        let what = format!("{name}, {at}");
        let begin = at - SignedDuration::from_hours(30);
        // The times that are skipped or repeated, those around them, and midnight.
        let (low, high) = (before.to_datetime(at).min(after.to_datetime(at)), before.to_datetime(at).max(after.to_datetime(at)));
        let mut wall = low - 30.minutes();
        let mut times = vec!["00:00".to_owned(), "23:59".to_owned()];
        while wall <= high + 30.minutes() {
            times.push(wall.strftime("%H:%M").to_string());
            wall += 15.minutes();
        }
        for text in times {
            let (settings, time) = (daily(&name, &text), LocalTime::parse(&text).unwrap());
            let mut days = Days::since(begin);
            let (mut now, mut before) = (begin, None);
            while now < at + SignedDuration::from_hours(30) {
                let known = days.runs.len();
                days.tick(now, &settings);
                for (run, _) in &days.runs[known..] {
                    assert_boundary(&zone, *run, time, &what);
                    assert!(before.is_none_or(|before| before < run.boundary), "{what} {text}: {run:?} at {now}");
                }
                before = Some(now);
                // Far from the change hours will do.
                let near = now.duration_since(at).abs() <= SignedDuration::from_hours(4);
                now += if near { TICK } else { SignedDuration::from_hours(1) };
            }
            days.assert_each_date_once(&what);
            assert!(days.runs.len() >= 2, "{what}");
        }
    }
}

fn only_run(zone: &str, time: &str, date: &str) -> Timestamp {
    let date: Date = date.parse().unwrap();
    let history = RunHistory { since: instant("2000-01-01T00:00:00Z"), last: Some(last(date.yesterday().unwrap(), Timestamp::UNIX_EPOCH)) };
    match due(instant("2030-01-01T00:00:00Z"), &daily(zone, time), &history) {
        Ok(DueDecision::Begin(run)) if run.local_date == date => run.boundary,
        other => panic!("{zone} {date}: {other:?}"),
    }
}

fn last(local_date: Date, boundary: Timestamp) -> LastRun {
    LastRun { local_date, boundary, finished: true }
}

/// S25: the day without a 02:30 runs when the clock jumps over it, the day with two runs at the first; in New York and in zones that change by half an
/// hour, at midnight and an hour before it.
#[test]
fn s25_days_with_a_missing_and_with_a_repeated_time() {
    for (zone, time, date, expected) in [
        ("America/New_York", "02:30", "2026-03-08", "2026-03-08T07:00:00Z"),
        ("America/New_York", "03:00", "2026-03-08", "2026-03-08T07:00:00Z"),
        ("America/New_York", "01:59", "2026-03-08", "2026-03-08T06:59:00Z"),
        ("America/New_York", "01:30", "2026-11-01", "2026-11-01T05:30:00Z"),
        ("America/New_York", "02:00", "2026-11-01", "2026-11-01T07:00:00Z"),
        ("Australia/Lord_Howe", "02:15", "2026-10-04", "2026-10-03T15:30:00Z"),
        ("Australia/Lord_Howe", "01:45", "2026-04-05", "2026-04-04T14:45:00Z"),
        // 28 March ends at 23:00; its last hour is skipped.
        ("America/Scoresbysund", "23:30", "2026-03-28", "2026-03-29T01:00:00Z"),
        ("America/Scoresbysund", "00:00", "2026-03-29", "2026-03-29T01:00:00Z"),
        // 25 April has no midnight: it begins at 01:00.
        ("Africa/Cairo", "00:00", "2025-04-25", "2025-04-24T22:00:00Z"),
        ("Africa/Cairo", "23:30", "2025-10-30", "2025-10-30T20:30:00Z"),
    ] {
        assert_eq!(only_run(zone, time, date), instant(expected), "{zone} {time} {date}");
    }
}

/// S25: a date that a zone's calendar does not have is no local date: Samoa went from 29 to 31 December 2011.
#[test]
fn s25_a_date_that_never_was() {
    for time in ["00:00", "18:00"] {
        let mut days = Days::since(instant("2011-12-28T12:00:00Z"));
        let settings = daily("Pacific/Apia", time);
        let mut now = days.history.since;
        while now < instant("2012-01-02T12:00:00Z") {
            days.tick(now, &settings);
            now += TICK;
        }
        let dates: Vec<Date> = days.runs.iter().map(|(run, _)| run.local_date).collect();
        assert!(dates.contains(&date(2011, 12, 29)) && dates.contains(&date(2011, 12, 31)), "{dates:?}");
        assert!(!dates.contains(&date(2011, 12, 30)), "{dates:?}");
    }
}

/// S22, S23: nothing is due without daily consolidation, but a run that was cut off goes on, whatever the settings say now.
#[test]
fn s22_off_and_the_run_that_was_cut_off() {
    let now = instant("2026-05-04T22:00:00Z");
    let mut history = RunHistory { since: now, last: None };
    assert_eq!(due(now, &Settings::default(), &history), Ok(DueDecision::Off));
    history.last = Some(LastRun { finished: false, ..last(date(2026, 5, 3), now) });
    assert_eq!(due(now, &Settings::default(), &history), Ok(DueDecision::Continue(date(2026, 5, 3))));
    assert_eq!(due(now, &daily("UTC", "18:00"), &history), Ok(DueDecision::Continue(date(2026, 5, 3))));
}

/// Turned on after the day's time, that day has its run at once, with what was captured up to its time; days before it have none, also when
/// consolidation was off for a while.
#[test]
fn s23_turned_on() {
    let (since, settings) = (instant("2026-05-04T12:00:00Z"), daily("UTC", "09:00"));
    let today = DueRun { local_date: date(2026, 5, 4), boundary: instant("2026-05-04T09:00:00Z") };
    let tomorrow = DueRun { local_date: date(2026, 5, 5), boundary: instant("2026-05-05T09:00:00Z") };
    for earlier in [None, Some(last(date(2026, 3, 1), instant("2026-03-01T09:00:00Z")))] {
        let history = RunHistory { since, last: earlier };
        assert_eq!(due(since, &settings, &history), Ok(DueDecision::Begin(today)));
    }
    let history = RunHistory { since, last: Some(last(today.local_date, today.boundary)) };
    assert_eq!(due(since, &settings, &history), Ok(DueDecision::Wait(tomorrow)));
    assert_eq!(due(tomorrow.boundary, &settings, &history), Ok(DueDecision::Begin(tomorrow)));
}

/// S25: an order that was captured at the boundary itself is in the run, one of a microsecond later is not.
#[test]
fn s25_the_boundary_itself_is_in_the_run() {
    let boundary = instant("2026-05-04T09:00:00Z");
    let run = RunRecord::new(DueRun { local_date: date(2026, 5, 4), boundary }, 1, "run".into(), boundary + TICK);
    assert!(run.takes(boundary - SignedDuration::from_micros(1)) && run.takes(boundary));
    assert!(!run.takes(boundary + SignedDuration::from_micros(1)));
}

/// A clock that goes back begins nothing.
#[test]
fn s25_a_clock_that_goes_back() {
    let history =
        RunHistory { since: instant("2026-05-01T00:00:00Z"), last: Some(last(date(2026, 5, 4), instant("2026-05-04T09:00:00Z"))) };
    for now in ["2026-05-01T00:00:00Z", "2026-05-05T08:59:59Z"] {
        assert!(matches!(due(instant(now), &daily("UTC", "09:00"), &history), Ok(DueDecision::Wait(_))));
    }
}

/// Settings that were never validated are an error, not a guess.
#[test]
fn s24_unusable_settings() {
    let history = RunHistory { since: Timestamp::UNIX_EPOCH, last: None };
    let unknown = Undecided::UnknownZone("Atlantis/Capital".to_owned());
    assert_eq!(due(Timestamp::UNIX_EPOCH, &daily("Atlantis/Capital", "09:00"), &history), Err(unknown));
    let no_time = Settings { consolidation_time: None, ..daily("UTC", "09:00") };
    assert_eq!(due(Timestamp::UNIX_EPOCH, &no_time, &history), Err(Undecided::NoTime));
}
