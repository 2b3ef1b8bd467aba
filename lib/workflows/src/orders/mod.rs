//! ShipStation's orders become messages on the orders queue: by the schedule, because a person asked, or again because something changed here.

mod alike;
mod command;
mod day_member;
mod deps;
mod download;
mod error;
mod heal;
mod housekeeping;
mod import;
mod ingest_page;
mod metrics;
mod numbers;
mod one_order;
mod position;
mod presence;
mod recreate;
mod requeue;
mod run;
mod sale_ids;
mod schedule;
mod sending;
mod stop;
mod store_names;
pub(crate) mod unread_places;
mod unreadable;
mod withdraw_merged;

use jiff::Timestamp;
use serde_json::Value;
use stevedore_aws::messages::Command;
use stevedore_lambda::Deadline;

pub use deps::Deps;
pub use error::{Error, MARGIN};
pub use metrics::{METRICS, RUN_METRICS};

/// One tick of the schedule: the download, if it is due, then housekeeping.
///
/// # Errors
/// [`Error`]; the tick may come again, which is safe.
pub async fn tick(deps: &Deps, at: Timestamp, deadline: Deadline) -> Result<Value, Error> {
    let answer = Box::pin(schedule::tick(deps, at, deadline)).await;
    Box::pin(sale_ids::check(deps, deadline)).await;
    answer
}

/// Carries out a command of the commands queue.
///
/// # Errors
/// [`Error`]; the command may come again, and goes on where it stopped.
pub async fn carry_out(deps: &Deps, command: Command, deadline: Deadline) -> Result<(), Error> {
    Box::pin(command::carry_out(deps, command, deadline)).await
}
