//! `Q8_0` (type 8): 8 bits an element, `y = d * q`.
//!
//! A block of 32 is 34 bytes: `d` in half precision, then 32 signed bytes in element order. Encoding: `d = max|x| / 127`,
//! `q = round(x / d)`, half away from zero, with `d` not yet rounded; the bits of gguf-py and of the C reference quantiser.
//! Source: ggml, `ggml/src/ggml-common.h` (layout), `ggml/src/ggml-quants.c` (quantiser).

use super::{
    BlockFormat, Shape,
    blocks::{self, Block32, scale_at},
    steps,
};
use crate::Result;

/// Elements of one block.
const LEN: usize = 32;
/// Bytes of one block.
pub(crate) const SIZE: usize = 34;

/// 8-bit codes with one scale for 32.
#[derive(Clone, Copy, Debug)]
pub struct Q8_0;

impl BlockFormat for Q8_0 {
    fn name(&self) -> &'static str {
        "q8_0"
    }

    fn about(&self) -> &'static str {
        "8 bits an element, one f16 scale for 32"
    }

    fn id(&self) -> u32 {
        8
    }

    fn block_len(&self) -> usize {
        LEN
    }

    fn n_bytes(&self, shape: Shape) -> Option<usize> {
        blocks::n_bytes(self, shape, SIZE)
    }

    fn check(&self, tensor: &[u8], shape: Shape) -> Result<()> {
        blocks::check::<SIZE>(self, tensor, shape, &[0])
    }

    fn row(&self, tensor: &[u8], shape: Shape, row: usize, out: &mut [f32]) -> Result<()> {
        blocks::row(self, tensor, shape, row, out, |block, out| unpack(block).decode(out))
    }

    fn encode(&self, values: &[f32], shape: Shape) -> Result<Vec<u8>> {
        blocks::encode(self, values, shape, encode)
    }
}

/// One block as kernels multiply it.
#[inline(always)]
pub(crate) fn unpack(block: &[u8; SIZE]) -> Block32 {
    let [_, _, codes @ ..] = block;
    Block32 { scale: scale_at(block, 0), min: None, codes: codes.map(u8::cast_signed) }
}

/// One block from 32 values; see the file's door.
fn encode(values: &[f32; LEN]) -> Option<[u8; SIZE]> {
    let scale = values.iter().fold(0.0_f32, |most, value| most.max(value.abs())) / 127.0;
    let inverse = steps::inverse(scale);
    #[expect(clippy::cast_possible_truncation, reason = "a whole number from -127 to 127")]
    let codes = values.map(|value| ((value * inverse).round() as i8).cast_unsigned());
    Some(blocks::concat(&[&blocks::scale_bytes(scale)?, &codes]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_example_is_encoded_and_decoded() {
        // x[i] = (i - 16) / 8, encoded by gguf-py.
        let values: Vec<f32> = (-16_i8..16).map(|i| f32::from(i) / 8.0).collect();
        let bytes = [
            0x08, 0x24, 0x81, 0x89, 0x91, 0x99, 0xa1, 0xa9, 0xb1, 0xb9, 0xc0, 0xc8, 0xd0, 0xd8,
            0xe0, 0xe8, 0xf0, 0xf8, 0x00, 0x08, 0x10, 0x18, 0x20, 0x28, 0x30, 0x38, 0x40, 0x47,
            0x4f, 0x57, 0x5f, 0x67, 0x6f, 0x77,
        ];
        assert_eq!(Q8_0.encode(&values, Shape::vector(LEN)).unwrap(), bytes);
        let mut out = [0.0; LEN];
        Q8_0.row(&bytes, Shape::vector(LEN), 0, &mut out).unwrap();
        // d is 0x2408 = 0.015747070.
        let some = [out[0], out[16], out[31]].map(f32::to_bits);
        assert_eq!(some, [-127.0_f32, 0.0, 119.0].map(|q| (q * 0.015_747_07).to_bits()));
    }

    #[test]
    fn a_code_of_minus_128_decodes_although_no_encoder_writes_it() {
        let mut block = [0x80; SIZE];
        block[..2].copy_from_slice(&[0x00, 0xb8]);
        let mut out = [0.0; LEN];
        Q8_0.row(&block, Shape::vector(LEN), 0, &mut out).unwrap();
        assert_eq!(out[..], [64.0; LEN][..]);
    }
}
