//! Tiles of TL1 and TL2: which a shape is cut in where nobody says, and which can be.
//!
//! In: a shape. Out: its tiles. Files of other programs don't record them; their reader has to know the kernels that the file
//! was made for. So the presets of bitnet.cpp stand first; any other shape gets the largest tiles that divide it.
//! Source: microsoft/BitNet, `preset_kernels/*/kernel_config_tl1.ini` and `kernel_config_tl2.ini`.

use super::{BlockFormat, Shape, Tiles};
use crate::{Error, ErrorKind, Result};

/// Rows come in whole multiples of this, and so do columns.
pub(super) const UNIT: usize = 32;
/// Columns of a TL1 tile at most: 128 pairs of at most 254 stay below 2^15.
const TL1_COLS_MAX: usize = 256;
/// Columns of a TL2 tile. Groups of signs need multiples of 24, whole units behind them multiples of 32; 64 triples of at most
/// 381 stay below 2^15.
pub(super) const TL2_COLS: [usize; 2] = [96, 192];
/// Rows of a tile where no preset says, the first that divides.
const TL1_ROWS: [usize; 4] = [256, 128, 64, 32];
const TL2_ROWS: [usize; 7] = [256, 320, 160, 128, 96, 64, 32];

/// Rows, columns; rows and columns of a tile, rows side by side.
type Preset = (usize, usize, Tiles);

const fn preset(shape: [usize; 2], tile: [usize; 2], lanes: usize) -> Preset {
    (shape[0], shape[1], Tiles { rows: tile[0], cols: tile[1], lanes })
}

/// bitnet_b1_58-3B, bitnet_b1_58-large, Llama3-8B-1.58.
const TL1_PRESETS: [Preset; 10] = [
    preset([3200, 8640], [160, 64], 32),
    preset([3200, 3200], [320, 128], 64),
    preset([8640, 3200], [320, 64], 32),
    preset([1536, 4096], [256, 128], 32),
    preset([1536, 1536], [128, 64], 64),
    preset([4096, 1536], [256, 128], 32),
    preset([14336, 4096], [256, 128], 64),
    preset([4096, 14336], [256, 128], 32),
    preset([1024, 4096], [128, 64], 64),
    preset([4096, 4096], [128, 64], 32),
];

/// The same models. The preset of 4096 × 1536 says 64 rows side by side, which its own kernel can't read: 32 here.
const TL2_PRESETS: [Preset; 10] = [
    preset([3200, 8640], [160, 96], 32),
    preset([3200, 3200], [320, 96], 32),
    preset([8640, 3200], [320, 96], 32),
    preset([1536, 4096], [256, 96], 32),
    preset([1536, 1536], [128, 192], 32),
    preset([4096, 1536], [256, 96], 32),
    preset([14336, 4096], [256, 96], 32),
    preset([4096, 14336], [128, 96], 32),
    preset([1024, 4096], [256, 96], 32),
    preset([4096, 4096], [128, 96], 32),
];

/// Tiles of a TL1 matrix: its own, the preset, or the largest of the default sizes that divide it.
pub(super) fn tl1(shape: Shape) -> Tiles {
    let default = || Tiles {
        rows: first_divisor(&TL1_ROWS, shape.rows),
        cols: first_divisor(&[128, 64, 32], shape.cols),
        lanes: 32,
    };
    shape.tiles.or_else(|| find(&TL1_PRESETS, shape)).unwrap_or_else(default)
}

/// Tiles of a TL2 matrix, likewise.
pub(super) fn tl2(shape: Shape) -> Tiles {
    let default =
        || Tiles { rows: first_divisor(&TL2_ROWS, shape.rows), cols: TL2_COLS[0], lanes: 32 };
    shape.tiles.or_else(|| find(&TL2_PRESETS, shape)).unwrap_or_else(default)
}

/// Whether TL1 can cut the shape.
///
/// # Errors
/// [`ErrorKind::Shape`], with the shape and its tiles.
pub(super) fn fits_tl1(format: &dyn BlockFormat, shape: Shape) -> Result<()> {
    let Tiles { rows, cols, lanes } = tl1(shape);
    let lanes_ok = matches!(lanes, 32 | 64);
    let rows_ok = lanes_ok && rows > 0 && rows.is_multiple_of(lanes);
    let cols_ok = cols > 0 && cols.is_multiple_of(UNIT) && cols <= TL1_COLS_MAX;
    if rows_ok && cols_ok && shape.rows.is_multiple_of(rows) && shape.cols.is_multiple_of(cols) {
        return Ok(());
    }
    let law = "tiles of 32 or 64 rows side by side, whole multiples of that in rows and of 32 (up to 256) in columns, which \
               divide the matrix";
    Err(refused(format, shape, tl1(shape), law))
}

