//! Synthetic models: seeded ternary weights without sense in the exact shapes of public models; register `SHAPES`.
//!
//! For measuring what depends on shape and size alone: opening, memory, speed. In: a shape and a seed. Out: the bytes of a GGUF
//! file, one block at a time, with their SHA-256. Name, seed and [`FORMAT_VERSION`] say every byte; threads don't.
//!
//! ```
//! use engine::{Model, synthetic::{SHAPES, Synthetic}};
//!
//! let tiny = SHAPES.iter().find(|shape| shape.name == "tiny").expect("it is in the register");
//! let mut bytes = Vec::new();
//! Synthetic::new(tiny, 42)?.write(2, &mut bytes)?;
//! assert_eq!(Model::from_bytes(bytes.into())?.config().n_layers, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod fill;
mod keys;
mod shape;
mod tensors;
#[cfg(test)]
mod tests;
mod vocabulary;
mod write;

pub use shape::{SHAPES, Shape, Weights};
pub use vocabulary::{Specials, Vocabulary};
pub use write::Synthetic;

/// Raised with every change to the bytes that a name and a seed give: files of another version are another model.
pub const FORMAT_VERSION: u32 = 1;
