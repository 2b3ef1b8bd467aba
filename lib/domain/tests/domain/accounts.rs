//! Identity of a ShipStation account (docs/requirements.md, section 3).

use std::collections::BTreeSet;

use jiff::Timestamp;
use stevedore_domain::account::{Accounts, Evidence};
use stevedore_domain::ids::{OrderId, SaleId, ShipstationAccount, StoreId};
use stevedore_domain::log::LogState;

fn seen(stores: &[u64], key: &str) -> Evidence {
    Evidence::new(stores.iter().copied().map(StoreId), key)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// An account that shares a store with a known one is that account, whatever its key; any other is a new one; both are told again later.
#[test]
fn a_shared_store_tells_an_account() {
    let mut accounts = Accounts::default();
    assert_eq!(accounts.connect(&seen(&[1, 2], "a"), at(1)).0, 1);
    assert_eq!(accounts.connect(&seen(&[7], "b"), at(2)).0, 2);
    assert_eq!(accounts.latest(), Some(ShipstationAccount(2)));
    assert_eq!(accounts.connect(&seen(&[2, 3], "c"), at(3)).0, 1);
    // A store that it got meanwhile tells it too.
    assert_eq!(accounts.identify(&seen(&[3], "d")), Some(ShipstationAccount(1)));
    assert_eq!(accounts.identify(&seen(&[8], "e")), None);
    assert_eq!(accounts.latest(), Some(ShipstationAccount(1)));
}

/// An account without stores is told by its key until it has one; a new key without stores is a new account.
#[test]
fn an_account_without_stores_is_told_by_its_key() {
    let mut accounts = Accounts::default();
    assert_eq!(accounts.connect(&seen(&[], "a"), at(1)).0, 1);
    assert_eq!(accounts.connect(&seen(&[], "b"), at(2)).0, 2);
    assert_eq!(accounts.connect(&seen(&[5], "a"), at(3)).0, 1);
    assert_eq!(accounts.connect(&seen(&[5], "c"), at(4)).0, 1);
    assert!(accounts.is_told(ShipstationAccount(1)) && !accounts.is_told(ShipstationAccount(2)));
}

/// An account of which an earlier release kept nothing is the one that is connected next.
#[test]
fn an_account_of_which_nothing_is_known_is_the_next_one() {
    let mut accounts = Accounts::default();
    accounts.learn(ShipstationAccount::FIRST, &Evidence { stores: BTreeSet::new(), key: None });
    assert_eq!(accounts.connect(&seen(&[1], "a"), at(1)), ShipstationAccount::FIRST);
    assert_eq!(accounts.connect(&seen(&[2], "b"), at(2)), ShipstationAccount(2));
}

/// Ids name their account, and are read only as they are written; those of the first account are as they always were.
#[test]
fn ids_name_their_account() {
    let second = ShipstationAccount(2);
    assert_eq!(ShipstationAccount::FIRST.qualify(501), "501");
    assert_eq!(second.qualify(501), "2.501");
    for (text, parsed) in [
        ("501", Some((ShipstationAccount::FIRST, 501))),
        ("2.501", Some((second, 501))),
        ("18446744073709551615", Some((ShipstationAccount::FIRST, u64::MAX))),
        ("1.501", None),
        ("2.0501", None),
        ("0501", None),
        ("+501", None),
        ("2.", None),
        ("", None),
    ] {
        assert_eq!(ShipstationAccount::parse(text), parsed, "{text}");
    }
    for (id, attempt) in [("SO-2.501", 1), ("SO-2.501-3", 3)] {
        assert_eq!(SaleId::of(second, OrderId(501), attempt).as_str(), id);
        let id = SaleId::from(id);
        assert_eq!((id.account(), id.order()), (second, Some((OrderId(501), attempt))));
    }
    assert_eq!(SaleId::of(ShipstationAccount::FIRST, OrderId(501), 2), SaleId::of_order(OrderId(501), 2));
    assert_eq!(SaleId::from("SO-1.501").order(), None);
}

/// P1: the next sale of an order has an id that none of its sales had, live, void or left behind, whatever sale of a day it was in between.
#[test]
fn p1_the_next_sale_of_an_order_has_a_new_id() {
    let known = crate::orders::revision(crate::orders::order(vec![crate::orders::line("A", 1, "1")], "0", "0"));
    let mut entry = crate::reread::entry(LogState::Pending, None, &known);
    let id = |attempt| SaleId::of_order(known.order.id, attempt);
    assert_eq!(entry.next_sale_id(), id(1));
    entry.sale_id = Some(id(1));
    assert_eq!(entry.next_sale_id(), id(2));
    entry.detach_sale();
    assert_eq!(entry.next_sale_id(), id(2), "the void sale has the first");
    entry.past_sales.extend([id(3), SaleId::of_day(jiff::civil::date(2026, 5, 4))]);
    assert_eq!(entry.next_sale_id(), id(4));
    entry.account = ShipstationAccount(2);
    entry.past_sales.clear();
    assert_eq!(entry.next_sale_id(), SaleId::of(ShipstationAccount(2), known.order.id, 1));
}
