//! Messages of the queues.
//!
//! Orders queue: one order a message, exactly as ShipStation sent it, packed when it would not fit. Commands queue: what a person asked for, or
//! what an invocation could not finish.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use stevedore_domain::ids::{OperationId, OrderId, ShipstationAccount};
use stevedore_domain::log::Trigger;

use crate::table::item::codec;

/// The version that this program writes and reads.
pub const VERSION: u32 = 1;

/// The version of a message that is of another account than the first. A program that does not know of accounts must not take it for one of the first.
const WITH_ACCOUNT: u32 = 2;

/// The versions of order messages that this program reads.
const ORDER_VERSIONS: [u32; 2] = [VERSION, WITH_ACCOUNT];

/// SQS takes a message, and all messages of one batch together, up to this many bytes.
pub const LARGEST_BATCH: usize = 1 << 20;

/// An order is packed when its message would be larger: ten such still fit one batch.
const PACKED_ABOVE: usize = LARGEST_BATCH / 10 - 64;

/// One order to process.
#[derive(Debug)]
pub struct OrderMessage {
    /// The operation that read it.
    pub operation_id: OperationId,
    /// The account that it was read from.
    pub account: ShipstationAccount,
    /// Starter of that operation.
    pub trigger: Trigger,
    /// Time at which it was read from ShipStation, where the message says so.
    pub read_at: Option<Timestamp>,
    /// The order exactly as ShipStation sent it.
    pub order: Box<RawValue>,
    /// Orders of the same store, number and key that were queued before this one by the same invocation. None for nearly every order.
    pub alike: Vec<OrderId>,
}

/// Reason for which a message cannot be read. The message belongs to the dead letters.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// Not JSON.
    #[error("the message is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// Not of this shape.
    #[error("the message is not an order or a command of this system")]
    Malformed(#[source] serde_json::Error),
    /// Written by a version that this one does not know.
    #[error("the message has version {0}, and this program reads versions {VERSION} and {WITH_ACCOUNT}")]
    Version(u32),
    /// Neither the order nor its packed form is there.
    #[error("the message has no order")]
    NoOrder,
    /// The packed form is damaged.
    #[error("the message's order cannot be unpacked: {0}")]
    Packed(String),
}

#[derive(Serialize, Deserialize)]
struct OrderWire<O> {
    v: u32,
    operation_id: OperationId,
    #[serde(default, skip_serializing_if = "ShipstationAccount::is_first")]
    account: ShipstationAccount,
    trigger: Trigger,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    read_at: Option<Timestamp>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    order: Option<O>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    packed: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    alike: Vec<OrderId>,
}

impl MessageError {
    fn of(error: serde_json::Error) -> Self {
        if error.is_data() { Self::Malformed(error) } else { Self::NotJson(error) }
    }

    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJson(_) => "not_json",
            Self::Malformed(_) => "not_a_message",
            Self::Version(_) => "unknown_version",
            Self::NoOrder => "no_order",
            Self::Packed(_) => "damaged_order",
        }
    }
}

/// Reason for which a message's text is none of ours: first of all whether it has an order at all.
fn no_order_or(error: serde_json::Error, body: &str) -> MessageError {
    #[derive(Deserialize)]
    struct Bare {
        order: Option<serde::de::IgnoredAny>,
        packed: Option<serde::de::IgnoredAny>,
    }
    match serde_json::from_str::<Bare>(body) {
        Ok(Bare { order: None, packed: None }) => MessageError::NoOrder,
        _ => MessageError::of(error),
    }
}

fn none<T>() -> Option<T> {
    None
}

#[derive(Deserialize)]
struct Versioned {
    v: u32,
}

fn check_version(body: &str, known: &[u32]) -> Result<(), MessageError> {
    let Versioned { v } = serde_json::from_str(body).map_err(MessageError::of)?;
    if known.contains(&v) { Ok(()) } else { Err(MessageError::Version(v)) }
}

/// The same JSON without the two characters that SQS refuses and JSON allows, U+FFFE and U+FFFF: they can only stand in a string, where an escape says the same.
/// (Control characters stand in no JSON text, and half a surrogate pair in no text at all.)
fn for_the_queue(json: String) -> String {
    // Nearly all orders are ASCII, which is found out sixteen bytes at a time.
    if json.is_ascii() || !(json.contains('\u{fffe}') || json.contains('\u{ffff}')) {
        return json;
    }
    json.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff")
}

