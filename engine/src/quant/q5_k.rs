//! `Q5_K` (type 13): 5 bits an element in sub-blocks of 32, `y = d * sc * q - dmin * m`.
//!
//! A block of 256 is 176 bytes: `d` and `dmin` in half precision, twelve bytes of 6-bit scales and minima (`sub_blocks.rs`), 32 bytes
//! `qh` of fifth bits (of element `e`: bit `e / 32` of byte `e % 32`), then 128 bytes of nibbles as in `Q4_K`. Encoding: our own rule,
//! see `sub_blocks::encode`. Source: ggml, `ggml/src/ggml-common.h` (layout), `ggml/src/ggml-quants.c` (decoder).

use super::{
    BlockFormat, Shape, blocks,
    q4_k::nibbles,
    sub_blocks::{self, SubScales, sub_scales},
};
use crate::Result;

/// Elements of one block.
const LEN: usize = 256;
/// Bytes of one block.
pub(crate) const SIZE: usize = 176;

/// 5-bit codes in sub-blocks of 32 with 6-bit scales and minima.
#[derive(Clone, Copy, Debug)]
pub struct Q5K;

impl BlockFormat for Q5K {
    fn name(&self) -> &'static str {
        "q5_k"
    }

    fn about(&self) -> &'static str {
        "5 bits an element, 6-bit scales and minima for 32, two f16 scales for 256"
    }

    fn id(&self) -> u32 {
        13
    }

    fn block_len(&self) -> usize {
        LEN
    }

    fn n_bytes(&self, shape: Shape) -> Option<usize> {
        blocks::n_bytes(self, shape, SIZE)
    }

    fn check(&self, tensor: &[u8], shape: Shape) -> Result<()> {
        blocks::check::<SIZE>(self, tensor, shape, &[0, 2])
    }

    fn row(&self, tensor: &[u8], shape: Shape, row: usize, out: &mut [f32]) -> Result<()> {
        blocks::row(self, tensor, shape, row, out, |block, out| {
            let (of, codes) = unpack(block);
            sub_blocks::decode(&of, &codes, out);
        })
    }

    fn encode(&self, values: &[f32], shape: Shape) -> Result<Vec<u8>> {
        blocks::encode(self, values, shape, encode)
    }
}

/// One block as kernels multiply it: its scales, and its codes in element order.
#[inline(always)]
pub(crate) fn unpack(block: &[u8; SIZE]) -> (SubScales, [u8; LEN]) {
    let (header, rest) = block.split_first_chunk().expect("a block is longer than 16 bytes");
    let (fifth, nibbles) = rest.split_at(32);
    let mut codes = [0; LEN];
    for (c, codes) in codes.as_chunks_mut::<64>().0.iter_mut().enumerate() {
        for i in 0..32 {
            let byte = nibbles[32 * c + i];
            codes[i] = byte & 15 | (fifth[i] >> (2 * c) & 1) << 4;
            codes[i + 32] = byte >> 4 | (fifth[i] >> (2 * c + 1) & 1) << 4;
        }
    }
    (sub_scales(header), codes)
}

/// One block from 256 values.
fn encode(values: &[f32; LEN]) -> Option<[u8; SIZE]> {
    let (header, codes) = sub_blocks::encode(values, 31)?;
    let mut fifth = [0; 32];
    for (e, code) in codes.iter().enumerate() {
        fifth[e % 32] |= code >> 4 << (e / 32);
    }
    Some(blocks::concat(&[&header, &fifth, &nibbles(&codes)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Drawing;

    #[test]
    fn worked_bytes_decode_to_their_values() {
        // d 0.5, dmin 0; scales 2 and 3; by hand and by gguf-py.
        let mut block = [0; SIZE];
        block[..6].copy_from_slice(&[0x00, 0x38, 0x00, 0x00, 2, 3]);
        (block[16], block[48]) = (0x02, 0x7a);
        let mut out = [0.0; LEN];
        Q5K.row(&block, Shape::vector(LEN), 0, &mut out).unwrap();
        assert_eq!((out[0], out[32], out[64]), (10.0, 34.5, 0.0));
    }

    /// No value is off by more than half a step of its sub-block; the mean error of normal weights is as seen here.
    #[test]
    fn values_come_back_within_half_a_step() {
        let mut drawing = Drawing::new(11, "q5_k");
        let (mut squares, mut errors) = (0.0, 0.0);
        for turn in 0..200 {
            let sizes = [1.0, 0.02, 300.0, 1e-5][turn % 4];
            let lift = [0.0, 0.0, 0.3, -1.0][turn / 4 % 4];
            let one = |_| (sum_of_12(&mut drawing) + lift) * sizes;
            let values: Vec<f32> = (0..LEN).map(one).collect();
            let bytes = Q5K.encode(&values, Shape::vector(LEN)).unwrap();
            let mut out = [0.0; LEN];
            Q5K.row(&bytes, Shape::vector(LEN), 0, &mut out).unwrap();
            let (header, _) = bytes.split_first_chunk().unwrap();
            let of = sub_scales(header);
            for (e, (value, back)) in values.iter().zip(out).enumerate() {
                let step = of.d * f32::from(of.scales[e / 32]);
                let error = (value - back).abs();
                assert!(error <= 0.5001 * step, "turn {turn}, element {e}: {value} {back} {step}");
                if turn % 16 == 0 {
                    squares += f64::from(value * value);
                    errors += f64::from(error * error);
                }
            }
        }
        let relative = (errors / squares).sqrt();
        assert!(relative < 0.042, "relative error of normal weights: {relative}");
    }

    /// Nearly normal, variance 1.
    fn sum_of_12(drawing: &mut Drawing) -> f32 {
        (0..12).map(|_| drawing.unit_f32()).sum::<f32>() - 6.0
    }
}
