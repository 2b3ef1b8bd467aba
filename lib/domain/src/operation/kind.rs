//! The registry of operation kinds: everything that is not the same for all of them is said here, once.
//!
//! API schema, operation ids, the panel's labels, the terminal, settling and the queues read it; the compiler asks a new kind for its line.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::ids::{OperationId, OrderId};
use crate::import::Format;

/// An operation's kind, with what that kind needs to be told. The record that holds it is the authority: the command on the queue only names the operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum OperationKind {
    /// Orders that were created or changed since the cursor (S113).
    Download,
    /// Every order that entered ShipStation since a day (S114).
    LoadOrders {
        /// The day, in the merchant's zone.
        from: Date,
    },
    /// One order by its number (N6).
    LoadOrder {
        /// Compared exactly.
        order_number: String,
    },
    /// Pending orders once more (S107).
    ProcessPending {
        /// The orders; none means all of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order_ids: Option<Vec<OrderId>>,
    },
    /// One order's sale voided, and the order booked anew (N6).
    Recreate {
        /// The order.
        order_id: OrderId,
    },
    /// The orders of a day become one sale (S23).
    Consolidate {
        /// The day, in the merchant's zone; none while a person's word has not begun anything.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        local_date: Option<Date>,
    },
    /// Products from a file.
    ImportProducts {
        /// The file's format.
        format: Format,
        /// Rows of the file.
        rows: u64,
        /// Items that hold its text.
        chunks: u32,
        /// Batches of rows that are carried out: where the next invocation goes on.
        #[serde(default)]
        done: u32,
    },
}

/// The starter of a kind's operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartedBy {
    /// The schedule alone.
    Schedule,
    /// A person, by `POST /v1/operations`; consolidation by the schedule too.
    Request,
    /// A person, by a route of its own.
    OwnRoute,
}

/// The queue that carries the command to run an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunQueue {
    /// The commands queue.
    Commands,
    /// Consolidation's own.
    Consolidation,
}

/// The part of ShipStation that an operation reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Every order of a window of time.
    Window,
    /// The orders with one number, or one order.
    One,
    /// Nothing: what it works on is here.
    Here,
}

/// The subject of an operation's rows, and where their outcomes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowsOf {
    /// Orders that were read; their outcomes are read from the log.
    OrdersRead,
    /// Orders that the log knew before and that are tried again; their outcomes are read from the log's state.
    OrdersTried,
    /// Orders that were left out of a day; the run writes the counts itself.
    OrdersLeftOut,
    /// Lines of a file that were refused; the run writes the counts itself.
    Lines,
}

/// One kind, as the registry has it.
#[derive(Debug)]
pub struct KindSpec {
    /// The name in stored records and over the API.
    pub name: &'static str,
    /// The name that people read.
    pub label: &'static str,
    /// The starter.
    pub started_by: StartedBy,
    /// The queue of its command.
    pub queue: RunQueue,
    /// The part of ShipStation that it reads.
    pub source: Source,
    /// The subject of its rows.
    pub rows: RowsOf,
}

macro_rules! registry {
    ($($variant:ident: $spec:expr),+ $(,)?) => {
        /// Every kind, in the order of the registry.
        pub const KINDS: &[KindSpec] = &[$($spec),+];

        impl OperationKind {
            /// The kind's line of the registry.
            #[must_use]
            pub fn spec(&self) -> &'static KindSpec {
                match self {
                    $(Self::$variant { .. } => const { &$spec },)+
                }
            }
        }
    };
}

registry! {
    Download: KindSpec {
        name: "download",
        label: "Scheduled download",
        started_by: StartedBy::Schedule,
        queue: RunQueue::Commands,
        source: Source::Window,
        rows: RowsOf::OrdersRead,
    },
    LoadOrders: KindSpec {
        name: "load_orders",
        label: "Load orders from a day",
        started_by: StartedBy::Request,
        queue: RunQueue::Commands,
        source: Source::Window,
        rows: RowsOf::OrdersRead,
    },
    LoadOrder: KindSpec {
        name: "load_order",
        label: "Load one order",
        started_by: StartedBy::Request,
        queue: RunQueue::Commands,
        source: Source::One,
        rows: RowsOf::OrdersRead,
    },
    ProcessPending: KindSpec {
        name: "process_pending",
        label: "Process pending orders",
        started_by: StartedBy::OwnRoute,
        queue: RunQueue::Commands,
        source: Source::Here,
        rows: RowsOf::OrdersTried,
    },
    Recreate: KindSpec {
        name: "recreate",
        label: "Re-create a sale",
        started_by: StartedBy::OwnRoute,
        queue: RunQueue::Commands,
        source: Source::One,
        rows: RowsOf::OrdersTried,
    },
    Consolidate: KindSpec {
        name: "consolidate",
        label: "Day's sale",
        started_by: StartedBy::Request,
        queue: RunQueue::Consolidation,
        source: Source::Here,
        rows: RowsOf::OrdersLeftOut,
    },
    ImportProducts: KindSpec {
        name: "import_products",
        label: "Import products",
        started_by: StartedBy::OwnRoute,
        queue: RunQueue::Commands,
        source: Source::Here,
        rows: RowsOf::Lines,
    },
}

