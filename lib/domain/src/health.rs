//! Findings: what is not all right with the system, the gravest first, each with what to do.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::operation::{Operation, OperationState};
use crate::reason::Reason;
use crate::schedule::overdue;
use crate::settings::Settings;

/// The schedule counts as late when its last download began longer ago than twice its interval, and by this much more than its interval.
const LATE: SignedDuration = SignedDuration::from_mins(20);

/// Gravity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// No order comes in.
    Stopped,
    /// A person should act.
    Attention,
}

impl Severity {
    /// The API's text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Attention => "attention",
        }
    }
}

/// Number of records, as far as they were counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Counted records.
    pub count: u64,
    /// There are more than were counted.
    pub more: bool,
}

/// The list that shows the records of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingList {
    /// Blocked orders.
    Blocked,
    /// Orders that could not be booked.
    Failed,
    /// Orders that could not be read.
    Unreadable,
    /// Orders that bear a warning.
    WarnedOrders(Reason),
    /// Sales that bear a warning.
    WarnedSales(Reason),
    /// Messages that were given up.
    DeadLetters,
}

/// Something that is not all right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its gravity.
    pub severity: Severity,
    /// Stable, snake_case.
    pub code: &'static str,
    /// Its meaning and what to do.
    pub message: String,
    /// Number of records that it concerns, and the list that shows them; none where it is no matter of number.
    pub records: Option<(Count, FindingList)>,
}

/// State of the connection to ShipStation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// There is none.
    Absent,
    /// It is being removed.
    Disconnecting,
    /// It is there.
    Connected,
}

/// Facts that are judged.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The connection to ShipStation.
    pub connection: ConnectionState,
    /// The settings in force.
    pub settings: &'a Settings,
    /// The last scheduled download that came to its end.
    pub last_run: Option<&'a Operation>,
    /// Time at which the last scheduled download began.
    pub last_tick: Option<Timestamp>,
    /// Blocked orders.
    pub blocked: Count,
    /// Orders that could not be booked.
    pub failed: Count,
    /// Messages that were given up.
    pub dead_letters: u64,
    /// Orders that could not be read.
    pub unreadable: Count,
    /// Warnings that want attention, the gravest first.
    pub warnings: &'a [(Reason, Count)],
    /// Time of the judgement.
    pub now: Timestamp,
}

/// Findings, the gravest first; none where everything is right.
#[must_use]
pub fn findings(facts: &Facts<'_>) -> Vec<Finding> {
    let states = [connection(facts), last_run(facts), schedule(facts)];
    let mut found: Vec<Finding> = states.into_iter().flatten().collect();
    found.extend(unfinished_settings(facts.settings));
    found.extend(counted(facts));
    found.sort_by_key(|finding| finding.severity);
    found
}

fn state(severity: Severity, code: &'static str, message: impl Into<String>) -> Finding {
    Finding { severity, code, message: message.into(), records: None }
}

fn connection(facts: &Facts<'_>) -> Option<Finding> {
    let (code, message) = match facts.connection {
        ConnectionState::Absent => {
            ("not_connected", "No ShipStation account is connected, so nothing is downloaded. Connect one under Setup.")
        }
        ConnectionState::Disconnecting => {
            ("disconnecting", "The connection is being taken apart. Nothing is downloaded until an account is connected again.")
        }
        ConnectionState::Connected => return None,
    };
    Some(state(Severity::Stopped, code, message))
}

fn last_run(facts: &Facts<'_>) -> Option<Finding> {
    let run = facts.last_run.filter(|run| run.state == OperationState::Failed)?;
    let why = run.message.as_deref().unwrap_or("It says no reason.");
    let message = format!("The last download failed; the next one continues where it stopped. {why}");
    Some(state(Severity::Stopped, "last_run_failed", message))
}

fn schedule(facts: &Facts<'_>) -> Option<Finding> {
    if facts.settings.paused {
        let message = "Downloads are paused. Switch them on again under Setup, Orders, when you want orders to come in.";
        return Some(state(Severity::Attention, "paused", message));
    }
    let last = facts.last_tick.filter(|_| facts.connection != ConnectionState::Absent)?;
    let every = SignedDuration::from_mins(i64::from(facts.settings.poll_minutes));
    let late = overdue(last, facts.settings, facts.now);
    if late <= every || late <= LATE {
        return None;
    }
    let minutes = facts.now.duration_since(last).as_mins();
    let message =
        format!("The last download began {minutes} minutes ago. Look whether the schedule and the function fetch-orders are switched on.");
    Some(state(Severity::Attention, "schedule_late", message))
}

fn unfinished_settings(settings: &Settings) -> impl Iterator<Item = Finding> {
    let tax = settings.tax.default_rule.is_none().then_some((
        "tax_mapping_unfinished",
        "There is no default tax rule, so orders are skipped and remembered. Choose one under Setup, Taxes; the orders then follow by themselves.",
    ));
    let location = settings.location_map.default.is_none().then_some((
        "no_default_location",
        "There is no default location, so orders of warehouses that are not mapped are blocked. Choose one under Setup, Locations.",
    ));
    [tax, location].into_iter().flatten().map(|(code, message)| state(Severity::Attention, code, message))
}

