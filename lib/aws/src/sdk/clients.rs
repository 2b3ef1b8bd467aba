//! The SDK's clients, from what the environment says and nothing else (`docs/decisions/0037-clients-from-the-environment.md`).

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider, SharedHttpClient, SharedInterceptor};

use crate::sdk::connector::http_client;

/// Types with which tests look into, or stop, every call: the SDK's own interceptors.
pub mod interceptors {
    pub use aws_sdk_dynamodb::config::interceptors::{
        AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
        BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
    };
    pub use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents, SharedInterceptor};
    pub use aws_sdk_dynamodb::error::BoxError;
}

/// Builder of clients. Each is made where and when it is wanted, so that a function's program holds none that it does not use; all share one HTTP client, and with it
/// connections and roots.
#[derive(Clone, Debug)]
pub struct Clients {
    region: Option<Region>,
    credentials: Option<SharedCredentialsProvider>,
    /// Addresses of services, by the SDK's names for their endpoints' variables; the empty name is for all others.
    endpoints: Vec<(String, String)>,
    http: SharedHttpClient,
    interceptors: Vec<SharedInterceptor>,
}

/// Options of clients that the environment does not state.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    /// Sees every call of every client; a test's way to count, delay and stop them.
    pub interceptors: Vec<SharedInterceptor>,
    /// Certificates in PEM to trust beside Mozilla's: the contents of `AWS_CA_BUNDLE`, for a proxy that
    /// signs with an authority of its own.
    pub trusted: Option<Vec<u8>>,
}

const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// A service's client: the services' configurations are the same and have no type in common.
macro_rules! client {
    ($clients:ident, $service:ident, $variable:literal) => {{
        let mut config = $service::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client($clients.http.clone())
            .timeout_config(timeouts())
            .retry_config(retries())
            .sleep_impl(aws_sleep());
        config.set_region($clients.region.clone());
        config.set_credentials_provider($clients.credentials.clone());
        config.set_endpoint_url($clients.endpoint($variable));
        for interceptor in &$clients.interceptors {
            config.push_interceptor(interceptor.clone());
        }
        $service::Client::from_conf(config.build())
    }};
}

impl Clients {
    /// Clients as the environment's variables say, which Lambda sets: `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`; and
    /// `AWS_ENDPOINT_URL`, or with `_DYNAMODB`, `_SQS` or `_SECRETS_MANAGER` behind it for one service (AWS SDKs and Tools reference guide, "Service-specific
    /// endpoints"). Without region or credentials each call fails and says so.
    #[must_use]
    pub fn from_vars(vars: impl IntoIterator<Item = (String, String)>, options: ClientOptions) -> Self {
        let (mut region, mut default_region, mut key, mut secret, mut token) = (None, None, None, None, None);
        let mut endpoints = Vec::new();
        for (name, value) in vars {
            if value.is_empty() {
                continue;
            }
            match name.as_str() {
                "AWS_REGION" => region = Some(value),
                "AWS_DEFAULT_REGION" => default_region = Some(value),
                "AWS_ACCESS_KEY_ID" => key = Some(value),
                "AWS_SECRET_ACCESS_KEY" => secret = Some(value),
                "AWS_SESSION_TOKEN" => token = Some(value),
                name => {
                    if let Some(service) = name.strip_prefix(ENDPOINT) {
                        endpoints.push((service.trim_start_matches('_').to_owned(), value));
                    }
                }
            }
        }
        let credentials = key.zip(secret).map(|(key, secret)| Credentials::new(key, secret, token, None, "environment"));
        Self {
            region: region.or(default_region).map(Region::new),
            credentials: credentials.map(SharedCredentialsProvider::new),
            endpoints,
            http: http_client(options.trusted.as_deref()),
            interceptors: options.interceptors,
        }
    }

    /// Clients of engines at `endpoint` that ask for no access key.
    #[must_use]
    pub fn at_endpoint(endpoint: &str, options: ClientOptions) -> Self {
        Self::with_key(endpoint, ("local", "local"), options)
    }

