//! The stack: everything of a deployment, on one machine.

mod background;
mod idle;
mod invoke;
mod running;
mod start;

pub use running::Stack;
