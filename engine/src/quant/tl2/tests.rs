//! The layout of `TL2` against the worked example and the formulas written out, and its rules against bad input.

use super::*;
use crate::{Drawing, ErrorKind};

/// Shapes and tiles: rows, columns, BM, BK.
const CUTS: [[usize; 4]; 9] = [
    [32, 32, 32, 96],
    [32, 96, 32, 96],
    [64, 128, 64, 96],
    [96, 160, 96, 96],
    [64, 352, 32, 192],
    [320, 192, 160, 192],
    [640, 224, 320, 96],
    [256, 416, 128, 192],
    [512, 320, 256, 96],
];

fn cuts() -> impl Iterator<Item = Shape> {
    CUTS.into_iter().map(|[rows, cols, tile_rows, tile_cols]| {
        let tiles = Tiles { rows: tile_rows, cols: tile_cols, lanes: 32 };
        Shape::new(rows, cols).with_tiles(Some(tiles))
    })
}

fn random(drawing: &mut Drawing, n: usize) -> Vec<i8> {
    (0..n).map(|_| [-1, 0, 1][drawing.below(3) as usize]).collect()
}

#[test]
fn the_worked_byte_holds_two_triples_and_their_signs() {
    // Origin: the packer in microsoft/BitNet, `utils/convert-hf-to-gguf-bitnet.py`: (-1, 0, +1) is v = -8, (0, +1, -1) is 2.
    let shape = Shape::new(32, 96);
    let mut trits = [0; 32 * 96];
    trits[..6].copy_from_slice(&[-1, 0, 1, 0, 1, -1]);
    let bytes = Tl2.pack(&trits, 1.5, shape).unwrap();
    assert_eq!(bytes[0], 0x82);
    assert!(bytes[1..512].iter().all(|byte| *byte == 0), "zeros are index 0");
    // Lane 0 of the first group: bit 15 is the first triple of row 0.
    assert_eq!(bytes[512..514], [0x00, 0x80]);
    assert!(bytes[514..640].iter().all(|byte| *byte == 0));
    // -160·32/3 = -1706 (rounded to zero), ·5/8 = -1066; with 256·32/2·4/8 = 2048 it is 982, up to 992.
    assert_eq!(bytes.len(), 992 + 32);
    assert_eq!(bytes[992..996], 1.5_f32.to_le_bytes());
}

#[test]
fn the_size_law_is_the_published_one() {
    // Origin: `ggml_nbytes` of the fork for 3200 × 3200; by hand for 2560 × 6912: 6656·2560/3 = 5,679,786; ·5/8 = 3,549,866;
    // with 256·2560/2·4/8 = 163,840 it is 3,713,706, up to 3,713,728, and the slot of the scale.
    assert_eq!(Tl2.n_bytes(Shape::new(3200, 3200)), Some(2_167_520));
    assert_eq!(Tl2.n_bytes(Shape::new(2560, 6912)), Some(3_713_760));
}

#[test]
fn the_size_law_leaves_room_for_every_region_of_every_shape() {
    for rows in (32..=1024).step_by(32).chain([2560, 6912, 14336, 128_256]) {
        for cols in (32..=1024).step_by(32).chain([2560, 4096, 6912, 8640, 14336]) {
            for tile_cols in tiles::TL2_COLS {
                let tile = Tiles { rows: 32, cols: tile_cols, lanes: 32 };
                let shape = Shape::new(rows, cols).with_tiles(Some(tile));
                Tl2.fits(shape).unwrap();
                let (three_k, two_k) = (cols / tile_cols * tile_cols, cols % tile_cols);
                let regions = rows * three_k / 6 + rows * three_k / 24 + rows * two_k / 4;
                let size = Tl2.n_bytes(shape).unwrap();
                assert!(regions + 32 <= size, "{shape:?}: {regions} of {size}");
                assert_eq!(size % 32, 0);
            }
        }
    }
}

#[test]
fn every_byte_is_where_the_formulas_say() {
    let mut drawing = Drawing::new(1, "tl2");
    for shape in cuts() {
        let Shape { rows, cols, .. } = shape;
        let Tiles { rows: bm, cols: bk, .. } = shape.tiles.unwrap();
        let (three_k, two_k) = (cols / bk * bk, cols % bk);
        let (signs, pairs) = (rows * three_k / 6, rows * three_k / 6 + rows * three_k / 24);
        let trits = random(&mut drawing, rows * cols);
        let bytes = Tl2.pack(&trits, 2.0, shape).unwrap();
        let v = |row: usize, k: usize| {
            let t = &trits[row * cols + k..];
            9 * t[0] + 3 * t[1] + t[2]
        };
        for row in 0..rows {
            let (i0, i2, r) = (row / bm, row % bm / 32, row % 32);
            let p = [0, 2, 1, 3][r / 8] * 8 + r % 8;
            for k in (0..three_k).step_by(6) {
                let (i1, i3) = (k / bk, k % bk / 6);
                let block = ((i0 * (three_k / bk) + i1) * (bm / 32) + i2) * (bk / 6) + i3;
                let want = v(row, k).unsigned_abs() << 4 | v(row, k + 3).unsigned_abs();
                assert_eq!(bytes[block * 32 + p], want, "{shape:?} {row} {k}");
            }
            for k in (0..three_k).step_by(3) {
                let (i1, i3, t) = (k / bk, k % bk / 24, k % 24 / 3);
                let group = ((i0 * (three_k / bk) + i1) * (bm / 32) + i2) * (bk / 24) + i3;
                let at = signs + group * 32 + 2 * (r % 16);
                let word = u16::from_le_bytes([bytes[at], bytes[at + 1]]);
                let bit = word >> (15 - (2 * t + r / 16)) & 1;
                assert_eq!(bit == 1, v(row, k) < 0, "{shape:?} {row} {k}");
            }
            for k in (0..two_k).step_by(4) {
                let (i1, i3) = (k / 32, k % 32 / 4);
                let block = ((i0 * (two_k / 32) + i1) * (bm / 32) + i2) * 8 + i3;
                let t = &trits[row * cols + three_k + k..][..4];
                let want = (3 * t[0] + t[1] + 4) << 4 | (3 * t[2] + t[3] + 4);
                let found = bytes[pairs + block * 32 + p].cast_signed();
                assert_eq!(found, want, "{shape:?} {row} pair {k}");
            }
        }
    }
}

