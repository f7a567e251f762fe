//! Base units in, scaled text out.
//!
//! Four significant digits, zeros after the point dropped: `312.4 µs`, `5.03 ms`, `1.19 GB`. Scales are decimal.

/// Base unit of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Time.
    Nanoseconds,
    /// Size.
    Bytes,
    /// A number of things.
    Count,
}

impl Unit {
    /// Symbol of the base unit; empty for a count.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::Bytes => "B",
            Self::Count => "",
        }
    }

    /// How the name of a metric in this unit ends.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Nanoseconds => "_ns",
            Self::Bytes => "_bytes",
            Self::Count => "_count",
        }
    }

    /// `value` in base units as text for people: `312.4 µs`.
    #[must_use]
    pub fn text(self, value: f64) -> String {
        let scales: &[&str] = match self {
            Self::Nanoseconds => &["ns", "µs", "ms", "s"],
            Self::Bytes => &["B", "kB", "MB", "GB", "TB"],
            Self::Count => &["", "k", "M", "G", "T"],
        };
        scaled(value, scales)
    }
}

/// What a rate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Bytes moved: `14.2 GB/s`.
    Bytes,
    /// Elements of a tensor: `512 Melem/s`.
    Elements,
    /// Multiply-adds: `31.4 GMAC/s`.
    Macs,
    /// Tokens, never scaled: `2427 tok/s`.
    Tokens,
}

impl Rate {
    /// `per_second` as text for people.
    #[must_use]
    pub fn text(self, per_second: f64) -> String {
        let scales: &[&str] = match self {
            Self::Bytes => &["B/s", "kB/s", "MB/s", "GB/s", "TB/s"],
            Self::Elements => &["elem/s", "kelem/s", "Melem/s", "Gelem/s", "Telem/s"],
            Self::Macs => &["MAC/s", "kMAC/s", "MMAC/s", "GMAC/s", "TMAC/s"],
            Self::Tokens => &["tok/s"],
        };
        scaled(per_second, scales)
    }
}

/// Work units per second: `work` done in `ns` nanoseconds. `None` unless the time is positive and both are finite.
#[must_use]
pub fn per_second(work: f64, ns: f64) -> Option<f64> {
    (ns > 0.0 && ns.is_finite() && work.is_finite()).then(|| work / ns * 1e9)
}

/// `value` on the largest of `scales`, each 1000 times the one before, on which it is at least 1.
fn scaled(value: f64, scales: &[&str]) -> String {
    let mut value = value;
    let mut scale = 0;
    // 999.95 would be shown as 1000: it belongs to the next scale.
    while value.is_finite() && value.abs() >= 999.95 && scale + 1 < scales.len() {
        value /= 1000.0;
        scale += 1;
    }
    format!("{} {}", significant(value), scales[scale]).trim_end().to_owned()
}

/// Four significant digits, without zeros at the end of a fraction.
fn significant(value: f64) -> String {
    let decimals = match value.abs() {
        v if !v.is_finite() || v >= 999.95 => 0,
        v if v >= 99.995 => 1,
        v if v >= 9.9995 => 2,
        v if v >= 0.999_95 || v == 0.0 => 3,
        v => {
            // Leading zeros of the fraction, plus four digits; below 1e-6 of a base unit nothing is worth showing.
            let zeros =
                (1..6_u8).find(|zeros| v * 10_f64.powi(i32::from(*zeros)) >= 0.999_95).unwrap_or(6);
            usize::from(zeros) + 3
        }
    };
    let text = format!("{value:.decimals$}");
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_four_digits_on_the_scale_that_fits() {
        for (ns, text) in [
            (0.0, "0 ns"),
            (-0.0, "0 ns"),
            (0.412_34, "0.4123 ns"),
            (1e-12, "0 ns"),
            (7.0, "7 ns"),
            (312_400.0, "312.4 µs"),
            (5_030_000.0, "5.03 ms"),
            (48_317.0, "48.32 µs"),
            (999.94, "999.9 ns"),
            (999.96, "1 µs"),
            (999_960.0, "1 ms"),
            (12_345_678.0, "12.35 ms"),
            (90_000_000_000.0, "90 s"),
            (7_200_000_000_000.0, "7200 s"),
            (-1_500.0, "-1.5 µs"),
            (f64::NAN, "NaN ns"),
            (f64::INFINITY, "inf ns"),
        ] {
            assert_eq!(Unit::Nanoseconds.text(ns), text, "{ns}");
        }
    }

    #[test]
    fn sizes_and_counts_are_scaled_by_thousands() {
        assert_eq!(Unit::Bytes.text(1_190_000_000.0), "1.19 GB");
        assert_eq!(Unit::Bytes.text(36_896.0), "36.9 kB");
        assert_eq!(Unit::Bytes.text(99.0), "99 B");
        assert_eq!(Unit::Count.text(64.0), "64");
        assert_eq!(Unit::Count.text(12_582_912.0), "12.58 M");
    }

    #[test]
    fn a_rate_needs_a_positive_time() {
        // 64 tokens in 26.368 ms; 3,147,520 + 3,145,728 bytes in 412 µs, by hand.
        assert_eq!(
            per_second(64.0, 26_368_000.0).map(|rate| Rate::Tokens.text(rate)).as_deref(),
            Some("2427 tok/s")
        );
        assert_eq!(
            per_second(6_293_248.0, 412_000.0).map(|rate| Rate::Bytes.text(rate)).as_deref(),
            Some("15.27 GB/s")
        );
        assert_eq!(Rate::Macs.text(200e9), "200 GMAC/s");
        for (work, ns) in
            [(1.0, 0.0), (1.0, -1.0), (1.0, f64::NAN), (1.0, f64::INFINITY), (f64::NAN, 1.0)]
        {
            assert_eq!(per_second(work, ns), None, "{work} in {ns}");
        }
    }
}
