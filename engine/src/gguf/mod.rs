//! GGUF model files, versions 2 and 3, little endian: reader and writer.
//!
//! In: [`Bytes`]. Out: a [`File`]: a typed key/value table and a directory of tensors. Every offset, count and product is
//! checked once, in [`File::parse`], with checked arithmetic and before anything is allocated for it; afterwards a tensor is
//! a range that is known to lie inside the file. Nothing is copied: strings and arrays stay in the file until asked for.
//!
//! ```
//! use engine::gguf::{File, Writer};
//!
//! let mut writer = Writer::new();
//! writer.string("general.architecture", "bitnet-b1.58").u32("bitnet-b1.58.block_count", 8);
//! let file = File::parse(writer.to_bytes().into())?;
//! assert_eq!(file.u32("bitnet-b1.58.block_count")?, 8);
//! # Ok::<(), engine::Error>(())
//! ```

mod bytes;
mod cursor;
mod directory;
mod file;
mod getters;
mod header;
mod metadata;
mod mmap;
mod names;
mod strings;
mod tensor_type;
mod tiles;
mod value;
mod write;

pub use bytes::Bytes;
pub use directory::Tensor;
pub use file::File;
pub use mmap::{Mapping, evict};
pub use strings::StringArray;
pub use tiles::{TILES_KEY, tiles_entry};
pub use value::{Array, Value, ValueType};
pub use write::Writer;
