//! Dead letters: listing them, and putting them back on their queues.
//!
//! Every call waits for messages (long polling): SQS then asks all of its servers, while a call that does not wait asks some of them and may find nothing although
//! there are letters.

use std::time::Duration;

use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, MessageSystemAttributeName};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::Error;
use crate::queues::client::{BATCH, DeadLetter, Origin, Queues, ReceivedMessage, received};
use crate::queues::dead_reason;
use crate::queues::messages::Command;

/// Seconds that one call waits for a letter.
const LONG_POLL: i32 = 1;
/// Seconds for which a list hides what it has read from others, so that it reads each letter once; it gives all of them back as soon as it is done.
const HIDDEN_WHILE_LISTED: i32 = 10;
/// Seconds for which a redrive hides what it is moving.
const HIDDEN_WHILE_MOVED: i32 = 60;
/// Time for which a redrive waits for letters that a list hides just now.
const PATIENCE: Duration = Duration::from_secs(HIDDEN_WHILE_LISTED as u64 + 1);

/// Time for which one redrive moves letters before it leaves the rest to the next: API Gateway gives up after 30 seconds.
const TIME: Duration = Duration::from_secs(15);

/// A dead letter that is hidden from others for a while.
struct Held {
    handle: String,
    letter: DeadLetter,
    /// The queue that it came from.
    origin: Origin,
}

/// Result of a redrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redriven {
    /// Messages put back on their queue.
    pub moved: usize,
    /// Messages that were asked for and not found.
    pub missing: usize,
    /// Messages that are still dead letters, as far as the queue says. While all are to be moved and some are left, calling it again goes on.
    pub left: u64,
}

