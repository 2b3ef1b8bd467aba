//! Characters and size of a message, and its checksums.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::requests::{MessageAttribute, Send};
use crate::wire::Refusal;

/// Maximum size of a message, and of all messages of a batch together: 1 MiB.
pub(crate) const MAX_BYTES: usize = 1_048_576;

/// The characters of `#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF`
/// (API reference, `SendMessage`).
fn allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

/// Bytes of the body and of its attributes' names, types and values.
pub(crate) fn size(send: &Send) -> usize {
    let attributes = send
        .message_attributes
        .iter()
        .map(|(name, attribute)| name.len() + attribute.data_type.len() + value_bytes(attribute).map_or(0, |bytes| bytes.len()));
    send.message_body.len() + attributes.sum::<usize>()
}

/// Checks that a queue with this `MaximumMessageSize` takes the message.
pub(crate) fn check(send: &Send, maximum: i64) -> Result<(), Refusal> {
    if send.message_body.is_empty() {
        return Err(Refusal::new("MissingParameter", "The request must contain the parameter MessageBody."));
    }
    let maximum = usize::try_from(maximum).unwrap_or(MAX_BYTES);
    if size(send) > maximum {
        return Err(Refusal::new(
            "InvalidParameterValue",
            format!("One or more parameters are invalid. Reason: Message must be shorter than {maximum} bytes."),
        ));
    }
    if !send.message_body.chars().all(allowed) {
        return Err(Refusal::new(
            "InvalidMessageContents",
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
        ));
    }
    if send.delay_seconds.is_some_and(|delay| !(0..=900).contains(&delay)) {
        return Err(Refusal::new(
            "InvalidParameterValue",
            "Value for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.",
        ));
    }
    if send.message_attributes.len() > 10 {
        return Err(Refusal::new("InvalidParameterValue", "Number of message attributes exceeds the allowed maximum [10]."));
    }
    for (name, attribute) in &send.message_attributes {
        let known = ["String", "Number", "Binary"]
            .iter()
            .any(|kind| attribute.data_type == *kind || attribute.data_type.starts_with(&format!("{kind}.")));
        let filled = value_bytes(attribute).is_some_and(|bytes| !bytes.is_empty());
        if !known || !filled {
            return Err(Refusal::new(
                "InvalidParameterValue",
                format!("The message attribute '{name}' must contain a non-empty value of a known type."),
            ));
        }
    }
    Ok(())
}

fn value_bytes(attribute: &MessageAttribute) -> Option<Vec<u8>> {
    match (&attribute.string_value, &attribute.binary_value) {
        (Some(text), _) => Some(text.as_bytes().to_vec()),
        (None, Some(base64)) => STANDARD.decode(base64).ok(),
        (None, None) => None,
    }
}

/// `MD5OfMessageBody`.
pub(crate) fn md5_of_body(body: &str) -> String {
    format!("{:x}", md5::compute(body))
}

/// `MD5OfMessageAttributes`: over the attributes in the order of their names, each as length and
/// bytes of name, type and value (developer guide, "Calculating the MD5 message digest for message
/// attributes").
pub(crate) fn md5_of_attributes(attributes: &BTreeMap<String, MessageAttribute>) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut text = Vec::new();
    for (name, attribute) in attributes {
        push(&mut text, name.as_bytes());
        push(&mut text, attribute.data_type.as_bytes());
        text.push(if attribute.data_type.starts_with("Binary") { 2 } else { 1 });
        push(&mut text, &value_bytes(attribute).unwrap_or_default());
    }
    Some(format!("{:x}", md5::compute(text)))
}

fn push(text: &mut Vec<u8>, part: &[u8]) {
    text.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
    text.extend(part);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digest of the attribute comes from the service itself and is widely used as a test
    /// vector.
    #[test]
    fn checksums_are_those_of_the_service() {
        assert_eq!(md5_of_body("hello"), "5d41402abc4b2a76b9719d911017c592");
        let one = |kind: &str, text: Option<&str>, binary: Option<&str>| MessageAttribute {
            data_type: kind.to_owned(),
            string_value: text.map(str::to_owned),
            binary_value: binary.map(str::to_owned),
        };
        let attributes = BTreeMap::from([("timestamp".to_owned(), one("Number.java.lang.Long", Some("1493147359900"), None))]);
        assert_eq!(md5_of_attributes(&attributes).as_deref(), Some("2e2e4876d8e0bd6b8c2c8f556831c349"));
        // Text and bytes of the same value differ by the transport type.
        let text = BTreeMap::from([("a".to_owned(), one("String", Some("x"), None))]);
        let bytes = BTreeMap::from([("a".to_owned(), one("Binary", None, Some("eA==")))]);
        assert_ne!(md5_of_attributes(&text), md5_of_attributes(&bytes));
        assert_eq!(md5_of_attributes(&BTreeMap::new()), None);
    }

    #[test]
    fn only_the_characters_of_xml_are_taken() {
        assert!("tab\t line\n return\r é 漢 😀".chars().all(allowed));
        for bad in ['\0', '\u{b}', '\u{1f}', '\u{fffe}', '\u{ffff}'] {
            assert!(!allowed(bad), "{bad:?}");
        }
    }
}
