//! Work of a ShipStation account that is not connected any more.

use stevedore_domain::operation::OperationState;
use stevedore_domain::reason::Reason;

use super::download::Run;
use super::{Deps, Error};

/// Ends an operation whose account is not the connected one. Its orders must not be asked for with another account's key.
pub(crate) async fn end(deps: &Deps, mut run: Run) -> Result<(), Error> {
    let now = (deps.clock)();
    run.operation.state = OperationState::Failed;
    run.operation.read_at = Some(now);
    run.operation.finished_at = Some(now);
    run.operation.reason = Some(Reason::OtherAccount.code().to_owned());
    run.operation.message =
        Some("The ShipStation account that this was asked of is not connected any more. Connect it again and start anew.".to_owned());
    tracing::warn!(operation_id = %run.operation.id, "the operation is of an account that is not connected any more");
    run.save(deps).await?;
    deps.table.settle_operation(&run.operation.id, now).await?;
    Ok(())
}
