//! `Q6_K` (type 14): 6 bits an element in sub-blocks of 16, `y = d * sc * (q - 32)`.
//!
//! A block of 256 is 210 bytes: `ql[128]`, `qh[64]`, 16 signed scales, and `d` in half precision **last**. With `n = e / 128`,
//! `t = e % 128 / 32`, `l = e % 32`, the low four bits of element `e` are in byte `64 n + 32 (t & 1) + l` of `ql` (the low half
//! for `t < 2`), the upper two are bits `2 t + 1 : 2 t` of byte `32 n + l` of `qh`.
//!
//! Encoding: our own rule. A sub-block's step is at least `max|x| / 31`; `d` is the least half-precision number that 127 times
//! reaches the longest, `sc` the least whole number that reaches the sub-block's. So no value is off by more than half a step.
//! Source: ggml, `ggml/src/ggml-common.h` (layout), `ggml/src/ggml-quants.c` (decoder).

use super::{
    BlockFormat, Shape, blocks,
    blocks::scale_at,
    sub_blocks::{at_least, whole_steps},
};
use crate::Result;

/// Elements of one block.
const LEN: usize = 256;
/// Bytes of one block.
pub(crate) const SIZE: usize = 210;

/// 6-bit codes in sub-blocks of 16 with 8-bit scales.
#[derive(Clone, Copy, Debug)]
pub struct Q6K;

impl BlockFormat for Q6K {
    fn name(&self) -> &'static str {
        "q6_k"
    }

    fn about(&self) -> &'static str {
        "6 bits an element, 8-bit scales for 16, one f16 scale for 256"
    }

    fn id(&self) -> u32 {
        14
    }

    fn block_len(&self) -> usize {
        LEN
    }

    fn n_bytes(&self, shape: Shape) -> Option<usize> {
        blocks::n_bytes(self, shape, SIZE)
    }

    fn check(&self, tensor: &[u8], shape: Shape) -> Result<()> {
        blocks::check::<SIZE>(self, tensor, shape, &[208])
    }

    fn row(&self, tensor: &[u8], shape: Shape, row: usize, out: &mut [f32]) -> Result<()> {
        blocks::row(self, tensor, shape, row, out, |block, out| unpack(block).decode(out))
    }

    fn encode(&self, values: &[f32], shape: Shape) -> Result<Vec<u8>> {
        blocks::encode(self, values, shape, encode)
    }
}

/// One block as kernels multiply it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unpacked {
    /// The step of scale 1.
    pub(crate) d: f32,
    /// Of 16 elements each.
    pub(crate) scales: [i8; 16],
    /// `q - 32`, in element order.
    pub(crate) codes: [i8; LEN],
}

impl Unpacked {
    /// Its values: two roundings, as in the reference decoder.
    fn decode(&self, out: &mut [f32; LEN]) {
        for (e, (value, code)) in out.iter_mut().zip(self.codes).enumerate() {
            *value = self.d * f32::from(self.scales[e / 16]) * f32::from(code);
        }
    }
}

/// See [`Unpacked`].
#[inline(always)]
pub(crate) fn unpack(block: &[u8; SIZE]) -> Unpacked {
    let (low, rest) = block.split_at(128);
    let (high, rest) = rest.split_at(64);
    let mut codes = [0; LEN];
    for (n, codes) in codes.as_chunks_mut::<128>().0.iter_mut().enumerate() {
        for l in 0..32 {
            let (a, b, high) = (low[64 * n + l], low[64 * n + 32 + l], high[32 * n + l]);
            codes[l] = (a & 15 | (high & 3) << 4).cast_signed() - 32;
            codes[l + 32] = (b & 15 | (high >> 2 & 3) << 4).cast_signed() - 32;
            codes[l + 64] = (a >> 4 | (high >> 4 & 3) << 4).cast_signed() - 32;
            codes[l + 96] = (b >> 4 | high >> 6 << 4).cast_signed() - 32;
        }
    }
    let scales = rest.first_chunk().expect("16 scales stand before d");
    Unpacked { d: scale_at(block, SIZE - 2), scales: scales.map(u8::cast_signed), codes }
}

