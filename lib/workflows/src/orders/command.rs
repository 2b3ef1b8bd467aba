//! Commands from the commands queue. Each may be delivered more than once and goes on where it stopped.

use futures::FutureExt as _;
use stevedore_aws::Progress;
use stevedore_aws::messages::Command;
use stevedore_domain::ids::{OperationId, OrderId};
use stevedore_domain::operation::OperationKind;
use stevedore_domain::schedule::window_from;
use stevedore_lambda::Deadline;

use super::run::{Run, Taken};
use super::{Deps, Error, MARGIN, download, heal, import, recreate, requeue, schedule};

pub(crate) async fn carry_out(deps: &Deps, command: Command, deadline: Deadline) -> Result<(), Error> {
    match command {
        Command::Run { operation_id } => Box::pin(go_on(deps, &operation_id, None, deadline)).await,
        Command::ProcessPending { operation_id: None, order_ids } => heal::after_a_change(deps, order_ids.as_deref(), deadline).await,
        // The release before named the orders in the command alone.
        Command::ProcessPending { operation_id: Some(id), order_ids } => Box::pin(go_on(deps, &id, order_ids, deadline)).await,
        // Of another queue, put here by a redrive by hand.
        command @ Command::Consolidate { .. } => Ok(deps.queues.send_command(&command).await?),
        Command::Disconnect => disconnect(deps, deadline).await,
    }
}

/// Begins an operation or goes on with it: its record says what is to be done and how far it is.
async fn go_on(deps: &Deps, id: &OperationId, named: Option<Vec<OrderId>>, deadline: Deadline) -> Result<(), Error> {
    let stored = deps.table.operation(id).await?.ok_or_else(|| Error::NoOperation(id.clone()))?;
    match stored.value.kind {
        OperationKind::ImportProducts { .. } => return import::products(deps, stored, deadline).boxed().await,
        OperationKind::Consolidate { .. } => return Ok(deps.queues.send_run(&stored.value).await?),
        _ => {}
    }
    let mut run = match Run::take(deps, stored, deadline).await? {
        Taken::Held(run) => *run,
        Taken::Over => return Ok(()),
    };
    if run.operation.account != deps.table.account() {
        return run.end_other_account(deps).await;
    }
    match run.operation.kind.clone() {
        OperationKind::Download => {
            run.cursor = schedule::resume_lease(deps, id).await?;
            if run.cursor.is_none() {
                // Another download began after this one was cut off, at the same cursor: it reads what is left.
                return run.finish(deps).await;
            }
        }
        OperationKind::LoadOrders { from } if run.operation.window.is_none() => {
            run.operation.window = Some(window_from(from, &run.settings, (deps.clock)()));
        }
        OperationKind::Recreate { order_id } => return Box::pin(recreate::recreate(deps, run, order_id, deadline)).await,
        OperationKind::ProcessPending { order_ids } => {
            return Box::pin(process_pending(deps, run, named.or(order_ids).as_deref(), deadline)).await;
        }
        OperationKind::LoadOrders { .. }
        | OperationKind::LoadOrder { .. }
        | OperationKind::Consolidate { .. }
        | OperationKind::ImportProducts { .. } => {}
    }
    Box::pin(download::read(deps, run, deadline)).await.map(drop)
}

async fn process_pending(deps: &Deps, mut run: Run, orders: Option<&[OrderId]>, deadline: Deadline) -> Result<(), Error> {
    let id = &run.operation.id.clone();
    let rows = requeue::process(deps, &run.settings, id, orders, Some(deadline)).await?;
    run.operation.pages = deps.table.put_operation_rows(id, 0, &rows).await?;
    run.finish(deps).await?;
    deps.table.settle(id, (deps.clock)()).await?;
    Ok(())
}

async fn disconnect(deps: &Deps, deadline: Deadline) -> Result<(), Error> {
    // Only what a person confirmed: a command that comes late must not take a new connection apart.
    match deps.table.connection().await? {
        None => return Ok(deps.table.end_operations_of_connection((deps.clock)(), true).await?),
        Some(connection) if !connection.value.disconnecting => return Ok(()),
        Some(_) => {}
    }
    deps.secrets.clear().await?;
    deps.table.end_operations_of_connection((deps.clock)(), false).await?;
    let mut place = None;
    loop {
        if deps.table.disconnect_step(&mut place, (deps.clock)()).await? == Progress::Done {
            deps.table.end_operations_of_connection((deps.clock)(), true).await?;
            tracing::info!("disconnected");
            return Ok(());
        }
        if deadline.is_near((deps.clock)(), MARGIN) {
            deps.queues.send_command(&Command::Disconnect).await?;
            return Ok(());
        }
    }
}
