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
