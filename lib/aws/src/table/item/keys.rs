//! Every key of the table, made here and nowhere else.

use jiff::Timestamp;
use jiff::civil::Date;
use stevedore_domain::ids::{OperationId, OrderId, ProductId, SaleId, ShipstationAccount};
use stevedore_domain::log::LogEntry;
use stevedore_domain::order::RevisionKey;
use stevedore_domain::stock::StockKey;

/// A primary key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub pk: String,
    pub sk: String,
}

impl Key {
    pub(crate) fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: partition(pk), sk: sort(sk) }
    }
}

/// The most bytes of a partition key, of the table's and of an index's (DynamoDB developer guide, "Constraints"). An engine on one machine may not hold an index
/// to it.
const LONGEST_PARTITION: usize = 2_048;
/// The same of a sort key.
const LONGEST_SORT: usize = 1_024;

/// A text as a partition key: order numbers and e-mail addresses come from outside, and have no end of their own.
pub(crate) fn partition(text: impl Into<String>) -> String {
    fitted(text.into(), LONGEST_PARTITION)
}

/// An order's number as the key of its index. Nothing for what is no number: an order without one is found by its id.
pub(crate) fn order_number(number: &str) -> Option<String> {
    (!number.trim().is_empty()).then(|| partition(number))
}

/// A text as a sort key.
pub(crate) fn sort(text: impl Into<String>) -> String {
    fitted(text.into(), LONGEST_SORT)
}

/// A text in at most so many bytes: itself while it fits, else its beginning and a digest of all of it, so that different texts stay different. The whole text is
/// in the item's document.
fn fitted(text: String, most: usize) -> String {
    if text.len() <= most {
        return text;
    }
    let digest = format!("~{:032x}", stevedore_domain::digest::Digest::of_bytes(text.as_bytes()).value);
    let end = text.floor_char_boundary(most - digest.len());
    format!("{}{digest}", text.get(..end).unwrap_or_default())
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.pk, self.sk)
    }
}

pub(crate) const HEAD: &str = "HEAD";