/// One block from 256 values; see the file's door.
fn encode(values: &[f32; LEN]) -> Option<[u8; SIZE]> {
    let mut steps = [0.0_f32; 16];
    for (step, values) in steps.iter_mut().zip(values.as_chunks::<16>().0) {
        *step = values.iter().fold(0.0_f32, |most, value| most.max(value.abs())) / 31.0;
    }
    let d = at_least(steps.into_iter().fold(0.0, f32::max) / 127.0)?;
    let scales = steps.map(|step| whole_steps(step, d.to_f32(), 127.0));
    let mut low = [0_u8; 128];
    let mut high = [0_u8; 64];
    for (e, value) in values.iter().enumerate() {
        let code = code(value / (d.to_f32() * f32::from(scales[e / 16])));
        let (n, t, l) = (e / 128, e % 128 / 32, e % 32);
        low[64 * n + 32 * (t & 1) + l] |= (code & 15) << (4 * (t >> 1));
        high[32 * n + l] |= code >> 4 << (2 * t);
    }
    Some(blocks::concat(&[&low, &high, &scales, &d.to_le_bytes()]))
}

/// `q`, the nearest whole number plus 32; a step of zero has zeros only.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 63; NaN is 0")]
fn code(x: f32) -> u8 {
    if x.is_nan() { 32 } else { (x.round() + 32.0).clamp(0.0, 63.0) as u8 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Drawing;

    #[test]
    fn worked_bytes_decode_to_their_values() {
        // d 0.5; the values are by hand and by gguf-py.
        let mut block = [0; SIZE];
        (block[0], block[32], block[128]) = (0xa3, 0x5c, 0xe4);
        for (i, scale) in [1, 2, -3, 4, 5, 6, -7_i8].into_iter().enumerate() {
            block[192 + i] = scale.cast_unsigned();
        }
        block[209] = 0x38;
        let mut out = [0.0; LEN];
        Q6K.row(&block, Shape::vector(LEN), 0, &mut out).unwrap();
        let some = [out[0], out[32], out[64], out[96]].map(f32::to_bits);
        assert_eq!(some, [-14.5_f32, 6.0, 25.0, -73.5].map(f32::to_bits));
    }

    /// No value is off by more than half a step of its sub-block; the mean error of normal weights is as seen here.
    #[test]
    fn values_come_back_within_half_a_step() {
        let mut drawing = Drawing::new(11, "q6_k");
        let (mut squares, mut errors) = (0.0, 0.0);
        for turn in 0..200 {
            let sizes = [1.0, 0.02, 300.0, 1e-5][turn % 4];
            let lift = [0.0, 0.0, 0.3, -1.0][turn / 4 % 4];
            let one = |_| (sum_of_12(&mut drawing) + lift) * sizes;
            let values: Vec<f32> = (0..LEN).map(one).collect();
            let bytes = Q6K.encode(&values, Shape::vector(LEN)).unwrap();
            let mut out = [0.0; LEN];
            Q6K.row(&bytes, Shape::vector(LEN), 0, &mut out).unwrap();
            let block = unpack(bytes.first_chunk().unwrap());
            for (e, (value, back)) in values.iter().zip(out).enumerate() {
                let step = block.d * f32::from(block.scales[e / 16]);
                let error = (value - back).abs();
                assert!(error <= 0.5001 * step, "turn {turn}, element {e}: {value} {back} {step}");
                if turn % 16 == 0 {
                    squares += f64::from(value * value);
                    errors += f64::from(error * error);
                }
            }
        }
        let relative = (errors / squares).sqrt();
        assert!(relative < 0.021, "relative error of normal weights: {relative}");
    }

    /// Nearly normal, variance 1.
    fn sum_of_12(drawing: &mut Drawing) -> f32 {
        (0..12).map(|_| drawing.unit_f32()).sum::<f32>() - 6.0
    }
}
