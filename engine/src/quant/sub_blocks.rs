//! Blocks of 256 in eight sub-blocks of 32 with 6-bit scales and minima: what `Q4_K` and `Q5_K` share.
//! `y = d * sc * q - dmin * m`, with half-precision `d`, `dmin` and six bits each for `sc`, `m` of a sub-block.
//!
//! The twelve bytes `s` of scales: for `j < 4`, `sc = s[j] & 63`, `m = s[j + 4] & 63`; for the others
//! `sc = s[j + 4] & 15 | s[j - 4] >> 6 << 4`, `m = s[j + 4] >> 4 | s[j] >> 6 << 4`. Source: ggml, `ggml/src/ggml-quants.c`.

use half::f16;

use super::blocks::scale_at;

/// Greatest scale and minimum of a sub-block.
const MOST: f32 = 63.0;
/// Relative slack below which a quotient counts as the whole number (or half-precision scale) next to it.
const SLACK: f32 = 1.0 / 1_048_576.0;

/// A block's scales and minima.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SubScales {
    /// The step of scale 1.
    pub(crate) d: f32,
    /// The step of minimum 1.
    pub(crate) dmin: f32,
    /// 0 to 63 each.
    pub(crate) scales: [u8; 8],
    /// 0 to 63 each.
    pub(crate) mins: [u8; 8],
}

/// The first 16 bytes of a block: `d`, `dmin`, twelve bytes of scales and minima.
#[inline(always)]
pub(crate) fn sub_scales(header: &[u8; 16]) -> SubScales {
    let mut scales = [0; 8];
    let mut mins = [0; 8];
    let [_, _, _, _, s @ ..] = header;
    for j in 0..4 {
        (scales[j], mins[j]) = (s[j] & 63, s[j + 4] & 63);
        scales[j + 4] = s[j + 8] & 15 | s[j] >> 6 << 4;
        mins[j + 4] = s[j + 8] >> 4 | s[j + 4] >> 6 << 4;
    }
    SubScales { d: scale_at(header, 0), dmin: scale_at(header, 2), scales, mins }
}

/// The values of a block: three roundings at most, as in the reference decoder.
pub(super) fn decode(of: &SubScales, codes: &[u8; 256], out: &mut [f32; 256]) {
    let (out, _) = out.as_chunks_mut::<32>();
    let (codes, _) = codes.as_chunks::<32>();
    for j in 0..8 {
        let step = of.d * f32::from(of.scales[j]);
        let min = of.dmin * f32::from(of.mins[j]);
        for (value, code) in out[j].iter_mut().zip(codes[j]) {
            *value = step * f32::from(code) - min;
        }
    }
}

/// Our own rule, by which no value is off by more than half a step of its sub-block.
///
/// Minima first: `dmin` is the least half-precision number that 63 times reaches the lowest value, and `m` the least whole
/// number that reaches the sub-block's. Then scales likewise: `top` steps up from the minimum, as now stored, reach the
/// highest value. Rounding up makes steps a little longer than a search for the least error would, and never clips.
///
/// Out: the 16 bytes of [`sub_scales`] and the codes, 0 to `top`; `None` if half precision can't hold the scales.
pub(super) fn encode(values: &[f32; 256], top: u8) -> Option<([u8; 16], [u8; 256])> {
    let (values, _) = values.as_chunks::<32>();
    let top = f32::from(top);
    let mut depths = [0.0_f32; 8];
    let mut steps = [0.0_f32; 8];
    for j in 0..8 {
        depths[j] = values[j].iter().fold(0.0, |depth, value| depth.max(-value));
    }
    let dmin = at_least(depths.into_iter().fold(0.0, f32::max) / MOST)?;
    let mins = depths.map(|depth| whole_steps(depth, dmin.to_f32(), MOST));
    for j in 0..8 {
        let highest = values[j].iter().fold(f32::MIN, |most, value| most.max(*value));
        steps[j] = ((highest + dmin.to_f32() * f32::from(mins[j])) / top).max(0.0);
    }
    let d = at_least(steps.into_iter().fold(0.0, f32::max) / MOST)?;
    let scales = steps.map(|step| whole_steps(step, d.to_f32(), MOST));

    let mut codes = [0; 256];
    for (j, codes) in codes.as_chunks_mut::<32>().0.iter_mut().enumerate() {
        let step = d.to_f32() * f32::from(scales[j]);
        let min = dmin.to_f32() * f32::from(mins[j]);
        for (code, value) in codes.iter_mut().zip(values[j]) {
            *code = nearest((value + min) / step, top);
        }
    }
    Some((header(d, dmin, &scales, &mins), codes))
}

