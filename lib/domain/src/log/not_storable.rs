//! An order that the table refuses for what it holds. Trying again never helps, so it ends `failed`, with its text and the reason; a sale that it has stays as
//! it is, and the refused revision is a warning of its entry then.

use jiff::Timestamp;

use super::transition::{EntryPlan, Transition};
use super::{LogEntry, LogState, Outcome};
use crate::ids::OperationId;
use crate::order::RevisionKey;
use crate::reason::Reason;
use crate::warning::Warning;

/// The most bytes of an order number that the entry keeps: it must not be what is refused.
const LONGEST_NUMBER: usize = 256;

/// Decides on an order that the table refused: `planned` is the entry that was refused together with the rest, `known` the one that is stored.
#[must_use]
pub fn not_storable(
    planned: &LogEntry,
    known: Option<&LogEntry>,
    key: RevisionKey,
    operation_id: &OperationId,
    now: Timestamp,
) -> Transition {
    let has_sale = known.is_some_and(|known| known.sale_id.is_some());
    let outcome = if has_sale { Outcome::Updated } else { Outcome::Failed };
    let why = Warning::new(Reason::NotStorable, "");
    if known.is_some_and(|known| says_so_already(known, &key, why.reason)) {
        return Transition::Nothing { outcome, reason: Some(why.reason) };
    }
    let mut entry = known.cloned().unwrap_or_else(|| LogEntry {
        sale_id: None,
        order_number: cut(&planned.order_number),
        warnings: Vec::new(),
        timeline: Vec::new(),
        ..planned.clone()
    });
    entry.record_revision(key, Some(operation_id.clone()));
    entry.add_event(now, format!("refused by the table: {}", why.reason), operation_id.as_str());
    let reason = Some(why.reason);
    if has_sale {
        entry.add_warning(why);
    } else {
        entry.set_state(LogState::Failed, Some(why));
        entry.sale_total = None;
    }
    Transition::Write(Box::new(EntryPlan { entry, brings_order: Some(key), booked: None, paid: None, outcome, reason }))
}

/// True if the entry has recorded the refusal of this revision.
fn says_so_already(known: &LogEntry, key: &RevisionKey, reason: Reason) -> bool {
    known.newest().is_some_and(|newest| newest.digest == key.digest)
        && (known.reason == Some(reason) || known.warnings.iter().any(|warning| warning.reason == reason))
}

fn cut(text: &str) -> String {
    text.get(..text.floor_char_boundary(LONGEST_NUMBER)).unwrap_or_default().to_owned()
}
