//! One case of the hostile corpus: a fault planted in a scripted bundle, and what must refuse it.
//!
//! In: the text of a case (gates/tests/hostile/README.md has the form) and the bundle without the fault. Out: bytes.

use serde::Deserialize;
use serde_json::Value;

use super::{patch, reseal};
use crate::Evidence;

/// A case as its file states it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What is forged, in a sentence.
    pub about: String,
    /// The bundle it is planted in: `session`, `commands` or `benchmarks`.
    #[serde(default = "session")]
    pub of: String,
    /// Changes of the bundle.
    #[serde(default)]
    pub patch: Vec<Value>,
    /// Whether the forger makes the records' own digests again after the patch.
    #[serde(default = "yes")]
    pub resealed: bool,
    /// Changes of the bundle's text, after all else: what is found, once, and what takes its place.
    #[serde(default)]
    pub text: Vec<(String, String)>,
    /// Bytes in place of a bundle: the name of a file beside the case.
    #[serde(default)]
    pub raw: Option<String>,
    /// Whether the files of the gate are those of the bundle without the fault, not those of the one with it.
    #[serde(default)]
    pub files_kept: bool,
    /// Files of the gate put in place of others: what is copied, and the name it gets.
    #[serde(default)]
    pub copied: Vec<(String, String)>,
    /// Options of `bench verify` that say what the caller expects.
    #[serde(default)]
    pub args: Vec<String>,
    /// Who refuses it.
    pub refused_by: RefusedBy,
    /// `invalid` (exit 4) or `incomparable` (exit 5).
    #[serde(default = "invalid")]
    pub verdict: String,
}

/// Who refuses a case.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum RefusedBy {
    /// The reader, with these words in its error.
    Reader(String),
    /// The rule of this name.
    Rule(String),
    /// `bench verify` alone, which has a clock, the files and what the caller expects; with these words.
    Verify(String),
}

fn session() -> String {
    "session".to_owned()
}

fn invalid() -> String {
    "invalid".to_owned()
}

const fn yes() -> bool {
    true
}

impl Case {
    /// Reads the case in `text`.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    pub fn parse(name: &str, text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The bytes of `clean` with the fault.
    ///
    /// # Panics
    /// If the fault cannot be planted.
    #[must_use]
    pub fn bytes(&self, clean: &Evidence) -> Vec<u8> {
        let mut document: Value = serde_json::from_slice(&clean.to_json()).expect("written by us");
        patch(&mut document, &self.patch);
        let mut bytes = serde_json::to_vec(&document).expect("a document");
        if let Ok(mut evidence) = Evidence::from_json(&bytes) {
            if self.resealed {
                reseal(&mut evidence);
            }
            bytes = evidence.to_json();
        }
        if self.text.is_empty() {
            return bytes;
        }
        let mut text = String::from_utf8(bytes).expect("JSON is UTF-8");
        for (find, with) in &self.text {
            assert!(text.contains(find), "{find:?} is not in the bundle");
            text = text.replacen(find, with, 1);
        }
        text.into_bytes()
    }
}