/// Sentences about a number of records.
struct Sentences {
    thing: &'static str,
    one: &'static str,
    many: &'static str,
    advice: &'static str,
}

/// Findings that are a matter of number; those without any record are left out.
fn counted(facts: &Facts<'_>) -> Vec<Finding> {
    let order = |one, many, advice| Sentences { thing: "order", one, many, advice };
    let blocked = order("is blocked.", "are blocked.", "Pending orders says why; they go on by themselves when the cause is mended.");
    let failed = order("could not be booked.", "could not be booked.", "The log says why.");
    let unreadable = order(
        "could not be read.",
        "could not be read.",
        "Each download tries them again. The rows of the operation that met them hold what ShipStation sent.",
    );
    let dead = Sentences {
        thing: "message",
        one: "was given up on.",
        many: "were given up on.",
        advice: "Dead letters says why; redrive them when the cause is mended.",
    };
    let dead_letters = Count { count: facts.dead_letters, more: false };
    let mut found = vec![
        finding("orders_blocked", &blocked, facts.blocked, FindingList::Blocked),
        finding("orders_failed", &failed, facts.failed, FindingList::Failed),
        finding("unreadable", &unreadable, facts.unreadable, FindingList::Unreadable),
    ];
    found.extend(facts.warnings.iter().map(|(reason, count)| warning(*reason, *count)));
    found.push(finding("dead_letters", &dead, dead_letters, FindingList::DeadLetters));
    found.into_iter().flatten().collect()
}

fn finding(code: &'static str, sentences: &Sentences, count: Count, list: FindingList) -> Option<Finding> {
    let Sentences { thing, one, many, advice } = sentences;
    let message = match (count.count, count.more) {
        (0, _) => return None,
        (1, false) => format!("1 {thing} {one} {advice}"),
        (number, more) => format!("{}{number} {thing}s {many} {advice}", if more { "More than " } else { "" }),
    };
    Some(Finding { severity: Severity::Attention, code, message, records: Some((count, list)) })
}

/// Finding for a warning of so many orders or sales. Short picks are the sales'; everything else is an order's.
fn warning(reason: Reason, count: Count) -> Option<Finding> {
    let (one, many, advice) = match reason {
        Reason::CancelledAfterBooking => (
            "was cancelled in ShipStation after it was booked.",
            "were cancelled in ShipStation after they were booked.",
            "Their sales stand; void those that should not.",
        ),
        Reason::MergedAfterBooking => (
            "was combined into another after it was booked.",
            "were combined into others after they were booked.",
            "Their sales stand, and surviving orders are held: void the sales, or book the survivors all the same.",
        ),
        Reason::SplitAfterBooking => (
            "was split off an order that is booked, and is held.",
            "were split off orders that are booked, and are held.",
            "Their goods are in the other orders' sales: void and re-create these, or book the split ones all the same.",
        ),
        Reason::PossibleDuplicate => (
            "may be another one under a new id, and is held.",
            "may be others under new ids, and are held.",
            "Book those all the same that are purchases of their own, and leave or cancel the others.",
        ),
        Reason::TaxNotAdded => (
            "has a tax that its total does not include.",
            "have a tax that their totals do not include.",
            "Say for each store whether its prices include tax or the marketplace withholds it, then re-create them.",
        ),
        Reason::TaxRuleWithoutPercent => (
            "has a tax rule without percentages.",
            "have a tax rule without percentages.",
            "ShipStation's tax was kept; add the rule's percentages, or turn recalculation off.",
        ),
        Reason::ChangedAfterBooking => (
            "changed in ShipStation after it was booked.",
            "changed in ShipStation after they were booked.",
            "Their sales stand as they were booked; compare them, and void and re-create those that should follow.",
        ),
        Reason::TotalAdjusted => (
            "was booked with a visible adjustment.",
            "were booked with a visible adjustment each.",
            "ShipStation's own numbers do not add up to their totals; check the orders.",
        ),
        Reason::StockShort => {
            ("waits for stock to be picked.", "wait for stock to be picked.", "Bring the stock in, then retry their fulfilment.")
        }
        Reason::ComponentsShort => (
            "waits for components to be put together.",
            "wait for components to be put together.",
            "Bring the components in, then retry their fulfilment.",
        ),
        _ => ("has a warning.", "have a warning.", "The list says what each is about."),
    };
    let of_sales = Reason::SHORT_PICKS.contains(&reason);
    let (thing, list) = if of_sales { ("sale", FindingList::WarnedSales(reason)) } else { ("order", FindingList::WarnedOrders(reason)) };
    finding(reason.code(), &Sentences { thing, one, many, advice }, count, list)
}
