//! Digests: short names of contents.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use twox_hash::XxHash3_128;

/// A 128-bit digest of a content. Two contents with one digest say the same.
///
/// A digest bears the number of its scheme: what is counted, and how. Only digests of one scheme can be compared; a stored digest of an order under an earlier
/// scheme is compared with the digest of the new order under that scheme (see [`crate::order::Revision::says`]). Reading one field of an order more takes a new
/// scheme ([`crate::order::NEWEST_SCHEME`]), and every earlier one stays in the code, or a release would take each order that is stored for changed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    /// Scheme: the fields that are counted, and their form.
    pub scheme: u8,
    /// The bits.
    pub value: u128,
}

impl Digest {
    /// The scheme of digests that state none: those of the first releases, and digests of bytes.
    pub const FIRST_SCHEME: u8 = 1;

    /// The digest of any bytes, for naming things after their content.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self { scheme: Self::FIRST_SCHEME, value: XxHash3_128::oneshot(bytes) }
    }
}

/// `<32 hex digits>` under the first scheme, `<scheme>.<32 hex digits>` under every later one.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scheme != Self::FIRST_SCHEME {
            write!(f, "{}.", self.scheme)?;
        }
        write!(f, "{:032x}", self.value)
    }
}
impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl FromStr for Digest {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, value) = match text.split_once('.') {
            Some((scheme, value)) => (scheme.parse()?, value),
            None => (Self::FIRST_SCHEME, text),
        };
        Ok(Self { scheme, value: u128::from_str_radix(value, 16)? })
    }
}
impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
