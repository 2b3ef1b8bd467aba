//! Payments that ShipStation shows after the order was booked (S122; docs/requirements.md, section 6).

use rust_decimal::Decimal;

use super::{Payment, Sale};
use crate::calendar::Calendar;
use crate::ids::OrderId;
use crate::money::{AmountError, Minor};
use crate::order::Order;
use crate::settings::Settings;

/// Begins the keys of these payments: the order, and up to what amount it was paid then. One state of an order's payment is booked once.
fn prefix(order: OrderId) -> String {
    format!("shipstation:{order}:")
}

impl Sale {
    /// Amount that the sale holds as paid through ShipStation for an order of its own: what the booked revision stated, and what was added since. Payments that a
    /// person added are none of that.
    #[must_use]
    pub fn paid_through_shipstation(&self, booked: &Order) -> Decimal {
        let prefix = prefix(booked.id);
        let later = self.invoice.payments.iter().filter(|payment| payment.id.as_ref().is_some_and(|id| id.starts_with(&prefix)));
        booked.amount_paid + self.currency.decimal(later.map(|payment| payment.amount).sum())
    }

    /// Adds what the newest revision shows as paid beyond that. Less than that adds nothing, and neither does what a person has put on the invoice of a single
    /// order already; a void sale takes none. Answers the payment, where it is new.
    ///
    /// # Errors
    /// [`AmountError`] where the amount cannot be booked exactly.
    pub fn pay_later(&mut self, booked: &Order, newest: &Order, settings: &Settings) -> Result<Option<Payment>, AmountError> {
        let Some(account) = settings.payment_account(newest.payment_method.as_deref()).filter(|_| self.voided_at.is_none()) else {
            return Ok(None);
        };
        let now = self.currency.minor(newest.amount_paid)?;
        let mut due = now - self.currency.minor(self.paid_through_shipstation(booked))?;
        if self.source.order().is_some() {
            let on_the_invoice: Minor = self.invoice.payments.iter().map(|payment| payment.amount).sum();
            due = due.min(now - on_the_invoice);
        }
        if due <= Minor::ZERO {
            return Ok(None);
        }
        let payment = Payment {
            amount: due,
            account: account.clone(),
            method: newest.payment_method.clone(),
            date: Calendar::of(settings).paid(newest),
            id: Some(format!("{}{}", prefix(newest.id), self.currency.text(now))),
            by: None,
        };
        Ok(self.invoice.pay(payment.clone()).unwrap_or(false).then_some(payment))
    }
}
