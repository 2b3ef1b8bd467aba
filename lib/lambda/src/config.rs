//! The configuration of the functions, parsed once from the environment that `main.rs` hands in.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;

use secrecy::SecretString;

/// The name of the one DynamoDB table.
pub const TABLE: &str = "STEVEDORE_TABLE";
/// The URL of the SQS queue that carries one order a message.
pub const ORDERS_QUEUE_URL: &str = "STEVEDORE_ORDERS_QUEUE_URL";
/// The URL of the SQS queue that carries loads, re-reads and continuations.
pub const COMMANDS_QUEUE_URL: &str = "STEVEDORE_COMMANDS_QUEUE_URL";
/// The URL of the SQS queue that carries consolidation's own commands.
pub const CONSOLIDATION_QUEUE_URL: &str = "STEVEDORE_CONSOLIDATION_QUEUE_URL";
/// The URL of the SQS queue that takes what the others gave up on.
pub const DEAD_LETTER_QUEUE_URL: &str = "STEVEDORE_DEAD_LETTER_QUEUE_URL";
/// The name or ARN of the secret that holds ShipStation's key and secret.
pub const SECRET_ID: &str = "STEVEDORE_SECRET_ID";
/// Address of ShipStation; [`SHIPSTATION`] when absent.
pub const SHIPSTATION_URL: &str = "STEVEDORE_SHIPSTATION_URL";
/// A fixed bearer token, on one machine only; never set behind API Gateway.
pub const API_TOKEN: &str = "STEVEDORE_API_TOKEN";
/// Address at which a person signs in to the panel: the authorization endpoint of the issuer (OpenID Connect). Blank: the panel asks for a token.
pub const SIGN_IN_URL: &str = "STEVEDORE_SIGN_IN_URL";
/// Address at which the panel exchanges the code that signing in gave for a token.
pub const SIGN_IN_TOKEN_URL: &str = "STEVEDORE_SIGN_IN_TOKEN_URL";
/// The panel's client id at the issuer.
pub const SIGN_IN_CLIENT_ID: &str = "STEVEDORE_SIGN_IN_CLIENT_ID";
/// The scopes that the panel asks for, separated by blanks.
pub const SIGN_IN_SCOPES: &str = "STEVEDORE_SIGN_IN_SCOPES";
/// A claim of the tokens that carries permissions, beside those that always may.
pub const PERMISSIONS_CLAIM: &str = "STEVEDORE_PERMISSIONS_CLAIM";

/// A file of certificates to trust instead of Amazon's, and beside Mozilla's for ShipStation: where all traffic goes through a proxy of the merchant's own. AWS's tools
/// know the variable by this name (AWS SDKs and Tools reference guide, "Environment variables"); no template of ours sets it.
pub const CA_BUNDLE: &str = "AWS_CA_BUNDLE";

/// The variables without which no function starts.
pub const REQUIRED: [&str; 6] = [TABLE, ORDERS_QUEUE_URL, COMMANDS_QUEUE_URL, CONSOLIDATION_QUEUE_URL, DEAD_LETTER_QUEUE_URL, SECRET_ID];

/// The variables that a function starts without.
pub const OPTIONAL: [&str; 7] =
    [SHIPSTATION_URL, API_TOKEN, SIGN_IN_URL, SIGN_IN_TOKEN_URL, SIGN_IN_CLIENT_ID, SIGN_IN_SCOPES, PERMISSIONS_CLAIM];

/// The scopes that the panel asks for where none are named.
pub const SCOPES: &str = "openid";

/// ShipStation's own address for API V1 (ShipStation API V1 documentation, "Requirements": "API Endpoint").
pub const SHIPSTATION: &str = "https://ssapi.shipstation.com/";