/// Whether TL2 can cut the shape.
///
/// # Errors
/// [`ErrorKind::Shape`], with the shape and its tiles.
pub(super) fn fits_tl2(format: &dyn BlockFormat, shape: Shape) -> Result<()> {
    let Tiles { rows, cols, lanes } = tl2(shape);
    let rows_ok = rows > 0 && rows.is_multiple_of(UNIT) && shape.rows.is_multiple_of(rows);
    if lanes == 32 && rows_ok && TL2_COLS.contains(&cols) && shape.cols.is_multiple_of(UNIT) {
        return Ok(());
    }
    let law = "a row length that is a multiple of 32, and tiles of 32 rows side by side, 96 or 192 columns, and a multiple of \
               32 in rows which divides the matrix";
    Err(refused(format, shape, tl2(shape), law))
}

fn refused(format: &dyn BlockFormat, shape: Shape, tiles: Tiles, law: &str) -> Error {
    let text = format!(
        "{} of {} × {}: expected {law}, found tiles of {} × {} with {} rows side by side",
        format.name(),
        shape.rows,
        shape.cols,
        tiles.rows,
        tiles.cols,
        tiles.lanes
    );
    Error::new(ErrorKind::Shape, text)
}

fn find(presets: &[Preset], shape: Shape) -> Option<Tiles> {
    let preset = presets.iter().find(|preset| (preset.0, preset.1) == (shape.rows, shape.cols));
    preset.map(|preset| preset.2)
}

/// The first size that divides `len`; the last where none does, for the error to show.
fn first_divisor(sizes: &[usize], len: usize) -> usize {
    let found = sizes.iter().find(|size| len.is_multiple_of(**size));
    *found.unwrap_or(&sizes[sizes.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::super::{tl1::Tl1, tl2::Tl2};
    use super::*;

    fn tiles(rows: usize, cols: usize, lanes: usize) -> Tiles {
        Tiles { rows, cols, lanes }
    }

    #[test]
    fn every_preset_fits_its_own_shape() {
        for (rows, cols, tiles) in TL1_PRESETS {
            assert_eq!(Tl1.tiles(Shape::new(rows, cols)), Some(tiles));
            Tl1.fits(Shape::new(rows, cols)).unwrap();
        }
        for (rows, cols, tiles) in TL2_PRESETS {
            assert_eq!(Tl2.tiles(Shape::new(rows, cols)), Some(tiles));
            Tl2.fits(Shape::new(rows, cols)).unwrap();
        }
    }

    #[test]
    fn shapes_without_a_preset_get_the_largest_tiles_that_divide() {
        let of = |rows, cols| [tl1(Shape::new(rows, cols)), tl2(Shape::new(rows, cols))];
        assert_eq!(of(2560, 6912), [tiles(256, 128, 32), tiles(256, 96, 32)]);
        assert_eq!(of(6912, 2560), [tiles(256, 128, 32), tiles(256, 96, 32)]);
        assert_eq!(of(640, 2560), [tiles(128, 128, 32), tiles(320, 96, 32)]);
        assert_eq!(of(160, 96), [tiles(32, 32, 32), tiles(160, 96, 32)]);
        assert_eq!(of(480, 576), [tiles(32, 64, 32), tiles(160, 96, 32)]);
    }

    #[test]
    fn tiles_that_are_given_win_and_those_that_do_not_divide_are_refused() {
        let shape = Shape::new(2560, 6912);
        for rows in [320, 256, 160, 128, 64, 32] {
            let shape = shape.with_tiles(Some(tiles(rows, 96, 32)));
            assert_eq!(Tl2.tiles(shape), shape.tiles);
            Tl2.fits(shape).unwrap();
        }
        for bad in [tiles(0, 96, 32), tiles(384, 96, 32), tiles(48, 96, 32), tiles(256, 0, 32)] {
            assert!(Tl2.fits(shape.with_tiles(Some(bad))).is_err(), "{bad:?}");
        }
        for bad in [tiles(256, 64, 32), tiles(256, 96, 64), tiles(256, 96, 0)] {
            assert!(Tl2.fits(shape.with_tiles(Some(bad))).is_err(), "{bad:?}");
        }
        for bad in [tiles(256, 96, 32), tiles(320, 512, 32), tiles(160, 64, 64)] {
            let shape = Shape::new(2560, 2560).with_tiles(Some(bad));
            assert!(Tl1.fits(shape).is_err(), "{bad:?}");
        }
        for bad in [tiles(0, 0, 0), tiles(256, 24, 32), tiles(usize::MAX, usize::MAX, usize::MAX)] {
            let shape = Shape::new(2560, 2560).with_tiles(Some(bad));
            assert!(Tl1.fits(shape).is_err() && Tl2.fits(shape).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_refusal_names_shape_and_tiles() {
        let error = Tl2.fits(Shape::new(48, 96)).unwrap_err().to_string();
        assert!(error.contains("tl2 of 48 × 96") && error.contains("tiles of 32 × 96"), "{error}");
        let error = Tl1.fits(Shape::new(64, 100)).unwrap_err().to_string();
        assert!(error.contains("tl1 of 64 × 100") && error.contains("tiles of 64 × 32"), "{error}");
    }
}
