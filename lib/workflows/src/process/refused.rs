//! An order that DynamoDB refuses for what it holds. Trying again never helps, so it ends `failed` at once, with its text and the reason.

use stevedore_aws::messages::OrderMessage;
use stevedore_aws::{CommitOutcome, Error, OrderCommit, OrderRecord};
use stevedore_domain::log::{LogEntry, LogState, Outcome};
use stevedore_domain::order::Revision;
use stevedore_domain::reason::Reason;
use stevedore_domain::warning::Warning;

use super::Deps;
use super::{Failure, Processed};

/// The most bytes of an order number that the entry keeps: it must not be what is refused.
const LONGEST_NUMBER: usize = 256;

/// Writes what is known of the order, and the refusal. A sale that the order has stays as it is: the refused revision is a warning of its entry then.
///
/// `planned` is the entry that was refused together with the rest.
pub(crate) async fn keep(
    deps: &Deps,
    planned: &LogEntry,
    known: Option<&OrderRecord>,
    revision: &Revision,
    message: &OrderMessage,
    error: &Error,
) -> Result<Processed, Failure> {
    let now = (deps.clock)();
    let stored = known.and_then(OrderRecord::entry);
    let has_sale = stored.is_some_and(|stored| stored.entry.sale_id.is_some());
    let mut entry = match stored {
        Some(stored) => stored.entry.clone(),
        None => LogEntry {
            sale_id: None,
            order_number: cut(&planned.order_number),
            warnings: Vec::new(),
            timeline: Vec::new(),
            ..planned.clone()
        },
    };
    let why = Warning::new(Reason::NotStorable, "");
    let again = entry.newest().is_some_and(|newest| newest.digest == revision.key.digest)
        && (entry.reason == Some(why.reason) || entry.warnings.iter().any(|warning| warning.reason == why.reason));
    let outcome = if has_sale { Outcome::Updated } else { Outcome::Failed };
    if !(again && stored.is_some()) {
        tracing::error!(order_id = %entry.order_id, error = %stevedore_lambda::ErrorChain(error), "DynamoDB refuses the order for what it holds");
        entry.record_revision(revision.key, Some(message.operation_id.clone()));
        entry.add_event(now, format!("refused by the table: {}", why.reason), message.operation_id.as_str());
        if has_sale {
            entry.add_warning(why);
        } else {
            entry.state = LogState::Failed;
            entry.reason = Some(why.reason);
            entry.message = Some(why.message);
            entry.sale_total = None;
        }
        let write = OrderCommit { entry: &entry, known, order: Some((&revision.key, &message.order)), sale: None, paid: None, beside: &[] };
        match deps.table.commit_order(write, now).await? {
            CommitOutcome::Written => {}
            _ => return Err(Failure::Contended),
        }
    }
    let sale_id = entry.sale_id.clone();
    Ok(Processed { order_id: entry.order_id, outcome, reason: Some(Reason::NotStorable), state: Some(entry.state), sale_id })
}

fn cut(text: &str) -> String {
    text.get(..text.floor_char_boundary(LONGEST_NUMBER)).unwrap_or_default().to_owned()
}
