//! The queues.

use std::collections::HashMap;

use aws_sdk_sqs::types::{
    BatchResultErrorEntry, DeleteMessageBatchRequestEntry, MessageSystemAttributeName, MessageSystemAttributeNameForSends,
    MessageSystemAttributeValue, QueueAttributeName, SendMessageBatchRequestEntry,
};
use jiff::Timestamp;

use stevedore_domain::operation::{Operation, RunQueue};

use crate::queues::dead_reason::DeadReason;
use crate::queues::messages::{Command, LARGEST_BATCH};
use crate::queues::sent::{Refusal, SendReport, is_about_contents};
use crate::sdk::clients::LazyClient;
use crate::{Clients, Error};

/// Addresses of the queues.
#[derive(Clone, Debug)]
pub struct QueueUrls {
    /// Orders to process.
    pub orders: String,
    /// Commands to carry out.
    pub commands: String,
    /// Consolidation's own commands.
    pub consolidation: String,
    /// Messages that neither could handle.
    pub dead_letters: String,
}

/// The queues.
#[derive(Clone, Debug)]
pub struct Queues {
    pub(crate) client: LazyClient<aws_sdk_sqs::Client>,
    pub(crate) urls: QueueUrls,
    /// The X-Ray header of the invocation that sends.
    trace: Option<String>,
}

/// A message as a poller receives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// SQS's id of it.
    pub message_id: String,
    /// Handle that deletes it.
    pub receipt_handle: String,
    /// Its text.
    pub body: String,
    /// Number of times that it was received, this one included.
    pub receive_count: u32,
    /// The sender's X-Ray header; see [`Queues::traced`].
    pub trace: Option<String>,
}

/// A message that could not be processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// SQS's id of it.
    pub message_id: String,
    /// Its text.
    pub body: String,
    /// Time at which it was first sent.
    pub sent_at: Option<Timestamp>,
    /// Number of times that it was tried.
    pub receive_count: u32,
    /// Reason, where a function sent it here itself; the queue that gives a message up says nothing.
    pub reason: Option<DeadReason>,
}

/// Queue that gave a message up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Orders to process.
    Orders,
    /// Commands to carry out.
    Commands,
    /// Consolidation's own commands.
    Consolidation,
}

impl Origin {
    pub(crate) const ALL: [Self; 3] = [Self::Orders, Self::Commands, Self::Consolidation];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Commands => "commands",
            Self::Consolidation => "consolidation",
        }
    }

    pub(crate) fn of(command: &Command) -> Self {
        match command {
            Command::Consolidate { .. } => Self::Consolidation,
            _ => Self::Commands,
        }
    }
}

/// Numbers of messages that a queue holds. SQS calls these figures approximate; the engines' are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueDepth {
    /// To be received.
    pub visible: u64,
    /// Received and neither deleted nor visible again.
    pub in_flight: u64,
    /// Not to be received yet.
    pub delayed: u64,
}

impl QueueDepth {
    /// All messages.
    #[must_use]
    pub fn total(self) -> u64 {
        self.visible + self.in_flight + self.delayed
    }
}

/// Entries of one batch call.
pub(crate) const BATCH: usize = 10;
/// Number of times that entries that SQS refused for its own reasons are sent again.
const SENDS: usize = 4;

impl Queues {
    /// The queues at `urls`.
    #[must_use]
    pub fn new(clients: &Clients, urls: QueueUrls) -> Self {
        Self { client: LazyClient::new(clients, Clients::sqs), urls, trace: None }
    }

    /// The same queues, whose messages carry the trace of the invocation that sends them: `Lambda-Runtime-Trace-Id`, if there is one. Lambda hands it on to
    /// whoever gets the messages. It costs nothing: SQS neither bills nor counts it.
    #[must_use]
    pub fn traced(&self, header: Option<&str>) -> Self {
        Self { trace: header.map(str::to_owned), ..self.clone() }
    }

    fn trace_attribute(&self) -> Option<HashMap<MessageSystemAttributeNameForSends, MessageSystemAttributeValue>> {
        let header = self.trace.as_ref()?;
        let value = MessageSystemAttributeValue::builder().data_type("String").string_value(header).build().ok()?;
        Some(HashMap::from([(MessageSystemAttributeNameForSends::AwsTraceHeader, value)]))
    }

