//! Ids of sales that an earlier release left without the item that remembers them (`stevedore_aws::Table::check_sale_ids`).

use stevedore_lambda::{Deadline, ErrorChain};

use super::{Deps, MARGIN};

/// Looks of one tick: two thousand sales.
const LOOKS: usize = 4;

/// Goes on with the walk over them, after the tick's own work and as far as its time allows. A failure costs nothing: the next tick goes on.
pub(crate) async fn check(deps: &Deps, deadline: Deadline) {
    for _ in 0..LOOKS {
        let now = (deps.clock)();
        if deadline.is_near(now, MARGIN) {
            return;
        }
        match deps.table.check_sale_ids(now).await {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(error = %ErrorChain(&error), "the ids of earlier sales could not be checked; the next tick goes on");
                return;
            }
        }
    }
}