impl Queues {
    /// Up to `limit` dead letters. They become visible to others again at once.
    ///
    /// SQS has no listing: this receives and gives back, so it shows what is visible just now, and counts as a receipt.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, Error> {
        let mut held: Vec<Held> = Vec::new();
        let read = loop {
            match self.hold(limit - held.len(), HIDDEN_WHILE_LISTED).await {
                Ok(page) if page.is_empty() => break Ok(()),
                Ok(page) => {
                    let before = held.len();
                    for one in page {
                        // One that came back already is held by its newer handle alone.
                        match held.iter_mut().find(|known: &&mut Held| known.letter.message_id == one.letter.message_id) {
                            Some(known) => *known = one,
                            None => held.push(one),
                        }
                    }
                    if held.len() == before {
                        break Ok(());
                    }
                }
                Err(error) => break Err(error),
            }
            if held.len() >= limit {
                break Ok(());
            }
        };
        let handles: Vec<&str> = held.iter().map(|held| held.handle.as_str()).collect();
        self.release(&handles).await?;
        read.map(|()| held.into_iter().map(|held| held.letter).collect())
    }

    /// Puts dead letters back on the queue that they came from: those with `message_ids`, or all, a page of ten at a time, as far as the time allows.
    ///
    /// Sent first and deleted after: a crash in between leaves a message twice, which processing bears, and never loses one.
    ///
    /// # Errors
    /// [`Error`]; what was not moved is still among the dead letters.
    pub async fn redrive(&self, message_ids: Option<&[String]>) -> Result<Redriven, Error> {
        let end = Instant::now() + TIME;
        let mut redriven = Redriven::default();
        // Those that are not asked for stay hidden while the others are looked for.
        let mut others: Vec<String> = Vec::new();
        let done = self.move_pages(message_ids, end, &mut redriven, &mut others).await;
        let handles: Vec<&str> = others.iter().map(String::as_str).collect();
        self.release(&handles).await?;
        done?;
        redriven.missing = message_ids.map_or(0, |ids| ids.len().saturating_sub(redriven.moved));
        redriven.left = self.depth(&self.urls.dead_letters).await?.total();
        Ok(redriven)
    }

    async fn move_pages(
        &self,
        message_ids: Option<&[String]>,
        end: Instant,
        redriven: &mut Redriven,
        others: &mut Vec<String>,
    ) -> Result<(), Error> {
        const OPERATION: &str = "redrive dead letters";
        let wanted = |letter: &DeadLetter| message_ids.is_none_or(|ids| ids.contains(&letter.message_id));
        let mut waits_until = Instant::now() + PATIENCE;
        while Instant::now() < end && message_ids.is_none_or(|ids| redriven.moved < ids.len()) {
            let page = self.hold(BATCH, HIDDEN_WHILE_MOVED).await?;
            if page.is_empty() {
                // Letters that a list has just read are hidden for a moment.
                let hidden = self.depth(&self.urls.dead_letters).await?.in_flight;
                if usize::try_from(hidden).is_ok_and(|hidden| hidden <= others.len()) || Instant::now() >= waits_until {
                    return Ok(());
                }
                continue;
            }
            waits_until = Instant::now() + PATIENCE;
            for Held { handle, letter, origin } in page {
                if !wanted(&letter) {
                    others.push(handle);
                    continue;
                }
                self.send_again(OPERATION, origin, &letter.body).await?;
                self.delete(&self.urls.dead_letters, &[handle]).await?;
                redriven.moved += 1;
            }
        }
        Ok(())
    }

    /// Receives up to `limit` letters, ten at most, hidden from others for so many seconds. None where there are none.
    async fn hold(&self, limit: usize, hidden: i32) -> Result<Vec<Held>, Error> {
        let request = self
            .client
            .receive_message()
            .queue_url(&self.urls.dead_letters)
            .max_number_of_messages(i32::try_from(limit.clamp(1, BATCH)).unwrap_or(1))
            .visibility_timeout(hidden)
            .wait_time_seconds(LONG_POLL)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All");
        let reply = request.send().await.map_err(Error::call("read dead letters"))?;
        Ok(reply.messages.unwrap_or_default().into_iter().map(|message| self.held(message)).collect())
    }

    fn held(&self, message: aws_sdk_sqs::types::Message) -> Held {
        let attribute = |name| message.attributes.as_ref().and_then(|attributes| attributes.get(&name)).cloned();
        let sent_at = attribute(MessageSystemAttributeName::SentTimestamp)
            .and_then(|text| text.parse().ok())
            .and_then(|millisecond| Timestamp::from_millisecond(millisecond).ok());
        let source = attribute(MessageSystemAttributeName::DeadLetterQueueSourceArn);
        let (reason, stated) = dead_reason::read(&message);
        let ReceivedMessage { message_id, receipt_handle, body, receive_count, .. } = received(message);
        // The function that sent it, or SQS, says where a letter came from; one that was put there by hand is told by its text.
        let by_source = || match source.as_deref().and_then(|arn| arn.rsplit(':').next()) {
            Some(queue) => [Origin::Commands, Origin::Consolidation]
                .into_iter()
                .find(|origin| self.url(*origin).rsplit('/').next() == Some(queue))
                .unwrap_or(Origin::Orders),
            None => Command::decode(&body).map_or(Origin::Orders, |command| Origin::of(&command)),
        };
        let origin = stated.unwrap_or_else(by_source);
        let letter = DeadLetter { message_id, body, sent_at, receive_count, reason };
        Held { handle: receipt_handle, letter, origin }
    }

    async fn release(&self, handles: &[&str]) -> Result<(), Error> {
        const OPERATION: &str = "release dead letters";
        for handles in handles.chunks(BATCH) {
            let mut request = self.client.change_message_visibility_batch().queue_url(&self.urls.dead_letters);
            for (index, handle) in handles.iter().enumerate() {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(*handle)
                    .visibility_timeout(0)
                    .build()
                    .map_err(|error| Error::encoding(OPERATION)(error.into()))?;
                request = request.entries(entry);
            }
            request.send().await.map_err(Error::call(OPERATION))?;
        }
        Ok(())
    }
}