/// Configuration of a function. AWS's own variables (`AWS_REGION`, `AWS_ENDPOINT_URL…`) are the
/// SDK's to read.
#[derive(Clone, Debug)]
pub struct Config {
    /// The name of the one DynamoDB table.
    pub table: String,
    /// The URL of the orders queue.
    pub orders_queue_url: String,
    /// The URL of the commands queue.
    pub commands_queue_url: String,
    /// The URL of the queue of consolidation's own commands.
    pub consolidation_queue_url: String,
    /// The URL of the dead-letter queue of all of them.
    pub dead_letter_queue_url: String,
    /// The name or ARN of the secret with ShipStation's credentials.
    pub secret_id: String,
    /// ShipStation's address, with a closing slash.
    pub shipstation_url: String,
    /// A bearer token that the API accepts, on one machine only. Absent behind API Gateway, whose authorizer decides.
    pub api_token: Option<SecretString>,
    /// Issuer with which people sign in to the panel; none where it asks for a token.
    pub sign_in: Option<SignIn>,
    /// A claim that carries permissions, beside those that always may.
    pub permissions_claim: Option<String>,
    /// The file of [`CA_BUNDLE`].
    pub ca_bundle: Option<PathBuf>,
}

/// Sign-in to the panel: OpenID Connect's authorization code flow with PKCE, by a public client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// The authorization endpoint.
    pub url: String,
    /// The token endpoint.
    pub token_url: String,
    /// The panel's client id.
    pub client_id: String,
    /// Separated by blanks.
    pub scopes: String,
}

impl Config {
    /// Parses the environment; variables of others are ignored.
    ///
    /// # Errors
    /// [`ConfigError`], which names every variable that is missing or wrong, not only the first.
    pub fn from_vars(vars: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let mut reader = Reader { vars: vars.into_iter().collect(), problems: Vec::new() };
        let config = Self {
            table: reader.required(TABLE),
            orders_queue_url: reader.queue_url(ORDERS_QUEUE_URL),
            commands_queue_url: reader.queue_url(COMMANDS_QUEUE_URL),
            consolidation_queue_url: reader.queue_url(CONSOLIDATION_QUEUE_URL),
            dead_letter_queue_url: reader.queue_url(DEAD_LETTER_QUEUE_URL),
            secret_id: reader.required(SECRET_ID),
            shipstation_url: reader.shipstation_url(),
            api_token: reader.api_token(),
            sign_in: reader.sign_in(),
            permissions_claim: reader.optional(PERMISSIONS_CLAIM),
            ca_bundle: reader.optional(CA_BUNDLE).map(PathBuf::from),
        };
        if reader.problems.is_empty() { Ok(config) } else { Err(ConfigError { problems: reader.problems }) }
    }
}

/// The environment does not make a configuration. Its text names each variable and never shows a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment is not complete: {}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct ConfigError {
    problems: Vec<Problem>,
}

impl ConfigError {
    /// Faults, one for each variable, in the order of the configuration.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

/// One variable that is missing or wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The variable's name.
    pub variable: &'static str,
    /// The fault of the variable.
    pub fault: Fault,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.variable, self.fault)
    }
}

/// Fault of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not set, or holds nothing but blanks.
    Missing,
    /// It is not an `http://` or `https://` address with a host.
    NotAUrl,
    /// It would send ShipStation's credentials over another machine's plain HTTP.
    NotEncrypted,
    /// It is shorter than [`SHORTEST_TOKEN`].
    TooShort,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("is missing"),
            Self::NotAUrl => f.write_str("is not an http:// or https:// address"),
            Self::NotEncrypted => f.write_str("must be https://, for the credentials travel with every request"),
            Self::TooShort => write!(f, "is shorter than {SHORTEST_TOKEN} characters"),
        }
    }
}

/// The shortest bearer token that is accepted, in bytes: a shorter one can be guessed over a network.
pub const SHORTEST_TOKEN: usize = 16;

/// Reads variables and gathers what is wrong with them.
struct Reader {
    vars: HashMap<String, String>,
    problems: Vec<Problem>,
}

