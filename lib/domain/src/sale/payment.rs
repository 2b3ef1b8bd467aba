//! Payments that a person adds to a sale (S72, S73).

use super::invoice::{Payment, PaymentRefused};
use super::record::Sale;
use crate::reason::Reason;
use crate::warning::Warning;

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
