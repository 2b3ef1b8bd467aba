//! Membership of an order in a day's sale (S23, S25): decided by the day's run, under the settings that the whole run uses.

use jiff::Timestamp;

use crate::consolidation::RunRecord;
use crate::ids::SaleId;
use crate::log::{Decision, LogEntry, LogState, Outcome, Relative, Trigger, classify, hold};
use crate::operation::OperationRow;
use crate::order::Revision;
use crate::reason::Reason;
use crate::sale::{Booked, Sale, Unbookable};
use crate::settings::Settings;
use crate::warning::Warning;

/// Outcome of an order for a day.
#[derive(Debug)]
pub enum Membership {
    /// It is in the day; this is its own sale, to be added up.
    In(Box<Sale>),
    /// It is not, for a reason.
    Out(Box<OperationRow>),
    /// It is none of the day's: cancelled, booked otherwise or deleted meanwhile.
    Gone,
}

/// Decision on an order of a day.
#[derive(Debug)]
pub struct MemberPlan {
    /// The entry as it is to be written; none where it stays as it is.
    pub entry: Option<LogEntry>,
    /// Outcome of the order, once that is written.
    pub membership: Membership,
}

/// Facts on which the membership of an order is decided.
#[derive(Clone, Copy)]
pub struct MemberInput<'a> {
    /// The day's run.
    pub run: &'a RunRecord,
    /// The settings of the run.
    pub settings: &'a Settings,
    /// The order's entry.
    pub entry: &'a LogEntry,
    /// The revision that the day takes; none where it cannot be read.
    pub revision: Option<&'a Revision>,
    /// Facts about the orders that may hold the same goods.
    pub relatives: &'a [Relative],
    /// Books a revision as the day's sale.
    pub book: &'a dyn Fn(&Revision, &SaleId) -> Result<Booked, Unbookable>,
    /// Time of the decision.
    pub now: Timestamp,
}

/// Decides on an order of a day: in, or left out with a reason.
#[must_use]
pub fn membership(input: MemberInput<'_>) -> MemberPlan {
    let MemberInput { run, entry: known, .. } = input;
    let day = run.sale_id();
    let within = known.state == LogState::Consolidating && known.sale_id.as_ref() == Some(&day);
    let open = known.state.may_be_booked() && run.takes(known.captured_at);
    if !(within || open) {
        let membership = left_out_before(run, known).map_or(Membership::Gone, |row| Membership::Out(Box::new(row)));
        return MemberPlan { entry: None, membership };
    }
    if let Some(plan) = input.revision.filter(|_| !within).and_then(|revision| input.not_now(revision)) {
        return plan;
    }
    let booked = match (input.revision, known.booked_revision().or_else(|| known.newest().copied())) {
        (Some(revision), Some(key)) => (input.book)(revision, &day).map(|booked| (booked.sale, key)),
        _ => Err(Unbookable::Failed(Warning::new(Reason::MalformedOrder, ""))),
    };
    let mut entry = known.clone();
    match booked {
        Ok((sale, _)) if within => {
            // Where the totals differ, reference data changed since it was taken, and the run was cut off in between.
            let differs = entry.sale_total != Some(sale.total);
            entry.sale_total = Some(sale.total);
            MemberPlan { entry: differs.then_some(entry), membership: Membership::In(Box::new(sale)) }
        }
        Ok((sale, key)) => {
            entry.add_to_day(&day, key, &sale, input.now, run.operation_id.as_str());
            MemberPlan { entry: Some(entry), membership: Membership::In(Box::new(sale)) }
        }
        Err(unbookable) => input.unbookable(entry, within, unbookable),
    }
}

/// Decision on an order that the day's sum cannot hold.
#[derive(Debug)]
pub struct Release {
    /// The row of the order that was left out.
    pub row: OperationRow,
    /// The entry, which waits for the next day; none where the order has left the day already.
    pub entry: Option<LogEntry>,
}

/// Takes an order out of the day whose sum cannot hold it: it waits for the next day.
#[must_use]
pub fn release(run: &RunRecord, known: &LogEntry, now: Timestamp) -> Release {
    let why = Warning::new(Reason::DayTooLarge, "");
    let row = row(known, LogState::Pending, &why);
    if known.state != LogState::Consolidating || known.sale_id != Some(run.sale_id()) {
        return Release { row, entry: None };
    }
    let mut entry = known.clone();
    entry.remove_from_day(LogState::Pending, why, now, run.operation_id.as_str());
    Release { row, entry: Some(entry) }
}

impl MemberInput<'_> {
    /// The order would not be captured now: the stage holds at booking, under the run's settings, and what a sale holds already is not booked again. Nothing
    /// where it may be in the day.
    fn not_now(&self, revision: &Revision) -> Option<MemberPlan> {
        let (now, by) = (self.now, self.run.operation_id.as_str());
        let mut entry = self.entry.clone();
        let decision = classify(revision, self.settings, Some(self.entry), Trigger::Manual);
        let (state, why) = match decision {
            Decision::Withdraw(reason) => (LogState::Withdrawn, Warning::new(reason, "")),
            Decision::Remember(reason) => (LogState::Skipped, Warning::new(reason, "")),
            _ => {
                let (why, held_for) = hold(&revision.order, self.entry, self.relatives)?;
                let news = entry.hold(why.clone(), held_for, now, by);
                return Some(out(entry, news, Outcome::Waiting, &why));
            }
        };
        let news = entry.exclude(state, why.clone(), now, by);
        Some(out(entry, news, decision.outcome(), &why))
    }

    fn unbookable(&self, mut entry: LogEntry, within: bool, unbookable: Unbookable) -> MemberPlan {
        let (now, by) = (self.now, self.run.operation_id.as_str());
        let (state, why) = LogState::of_unbookable(unbookable);
        let row = row(&entry, state, &why);
        let news = if within {
            entry.remove_from_day(state, why, now, by);
            true
        } else {
            entry.exclude(state, why, now, by)
        };
        MemberPlan { entry: news.then_some(entry), membership: Membership::Out(Box::new(row)) }
    }
}

fn out(entry: LogEntry, news: bool, outcome: Outcome, why: &Warning) -> MemberPlan {
    let row = OperationRow::decided(entry.order_id, &entry.order_number, outcome, Some(why.reason));
    let row = OperationRow { message: Some(why.message.clone()), ..row };
    MemberPlan { entry: news.then_some(entry), membership: Membership::Out(Box::new(row)) }
}

/// The row of an order that this run has set aside before it was cut off.
fn left_out_before(run: &RunRecord, known: &LogEntry) -> Option<OperationRow> {
    let outcome = match (known.state, known.reason) {
        (LogState::Skipped, Some(reason)) => Decision::Remember(reason).outcome(),
        (LogState::Withdrawn, _) => Outcome::Cancelled,
        _ => return None,
    };
    let ours = known.timeline.last().is_some_and(|event| event.by == run.operation_id.as_str());
    let row = OperationRow::decided(known.order_id, &known.order_number, outcome, known.reason);
    ours.then(|| OperationRow { message: known.message.clone(), ..row })
}

fn row(entry: &LogEntry, state: LogState, why: &Warning) -> OperationRow {
    let outcome = if state == LogState::Failed { Outcome::Failed } else { Outcome::Waiting };
    let row = OperationRow::decided(entry.order_id, &entry.order_number, outcome, Some(why.reason));
    OperationRow { message: Some(why.message.clone()), ..row }
}
