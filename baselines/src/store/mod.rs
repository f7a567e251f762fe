//! Stores: where records, the binaries that made them, and the pointers to both are kept.
//!
//! Records and binaries are named by the SHA-256 of their bytes and never edited; only a pointer can move.

pub mod atomic;
mod dir;
mod pointer;

pub use dir::DirStore;
pub use pointer::Pointer;
