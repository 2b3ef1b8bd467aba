//! Goods that are in a sale already are not booked again: combined, split and repeated orders (N4; docs/requirements.md, section 5).

use stevedore_domain::ids::{OrderId, SaleId};
use stevedore_domain::log::{Decision, Gone, Kin, LogEntry, LogState, Outcome, Relative, Trigger, classify, hold, relatives};
use stevedore_domain::order::{Order, Revision};
use stevedore_domain::reason::Reason;
use stevedore_domain::warning::Warning;

use crate::merchant::{now, then};
use crate::orders::{line, order, revision};
use crate::reread::{entry, settings};

fn own() -> Order {
    order(vec![line("A", 1, "1")], "0", "0")
}

fn relative(id: u64, live: bool, kin: Kin) -> Relative {
    Relative {
        id: OrderId(id),
        number: format!("N{id}"),
        live: live.then(|| SaleId(format!("SO-{id}"))),
        open: !live,
        held: false,
        orphan: false,
        kin,
        alike: false,
        first: true,
    }
}

fn held(order: &Order, entry: &LogEntry, relatives: &[Relative]) -> Option<Reason> {
    hold(order, entry, relatives).map(|(why, _)| why.reason)
}

/// N4: a survivor is held while an order that it names is in a sale; not for the children that were split off it, nor for orders that are not booked.
#[test]
fn n4_a_survivor_is_held_for_booked_partners_alone() {
    let survivor = Order { merged_ids: vec![OrderId(3), OrderId(5)], ..own() };
    let pending = entry(LogState::Pending, None, &revision(survivor.clone()));
    assert_eq!(relatives(&survivor, Some(&pending)), [OrderId(3), OrderId(5)]);
    assert_eq!(held(&survivor, &pending, &[relative(3, false, Kin::default())]), None);
    let child = Kin { parent: Some(survivor.id), ..Kin::default() };
    assert_eq!(held(&survivor, &pending, &[relative(3, true, child)]), None);
    let (why, held_for) = hold(&survivor, &pending, &[relative(3, true, Kin::default()), relative(5, true, Kin::default())]).unwrap();
    assert_eq!((why.reason, held_for.clone()), (Reason::MergedAfterBooking, vec![OrderId(3), OrderId(5)]));
    assert!(why.message.contains("order N3 (3) in sale SO-3; order N5 (5) in sale SO-5"), "{}", why.message);

    // A person's word holds for the orders that were named, and for no other.
    let mut accepted = pending.clone();
    assert!(accepted.hold(why, vec![OrderId(3)], now(), "op"));
    assert!(accepted.book_anyway(now(), "avery") && !accepted.book_anyway(now(), "avery"));
    assert_eq!((accepted.state, accepted.reason), (LogState::Pending, None));
    assert_eq!(accepted.timeline.last().unwrap().by, "avery");
    assert_eq!(held(&survivor, &accepted, &[relative(3, true, Kin::default())]), None);
    assert_eq!(held(&survivor, &accepted, &[relative(5, true, Kin::default())]), Some(Reason::MergedAfterBooking));
}

/// N4: a child is held while its parent's sale, or the parent that is still to be booked, was made before the split.
#[test]
fn n4_a_child_is_held_while_its_parent_holds_its_goods() {
    let child = Order { parent_id: Some(OrderId(7)), ..own() };
    let pending = entry(LogState::Pending, None, &revision(child.clone()));
    let knows = |named, booked| {
        let ids = |yes: bool| if yes { vec![child.id] } else { Vec::new() };
        Kin { named: ids(named), booked: ids(booked), ..Kin::default() }
    };
    for (live, named, booked, expected) in [
        (true, false, false, Some(Reason::SplitAfterBooking)),
        // The parent's newest revision knows of the split, but it was booked before.
        (true, true, false, Some(Reason::SplitAfterBooking)),
        (true, true, true, None),
        (false, true, false, None),
        (false, false, false, Some(Reason::SplitAfterBooking)),
    ] {
        assert_eq!(held(&child, &pending, &[relative(7, live, knows(named, booked))]), expected, "{live} {named} {booked}");
    }
    assert_eq!(held(&child, &pending, &[]), None, "its parent is not in the log");
}

