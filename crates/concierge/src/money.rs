//! Money as integer cents. Floating point never touches a price.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, Mul, Neg, Sub},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount in the hundredth part of the menu's currency. On the wire it is a decimal string, `"8.99"`.
///
/// Arithmetic is checked: release builds of this crate keep overflow checks on, and the bounds of
/// [`Cents::MAX_ABS`] keep every sum that a cart can reach far from the edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cents(pub i64);

/// Why a text is not an amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not digits with at most two decimals.
    #[error("\"{0}\" is not an amount of money; write it like 8.99")]
    Malformed(String),
    /// Larger than any restaurant bill.
    #[error("\"{0}\" is more than this restaurant can charge")]
    TooLarge(String),
}

impl Cents {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount that is read from outside: ten million in whole units.
    pub const MAX_ABS: i64 = 1_000_000_000;

    /// Reads `"8.99"`, `"8.9"`, `"8"` or `"-3.50"`; no currency sign, no exponent.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let malformed = || MoneyError::Malformed(text.chars().take(40).collect());
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
        let numeric = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if part.is_empty() {
            return Err(malformed());
        }
        // Trailing zeros beyond the cents are harmless ("8.990"), anything else would be rounding.
        let part = if part.len() > 2 { part.trim_end_matches('0') } else { part };
        let part = if part.is_empty() { "0" } else { part };
        if !numeric(whole) || !numeric(part) || part.len() > 2 {
            return Err(malformed());
        }
        if whole.len() > 9 {
            return Err(MoneyError::TooLarge(text.chars().take(40).collect()));
        }
        let whole: i64 = whole.parse().map_err(|_| malformed())?;
        let hundredths: i64 = part.parse().map_err(|_| malformed())?;
        let hundredths = if part.len() == 1 { hundredths * 10 } else { hundredths };
        let cents = whole * 100 + hundredths;
        if cents > Self::MAX_ABS {
            return Err(MoneyError::TooLarge(text.chars().take(40).collect()));
        }
        Ok(Self(sign * cents))
    }

    /// Whether the amount is below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
}

impl fmt::Display for Cents {
    /// `8.99`, without a currency sign.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let abs = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", abs / 100, abs % 100)
    }
}

impl Add for Cents {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Cents {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Cents {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Mul<u32> for Cents {
    type Output = Self;
    fn mul(self, times: u32) -> Self {
        Self(self.0 * i64::from(times))
    }
}

impl Sum for Cents {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

impl Serialize for Cents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cents {
    /// Accepts a string, or a JSON number with at most two decimals (the original menu file writes `8.99`).
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => text,
            serde_json::Value::Number(number) => number.to_string(),
            other => {
                return Err(serde::de::Error::custom(format!("{other} is not an amount of money; write it like 8.99")));
            }
        };
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A currency with two decimals, known by its ISO 4217 code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Currency(String);

impl Currency {
    /// Takes a three-letter code such as `USD`.
    pub fn new(code: &str) -> Option<Self> {
        (code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase())).then(|| Self(code.to_owned()))
    }

    /// The ISO code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0
    }

    /// An amount as a guest reads it: `$8.99`, `€8.99`, or `CHF 8.99` where the sign is not a common one.
    #[must_use]
    pub fn show(&self, amount: Cents) -> String {
        let (sign, amount) = if amount.is_negative() { ("-", -amount) } else { ("", amount) };
        match self.0.as_str() {
            "USD" => format!("{sign}${amount}"),
            "EUR" => format!("{sign}€{amount}"),
            "GBP" => format!("{sign}£{amount}"),
            code => format!("{sign}{code} {amount}"),
        }
    }
}

impl Default for Currency {
    fn default() -> Self {
        Self("USD".to_owned())
    }
}

/// A tax rate in millionths, so that `0.0925` is exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaxRate(u32);

impl TaxRate {
    /// Reads a decimal fraction between 0 and 1 with at most six decimals, such as `"0.0925"`.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > 6 || whole.len() > 1 {
            return None;
        }
        let millionths: u32 = format!("{part:0<6}").parse().ok()?;
        let rate = whole.parse::<u32>().ok()? * 1_000_000 + millionths;
        (rate <= 1_000_000).then_some(Self(rate))
    }

    /// The rate in millionths.
    #[must_use]
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// The tax on an amount, rounded half up to the cent, once on the whole and never per line.
    #[must_use]
    pub fn tax_on(self, amount: Cents) -> Cents {
        if amount.is_negative() {
            return Cents::ZERO;
        }
        Cents((amount.0 * i64::from(self.0) + 500_000) / 1_000_000)
    }
}

impl Serialize for TaxRate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000))
    }
}

impl<'de> Deserialize<'de> for TaxRate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => text,
            serde_json::Value::Number(number) => number.to_string(),
            other => other.to_string(),
        };
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("tax_rate {text:?} must be a decimal between 0 and 1, such as \"0.0925\""))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        for (text, cents) in
            [("8.99", 899), ("8.9", 890), ("8", 800), ("0.05", 5), ("-3.50", -350), ("8.990", 899), ("8.000", 800)]
        {
            assert_eq!(Cents::parse(text), Ok(Cents(cents)), "{text}");
        }
        for text in ["", "-", "8.999", "1e3", "8,99", "$8", ".5", "8.", "NaN", "99999999999999999999", "x.5", "8.x"] {
            assert!(Cents::parse(text).is_err(), "{text}");
        }
        let most = Cents(Cents::MAX_ABS);
        assert_eq!(Cents::parse(&most.to_string()), Ok(most));
        let more = Cents(Cents::MAX_ABS + 1).to_string();
        assert!(matches!(Cents::parse(&more), Err(MoneyError::TooLarge(_))), "{more}");
        assert!(matches!(Cents::parse("1000000000"), Err(MoneyError::TooLarge(_))), "ten digits");
    }

    #[test]
    fn amounts_are_shown_as_guests_read_them() {
        assert_eq!(Cents(899).to_string(), "8.99");
        assert_eq!(Cents(-5).to_string(), "-0.05");
        assert_eq!(Currency::default().show(Cents(-1250)), "-$12.50");
        assert_eq!(Currency::new("CHF").unwrap().show(Cents(100)), "CHF 1.00");
        assert_eq!(Currency::new("CHF").unwrap().code(), "CHF");
        assert_eq!(Currency::new("usd"), None);
    }

    #[test]
    fn tax_is_rounded_half_up_once() {
        let rate = TaxRate::parse("0.0925").unwrap();
        assert_eq!(rate.tax_on(Cents(1000)), Cents(93));
        assert!(TaxRate::parse("1").is_some() && TaxRate::parse("0.123456").is_some());
        for text in ["1.000001", "2", "00.1", "0.1234567", "", "0.", "x"] {
            assert_eq!(TaxRate::parse(text), None, "{text}");
        }
        assert_eq!(rate.tax_on(Cents(899)), Cents(83));
        assert_eq!(TaxRate::parse("0").unwrap().tax_on(Cents(899)), Cents::ZERO);
        assert!(TaxRate::parse("1.5").is_none());
        assert!(TaxRate::parse("-0.1").is_none());
    }
}
