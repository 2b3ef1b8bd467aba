//! The SDK's clients, built once for each process.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider, SharedInterceptor};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

/// What tests need to look into, or stop, every call: the SDK's own interceptor types.
pub mod interceptors {
    pub use aws_sdk_dynamodb::config::interceptors::{
        AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
        BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
    };
    pub use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents, SharedInterceptor};
    pub use aws_sdk_dynamodb::error::BoxError;
}

/// The clients of the three services.
#[derive(Clone, Debug)]
pub struct Clients {
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) secrets: aws_sdk_secretsmanager::Client,
}

/// How clients are built where the environment does not say it.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    /// Sees every call of every client; a test's way to count, delay and stop them.
    pub interceptors: Vec<SharedInterceptor>,
    /// Certificates in PEM to trust instead of Amazon's own: the contents of `AWS_CA_BUNDLE`, for an endpoint behind somebody else's certificate.
    pub trusted: Option<Vec<u8>>,
}

/// The five roots that every AWS endpoint's certificate comes from (Amazon Trust Services, "Certification authorities"). The operating system's 145 would be
/// parsed one by one at each cold start, and each could vouch for AWS.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// One HTTP client for all services, so that roots are parsed once.
fn http_client(trusted: Option<&[u8]>) -> aws_sdk_dynamodb::config::SharedHttpClient {
    let store = TrustStore::empty().with_pem_certificate(trusted.unwrap_or(AMAZON_ROOTS));
    let mut builder = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    // Building it cannot fail with this provider; if it did, the system's own roots would be used.
    if let Ok(context) = TlsContext::builder().with_trust_store(store).build() {
        builder = builder.tls_context(context);
    }
    builder.build_https()
}

impl Clients {
    /// Clients from the environment (region, credentials, `AWS_ENDPOINT_URL*`), as Lambda sets it up.
    pub async fn from_environment(options: ClientOptions) -> Self {
        let loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client(options.trusted.as_deref()));
        let config = loader.timeout_config(timeouts()).retry_config(retries()).load().await;
        Self::new(&config, options)
    }

    /// Clients of the engines at `endpoint`, with credentials that mean nothing.
    #[must_use]
    pub fn at_endpoint(endpoint: &str, options: ClientOptions) -> Self {
        let credentials = Credentials::new("local", "local", None, None, "stevedore-local");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .endpoint_url(endpoint)
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http_client(options.trusted.as_deref()))
            .timeout_config(timeouts())
            .retry_config(retries())
            .sleep_impl(aws_sleep())
            .build();
        Self::new(&config, options)
    }

    fn new(config: &SdkConfig, options: ClientOptions) -> Self {
        let mut dynamodb = aws_sdk_dynamodb::config::Builder::from(config);
        let mut sqs = aws_sdk_sqs::config::Builder::from(config);
        let mut secrets = aws_sdk_secretsmanager::config::Builder::from(config);
        for interceptor in options.interceptors {
            dynamodb.push_interceptor(interceptor.clone());
            sqs.push_interceptor(interceptor.clone());
            secrets.push_interceptor(interceptor);
        }
        Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
            sqs: aws_sdk_sqs::Client::from_conf(sqs.build()),
            secrets: aws_sdk_secretsmanager::Client::from_conf(secrets.build()),
        }
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

/// The SDK sets no operation time-out by itself; a stuck connection would cost a whole invocation.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_secs(30))
        .build()
}

/// Throttling, server errors and lost connections are retried with jitter by the SDK: after up to 0.1, 0.2, 0.4 and 0.8 seconds. Its own first wait is
/// a second, in which a function pays for doing nothing; what needs longer than this goes back to the queue.
fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(5).with_initial_backoff(Duration::from_millis(100))
}
