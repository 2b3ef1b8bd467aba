//! Access by permission. Deny by default: a route answers only to those whom its own documentation lets in.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use lambda_http::request::RequestContext;
use secrecy::{ExposeSecret, SecretString};

use crate::Deps;
use crate::http::audit::{self, Act, Change};
use crate::http::problem::{Code, Problem};

/// The permission without its grade (docs/requirements.md, section 3).
pub const PERMISSION: &str = "integration:shipstation";

/// Grades of the permission; each contains those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Look.
    Read,
    /// Start, process, redrive, delete log entries, acknowledge.
    Operate,
    /// Connect, change settings and reference data.
    Configure,
}

impl Grade {
    /// Every grade, the least first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Operate, Self::Configure];

    /// The permission as tokens carry it: `integration:shipstation:read`.
    pub fn permission(self) -> &'static str {
        match self {
            Self::Read => "integration:shipstation:read",
            Self::Operate => "integration:shipstation:operate",
            Self::Configure => "integration:shipstation:configure",
        }
    }

    fn of_permission(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grade| grade.permission() == text)
    }
}

/// Proof of identity that callers bring.
pub enum Access {
    /// Behind API Gateway: its JWT authorizer has checked the token, and the claims in the request's context carry the permissions.
    Claims {
        /// Another claim that carries permissions, for issuers that name theirs in their own way.
        also: Option<String>,
    },
    /// On one machine: fixed bearer tokens with their grade. An event that carries claims is believed as well: whoever may invoke the function by hand, as
    /// `cargo lambda invoke` does, writes the whole of it anyway.
    Tokens(Vec<(SecretString, Grade)>),
}

/// Caller, as the history, the operations and the timelines name it.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub by: String,
    /// None: a valid token without the permission.
    pub grade: Option<Grade>,
    /// Change that the act made, as its handler says; shared with the record of the act.
    pub(crate) change: Change,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Absent on open routes alone, and none of these asks who calls.
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::new(Code::Unauthenticated))
    }
}

/// Permission that a route's documentation asks of its callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    Grade(Grade),
    /// Nothing readable: nobody gets in.
    Unknown,
}

