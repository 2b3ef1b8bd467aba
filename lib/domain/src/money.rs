//! Money: booked amounts are integers of a currency's minor unit, unit prices are exact decimals.
//!
//! Nothing here ever passes through binary floating point. A JSON number keeps its exact text until [`decimal`] reads it.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

pub use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount in the minor unit of the settings' currency (cents for USD).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Minor(pub i64);

impl Minor {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The larger of the amount and nothing.
    #[must_use]
    pub fn or_zero(self) -> Self {
        Self(self.0.max(0))
    }
}

impl Add for Minor {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
impl Sub for Minor {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}
impl Neg for Minor {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}
impl AddAssign for Minor {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
impl SubAssign for Minor {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}
impl Sum for Minor {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// The largest amount that is booked, in minor units: 10^16, far above 10^12 in any currency. Sums of up to 900 such amounts stay below `i64`'s end;
/// whatever adds up more than one order has to see to that itself.
pub const LARGEST_AMOUNT: i64 = 10_000_000_000_000_000;

/// An ISO 4217 currency and how many decimal digits its minor unit has.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency {
    code: [u8; 3],
    digits: u32,
}

/// Currencies whose minor unit is not a hundredth (ISO 4217, list one).
const ODD_DIGITS: &[(&str, u32)] = &[
    ("BHD", 3),
    ("BIF", 0),
    ("CLF", 4),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("IQD", 3),
    ("ISK", 0),
    ("JOD", 3),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("PYG", 0),
    ("RWF", 0),
    ("TND", 3),
    ("UGX", 0),
    ("UYI", 0),
    ("UYW", 4),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
];

/// Currencies whose minor unit is a hundredth (ISO 4217, list one).
const HUNDREDTHS: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN", "BMD", "BND", "BOB", "BRL", "BSD", "BTN",
    "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CNY", "COP", "CRC", "CUP", "CVE", "CZK", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR",
    "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES",
    "KGS", "KHR", "KPW", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR",
    "MVR", "MWK", "MXN", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR", "RON",
    "RSD", "RUB", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS",
    "TMT", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "UYU", "UZS", "VED", "VES", "WST", "XCD", "YER", "ZAR", "ZMW", "ZWG",
];

/// Reason for which an amount could not be booked. The sentence quotes the number as ShipStation sent it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// The amount is not a whole number of the currency's minor units, and rounding would change what was paid.
    #[error("{0} is not a whole number of {1}'s smallest unit")]
    NotExact(Decimal, Currency),
    /// The amount is beyond [`LARGEST_AMOUNT`].
    #[error("{0} is too large to be booked")]
    TooLarge(Decimal),
}

impl Currency {
    /// United States dollar: the default of the settings.
    pub const USD: Self = Self { code: *b"USD", digits: 2 };

    /// The currency of an ISO 4217 code in capitals, if there is one.
    #[must_use]
    pub fn from_code(text: &str) -> Option<Self> {
        let code: [u8; 3] = text.as_bytes().try_into().ok()?;
        let odd = ODD_DIGITS.iter().find(|(name, _)| *name == text).map(|(_, digits)| *digits);
        let digits = odd.or_else(|| HUNDREDTHS.binary_search(&text).ok().map(|_| 2))?;
        Some(Self { code, digits })
    }

    /// The ISO 4217 code.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or("XXX")
    }

    /// Decimal digits of the minor unit: 2 for USD, 0 for JPY, 3 for KWD.
    #[must_use]
    pub fn digits(&self) -> u32 {
        self.digits
    }

    /// The exact number of minor units in `amount`, as a decimal that may have a fraction.
    ///
    /// # Errors
    /// [`AmountError::TooLarge`].
    pub fn scaled(&self, amount: Decimal) -> Result<Decimal, AmountError> {
        // Most amounts have no more decimals than the currency: then this is one multiplication of integers.
        if let Some(missing) = self.digits.checked_sub(amount.scale()) {
            let minor = i64::try_from(amount.mantissa()).ok().and_then(|mantissa| mantissa.checked_mul(10_i64.pow(missing)));
            if let Some(minor) = minor.filter(|minor| minor.unsigned_abs() <= LARGEST_AMOUNT.unsigned_abs()) {
                return Ok(Decimal::from(minor));
            }
        }
        let scaled = amount.checked_mul(Decimal::from(10_i64.pow(self.digits))).ok_or(AmountError::TooLarge(amount))?;
        if scaled.abs() > Decimal::from(LARGEST_AMOUNT) {
            return Err(AmountError::TooLarge(amount));
        }
        Ok(scaled.normalize())
    }

    /// `amount` in minor units, exactly.
    ///
    /// # Errors
    /// [`AmountError`] when it is not a whole number of minor units or too large.
    pub fn minor(&self, amount: Decimal) -> Result<Minor, AmountError> {
        let scaled = self.scaled(amount)?;
        if !scaled.fract().is_zero() {
            return Err(AmountError::NotExact(amount, *self));
        }
        scaled.to_i64().map(Minor).ok_or(AmountError::TooLarge(amount))
    }

    /// `amount` as a decimal with the currency's own number of digits: `12.30` for 1230 cents.
    #[must_use]
    pub fn decimal(&self, amount: Minor) -> Decimal {
        Decimal::new(amount.0, self.digits)
    }

    /// `amount` as text with the currency's own number of digits, as the API writes it.
    #[must_use]
    pub fn text(&self, amount: Minor) -> String {
        self.decimal(amount).to_string()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}
impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::from_code(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not an ISO 4217 currency code such as USD")))
    }
}

/// Reads the text of a JSON number exactly: `19.990`, `1e2`, `-0.001`.
///
/// Returns nothing for text that is no JSON number, or for one that 28 significant digits cannot hold exactly.
#[must_use]
pub fn decimal(text: &str) -> Option<Decimal> {
    // JSON allows neither a leading plus nor underscores, which the decimal parser would take.
    if !text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E')) || text.starts_with('+') {
        return None;
    }
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let value = Decimal::from_str_exact(digits).ok()?;
    if exponent == 0 || value.is_zero() {
        return Some(value);
    }
    let scale = i32::try_from(value.scale()).ok()?.checked_sub(exponent)?;
    if scale >= 0 {
        return Decimal::try_from_i128_with_scale(value.mantissa(), u32::try_from(scale).ok()?).ok();
    }
    let factor = 10_i128.checked_pow(scale.unsigned_abs())?;
    Decimal::try_from_i128_with_scale(value.mantissa().checked_mul(factor)?, 0).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_list_of_hundredths_is_sorted_for_its_search() {
        assert!(HUNDREDTHS.is_sorted());
        assert_eq!(Currency::from_code("USD"), Some(Currency::USD));
        assert_eq!(Currency::from_code("JPY").map(|c| c.digits()), Some(0));
        assert_eq!(Currency::from_code("usd"), None);
        assert_eq!(Currency::from_code("ABC"), None);
    }

    #[test]
    fn odd_numbers_are_exact_or_refused() {
        for (text, expected) in [
            ("1e2", "100"),
            ("19.990", "19.990"),
            ("-0.001", "-0.001"),
            ("1.2E2", "120"),
            ("1e12", "1000000000000"),
            ("5E-3", "0.005"),
            ("0e9", "0"),
        ] {
            assert_eq!(decimal(text).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "abc", "+1", "1_000", "1e99", "NaN", "0.00000000000000000000000000000001", "1e", "--1", "\"1\""] {
            assert_eq!(decimal(text), None, "{text}");
        }
        assert_eq!(Currency::USD.minor(decimal("19.990").unwrap()), Ok(Minor(1999)));
        assert!(matches!(Currency::USD.minor(decimal("19.999").unwrap()), Err(AmountError::NotExact(..))));
        assert_eq!(Currency::USD.minor(decimal("1e12").unwrap()), Ok(Minor(100_000_000_000_000)));
        assert!(matches!(Currency::USD.minor(decimal("1e15").unwrap()), Err(AmountError::TooLarge(_))));
    }

    proptest! {
        #[test]
        fn every_amount_survives_its_text(minor in -LARGEST_AMOUNT..=LARGEST_AMOUNT, code in prop::sample::select(vec!["USD", "JPY", "KWD", "CLF"])) {
            let currency = Currency::from_code(code).unwrap();
            let text = currency.text(Minor(minor));
            prop_assert_eq!(currency.minor(decimal(&text).unwrap()), Ok(Minor(minor)));
        }

        #[test]
        fn an_exponent_changes_nothing(mantissa in -1_000_000_i64..1_000_000, exponent in -6_i32..6) {
            let written = decimal(&format!("{mantissa}e{exponent}")).unwrap();
            let plain = Decimal::from(mantissa) * if exponent >= 0 { Decimal::from(10_i64.pow(exponent.unsigned_abs())) } else { Decimal::new(1, exponent.unsigned_abs()) };
            prop_assert_eq!(written, plain);
        }
    }
}
