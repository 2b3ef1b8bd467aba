//! Warnings that want attention, and what answers them.

use stevedore_domain::log::LogState;
use stevedore_domain::reason::Reason;
use stevedore_domain::warning::Warning;

use crate::merchant::{Merchant, now};
use crate::orders::{line, order, revision};
use crate::reread::entry;

/// Of an entry's warnings the grave ones want attention, the gravest first; a void sale answers all of them.
#[test]
fn s152_a_void_sale_answers_its_warnings() {
    let known = revision(order(vec![line("A", 1, "1")], "0", "0"));
    let mut entry = entry(LogState::Booked, None, &known);
    for reason in [Reason::StockShort, Reason::ServiceLine, Reason::CancelledAfterBooking] {
        entry.add_warning(Warning::new(reason, ""));
    }
    assert_eq!(entry.attention(), [Reason::CancelledAfterBooking, Reason::StockShort]);
    entry.sale_voided(now(), "avery");
    assert_eq!(entry.attention(), []);
}

/// A short pick of a sale wants attention until the sale is void.
#[test]
fn s34_s152_a_short_pick_wants_attention_until_the_sale_is_void() {
    let mut sale = Merchant::new().sale(&order(vec![line("A", 1, "1")], "0", "0"));
    assert_eq!(sale.short_picks(), []);
    sale.warnings.push(Warning::new(Reason::StockShort, ""));
    assert_eq!(sale.short_picks(), [Reason::StockShort]);
    sale.voided_at = Some(now());
    assert_eq!(sale.short_picks(), []);
}

/// N4: an order that is held for a person wants attention by its reason, once, until it is
/// answered; one that is blocked for want of a setting is counted as blocked.
#[test]
fn n4_a_held_order_wants_attention_until_it_is_answered() {
    let known = revision(order(vec![line("A", 1, "1")], "0", "0"));
    for reason in [Reason::SplitAfterBooking, Reason::PossibleDuplicate, Reason::MergedAfterBooking] {
        let mut entry = entry(LogState::Pending, None, &known);
        entry.hold(Warning::new(reason, ""), vec![stevedore_domain::ids::OrderId(7)], now(), "op");
        assert_eq!(entry.attention(), [reason]);
        entry.add_warning(Warning::new(Reason::MergedAfterBooking, ""));
        assert_eq!(entry.attention().iter().filter(|counted| **counted == reason).count(), 1);
        entry.warnings.clear();
        assert!(entry.book_anyway(now(), "avery"));
        assert_eq!(entry.attention(), []);
    }
    let blocked = entry(LogState::Blocked, Some(Reason::NoCustomer), &known);
    assert_eq!(blocked.attention(), []);
}

/// N17, N31, S70: so do taxes that the settings must tell.
#[test]
fn s70_taxes_that_the_settings_must_tell_want_attention() {
    let known = revision(order(vec![line("A", 1, "1")], "0", "0"));
    let mut entry = entry(LogState::Booked, None, &known);
    for reason in [Reason::TaxRuleWithoutPercent, Reason::TaxNotAdded] {
        entry.add_warning(Warning::new(reason, ""));
    }
    assert_eq!(entry.attention(), [Reason::TaxNotAdded, Reason::TaxRuleWithoutPercent]);
}
