//! Records of the table's stream as events for other systems (N26).
//!
//! In an AWS account a pipe carries these out, without code of ours: it takes the records whose new image has the attribute `events`. This is the same for one
//! machine and for tests: a record of the stream as DynamoDB writes it, read into events.

use serde::Serialize;
use serde_json::{Map, Value};
use stevedore_domain::event::EventKind;

use crate::EVENTS;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Kind of the event.
    pub event: EventKind,
    /// Position of the record in the stream: a later write of the same item has a larger one, and a record that comes twice has the same.
    pub sequence_number: String,
    /// The item's plain attributes after the write: `sale_id`, `order_number`; `product_id`, `location_id`, `on_hand`, `allocated`, `available`, `cause`; `updates`.
    pub detail: Map<String, Value>,
}

/// Attributes that are the table's own business.
const OWN: [&str; 16] = [
    "pk", "sk", "schema", "version", "mark", "doc", "t_pk", "t_sk", "s_pk", "s_sk", "events", "chunks", "digest", "listed", "unpicked",
    "entity",
];

/// The events of one record of the stream, in the order in which the write names them. None for a record that is no event.
#[must_use]
pub fn events_of(record: &Value) -> Vec<Event> {
    let Some(image) = record.pointer("/dynamodb/NewImage").and_then(Value::as_object) else { return Vec::new() };
    let Some(named) = image.get(EVENTS).and_then(|events| events.get("L")).and_then(Value::as_array) else { return Vec::new() };
    let sequence_number = record.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str).unwrap_or_default();
    let detail: Map<String, Value> = image
        .iter()
        .filter(|(name, _)| !OWN.contains(&name.as_str()))
        .filter_map(|(name, value)| Some((name.clone(), plain(value)?)))
        .collect();
    let kind = |value: &Value| {
        let name = value.get("S")?.as_str()?;
        EventKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    };
    named
        .iter()
        .filter_map(kind)
        .map(|event| Event { event, sequence_number: sequence_number.to_owned(), detail: detail.clone() })
        .collect()
}

/// An attribute without its type; nothing for bytes.
fn plain(value: &Value) -> Option<Value> {
    let (kind, value) = value.as_object()?.iter().next()?;
    Some(match kind.as_str() {
        "S" | "BOOL" => value.clone(),
        "N" => value.as_str()?.parse::<serde_json::Number>().map_or_else(|_| value.clone(), Value::Number),
        "L" => Value::Array(value.as_array()?.iter().filter_map(plain).collect()),
        "M" => Value::Object(value.as_object()?.iter().filter_map(|(name, value)| Some((name.clone(), plain(value)?))).collect()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_is_an_event_only_where_its_write_says_so() {
        let image = json!({"pk": {"S": "ORDER#1"}, "sale_id": {"S": "SO-1"}, "doc": {"B": "AA=="}, "total": {"N": "12"},
            "events": {"L": [{"S": "sale_created"}, {"S": "invoice_authorised"}, {"S": "unheard_of"}]}});
        let record = json!({"eventName": "INSERT", "dynamodb": {"NewImage": image, "SequenceNumber": "7"}});
        let events = events_of(&record);
        assert_eq!(events.iter().map(|event| event.event).collect::<Vec<_>>(), [EventKind::SaleCreated, EventKind::InvoiceAuthorised]);
        assert_eq!(json!(events.first().map(|event| &event.detail)), json!({"sale_id": "SO-1", "total": 12}));
        assert!(events_of(&json!({"dynamodb": {"NewImage": {"pk": {"S": "ORDER#1"}}}})).is_empty());
        assert!(events_of(&json!({"eventName": "REMOVE", "dynamodb": {"OldImage": {}}})).is_empty());
    }
}
