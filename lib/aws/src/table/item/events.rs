//! Events on items: the attribute `events` names what the write that put it there did. The table's stream carries it out.

use aws_sdk_dynamodb::types::AttributeValue;
use stevedore_domain::event::EventKind;

use crate::table::{Item, text};

/// The attribute. An item without it, or one that only left or expired, is no event.
pub const EVENTS: &str = "events";

/// Names what this write does. A later write of the item that does nothing of the kind leaves the attribute out.
pub(crate) fn name(item: &mut Item, events: &[EventKind]) {
    if !events.is_empty() {
        item.insert(EVENTS.to_owned(), list(events));
    }
}

/// Takes the events off an item again: another one of the same write names them.
pub(crate) fn unname(item: &mut Item) {
    item.remove(EVENTS);
}

pub(crate) fn list(events: &[EventKind]) -> AttributeValue {
    AttributeValue::L(events.iter().map(|event| text(event.as_str())).collect())
}
