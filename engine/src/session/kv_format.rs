//! How keys and values are stored: f32 as computed, rounded to f16, or int8 codes with one scale for each head of each
//! position (`docs/numerics.md`, "Keys and values").

use std::ops::Range;

use half::f16;

use super::out_of_memory;
use crate::{
    Error, ErrorKind, Lines, Result,
    kernels::{ATTENTION_CHUNK, ATTENTION_CODES, MOST_CODE, Steps, Stored},
    memory::huge_pages,
};

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
            Self::Int8 => n_values / head_dim * (n_codes(head_dim) + size_of::<f32>()),
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

/// Codes that one head of a position takes.
const fn n_codes(head_dim: usize) -> usize {
    head_dim.next_multiple_of(ATTENTION_CODES)
}

/// What is stored, and what of it lies side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One value of all positions, `[head_dim, position]`.
    Keys,
    /// All values of one position, `[position, head_dim]`.
    Values,
}

/// `ATTENTION_CHUNK` positions of all layers: each head's keys and then its values, `[layer, kv_head, kind, ..]`.
#[derive(Debug)]
pub(super) struct Chunk {
    head_dim: usize,
    bits: Bits,
}

#[derive(Debug)]
enum Bits {
    F32(Lines<f32>),
    F16(Lines<[u8; 2]>),
    /// As [`Stored`] orders them.
    Int8 {
        codes: Lines<i8>,
        scales: Lines<f32>,
    },
}

impl Chunk {
    /// Zeros for so many heads, those of all layers.
    pub(super) fn zeros(format: KvFormat, n_heads: usize, head_dim: usize) -> Result<Self> {
        let n_positions = 2 * n_heads * ATTENTION_CHUNK;
        let bits = match format {
            KvFormat::F32 => Bits::F32(filled(n_positions * head_dim, 0.0)?),
            KvFormat::F16 => Bits::F16(filled(n_positions * head_dim, [0; 2])?),
            KvFormat::Int8 => Bits::Int8 {
                codes: filled(n_positions * n_codes(head_dim), 0)?,
                scales: filled(n_positions, 0.0)?,
            },
        };
        Ok(Self { head_dim, bits })
    }

    /// Stores what one head has at one of the positions.
    pub(super) fn write(&mut self, kind: Kind, head: usize, position: usize, x: &[f32]) {
        let d = self.head_dim;
        match &mut self.bits {
            Bits::F32(all) => {
                let all = &mut all[part(kind, head, d)];
                spread::<_, 1>(all, kind, position, d, x.iter().copied());
            }
            Bits::F16(all) => {
                let halves = x.iter().map(|x| f16::from_f32(*x).to_le_bytes());
                spread::<_, 1>(&mut all[part(kind, head, d)], kind, position, d, halves);
            }
            Bits::Int8 { codes: all, scales } => {
                let steps = Steps::of(x, MOST_CODE);
                let all = &mut all[part(kind, head, n_codes(d))];
                let codes = x.iter().map(|x| steps.code(*x));
                spread::<_, ATTENTION_CODES>(all, kind, position, d, codes);
                scales[part(kind, head, 1)][position] = steps.step;
            }
        }
    }

    /// One head's.
    pub(super) fn stored(&self, kind: Kind, head: usize) -> Stored<'_> {
        match &self.bits {
            Bits::F32(all) => Stored::F32(&all[part(kind, head, self.head_dim)]),
            Bits::F16(all) => Stored::F16(&all[part(kind, head, self.head_dim)]),
            Bits::Int8 { codes, scales } => Stored::Int8 {
                codes: &codes[part(kind, head, n_codes(self.head_dim))],
                scales: &scales[part(kind, head, 1)],
            },
        }
    }
}

/// Where a head's keys or values lie, if each position takes `width`.
fn part(kind: Kind, head: usize, width: usize) -> Range<usize> {
    let len = ATTENTION_CHUNK * width;
    let start = (2 * head + usize::from(kind == Kind::Values)) * len;
    start..start + len
}

/// Writes a position's values where they belong: `T` that are summed together, of one position or of one value, side by side.
fn spread<V, const T: usize>(
    all: &mut [V],
    kind: Kind,
    position: usize,
    head_dim: usize,
    x: impl Iterator<Item = V>,
) {
    let (start, of_block, within) = match kind {
        Kind::Keys => (position * T, ATTENTION_CHUNK * T, 1),
        Kind::Values => (position / T * head_dim * T + position % T, T * T, T),
    };
    for (i, x) in x.enumerate() {
        all[start + i / T * of_block + i % T * within] = x;
    }
}

