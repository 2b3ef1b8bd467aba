//! The customers that an order may belong to, as they are now.

use std::sync::Arc;

use stevedore_domain::order::Order;
use stevedore_domain::reference::Customer;
use stevedore_domain::sale::{Booked, CustomerChoice, CustomerMatches};

use super::batch_context::BatchContext;
use super::{Deps, Failure};

/// Reads them.
pub(super) async fn read(deps: &Deps, context: &BatchContext, order: &Order) -> Result<CustomerMatches, Failure> {
    let wanted = [(order.customer_id, order.customer_email.clone())];
    let fresh = deps.table.customers_for(&wanted, context.settings.customer_id.as_ref()).await?;
    Ok(fresh.into_iter().next().unwrap_or_default())
}

/// The same after another process has created the customer that was to be created. With the customer whose derived id is taken although nothing links it to the
/// order's buyer: the id names account and buyer, and the link is gone.
pub(super) async fn read_again(
    deps: &Deps,
    context: &BatchContext,
    order: &Order,
    booked: Option<&Booked>,
) -> Result<CustomerMatches, Failure> {
    let mut matches = read(deps, context, order).await?;
    if let (None, Some(Booked { customer: CustomerChoice::Create(new), .. })) = (&matches.by_email, booked)
        && (matches.linked.is_none() || new.replaces_link)
    {
        let existing = deps.table.record::<Customer>(new.customer.id.as_str()).await?;
        // By e-mail, so that booking links it from now on.
        matches.by_email = existing.map(|stored| Arc::new(stored.value));
    }
    Ok(matches)
}