impl Reader {
    /// A variable's value; a blank one counts as absent, because templates and shells leave those behind.
    fn optional(&self, variable: &str) -> Option<String> {
        let value = self.vars.get(variable)?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    fn required(&mut self, variable: &'static str) -> String {
        self.optional(variable).unwrap_or_else(|| {
            self.fault(variable, Fault::Missing);
            String::new()
        })
    }

    fn queue_url(&mut self, variable: &'static str) -> String {
        let value = self.required(variable);
        if !value.is_empty() && host_of(&value).is_none() {
            self.fault(variable, Fault::NotAUrl);
        }
        value
    }

    fn shipstation_url(&mut self) -> String {
        let mut value = self.optional(SHIPSTATION_URL).unwrap_or_else(|| SHIPSTATION.to_owned());
        match host_of(&value) {
            None => self.fault(SHIPSTATION_URL, Fault::NotAUrl),
            Some(host) if value.starts_with("http://") && !is_this_machine(host) => {
                self.fault(SHIPSTATION_URL, Fault::NotEncrypted);
            }
            Some(_) => {}
        }
        // Paths are joined to it, and joining to an address without the slash replaces its last part.
        if !value.ends_with('/') {
            value.push('/');
        }
        value
    }

    fn api_token(&mut self) -> Option<SecretString> {
        let token = self.optional(API_TOKEN)?;
        if token.len() < SHORTEST_TOKEN {
            self.fault(API_TOKEN, Fault::TooShort);
        }
        Some(SecretString::from(token))
    }

    /// All of it, or nothing.
    fn sign_in(&mut self) -> Option<SignIn> {
        let url = self.optional(SIGN_IN_URL)?;
        let sign_in = SignIn {
            token_url: self.required(SIGN_IN_TOKEN_URL),
            client_id: self.required(SIGN_IN_CLIENT_ID),
            scopes: self.optional(SIGN_IN_SCOPES).unwrap_or_else(|| SCOPES.to_owned()),
            url,
        };
        for (variable, value) in [(SIGN_IN_URL, &sign_in.url), (SIGN_IN_TOKEN_URL, &sign_in.token_url)] {
            let missing = value.is_empty();
            match host_of(value) {
                None if missing => {}
                // They stand in the panel's Content-Security-Policy, where these would end the directive.
                None => self.fault(variable, Fault::NotAUrl),
                Some(_) if value.contains([';', ',', '\'']) => self.fault(variable, Fault::NotAUrl),
                Some(host) if value.starts_with("http://") && !is_this_machine(host) => self.fault(variable, Fault::NotEncrypted),
                Some(_) => {}
            }
        }
        Some(sign_in)
    }

    fn fault(&mut self, variable: &'static str, fault: Fault) {
        self.problems.push(Problem { variable, fault });
    }
}

/// The host of an `http://` or `https://` address, without user and port; none if the text is no such address.
fn host_of(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    if url.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let host_and_port = authority.rsplit('@').next()?;
    let host = match host_and_port.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => host_and_port.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use secrecy::ExposeSecret;

    const QUEUES: &str = "https://sqs.us-west-2.amazonaws.com/123456789012";

    fn complete() -> Vec<(String, String)> {
        [
            (TABLE, "stevedore".to_owned()),
            (ORDERS_QUEUE_URL, format!("{QUEUES}/orders")),
            (COMMANDS_QUEUE_URL, format!("{QUEUES}/commands")),
            (CONSOLIDATION_QUEUE_URL, format!("{QUEUES}/consolidation")),
            (DEAD_LETTER_QUEUE_URL, format!("{QUEUES}/dead-letters")),
            (SECRET_ID, "stevedore/shipstation".to_owned()),
            ("PATH", "/usr/bin".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    fn with(variable: &str, value: &str) -> Vec<(String, String)> {
        let mut vars = complete();
        vars.retain(|(name, _)| name != variable);
        vars.push((variable.to_owned(), value.to_owned()));
        vars
    }

    fn fault(vars: Vec<(String, String)>) -> Problem {
        let error = Config::from_vars(vars).unwrap_err();
        assert_eq!(error.problems().len(), 1, "{error}");
        error.problems()[0].clone()
    }

    #[test]
    fn a_complete_environment_makes_a_configuration() {
        let config = Config::from_vars(complete()).unwrap();

        assert_eq!(config.table, "stevedore");
        assert_eq!(config.orders_queue_url, format!("{QUEUES}/orders"));
        assert_eq!(config.commands_queue_url, format!("{QUEUES}/commands"));
        assert_eq!(config.dead_letter_queue_url, format!("{QUEUES}/dead-letters"));
        assert_eq!(config.secret_id, "stevedore/shipstation");
        assert_eq!(config.shipstation_url, "https://ssapi.shipstation.com/");
        assert!(config.api_token.is_none());
    }

    #[test]
    fn every_missing_variable_is_named_in_one_error() {
        let error = Config::from_vars([]).unwrap_err();

        let named: Vec<&str> = error.problems().iter().map(|problem| problem.variable).collect();
        assert_eq!(named, REQUIRED);
        for name in REQUIRED {
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn a_blank_variable_is_a_missing_one() {
        let problem = fault(with(TABLE, "  "));

        assert_eq!((problem.variable, problem.fault), (TABLE, Fault::Missing));
    }

    #[test]
    fn a_queue_is_an_address() {
        for text in ["orders", "https://", "ftp://sqs/orders", "https://sqs /orders"] {
            let problem = fault(with(ORDERS_QUEUE_URL, text));
            assert_eq!(problem.variable, ORDERS_QUEUE_URL, "{text}");
            assert_eq!(problem.fault, Fault::NotAUrl, "{text}");
        }
    }

    #[test]
    fn another_shipstation_gets_its_closing_slash() {
        let config = Config::from_vars(with(SHIPSTATION_URL, "http://127.0.0.1:8731")).unwrap();

        assert_eq!(config.shipstation_url, "http://127.0.0.1:8731/");
    }

    #[test]
    fn credentials_travel_in_the_clear_only_on_this_machine() {
        for here in ["http://localhost:1/", "http://[::1]:1/", "http://127.0.0.9/"] {
            assert!(Config::from_vars(with(SHIPSTATION_URL, here)).is_ok(), "{here}");
        }
        for elsewhere in ["http://ssapi.shipstation.com/", "http://127.0.0.1@example.com/"] {
            let problem = fault(with(SHIPSTATION_URL, elsewhere));
            assert_eq!(problem.fault, Fault::NotEncrypted, "{elsewhere}");
        }
    }

    #[test]
    fn signing_in_takes_every_part_or_none() {
        assert_eq!(Config::from_vars(with(SIGN_IN_TOKEN_URL, "https://id.example/token")).unwrap().sign_in, None);
        let mut vars = with(SIGN_IN_URL, "https://id.example/authorize");
        assert_eq!(Config::from_vars(vars.clone()).unwrap_err().problems().len(), 2);
        vars.push((SIGN_IN_TOKEN_URL.to_owned(), "https://id.example/token".to_owned()));
        vars.push((SIGN_IN_CLIENT_ID.to_owned(), "panel".to_owned()));
        let sign_in = Config::from_vars(vars.clone()).unwrap().sign_in.unwrap();
        assert_eq!((sign_in.client_id.as_str(), sign_in.scopes.as_str()), ("panel", SCOPES));
        for bad in ["http://id.example/token", "https://id.example/;script-src", "token"] {
            vars[7].1 = bad.to_owned();
            assert_eq!(Config::from_vars(vars.clone()).unwrap_err().problems().len(), 1, "{bad}");
        }
    }

    #[test]
    fn a_token_is_long_enough_and_never_shown() {
        let problem = fault(with(API_TOKEN, "hunter2"));
        assert_eq!((problem.variable, problem.fault), (API_TOKEN, Fault::TooShort));

        let config = Config::from_vars(with(API_TOKEN, "a-token-of-this-machine")).unwrap();
        let token = config.api_token.as_ref().unwrap();
        assert_eq!(token.expose_secret(), "a-token-of-this-machine");
        assert!(!format!("{config:?}").contains("a-token-of-this-machine"));
    }
}