impl OrderMessage {
    /// The message's text. Nothing when the order is too large even packed.
    ///
    /// # Errors
    /// When the compressor fails, which it does not for want of anything but memory.
    pub fn encode(&self) -> Result<Option<String>, crate::Error> {
        const OPERATION: &str = "encode an order message";
        let encoding = crate::Error::encoding(OPERATION);
        let mut wire = OrderWire {
            v: if self.account.is_first() { VERSION } else { WITH_ACCOUNT },
            operation_id: self.operation_id.clone(),
            account: self.account,
            trigger: self.trigger,
            read_at: self.read_at,
            order: Some(&self.order),
            packed: None,
            alike: self.alike.clone(),
        };
        if self.order.get().len() > PACKED_ABOVE {
            let packed = codec::pack(self.order.get().as_bytes()).map_err(encoding)?;
            wire.order = None;
            wire.packed = Some(STANDARD.encode(packed));
        }
        let text = serde_json::to_string(&wire).map_err(|error| crate::Error::encoding(OPERATION)(error.into()))?;
        let text = for_the_queue(text);
        Ok((text.len() <= LARGEST_BATCH).then_some(text))
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`MessageError`]: the message belongs to the dead letters.
    pub fn decode(body: &str) -> Result<Self, MessageError> {
        // One scan reads it; a message of an unknown version may have any other shape.
        let wire: OrderWire<Box<RawValue>> = serde_json::from_str(body).map_err(|error| {
            let version = check_version(body, &ORDER_VERSIONS);
            version.err().unwrap_or_else(|| no_order_or(error, body))
        })?;
        if !ORDER_VERSIONS.contains(&wire.v) {
            return Err(MessageError::Version(wire.v));
        }
        let order = match (wire.order, wire.packed) {
            (Some(order), _) => order,
            (None, Some(packed)) => {
                let unreadable = |error: String| MessageError::Packed(error);
                let packed = STANDARD.decode(packed).map_err(|error| unreadable(error.to_string()))?;
                let text = codec::unpack(&packed).map_err(|error| unreadable(error.to_string()))?;
                serde_json::from_slice(&text).map_err(MessageError::of)?
            }
            (None, None) => return Err(MessageError::NoOrder),
        };
        Ok(Self {
            operation_id: wire.operation_id,
            account: wire.account,
            trigger: wire.trigger,
            read_at: wire.read_at,
            order,
            alike: wire.alike,
        })
    }
}

/// Something to do beside orders, asked for by a person or left over by an invocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Run an operation, or go on with it: its record says what is to be done and how far it is.
    ///
    /// The release before had a command for each kind and one for going on; what they say besides the operation is in its record.
    #[serde(alias = "load_orders", alias = "load_order", alias = "import_products", alias = "recreate", alias = "continue")]
    Run {
        /// The operation, which exists already.
        operation_id: OperationId,
    },
    /// Queue pending, blocked, skipped and failed orders again, because something that they wait for has changed here: some, or all.
    ProcessPending {
        /// The operation, in what the release before sent where a person asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operation_id: Option<OperationId>,
        /// The orders; none means all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order_ids: Option<Vec<OrderId>>,
    },
    /// Consolidate what is due, or go on with it.
    Consolidate {
        /// The operation, in what the release before sent where a person asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operation_id: Option<OperationId>,
    },
    /// Go on removing what ties us to ShipStation.
    Disconnect,
}

#[derive(Serialize, Deserialize)]
struct CommandWire {
    v: u32,
    #[serde(flatten)]
    command: Command,
}

impl Command {
    /// The operation that it is about, if it is about one.
    #[must_use]
    pub fn operation_id(&self) -> Option<&OperationId> {
        match self {
            Self::Run { operation_id } => Some(operation_id),
            Self::ProcessPending { operation_id, .. } | Self::Consolidate { operation_id } => operation_id.as_ref(),
            Self::Disconnect => None,
        }
    }

