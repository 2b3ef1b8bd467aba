//! Names in ARNs and queue URLs.

/// The account that ARNs and queue URLs name.
pub const ACCOUNT: &str = "000000000000";

/// The region that ARNs name. Clients may use any.
pub const REGION: &str = "us-east-1";