fn filled<T: Clone>(n: usize, value: T) -> Result<Lines<T>> {
    let mut values = Lines::to_stream(n);
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

    /// No multiple of the codes that lie together.
    const D: usize = 6;
    const HEADS: usize = 2;
    const KINDS: [Kind; 2] = [Kind::Keys, Kind::Values];

    fn chunk(format: KvFormat) -> Chunk {
        Chunk::zeros(format, HEADS, D).unwrap()
    }

    /// What attention makes of one head at one position.
    fn read(chunk: &Chunk, kind: Kind, head: usize, position: usize) -> Vec<f32> {
        let at = |i, together: usize| match kind {
            Kind::Keys => (i / together * ATTENTION_CHUNK + position) * together + i % together,
            Kind::Values => (position / together * D + i) * together + position % together,
        };
        let value = |i| match chunk.stored(kind, head) {
            Stored::F32(all) => all[at(i, 1)],
            Stored::F16(all) => f16::from_le_bytes(all[at(i, 1)]).to_f32(),
            Stored::Int8 { codes, scales } => f32::from(codes[at(i, 4)]) * scales[position],
        };
        (0..D).map(value).collect()
    }

    #[test]
    fn what_is_written_is_read_rounded_as_its_format_says() {
        // absmax 127: the step is 1, so values become whole numbers, halves to even.
        let x = [1.0, -2.0, 0.5, -127.0, 2.5, 1e-3];
        for (format, want) in [
            (KvFormat::F32, x),
            (KvFormat::F16, x.map(|x| f16::from_f32(x).to_f32())),
            (KvFormat::Int8, [1.0, -2.0, 0.0, -127.0, 2.0, 0.0]),
        ] {
            for kind in KINDS {
                let mut chunk = chunk(format);
                chunk.write(kind, 1, 62, &x);
                assert_eq!(read(&chunk, kind, 1, 62), want, "{} {kind:?}", format.name());
            }
        }
    }

    /// Every value of every position has a place of its own.
    #[test]
    fn no_write_touches_another_position() {
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let of = |kind: Kind, head: usize, position: usize| -> [f32; D] {
            let first = if kind == Kind::Keys { 1 } else { 60 };
            std::array::from_fn(|i| (first + (head * 7 + position * 5 + i * 3) % 67) as f32)
        };
        for format in KvFormat::ALL {
            let mut chunk = chunk(format);
            let places = || {
                let heads = (0..HEADS).flat_map(|head| KINDS.map(|kind| (kind, head)));
                heads.flat_map(|(kind, head)| (0..ATTENTION_CHUNK).map(move |p| (kind, head, p)))
            };
            for (kind, head, position) in places() {
                chunk.write(kind, head, position, &of(kind, head, position));
            }
            for (kind, head, position) in places() {
                let (found, want) = (read(&chunk, kind, head, position), of(kind, head, position));
                let near = found.iter().zip(want).all(|(found, want)| (found - want).abs() <= 0.5);
                assert!(near, "{} {kind:?} {head} {position}: {found:?}", format.name());
            }
        }
    }

    #[test]
    fn int8_has_a_step_for_each_head_of_each_position() {
        let mut chunk = chunk(KvFormat::Int8);
        let mut stored = |head, position, x: [f32; D]| {
            chunk.write(Kind::Values, head, position, &x);
            read(&chunk, Kind::Values, head, position)
        };
        assert_eq!(stored(0, 0, [0.0, -0.0, 0.0, 0.0, 0.0, 0.0]), [0.0; D]);
        // Beside 65504 the small ones vanish, and the large one comes back.
        let large = stored(0, 1, [1e-3, 2.5, -2.5, 65_504.0, 0.0, 0.0]);
        assert!(large[..3] == [0.0; 3] && (large[3] - 65_504.0).abs() < 0.01, "{large:?}");
        let whole = [3.0, 1.0, 2.0, -127.0, 0.0, 0.0];
        assert_eq!(stored(1, 1, whole), whole);
    }

    #[test]
    fn what_is_no_number_does_not_become_one() {
        let mut chunk = chunk(KvFormat::Int8);
        let mut stored = |x: [f32; D]| {
            chunk.write(Kind::Values, 0, 0, &x);
            read(&chunk, Kind::Values, 0, 0)
        };
        for x in [[f32::NAN; D], [1.0, f32::NAN, 0.0, 0.0, 0.0, 0.0]] {
            assert!(stored(x).iter().all(|x| x.is_nan()), "{x:?}");
        }
        let endless = stored([f32::INFINITY, 1.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(endless.iter().all(|x| !x.is_finite()), "{endless:?}");
        // What a step of f32 can't tell from 0.
        assert_eq!(stored([f32::MIN_POSITIVE; D]), [0.0; D]);
    }

    #[test]
    fn bytes_are_those_that_are_held() {
        for format in KvFormat::ALL {
            let held = match chunk(format).bits {
                Bits::F32(values) => size_of_val(&values[..]),
                Bits::F16(values) => size_of_val(&values[..]),
                Bits::Int8 { codes, scales } => size_of_val(&codes[..]) + size_of_val(&scales[..]),
            };
            assert_eq!(format.bytes(2 * HEADS * ATTENTION_CHUNK * D, D), held);
            assert_eq!(format.name().parse::<KvFormat>().unwrap(), format);
        }
        assert!("q4".parse::<KvFormat>().is_err());
    }
}
