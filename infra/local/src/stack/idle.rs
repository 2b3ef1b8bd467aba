//! Waiting until all work is done.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::running::Stack;
use crate::StackError;

impl Stack {
    /// Waits until no work is left: no tick runs, both queues are empty, and every operation has
    /// ended. Dead letters may be left.
    ///
    /// # Errors
    /// [`StackError::StillBusy`] after `patience` (real time), with the work that is left.
    pub async fn wait_until_idle(&self, patience: Duration) -> Result<(), StackError> {
        let started = tokio::time::Instant::now();
        loop {
            let Some(busy) = self.busy().await? else { return Ok(()) };
            if started.elapsed() >= patience {
                return Err(StackError::StillBusy { waited: patience, busy });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Returns the current work, if any. It is read in the order in which work moves, so that none
    /// is missed in between.
    async fn busy(&self) -> Result<Option<String>, StackError> {
        let ticking = self.functions.ticking.load(Ordering::SeqCst);
        if ticking > 0 {
            return Ok(Some(format!("{ticking} ticks at work")));
        }
        let urls = self.queues.urls();
        for (name, url) in [("commands", &urls.commands), ("orders", &urls.orders), ("consolidation", &urls.consolidation)] {
            let depth = self.queues.depth(url).await?;
            if depth.total() > 0 {
                return Ok(Some(format!("{} visible and {} hidden messages on the {name} queue", depth.visible, depth.in_flight)));
            }
        }
        for id in self.table.open_operations(100).await? {
            let settled = self.table.settle(&id, self.time.now()).await?;
            if let Some(stevedore_aws::Settled { operation, .. }) = settled
                && !operation.state.is_final()
            {
                return Ok(Some(format!("operation {id} is {:?} with {:?}", operation.state, operation.counts)));
            }
        }
        Ok(None)
    }
}
