//! Axes: a range that is never empty, and round ticks inside it.
//! In: the values that must fit. Out: bounds with `low < high`, and tick positions with the digits they need.

/// The least span of a value axis, as a part of its middle: below it the eye would take rounding for change.
const LEAST_RELATIVE_SPAN: f64 = 0.02;

/// log 4: past it, percentages are no longer read at a glance.
const WIDE_LOG_RATIO: f64 = 2.0 * std::f64::consts::LN_2;

/// No two finite numbers have a greater log ratio; what lies beyond is drawn at the edge.
const LARGEST_LOG_RATIO: f64 = 1500.0;

/// A part of the line of numbers, never empty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Axis {
    /// Lower bound.
    pub(crate) low: f64,
    /// Upper bound, above `low`.
    pub(crate) high: f64,
}

/// A labelled place on an axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    /// Where.
    pub(crate) at: f64,
    /// What is written there.
    pub(crate) label: String,
}

impl Axis {
    /// The axis of values: all of `values`, with a little air, spanning at least 2 % of their size. `None` without a
    /// value.
    pub(crate) fn of_values(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let (low, high) = extremes(values)?;
        let middle = f64::midpoint(low, high);
        let least = (middle.abs() * LEAST_RELATIVE_SPAN).max(f64::MIN_POSITIVE.sqrt());
        let span = if middle == 0.0 { 1.0 } else { (high - low).max(least) };
        Some(Self { low: middle - 0.56 * span, high: middle + 0.56 * span })
    }

    /// The axis of log ratios: zero and all of `values`, with a little air.
    pub(crate) fn of_log_ratios(values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) =
            extremes(values.into_iter().filter(|x| x.abs() <= LARGEST_LOG_RATIO).chain([0.0]))
                .expect("zero is one of the values");
        let air = 0.08 * (high - low).max(0.001);
        Self { low: low - air, high: high + air }
    }

    /// Round ticks, at most `n_max`, labelled in units of `divisor`.
    pub(crate) fn ticks(self, n_max: usize, divisor: f64) -> Vec<Tick> {
        let (low, high) = (self.low / divisor, self.high / divisor);
        let (step, digits) = round_step(low, high, n_max);
        let mut ticks = Vec::new();
        let first = (low / step).ceil();
        for idx in 0..n_max {
            let scaled = (first + to_f64(idx)) * step;
            if scaled > high {
                break;
            }
            // Adding zero turns −0 into 0.
            ticks.push(Tick {
                at: scaled * divisor,
                label: crate::quantity::signed(format!("{:.digits$}", scaled + 0.0)),
            });
        }
        ticks
    }

    /// Ticks at round percentages on an axis of log ratios; past a factor of four, at powers of two.
    pub(crate) fn percent_ticks(self, n_max: usize) -> Vec<Tick> {
        let wide = self.low < -WIDE_LOG_RATIO || self.high > WIDE_LOG_RATIO;
        if wide {
            let bits = Self {
                low: self.low / std::f64::consts::LN_2,
                high: self.high / std::f64::consts::LN_2,
            };
            let step = round_step(bits.low, bits.high, n_max).0.max(1.0).ceil();
            let first = (bits.low / step).ceil();
            return (0..n_max)
                .map(|idx| (first + to_f64(idx)) * step)
                .take_while(|power| *power <= bits.high)
                .map(|power| Tick {
                    at: power * std::f64::consts::LN_2,
                    label: power_of_two(power),
                })
                .collect();
        }
        let percent =
            Self { low: 100.0 * libm::expm1(self.low), high: 100.0 * libm::expm1(self.high) };
        let (step, _) = round_step(percent.low, percent.high, n_max);
        let first = (percent.low / step).ceil();
        (0..n_max)
            .map(|idx| (first + to_f64(idx)) * step)
            .take_while(|at| *at <= percent.high)
            .map(|at| Tick {
                at: libm::log1p(at / 100.0),
                label: crate::quantity::short_percent(at),
            })
            .collect()
    }
}

