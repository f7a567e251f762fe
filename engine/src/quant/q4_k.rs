//! `Q4_K` (type 12): 4 bits an element in sub-blocks of 32, `y = d * sc * q - dmin * m`.
//!
//! A block of 256 is 144 bytes: `d` and `dmin` in half precision, twelve bytes of 6-bit scales and minima (`sub_blocks.rs`), then
//! 128 bytes of nibbles, element `e` in byte `32 * (e / 64) + e % 32`, the low half for `e % 64 < 32`. Encoding: our own rule, see
//! `sub_blocks::encode`. Source: ggml, `ggml/src/ggml-common.h` (layout), `ggml/src/ggml-quants.c` (decoder).

use super::{
    BlockFormat, Shape, blocks,
    sub_blocks::{self, SubScales, sub_scales},
};
use crate::Result;

/// Elements of one block.
const LEN: usize = 256;
/// Bytes of one block.
pub(crate) const SIZE: usize = 144;

/// 4-bit codes in sub-blocks of 32 with 6-bit scales and minima.
#[derive(Clone, Copy, Debug)]
pub struct Q4K;

impl BlockFormat for Q4K {
    fn name(&self) -> &'static str {
        "q4_k"
    }

    fn about(&self) -> &'static str {
        "4 bits an element, 6-bit scales and minima for 32, two f16 scales for 256"
    }

    fn id(&self) -> u32 {
        12
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
    let (header, nibbles) = block.split_first_chunk().expect("a block is longer than 16 bytes");
    let mut codes = [0; LEN];
    for (codes, bytes) in codes.as_chunks_mut::<64>().0.iter_mut().zip(nibbles.as_chunks::<32>().0)
    {
        for i in 0..32 {
            codes[i] = bytes[i] & 15;
            codes[i + 32] = bytes[i] >> 4;
        }
    }
    (sub_scales(header), codes)
}

/// One block from 256 values.
fn encode(values: &[f32; LEN]) -> Option<[u8; SIZE]> {
    let (header, codes) = sub_blocks::encode(values, 15)?;
    Some(blocks::concat(&[&header, &nibbles(&codes)]))
}

/// The low four bits of 256 codes.
pub(super) fn nibbles(codes: &[u8; LEN]) -> [u8; LEN / 2] {
    let mut nibbles = [0; LEN / 2];
    let (pairs, _) = codes.as_chunks::<64>();
    for (bytes, codes) in nibbles.as_chunks_mut::<32>().0.iter_mut().zip(pairs) {
        for i in 0..32 {
            bytes[i] = codes[i] & 15 | codes[i + 32] << 4;
        }
    }
    nibbles
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Drawing;

    #[test]
    fn worked_bytes_decode_to_their_values() {
        // d 0.5, dmin 0.25; the values are by hand and by gguf-py.
        let mut block = [0; SIZE];
        block[..16].copy_from_slice(&[
            0x00, 0x38, 0x00, 0x34, 0x41, 0x82, 0xc3, 0x04, 0x85, 0x06, 0x47, 0xc8, 0x21, 0x43,
            0x65, 0x87,
        ]);
        for (at, byte) in [(0, 0xa3), (32, 0x5c), (64, 0x71), (96, 0xf2)] {
            block[16 + at] = byte;
        }
        let mut out = [0.0; LEN];
        Q4K.row(&block, Shape::vector(LEN), 0, &mut out).unwrap();
        let first: Vec<f32> = out.chunks(32).map(|sub_block| sub_block[0]).collect();
        assert_eq!(first, [0.25, 8.5, 16.25, 8.0, 0.0, 121.5, 47.5, 38.5]);
    }

    /// No value is off by more than half a step of its sub-block; the mean error of normal weights is as seen here.
    #[test]
    fn values_come_back_within_half_a_step() {
        let mut drawing = Drawing::new(11, "q4_k");
        let (mut squares, mut errors) = (0.0, 0.0);
        for turn in 0..200 {
            let sizes = [1.0, 0.02, 300.0, 1e-5][turn % 4];
            let lift = [0.0, 0.0, 0.3, -1.0][turn / 4 % 4];
            let one = |_| (sum_of_12(&mut drawing) + lift) * sizes;
            let values: Vec<f32> = (0..LEN).map(one).collect();
            let bytes = Q4K.encode(&values, Shape::vector(LEN)).unwrap();
            let mut out = [0.0; LEN];
            Q4K.row(&bytes, Shape::vector(LEN), 0, &mut out).unwrap();
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
        assert!(relative < 0.085, "relative error of normal weights: {relative}");
    }

    /// Nearly normal, variance 1.
    fn sum_of_12(drawing: &mut Drawing) -> f32 {
        (0..12).map(|_| drawing.unit_f32()).sum::<f32>() - 6.0
    }
}