pub(crate) fn connection() -> Key {
    Key::new("CONFIG", "CONNECTION")
}
pub(crate) fn settings() -> Key {
    Key::new("CONFIG", "SETTINGS")
}
pub(crate) fn settings_change(version: u64) -> Key {
    Key::new("CONFIG#SETTINGS", format!("{version:010}"))
}
pub(crate) fn stores() -> Key {
    Key::new("CONFIG", "STORES")
}
/// How far the ids of earlier sales have been checked.
pub(crate) fn sale_ids() -> Key {
    Key::new("CONFIG", "SALE_IDS")
}
pub(crate) fn pacing() -> Key {
    Key::new("CONFIG", "PACING")
}
/// Counts of the home page.
pub(crate) fn tally() -> Key {
    Key::new("CONFIG", "TALLY")
}
/// The key of page tokens.
pub(crate) fn tokens() -> Key {
    Key::new("CONFIG", "TOKENS")
}
pub(crate) fn audit(id: &str) -> Key {
    Key::new("AUDIT", id)
}
pub(crate) fn cursor() -> Key {
    Key::new("CURSOR", "orders")
}
/// Every account that is or was connected.
pub(crate) fn accounts() -> Key {
    Key::new("CONFIG", "ACCOUNTS")
}
pub(crate) fn log_entry(account: ShipstationAccount, order: OrderId) -> Key {
    Key::new(format!("ORDER#{}", account.qualify(order)), "LOG")
}
/// All chunks of one revision share this prefix.
pub(crate) fn revision_prefix(key: &RevisionKey) -> String {
    format!("REV#{}#{}#", instant(key.modified_at), key.digest)
}
pub(crate) fn sale(id: &SaleId) -> Key {
    Key::new(format!("SALE#{id}"), HEAD)
}
/// Chunks are named by what they hold, so that writing them twice writes the same and two revisions never mix.
pub(crate) fn sale_chunk_prefix(digest: &str) -> String {
    format!("DOC#{digest}#")
}
pub(crate) fn chunk(prefix: &str, number: usize) -> String {
    format!("{prefix}{number:04}")
}
pub(crate) fn operation(id: &OperationId) -> Key {
    Key::new(format!("OP#{id}"), HEAD)
}
pub(crate) fn operation_page(id: &OperationId, page: u32) -> Key {
    Key::new(format!("OP#{id}"), format!("PAGE#{page:06}"))
}
pub(crate) fn operation_input(id: &OperationId, chunk: u32) -> Key {
    Key::new(format!("OP#{id}"), format!("INPUT#{chunk:06}"))
}
/// What every change of components or kinds moves, so that of two at once one is decided again.
pub(crate) fn composition() -> Key {
    Key::new("COMPOSITION", HEAD)
}
/// A product that has `component` as a component.
pub(crate) fn component_use(component: &ProductId, user: &str) -> Key {
    Key::new(format!("USED#{component}"), format!("BY#{user}"))
}
pub(crate) fn unreadable_order(position: &str) -> Key {
    Key::new("TROUBLE", position)
}
/// All levels and adjustments of a product.
pub(crate) fn stock_partition(product: &ProductId) -> String {
    format!("STOCK#{product}")
}
/// Levels share this prefix, whatever their location is called.
pub(crate) const LEVEL_PREFIX: &str = "LEVEL#";
pub(crate) fn stock(key: &StockKey) -> Key {
    Key::new(stock_partition(&key.product_id), format!("{LEVEL_PREFIX}{}", key.location_id))
}
pub(crate) fn adjustment(product: &ProductId, id: &str) -> Key {
    Key::new(stock_partition(product), format!("ADJUSTMENT#{id}"))
}
/// The steps of one piece of work on a sale's stock.
pub(crate) fn step_prefix(work: &str) -> String {
    format!("STEP#{work}#")
}
/// What a sale that was written still has to give back, step by step.
pub(crate) fn give_prefix(work: &str) -> String {
    format!("GIVE#{work}#")
}
/// What the last step of a download says of stock.
pub(crate) fn stock_update(operation: &OperationId, page: usize) -> Key {
    Key::new(format!("OP#{operation}"), format!("STOCK#{page:04}"))
}
/// What wants attention of an order or a sale shares this prefix.
pub(crate) const ATTENTION_ITEMS: &str = "ATTENTION#";
/// Beside the order; of an order in a day's sale beside that.
pub(crate) fn attention_of_order(entry: &LogEntry, reason: &str) -> Key {
    match entry.sale_id.as_ref().filter(|id| id.day().is_some()) {
        Some(day) => Key::new(sale(day).pk, format!("{ATTENTION_ITEMS}{reason}#{}", entry.account.qualify(entry.order_id))),
        None => Key::new(log_entry(entry.account, entry.order_id).pk, format!("{ATTENTION_ITEMS}{reason}")),
    }
}
pub(crate) fn attention_of_sale(id: &SaleId, reason: &str) -> Key {
    Key::new(sale(id).pk, format!("{ATTENTION_ITEMS}{reason}"))
}
/// The markers of daily consolidation, one for each local date.
pub(crate) const RUNS: &str = "RUN#consolidation";
pub(crate) fn run(date: Date) -> Key {
    Key::new(RUNS, date.to_string())
}
/// What belongs to one run.
pub(crate) fn run_parts(date: Date) -> String {
    format!("{RUNS}#{date}")
}
/// The pages of a run share this prefix.
pub(crate) const RUN_PAGES: &str = "PAGE#";
pub(crate) fn run_page(date: Date, page: u32) -> Key {
    Key::new(run_parts(date), format!("{RUN_PAGES}{page:06}"))
}
/// All sums that a run has put away share this prefix.
pub(crate) const SUMS: &str = "SUM#";
/// All chunks of one sum share this prefix.
pub(crate) fn sum_prefix(digest: &str) -> String {
    format!("{SUMS}{digest}#")
}
pub(crate) fn record(kind: &str, id: &str) -> Key {
    Key::new(format!("{kind}#{id}"), HEAD)
}
/// The newest records of a kind.
pub(crate) fn recent(kind: &str) -> Key {
    Key::new(format!("RECENT#{kind}"), HEAD)
}
/// Markers of disconnected accounts share this prefix.
pub(crate) const SWEEPS: &str = "SWEEP#";
pub(crate) fn sweep(account: ShipstationAccount) -> Key {
    Key::new("CONFIG", format!("{SWEEPS}{}", account.qualify("ALL")))
}
pub(crate) fn unique(kind: &str, value: &str) -> Key {
    Key::new(format!("UNIQUE#{kind}#{value}"), HEAD)
}
/// Which products a code (SKU or alias, folded) names.
pub(crate) fn product_code(folded: &str) -> Key {
    Key::new(format!("CODE#{folded}"), HEAD)
}
pub(crate) fn product_link(account: ShipstationAccount, shipstation_product: impl std::fmt::Display) -> Key {
    Key::new(format!("LINK#product#{}", account.qualify(shipstation_product)), HEAD)
}
pub(crate) fn customer_link(account: ShipstationAccount, shipstation_customer: impl std::fmt::Display) -> Key {
    Key::new(format!("LINK#customer#{}", account.qualify(shipstation_customer)), HEAD)
}
/// The oldest customer with an e-mail address (folded).
pub(crate) fn email(folded: &str) -> Key {
    Key::new(format!("EMAIL#{folded}"), HEAD)
}

/// An instant as text that sorts in time: fixed width, to the microsecond.
pub(crate) fn instant(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%S.%6f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key never exceeds what DynamoDB takes; what fits stays as it is, and long texts that differ at their ends alone have different keys.
    #[test]
    fn long_texts_are_cut_and_stay_different() {
        let pk = |address: &str| email(address).pk;
        let fits = "e".repeat(LONGEST_PARTITION - "EMAIL#".len());
        assert_eq!(pk(&fits), format!("EMAIL#{fits}"));
        let long = "\u{e9}".repeat(3_000);
        let (one, other) = (pk(&format!("{long}1")), pk(&format!("{long}2")));
        assert!(one.len() <= LONGEST_PARTITION && one.len() > LONGEST_PARTITION - 4 && one != other);
        let key = Key::new("A", "b".repeat(5_000));
        assert_eq!(key.sk.len(), LONGEST_SORT);
        assert_eq!(key, Key::new("A", "b".repeat(5_000)));
    }
}