/// `×4`, `÷4`, `×1`.
fn power_of_two(power: f64) -> String {
    let sign = if power < 0.0 { '÷' } else { '×' };
    if power.abs() < 20.0 {
        format!("{sign}{}", libm::exp2(power.abs()))
    } else {
        format!("{sign}2^{}", power.abs())
    }
}

/// The smallest of 1, 2, 5 × 10^k that puts at most `n_max` ticks between the bounds, and the decimals it needs.
fn round_step(low: f64, high: f64, n_max: usize) -> (f64, usize) {
    let rough = (high - low) / to_f64(n_max);
    let exponent = libm::floor(libm::log10(rough));
    let power = libm::exp10(exponent);
    let n_ticks = |step: f64| (high / step).floor() - (low / step).ceil() + 1.0;
    // 20 always does: it is more than twice the rough step, and a span holds at most one tick more than it has steps.
    let (step, carry) = [(1.0, 0.0), (2.0, 0.0), (5.0, 0.0), (10.0, 1.0)]
        .into_iter()
        .find(|(round, _)| round * power >= rough && n_ticks(round * power) <= to_f64(n_max))
        .unwrap_or((20.0, 1.0));
    let digits = (0_u8..12).find(|n| f64::from(*n) >= -(exponent + carry)).unwrap_or(12);
    (step * power, usize::from(digits))
}

fn extremes(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values.into_iter().filter(|value| value.is_finite()).fold(None, |bounds, value| {
        let (low, high) = bounds.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    })
}

/// A small index as a coordinate.
#[expect(clippy::cast_precision_loss, reason = "indices are far below 2^53")]
pub(crate) fn to_f64(idx: usize) -> f64 {
    idx as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<String> {
        ticks.iter().map(|tick| tick.label.replace('\u{a0}', " ")).collect()
    }

    #[test]
    fn ticks_are_round_and_carry_no_idle_digits() {
        let axis = Axis { low: 0.93e6, high: 1.27e6 };
        assert_eq!(labels(&axis.ticks(5, 1e6)), ["1.0", "1.1", "1.2"]);
        let axis = Axis { low: 480_100.0, high: 489_900.0 };
        assert_eq!(labels(&axis.ticks(5, 1e3)), ["482", "484", "486", "488"]);
        let axis = Axis { low: -3.0, high: 3.0 };
        assert_eq!(labels(&axis.ticks(5, 1.0)), ["−2", "0", "2"]);
    }

    #[test]
    fn percent_ticks_are_round_in_percent_not_in_logs() {
        let axis = Axis { low: libm::log(0.965), high: libm::log(1.067) };
        assert_eq!(labels(&axis.percent_ticks(6)), ["−2 %", "0 %", "+2 %", "+4 %", "+6 %"]);
        let axis = Axis { low: libm::log(0.3), high: libm::log(9.0) };
        assert_eq!(labels(&axis.percent_ticks(6)), ["÷2", "×1", "×2", "×4", "×8"]);
    }

    #[test]
    fn one_value_and_zero_variance_still_span_something() {
        for value in [0.0, 1.0, 481_730.0, 1e-12, 1e17] {
            let axis = Axis::of_values([value, value]).unwrap();
            assert!(axis.low < value && value < axis.high, "{value}: {axis:?}");
            assert!(axis.ticks(5, 1.0).len() <= 5, "{value}");
        }
        assert_eq!(Axis::of_values([f64::NAN]), None);
        let axis = Axis::of_log_ratios([]);
        assert!(axis.low < 0.0 && 0.0 < axis.high);
    }

    #[test]
    fn never_more_ticks_than_asked_for() {
        for span in [1e-9, 0.003, 0.7, 1.0, 12.0, 1e5, 1e17] {
            for low in [0.0, 1.0, 0.37 * span] {
                let axis = Axis { low, high: low + span };
                assert!(axis.ticks(5, 1.0).len() <= 5, "{axis:?}");
                let logs = Axis { low: -low.min(300.0), high: span.min(300.0) };
                assert!(logs.percent_ticks(6).len() <= 6, "{logs:?}");
            }
        }
    }
}
