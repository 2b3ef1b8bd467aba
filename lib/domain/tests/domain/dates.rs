//! Dates of orders, invoices and payments on the merchant's calendar (docs/requirements.md, section 6).

use jiff::civil::{Date, date};
use stevedore_domain::calendar::Calendar;
use stevedore_domain::ids::AccountId;
use stevedore_domain::log::{Decision, Outcome, Trigger, classify};
use stevedore_domain::order::{Order, OrderStatus};
use stevedore_domain::pacific::wall_time;
use stevedore_domain::reason::Reason;
use stevedore_domain::sale::Sale;
use stevedore_domain::settings::Settings;

use crate::day::{daily_merchant, day_of};
use crate::merchant::Merchant;
use crate::orders::{line, order, pacific, revision};

fn ordered(time: &str) -> Order {
    Order { ordered_at: wall_time(time), paid_at: None, ..order(vec![line("A", 1, "10")], "0", "0") }
}

fn merchant(zone: &str) -> Merchant {
    Merchant::with_settings(|settings| {
        zone.clone_into(&mut settings.time_zone);
        settings.payment.account = Some(AccountId::from("bank"));
    })
}

fn dates(zone: &str, order: &Order) -> (Option<Date>, Option<Date>) {
    let sale = merchant(zone).sale(order);
    (sale.dated(), sale.invoice.payments[0].date)
}

