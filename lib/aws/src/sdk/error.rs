//! Errors between us and AWS, apart from the outcomes that callers decide on.

use aws_sdk_dynamodb::error::{BoxError, ProvideErrorMetadata, SdkError};
use stevedore_domain::ids::{ProductId, SaleId};

/// A call that did not do its work. Nothing was written unless the operation's own documentation says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// AWS could not be reached, was too slow, throttled us or conflicted with another writer after all retries. Later it may work.
    #[error("{operation}: AWS did not answer in time or throttled the call ({code})")]
    Unavailable {
        /// Our name of what was being done.
        operation: &'static str,
        /// AWS's error code, or what kind of failure it was.
        code: String,
        /// The SDK's error.
        #[source]
        source: BoxError,
    },
    /// AWS refused the call: permissions, a missing table, queue or secret, a request that is wrong.
    #[error("{operation}: AWS refused the call ({code})")]
    Refused {
        /// Our name of what was being done.
        operation: &'static str,
        /// AWS's error code.
        code: String,
        /// The SDK's error.
        #[source]
        source: BoxError,
    },
    /// An item is not what this version writes.
    #[error("{operation}: the item {key} cannot be read")]
    Unreadable {
        /// Our name of what was being done.
        operation: &'static str,
        /// The item's key.
        key: String,
        /// The fault.
        #[source]
        source: BoxError,
    },
    /// Something of ours could not be written as an item or a message.
    #[error("{operation}: cannot be encoded")]
    Encoding {
        /// Our name of what was being done.
        operation: &'static str,
        /// The fault.
        #[source]
        source: BoxError,
    },
    /// Others kept changing the same items; nothing was written. Later it may work.
    #[error("{operation}: other writers kept changing the same items")]
    Contended {
        /// Our name of what was being done.
        operation: &'static str,
    },
    /// Units that a sale's work must take back were picked by another sale since; nothing was written. It succeeds once they are there again.
    #[error("{operation}: the units of product {} that sale {sale} must take back are not there any more", product.as_ref().map_or("?", ProductId::as_str))]
    Stuck {
        /// Our name of what was being done.
        operation: &'static str,
        /// The sale whose work was cut off.
        sale: SaleId,
        /// The first product that is short.
        product: Option<ProductId>,
    },
    /// A page token that this list did not give.
    #[error("the page token is not one that this list gave")]
    PageToken,
}

impl Error {
    /// True if the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Contended { .. } | Self::Stuck { .. })
    }

    /// AWS's error code, where AWS answered.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Unavailable { code, .. } | Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    /// True if DynamoDB refused what was to be written for what it is: a key or an item that is too long, a value that it does not take. Asking again never helps.
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        let code =
            |code: &str| matches!(code, "ValidationException" | "ValidationError") || code.starts_with("ItemCollectionSizeLimitExceeded");
        matches!(self, Self::Refused { code: refused, .. } if code(refused))
    }

    pub(crate) fn call<E, R>(operation: &'static str) -> impl FnOnce(SdkError<E, R>) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        move |source| {
            let code = match &source {
                SdkError::ServiceError(error) => error.err().code().unwrap_or("unknown").to_owned(),
                SdkError::TimeoutError(_) => "timeout".to_owned(),
                SdkError::DispatchFailure(_) => "connection".to_owned(),
                SdkError::ResponseError(_) => "response".to_owned(),
                _ => "request".to_owned(),
            };
            let refused = matches!(&source, SdkError::ConstructionFailure(_))
                || matches!(
                    code.as_str(),
                    "ValidationException"
                        | "AccessDeniedException"
                        | "ResourceNotFoundException"
                        | "UnrecognizedClientException"
                        | "InvalidSignatureException"
                        | "MissingAuthenticationTokenException"
                        | "AccessDenied"
                )
                || code.contains("NonExistentQueue")
                || code.contains("QueueDoesNotExist");
            let source = source.into();
            if refused { Self::Refused { operation, code, source } } else { Self::Unavailable { operation, code, source } }
        }
    }

    pub(crate) fn encoding(operation: &'static str) -> impl FnOnce(BoxError) -> Self {
        move |source| Self::Encoding { operation, source }
    }

    pub(crate) fn unreadable(operation: &'static str, key: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self::Unreadable { operation, key: key.into(), source: source.into() }
    }
}
