//! Invoices: authorised, paid and voided by a person, and their news for the accounting system (S39, S40, S72–S75).

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::stage::StageStatus;
use crate::ids::AccountId;
use crate::money::{LARGEST_AMOUNT, Minor};

/// The invoice of a sale. Its lines are the sale's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// State of the stage.
    pub status: StageStatus,
    /// Its number: see [`super::invoice_number`].
    pub number: String,
    /// Payments on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payments: Vec<Payment>,
    /// Payments that were on it when it was voided: a record, and no money of anybody's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub voided_payments: Vec<Payment>,
    /// Pending news of it for the accounting system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync: Option<Sync>,
}

/// A payment on an invoice (S72).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Amount that was paid: also more or less than the total.
    pub amount: Minor,
    /// The account that received it.
    pub account: AccountId,
    /// ShipStation's `paymentMethod`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The channel's own date of payment, else of the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// The key of a payment that a person added, against adding it twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Person who added it; none for what ShipStation reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

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