    /// The message's text.
    ///
    /// # Errors
    /// None in practice: every command is plain JSON.
    pub fn encode(&self) -> Result<String, crate::Error> {
        serde_json::to_string(&CommandWire { v: VERSION, command: self.clone() })
            .map(for_the_queue)
            .map_err(|error| crate::Error::encoding("encode a command")(error.into()))
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`MessageError`]: the message belongs to the dead letters.
    pub fn decode(body: &str) -> Result<Self, MessageError> {
        check_version(body, &[VERSION])?;
        Ok(serde_json::from_str::<CommandWire>(body).map_err(MessageError::of)?.command)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn message(order: &str) -> OrderMessage {
        OrderMessage {
            operation_id: "op".into(),
            account: stevedore_domain::ids::ShipstationAccount::FIRST,
            trigger: Trigger::Schedule,
            read_at: Some("2026-11-22T10:00:00Z".parse().unwrap()),
            order: RawValue::from_string(order.to_owned()).unwrap(),
            alike: Vec::new(),
        }
    }

    /// SQS takes the characters of XML 1.0; what JSON has besides travels escaped and is read as it was.
    #[test]
    fn characters_that_the_queue_refuses_travel_escaped() {
        let order = "{\"orderId\":1,\"n\u{fffe}\":\"Bad\u{ffff} char, \u{1fffe} and \\ud83d\"}";
        let text = message(order).encode().unwrap().unwrap();
        assert!(!text.contains(['\u{fffe}', '\u{ffff}']), "{text}");
        let read = OrderMessage::decode(&text).unwrap();
        assert_eq!(read.order.get(), "{\"orderId\":1,\"n\\ufffe\":\"Bad\\uffff char, \u{1fffe} and \\ud83d\"}");
        let command = Command::Run { operation_id: "N\u{ffff}".into() };
        let text = command.encode().unwrap();
        assert!(!text.contains('\u{ffff}'));
        assert_eq!(Command::decode(&text).unwrap(), command);
    }

    #[test]
    fn an_order_travels_exactly_as_it_was_sent() {
        let order = r#"{"orderId": 9007199254740993, "orderTotal":19.990, "x": 1e2}"#;
        let text = message(order).encode().unwrap().unwrap();
        assert!(text.contains(order));
        let read = OrderMessage::decode(&text).unwrap();
        assert_eq!(read.order.get(), order);
        assert_eq!(read.trigger, Trigger::Schedule);
    }

    /// Orders that were queued before one that is like them travel with it; a plain order's message has not a byte more.
    #[test]
    fn orders_alike_travel_with_the_message() {
        let plain = message("{}");
        assert!(!plain.encode().unwrap().unwrap().contains("alike"));
        let twin = OrderMessage { alike: vec![OrderId(303)], ..plain };
        assert_eq!(OrderMessage::decode(&twin.encode().unwrap().unwrap()).unwrap().alike, [OrderId(303)]);
    }

    #[test]
    fn a_large_order_is_packed_and_unpacked() {
        let order = format!("{{\"items\":[{}]}}", vec![r#"{"sku":"A","unitPrice":19.990}"#; 60_000].join(","));
        let text = message(&order).encode().unwrap().unwrap();
        assert!(text.len() < LARGEST_BATCH / 4 && order.len() > LARGEST_BATCH);
        assert_eq!(OrderMessage::decode(&text).unwrap().order.get(), order);
    }

    #[test]
    fn unreadable_messages_say_why() {
        assert!(matches!(OrderMessage::decode("hello"), Err(MessageError::NotJson(_))));
        assert!(matches!(OrderMessage::decode(r#"{"v":3}"#), Err(MessageError::Version(3))));
        let later = r#"{"v":3,"operation_id":"a","trigger":"manual","order":{}}"#;
        assert!(matches!(OrderMessage::decode(later), Err(MessageError::Version(3))));
        assert!(matches!(OrderMessage::decode(r#"{"v":1}"#), Err(MessageError::NoOrder)));
        assert!(matches!(
            OrderMessage::decode(r#"{"v":1,"operation_id":"a","trigger":"manual","packed":"AAAA"}"#),
            Err(MessageError::Packed(_))
        ));
        assert!(matches!(OrderMessage::decode(r#"{"v":1,"operation_id":"a","trigger":"manual"}"#), Err(MessageError::NoOrder)));
        assert!(matches!(Command::decode(r#"{"v":1,"command":"dance"}"#), Err(MessageError::Malformed(_))));
    }

    #[test]
    fn commands_read_back() {
        for command in [
            Command::Run { operation_id: "a".into() },
            Command::ProcessPending { operation_id: None, order_ids: Some(vec![OrderId(u64::MAX)]) },
            Command::Consolidate { operation_id: None },
            Command::Disconnect,
        ] {
            assert_eq!(Command::decode(&command.encode().unwrap()).unwrap(), command);
        }
    }

    /// Commands of the release before that lie in a queue while this one is deployed: the operation's record has all that they say.
    #[test]
    fn commands_of_the_release_before_run_their_operation() {
        for older in [
            r#"{"v":1,"command":"load_orders","operation_id":"a","from":"2026-01-31"}"#,
            r#"{"v":1,"command":"load_order","operation_id":"a","order_number":"1001"}"#,
            r#"{"v":1,"command":"continue","operation_id":"a"}"#,
            r#"{"v":1,"command":"import_products","operation_id":"a"}"#,
            r#"{"v":1,"command":"recreate","operation_id":"a","order_id":7}"#,
        ] {
            assert_eq!(Command::decode(older).unwrap(), Command::Run { operation_id: "a".into() }, "{older}");
        }
    }
}
