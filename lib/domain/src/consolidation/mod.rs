//! Daily consolidation (docs/requirements.md, section 7): when a day's run is due, which orders it takes, and the one sale that they become.

mod due;
mod keys;
mod limited;
mod line;
mod merge;
mod options;
mod pairs;
mod record;

pub use due::{Decision, DueRun, Undecided, due};
pub use merge::{DayOf, DaySum, NotAdded, Share};
pub use record::{LastRun, RunRecord, RunStep, Standing};