/// The least half-precision number that is not below `x`, but for the slack; `None` above all of them.
pub(super) fn at_least(x: f32) -> Option<f16> {
    let near = f16::from_f32(x);
    let half = if near.to_f32() >= x - x * SLACK { near } else { next_up(near) };
    half.is_finite().then_some(half)
}

/// The least whole number of steps that reaches `x`, but for the slack, at most `most`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to `most`")]
pub(super) fn whole_steps(x: f32, step: f32, most: f32) -> u8 {
    if step == 0.0 {
        return 0;
    }
    let steps = x / step;
    (steps - steps * SLACK).ceil().min(most) as u8
}

/// The next half-precision number above one that is not negative.
fn next_up(half: f16) -> f16 {
    f16::from_bits(half.to_bits() + 1)
}

/// The nearest code, 0 where the step is.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to `top`; NaN is 0")]
fn nearest(x: f32, top: f32) -> u8 {
    x.round().min(top) as u8
}

/// The inverse of [`sub_scales`].
fn header(d: f16, dmin: f16, scales: &[u8; 8], mins: &[u8; 8]) -> [u8; 16] {
    let mut header = [0; 16];
    header[..2].copy_from_slice(&d.to_le_bytes());
    header[2..4].copy_from_slice(&dmin.to_le_bytes());
    for j in 0..4 {
        header[4 + j] = scales[j] | scales[j + 4] >> 4 << 6;
        header[8 + j] = mins[j] | mins[j + 4] >> 4 << 6;
        header[12 + j] = scales[j + 4] & 15 | mins[j + 4] << 4;
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_scales_come_apart_and_together() {
        let packed = [
            0x00, 0x38, 0x00, 0x34, 0x41, 0x82, 0xc3, 0x04, 0x85, 0x06, 0x47, 0xc8, 0x21, 0x43,
            0x65, 0x87,
        ];
        let of = sub_scales(&packed);
        assert_eq!((of.d, of.dmin), (0.5, 0.25));
        assert_eq!(of.scales, [1, 2, 3, 4, 17, 35, 53, 7]);
        assert_eq!(of.mins, [5, 6, 7, 8, 34, 4, 22, 56]);
        let [d, dmin] = [of.d, of.dmin].map(f16::from_f32);
        assert_eq!(header(d, dmin, &of.scales, &of.mins), packed);
    }

    #[test]
    fn scales_are_rounded_up_but_for_the_slack() {
        assert_eq!(at_least(0.0), Some(f16::ZERO));
        assert_eq!(at_least(1e-30), Some(f16::from_bits(1)));
        assert_eq!(at_least(1.0 + 1e-7), Some(f16::ONE));
        assert_eq!(at_least(1.000_1), Some(f16::from_f32(1.0 + 1.0 / 1024.0)));
        assert_eq!(at_least(65504.0), Some(f16::MAX));
        assert_eq!((at_least(65510.0), at_least(f32::INFINITY)), (None, None));
        assert_eq!(
            [0.0, 1.0, 2.000_001, 2.01, 99.0].map(|x| whole_steps(x, 1.0, 63.0)),
            [0, 1, 2, 3, 63]
        );
        assert_eq!(whole_steps(0.0, 0.0, 63.0), 0);
    }
}
