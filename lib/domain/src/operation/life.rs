//! Life of an operation: the process that works on it, and when it counts as cut off.

use jiff::{SignedDuration, Timestamp};

use super::{Operation, OperationKind, OperationState};
use crate::reason::Reason;

/// Time for which a running operation may be silent before it counts as cut off: its command is delivered five times, 90 minutes apart, and each delivery writes.
const SILENT: SignedDuration = SignedDuration::from_hours(8);
/// Time for which a scheduled download may be silent. It loses nothing by being cut off: the next one begins at the cursor.
const DOWNLOAD_SILENT: SignedDuration = SignedDuration::from_mins(20);
/// Time for which an operation may wait for its command: the queue keeps a message for four days.
const NEVER_BEGUN: SignedDuration = SignedDuration::from_hours(4 * 24 + 1);

/// The reason of an operation whose process ended without a word.
pub const CUT_OFF: &str = "cut_off";

impl Operation {
    /// True if another process than `by` is at work on it.
    #[must_use]
    pub fn is_held_by_another(&self, by: &str, now: Timestamp) -> bool {
        self.work.as_ref().is_some_and(|work| work.by != by && work.held_until.is_some_and(|until| until > now))
    }

    /// True if its process and every further delivery of its command are gone. Measured from the last sign of life, never from the start: a run that works
    /// or waits for long is not dead, and neither is one that is queued.
    #[must_use]
    pub fn is_cut_off(&self, now: Timestamp) -> bool {
        // A day's run goes on until it is done; its own marker says which process has it.
        if self.kind.is_run_of_a_day() || self.is_held_by_another("", now) {
            return false;
        }
        let limit = match (self.state, &self.kind) {
            (OperationState::Queued, _) => NEVER_BEGUN,
            (OperationState::Running, OperationKind::Download) => DOWNLOAD_SILENT,
            (OperationState::Running, _) => SILENT,
            _ => return false,
        };
        let alive = self.work.as_ref().map_or(self.started_at, |work| work.written_at.max(self.started_at));
        now.duration_since(alive) > limit
    }

    /// True if a command that arrives has something to do: also for an operation that was given up as cut off, whose command came late or from the dead
    /// letters. A download is left to the next one.
    #[must_use]
    pub fn can_go_on(&self) -> bool {
        match self.state {
            OperationState::Queued | OperationState::Running => true,
            OperationState::Failed => self.reason.as_deref() == Some(CUT_OFF) && self.kind != OperationKind::Download,
            OperationState::Processing | OperationState::Completed => false,
        }
    }

    /// Ends it as cut off.
    pub fn cut_off(&mut self, now: Timestamp) {
        self.fail(
            CUT_OFF,
            "The run was cut off. Scheduled downloads go on by themselves where it stopped; start it again if a person did.",
            now,
        );
    }

    /// Ends it because its connection was removed.
    pub fn lose_connection(&mut self, now: Timestamp) {
        self.fail(
            Reason::NotConnected.code(),
            "The connection to ShipStation was removed while this ran. Connect again, then start it again.",
            now,
        );
    }

    /// Ends it because another account is connected than its own: its orders must not be asked for with that account's key.
    pub fn lose_account(&mut self, now: Timestamp) {
        self.fail(
            Reason::OtherAccount.code(),
            "The ShipStation account that this was asked of is not connected any more. Connect it again and start anew.",
            now,
        );
    }

    /// Has everything read: the log tells what comes of what was queued.
    pub fn finish_reading(&mut self, now: Timestamp) {
        self.state = OperationState::Processing;
        self.read_at = Some(now);
        self.release();
    }

    /// Lets other processes work on it.
    pub fn release(&mut self) {
        if let Some(work) = &mut self.work {
            work.held_until = None;
        }
    }

    /// Begins it again where it was given up while its command was still on its way.
    pub fn revive(&mut self) {
        self.state = OperationState::Running;
        (self.reason, self.message, self.read_at, self.finished_at) = (None, None, None, None);
    }

    /// Ends it with an error: what was read before is accounted for.
    pub fn fail(&mut self, reason: &str, message: &str, now: Timestamp) {
        self.state = OperationState::Failed;
        self.read_at = Some(self.read_at.unwrap_or(now));
        self.finished_at = Some(now);
        self.reason = Some(reason.to_owned());
        self.message = Some(message.to_owned());
        self.release();
    }
}
