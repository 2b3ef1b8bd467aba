//! The revision that a sale was made from: known for ever, whatever ShipStation says later (docs/requirements.md, section 9).

use jiff::SignedDuration;
use serde_json::json;
use stevedore_domain::ids::SaleId;
use stevedore_domain::log::{LogEntry, LogState};
use stevedore_domain::order::RevisionKey;

use crate::merchant::now;
use crate::orders::{line, order, pacific, revision};
use crate::reread::entry;

/// The key of the order's state `minutes` after ten.
fn key(minutes: u8) -> RevisionKey {
    let mut order = order(vec![line("A", 1, "1")], "0", "0");
    order.modified_at = pacific(&format!("2026-05-04T10:{:02}:{:02}", minutes / 60, minutes % 60));
    order.total = minutes.into();
    let key = revision(order).key;
    RevisionKey { read_at: Some(key.modified_at + SignedDuration::from_secs(1)), ..key }
}

fn booked(first: RevisionKey) -> LogEntry {
    let mut entry = entry(LogState::Booked, None, &revision(order(vec![line("A", 1, "1")], "0", "0")));
    entry.revisions.clear();
    entry.record_revision(first, None);
    entry.sale_id = Some(SaleId::of_order(entry.order_id, 1));
    entry.booked_as(first);
    entry
}

/// An order that has been seen once needs no word of it; from the second revision on it is written down, and survives every later one.
#[test]
fn the_booked_revision_survives_the_list_of_revisions() {
    let mut entry = booked(key(0));
    assert_eq!(entry.booked_revision(), Some(key(0)));
    assert!(!serde_json::to_string(&entry).unwrap().contains("booked_revision"), "an order that was never changed pays for it");
    for minutes in 1..=90 {
        entry.record_revision(key(minutes), None);
        assert_eq!(entry.booked_revision(), Some(key(0)));
    }
    assert_eq!(entry.revisions.len(), LogEntry::KEPT);
    assert!(entry.revisions.iter().all(|seen| seen.key != key(0)), "the test lets it fall out of the list");
    let read: LogEntry = serde_json::from_value(serde_json::to_value(&entry).unwrap()).unwrap();
    assert_eq!(read.booked_revision(), Some(key(0)));
}

/// A revision that replaced another before it was booked is the booked one; an order that is made anew has none until it is booked again.
#[test]
fn the_booked_revision_is_that_of_the_present_sale() {
    let mut entry = booked(key(0));
    entry.record_revision(key(1), None);
    entry.sale_voided(now(), "ann");
    assert_eq!(entry.booked_revision(), Some(key(0)));
    entry.recreate(now(), "ann");
    assert_eq!(entry.booked_revision(), None);
    entry.record_revision(key(2), None);
    assert_eq!(entry.booked_revision(), None);
    entry.sale_id = Some(entry.next_sale_id());
    entry.booked_as(key(2));
    entry.record_revision(key(3), None);
    assert_eq!(entry.booked_revision(), Some(key(2)));
}

/// Entries of earlier releases: the revision in a day's sale under its former name; that of a plain sale by when it was booked.
#[test]
fn entries_of_earlier_releases_tell_their_booked_revision() {
    let mut entry = booked(key(0));
    entry.record_revision(key(5), None);
    let at = key(2).read_at.unwrap();
    let write = |gathered: Option<RevisionKey>, timeline: serde_json::Value| {
        let mut document = serde_json::to_value(&entry).unwrap();
        let members = document.as_object_mut().unwrap();
        members.remove("booked_revision");
        members.insert("timeline".to_owned(), timeline);
        members.extend(gathered.map(|key| ("gathered".to_owned(), serde_json::to_value(key).unwrap())));
        serde_json::from_value::<LogEntry>(document).unwrap()
    };
    let timeline = json!([
        {"at": at, "what": "captured and booked as SO-900001", "by": "op-1"},
        {"at": key(5).read_at, "what": "changed in ShipStation after booking", "by": "op-2"},
    ]);
    assert_eq!(write(None, timeline.clone()).booked_revision(), Some(key(0)));
    assert_eq!(write(Some(key(5)), timeline).booked_revision(), Some(key(5)));
    // It waited, was changed, and was booked then.
    let late = json!([{"at": key(6).read_at, "what": "captured and booked as SO-900001", "by": "op-1"}]);
    assert_eq!(write(None, late).booked_revision(), Some(key(5)));
    // An entry without any word of its booking says nothing rather than something wrong.
    assert_eq!(write(None, json!([])).booked_revision(), None);
}
