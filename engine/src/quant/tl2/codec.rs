//! Rows of a TL2 tensor from trits to bytes and back: a block of 32 rows at a time, so that writes are in order.

use super::super::tl1;
use super::layout::{Layout, place};
use super::{GROUP_COLS, GROUP_SIZE, LANES, PAIR_COLS, TRIPLES};

impl Layout {
    /// Values of one row.
    pub(super) fn decode_row<T: Copy>(
        &self,
        tensor: &[u8],
        row: usize,
        values: &Values<T>,
        out: &mut [T],
    ) {
        let (lane, half, place) = (row % 16, row % LANES / 16, place(row));
        let (triples, pairs) = out.split_at_mut(self.three_k);
        for (tile_col, out) in triples.chunks_exact_mut(self.tiles.cols).enumerate() {
            let (groups, _) = tensor[self.indices(row, tile_col)].as_chunks::<GROUP_SIZE>();
            let (signs, _) = tensor[self.signs(row, tile_col)].as_chunks::<LANES>();
            let (outs, _) = out.as_chunks_mut::<GROUP_COLS>();
            for ((group, signs), out) in groups.iter().zip(signs).zip(outs) {
                // Signs of the first triple at the top, those of the other 16 rows between them.
                let mut signs = u16::from_le_bytes([signs[2 * lane], signs[2 * lane + 1]]) << half;
                let (sixes, _) = out.as_chunks_mut::<6>();
                for (i, six) in sixes.iter_mut().enumerate() {
                    let byte = group[i * LANES + place];
                    let (a, b) = (usize::from(signs >> 15), usize::from(signs >> 13 & 1));
                    signs <<= 4;
                    let first = values.triples[usize::from(byte >> 4) | a << 4];
                    let second = values.triples[usize::from(byte & 15) | b << 4];
                    *six = [first[0], first[1], first[2], second[0], second[1], second[2]];
                }
            }
        }
        for (tile_col, out) in pairs.chunks_exact_mut(PAIR_COLS).enumerate() {
            let (quads, _) = tensor[self.pairs(row, tile_col)].as_chunks::<LANES>();
            for (quad, out) in quads.iter().zip(out.as_chunks_mut::<4>().0) {
                let byte = quad[place];
                let first = values.pairs[usize::from(byte >> 4)];
                let second = values.pairs[usize::from(byte & 15)];
                *out = [first[0], first[1], second[0], second[1]];
            }
        }
    }

    /// Writes rows of tiles to their regions. `row_codes` gives t + 1 of a row, counted from the first of these.
    pub(super) fn encode_band(
        &self,
        [indices, signs, pairs]: [&mut [u8]; 3],
        n_rows: usize,
        mut row_codes: impl FnMut(usize, &mut [u8]),
    ) {
        let n_groups = self.three_k / GROUP_COLS;
        let n_quads = self.two_k / 4;
        let mut codes = vec![0; self.three_k + self.two_k];
        let mut packed = vec![Group::default(); LANES * n_groups];
        let mut packed_pairs = vec![0; LANES * n_quads];
        // Regions of a band begin at its own first row.
        let band = Self { rows: 0, ..*self };
        for row in (0..n_rows).step_by(LANES) {
            for i in 0..LANES {
                row_codes(row + i, &mut codes);
                let (triples, pairs) = codes.split_at(self.three_k);
                pack_groups(triples, &mut packed[i * n_groups..][..n_groups]);
                tl1::pack_quads(pairs, &mut packed_pairs[i * n_quads..][..n_quads]);
            }
            let tile_groups = self.tiles.cols / GROUP_COLS;
            for tile_col in 0..self.n_tile_cols() {
                let (out, _) = indices[band.indices(row, tile_col)].as_chunks_mut::<GROUP_SIZE>();
                let (out_signs, _) = signs[band.signs(row, tile_col)].as_chunks_mut::<LANES>();
                for (g, (out, out_signs)) in out.iter_mut().zip(out_signs).enumerate() {
                    let from = tile_col * tile_groups + g;
                    write_group(|i| packed[i * n_groups + from], out, out_signs);
                }
            }
            for tile_col in 0..self.n_pair_tile_cols() {
                let (out, _) = pairs[band.pairs(row, tile_col)].as_chunks_mut::<LANES>();
                for (q, out) in out.iter_mut().enumerate() {
                    for i in 0..LANES {
                        out[place(i)] = packed_pairs[i * n_quads + tile_col * 8 + q];
                    }
                }
            }
        }
    }

    /// Whether any code is one that no packer writes: an index above 13, a zero with a sign, a pair above 8.
    pub(super) fn any_bad(&self, tensor: &[u8]) -> bool {
        let (indices, rest) = tensor.split_at(self.signs_start());
        let (signs, rest) = rest.split_at(self.pairs_start() - self.signs_start());
        let pairs = &rest[..self.rows * self.two_k / 4];
        if pairs.iter().fold(0, |seen, byte| seen | tl1::above_8(*byte)) != 0 {
            return true;
        }
        // Blocks of both regions are in the same order, so groups are.
        let (indices, _) = indices.as_chunks::<GROUP_SIZE>();
        let (signs, _) = signs.as_chunks::<LANES>();
        let bad = indices.iter().zip(signs).fold(0, |seen, (i, s)| seen | bad_group(i, s));
        bad != 0
    }
}

