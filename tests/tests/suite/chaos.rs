//! Chaos: the program is stopped before and after every call. Messages come twice, at once, out of
//! order and again from the dead letters. Calls and entries of batches fail, and time runs out. The
//! final state is always the same (P1–P4).

mod breaker;
mod day_messages;
mod days;
mod delivery;
mod disconnects;
mod end;
mod fall_backs;
mod handing_on;
mod lagging;
mod large_voids;
mod lineage;
mod old_voids;
mod process;
mod stock;
mod stops;
mod storm;

pub use breaker::{Breaker, Plan};