impl KindSpec {
    /// An id that sorts in time; `attempt` tells those of one millisecond apart.
    #[must_use]
    pub fn id(&self, at: Timestamp, attempt: u32) -> OperationId {
        OperationId::at(at, &self.name.replace('_', "-"), attempt)
    }

    /// True if the run writes its operation's counts itself; otherwise they are counted from the log.
    #[must_use]
    pub fn counts_itself(&self) -> bool {
        matches!(self.rows, RowsOf::OrdersLeftOut | RowsOf::Lines)
    }

    /// Word for what its rows are about, in the plural.
    #[must_use]
    pub fn counted(&self) -> &'static str {
        if self.rows == RowsOf::Lines { "rows" } else { "orders" }
    }
}

impl OperationKind {
    /// The first day that is loaded.
    #[must_use]
    pub fn from(&self) -> Option<Date> {
        if let Self::LoadOrders { from } = self { Some(*from) } else { None }
    }

    /// The day that becomes one sale.
    #[must_use]
    pub fn local_date(&self) -> Option<Date> {
        if let Self::Consolidate { local_date } = self { *local_date } else { None }
    }

    /// The number of the one order that it is about; ShipStation's id where it has no number.
    #[must_use]
    pub fn order(&self) -> Option<String> {
        match self {
            Self::LoadOrder { order_number } => Some(order_number.clone()),
            Self::Recreate { order_id } => Some(order_id.to_string()),
            _ => None,
        }
    }

    /// True for the run of a day, which goes on until it is done.
    #[must_use]
    pub fn is_run_of_a_day(&self) -> bool {
        self.local_date().is_some()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use jiff::civil::date;

    fn one_of_each() -> Vec<OperationKind> {
        vec![
            OperationKind::Download,
            OperationKind::LoadOrders { from: date(2026, 1, 31) },
            OperationKind::LoadOrder { order_number: "1001".to_owned() },
            OperationKind::ProcessPending { order_ids: Some(vec![OrderId(7)]) },
            OperationKind::Recreate { order_id: OrderId(7) },
            OperationKind::Consolidate { local_date: None },
            OperationKind::ImportProducts { format: Format::Csv, rows: 2, chunks: 1, done: 0 },
        ]
    }

    /// The registry's name is the one in stored records.
    #[test]
    fn each_kind_is_stored_under_its_name_of_the_registry() {
        let kinds = one_of_each();
        assert_eq!(kinds.iter().map(|kind| kind.spec().name).collect::<Vec<_>>(), KINDS.iter().map(|spec| spec.name).collect::<Vec<_>>());
        for kind in kinds {
            let stored = serde_json::to_value(&kind).unwrap();
            assert_eq!(stored["kind"], kind.spec().name);
            assert_eq!(serde_json::from_value::<OperationKind>(stored).unwrap(), kind);
        }
    }

    /// A record of the release before names no orders.
    #[test]
    fn pending_orders_without_a_list_are_all_of_them() {
        let stored = r#"{"kind":"process_pending"}"#;
        assert_eq!(serde_json::from_str::<OperationKind>(stored).unwrap(), OperationKind::ProcessPending { order_ids: None });
    }

    #[test]
    fn ids_sort_in_time() {
        let at: Timestamp = "2026-01-31T10:15:00.123456Z".parse().unwrap();
        let spec = OperationKind::LoadOrders { from: date(2026, 1, 1) }.spec();
        assert_eq!(spec.id(at, 1).as_str(), "20260131T101500123-load-orders");
        assert_eq!(spec.id(at, 2).as_str(), "20260131T101500123-load-orders-2");
    }
}
