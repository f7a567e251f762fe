//! How keys and values are stored: f32 as computed, rounded to f16, or int8 codes with one scale for each head of each
//! position (`docs/numerics.md`, "Keys and values").

use std::ops::Range;

use half::f16;

use super::out_of_memory;
use crate::{Error, ErrorKind, Lines, Result, kernels::Stored, memory::huge_pages};

/// Storage of keys and values. [`KvFormat::F32`] alone gives the results that the model's definition does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KvFormat {
    /// As computed.
    #[default]
    F32,
    /// Rounded to half precision: half the bytes.
    F16,
    /// int8 codes, one f32 scale for each head of each position: about a quarter of the bytes.
    Int8,
}

impl KvFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::F32, Self::F16, Self::Int8];

    /// `f32`, `f16` or `int8`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Int8 => "int8",
        }
    }

    /// Bytes of so many values in heads of `head_dim`.
    #[must_use]
    pub const fn bytes(self, n_values: usize, head_dim: usize) -> usize {
        match self {
            Self::F32 => n_values * size_of::<f32>(),
            Self::F16 => n_values * size_of::<f16>(),
            Self::Int8 => n_values + n_values / head_dim * size_of::<f32>(),
        }
    }
}

impl std::str::FromStr for KvFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!("format of keys and values: expected f32, f16 or int8, found {text:?}"),
            )
        })
    }
}

/// Stored values, in heads of `head_dim`.
#[derive(Debug)]
pub(super) enum Values {
    F32(Lines<f32>),
    F16(Lines<[u8; 2]>),
    Int8 { codes: Lines<i8>, scales: Lines<f32> },
}

impl Values {
    /// So many zeros.
    pub(super) fn zeros(format: KvFormat, n_values: usize, head_dim: usize) -> Result<Self> {
        Ok(match format {
            KvFormat::F32 => Self::F32(filled(n_values, 0.0)?),
            KvFormat::F16 => Self::F16(filled(n_values, [0; 2])?),
            KvFormat::Int8 => Self::Int8 {
                codes: filled(n_values, 0)?,
                scales: filled(n_values / head_dim, 0.0)?,
            },
        })
    }

    /// Stores one head: its values `stride` apart from value `start` on, its scale, if it has one, at `scale`.
    pub(super) fn write(&mut self, (start, stride): (usize, usize), scale: usize, x: &[f32]) {
        fn spread<T>(all: &mut [T], start: usize, stride: usize, x: impl Iterator<Item = T>) {
            all[start..].iter_mut().step_by(stride).zip(x).for_each(|(place, x)| *place = x);
        }
        match self {
            Self::F32(values) => spread(values, start, stride, x.iter().copied()),
            Self::F16(values) => {
                spread(values, start, stride, x.iter().map(|x| f16::from_f32(*x).to_le_bytes()));
            }
            Self::Int8 { codes, scales } => {
                let (factor, of_head) = quantize(x);
                spread(codes, start, stride, x.iter().map(|x| code(*x, factor)));
                scales[scale] = of_head;
            }
        }
    }

    /// Those in a range, and their scales in another.
    pub(super) fn stored(&self, values: Range<usize>, scales: Range<usize>) -> Stored<'_> {
        match self {
            Self::F32(all) => Stored::F32(&all[values]),
            Self::F16(all) => Stored::F16(&all[values]),
            Self::Int8 { codes, scales: all } => {
                Stored::Int8 { codes: &codes[values], scales: &all[scales] }
            }
        }
    }
}

/// What a head's values are multiplied by to become codes, and the scale that goes with them: `127 / absmax` and
/// `absmax / 127`, both 0 for a head of zeros.
fn quantize(x: &[f32]) -> (f32, f32) {
    let absmax = x.iter().fold(0.0_f32, |most, x| if x.abs() > most { x.abs() } else { most });
    if absmax == 0.0 {
        // A head of NaN has no extreme: it stays what it is, so that the logits show it.
        return (0.0, if x.iter().any(|x| x.is_nan()) { f32::NAN } else { 0.0 });
    }
    (127.0 / absmax, absmax / 127.0)
}

#[expect(clippy::cast_possible_truncation, reason = "within ±127; NaN becomes 0")]
fn code(x: f32, factor: f32) -> i8 {
    (x * factor).round_ties_even() as i8
}

