//! Errors as RFC 9457 problems with stable codes.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use stevedore_domain::settings::FieldError;
use stevedore_lambda::ErrorChain;
use utoipa::ToSchema;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:ident, $detail:literal;)+) => {
        /// The stable codes of problems, apart from those that begin with `shipstation_`: these are the reasons of
        /// [`stevedore_shipstation::Error::code`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $($(#[$doc])* $variant),+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code as problems carry it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The HTTP status that always goes with it.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),+ }
            }

            fn detail(self) -> &'static str {
                match self { $(Self::$variant => $detail),+ }
            }
        }
    };
}

codes! {
    /// The body is no JSON.
    MalformedJson = "malformed_json", BAD_REQUEST, "The body cannot be read as JSON.";
    /// A query parameter is unknown or cannot be read.
    InvalidQuery = "invalid_query", BAD_REQUEST, "The query is not one that this list takes.";
    /// The page token is not one that this list gave.
    InvalidPageToken = "invalid_page_token", BAD_REQUEST, "The page token is not one that this list gave. Start again without it.";
    /// No token, or not a valid one.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "Send a valid token as `Authorization: Bearer …`.";
    /// The token does not carry the permission that the call needs.
    Forbidden = "forbidden", FORBIDDEN, "The token does not carry the permission that this call needs.";
    /// Nothing has this id, or there is no such route.
    NotFound = "not_found", NOT_FOUND, "There is nothing here.";
    /// The route does not take this method.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "This route does not take that method.";
    /// One account at a time.
    AlreadyConnected = "already_connected", CONFLICT, "A ShipStation account is connected already. Rotate its credentials with PATCH, or disconnect it first.";
    /// The connection is being taken apart.
    Disconnecting = "disconnecting", CONFLICT, "The connection is being taken apart. Wait until it is disconnected, or send the DELETE again.";
    /// Rotation keeps the account.
    AnotherAccount = "another_account", CONFLICT, "These credentials are of another ShipStation account than the connected one. Disconnect that one first, then connect this one.";
    /// Nothing is connected.
    NotConnected = "not_connected", CONFLICT, "No ShipStation account is connected. Connect one first.";
    /// Orders are not taken from ShipStation.
    StoreModeOff = "store_mode_off", CONFLICT, "The connection's mode `store` is off, so no orders are taken from ShipStation. Turn it on with PATCH /v1/connection, then load again.";
    /// The order is not held for a person.
    NotHeld = "not_held", CONFLICT, "The order is not held for the sake of another one, so there is nothing to overrule.";
    /// The order is being gathered into a day's sale.
    Consolidating = "consolidating", CONFLICT, "The order is being gathered into a day's sale just now. Try again when that is done.";
    /// With daily consolidation pending orders wait for the day's sale.
    ConsolidationIsDaily = "consolidation_is_daily", CONFLICT, "With daily consolidation pending orders become one sale at the day's end. Set consolidation to none to process them one by one.";
    /// The sale is void.
    SaleIsVoided = "sale_is_voided", CONFLICT, "The sale is void and stays as it is.";
    /// Only a draft is adjusted.
    InvoiceIsAuthorised = "invoice_is_authorised", CONFLICT, "The invoice is authorised and stays as it is. Only a draft is adjusted.";
    /// Nothing of the sale lies on our shelves.
    NothingToFulfil = "nothing_to_fulfil", CONFLICT, "The sale has nothing that is picked here.";
    /// The settings leave fulfilment to people.
    FulfilmentIsManual = "fulfilment_is_manual", CONFLICT, "The settings pick nothing by themselves (pick_pack_ship is none). Say how far to go: `to` is pick, pick_pack or pick_pack_ship.";
    /// The order has no sale of its own that could be made anew.
    NothingToRecreate = "nothing_to_recreate", CONFLICT, "The order has no sale that could be made anew. Pending orders are processed with POST /v1/pending-orders/process.";
    /// The order is part of a day's sale.
    InADaysSale = "in_a_days_sale", CONFLICT, "The order is part of a day's sale, which is voided as a whole. Void that sale first; then its orders can be made anew one by one.";
    /// A value that must be unique belongs to another record.
    Taken = "taken", CONFLICT, "A value that must be unique belongs to another record.";
    /// The record changed since it was read.
    StaleVersion = "stale_version", PRECONDITION_FAILED, "It changed since it was read. Its ETag is in the header; read it again, then write.";
    /// The body is too large.
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is larger than 256 KiB.";
    /// The body is not called JSON.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "Send the body as `Content-Type: application/json`.";
    /// Members of the body are at fault; `errors` names each.
    ValidationFailed = "validation_failed", UNPROCESSABLE_ENTITY, "Nothing was changed: members of the body are at fault.";
    /// This version has no operation of that kind.
    KindNotSupported = "kind_not_supported", UNPROCESSABLE_ENTITY, "There is no operation of that kind; there are: load_orders, load_order.";
    /// A write needs the ETag of what it replaces.
    PreconditionRequired = "precondition_required", PRECONDITION_REQUIRED, "Send the ETag of what this replaces as `If-Match`.";
    /// A fault of ours.
    Internal = "internal_error", INTERNAL_SERVER_ERROR, "Something went wrong here; the log says what.";
    /// AWS does not answer or is too busy.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "AWS did not answer in time. Try again in a moment.";
}

