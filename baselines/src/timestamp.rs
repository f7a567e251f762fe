//! UTC timestamps: RFC 3339 with milliseconds and `Z`, always 24 characters, so that text order is time order.

use time::{OffsetDateTime, PrimitiveDateTime, format_description::StaticFormatDescription};

const FORM: StaticFormatDescription = time::macros::format_description!(
    "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
);

/// Length of every timestamp.
const LEN: usize = "2026-03-02T09:00:00.000Z".len();

/// Milliseconds since 1970 (UTC) of a timestamp; `None` unless it has exactly the form that [`format_ms`] writes.
#[must_use]
pub fn parse_ms(text: &str) -> Option<i64> {
    if text.len() != LEN {
        return None;
    }
    let at = PrimitiveDateTime::parse(text, FORM).ok()?.assume_utc();
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok()
}

/// The timestamp of `unix_ms` milliseconds since 1970 (UTC); `None` outside the years 0 to 9999.
#[must_use]
pub fn format_ms(unix_ms: i64) -> Option<String> {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(unix_ms) * 1_000_000).ok()?;
    at.format(FORM).ok().filter(|text| text.len() == LEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_reads_back_as_written() {
        // `date -u -d @1772442000` gives 2026-03-02 09:00:00.
        for (ms, text) in
            [(1_772_442_000_125, "2026-03-02T09:00:00.125Z"), (0, "1970-01-01T00:00:00.000Z")]
        {
            assert_eq!(format_ms(ms).as_deref(), Some(text));
            assert_eq!(parse_ms(text), Some(ms));
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "2026-03-02T09:00:00Z",
            "2026-03-02T09:00:00.125",
            "2026-03-02T09:00:00.125z",
            "2026-03-02 09:00:00.125Z",
            "2026-02-30T09:00:00.125Z",
            "2026-03-02T24:00:00.125Z",
            "2026-03-02T09:00:00.1250Z",
            "2026-03-02T09:00:00+00:00",
            "+026-03-02T09:00:00.125Z",
            "2026-03-02T09:00:00.12éZ",
        ] {
            assert_eq!(parse_ms(text), None, "{text}");
        }
        assert_eq!(format_ms(i64::MAX), None);
    }
}
