//! A draft invoice, adjusted by a person (S39): what of it may change, and what it adds up to then.
//!
//! What ShipStation stated stays known: the total as it was booked. Stock is moved by the quantities of lines, so those of lines that move stock stay.

use jiff::Timestamp;
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use super::adjusted::{Adjusted, AdjustedBy};
use super::line::{Charge, Discount, SaleLine, SaleTaxRule};
use super::record::Sale;
use super::stage::StageStatus;
use crate::ids::AccountId;
use crate::money::{Currency, LARGEST_AMOUNT, Minor};
use crate::settings::FieldError;
use crate::stock::LARGEST_QUANTITY;

/// A person's change of a draft. Members that are none stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adjustment {
    /// Changes of lines, each named by its number.
    pub lines: Vec<LineAdjustment>,
    /// Every additional charge, as they shall be.
    pub charges: Option<Vec<Charge>>,
    /// Every discount, as they shall be.
    pub discounts: Option<Vec<Discount>>,
}

/// A person's change of one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineAdjustment {
    /// Number of the line.
    pub line_no: u32,
    /// Its name.
    pub name: Option<String>,
    /// Its comment, or none.
    pub comment: Option<Option<String>>,
    /// Only of a line that moves no stock.
    pub quantity: Option<i64>,
    /// Price of one.
    pub unit_price: Option<Decimal>,
    /// Its tax.
    pub tax: Option<Minor>,
    /// The rule under whose name the tax stands.
    pub tax_rule: Option<SaleTaxRule>,
    /// The revenue account, or none.
    pub account: Option<Option<AccountId>>,
}

/// Reason for which a sale is not adjusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotAdjusted {
    /// The sale is void.
    Voided,
    /// The invoice is authorised.
    Authorised,
    /// These members are at fault; pointers are those of the adjustment.
    Wrong(Vec<FieldError>),
}

/// Changed lines that an adjustment's words name; the others are counted.
const NAMED_LINES: usize = 8;

impl Sale {
    /// Adjusts a draft, and adds it up anew. Answers whether that changed anything; nothing is changed on error.
    ///
    /// # Errors
    /// [`NotAdjusted`].
    pub fn adjust(&mut self, adjustment: Adjustment, at: Timestamp, by: &str) -> Result<bool, NotAdjusted> {
        if self.voided_at.is_some() {
            return Err(NotAdjusted::Voided);
        }
        if self.invoice.status != StageStatus::Draft {
            return Err(NotAdjusted::Authorised);
        }
        let mut changed = self.clone();
        let mut faults = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for (index, change) in adjustment.lines.into_iter().enumerate() {
            let pointer = format!("/lines/{index}");
            if !seen.insert(change.line_no) {
                faults.push(fault(&pointer, "/line_no", "repeated", "This line is named twice."));
                continue;
            }
            changed.adjust_line(change, &pointer, &mut faults);
        }
        if let Some(charges) = adjustment.charges {
            changed.charges = charges;
        }
        if let Some(discounts) = adjustment.discounts {
            changed.discounts = discounts;
        }
        let left = |rule: &SaleTaxRule| {
            let names = |sale: &Self| sale.lines.iter().any(|line| line.tax_rule == rule.id);
            names(self) && !names(&changed)
        };
        let kept = changed.tax_rules.iter().filter(|rule| !left(rule)).cloned().collect();
        changed.tax_rules = kept;
        if changed.size() > LARGEST_AMOUNT.unsigned_abs() {
            faults.push(fault("", "", "out_of_range", "The sale's amounts together would be too large to be booked."));
        }
        if !faults.is_empty() {
            return Err(NotAdjusted::Wrong(faults));
        }
        changed.add_up();
        if changed == *self {
            return Ok(false);
        }
        changed.note_adjustment(self, at, by);
        *self = changed;
        Ok(true)
    }

    /// Amount that a person's adjustments added to the total that ShipStation stated.
    #[must_use]
    pub fn difference_to_shipstation(&self) -> Minor {
        self.adjusted.as_ref().map_or(Minor::ZERO, |adjusted| self.total - adjusted.stated_total)
    }

