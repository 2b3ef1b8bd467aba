//! Access to the engines for holders of the access key, by AWS's signature (Signature Version 4,
//! AWS IAM user guide, "Create a signed AWS API request"). Only an address of this machine is
//! accepted, so that no web page reaches the engines under a name of its own.

use ring::digest::{SHA256, digest};
use ring::hmac;

use crate::REGION;
use crate::wire::{Refusal, Service};

/// An access key and its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// Its id, which requests name.
    pub id: String,
    /// Its secret, which signs them.
    pub secret: String,
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The signed parts of a request. Its path is `/` and it has no query, as for all three services.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// Names in lower case with their values, in the order of their names.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The value of `Authorization` for a request of `service` at `time` (`20260131T101500Z`), as an
/// SDK makes it.
#[must_use]
pub fn authorization(key: &AccessKey, service: &str, time: &str, request: Signed<'_>) -> String {
    let date = time.get(..8).unwrap_or_default();
    let scope = format!("{date}/{REGION}/{service}/aws4_request");
    let names = request.headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let signature = hex(sign(&key.secret, &scope, time, &request).as_ref());
    format!("{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}", key.id)
}

fn sign(secret: &str, scope: &str, time: &str, request: &Signed<'_>) -> hmac::Tag {
    let names = request.headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let headers = request.headers.iter().fold(String::new(), |text, (name, value)| text + name + ":" + &collapsed(value) + "\n");
    let canonical = format!("{}\n/\n\n{headers}\n{names}\n{}", request.method, hex(digest(&SHA256, request.body).as_ref()));
    let text = format!("{ALGORITHM}\n{time}\n{scope}\n{}", hex(digest(&SHA256, canonical.as_bytes()).as_ref()));
    let keyed = |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
    let first = format!("AWS4{secret}").into_bytes();
    let key = scope.split('/').fold(first, |key, part| keyed(&key, part).as_ref().to_vec());
    keyed(&key, &text)
}

/// A header's value without blanks at its ends, and with single blanks inside.
fn collapsed(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
        }
        text
    })
}

/// Checks a request's signature. Its time is not compared with the clock, because the engines' own
/// clock may run faster.
pub(crate) fn verify(
    key: Option<&AccessKey>,
    service: Service,
    headers: &hyper::HeaderMap,
    method: &str,
    body: &[u8],
) -> Result<(), Refusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let missing = || Refusal::new("MissingAuthenticationTokenException", "The request must be signed.");
    let wrong = || Refusal::new("InvalidSignatureException", "The request's signature is not the one that its access key makes.");
    let given = text("authorization").and_then(|value| value.strip_prefix(ALGORITHM)).ok_or_else(missing)?;
    let member = |name: &str| {
        let members = given.split(',').filter_map(|member| member.trim().split_once('='));
        members.into_iter().find_map(|(known, value)| (known == name).then_some(value))
    };
    let (credential, names, signature) = member("Credential")
        .zip(member("SignedHeaders"))
        .zip(member("Signature"))
        .map(|((one, two), three)| (one, two, three))
        .ok_or_else(missing)?;
    let (id, scope) = credential.split_once('/').ok_or_else(wrong)?;
    let unknown = || Refusal::new("UnrecognizedClientException", "The security token included in the request is invalid.");
    let key = key.filter(|key| key.id == id).ok_or_else(unknown)?;
    let time = text("x-amz-date").ok_or_else(wrong)?;
    let parts: Vec<&str> = scope.split('/').collect();
    let [date, _, named, "aws4_request"] = parts.as_slice() else { return Err(wrong()) };
    let names: Vec<&str> = names.split(';').collect();
    // Headers that decide about the request must be signed.
    if time.get(..8) != Some(*date) || *named != service.signing_name() || !["host", "x-amz-date"].iter().all(|name| names.contains(name)) {
        return Err(wrong());
    }
    let signed: Option<Vec<(&str, &str)>> = names.iter().map(|name| Some((*name, text(name)?))).collect();
    let signed = signed.ok_or_else(wrong)?;
    let expected = hex(sign(&key.secret, scope, time, &Signed { method, headers: &signed, body }).as_ref());
    let differs = expected.bytes().zip(signature.bytes()).fold(0, |differs, (one, other)| differs | (one ^ other));
    if expected.len() == signature.len() && differs == 0 { Ok(()) } else { Err(wrong()) }
}

/// True if a `Host` header names this machine. A web page whose name points to this machine sends
/// its own name.
pub(crate) fn is_local(host: Option<&hyper::header::HeaderValue>) -> bool {
    let Some(host) = host.and_then(|host| host.to_str().ok()) else { return false };
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host });
    ["127.0.0.1", "localhost", "[::1]"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of AWS's own test suite for Signature Version 4 (`get-vanilla`).
    #[test]
    fn a_signature_is_the_one_that_aws_publishes() {
        let key = AccessKey { id: "AKIDEXAMPLE".to_owned(), secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned() };
        let headers = [("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")];
        let request = Signed { method: "GET", headers: &headers, body: b"" };
        assert_eq!(
            authorization(&key, "service", "20150830T123600Z", request),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, \
             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
    }

    #[test]
    fn a_host_is_an_address_of_this_machine() {
        let local = |host: &str| hyper::header::HeaderValue::from_str(host).is_ok_and(|host| is_local(Some(&host)));
        for host in ["127.0.0.1:8000", "localhost:9001", "127.0.0.1", "localhost", "[::1]:80"] {
            assert!(local(host), "{host}");
        }
        for host in ["evil.example", "evil.example:8000", "127.0.0.1.evil.example:8000", "localhost.evil.example", "", "192.168.1.5:8000"] {
            assert!(!local(host), "{host}");
        }
        assert!(!is_local(None));
    }
}
