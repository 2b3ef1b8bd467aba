//! Invoices: authorised, paid and voided by a person, and what the accounting system hears of them (S39, S40, S72–S75).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Invoice, Payment, StageStatus};

/// What the accounting system is to hear of an invoice. One at a time: what it has not heard yet it need not hear twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sync {
    /// What happened.
    pub action: SyncAction,
    /// When.
    pub created_at: Timestamp,
    /// When an accounting connector said that it has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<Timestamp>,
}

/// What happened to an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncAction {
    /// It was authorised: book it.
    Authorised,
    /// It was voided after the accounting system had it: take it back.
    Voided,
}

/// Why a payment was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentRefused {
    /// The invoice is void.
    Voided,
    /// Another payment has the same key and says something else.
    KeyTaken,
}

/// The most payments that one invoice takes.
pub const MOST_PAYMENTS: usize = 100;

impl Sync {
    /// Whether an accounting connector still has to fetch it.
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

    /// Adds a payment that a person states. Stated again under its key it is the same payment. Answers whether it is new.
    ///
    /// # Errors
    /// [`PaymentRefused`].
    pub fn pay(&mut self, payment: Payment) -> Result<bool, PaymentRefused> {
        if self.status == StageStatus::Voided {
            return Err(PaymentRefused::Voided);
        }
        let same = |known: &&Payment| payment.id.is_some() && known.id == payment.id;
        if let Some(known) = self.payments.iter().find(same) {
            let says_the_same = (known.amount, &known.account, &known.method, known.date)
                == (payment.amount, &payment.account, &payment.method, payment.date);
            return if says_the_same { Ok(false) } else { Err(PaymentRefused::KeyTaken) };
        }
        self.payments.push(payment);
        Ok(true)
    }
}