/// N4: an order whose goods another has booked while it was away is held; one whose goods it only had while pending is not.
#[test]
fn n4_an_order_that_was_away_is_held_for_a_sale_with_its_goods() {
    let back = own();
    let mut away = entry(LogState::Withdrawn, Some(Reason::MergedAway), &revision(back.clone()));
    away.change_kin(|kin| kin.gone = Some(Gone { at: then(), into: Some(OrderId(4)) }));
    away.is_back();
    assert_eq!(relatives(&back, Some(&away)), [OrderId(4)]);
    let booked = Kin { booked: vec![back.id], ..Kin::default() };
    assert_eq!(held(&back, &away, &[relative(4, true, booked.clone())]), Some(Reason::MergedAfterBooking));
    assert_eq!(held(&back, &away, &[relative(4, true, Kin::default())]), None);
    assert_eq!(held(&back, &away, &[relative(4, false, booked)]), None);
}

/// N4: the same store, number and key under another id is held, unless the two are parts of a split, or the other is held itself.
#[test]
fn n4_a_possible_duplicate_is_held() {
    let again = own();
    let pending = entry(LogState::Pending, None, &revision(again.clone()));
    let alike = |live, kin| Relative { alike: true, ..relative(9, live, kin) };
    assert_eq!(held(&again, &pending, &[alike(true, Kin::default())]), Some(Reason::PossibleDuplicate));
    assert_eq!(held(&again, &pending, &[alike(false, Kin::default())]), Some(Reason::PossibleDuplicate));
    assert_eq!(held(&again, &pending, &[Relative { held: true, ..alike(false, Kin::default()) }]), None);
    // Of two that are not booked yet one is held; a sale holds the other, whichever came first.
    assert_eq!(held(&again, &pending, &[Relative { first: false, ..alike(false, Kin::default()) }]), None);
    assert_eq!(held(&again, &pending, &[Relative { first: false, ..alike(true, Kin::default()) }]), Some(Reason::PossibleDuplicate));
    // What it is held for is asked again, without any index.
    let mut waits = pending.clone();
    let (why, held_for) = hold(&again, &pending, &[alike(true, Kin::default())]).unwrap();
    assert!(why.message.contains("order N9 (9) in sale SO-9"), "{}", why.message);
    waits.hold(why, held_for, now(), "op");
    assert_eq!(relatives(&again, Some(&waits)), [OrderId(9)]);
    // A person's word holds for that order and for no other.
    assert!(waits.is_held() && waits.book_anyway(now(), "avery"));
    assert_eq!(held(&again, &waits, &[alike(true, Kin::default())]), None);
    let third = Relative { alike: true, ..relative(8, true, Kin::default()) };
    assert_eq!(held(&again, &waits, &[third]), Some(Reason::PossibleDuplicate));
    assert_eq!(held(&again, &pending, &[alike(true, Kin { parent: Some(again.id), ..Kin::default() })]), None);
    assert_eq!(held(&again, &pending, &[relative(9, true, Kin::default())]), None);
}

/// N4: an order that was away is as new once ShipStation shows it again; what was read before says nothing, and made anew it is withdrawn.
#[test]
fn n4_an_order_that_is_back_is_as_new() {
    let read = |at| Revision::new(own(), Some(at));
    let mut gone = entry(LogState::Withdrawn, Some(Reason::MergedAway), &read(then()));
    gone.change_kin(|kin| kin.gone = Some(Gone { at: now(), into: Some(OrderId(4)) }));
    let later = now() + jiff::SignedDuration::from_secs(1);
    let decide = |entry: &LogEntry, at| classify(&read(at), &settings(), Some(entry), Trigger::Schedule);
    assert_eq!(decide(&gone, now()), Decision::Nothing(Outcome::Cancelled, Some(Reason::MergedAway)));
    assert_eq!(decide(&gone, later), Decision::Replace);
    let recreated = LogEntry { state: LogState::Pending, reason: Some(Reason::ToBeRecreated), ..gone.clone() };
    assert_eq!(decide(&recreated, now()), Decision::Withdraw(Reason::MergedAway));
    assert_eq!(decide(&recreated, later), Decision::Replace);
}

/// N4: entries that an earlier release wrote say in words that their order was combined away; they are read likewise.
#[test]
fn n4_entries_of_an_earlier_release_tell_that_their_order_is_away() {
    let first = Revision::new(own(), Some(then()));
    let mut withdrawn = entry(LogState::Withdrawn, Some(Reason::MergedAway), &first);
    withdrawn.add_event(now(), "combined into order 4 in ShipStation and withdrawn", "op");
    let mut booked = entry(LogState::Booked, None, &first);
    booked.add_event(now(), "combined into order 4 in ShipStation after booking", "op");
    booked.add_warning(Warning::new(Reason::MergedAfterBooking, "Combined into order N4 (4)."));
    for entry in [withdrawn, booked] {
        assert_eq!(entry.gone(), Some(Gone { at: now(), into: Some(OrderId(4)) }));
    }
    assert_eq!(entry(LogState::Booked, None, &first).gone(), None);
}
