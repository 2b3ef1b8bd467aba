//! Warnings about settings that are accepted all the same.

use super::Settings;
use crate::reason::Reason;
use crate::reference::TaxRule;
use crate::warning::Warning;

/// The member under which settings are answered with their warnings. It is no setting: a write may send it back, and it is never kept.
pub const WARNINGS: &str = "warnings";

/// Number of rules that a warning names.
const NAMED: usize = 5;

impl Settings {
    /// Warnings about these settings, given every tax rule that orders may fall under: with recalculation on, the rules that say no percentage (S70).
    #[must_use]
    pub fn warnings(&self, tax_rules: &[TaxRule]) -> Vec<Warning> {
        let is_used = |rule: &&TaxRule| rule.place.is_some() || self.tax.default_rule.as_ref() == Some(&rule.id);
        let silent: Vec<String> = tax_rules
            .iter()
            .filter(|rule| self.tax.recalculate && rule.percent().is_zero())
            .filter(is_used)
            .map(|rule| format!("{} ({})", rule.name, rule.id))
            .collect();
        if silent.is_empty() {
            return Vec::new();
        }
        let shown = silent.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = match silent.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        vec![Warning::new(Reason::TaxRuleWithoutPercent, &format!("Rules: {shown}{more}."))]
    }
}
