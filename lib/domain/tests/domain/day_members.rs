//! Membership of an order in a day's sale (S23, S25, N4).

use jiff::civil::date;
use stevedore_domain::consolidation::{DueRun, RunRecord};
use stevedore_domain::day_member::{MemberInput, MemberPlan, Membership, membership, release};
use stevedore_domain::ids::{OperationId, SaleId};
use stevedore_domain::log::{LogEntry, LogState, Outcome};
use stevedore_domain::order::{Order, OrderStatus, Revision};
use stevedore_domain::reason::Reason;

use crate::merchant::{Merchant, now, then};
use crate::orders::{line, order, revision};
use crate::reread::entry;

fn run() -> RunRecord {
    RunRecord::new(DueRun { local_date: date(2026, 5, 4), boundary: now() }, 1, OperationId::from("day"), now())
}

fn known() -> Revision {
    revision(order(vec![line("A", 2, "5.00")], "0", "0"))
}

fn decide(merchant: &Merchant, entry: &LogEntry, revision: Option<&Revision>) -> MemberPlan {
    membership(MemberInput {
        run: &run(),
        settings: &merchant.settings,
        entry,
        revision,
        relatives: &[],
        book: &|revision, id| merchant.book_as(&revision.order, id),
        now: now(),
    })
}

fn merchant() -> Merchant {
    Merchant::new()
}

fn left_out(plan: &MemberPlan) -> (Outcome, Option<Reason>) {
    match &plan.membership {
        Membership::Out(row) => (row.outcome.unwrap(), row.reason),
        Membership::In(_) | Membership::Gone => panic!("{plan:?}"),
    }
}

#[test]
fn a_pending_order_is_in_and_so_it_is_when_the_run_is_repeated() {
    let plan = decide(&merchant(), &entry(LogState::Pending, None, &known()), Some(&known()));
    let Membership::In(sale) = &plan.membership else { panic!("{plan:?}") };
    let taken = plan.entry.unwrap();
    assert_eq!((taken.state, taken.sale_id.clone(), taken.sale_total), (LogState::Consolidating, Some(run().sale_id()), Some(sale.total)));
    assert_eq!(taken.booked_revision(), Some(known().key));
    let again = decide(&merchant(), &taken, Some(&known()));
    assert!(again.entry.is_none() && matches!(&again.membership, Membership::In(same) if same == sale));
    // Reference data changed in between: the day takes what it adds up.
    let other = LogEntry { sale_total: None, ..taken };
    assert_eq!(decide(&merchant(), &other, Some(&known())).entry.unwrap().sale_total, Some(sale.total));
}

/// S25: an order that was captured after the boundary is the next day's.
#[test]
fn s25_an_order_after_the_boundary_is_none_of_the_days() {
    let mut late = entry(LogState::Pending, None, &known());
    late.captured_at = now() + jiff::SignedDuration::from_secs(1);
    let plan = decide(&merchant(), &late, Some(&known()));
    assert!(plan.entry.is_none() && matches!(plan.membership, Membership::Gone));
    late.captured_at = now();
    assert!(matches!(decide(&merchant(), &late, Some(&known())).membership, Membership::In(_)));
    let booked = entry(LogState::Booked, None, &known());
    assert!(matches!(decide(&merchant(), &booked, Some(&known())).membership, Membership::Gone));
}

#[test]
fn an_order_that_is_cancelled_or_waits_again_is_left_out_with_its_reason() {
    let pending = entry(LogState::Pending, None, &known());
    let cancelled = revision(Order { status: OrderStatus::Cancelled, ..known().order });
    let plan = decide(&merchant(), &pending, Some(&cancelled));
    assert_eq!(left_out(&plan), (Outcome::Cancelled, Some(Reason::Withdrawn)));
    let withdrawn = plan.entry.unwrap();
    assert_eq!(withdrawn.state, LogState::Withdrawn);
    // Cut off after this write, the run still has the order's row.
    let again = decide(&merchant(), &withdrawn, Some(&cancelled));
    assert!(again.entry.is_none());
    assert_eq!(left_out(&again), (Outcome::Cancelled, Some(Reason::Withdrawn)));

    let unpaid = revision(Order { status: OrderStatus::AwaitingPayment, paid_at: None, ..known().order });
    let plan = decide(&merchant(), &pending, Some(&unpaid));
    assert_eq!(left_out(&plan), (Outcome::Waiting, Some(Reason::AwaitingPayment)));
    assert_eq!(plan.entry.unwrap().state, LogState::Skipped);
}

#[test]
fn an_order_that_cannot_be_booked_leaves_the_day() {
    let within = decide(&merchant(), &entry(LogState::Pending, None, &known()), Some(&known())).entry.unwrap();
    let mut without = merchant();
    without.settings.location_map.default = None;
    let plan = decide(&without, &within, Some(&known()));
    assert_eq!(left_out(&plan), (Outcome::Waiting, Some(Reason::NoDefaultLocation)));
    let left = plan.entry.unwrap();
    assert_eq!((left.state, left.sale_id, left.sale_total), (LogState::Blocked, None, None));
    let unreadable = decide(&merchant(), &within, None);
    assert_eq!(left_out(&unreadable), (Outcome::Failed, Some(Reason::MalformedOrder)));
    // Blocked for the same reason before, it is left out again without a write.
    let blocked = decide(&without, &entry(LogState::Pending, None, &known()), Some(&known())).entry.unwrap();
    let again = decide(&without, &blocked, Some(&known()));
    assert!(again.entry.is_none());
    assert_eq!(left_out(&again), (Outcome::Waiting, Some(Reason::NoDefaultLocation)));
}

#[test]
fn an_order_that_the_sum_cannot_hold_waits_for_the_next_day() {
    let within = decide(&merchant(), &entry(LogState::Pending, None, &known()), Some(&known())).entry.unwrap();
    let released = release(&run(), &within, then());
    assert_eq!((released.row.outcome, released.row.reason), (Some(Outcome::Waiting), Some(Reason::DayTooLarge)));
    let waiting = released.entry.unwrap();
    assert_eq!((waiting.state, waiting.sale_id.clone()), (LogState::Pending, None));
    assert!(release(&run(), &waiting, then()).entry.is_none(), "it has left the day already");
    let other = LogEntry { sale_id: Some(SaleId("DAY-2026-05-03".to_owned())), ..within };
    assert!(release(&run(), &other, then()).entry.is_none(), "another day has it");
}
