//! Invoices: authorised, paid and voided by a person, and what the accounting system hears of them (S39, S40, S72–S75).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Invoice, Payment, Sale, StageStatus, Warning};
use crate::money::{LARGEST_AMOUNT, Minor};
use crate::reason::Reason;

/// News of an invoice for the accounting system. One at a time: what it has not heard yet it need not hear twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sync {
    /// The event.
    pub action: SyncAction,
    /// Time of the event.
    pub created_at: Timestamp,
    /// Time at which an accounting connector acknowledged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<Timestamp>,
}

/// Event of an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncAction {
    /// It was authorised: book it.
    Authorised,
    /// It was voided after the accounting system had it: take it back.
    Voided,
}

/// Reason for which a payment was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentRefused {
    /// The invoice is void.
    Voided,
    /// Another payment has the same key and says something else.
    KeyTaken,
    /// More would go back than what was paid.
    MoreThanPaid(Minor),
    /// All payments together would be larger than what can be booked.
    TooLarge,
    /// The invoice has [`MOST_PAYMENTS`] already.
    TooMany,
}

/// The most payments that one invoice takes.
pub const MOST_PAYMENTS: usize = 100;

impl Sync {
    /// True if an accounting connector still has to fetch it.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.acknowledged_at.is_none()
    }
}

impl Invoice {
    /// Authorises a draft, and has the accounting system hear of it (S40). Answers whether there was anything to do.
    pub fn authorise(&mut self, at: Timestamp) -> bool {
        if self.status != StageStatus::Draft {
            return false;
        }
        self.status = StageStatus::Authorised;
        self.sync = Some(Sync { action: SyncAction::Authorised, created_at: at, acknowledged_at: None });
        true
    }

    /// Voids the invoice and its payments. An accounting system that has it already hears of that; one that has not never needs to know.
    pub(super) fn void(&mut self, at: Timestamp) {
        self.status = StageStatus::Voided;
        self.voided_payments.append(&mut self.payments);
        self.sync = match self.sync.take() {
            Some(sync) if !sync.is_pending() => Some(Sync { action: SyncAction::Voided, created_at: at, acknowledged_at: None }),
            _ => None,
        };
    }

    /// Amount that was paid and has not gone back.
    #[must_use]
    pub fn paid(&self) -> Minor {
        self.payments.iter().map(|payment| payment.amount).sum()
    }

    /// Adds a payment that a person states. Stated again under its key it is the same payment. Money that goes back is bounded by what was paid; a payment
    /// is not bounded by the total. Answers whether it is new.
    pub(super) fn pay(&mut self, payment: Payment) -> Result<bool, PaymentRefused> {
        if self.status == StageStatus::Voided {
            return Err(PaymentRefused::Voided);
        }
        let same = |known: &&Payment| payment.id.is_some() && known.id == payment.id;
        if let Some(known) = self.payments.iter().find(same) {
            let says_the_same = (known.amount, &known.account, &known.method, known.date)
                == (payment.amount, &payment.account, &payment.method, payment.date);
            return if says_the_same { Ok(false) } else { Err(PaymentRefused::KeyTaken) };
        }
        let (before, after) = (self.paid(), self.paid() + payment.amount);
        if payment.amount < Minor::ZERO && after < Minor::ZERO {
            return Err(PaymentRefused::MoreThanPaid(before.or_zero()));
        }
        if after > Minor(LARGEST_AMOUNT) {
            return Err(PaymentRefused::TooLarge);
        }
        if self.payments.len() >= MOST_PAYMENTS {
            return Err(PaymentRefused::TooMany);
        }
        self.payments.push(payment);
        Ok(true)
    }
}

impl Sale {
    /// Adds a payment that a person states. More than the total is taken, since channels report it too, and the sale says so. Answers whether it is new.
    ///
    /// # Errors
    /// [`PaymentRefused`].
    pub fn pay(&mut self, payment: Payment) -> Result<bool, PaymentRefused> {
        let new = self.invoice.pay(payment)?;
        if new {
            self.note_overpayment();
        }
        Ok(new)
    }

    /// Warns while more was paid than the total.
    pub(super) fn note_overpayment(&mut self) {
        self.warnings.retain(|warning| warning.reason != Reason::PaidAboveTotal);
        let paid = self.invoice.paid();
        if paid > self.total.or_zero() {
            let detail = format!("Paid {} of {} {}.", self.currency.text(paid), self.currency.text(self.total), self.currency);
            self.warnings.push(Warning::new(Reason::PaidAboveTotal, &detail));
        }
    }
}