fn filled<T: Clone>(n: usize, value: T) -> Result<Lines<T>> {
    let mut values = Lines::default();
    let bytes = n.saturating_mul(size_of::<T>());
    values.try_reserve_exact(n).map_err(|_| out_of_memory("keys and values", bytes))?;
    // Every step reads all of them.
    huge_pages::advise(values.as_ptr(), bytes);
    values.resize(n, value);
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: usize = 4;
    /// Two positions of two heads.
    const X: [f32; 16] = [
        1.0, -2.0, 0.5, 127.0, 0.0, 0.0, -0.0, 0.0, 1e-3, 2.5, -2.5, 65_504.0, 3.0, 1.0, 2.0,
        -127.0,
    ];

    fn stored(format: KvFormat) -> Values {
        let mut values = Values::zeros(format, 16, D).unwrap();
        for (i, head) in X.chunks_exact(D).enumerate() {
            values.write((i * D, 1), i, head);
        }
        values
    }

    /// What attention makes of them.
    fn read(values: &Values, heads: Range<usize>) -> Vec<f32> {
        match values.stored(heads.start * D..heads.end * D, heads) {
            Stored::F32(values) => values.to_vec(),
            Stored::F16(values) => values.iter().map(|x| f16::from_le_bytes(*x).to_f32()).collect(),
            Stored::Int8 { codes, scales } => {
                let heads = codes.chunks_exact(D).zip(scales);
                heads
                    .flat_map(|(codes, scale)| codes.iter().map(move |x| f32::from(*x) * scale))
                    .collect()
            }
        }
    }

    #[test]
    fn f32_is_kept_bit_for_bit() {
        let values = stored(KvFormat::F32);
        assert_eq!(read(&values, 0..4), X);
        assert_eq!(read(&values, 1..3), X[4..12]);
    }

    #[test]
    fn f16_rounds_each_value_by_itself() {
        let values = stored(KvFormat::F16);
        let rounded: Vec<f32> = X.iter().map(|x| f16::from_f32(*x).to_f32()).collect();
        assert_eq!(read(&values, 0..4), rounded);
        assert_eq!(read(&values, 2..3), rounded[8..12]);
    }

    #[test]
    fn int8_has_a_scale_for_each_head_of_each_position() {
        let values = stored(KvFormat::Int8);
        // absmax 127: the scale is 1, so values are rounded to whole numbers, halves to even.
        assert_eq!(read(&values, 0..2), [1.0, -2.0, 0.0, 127.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(read(&values, 3..4), [3.0, 1.0, 2.0, -127.0]);
        // Beside 65504 the small ones vanish, and the large one comes back.
        let large = read(&values, 2..3)[3];
        assert!((large - 65_504.0).abs() < 0.01, "{large}");
    }

    #[test]
    fn values_that_lie_apart_are_the_same_ones() {
        for format in KvFormat::ALL {
            let mut apart = Values::zeros(format, 16, D).unwrap();
            for (i, head) in X.chunks_exact(D).enumerate() {
                apart.write((i, 4), i, head);
            }
            let beside = stored(format);
            for (i, x) in X.iter().enumerate() {
                let (head, value) = (i / D, i % D);
                let there = match (apart.stored(0..16, 0..4), beside.stored(0..16, 0..4)) {
                    (Stored::F32(a), Stored::F32(b)) => {
                        a[value * 4 + head].to_bits() == b[i].to_bits()
                    }
                    (Stored::F16(a), Stored::F16(b)) => a[value * 4 + head] == b[i],
                    (
                        Stored::Int8 { codes: a, scales: s },
                        Stored::Int8 { codes: b, scales: t },
                    ) => a[value * 4 + head] == b[i] && s[head].to_bits() == t[head].to_bits(),
                    _ => false,
                };
                assert!(there, "{x} as {}", format.name());
            }
        }
    }

    #[test]
    fn what_is_no_number_does_not_become_one() {
        let mut values = Values::zeros(KvFormat::Int8, D, D).unwrap();
        values.write((0, 1), 0, &[f32::NAN; D]);
        assert!(read(&values, 0..1).iter().all(|x| x.is_nan()));
        values.write((0, 1), 0, &[f32::INFINITY, 1.0, 0.0, 0.0]);
        assert!(read(&values, 0..1).iter().any(|x| !x.is_finite()));
    }

    #[test]
    fn bytes_are_those_that_are_held() {
        for format in KvFormat::ALL {
            let held = match Values::zeros(format, 64 * D, D).unwrap() {
                Values::F32(values) => size_of_val(&values[..]),
                Values::F16(values) => size_of_val(&values[..]),
                Values::Int8 { codes, scales } => {
                    size_of_val(&codes[..]) + size_of_val(&scales[..])
                }
            };
            assert_eq!(format.bytes(64 * D, D), held);
            assert_eq!(format.name().parse::<KvFormat>().unwrap(), format);
        }
        assert!("q4".parse::<KvFormat>().is_err());
    }
}
