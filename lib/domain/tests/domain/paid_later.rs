//! S122: orders that are paid after they were booked (docs/requirements.md, section 6).

use stevedore_domain::changes::{ChangeKind, Changes};
use stevedore_domain::ids::AccountId;
use stevedore_domain::money::{Currency, Minor};
use stevedore_domain::order::Order;
use stevedore_domain::sale::{Payment, Sale};
use stevedore_domain::settings::Settings;

use crate::merchant::{Merchant, now};
use crate::orders::{exact, line, order};

/// An order of 20.00, so much of it paid.
fn paid(amount: &str) -> Order {
    Order { amount_paid: exact(amount), ..order(vec![line("A", 2, "10.00")], "0", "0") }
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.payment.account = Some(AccountId::from("bank"));
    settings.payment.by_method.insert("card".to_owned(), AccountId::from("terminal"));
    settings
}

fn sale(order: &Order, with_account: bool) -> Sale {
    let mut merchant = Merchant::new();
    if with_account {
        merchant.settings.payment = settings().payment;
    }
    merchant.sale(order)
}

fn amounts(sale: &Sale) -> Vec<i64> {
    sale.invoice.payments.iter().map(|payment| payment.amount.0).collect()
}

/// Not paid, then in part, then in full, each shown twice: each difference is added once, with the method's account.
#[test]
fn s122_what_is_paid_later_is_added_once() {
    let booked = paid("0");
    let mut sale = sale(&booked, true);
    assert_eq!(amounts(&sale), [] as [i64; 0]);
    for (state, held) in [("0", &[][..]), ("5", &[500]), ("5", &[500]), ("20", &[500, 1500]), ("20.00", &[500, 1500])] {
        sale.pay_later(&booked, &paid(state), &settings()).unwrap();
        assert_eq!(amounts(&sale), held, "{state}");
    }
    let last = sale.invoice.payments.last().unwrap();
    assert_eq!(
        (last.account.as_str(), last.method.as_deref(), last.id.as_deref(), &last.by),
        ("terminal", Some("card"), Some("shipstation:900001:20.00"), &None)
    );
    assert_eq!(sale.paid_through_shipstation(&booked), exact("20"));
}

/// More than was paid at booking adds the difference; less adds nothing, and is a change.
#[test]
fn s122_less_than_before_is_a_change_and_no_payment() {
    let booked = paid("12");
    let mut sale = sale(&booked, true);
    assert!(sale.pay_later(&booked, &paid("11.99"), &settings()).unwrap().is_none());
    assert_eq!(sale.pay_later(&booked, &paid("20"), &settings()).unwrap().unwrap().amount, Minor(800));
    assert!(sale.pay_later(&booked, &paid("12"), &settings()).unwrap().is_none());
    assert_eq!(amounts(&sale), [1200, 800]);
    let told = |newest: &str| Changes::since_booking(&booked, &paid(newest), Some(sale.paid_through_shipstation(&booked)));
    assert!(told("20").is_empty());
    let less = told("12");
    assert_eq!(less.kinds(), [ChangeKind::AmountPaidLowered]);
    assert_eq!(less.sentence(), "Changed: amount_paid from 20.00 to 12.00.");
}

/// A void sale takes no payment, nor does one without an account; what a person has put on the invoice is not put there again.
#[test]
fn s122_what_takes_no_payment() {
    let booked = paid("0");
    let mut without = sale(&booked, true);
    assert!(without.pay_later(&booked, &paid("20"), &Settings::default()).unwrap().is_none());
    let mut voided = sale(&booked, true);
    voided.void(&stevedore_domain::stock::Levels::default(), now());
    assert!(voided.pay_later(&booked, &paid("20"), &settings()).unwrap().is_none());
    let mut by_hand = sale(&booked, true);
    let own = Payment {
        amount: Minor(1500),
        account: AccountId::from("cash"),
        method: None,
        date: None,
        id: Some("k".to_owned()),
        by: Some("ann".to_owned()),
    };
    by_hand.pay(own).unwrap();
    by_hand.pay_later(&booked, &paid("15"), &settings()).unwrap();
    assert_eq!(amounts(&by_hand), [1500]);
    by_hand.pay_later(&booked, &paid("20"), &settings()).unwrap();
    assert_eq!(amounts(&by_hand), [1500, 500]);
    // What was paid before there was an account is not made up for by a later revision.
    let early = paid("5");
    let mut late = sale(&early, false);
    assert!(late.pay_later(&early, &paid("5"), &settings()).unwrap().is_none());
    assert_eq!(late.pay_later(&early, &paid("7"), &settings()).unwrap().unwrap().amount, Minor(200));
    assert_eq!(late.currency, Currency::USD);
}

/// S122: a payment that came later bears the date that the merchant's clock showed, as one that was there at booking.
#[test]
fn s122_the_date_of_a_later_payment_is_the_merchants() {
    let booked = paid("0");
    // 22:30 on ShipStation's clock is the next day in New York.
    let late = Order { paid_at: Some(jiff::civil::date(2026, 5, 6).at(22, 30, 0, 0)), ..paid("20") };
    for (zone, day) in [("America/New_York", 7), ("America/Los_Angeles", 6), ("Pacific/Honolulu", 6), ("Europe/Berlin", 7)] {
        let settings = Settings { time_zone: zone.to_owned(), ..settings() };
        let payment = sale(&booked, true).pay_later(&booked, &late, &settings).unwrap().unwrap();
        assert_eq!(payment.date, Some(jiff::civil::date(2026, 5, day)), "{zone}");
    }
}
