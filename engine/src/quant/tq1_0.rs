//! `TQ1_0` (type 34): ternary weights, five to a byte, one f16 scale for 256 elements. `w = d * trit`.
//!
//! A block is 52 bytes of base-3 digits, then `d`: 54 bytes. Digits 0, 1, 2 are -1, 0, +1, the first digit of a byte the most
//! significant. 32 bytes hold the elements 0 to 159 (element `e` is digit `e / 32` of byte `e % 32`), 16 bytes 160 to 239
//! (digit `(e - 160) / 16` of byte `(e - 160) % 16`), 4 bytes the last 16, four each (digit `(e - 240) / 4` of byte
//! `(e - 240) % 4`; their fifth digit is 0). A byte is not the digits' number `V` itself but `ceil(V · 256 / 243)`: so digit
//! `n` is the whole part of `3 · (byte · 3^n mod 256) / 256`, a multiplication each.
//!
//! Source: ggml, `ggml/src/ggml-common.h` (`block_tq1_0`), `ggml/src/ggml-quants.c`.

use super::{
    BlockFormat, Shape, Ternary,
    trit_blocks::{self, BLOCK_LEN, SCALE_SIZE, TritBlock, Trits},
};
use crate::Result;

/// Bytes of digits.
const CODES_SIZE: usize = 52;
/// Bytes of one block.
pub(crate) const BLOCK_SIZE: usize = CODES_SIZE + SCALE_SIZE;
/// The three runs of a block: its first byte, its bytes, its first element, digits used of each byte.
const RUNS: [(usize, usize, usize, usize); 3] = [(0, 32, 0, 5), (32, 16, 160, 5), (48, 4, 240, 4)];

/// Five trits a byte, one scale for 256.
#[derive(Clone, Copy, Debug)]
pub struct Tq1_0;

impl BlockFormat for Tq1_0 {
    fn name(&self) -> &'static str {
        "tq1_0"
    }

    fn about(&self) -> &'static str {
        "ternary, 5 elements a byte, one f16 scale for 256"
    }

    fn id(&self) -> u32 {
        34
    }

    fn block_len(&self) -> usize {
        BLOCK_LEN
    }

    fn n_bytes(&self, shape: Shape) -> Option<usize> {
        trit_blocks::n_bytes::<BLOCK_SIZE>(shape)
    }

    fn check(&self, tensor: &[u8], shape: Shape) -> Result<()> {
        trit_blocks::check(self, tensor, shape)
    }

    fn row(&self, tensor: &[u8], shape: Shape, row: usize, out: &mut [f32]) -> Result<()> {
        trit_blocks::row(self, tensor, shape, row, out)
    }

    fn encode(&self, values: &[f32], shape: Shape) -> Result<Vec<u8>> {
        trit_blocks::encode(self, values, shape)
    }

    fn ternary(&self) -> Option<&dyn Ternary> {
        Some(self)
    }
}

impl Ternary for Tq1_0 {
    fn has_tensor_scale(&self) -> bool {
        false
    }

    fn pack(&self, trits: &[i8], scale: f32, shape: Shape) -> Result<Vec<u8>> {
        trit_blocks::pack(self, trits, scale, shape)
    }

    fn unpack(&self, tensor: &[u8], shape: Shape, trits: &mut [i8]) -> Result<f32> {
        trit_blocks::unpack(self, tensor, shape, trits)
    }
}

impl TritBlock<BLOCK_SIZE> for Tq1_0 {
    fn write(&self, trits: &Trits, block: &mut [u8; BLOCK_SIZE]) {
        for (start, size, first, n_digits) in RUNS {
            for i in 0..size {
                let digit = |n: usize| match n < n_digits {
                    true => (trits[first + n * size + i] + 1).cast_unsigned(),
                    false => 0,
                };
                block[start + i] = byte((0..5).map(digit));
            }
        }
    }

    fn read(&self, block: &[u8; BLOCK_SIZE]) -> Trits {
        read(block)
    }

    fn find_bad(&self, block: &[u8; BLOCK_SIZE]) -> Option<String> {
        let (five, four) = block[..CODES_SIZE].split_at(48);
        let bad = five.iter().fold(false, |bad, byte| bad | !is_written(*byte))
            | four.iter().fold(false, |bad, byte| bad | !is_written_of_four(*byte));
        if !bad {
            return None;
        }
        let i = block.iter().enumerate().position(|(i, byte)| match i < 48 {
            true => !is_written(*byte),
            false => !is_written_of_four(*byte),
        })?;
        let n_digits = if i < 48 { "five" } else { "four" };
        Some(format!(
            "byte {i}: expected one that stands for {n_digits} trits, found {:#04x}, which no encoder writes",
            block[i]
        ))
    }
}

