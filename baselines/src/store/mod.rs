//! Stores: where records, the binaries that made them, and the journals of the names for both are kept.
//!
//! Records and binaries are named by the SHA-256 of their bytes and never edited; a name is moved by adding an entry to
//! its journal, which is never edited either. docs/store.md has the layout.

pub mod atomic;
pub mod bounded;
pub mod branch;
mod dir;
mod entry;
mod head;
mod journal;
mod journals;
mod lock;
mod lookup;
mod name;
mod old_pointer;
mod prune;

pub use dir::DirStore;
pub use entry::{Action, Entry};
pub use journal::{Journal, MAX_JOURNAL_BYTES};
pub use journals::Note;
pub use name::check_text;
pub(crate) use {entry::schema as entry_schema, head::schema as head_schema};
