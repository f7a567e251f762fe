//! `Q5_0` (type 6): 5 bits an element, `y = d * (n - 16)`.
//!
//! A block of 32 is 22 bytes: `d` in half precision, a word of 32 fifth bits (bit `e` for element `e`), then 16 bytes of nibbles
//! as in `Q4_0`. Encoding: the reference quantiser's rule, see `steps.rs`.
//! Source: ggml, `ggml/src/ggml-common.h` (layout), `ggml/src/ggml-quants.c` (quantiser).

use super::{
    BlockFormat, Shape,
    blocks::{self, Block32, scale_at},
    nibbles, steps,
};
use crate::Result;

/// Elements of one block.
const LEN: usize = 32;
/// Bytes of one block.
pub(crate) const SIZE: usize = 22;

/// 5-bit codes around zero with one scale for 32.
#[derive(Clone, Copy, Debug)]
pub struct Q5_0;

impl BlockFormat for Q5_0 {
    fn name(&self) -> &'static str {
        "q5_0"
    }

    fn about(&self) -> &'static str {
        "5 bits an element, one f16 scale for 32"
    }

    fn id(&self) -> u32 {
        6
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
    let [_, _, a, b, c, d, codes @ ..] = block;
    let codes = nibbles::split_fifth(codes, [*a, *b, *c, *d]).map(|code| code.cast_signed() - 16);
    Block32 { scale: scale_at(block, 0), min: None, codes }
}

/// One block from 32 values; see [`steps::around_zero`].
fn encode(values: &[f32; LEN]) -> Option<[u8; SIZE]> {
    let (scale, codes) = steps::around_zero(values, 16)?;
    Some(blocks::concat(&[&scale, &nibbles::join_fifth(&codes), &nibbles::join(&codes)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_example_is_encoded_and_decoded() {
        // x[i] = (i - 16) / 8, encoded by gguf-py.
        let values: Vec<f32> = (-16_i8..16).map(|i| f32::from(i) / 8.0).collect();
        let bytes = [
            0x00, 0x30, 0x00, 0x00, 0xff, 0xff, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
            0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
        ];
        assert_eq!(Q5_0.encode(&values, Shape::vector(LEN)).unwrap(), bytes);
        let mut out = [0.0; LEN];
        Q5_0.row(&bytes, Shape::vector(LEN), 0, &mut out).unwrap();
        assert_eq!(out[..], values[..], "this one is exact");
    }

    #[test]
    fn the_extreme_is_exact_and_its_opposite_is_a_step_off() {
        let mut values = [0.25; LEN];
        (values[7], values[20]) = (16.0, -16.0);
        let bytes = Q5_0.encode(&values, Shape::vector(LEN)).unwrap();
        let mut out = [0.0; LEN];
        Q5_0.row(&bytes, Shape::vector(LEN), 0, &mut out).unwrap();
        assert_eq!((out[7], out[20], out[0]), (16.0, -15.0, 0.0));
    }
}