/// An order of February that is booked in May is February's, on the sale and for its payment.
#[test]
fn a_sale_has_the_orders_own_date() {
    let order = ordered("2026-02-03T10:00:00.0000000");
    assert_eq!(dates("America/New_York", &order), (Some(date(2026, 2, 3)), Some(date(2026, 2, 3))));
    let text = serde_json::to_string(&merchant("America/New_York").sale(&order)).unwrap();
    assert_eq!(text.matches(r#""date":"2026-02-03""#).count(), 2, "{text}");
}

/// A Pacific evening is the next day in New York and in Sydney, and the same day in Honolulu; a Pacific morning is the same day everywhere but there.
#[test]
fn dates_are_those_of_the_merchants_zone() {
    for (zone, evening, early) in
        [("America/Los_Angeles", 3, 3), ("America/New_York", 4, 3), ("UTC", 4, 3), ("Australia/Sydney", 4, 3), ("Pacific/Honolulu", 3, 2)]
    {
        let at = |time: &str| Order { paid_at: wall_time(time), ..ordered(time) };
        let expected = |day| (Some(date(2026, 2, day)), Some(date(2026, 2, day)));
        assert_eq!(dates(zone, &at("2026-02-03T23:30:00")), expected(evening), "{zone}");
        assert_eq!(dates(zone, &at("2026-02-03T00:30:00")), expected(early), "{zone}");
    }
    // Order and payment each have their own.
    let both = Order { paid_at: wall_time("2026-02-10T22:00:00"), ..ordered("2026-02-03T23:30:00") };
    assert_eq!(dates("America/New_York", &both), (Some(date(2026, 2, 4)), Some(date(2026, 2, 11))));
}

/// Midnight to the second is a date without a time, which no zone moves.
#[test]
fn a_date_without_a_time_is_the_same_in_every_zone() {
    for zone in ["America/Los_Angeles", "America/New_York", "UTC", "Australia/Sydney", "Pacific/Honolulu"] {
        assert_eq!(dates(zone, &ordered("2026-02-03")).0, Some(date(2026, 2, 3)), "{zone}");
    }
}

/// Without `orderDate` the order is dated by its entry into ShipStation, and without that by nothing.
#[test]
fn an_order_without_a_date_of_its_own() {
    let undated = Order { ordered_at: None, created_at: Some(pacific("2026-02-03T22:00:00")), ..ordered("2026-02-03") };
    assert_eq!(dates("America/New_York", &undated), (Some(date(2026, 2, 4)), None));
    let unknown = Order { created_at: None, ..undated };
    assert_eq!(dates("America/New_York", &unknown), (None, None));
    // A zone that does not exist any more is UTC's.
    let settings = Settings { time_zone: "Mars/Olympus".to_owned(), ..Settings::default() };
    assert_eq!(Calendar::of(&settings).ordered(&ordered("2026-02-03T22:00:00")), Some(date(2026, 2, 4)));
}

/// `order_lock_date` is a date of the merchant's zone: an order of a Pacific evening is the next day's in New York.
#[test]
fn the_lock_date_is_a_date_of_the_merchants_zone() {
    let decide = |zone: &str, order: Order| {
        let mut settings = merchant(zone).settings;
        settings.order_lock_date = Some(date(2026, 2, 4));
        classify(&revision(order), &settings, None, Trigger::Schedule)
    };
    let locked = Decision::Nothing(Outcome::Skipped, Some(Reason::BeforeLockDate));
    let evening = || ordered("2026-02-03T23:30:00");
    assert_eq!(decide("America/New_York", evening()), Decision::Capture);
    assert_eq!(decide("America/Los_Angeles", evening()), locked);
    assert_eq!(decide("Pacific/Honolulu", ordered("2026-02-04T00:30:00")), locked);
    let entered = Order { ordered_at: None, created_at: Some(pacific("2026-02-03T23:30:00")), ..evening() };
    assert_eq!(decide("America/New_York", entered), Decision::Capture);
}

/// S23: a day's sale is dated by its day, and its payments by the merchant's calendar.
#[test]
fn s23_a_days_sale_has_its_local_date() {
    let mut merchant = daily_merchant();
    merchant.settings.time_zone = "America/New_York".to_owned();
    let sale = day_of(&merchant, &[Order { paid_at: wall_time("2026-05-03T23:30:00"), ..ordered("2026-02-03T10:00:00") }]);
    assert_eq!((sale.dated(), sale.order_date), (Some(date(2026, 5, 4)), None));
    assert_eq!(sale.invoice.payments[0].date, Some(date(2026, 5, 4)));
}

/// A sale that was stored before dates were kept is still read, and has none.
#[test]
fn a_sale_that_was_stored_without_a_date_is_read() {
    let sale = merchant("UTC").sale(&ordered("2026-02-03T10:00:00"));
    let mut stored = serde_json::to_value(&sale).unwrap();
    stored.as_object_mut().unwrap().remove("date");
    let read: Sale = serde_json::from_value(stored).unwrap();
    assert_eq!(read.dated(), None);
    assert_eq!(read, Sale { order_date: None, ..sale });
}

/// A year that no channel can mean is no date: it dates neither the order nor its payment, the sale names what was left out, and an order on hold that bears it
/// as its payment's date is not paid.
#[test]
fn a_date_of_an_impossible_year_is_none() {
    let merchant = merchant("America/New_York");
    for time in ["0001-01-01T00:00:00", "1900-01-01T00:00:00", "1970-12-31T23:59:59", "9999-12-31T23:59:59"] {
        let order = Order { paid_at: wall_time(time), created_at: Some(pacific("2026-02-03T22:00:00")), ..ordered(time) };
        assert_eq!(dates("America/New_York", &order), (Some(date(2026, 2, 4)), None), "{time}");
        let sale = merchant.sale(&order);
        let told = sale.warnings.iter().find(|warning| warning.reason == Reason::DateLeftOut).map(|warning| warning.message.as_str());
        assert!(told.is_some_and(|told| told.starts_with("Left out: orderDate, paymentDate.")), "{time}: {told:?}");
        let held = Order { status: OrderStatus::OnHold, ..order };
        let decision = classify(&revision(held), &merchant.settings, None, Trigger::Schedule);
        assert_eq!(decision, Decision::Nothing(Outcome::Waiting, Some(Reason::OnHold)), "{time}");
    }
    for time in ["1971-01-01T00:00:00", "9998-12-31T12:00:00"] {
        let sale = merchant.sale(&Order { paid_at: wall_time(time), ..ordered(time) });
        assert_eq!(sale.dated(), wall_time(time).map(jiff::civil::DateTime::date), "{time}");
        assert!(sale.warnings.iter().all(|warning| warning.reason != Reason::DateLeftOut), "{time}: {:?}", sale.warnings);
    }
}