/// What codes decode to.
pub(super) struct Values<T> {
    /// By index, then the same with the sign.
    triples: [[T; 3]; 32],
    pairs: [[T; 2]; 16],
}

impl<T: Copy> Values<T> {
    pub(super) fn new(value: impl Fn(i8) -> T) -> Self {
        let mut triples = [[value(0); 3]; 32];
        let mut pairs = [[value(0); 2]; 16];
        for (i, trits) in TRIPLES.into_iter().enumerate() {
            triples[i] = trits.map(&value);
            triples[i + 16] = trits.map(|trit| value(-trit));
        }
        for (code, pair) in (0..16).zip(&mut pairs) {
            *pair = tl1::pair(code).map(&value);
        }
        Self { triples, pairs }
    }
}

/// A group of one row: four bytes of indices, and eight signs, the first at the top.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    indices: [u8; 4],
    signs: u8,
}

/// What six columns become: a byte of indices, and above it two sign bits, the first triple's first. By `v + 13` of both triples,
/// the second times 32.
const SIXES: [u16; 1024] = {
    let mut all = [0; 1024];
    let mut at = 0;
    while at < 1024 {
        let (first, first_sign) = index_and_sign(at % 32);
        let (second, second_sign) = index_and_sign(at / 32);
        all[at as usize] = first << 4 | second | first_sign << 9 | second_sign << 8;
        at += 1;
    }
    all
};

/// Of `v + 13`.
const fn index_and_sign(shifted: u16) -> (u16, u16) {
    if shifted < 13 { (13 - shifted, 1) } else { ((shifted - 13) % 14, 0) }
}

/// Packs the groups of one row. `codes`: t + 1.
///
/// Six codes at once: in the product with 9, 3, 1, byte 2 is 9a + 3b + c of the first three, byte 5 that of the others; no byte
/// is above 26, so nothing carries.
fn pack_groups(codes: &[u8], out: &mut [Group]) {
    const FACTORS: u64 = u64::from_le_bytes([1, 3, 9, 0, 0, 0, 0, 0]);
    let (groups, _) = codes.as_chunks::<GROUP_COLS>();
    for (codes, out) in groups.iter().zip(out) {
        let (eights, _) = codes.as_chunks::<8>();
        let [first, middle, last] = [0, 1, 2].map(|i| u64::from_le_bytes(eights[i]));
        let sixes = [first, first >> 48 | middle << 16, middle >> 32 | last << 32, last >> 16];
        let mut signs = 0;
        for (six, byte) in sixes.into_iter().zip(&mut out.indices) {
            let [_, _, first, _, _, second, ..] = six.wrapping_mul(FACTORS).to_le_bytes();
            let entry = SIXES[usize::from(first & 31) | usize::from(second & 31) << 5];
            let [indices, two_signs] = entry.to_le_bytes();
            *byte = indices;
            signs = signs << 2 | two_signs;
        }
        out.signs = signs;
    }
}

/// Writes one group of 32 rows.
fn write_group(
    group: impl Fn(usize) -> Group,
    indices: &mut [u8; GROUP_SIZE],
    signs: &mut [u8; LANES],
) {
    let (sixes, _) = indices.as_chunks_mut::<LANES>();
    for lane in 0..LANES / 2 {
        let (upper, lower) = (group(lane), group(lane + 16));
        for (i, six) in sixes.iter_mut().enumerate() {
            six[place(lane)] = upper.indices[i];
            six[place(lane + 16)] = lower.indices[i];
        }
        let word = spread(upper.signs) << 1 | spread(lower.signs);
        signs[2 * lane..2 * lane + 2].copy_from_slice(&word.to_le_bytes());
    }
}

/// The bits of a byte with a zero before each.
const fn spread(byte: u8) -> u16 {
    let mut x = byte as u16;
    x = (x | x << 4) & 0x0f0f;
    x = (x | x << 2) & 0x3333;
    (x | x << 1) & 0x5555
}

/// Not zero where a group has an index above 13 (bits 3, 2 and 1) or a sign for a zero.
fn bad_group(indices: &[u8; GROUP_SIZE], signs: &[u8; LANES]) -> u16 {
    let mut above = 0;
    for byte in indices {
        above |= byte >> 3 & byte >> 2 & byte >> 1 & 0x11;
    }
    let mut bad = u16::from(above);
    let (sixes, _) = indices.as_chunks::<LANES>();
    for run in 0..2 {
        for lane in 0..8 {
            let at = 2 * (run * 8 + lane);
            let word = u16::from_le_bytes([signs[at], signs[at + 1]]);
            let mut zeros = 0;
            for six in sixes {
                // Rows 0 to 7 and 16 to 23, or 8 to 15 and 24 to 31.
                let (upper, lower) = (six[run * 16 + lane], six[run * 16 + 8 + lane]);
                zeros = zeros << 2 | u16::from(upper < 16) << 1 | u16::from(lower < 16);
                zeros = zeros << 2 | u16::from(upper & 15 == 0) << 1 | u16::from(lower & 15 == 0);
            }
            bad |= word & zeros;
        }
    }
    bad
}