    /// Checks that the orders queue answers.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn ping(&self) -> Result<(), Error> {
        self.client.get_queue_attributes().queue_url(&self.urls.orders).send().await.map(drop).map_err(Error::call("reach the queue"))
    }

    /// Sends order messages, at most ten and one megabyte a call. Every entry of every reply is looked at; what was refused is sent again and, if it
    /// stays refused, reported.
    ///
    /// # Errors
    /// [`Error`] when a call fails as a whole; some messages may have been accepted then. Sending all of them again is safe.
    pub async fn send_orders(&self, bodies: &[String]) -> Result<SendReport, Error> {
        let mut report = SendReport::default();
        let mut start = 0;
        while start < bodies.len() {
            let mut size = 0;
            let rest = bodies.get(start..).unwrap_or_default();
            let fitting = rest.iter().take(BATCH).take_while(|body| {
                size += body.len();
                size <= LARGEST_BATCH
            });
            // One that is too large alone is sent alone, so that SQS's own reason is reported.
            let count = fitting.count().max(1);
            self.send_batch(start, rest.get(..count).unwrap_or(rest), &mut report).await?;
            start += count;
        }
        Ok(report)
    }

    async fn send_batch(&self, offset: usize, bodies: &[String], report: &mut SendReport) -> Result<(), Error> {
        const OPERATION: &str = "send orders";
        let mut waiting: Vec<usize> = (0..bodies.len()).collect();
        for attempt in 1..=SENDS {
            let mut request = self.client.send_message_batch().queue_url(&self.urls.orders);
            for index in &waiting {
                let body = bodies.get(*index).map(String::as_str).unwrap_or_default();
                let entry = SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message_body(body)
                    .set_message_system_attributes(self.trace_attribute())
                    .build();
                request = request.entries(entry.map_err(|error| Error::encoding(OPERATION)(error.into()))?);
            }
            let reply = match request.send().await.map_err(Error::call(OPERATION)) {
                Ok(reply) => reply,
                Err(error) => return self.send_apart(offset, bodies, &waiting, error, report).await,
            };
            let accepted: Vec<usize> = reply.successful().iter().filter_map(|entry| entry.id().parse().ok()).collect();
            waiting.retain(|index| !accepted.contains(index));
            let failure = |index: usize| reply.failed().iter().find(|entry| entry.id() == index.to_string());
            let own_fault = |index: usize| failure(index).is_some_and(BatchResultErrorEntry::sender_fault);
            let (refused, again): (Vec<usize>, Vec<usize>) =
                waiting.iter().copied().partition(|index| attempt == SENDS || own_fault(*index));
            report.refused.extend(refused.into_iter().map(|index| Refusal {
                index: offset + index,
                code: failure(index).map_or_else(|| "no_answer".to_owned(), |entry| entry.code().to_owned()),
                for_good: own_fault(index),
            }));
            waiting = again;
            if waiting.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(50 << attempt)).await;
        }
        Ok(())
    }

    /// A call that was refused as a whole for what its messages contain: each is sent alone, so that one costs itself.
    async fn send_apart(
        &self,
        offset: usize,
        bodies: &[String],
        waiting: &[usize],
        error: Error,
        report: &mut SendReport,
    ) -> Result<(), Error> {
        let Some(code) = error.code().filter(|code| is_about_contents(code)).map(str::to_owned) else { return Err(error) };
        if let [index] = waiting {
            report.refused.push(Refusal { index: offset + index, code, for_good: true });
            return Ok(());
        }
        for index in waiting {
            let alone = bodies.get(*index..=*index).unwrap_or_default();
            Box::pin(self.send_batch(offset + index, alone, report)).await?;
        }
        Ok(())
    }

    pub(crate) fn url(&self, origin: Origin) -> &str {
        match origin {
            Origin::Orders => &self.urls.orders,
            Origin::Commands => &self.urls.commands,
            Origin::Consolidation => &self.urls.consolidation,
        }
    }

    /// Sends a command to whoever carries it out.
    ///
    /// # Errors
    /// [`Error`]; the command may have been accepted all the same, and is safe to send again.
    pub async fn send_command(&self, command: &Command) -> Result<(), Error> {
        self.send_command_to(Origin::of(command), command).await
    }

    /// Has an operation run that was just written: sends its command to its kind's queue.
    ///
    /// # Errors
    /// [`Error`]; the command may have been accepted all the same, and is safe to send again.
    pub async fn send_run(&self, operation: &Operation) -> Result<(), Error> {
        let queue = match operation.kind.spec().queue {
            RunQueue::Commands => Origin::Commands,
            RunQueue::Consolidation => Origin::Consolidation,
        };
        self.send_command_to(queue, &Command::Run { operation_id: operation.id.clone() }).await
    }

    async fn send_command_to(&self, queue: Origin, command: &Command) -> Result<(), Error> {
        let body = command.encode()?;
        self.client
            .send_message()
            .queue_url(self.url(queue))
            .message_body(body)
            .set_message_system_attributes(self.trace_attribute())
            .send()
            .await
            .map(drop)
            .map_err(Error::call("send a command"))
    }

    /// Receives up to ten messages of a queue, waiting up to `wait_seconds` (20 at most) for the first. This is what Lambda's own poller does in AWS.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn receive(&self, queue_url: &str, wait_seconds: i32) -> Result<Vec<ReceivedMessage>, Error> {
        let reply = self
            .client
            .receive_message()
            .queue_url(queue_url)
            .max_number_of_messages(10)
            .wait_time_seconds(wait_seconds)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::AwsTraceHeader)
            .send()
            .await
            .map_err(Error::call("receive messages"))?;
        Ok(reply.messages.unwrap_or_default().into_iter().map(received).collect())
    }

    /// Deletes messages that were processed.
    ///
    /// # Errors
    /// [`Error`]; what was not deleted is delivered again.
    pub async fn delete(&self, queue_url: &str, receipt_handles: &[String]) -> Result<(), Error> {
        const OPERATION: &str = "delete messages";
        for handles in receipt_handles.chunks(BATCH) {
            let mut request = self.client.delete_message_batch().queue_url(queue_url);
            for (index, handle) in handles.iter().enumerate() {
                let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(handle).build();
                request = request.entries(entry.map_err(|error| Error::encoding(OPERATION)(error.into()))?);
            }
            request.send().await.map_err(Error::call(OPERATION))?;
        }
        Ok(())
    }

    /// Numbers of messages that a queue holds.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn depth(&self, queue_url: &str) -> Result<QueueDepth, Error> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let request = self.client.get_queue_attributes().queue_url(queue_url).set_attribute_names(Some(names.to_vec()));
        let reply = request.send().await.map_err(Error::call("count messages"))?;
        let attributes = reply.attributes.unwrap_or_default();
        let [visible, in_flight, delayed] = names.map(|name| attributes.get(&name).and_then(|text| text.parse().ok()).unwrap_or(0));
        Ok(QueueDepth { visible, in_flight, delayed })
    }

    /// The queues' addresses.
    #[must_use]
    pub fn urls(&self) -> &QueueUrls {
        &self.urls
    }

    /// Sends a dead letter's text to the queue that it came from.
    pub(crate) async fn send_again(&self, operation: &'static str, origin: Origin, body: &str) -> Result<(), Error> {
        self.client.send_message().queue_url(self.url(origin)).message_body(body).send().await.map(drop).map_err(Error::call(operation))
    }
}

pub(crate) fn received(message: aws_sdk_sqs::types::Message) -> ReceivedMessage {
    let receive_count = message
        .attributes
        .as_ref()
        .and_then(|attributes| attributes.get(&MessageSystemAttributeName::ApproximateReceiveCount))
        .and_then(|count| count.parse().ok())
        .unwrap_or(1);
    ReceivedMessage {
        message_id: message.message_id.unwrap_or_default(),
        receipt_handle: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        receive_count,
        trace: message.attributes.and_then(|mut attributes| attributes.remove(&MessageSystemAttributeName::AwsTraceHeader)),
    }
}
