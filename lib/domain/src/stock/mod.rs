//! Stock: how much of a product is at a location, and what moves it.
//!
//! Three counters describe a level, and every movement adds to them. `available` is what nobody has a claim on; `unpicked` is what lies on the shelf and
//! is in nobody's hands yet, and never falls below zero: nothing is picked that is not there (P5).

mod adjustment;
mod known_levels;
mod level;
mod movement;
mod phases;

pub use adjustment::Adjustment;
pub use known_levels::Levels;
pub use level::{Change, Floor, LARGEST_QUANTITY, Level, StockChange, StockKey};
pub use movement::{Movement, MovementKind, sum};
pub use phases::Phases;
