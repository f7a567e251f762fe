//! Models that are part of the program, and held-out text to score them on.

use crate::{Bytes, Error, ErrorKind, Result};

/// Names of the built-in models, sorted.
pub const NAMES: &[&str] = &["stories"];

static STORIES: &[u8] = include_bytes!("../models/bitnet-stories-14m-i2_s.gguf");
static HELD_OUT: &str = include_str!("../models/heldout.txt");

/// The GGUF file of a built-in model.
pub(crate) fn bytes(name: &str) -> Result<Bytes> {
    match name {
        "stories" => Ok(Bytes::Static(STORIES)),
        _ => Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("built-in model {name:?} is unknown; known: {}", NAMES.join(", ")),
        )),
    }
}

/// Stories that `stories` was not trained on (`models/README.md`), 60,045 bytes.
#[must_use]
pub const fn held_out() -> &'static str {
    HELD_OUT
}
