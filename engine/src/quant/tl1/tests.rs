//! The layout of `TL1` against the worked example and the formula written out, and its rules against bad input.

use super::*;
use crate::{Drawing, ErrorKind};

/// Shapes and tiles: rows, columns, BM, BY, bm.
const CUTS: [[usize; 5]; 8] = [
    [32, 32, 32, 32, 32],
    [64, 96, 64, 32, 64],
    [64, 96, 64, 32, 32],
    [256, 256, 128, 128, 32],
    [256, 256, 128, 64, 64],
    [320, 512, 160, 256, 32],
    [640, 192, 320, 64, 64],
    [96, 160, 32, 32, 32],
];

fn cuts() -> impl Iterator<Item = Shape> {
    CUTS.into_iter().map(|[rows, cols, tile_rows, tile_cols, lanes]| {
        let tiles = Tiles { rows: tile_rows, cols: tile_cols, lanes };
        Shape::new(rows, cols).with_tiles(Some(tiles))
    })
}

fn random(drawing: &mut Drawing, n: usize) -> Vec<i8> {
    (0..n).map(|_| [-1, 0, 1][drawing.below(3) as usize]).collect()
}

#[test]
fn the_worked_byte_holds_two_pairs_the_first_one_high() {
    // Origin: the packer in microsoft/BitNet, `utils/convert-hf-to-gguf-bitnet.py`: (+1, -1, 0, +1) is 0x65.
    let mut trits = [0; 32 * 32];
    trits[..4].copy_from_slice(&[1, -1, 0, 1]);
    let bytes = Tl1.pack(&trits, 1.5, Shape::new(32, 32)).unwrap();
    assert_eq!(bytes.len(), 32 * 32 / 4 + 32);
    assert_eq!(bytes[0], 0x65);
    assert!(bytes[1..256].iter().all(|byte| *byte == 0x44), "zeros are code 4");
    assert_eq!(bytes[256..260], 1.5_f32.to_le_bytes());
    assert_eq!(bytes[260..], [0; 28]);
}

#[test]
fn every_byte_is_where_the_formula_says() {
    let mut drawing = Drawing::new(1, "tl1");
    for shape in cuts() {
        let Shape { rows, cols: k_cols, .. } = shape;
        let Tiles { rows: bm_tile, cols: by_tile, lanes: bm } = shape.tiles.unwrap();
        let by = 256 / bm;
        let trits = random(&mut drawing, rows * k_cols);
        let bytes = Tl1.pack(&trits, 2.0, shape).unwrap();
        let mut seen = vec![0; rows * k_cols / 4];
        for row in 0..rows {
            for k in (0..k_cols).step_by(4) {
                let (i0, i2, i4, r) = (row / bm_tile, row % bm_tile / bm, row % bm / 16, row % 16);
                let (i1, i3, i5) = (k / by_tile, k % by_tile / by, k % by / 4);
                let at = ((((i0 * (k_cols / by_tile) + i1) * (bm_tile / bm) + i2)
                    * (by_tile / by)
                    + i3)
                    * (bm / 16)
                    + i4)
                    * (by / 4)
                    + i5;
                let t = &trits[row * k_cols + k..][..4];
                let want = (3 * t[0] + t[1] + 4) << 4 | (3 * t[2] + t[3] + 4);
                assert_eq!(bytes[at * 16 + r].cast_signed(), want, "{shape:?} {row} {k}");
                seen[at * 16 + r] += 1;
            }
        }
        assert!(seen.iter().all(|n| *n == 1), "{shape:?}: every byte is one place");
    }
}

/// Requirement: Q1, Q4.
#[test]
fn trits_survive_packing_and_quantising_in_every_cut() {
    let mut drawing = Drawing::new(2, "tl1");
    for shape in cuts() {
        let n = shape.rows * shape.cols;
        let trits = random(&mut drawing, n);
        let bytes = Tl1.pack(&trits, 0.75, shape).unwrap();
        let mut back = vec![7; n];
        let scale = Tl1.unpack(&bytes, shape, &mut back).unwrap();
        assert_eq!((scale.to_bits(), &back), (0.75_f32.to_bits(), &trits), "{shape:?}");
        let values: Vec<f32> = trits.iter().map(|t| f32::from(*t) * 0.75).collect();
        assert_eq!(Tl1.encode(&values, shape).unwrap(), bytes, "{shape:?}");
        let mut decoded = vec![f32::NAN; n];
        Tl1.decode(&bytes, shape, 0, &mut decoded).unwrap();
        assert_eq!(decoded, values, "{shape:?}");
        let mut row = vec![f32::NAN; shape.cols];
        Tl1.row(&bytes, shape, 17, &mut row).unwrap();
        let want: Vec<f32> =
            trits[17 * shape.cols..][..shape.cols].iter().map(|t| f32::from(*t)).collect();
        assert_eq!(row, want, "{shape:?}");
    }
}

#[test]
fn codes_no_packer_writes_are_refused_by_row_and_column() {
    let shape = Shape::new(64, 64);
    let bytes = Tl1.pack(&[0; 64 * 64], 1.0, shape).unwrap();
    // 64 × 64 in tiles of 64 × 64 with 32 rows side by side: row 3, columns 4 to 7.
    for (byte, columns) in [(0x49, "columns 6 and 7"), (0xf4, "columns 4 and 5")] {
        let mut bad = bytes.clone();
        bad[16 + 3] = byte;
        let error = Tl1.check(&bad, shape).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Gguf);
        assert!(error.to_string().contains(&format!("tl1 row 3, {columns}")), "{error}");
    }
    let ok = (0..=255_u8).filter(|byte| above_8(*byte) == 0).count();
    assert_eq!(ok, 81);
}

#[test]
fn scales_that_are_no_scale_are_refused() {
    let shape = Shape::new(32, 32);
    let mut trits = [0; 32 * 32];
    let zero = Tl1.pack(&trits, 0.0, shape).unwrap();
    Tl1.check(&zero, shape).unwrap();
    trits[5 * 32 + 9] = -1;
    let bytes = Tl1.pack(&trits, 1.0, shape).unwrap();
    for (scale, kind) in [
        (f32::NAN, ErrorKind::NonFinite),
        (f32::INFINITY, ErrorKind::NonFinite),
        (-1.0, ErrorKind::Gguf),
        (-0.0, ErrorKind::Gguf),
        (0.0, ErrorKind::Gguf),
    ] {
        let mut bad = bytes.clone();
        bad[256..260].copy_from_slice(&scale.to_le_bytes());
        assert_eq!(Tl1.check(&bad, shape).unwrap_err().kind(), kind, "{scale}");
    }
    let mut bad = bytes;
    bad[256..260].fill(0);
    let error = Tl1.check(&bad, shape).unwrap_err().to_string();
    assert!(error.contains("row 5, column 8"), "the pair's first column: {error}");
}