/// Every operation of `docs/openapi.json`: path, method, name, and its security requirements as JSON (OpenAPI 3.1, "Security Requirement Object").
const OPERATIONS: &[(&str, &str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/operations.rs"));

/// The door: what each route needs, read from the OpenAPI document, so that the two cannot differ.
pub(crate) struct Gate {
    deps: Arc<Deps>,
    routes: HashMap<&'static str, Vec<Operation>>,
}

/// A method of a route.
struct Operation {
    method: Method,
    needs: Needs,
    /// The document's name of it.
    name: &'static str,
}

/// The caller and the permission that were let in.
struct Entered {
    caller: Caller,
    needed: Grade,
    name: &'static str,
}

impl Gate {
    pub(crate) fn new(deps: Arc<Deps>) -> Self {
        let mut routes: HashMap<&str, Vec<Operation>> = HashMap::new();
        for &(path, method, name, security) in OPERATIONS {
            let Ok(method) = Method::from_bytes(method.as_bytes()) else { continue };
            routes.entry(path).or_default().push(Operation { method, needs: needs(security), name });
        }
        Self { deps, routes }
    }

    fn caller(&self, request: &Request) -> Option<Caller> {
        match &self.deps.access {
            Access::Claims { also } => by_claims(request, also.as_deref()),
            Access::Tokens(tokens) => by_token(tokens, request.headers()).or_else(|| by_claims(request, None)),
        }
    }
}

/// Permission that security requirements ask for.
fn needs(security: &str) -> Needs {
    let requirements: Vec<HashMap<String, Vec<String>>> = serde_json::from_str(security).unwrap_or_default();
    let [requirement] = requirements.as_slice() else { return Needs::Unknown };
    let scopes = match (requirement.len(), requirement.get("bearer")) {
        (0, _) => return Needs::Nothing,
        (1, Some(scopes)) => scopes.as_slice(),
        _ => return Needs::Unknown,
    };
    let [scope] = scopes else { return Needs::Unknown };
    Grade::of_permission(scope).map_or(Needs::Unknown, Needs::Grade)
}

/// The permission that a word of a claim names. Cognito joins a scope to its resource server's identifier with a slash.
fn named(word: &str) -> Option<Grade> {
    Grade::of_permission(word).or_else(|| Grade::of_permission(&word.replacen(&format!("{PERMISSION}/"), &format!("{PERMISSION}:"), 1)))
}

fn by_claims(request: &Request, also: Option<&str>) -> Option<Caller> {
    let Some(RequestContext::ApiGatewayV2(context)) = request.extensions().get::<RequestContext>() else { return None };
    let jwt = context.authorizer.as_ref()?.jwt.as_ref()?;
    let claim = |name: &str| jwt.claims.get(name).map(String::as_str).filter(|text| !text.trim().is_empty());
    // The gateway hands an array over as `[a b]`.
    let names = ["permissions", "scope", "scp", "cognito:groups"].into_iter().chain(also);
    let words = names.filter_map(claim);
    let words = words.flat_map(|text| text.split(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | ',' | '"')));
    let scopes = jwt.scopes.iter().flatten().map(String::as_str);
    let grade = words.chain(scopes).filter_map(named).max();
    let verified = claim("email_verified").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let by = named_by(claim("sub").or_else(|| claim("client_id")), claim("email").filter(|_| verified));
    Some(Caller { by, grade, change: Change::default() })
}

/// The caller's name in what is kept: the subject, which the issuer gives and nobody changes. An address stands beside it only where the issuer has verified it:
/// in some pools people write their own, and another's name would sign their acts.
fn named_by(subject: Option<&str>, verified_email: Option<&str>) -> String {
    match (subject, verified_email) {
        (Some(subject), Some(email)) if subject != email => format!("{subject} ({email})"),
        (Some(subject), _) => subject.to_owned(),
        (None, _) => "unknown".to_owned(),
    }
}

fn by_token(tokens: &[(SecretString, Grade)], headers: &HeaderMap) -> Option<Caller> {
    let (scheme, sent) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    // All are compared, so that the time tells neither which one was close nor how far.
    let matching = tokens.iter().filter(|(token, _)| equal(token.expose_secret().as_bytes(), sent.trim().as_bytes()));
    let grade = matching.map(|(_, grade)| *grade).max()?;
    Some(Caller { by: "local".to_owned(), grade: Some(grade), change: Change::default() })
}

/// Compares in a time that depends on the lengths alone.
fn equal(known: &[u8], sent: &[u8]) -> bool {
    let differences = known.iter().zip(sent).fold(0_u8, |sum, (a, b)| black_box(sum | (a ^ b)));
    black_box(differences) == 0 && known.len() == sent.len()
}

/// Lets a request through, or says why not. Runs before everything else, unknown routes included.
pub(crate) async fn guard(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let method = request.method().clone();
    let response = match enter(&gate, path.as_deref(), &mut request) {
        Ok(Some(Entered { caller, needed, name })) if needed > Grade::Read => {
            let act = Act { caller, permission: needed.permission(), name, target: request.uri().path().to_owned() };
            audit::recorded(&gate.deps, act, next.run(request)).await
        }
        Ok(_) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    // The route, not the path: a path names orders.
    tracing::info!(%method, route = path.as_deref().unwrap_or("none"), status = response.status().as_u16(), "answered");
    sealed(response)
}

fn enter(gate: &Gate, path: Option<&str>, request: &mut Request) -> Result<Option<Entered>, Problem> {
    let operations = path.map(|path| gate.routes.get(path).map(Vec::as_slice).unwrap_or_default());
    // Every GET answers a HEAD too.
    let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
    let operation = operations.and_then(|operations| operations.iter().find(|known| known.method == method));
    if operation.is_some_and(|operation| operation.needs == Needs::Nothing) {
        return Ok(None);
    }
    let caller = gate.caller(request).ok_or_else(|| {
        let realm = "Bearer realm=\"stevedore\"";
        Problem::new(Code::Unauthenticated).header(header::WWW_AUTHENTICATE, realm)
    })?;
    let entered = match (operations, operation.map(|operation| (operation.needs, operation.name))) {
        // No such route: the router says so.
        (None, _) => None,
        (Some(operations), None) => {
            let mut allowed: Vec<&str> = operations.iter().map(|known| known.method.as_str()).collect();
            if allowed.contains(&"GET") {
                allowed.push("HEAD");
            }
            return Err(Problem::new(Code::MethodNotAllowed).header(header::ALLOW, &allowed.join(", ")));
        }
        (Some(_), Some((Needs::Grade(needed), name))) if caller.grade >= Some(needed) => {
            Some(Entered { caller: caller.clone(), needed, name })
        }
        (Some(_), Some((Needs::Grade(needed), _))) => {
            let detail = format!("This call needs the permission {}.", needed.permission());
            return Err(Problem::with_detail(Code::Forbidden, detail));
        }
        (Some(_), Some(_)) => return Err(Problem::new(Code::Forbidden)),
    };
    request.extensions_mut().insert(caller);
    Ok(entered)
}

/// Nothing here is for caches, and nothing is to be taken for anything but what it says it is.
fn sealed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    seal(headers);
    response
}

/// The headers of every answer, the panel's files included.
pub(crate) fn seal(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_documented_lets_nobody_in() {
        assert_eq!(needs("null"), Needs::Unknown);
        assert_eq!(needs("[]"), Needs::Unknown);
        assert_eq!(needs(r#"[{"bearer":[]}]"#), Needs::Unknown);
        assert_eq!(needs(r#"[{"bearer":["integration:shipstation"]}]"#), Needs::Unknown);
        assert_eq!(needs(r#"[{"bearer":["integration:shipstation:read"],"other":[]}]"#), Needs::Unknown);
        assert_eq!(needs(r#"[{},{"bearer":["integration:shipstation:read"]}]"#), Needs::Unknown);
        assert_eq!(needs("[{}]"), Needs::Nothing);
        assert_eq!(needs(r#"[{"bearer":["integration:shipstation:operate"]}]"#), Needs::Grade(Grade::Operate));
    }

    #[test]
    fn a_caller_is_named_by_the_subject_and_by_an_address_only_beside_it() {
        assert_eq!(named_by(Some("u-1"), Some("ann@example.com")), "u-1 (ann@example.com)");
        assert_eq!(named_by(Some("u-1"), None), "u-1");
        assert_eq!(named_by(None, Some("ann@example.com")), "unknown");
    }

    #[test]
    fn tokens_are_compared_as_a_whole() {
        assert!(equal(b"a-token", b"a-token"));
        assert!(!equal(b"a-token", b"a-tokem") && !equal(b"a-token", b"a-toke") && !equal(b"a-token", b"a-token2") && !equal(b"a", b""));
    }
}