    fn adjust_line(&mut self, change: LineAdjustment, pointer: &str, faults: &mut Vec<FieldError>) {
        let currency = self.currency;
        let Some(line) = self.lines.iter_mut().find(|line| line.line_no == change.line_no) else {
            faults.push(fault(pointer, "/line_no", "unknown_line", "The sale has no line of this number."));
            return;
        };
        if let Some(name) = change.name {
            line.name = name;
        }
        if let Some(comment) = change.comment {
            line.comment = comment;
        }
        if let Some(account) = change.account {
            line.account = account;
        }
        if let Some(tax) = change.tax {
            line.tax = tax;
        }
        let (quantity, unit_price) = (change.quantity.unwrap_or(line.quantity), change.unit_price.unwrap_or(line.unit_price));
        if quantity != line.quantity && line.moves_goods() {
            let message = "The line has a claim on stock, so its quantity stays. Void the sale and re-create it, or change its price.";
            faults.push(fault(pointer, "/quantity", "moves_stock", message));
            return;
        }
        if quantity.unsigned_abs() > LARGEST_QUANTITY.unsigned_abs() {
            faults.push(fault(pointer, "/quantity", "out_of_range", "The quantity is larger than can be booked."));
            return;
        }
        if (quantity, unit_price) != (line.quantity, line.unit_price) {
            match whole(currency, quantity, unit_price) {
                Some(total) => (line.quantity, line.unit_price, line.total) = (quantity, unit_price, total),
                None => faults.push(fault(pointer, "/unit_price", "out_of_range", "The line's total would be too large to be booked.")),
            }
        }
        if let Some(rule) = change.tax_rule {
            line.tax_rule = rule.id.clone();
            // What a rule of the sale was when it was booked stays.
            if self.tax_rules.iter().all(|known| known.id != rule.id) {
                self.tax_rules.push(rule);
            }
        }
    }

    /// Subtotal, tax and total from the parts.
    fn add_up(&mut self) {
        self.subtotal = self.lines.iter().map(|line| line.total).sum();
        self.tax = self.lines.iter().map(|line| line.tax).chain(self.charges.iter().map(|charge| charge.tax)).sum();
        self.total = self.sum_of_parts();
        self.note_overpayment();
    }

    /// The amounts of all parts together, without their signs.
    fn size(&self) -> u64 {
        let lines = self.lines.iter().flat_map(|line| [line.total, line.tax]);
        let charges = self.charges.iter().flat_map(|charge| [charge.amount, charge.tax]);
        let discounts = self.discounts.iter().map(|discount| discount.amount);
        lines.chain(charges).chain(discounts).fold(0, |sum: u64, amount| sum.saturating_add(amount.0.unsigned_abs()))
    }

    fn note_adjustment(&mut self, before: &Self, at: Timestamp, by: &str) {
        let change = AdjustedBy { at, by: by.to_owned(), what: self.difference_in_words(before), total: self.total };
        let adjusted = self.adjusted.get_or_insert_with(|| Box::new(Adjusted { stated_total: before.total, changes: Vec::new() }));
        if adjusted.changes.len() >= Adjusted::KEPT {
            adjusted.changes.remove(1);
        }
        adjusted.changes.push(change);
    }

    fn difference_in_words(&self, before: &Self) -> String {
        let currency = self.currency;
        let mut parts = Vec::new();
        let changed = self.lines.iter().zip(&before.lines).filter(|(now, then)| now != then);
        for (now, then) in changed.clone().take(NAMED_LINES) {
            parts.push(format!("line {}: {}", now.line_no, line_in_words(now, then, currency)));
        }
        match changed.count().saturating_sub(NAMED_LINES) {
            0 => {}
            more => parts.push(format!("{more} more lines")),
        }
        for (name, same) in [("charges", self.charges == before.charges), ("discounts", self.discounts == before.discounts)] {
            if !same {
                parts.push(name.to_owned());
            }
        }
        if self.total != before.total {
            parts.push(format!("total {} → {}", currency.text(before.total), currency.text(self.total)));
        }
        parts.join("; ")
    }
}

fn line_in_words(now: &SaleLine, then: &SaleLine, currency: Currency) -> String {
    let account = |line: &SaleLine| line.account.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
    let mut parts = Vec::new();
    let mut say = |name: &str, was: String, is: String| {
        if was != is {
            parts.push(format!("{name} {was} → {is}"));
        }
    };
    say("quantity", then.quantity.to_string(), now.quantity.to_string());
    say("unit price", then.unit_price.to_string(), now.unit_price.to_string());
    say("tax", currency.text(then.tax), currency.text(now.tax));
    say("tax rule", then.tax_rule.to_string(), now.tax_rule.to_string());
    say("account", account(then), account(now));
    if now.name != then.name {
        parts.push("name".to_owned());
    }
    if now.comment != then.comment {
        parts.push("comment".to_owned());
    }
    parts.join(", ")
}

/// Quantity × price in whole minor units, halves away from zero.
fn whole(currency: Currency, quantity: i64, unit_price: Decimal) -> Option<Minor> {
    let amount = Decimal::from(quantity).checked_mul(unit_price)?;
    let scaled = currency.scaled(amount).ok()?;
    scaled.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i64().map(Minor)
}

fn fault(pointer: &str, member: &str, code: &'static str, message: &str) -> FieldError {
    FieldError { pointer: format!("{pointer}{member}"), code, message: message.to_owned() }
}