/// The trits of a block.
pub(crate) fn read(block: &[u8; BLOCK_SIZE]) -> Trits {
    let mut trits = [0; BLOCK_LEN];
    for (start, size, first, n_digits) in RUNS {
        for (n, power) in [1_u8, 3, 9, 27, 81].into_iter().enumerate().take(n_digits) {
            let out = &mut trits[first + n * size..][..size];
            for (trit, byte) in out.iter_mut().zip(&block[start..]) {
                *trit = digit(*byte, power) - 1;
            }
        }
    }
    trits
}

/// The byte of five digits, the first the most significant: `ceil(V · 256 / 243)`.
fn byte(digits: impl Iterator<Item = u8>) -> u8 {
    let value = digits.fold(0_u16, |value, digit| 3 * value + u16::from(digit));
    u8::try_from((value * 256).div_ceil(243)).expect("five digits are below 243")
}

/// The digit that `power` (3^n) brings to the top.
const fn digit(byte: u8, power: u8) -> i8 {
    // As comparisons: the whole part of 3q / 256 is 1 from q = 86 on and 2 from q = 171 on.
    let q = byte.wrapping_mul(power);
    (q >= 86) as i8 + (q >= 171) as i8
}

/// Whether an encoder writes `byte`: 243 of 256. With `V` the whole part of `byte · 243 / 256` and `r` what is left,
/// `V · 256 / 243 = byte - r / 243`, which is `byte` rounded up if and only if `r < 243`.
const fn is_written(byte: u8) -> bool {
    byte.wrapping_mul(243) < 243
}

/// The same where the fifth digit is always 0: 81 of 256.
const fn is_written_of_four(byte: u8) -> bool {
    is_written(byte) && digit(byte, 81) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::trit_blocks::tests::{holds_the_vectors, scales_behave, worked};

    #[test]
    fn bytes_and_values_are_those_of_gguf_py() {
        holds_the_vectors(&Tq1_0, "tq1_0");
    }

    #[test]
    fn scales_are_per_block_and_exact_or_refused() {
        scales_behave(&Tq1_0);
    }

    #[test]
    fn the_worked_example_of_the_documentation() {
        let bytes = Tq1_0.encode(&worked(0.75), Shape::vector(256)).unwrap();
        assert_eq!((bytes.len(), &bytes[..3]), (54, &[0x31, 0x94, 0xbb][..]));
        assert_eq!((bytes[32], bytes[48], &bytes[52..]), (0xaf, 0xbb, &[0x00, 0x3a][..]));
    }

    #[test]
    fn the_bytes_that_pass_are_exactly_those_of_all_digits() {
        let digits = |v: u16, n: u32| (0..n).map(move |i| (v / 3_u16.pow(n - 1 - i) % 3) as u8);
        let five: Vec<u8> = (0..243).map(|v| byte(digits(v, 5))).collect();
        let four: Vec<u8> = (0..81).map(|v| byte(digits(v, 4).chain([0]))).collect();
        for b in 0..=255 {
            assert_eq!(is_written(b), five.contains(&b), "{b:#x}");
            assert_eq!(is_written_of_four(b), four.contains(&b), "{b:#x}");
            for power in [1_u8, 3, 9, 27, 81] {
                let q = u16::from(b.wrapping_mul(power));
                assert_eq!(i16::from(digit(b, power)), ((3 * q) >> 8).cast_signed(), "{b:#x}");
            }
        }
        for v in 0..243 {
            let got = [1, 3, 9, 27, 81].map(|power| digit(five[usize::from(v)], power));
            assert!(got.iter().zip(digits(v, 5)).all(|(got, want)| *got == want.cast_signed()));
        }
    }

    #[test]
    fn bytes_that_no_encoder_writes_are_refused_by_name() {
        let good = Tq1_0.encode(&worked(1.0), Shape::vector(256)).unwrap();
        // 0x01 has r = 243; 0x0b is digits 0, 0, 1, 0, 1, whose fifth digit would be lost in the last four bytes.
        for (i, byte, refused) in
            [(0, 0x01, true), (47, 0x0b, false), (48, 0x0b, true), (51, 0x01, true)]
        {
            let mut bytes = good.clone();
            bytes[i] = byte;
            let result = Tq1_0.check(&bytes, Shape::vector(256)).map_err(|e| e.to_string());
            assert_eq!(result.is_err(), refused, "byte {i} = {byte:#x}: {result:?}");
            if let Err(text) = result {
                assert!(text.contains(&format!("block 0, byte {i}: ")), "{text}");
            }
        }
    }
}