    /// Clients of engines at `endpoint` that ask for this access key: its id and its secret.
    #[must_use]
    pub fn with_key(endpoint: &str, (id, secret): (&str, &str), options: ClientOptions) -> Self {
        let vars = [("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", secret), (ENDPOINT, endpoint)];
        Self::from_vars(vars.map(|(name, value)| (name.to_owned(), value.to_owned())), options)
    }

    fn endpoint(&self, service: &str) -> Option<String> {
        let of = |wanted: &str| self.endpoints.iter().find(|(name, _)| name == wanted).map(|(_, url)| url.clone());
        of(service).or_else(|| of(""))
    }

    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        client!(self, aws_sdk_dynamodb, "DYNAMODB")
    }

    pub(crate) fn sqs(&self) -> aws_sdk_sqs::Client {
        client!(self, aws_sdk_sqs, "SQS")
    }

    pub(crate) fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        client!(self, aws_sdk_secretsmanager, "SECRETS_MANAGER")
    }
}

/// A client that is made when it is first used, for making one reads the SDK's table of all regions: half a million instructions. The table's is made at once,
/// since every function uses it; few of the API's calls need a queue or the secret.
#[derive(Clone)]
pub(crate) struct LazyClient<T>(Arc<LazyLock<T, Box<dyn FnOnce() -> T + Send>>>);

impl<T: 'static> LazyClient<T> {
    pub(crate) fn new(clients: &Clients, make: fn(&Clients) -> T) -> Self {
        let clients = clients.clone();
        Self(Arc::new(LazyLock::new(Box::new(move || make(&clients)))))
    }
}

impl<T> Deref for LazyClient<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for LazyClient<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LazyClient")
    }
}

fn aws_sleep() -> aws_sdk_dynamodb::config::SharedAsyncSleep {
    aws_sdk_dynamodb::config::SharedAsyncSleep::new(TokioSleep)
}

/// The SDK's waiting, on tokio's timer.
#[derive(Debug)]
struct TokioSleep;

impl aws_sdk_dynamodb::config::AsyncSleep for TokioSleep {
    fn sleep(&self, duration: Duration) -> aws_sdk_dynamodb::config::Sleep {
        aws_sdk_dynamodb::config::Sleep::new(tokio::time::sleep(duration))
    }
}

/// The SDK sets no operation time-out by itself; a stuck connection would cost a whole invocation. (Connecting has a limit of its own, in `connector`.)
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(10)).operation_timeout(Duration::from_secs(30)).build()
}

/// Throttling, server errors and lost connections are retried with jitter by the SDK: after up to 0.1, 0.2, 0.4 and 0.8 seconds. Its own first wait is
/// a second, in which a function pays for doing nothing; what needs longer than this goes back to the queue.
fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(5).with_initial_backoff(Duration::from_millis(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients(vars: &[(&str, &str)]) -> Clients {
        Clients::from_vars(vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())), ClientOptions::default())
    }

    #[test]
    fn a_services_own_endpoint_goes_before_that_of_all() {
        let both = clients(&[("AWS_ENDPOINT_URL_SQS", "http://queues"), ("AWS_ENDPOINT_URL", "http://all")]);
        assert_eq!(both.endpoint("SQS").as_deref(), Some("http://queues"));
        assert_eq!(both.endpoint("DYNAMODB").as_deref(), Some("http://all"));
        assert_eq!(clients(&[("AWS_ENDPOINT_URL", "")]).endpoint("SQS"), None);
    }

    #[test]
    fn the_regions_own_variable_goes_before_the_default() {
        let both = clients(&[("AWS_DEFAULT_REGION", "eu-west-1"), ("AWS_REGION", "us-east-2")]);
        assert_eq!(both.region, Some(Region::from_static("us-east-2")));
        assert_eq!(clients(&[("AWS_DEFAULT_REGION", "eu-west-1")]).region, Some(Region::from_static("eu-west-1")));
    }

    #[test]
    fn credentials_need_both_halves_and_are_never_shown() {
        assert!(clients(&[("AWS_ACCESS_KEY_ID", "AKIA")]).credentials.is_none());
        let whole = clients(&[("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "hush"), ("AWS_SESSION_TOKEN", "hush-hush")]);
        assert!(whole.credentials.is_some());
        assert!(!format!("{whole:?}").contains("hush"), "{whole:?}");
    }
}
