//! Decimal numbers as IEEE 754 has them in 128 bits: 34 digits and a power of ten from -6176 to
//! 6111. `1.50` and `1.5` are two numbers of the same value.

/// The most digits of a coefficient.
const DIGITS_MAX: usize = 34;

/// The powers of ten that a coefficient is multiplied with.
const POWERS: std::ops::RangeInclusive<i64> = -6176..=6111;

/// A finite number.
struct Decimal {
    is_negative: bool,
    /// Decimal digits without zeros at the beginning; none for zero.
    digits: String,
    power: i64,
}

/// The text that every reader of such numbers writes:
/// <https://speleotrove.com/decimal/daconvs.html#reftostr>.
pub(super) fn normal(text: &str) -> Option<String> {
    let Decimal {
        is_negative,
        digits,
        power,
    } = Decimal::parse(text)?.fitted()?;
    let digits = if digits.is_empty() { "0" } else { &digits };
    let sign = if is_negative { "-" } else { "" };
    let count = i64::try_from(digits.len()).ok()?;
    let adjusted = power + count - 1;
    if power > 0 || adjusted < -6 {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        return Some(format!("{sign}{first}{point}{rest}E{adjusted:+}"));
    }
    if power == 0 {
        return Some(format!("{sign}{digits}"));
    }
    let fraction = usize::try_from(-power).ok()?;
    let padded = format!("{digits:0>width$}", width = fraction + 1);
    let (whole, fraction) = padded.split_at(padded.len() - fraction);
    Some(format!("{sign}{whole}.{fraction}"))
}

/// Bytes that compare as the numbers do: the sign, the size, the digits. Those of a negative number
/// are turned around and end with the greatest byte, so that more digits are less.
pub(super) fn key(text: &str) -> Option<Vec<u8>> {
    const ZERO: u8 = 1;
    let number = Decimal::parse(text)?;
    if number.digits.is_empty() {
        return Some(vec![ZERO]);
    }
    let size = number.power + i64::try_from(number.digits.len()).ok()?;
    let size = u16::try_from(size + 0x8000).ok()?;
    let digits = number.digits.trim_end_matches('0').bytes();
    let magnitude = size.to_be_bytes().into_iter().chain(digits);
    Some(if number.is_negative {
        let turned = magnitude.map(|byte| !byte);
        std::iter::once(ZERO - 1)
            .chain(turned)
            .chain([u8::MAX])
            .collect()
    } else {
        std::iter::once(ZERO + 1).chain(magnitude).collect()
    })
}

impl Decimal {
    fn parse(text: &str) -> Option<Self> {
        let (number, power) = match text.split_once(['e', 'E']) {
            Some((number, power)) => (number, power_of(power)?),
            None => (text, 0),
        };
        let unsigned = number.strip_prefix(['-', '+']).unwrap_or(number);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(Self {
            is_negative: number.starts_with('-'),
            digits: digits.trim_start_matches('0').to_owned(),
            power: power.checked_sub(i64::try_from(fraction.len()).ok()?)?,
        })
    }

    /// The same value with digits and a power that there are; `None` where there is none.
    fn fitted(mut self) -> Option<Self> {
        if self.digits.is_empty() {
            self.power = self.power.clamp(*POWERS.start(), *POWERS.end());
        }
        while self.digits.ends_with('0')
            && (self.digits.len() > DIGITS_MAX || self.power < *POWERS.start())
        {
            self.digits.pop();
            self.power += 1;
        }
        let missing = usize::try_from(self.power - POWERS.end()).unwrap_or_default();
        if missing > 0 && missing <= DIGITS_MAX.saturating_sub(self.digits.len()) {
            self.digits.push_str(&"0".repeat(missing));
            self.power = *POWERS.end();
        }
        let is_fitting = self.digits.len() <= DIGITS_MAX && POWERS.contains(&self.power);
        is_fitting.then_some(self)
    }
}

/// An exponent. Those of more digits are outside of every range.
fn power_of(text: &str) -> Option<i64> {
    const LENGTH_MAX: usize = 12;
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && text.len() <= LENGTH_MAX).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    #[test]
    fn a_number_keeps_its_digits_and_its_power_of_ten() {
        let many = "1".repeat(34);
        for (text, expected) in [
            ("12.50", Some("12.50")),
            ("+012.50", Some("12.50")),
            ("-0", Some("-0")),
            (".5", Some("0.5")),
            ("5.", Some("5")),
            ("0.000001", Some("0.000001")),
            ("0.0000001", Some("1E-7")),
            ("1e3", Some("1E+3")),
            ("12e3", Some("1.2E+4")),
            ("120", Some("120")),
            ("0e9999", Some("0E+6111")),
            ("1e6144", Some("1.000000000000000000000000000000000E+6144")),
            ("1e6145", None),
            ("1e-6176", Some("1E-6176")),
            ("10e-6177", Some("1E-6176")),
            ("1e-6177", None),
            (&many, Some(&many)),
            (&format!("{many}1"), None),
            (
                &format!("{many}0"),
                Some(&format!("{}.{}E+34", &many[..1], &many[1..])),
            ),
            ("", None),
            (".", None),
            ("1,5", None),
            ("1e", None),
            ("1e5.5", None),
            ("1e99999999999999999999", None),
            ("NaN", None),
            ("Infinity", None),
            (" 1", None),
            ("0x1", None),
        ] {
            assert_eq!(normal(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn keys_compare_as_the_numbers_do() {
        let ascending = [
            "-1E+6144", "-12.5", "-12.49", "-12", "-1.5", "-1E-6176", "0", "1E-6176", "0.1",
            "0.11", "0.2", "1.5", "9", "10", "12", "12.49", "12.5", "1E+3", "9E+6110",
        ];
        for (place, left) in ascending.iter().enumerate() {
            for (other, right) in ascending.iter().enumerate() {
                let ordering = key(left).unwrap().cmp(&key(right).unwrap());
                assert_eq!(ordering, place.cmp(&other), "{left} {right}");
            }
        }
        for (left, right) in [
            ("1.50", "1.5"),
            ("-0", "0.00"),
            ("1E+3", "1000"),
            ("-2.0", "-2"),
        ] {
            assert_eq!(
                key(left).cmp(&key(right)),
                Ordering::Equal,
                "{left} {right}"
            );
        }
        assert_eq!(key("NaN"), None);
    }
}