/// Requirement: Q1, Q4.
#[test]
fn trits_survive_packing_and_quantising_in_every_cut() {
    let mut drawing = Drawing::new(2, "tl2");
    for shape in cuts() {
        let n = shape.rows * shape.cols;
        let trits = random(&mut drawing, n);
        let bytes = Tl2.pack(&trits, 0.75, shape).unwrap();
        let mut back = vec![7; n];
        let scale = Tl2.unpack(&bytes, shape, &mut back).unwrap();
        assert_eq!((scale.to_bits(), &back), (0.75_f32.to_bits(), &trits), "{shape:?}");
        let values: Vec<f32> = trits.iter().map(|t| f32::from(*t) * 0.75).collect();
        assert_eq!(Tl2.encode(&values, shape).unwrap(), bytes, "{shape:?}");
        let mut decoded = vec![f32::NAN; n];
        Tl2.decode(&bytes, shape, 0, &mut decoded).unwrap();
        assert_eq!(decoded, values, "{shape:?}");
        let mut row = vec![f32::NAN; shape.cols];
        Tl2.row(&bytes, shape, 27, &mut row).unwrap();
        let want: Vec<f32> =
            trits[27 * shape.cols..][..shape.cols].iter().map(|t| f32::from(*t)).collect();
        assert_eq!(row, want, "{shape:?}");
    }
}

#[test]
fn all_triples_have_an_index_and_a_sign_of_their_own() {
    let mut seen = [0; 27];
    for (index, trits) in TRIPLES.into_iter().enumerate().take(14) {
        let v = 9 * trits[0] + 3 * trits[1] + trits[2];
        assert_eq!(usize::from(v.unsigned_abs()), index);
        assert!(v >= 0);
        seen[usize::from((13 + v).unsigned_abs())] += 1;
        if v > 0 {
            seen[usize::from((13 - v).unsigned_abs())] += 1;
        }
    }
    assert_eq!(seen, [1; 27]);
}

/// Requirement: Q4.
#[test]
fn codes_no_packer_writes_are_refused_wherever_they_stand() {
    // 64 × 128: three_k 96, two_k 32.
    let shape = Shape::new(64, 128).with_tiles(Some(Tiles { rows: 64, cols: 96, lanes: 32 }));
    let bytes = Tl2.pack(&[0; 64 * 128], 1.0, shape).unwrap();
    let refused = |at: usize, byte: u8, text: &str| {
        let mut bad = bytes.clone();
        bad[at] = byte;
        let error = Tl2.check(&bad, shape).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Gguf);
        assert!(error.to_string().contains(text), "{error}");
    };
    // Second block of rows (from byte 512 on), third six, byte 8: row 32 + 16.
    refused(
        512 + 64 + 8,
        0x0e,
        "tl2 row 48, columns 15 to 17: expected an index from 0 to 13, found 14",
    );
    refused(
        512 + 64 + 8,
        0xf0,
        "tl2 row 48, columns 12 to 14: expected an index from 0 to 13, found 15",
    );
    // Every bit of every lane of every group is the sign of a zero.
    for at in 1024..1280 {
        for bit in 0..8 {
            refused(at, 1 << bit, "expected no sign where all three are zero");
        }
    }
    refused(1280, 0x94, "tl2 row 0, columns 96 and 97: expected a code from 0 to 8, found 9");
    // What stands in the padding has no meaning.
    let mut padded = bytes;
    padded[1280 + 512] = 0xff;
    Tl2.check(&padded, shape).unwrap();
}

#[test]
fn scales_that_are_no_scale_are_refused() {
    let shape = Shape::new(32, 128);
    let mut trits = [0; 32 * 128];
    Tl2.check(&Tl2.pack(&trits, 0.0, shape).unwrap(), shape).unwrap();
    for col in [10, 100] {
        trits.fill(0);
        trits[5 * 128 + col] = -1;
        let bytes = Tl2.pack(&trits, 1.0, shape).unwrap();
        let at = Tl2.scale_at(shape);
        for (scale, kind) in [
            (f32::NAN, ErrorKind::NonFinite),
            (f32::INFINITY, ErrorKind::NonFinite),
            (-1.0, ErrorKind::Gguf),
            (-0.0, ErrorKind::Gguf),
            (0.0, ErrorKind::Gguf),
        ] {
            let mut bad = bytes.clone();
            bad[at..at + 4].copy_from_slice(&scale.to_le_bytes());
            let error = Tl2.check(&bad, shape).unwrap_err();
            assert_eq!(error.kind(), kind, "{scale}");
            let named = error.to_string().contains(&format!("row 5, column {col}"));
            assert_eq!(named, scale == 0.0 && scale.is_sign_positive(), "{error}");
        }
    }
}
