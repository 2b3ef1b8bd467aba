//! Invoices that a person authorises, pays and voids (S39, S40, S72, S122, S152).

use stevedore_domain::ids::AccountId;
use stevedore_domain::money::Minor;
use stevedore_domain::reason::Reason;
use stevedore_domain::sale::{Adjustment, LineAdjustment, NotAdjusted, Payment, PaymentRefused, Sale, StageStatus, SyncAction};
use stevedore_domain::stock::Levels;

use crate::merchant::{Merchant, now, reasons, then};
use crate::orders::{line, order};

/// A sale of 10.00 on which nothing is paid.
fn sale() -> Sale {
    let sale = Merchant::new().sale(&order(vec![line("A", 1, "10")], "0", "0"));
    assert_eq!((sale.total, sale.invoice.paid()), (Minor(1000), Minor(0)));
    sale
}

fn payment(cents: i64) -> Payment {
    Payment { amount: Minor(cents), account: AccountId::from("bank"), method: None, date: None, id: None, by: Some("avery".to_owned()) }
}

/// S72: no more goes back than was paid, and where nothing was paid nothing does; all of it may.
#[test]
fn s72_no_more_goes_back_than_was_paid() {
    let mut sale = sale();
    assert_eq!(sale.pay(payment(-50_000)), Err(PaymentRefused::MoreThanPaid(Minor(0))));
    assert_eq!(sale.pay(payment(700)), Ok(true));
    assert_eq!(sale.pay(payment(-701)), Err(PaymentRefused::MoreThanPaid(Minor(700))));
    assert_eq!((sale.invoice.paid(), sale.invoice.payments.len()), (Minor(700), 1), "a refused payment changes nothing");
    assert_eq!(sale.pay(payment(-700)), Ok(true));
    assert_eq!(sale.invoice.paid(), Minor(0));
}

/// S72: what is paid to the cent is not warned of, one cent more is, and the warning goes when the cent goes back.
#[test]
fn s72_only_more_than_the_total_is_warned_of() {
    let mut sale = sale();
    for (cents, warned) in [(1000, false), (1, true), (-1, false)] {
        assert_eq!(sale.pay(payment(cents)), Ok(true));
        assert_eq!(reasons(&sale).contains(&Reason::PaidAboveTotal), warned, "after {cents} cents: {:?}", sale.warnings);
    }
}

/// S40: an invoice is authorised once, and the accounting system hears of it once.
#[test]
fn s40_an_invoice_is_authorised_once() {
    let mut sale = sale();
    assert!(sale.invoice.authorise(then()));
    let sync = sale.invoice.sync.as_mut().unwrap();
    assert_eq!((sync.action, sync.created_at, sync.is_pending()), (SyncAction::Authorised, then(), true));
    sync.acknowledged_at = Some(then());
    let heard = sale.clone();
    assert!(!sale.invoice.authorise(now()));
    assert_eq!(sale, heard);
    sale.void(&Levels::default(), now());
    assert!(!sale.invoice.authorise(now()), "a void invoice stays void");
    assert_eq!(sale.invoice.status, StageStatus::Voided);
}

/// S40, S152: the accounting system hears of a void only where it has the invoice. A void invoice takes no payment.
#[test]
fn s40_s152_a_void_is_told_to_who_has_the_invoice() {
    for (authorised, heard, told) in [(false, false, None), (true, false, None), (true, true, Some(SyncAction::Voided))] {
        let mut sale = sale();
        if authorised {
            sale.invoice.authorise(then());
        }
        if heard {
            sale.invoice.sync.as_mut().unwrap().acknowledged_at = Some(then());
        }
        sale.void(&Levels::default(), now());
        let sync = sale.invoice.sync.as_ref();
        assert_eq!(sync.map(|sync| sync.action), told, "authorised: {authorised}, heard of: {heard}");
        assert!(sync.is_none_or(|sync| sync.is_pending() && sync.created_at == now()));
        assert_eq!(sale.pay(payment(1)), Err(PaymentRefused::Voided));
    }
}

/// S39: an authorised invoice is not adjusted, nor a void sale; a draft is.
#[test]
fn s39_only_a_draft_is_adjusted() {
    let change = || Adjustment {
        lines: vec![LineAdjustment { line_no: 1, tax: Some(Minor(5)), ..LineAdjustment::default() }],
        ..Adjustment::default()
    };
    let mut draft = sale();
    assert_eq!(draft.adjust(change(), now(), "avery"), Ok(true));
    let mut authorised = sale();
    authorised.invoice.authorise(then());
    let mut void = sale();
    void.void(&Levels::default(), then());
    for (mut sale, refused) in [(authorised, NotAdjusted::Authorised), (void, NotAdjusted::Voided)] {
        let before = sale.clone();
        assert_eq!(sale.adjust(change(), now(), "avery"), Err(refused));
        assert_eq!(sale, before);
    }
}