/// A fault of one member of the body, or of one query parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldFault {
    /// JSON pointer (RFC 6901) into the body; for a query parameter `/` and its name.
    pub pointer: String,
    /// Stable, snake_case.
    #[schema(value_type = String, example = "required")]
    pub code: &'static str,
    /// The fault, and what to write instead.
    pub message: String,
}

impl From<FieldError> for FieldFault {
    fn from(error: FieldError) -> Self {
        Self { pointer: error.pointer, code: error.code, message: error.message }
    }
}

/// The body of a problem.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemView<'a> {
    /// `about:blank`: the code says more than a type would.
    #[schema(example = "about:blank")]
    r#type: &'a str,
    /// The status in words.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// The stable code.
    code: &'a str,
    /// The fault, and what to do.
    detail: &'a str,
    /// The members at fault.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    errors: &'a [FieldFault],
}

/// An answer that is no success.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<FieldFault>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub(crate) fn new(code: Code) -> Self {
        Self::with_detail(code, code.detail())
    }

    pub(crate) fn with_detail(code: Code, detail: impl Into<String>) -> Self {
        let (status, code) = (code.status(), code.as_str());
        Self { status, code, detail: detail.into(), errors: Vec::new(), headers: Vec::new() }
    }

    pub(crate) fn with_errors(code: Code, errors: Vec<FieldFault>) -> Self {
        Self { errors, ..Self::new(code) }
    }

    pub(crate) fn is(&self, code: Code) -> bool {
        self.code == code.as_str()
    }

    /// One member is at fault.
    pub(crate) fn field(pointer: &str, code: &'static str, message: impl Into<String>) -> Self {
        let fault = FieldFault { pointer: pointer.to_owned(), code, message: message.into() };
        Self::with_errors(Code::ValidationFailed, vec![fault])
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::with_detail(Code::NotFound, format!("There is no {what} with this id."))
    }

    pub(crate) fn stale(etag: &str) -> Self {
        Self::new(Code::StaleVersion).header(header::ETAG, etag)
    }

    /// Problem for an answer of ShipStation. `proving`: the credentials are the caller's own and just being tried, so that refusing them is
    /// the caller's mistake; otherwise ours or ShipStation's.
    pub(crate) fn shipstation(error: &stevedore_shipstation::Error, proving: bool) -> Self {
        use stevedore_shipstation::Error;
        tracing::warn!(error = %ErrorChain(error), code = error.code(), "ShipStation did not answer as asked");
        let status = match error {
            Error::Unauthorized | Error::PlanWithoutApi | Error::Forbidden if proving => StatusCode::UNPROCESSABLE_ENTITY,
            Error::Throttled { .. } | Error::Unavailable { .. } | Error::DeadlineReached => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_GATEWAY,
        };
        let sentence = error.to_string();
        let mut letters = sentence.chars();
        let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
        let detail = format!("{first}{}. {}", letters.as_str(), error.advice());
        let problem = Self { status, code: error.code(), detail, errors: Vec::new(), headers: Vec::new() };
        if status == StatusCode::SERVICE_UNAVAILABLE { problem.header(header::RETRY_AFTER, "60") } else { problem }
    }

    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        // Values are made here from our own words and numbers; one that could not be a header would only be left out.
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }
}

impl From<stevedore_aws::Error> for Problem {
    fn from(error: stevedore_aws::Error) -> Self {
        match &error {
            stevedore_aws::Error::PageToken => {
                let message = "The list did not give this token, or gave it for other filters.".to_owned();
                let fault = FieldFault { pointer: "/page_token".to_owned(), code: "unknown_token", message };
                Self::with_errors(Code::InvalidPageToken, vec![fault])
            }
            _ if error.is_transient() => {
                tracing::warn!(error = %ErrorChain(&error), "AWS is not available");
                Self::new(Code::Unavailable).header(header::RETRY_AFTER, "2")
            }
            _ => {
                tracing::error!(error = %ErrorChain(&error), "a request failed");
                Self::new(Code::Internal)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Problem");
        let Self { status, code, detail, errors, headers } = self;
        let view = ProblemView { r#type: "about:blank", title, status: status.as_u16(), code, detail: &detail, errors: &errors };
        let mut response = Response::new(Body::from(serde_json::to_vec(&view).unwrap_or_default()));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.headers_mut().extend(headers);
        response
    }
}
