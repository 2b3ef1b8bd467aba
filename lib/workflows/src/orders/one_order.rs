//! Errors that one order may be to blame for, so that it must not hold up everything behind it.

use stevedore_shipstation::{Call, Error};

use super::Deps;

/// True if an error on asking for one order is that order's own: the answer was ShipStation's and cannot be read, or a gateway answered and ShipStation answers otherwise.
pub(crate) async fn is_its_own(deps: &Deps, call: &Call<'_>, error: &Error) -> bool {
    error.is_one_answers() || (error.is_gateways() && deps.shipstation.answers(call).await)
}
