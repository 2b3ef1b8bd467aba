//! The pipe of an AWS account: the table's stream becomes events. On one machine they are lines of
//! a file, at least once each, in the order of the writes.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use stevedore_aws::events_of;
use stevedore_engines::{EngineError, Stream};
use tokio::sync::watch;

/// Interval between two readings of the stream.
const EVERY: Duration = Duration::from_millis(500);

/// The file of the events, and its position in the stream.
pub(crate) struct Events {
    stream: Stream,
    file: PathBuf,
    position: PathBuf,
}

/// Reasons for which events were not written. They are still in the stream.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("the stream cannot be read")]
    Stream(#[source] EngineError),
    #[error("{path} cannot be written")]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

impl Events {
    pub(crate) fn new(stream: Stream, file: &Path) -> Self {
        let mut position = file.as_os_str().to_owned();
        position.push(".position");
        Self { stream, file: file.to_owned(), position: position.into() }
    }

    /// Writes events until it is stopped.
    pub(crate) async fn carry(self, mut stopping: watch::Receiver<bool>) {
        let events = std::sync::Arc::new(self);
        loop {
            let stop = tokio::time::timeout(EVERY, stopping.wait_for(|stop| *stop)).await.is_ok();
            let at_work = std::sync::Arc::clone(&events);
            // SQLite and files block.
            match tokio::task::spawn_blocking(move || at_work.once()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(error = &error as &dyn std::error::Error, "events are waiting"),
                Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "the carrier of events ended early"),
            }
            if stop {
                return;
            }
        }
    }

    /// Writes all new events. The position is written after the lines, so a process that ends in
    /// between writes them once more.
    fn once(&self) -> Result<(), Failed> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| Failed::File { path, source }
        };
        let mut after = fs::read_to_string(&self.position).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        loop {
            let records = self.stream.records(after.as_deref()).map_err(Failed::Stream)?;
            let last = records.last().and_then(|record| record.pointer("/dynamodb/SequenceNumber")).and_then(Value::as_str);
            let Some(last) = last.map(str::to_owned) else { return Ok(()) };
            let mut lines = String::new();
            for event in records.iter().flat_map(events_of) {
                lines.push_str(&serde_json::to_string(&event).unwrap_or_default());
                lines.push('\n');
            }
            let mut file = OpenOptions::new().create(true).append(true).open(&self.file).map_err(failed(&self.file))?;
            file.write_all(lines.as_bytes()).map_err(failed(&self.file))?;
            fs::write(&self.position, &last).map_err(failed(&self.position))?;
            after = Some(last);
        }
    }
}
