//! Numbers as people read them: scaled units, percent of a log ratio, grouped counts.
//! In: base units. Out: text with a no-break space before the unit and a true minus sign.

use baselines::unit::Unit;

/// No-break space: a number and its unit stay on one line.
const NBSP: char = '\u{a0}';

/// A divisor and the name of the unit it leads to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    /// Base units in one scaled unit.
    pub(crate) divisor: f64,
    /// `ms`, `MiB`, `million`, …; empty for small counts.
    pub(crate) suffix: &'static str,
}

impl Scale {
    /// The scale in which a value of about `magnitude` base units has one to four digits before the point.
    pub(crate) fn of(unit: Unit, magnitude: f64) -> Self {
        let steps: &[(f64, &'static str)] = match unit {
            Unit::Nanoseconds => {
                &[(1.0, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s"), (3.6e12, "h")]
            }
            Unit::Bytes => &[
                (1.0, "B"),
                (1024.0, "KiB"),
                (1_048_576.0, "MiB"),
                (1_073_741_824.0, "GiB"),
                (1_099_511_627_776.0, "TiB"),
            ],
            Unit::Count => &[(1.0, ""), (1e6, "million"), (1e9, "billion"), (1e12, "trillion")],
        };
        let (divisor, suffix) = steps
            .iter()
            .rev()
            .copied()
            .find(|(divisor, _)| magnitude.abs() >= *divisor)
            .unwrap_or(steps[0]);
        Self { divisor, suffix }
    }
}

/// `1.234 ms`: four significant digits; none after the point for whole bytes, counts and unscaled values.
pub(crate) fn value(value: f64, unit: Unit) -> String {
    // What four digits would show as a thousand of one scale is one of the next.
    let scale = Scale::of(unit, value * (1.0 + 5e-5));
    let scaled = value / scale.divisor;
    let whole = scaled.fract() == 0.0 && (scale.divisor <= 1.0 || unit == Unit::Bytes);
    let digits = match scaled.abs() {
        _ if whole => 0,
        size if size >= 1000.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 10.0 => 2,
        _ => 3,
    };
    let number = signed(format!("{scaled:.digits$}"));
    if scale.suffix.is_empty() { number } else { format!("{number}{NBSP}{}", scale.suffix) }
}

/// A log ratio as a signed percentage: `+1.23 %`.
pub(crate) fn percent(log_ratio: f64) -> String {
    share(libm::expm1(log_ratio))
}

/// A share as a signed percentage: `+1.23 %`; what nobody reads digit by digit, as a power of ten: `+1.0e302 %`.
pub(crate) fn share(share: f64) -> String {
    let percent = 100.0 * share;
    let text =
        if percent.abs() < 1e7 { format!("{percent:+.2}") } else { format!("{percent:+.1e}") };
    let text = if matches!(text.as_str(), "+0.00" | "-0.00") { "0.00".to_owned() } else { text };
    format!("{}{NBSP}%", signed(text))
}

/// A percentage as short as it can be: `+5 %`, `+0.5 %`. In: percent, not a ratio.
pub(crate) fn short_percent(percent: f64) -> String {
    let text = format!("{percent:+.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    let text = if matches!(text, "+0" | "-0") { "0" } else { text };
    format!("{}{NBSP}%", signed(text.to_owned()))
}

/// `7,043`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 process`, `16 processes`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{}{NBSP}{}", grouped(count as u64), if count == 1 { one } else { many })
}

/// A true minus sign, so that a negative number doesn't break at its hyphen.
pub(crate) fn signed(text: String) -> String {
    if text.starts_with('-') { text.replacen('-', "−", 1) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_are_scaled_to_four_digits() {
        let cases = [
            (0.0, "0 ns"),
            (999.0, "999 ns"),
            (1_234.0, "1.234 µs"),
            (481_730.0, "481.7 µs"),
            (48_173_000.0, "48.17 ms"),
            (123_456_789.0, "123.5 ms"),
            (1.5e9, "1.500 s"),
            (1.8e12, "1800 s"),
            (7.2e12, "2.000 h"),
            (999_970.0, "1.000 ms"),
            (999_940.0, "999.9 µs"),
        ];
        for (ns, want) in cases {
            assert_eq!(value(ns, Unit::Nanoseconds).replace(NBSP, " "), want, "{ns} ns");
        }
    }

    #[test]
    fn bytes_scale_by_1024_and_counts_from_a_million() {
        assert_eq!(value(3.0 * 1_048_576.0, Unit::Bytes).replace(NBSP, " "), "3 MiB");
        assert_eq!(value(64.0, Unit::Count), "64");
        assert_eq!(value(6.5e6, Unit::Count).replace(NBSP, " "), "6.500 million");
    }

    #[test]
    fn a_log_ratio_reads_as_signed_percent() {
        assert_eq!(percent(libm::log(1.05)).replace(NBSP, " "), "+5.00 %");
        assert_eq!(percent(libm::log(0.9)).replace(NBSP, " "), "−10.00 %");
        assert_eq!(percent(-1e-9).replace(NBSP, " "), "0.00 %");
        assert_eq!(share(0.0123).replace(NBSP, " "), "+1.23 %");
        assert_eq!(share(-1e300).replace(NBSP, " "), "−1.0e302 %");
        assert_eq!(short_percent(5.0).replace(NBSP, " "), "+5 %");
        assert_eq!(short_percent(-0.5).replace(NBSP, " "), "−0.5 %");
        assert_eq!(short_percent(0.0).replace(NBSP, " "), "0 %");
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        for (count, want) in [(0, "0"), (999, "999"), (1_000, "1,000"), (6_500_000, "6,500,000")] {
            assert_eq!(grouped(count), want);
        }
        assert_eq!(counted(1, "pair", "pairs").replace(NBSP, " "), "1 pair");
    }
}
