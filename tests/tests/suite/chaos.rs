//! Chaos: the program is stopped before and after every call, messages come twice, at once, out of order and again from the dead letters, calls and
//! entries of batches fail, time runs out. Whatever happens, the end is the same (P1–P4).

mod breaker;
mod day_messages;
mod days;
mod delivery;
mod end;
mod handing_on;
mod lagging;
mod large_voids;
mod lineage;
mod process;
mod stock;
mod stops;
mod storm;

pub use breaker::{Breaker, Plan};
