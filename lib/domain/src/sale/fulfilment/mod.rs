//! Fulfilment of a sale: claims, assemblies, pick, pack and ship, and the stock that each of them moves (S30–S34, S57–S62, N18).

mod assemble;
mod claim;
mod fulfil;
mod inputs;
mod movements;
mod pick;
mod shortage;
mod stock_use;
mod void;
mod words;

pub use inputs::{Actor, Fulfilment};
