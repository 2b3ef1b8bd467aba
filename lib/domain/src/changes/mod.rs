//! Changes in ShipStation since an order was booked (S108; docs/requirements.md, section 9): always between the revision that was booked and the newest one, never
//! between two that came after it.
//!
//! Only what the books depend on is a change: goods, prices, totals, addresses, warehouse, store, a hold, a cancellation, a merge or split, and less money.
//! That an order is shipped, labelled, tagged, annotated or lists its lines in another order is none.

mod address;
mod change;
mod lines;
mod since_booking;
mod words;

pub use change::{Change, ChangeKind, Changes};
