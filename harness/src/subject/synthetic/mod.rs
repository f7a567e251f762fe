//! Synthetic models by name: `synthetic:NAME[@SEED]`, generated into the user's cache folder when they are first used.
//!
//! In: the name. Out: the path of a file that holds the model, checked as `cache` says.

mod cache;

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use anyhow::{Context as _, Result, bail};
use engine::synthetic::{FORMAT_VERSION, SHAPES, Shape, Synthetic};

use crate::nearest::suggestion;
pub(crate) use cache::{Entry, Found, digest_of, drawn, write};

/// What a name begins with.
pub(crate) const PREFIX: &str = "synthetic:";
/// The seed of a name without one.
pub(crate) const DEFAULT_SEED: u64 = 42;

/// Where models are kept. A model is opened in many places, all of which have its name only; the command line says this once.
static CACHE: OnceLock<Option<PathBuf>> = OnceLock::new();

/// Says where models are kept; the first to say so is right.
pub(crate) fn set_cache(folder: Option<PathBuf>) {
    // Whoever comes second, in one process, has the same environment.
    let _ = CACHE.set(folder);
}

/// A model by name; whether there is such a shape shows when it is opened.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    /// What stands behind the prefix.
    text: String,
    /// Where it is, once it was found or made.
    path: Arc<OnceLock<PathBuf>>,
}

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Named {}

impl Named {
    /// The model of this name, if it is one of ours.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let text = name.strip_prefix(PREFIX)?.to_owned();
        Some(Self { text, path: Arc::default() })
    }

    /// Its name in records: the seed is left out where it is the usual one.
    pub(crate) fn name(&self) -> String {
        match parse(&self.text) {
            Ok((shape, Some(seed))) => full_name(shape, seed),
            _ => format!("{PREFIX}{}", self.text),
        }
    }

    /// Its file: looked for and checked, or made, at the first call.
    pub(crate) fn path(&self) -> Result<PathBuf> {
        if let Some(path) = self.path.get() {
            return Ok(path.clone());
        }
        let failed = || format!("failed to open model `{}`", self.name());
        let (shape, seed) = parse(&self.text).with_context(failed)?;
        let entry = entry(shape, seed.unwrap_or(DEFAULT_SEED)).with_context(failed)?;
        let path = entry.ready(false).with_context(failed)?.path;
        Ok(self.path.get_or_init(|| path).clone())
    }
}

/// The place of a model in the cache.
pub(crate) fn entry(shape: &'static Shape, seed: u64) -> Result<Entry> {
    let folder = CACHE.get().and_then(Option::as_ref).context(
        "there is no folder for models: neither `XDG_CACHE_HOME` nor `HOME` is set; set one of them, or write the model to \
         a file of your own with `bench model synth NAME --out FILE` and give its path",
    )?;
    Ok(Entry::new(folder, shape, seed))
}

/// `synthetic:NAME`, with the seed if it is not the usual one.
pub(crate) fn full_name(shape: &Shape, seed: u64) -> String {
    match seed {
        DEFAULT_SEED => format!("{PREFIX}{}", shape.name),
        seed => format!("{PREFIX}{}@{seed}", shape.name),
    }
}

/// A shape and the seed behind it, of `NAME` or `NAME@SEED`.
pub(crate) fn parse(text: &str) -> Result<(&'static Shape, Option<u64>)> {
    let (name, seed) = match text.split_once('@') {
        Some((name, seed)) => (name, Some(seed)),
        None => (text, None),
    };
    let known: Vec<&str> = SHAPES.iter().map(|shape| shape.name).collect();
    let Some(shape) = SHAPES.iter().find(|shape| shape.name == name) else {
        bail!(
            "synthetic model `{name}` is unknown; {}. `bench model synth --list` prints all",
            suggestion(name, &known)
        );
    };
    let seed = seed.map(|seed| {
        seed.parse().with_context(|| {
            format!(
                "seed of `{text}`: expected a whole number from 0 to {}, found `{seed}`",
                u64::MAX
            )
        })
    });
    Ok((shape, seed.transpose()?))
}

/// The name of a model's file: another version of the bytes is another file.
fn file_name(shape: &Shape, seed: u64) -> String {
    format!("{}-{seed}-v{FORMAT_VERSION}.gguf", shape.name)
}

/// The model itself, of which nothing is drawn yet.
fn model(shape: &Shape, seed: u64) -> Result<Synthetic> {
    Synthetic::new(shape, seed)
        .with_context(|| format!("failed to lay out synthetic model `{}`", shape.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_shape_and_perhaps_a_seed() {
        let named = |text: &str| parse(text).map(|(shape, seed)| (shape.name, seed));
        assert_eq!(named("tiny").unwrap(), ("tiny", None));
        assert_eq!(named("bitnet-2b-4t@7").unwrap(), ("bitnet-2b-4t", Some(7)));
        let error = named("bitnet-2b").unwrap_err().to_string();
        assert!(
            error.contains("nearest: `bitnet-3b`") || error.contains("`bitnet-2b-4t`"),
            "{error}"
        );
        for seed in ["", "-1", "x", "18446744073709551616"] {
            let error = named(&format!("tiny@{seed}")).unwrap_err().to_string();
            assert!(error.contains(&format!("found `{seed}`")), "{error}");
        }
    }

    #[test]
    fn the_usual_seed_is_not_part_of_the_name() {
        let name = |name: &str| Named::of(name).map(|named| named.name());
        assert_eq!(name("synthetic:tiny@42").as_deref(), Some("synthetic:tiny"));
        assert_eq!(name("synthetic:tiny@43").as_deref(), Some("synthetic:tiny@43"));
        assert_eq!(name("synthetic:huge").as_deref(), Some("synthetic:huge"));
        assert_eq!(name("./synthetic:tiny"), None);
    }
}
