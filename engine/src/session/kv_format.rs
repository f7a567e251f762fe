//! How keys and values are stored: f32 as computed, rounded to f16, or int8 codes with one scale for each head of each
//! position (`docs/numerics.md`, "Keys and values"). Attention reads f32 in any case.

use std::ops::Range;

use half::f16;

use super::out_of_memory;
use crate::{Error, ErrorKind, Lines, Result, kernels::Kernels, memory::huge_pages};

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

    /// Stores one head from value `start` on.
    pub(super) fn write(&mut self, start: usize, x: &[f32]) {
        match self {
            Self::F32(values) => values[start..start + x.len()].copy_from_slice(x),
            Self::F16(values) => {
                for (value, x) in values[start..start + x.len()].iter_mut().zip(x) {
                    *value = f16::from_f32(*x).to_le_bytes();
                }
            }
            Self::Int8 { codes, scales } => {
                scales[start / x.len()] = quantize(x, &mut codes[start..start + x.len()]);
            }
        }
    }

    /// Whole heads of `head_dim`: where they lie if they are f32, else widened into `wide`.
    pub(super) fn read<'a>(
        &'a self,
        values: Range<usize>,
        head_dim: usize,
        kernels: &Kernels,
        wide: &'a mut Lines<f32>,
    ) -> &'a [f32] {
        match self {
            Self::F32(all) => return &all[values],
            Self::F16(all) => {
                wide.resize(values.len(), 0.0);
                (kernels.widen_f16)(all[values].as_flattened(), wide);
            }
            Self::Int8 { codes, scales } => {
                wide.resize(values.len(), 0.0);
                let heads = codes[values.clone()].chunks_exact(head_dim);
                let scales = &scales[values.start / head_dim..];
                for ((codes, scale), wide) in heads.zip(scales).zip(wide.chunks_exact_mut(head_dim))
                {
                    (kernels.widen_i8)(codes, *scale, wide);
                }
            }
        }
        wide
    }
}

/// `code = round_half_even(x · (127 / absmax))`; the scale is `absmax / 127`, 0 for a head of zeros.
fn quantize(x: &[f32], codes: &mut [i8]) -> f32 {
    let absmax = x.iter().fold(0.0_f32, |most, x| if x.abs() > most { x.abs() } else { most });
    if absmax == 0.0 {
        codes.fill(0);
        // A head of NaN has no extreme: it stays what it is, so that the logits show it.
        return if x.iter().any(|x| x.is_nan()) { f32::NAN } else { 0.0 };
    }
    let inverse = 127.0 / absmax;
    for (code, x) in codes.iter_mut().zip(x) {
        #[expect(clippy::cast_possible_truncation, reason = "within ±127; NaN becomes 0")]
        let rounded = (x * inverse).round_ties_even() as i8;
        *code = rounded;
    }
    absmax / 127.0
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
            values.write(i * D, head);
        }
        values
    }

    fn read(values: &Values, heads: Range<usize>) -> Vec<f32> {
        let kernels = Kernels::of(crate::Isa::best()).unwrap();
        let mut wide = Lines::default();
        values.read(heads.start * D..heads.end * D, D, &kernels, &mut wide).to_vec()
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
    fn what_is_no_number_does_not_become_one() {
        let mut values = Values::zeros(KvFormat::Int8, D, D).unwrap();
        values.write(0, &[f32::NAN; D]);
        assert!(read(&values, 0..1).iter().all(|x| x.is_nan()));
        values.write(0, &[f32::INFINITY, 1.0, 0.0, 0.0]);
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
