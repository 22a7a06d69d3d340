//! Instants in milliseconds.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// Nanoseconds of a millisecond.
const MILLISECOND: i128 = 1_000_000;

/// In UTC and with three digits of the second, so that texts compare as instants do.
pub(super) fn normal(text: &str) -> Option<String> {
    millis_of_date(text).and_then(date_of_millis)
}

/// The milliseconds since 1970 of a text of RFC 3339; `None` where it is none, or finer than that.
#[must_use]
pub fn millis_of_date(text: &str) -> Option<i64> {
    let instant = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    let nanos = instant.unix_timestamp_nanos();
    let millis = (nanos % MILLISECOND == 0).then_some(nanos / MILLISECOND)?;
    i64::try_from(millis).ok()
}

/// The text of an instant, in milliseconds since 1970; `None` outside of the years 0000 to 9999.
#[must_use]
pub fn date_of_millis(millis: i64) -> Option<String> {
    let nanos = i128::from(millis) * MILLISECOND;
    let instant = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
    let instant = instant.checked_to_offset(UtcOffset::UTC)?;
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    let is_served = (0..=9999).contains(&instant.year());
    is_served.then(|| instant.format(format).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_in_utc_with_milliseconds() {
        for (text, expected) in [
            ("2026-01-31T08:30:00Z", Some("2026-01-31T08:30:00.000Z")),
            (
                "2026-01-31T08:30:00.5+01:00",
                Some("2026-01-31T07:30:00.500Z"),
            ),
            ("0000-01-01T00:00:00Z", Some("0000-01-01T00:00:00.000Z")),
            ("9999-12-31T23:59:59.999Z", Some("9999-12-31T23:59:59.999Z")),
            (
                "1969-12-31T23:59:59.999000Z",
                Some("1969-12-31T23:59:59.999Z"),
            ),
            // Finer than a millisecond, outside of the years, no instant.
            ("2026-01-31T08:30:00.0001Z", None),
            ("0000-01-01T00:00:00+01:00", None),
            ("9999-12-31T23:59:59-01:00", None),
            ("2026-01-31T08:30:00", None),
            ("2026-02-30T08:30:00Z", None),
            ("2026-01-31", None),
        ] {
            assert_eq!(normal(text).as_deref(), expected, "{text}");
        }
        assert_eq!(date_of_millis(i64::MAX), None);
        assert_eq!(date_of_millis(i64::MIN), None);
        assert_eq!(
            date_of_millis(-1).as_deref(),
            Some("1969-12-31T23:59:59.999Z")
        );
    }
}
