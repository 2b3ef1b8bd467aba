//! Options that buyers chose of one line of a day (S80, N5).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sale::SaleLine;

/// The lines' comments, each with the units that have it. Of these the first [`Self::NAMED`] by their order are kept apart and the units of all others counted,
/// so that fifty thousand engravings do not fill a line; each order's own share has its own in full.
///
/// Which are kept does not depend on the order in which they come: one that is given up never comes back, because the kept ones only get smaller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Options {
    #[serde(default)]
    chosen: BTreeMap<String, i64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    others: i64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(units: &i64) -> bool {
    *units == 0
}

impl Options {
    /// Number of options that are kept apart.
    const NAMED: usize = 20;

    pub(super) fn of(line: &SaleLine) -> Self {
        let mut options = Self::default();
        options.add(line);
        options
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chosen.is_empty()
    }

    pub(super) fn add(&mut self, line: &SaleLine) {
        if let Some(comment) = &line.comment {
            self.take_over(comment.clone(), line.quantity);
        }
    }

    pub(super) fn take_over(&mut self, comment: String, units: i64) {
        let known = self.chosen.entry(comment).or_default();
        *known = known.saturating_add(units);
        if self.chosen.len() > Self::NAMED
            && let Some((_, units)) = self.chosen.pop_last()
        {
            self.others = self.others.saturating_add(units);
        }
    }

    /// The comment of a line of `all` units: the one that all of them have, else each with its units.
    pub(super) fn in_words(&self, all: i64) -> Option<String> {
        let named: i64 = self.chosen.values().fold(0, |sum, units| sum.saturating_add(*units));
        let without = all.saturating_sub(named).saturating_sub(self.others);
        if let (Some((comment, _)), 1, 0, 0) = (self.chosen.first_key_value(), self.chosen.len(), self.others, without) {
            return Some(comment.clone());
        }
        if self.chosen.is_empty() {
            return None;
        }
        let mut parts: Vec<String> = self.chosen.iter().map(|(comment, units)| format!("{units} × {comment}")).collect();
        for (units, what) in [(self.others, "other options"), (without, "without options")] {
            if units != 0 {
                parts.push(format!("{units} × {what}"));
            }
        }
        Some(parts.join(" | "))
    }
}
