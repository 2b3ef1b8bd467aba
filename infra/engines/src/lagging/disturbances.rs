//! Draws the disturbance of a request before it is executed, from the seed.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::Value;

use super::dice::Dice;
use super::split::{Split, by_chance};

/// Maximum number of consecutive disturbances of one request.
const MOST: u8 = 2;

/// Disturbance of one request.
#[derive(Debug)]
pub(super) enum Disturbance {
    /// The operation is not executed and returns this error.
    Throttled(&'static str),
    /// Another transaction holds the item of the action at `place`. The operation is not executed.
    Conflict { place: usize },
    /// There is no capacity for the transaction's action at `place`. The operation is not executed.
    CancelledByThrottling { place: usize },
    /// A part of a batch is executed.
    Partial(Split),
}

pub(super) struct Disturbances {
    dice: Dice,
    /// Consecutive disturbances of a request since it last succeeded, by its content.
    disturbed: HashMap<u64, u8>,
}

impl Disturbances {
    pub(super) fn new(seed: u64) -> Self {
        Self { dice: Dice::new(seed, 1), disturbed: HashMap::new() }
    }

    /// Draws the disturbance of one request.
    pub(super) fn draw(&mut self, operation: &str, request: &Value) -> Option<Disturbance> {
        let of_items = ["GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "BatchGetItem", "BatchWriteItem", "TransactWriteItems"];
        if !of_items.contains(&operation) {
            return None;
        }
        let name = named(operation, request);
        let before = self.disturbed.get(&name).copied().unwrap_or(0);
        let drawn = if before < MOST { self.kind(operation, request) } else { None };
        if drawn.is_some() {
            self.disturbed.insert(name, before + 1);
        } else {
            self.disturbed.remove(&name);
        }
        drawn
    }

    fn kind(&mut self, operation: &str, request: &Value) -> Option<Disturbance> {
        let dice = &mut self.dice;
        if dice.percent(2) {
            let codes = ["ProvisionedThroughputExceededException", "ThrottlingException"];
            return codes.get(dice.below(codes.len())).copied().map(Disturbance::Throttled);
        }
        match operation {
            "TransactWriteItems" if dice.percent(10) => {
                let actions = request.get("TransactItems").and_then(Value::as_array).map_or(0, Vec::len);
                let place = dice.below(actions);
                let throttled = dice.percent(20);
                Some(if throttled { Disturbance::CancelledByThrottling { place } } else { Disturbance::Conflict { place } })
            }
            "PutItem" | "UpdateItem" | "DeleteItem" if dice.percent(6) => Some(Disturbance::Conflict { place: 0 }),
            "BatchWriteItem" | "BatchGetItem" if dice.percent(20) => by_chance(operation, request, dice).map(Disturbance::Partial),
            _ => None,
        }
    }
}

/// A digest of a request, without the parts that differ when it is sent again.
fn named(operation: &str, request: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    operation.hash(&mut hasher);
    for (member, value) in request.as_object().into_iter().flatten().filter(|(member, _)| *member != "ClientRequestToken") {
        member.hash(&mut hasher);
        value.to_string().hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_is_disturbed_twice_in_a_row_at_most() {
        for seed in 0..50 {
            let mut disturbances = Disturbances::new(seed);
            let mut row = 0;
            for token in 0..500 {
                let request = json!({"TransactItems": [{"Put": {}}, {"Put": {}}], "ClientRequestToken": token.to_string()});
                row = if disturbances.draw("TransactWriteItems", &request).is_some() { row + 1 } else { 0 };
                assert!(row <= 2, "{seed}");
            }
            assert!(disturbances.disturbed.len() <= 1, "what went through is forgotten");
        }
    }
}
