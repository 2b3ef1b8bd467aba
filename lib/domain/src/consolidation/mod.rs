//! Daily consolidation (docs/requirements.md, section 7): when a day's run is due, which orders it takes, and the one sale that they become.

mod capped_totals;
mod due;
mod group_key;
mod line;
mod merge;
mod options;
mod record;
mod serde_pairs;

pub use due::{DueDecision, Undecided, due};
pub use merge::{DayOf, DaySum, NotAdded, Share};
pub use record::{DueRun, LastRun, RunHistory, RunRecord, RunStep};
