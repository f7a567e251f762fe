//! The tiles of TL1 and TL2 tensors: metadata key `tritgate.tiles`; where it has no entry, the default of the shape holds.
//!
//! An array of u32 in sixes: type number, rows, columns, then rows, columns and rows side by side of a tile (`BM`, `BK`, `bm`).
//! A six holds for every tensor of its type and shape. Files of other programs don't have the key.

use std::collections::BTreeMap;

use super::value::{Value, ValueType};
use crate::quant::{self, Shape, Tiles};
use crate::{Error, Result};

/// The metadata key.
pub const TILES_KEY: &str = "tritgate.tiles";

/// What the file says, by type number, rows and columns.
#[derive(Debug, Default)]
pub(super) struct TileTable(BTreeMap<(u32, usize, usize), Tiles>);

impl TileTable {
    /// Reads and checks the value of the key.
    pub(super) fn read(value: Option<Value<'_>>) -> Result<Self> {
        let numbers = match value {
            None => return Ok(Self::default()),
            Some(Value::Array(array)) if array.element() == ValueType::U32 => array.payload(),
            Some(other) => {
                return Err(refused(
                    "an array of u32",
                    &format!("a value of type {}", other.described()),
                ));
            }
        };
        let (numbers, _) = numbers.as_chunks::<4>();
        let (sixes, rest) = numbers.as_chunks::<6>();
        if !rest.is_empty() {
            return Err(refused("whole sixes", &format!("{} numbers", numbers.len())));
        }
        let mut table = BTreeMap::new();
        for (i, six) in sixes.iter().enumerate() {
            let (key, tiles) = entry(i, six.map(u32::from_le_bytes))?;
            if table.insert(key, tiles).is_some() {
                let (id, rows, cols) = key;
                let expected = format!("one entry for type {id} of {rows} × {cols}");
                return Err(refused(&expected, &format!("another as entry {i}")));
            }
        }
        Ok(Self(table))
    }

    /// The tiles of a tensor, if the file gives them.
    pub(super) fn get(&self, id: u32, rows: usize, cols: usize) -> Option<Tiles> {
        self.0.get(&(id, rows, cols)).copied()
    }

    /// Whether it has an entry for this type number.
    pub(super) fn names(&self, id: u32) -> bool {
        self.0.range((id, 0, 0)..).next().is_some_and(|(key, _)| key.0 == id)
    }
}

/// The value of [`TILES_KEY`] for these tensors (type number, shape); empty where there is nothing to write.
///
/// There is an entry for each shape whose tiles are given, if its format has any: a reader need not know our defaults. Two tensors of one type and shape in
/// different tiles get two entries, which the reader refuses: the key can't say it.
#[must_use]
pub fn tiles_entry(tensors: &[(u32, Shape)]) -> Vec<u32> {
    let mut sixes: Vec<[u32; 6]> = Vec::new();
    for &(id, shape) in tensors {
        let Some(tiles) = shape.tiles else { continue };
        let numbers = [shape.rows, shape.cols, tiles.rows, tiles.cols, tiles.lanes];
        // Larger ones fit no file; as u32::MAX they are refused by the reader instead of read as something else.
        let [a, b, c, d, e] = numbers.map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        let six = [id, a, b, c, d, e];
        if is_tiled(id) && !sixes.contains(&six) {
            sixes.push(six);
        }
    }
    sixes.into_flattened()
}

/// Whether the format with this type number is cut in tiles.
fn is_tiled(id: u32) -> bool {
    // Any shape that every tiled format can cut.
    quant::by_id(id).is_some_and(|format| format.tiles(Shape::new(128, 192)).is_some())
}

type Key = (u32, usize, usize);

fn entry(i: usize, six: [u32; 6]) -> Result<(Key, Tiles)> {
    let [id, numbers @ ..] = six;
    if let Some(at) = numbers.iter().position(|number| *number == 0) {
        return Err(refused("numbers above 0", &format!("0 as number {} of entry {i}", at + 1)));
    }
    let whole = |number: u32| {
        usize::try_from(number).map_err(|_| refused("a size of this machine", &number.to_string()))
    };
    let [rows, cols] = [whole(numbers[0])?, whole(numbers[1])?];
    let tiles =
        Tiles { rows: whole(numbers[2])?, cols: whole(numbers[3])?, lanes: whole(numbers[4])? };
    let shape = Shape::new(rows, cols);
    let tiled = quant::by_id(id).filter(|format| format.tiles(shape).is_some());
    let Some(format) = tiled else {
        let expected = "the type number of a format in tiles (38 for TL1, 39 for TL2)";
        return Err(refused(expected, &format!("type {id} in entry {i}")));
    };
    format
        .fits(shape.with_tiles(Some(tiles)))
        .map_err(|e| Error::gguf(format!("key `{TILES_KEY}`: entry {i}: {e}")))?;
    Ok(((id, rows, cols), tiles))
}

