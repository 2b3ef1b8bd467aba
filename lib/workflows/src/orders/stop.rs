//! Reasons for which reading from ShipStation stops before its end.

use stevedore_shipstation::Error as ShipStationError;

use super::Error;

/// Reason for which a reading stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// ShipStation did not answer: what was asked for is to be read once more.
    ShipStation(ShipStationError),
    /// The invocation fails.
    Failed(Error),
}

impl From<ShipStationError> for Stop {
    fn from(error: ShipStationError) -> Self {
        Self::ShipStation(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<stevedore_aws::Error> for Stop {
    fn from(error: stevedore_aws::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// True if the error only says that this invocation has no time left.
pub(crate) fn is_time(error: &ShipStationError) -> bool {
    matches!(error, ShipStationError::Throttled { .. } | ShipStationError::DeadlineReached)
}
