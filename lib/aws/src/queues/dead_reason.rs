//! Messages that nothing can be done with: sent to the dead letters at once, with the reason, instead of being delivered until the queue gives them up.

use std::collections::HashMap;

use aws_sdk_sqs::types::{Message, MessageAttributeValue};

use crate::queues::client::Origin;
use crate::queues::messages::MessageError;
use crate::queues::sent::is_allowed;
use crate::{Error, Queues};

const REASON: &str = "reason";
const DETAIL: &str = "detail";
const QUEUE: &str = "queue";
/// Characters of a detail that travel with the message.
const LONGEST_DETAIL: usize = 1_000;

/// Reason for which a message is a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadReason {
    /// A stable code.
    pub code: String,
    /// The fault and its place: `/items/0/quantity: missing`. May quote the message: keep it, do not log it.
    pub detail: String,
}

impl DeadReason {
    /// A reason.
    pub fn new(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code: code.into(), detail: detail.into() }
    }

    fn of(message: &Message) -> Option<Self> {
        let attributes = message.message_attributes.as_ref()?;
        let text = |name| attributes.get(name).and_then(MessageAttributeValue::string_value).map(str::to_owned);
        Some(Self { code: text(REASON)?, detail: text(DETAIL).unwrap_or_default() })
    }
}

impl From<&MessageError> for DeadReason {
    fn from(error: &MessageError) -> Self {
        let because = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
        Self::new(error.code(), format!("{error}{because}"))
    }
}

/// The reason that a dead letter bears, and the queue that it was taken from.
pub(crate) fn read(message: &Message) -> (Option<DeadReason>, Option<Origin>) {
    let queue =
        message.message_attributes.as_ref().and_then(|attributes| attributes.get(QUEUE)).and_then(MessageAttributeValue::string_value);
    (DeadReason::of(message), queue.and_then(|name| Origin::ALL.into_iter().find(|origin| origin.name() == name)))
}

impl Queues {
    /// Sends a message of `origin` to the dead letters with the reason. The original is to be deleted after that: cut off in between, the letter is there
    /// twice, and none is lost.
    ///
    /// # Errors
    /// [`Error`]; then the message is to be left to its own queue, which gives it up in the end.
    pub async fn bury(&self, origin: Origin, body: &str, why: &DeadReason) -> Result<(), Error> {
        const OPERATION: &str = "send a dead letter";
        let detail: String =
            why.detail.chars().map(|c| if is_allowed(c) { c } else { char::REPLACEMENT_CHARACTER }).take(LONGEST_DETAIL).collect();
        let mut attributes = HashMap::new();
        for (name, text) in [(REASON, why.code.as_str()), (DETAIL, &detail), (QUEUE, origin.name())] {
            if text.is_empty() {
                continue;
            }
            let value = MessageAttributeValue::builder().data_type("String").string_value(text).build();
            attributes.insert(name.to_owned(), value.map_err(|error| Error::encoding(OPERATION)(error.into()))?);
        }
        let request = self.client.send_message().queue_url(&self.urls.dead_letters).message_body(body);
        request.set_message_attributes(Some(attributes)).send().await.map(drop).map_err(Error::call(OPERATION))
    }
}