fn refused(expected: &str, found: &str) -> Error {
    Error::gguf(format!(
        "key `{TILES_KEY}`: expected {expected} (type number, rows, columns, and rows, columns and rows side by side of a \
         tile, for each type and shape), found {found}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gguf::{File, Writer};
    use crate::quant::{BlockFormat as _, tl2::Tl2};

    fn with(numbers: &[u32]) -> Result<File> {
        let mut writer = Writer::new();
        writer.string("general.architecture", "bitnet-b1.58").u32s(TILES_KEY, numbers);
        File::parse(writer.to_bytes().into())
    }

    #[test]
    fn tiles_in_the_file_reach_the_tensors_of_their_type_and_shape() {
        let tiles = Tiles { rows: 64, cols: 96, lanes: 32 };
        let shape = Shape::new(128, 192).with_tiles(Some(tiles));
        let other = Shape::new(64, 192);
        let trits: Vec<i8> = (0..128 * 192).map(|i| [-1, 0, 1][i * i / 192 % 3]).collect();
        let format = Tl2.ternary().unwrap();
        let bytes = format.pack(&trits, 1.0, shape).unwrap();
        assert!(bytes != format.pack(&trits, 1.0, shape.with_tiles(None)).unwrap(), "tiles matter");
        let small = format.pack(&trits[..64 * 192], 1.0, other).unwrap();
        let numbers = tiles_entry(&[(39, shape), (39, other), (39, shape), (0, shape)]);
        assert_eq!(numbers, [39, 128, 192, 64, 96, 32]);
        let mut writer = Writer::new();
        writer.string("general.architecture", "llama").u32s(TILES_KEY, &numbers);
        writer.tensor("a", &[192, 128], 39, &bytes).tensor("b", &[192, 64], 39, &small);
        let file = File::parse(writer.to_bytes().into()).unwrap();
        let (a, b) = (file.tensor("a").unwrap(), file.tensor("b").unwrap());
        assert_eq!((a.shape(), b.shape()), (shape, other));
        let mut back = vec![0; trits.len()];
        format.unpack(file.tensor_bytes(a), a.shape(), &mut back).unwrap();
        assert_eq!(back, trits);
    }

    #[test]
    fn tiles_that_are_given_get_an_entry_if_the_format_has_any() {
        let shape = Shape::new(128, 192);
        let default = shape.with_tiles(Tl2.tiles(shape));
        assert_eq!(tiles_entry(&[(39, shape), (39, default), (36, default)]).len(), 6);
        with(&[]).unwrap();
    }

    #[test]
    fn malformed_tiles_are_refused() {
        let refused = |numbers: &[u32], text: &str| {
            let error = with(numbers).unwrap_err().to_string();
            assert!(error.contains(TILES_KEY) && error.contains(text), "{numbers:?}: {error}");
        };
        let good = [39, 128, 192, 64, 96, 32];
        with(&good).unwrap();
        refused(&good[..5], "found 5 numbers");
        refused(&[good, good].concat(), "another as entry 1");
        for i in 1..6 {
            let mut zero = good;
            zero[i] = 0;
            refused(&zero, &format!("found 0 as number {i} of entry 0"));
            let mut huge = good;
            huge[i] = u32::MAX;
            refused(&huge, "entry 0: tl2 of");
        }
        for id in [0, 1, 36, 40, u32::MAX] {
            let mut other = good;
            other[0] = id;
            refused(&other, &format!("found type {id} in entry 0"));
        }
        refused(&[39, 128, 192, 96, 96, 32], "tl2 of 128 × 192: expected");
        refused(&[38, 128, 192, 64, 128, 32], "tl1 of 128 × 192: expected");
        let mut writer = Writer::new();
        writer.i32s(TILES_KEY, &[39, 128, 192, 64, 96, 32]);
        let error = File::parse(writer.to_bytes().into()).unwrap_err().to_string();
        assert!(error.contains("found a value of type array of i32"), "{error}");
        let mut writer = Writer::new();
        writer.u32(TILES_KEY, 39);
        let error = File::parse(writer.to_bytes().into()).unwrap_err().to_string();
        assert!(error.contains("found a value of type u32"), "{error}");
    }
}
