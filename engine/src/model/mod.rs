//! A model: its file, its hyper-parameters and its weights by name. Immutable, shared by any number of sessions.
//!
//! In: GGUF bytes. Out: [`Model`], checked whole: each tensor the graph needs is there in the right shape, and the file
//! holds none that the graph doesn't use.

mod arch;
mod config;
mod weights;

use std::{path::Path, sync::OnceLock};

pub use arch::{ARCHS, Architecture, Gate, Rope};
pub use config::Config;
pub use weights::LinearInfo;
pub(crate) use weights::{LINEAR_NAMES, Layer, Linear, Weights};

use crate::{Bytes, ChatTemplate, Error, ErrorKind, Result, Tokenizer, builtin, gguf::File};

/// A loaded model.
#[derive(Debug)]
pub struct Model {
    name: String,
    file: File,
    config: Config,
    weights: Weights,
    tokenizer: OnceLock<Tokenizer>,
}

impl Model {
    /// Maps the GGUF file at `path` and checks it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if it can't be read; [`ErrorKind::Gguf`], [`ErrorKind::UnsupportedArchitecture`],
    /// [`ErrorKind::UnsupportedTensorType`], [`ErrorKind::Shape`] or [`ErrorKind::NonFinite`] if it isn't a model this
    /// engine runs.
    pub fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        Self::named(name.clone(), Bytes::open(path)?)
            .map_err(|error| Error::new(error.kind(), format!("model `{name}`: {error}")))
    }

    /// A model that is part of the program: see [`builtin::NAMES`].
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if there is none of that name.
    pub fn builtin(name: &str) -> Result<Self> {
        Self::named(name.to_owned(), builtin::bytes(name)?)
    }

    /// A model from bytes in memory, named `memory`.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn from_bytes(bytes: Bytes) -> Result<Self> {
        Self::named("memory".to_owned(), bytes)
    }

    fn named(name: String, bytes: Bytes) -> Result<Self> {
        let file = File::parse(bytes)?;
        let (arch, arch_name) = arch::of(&file)?;
        let config = Config::read(&file, arch, arch_name)?;
        let weights = Weights::read(&file, &config)?;
        Ok(Self { name, file, config, weights, tokenizer: OnceLock::new() })
    }

    /// How the user named it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole file, for a digest.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.file.bytes()
    }

    /// Bytes of the file that are mapped rather than held on the heap.
    #[must_use]
    pub fn mapped_size(&self) -> usize {
        self.file.mapped_size()
    }

    /// Bytes on the heap of what was decoded of the weights, and of the file where it was read rather than mapped.
    #[must_use]
    pub fn heap_size(&self) -> usize {
        self.file.heap_size() + self.weights.heap_size()
    }

    /// Hyper-parameters.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The tokenizer in the file; built at the first call.
    ///
    /// # Errors
    /// [`ErrorKind::MissingTokenizer`] if the file has none, or one that this engine doesn't build.
    pub fn tokenizer(&self) -> Result<&Tokenizer> {
        if let Some(tokenizer) = self.tokenizer.get() {
            return Ok(tokenizer);
        }
        let tokenizer = Tokenizer::from_gguf(&self.file)?;
        if tokenizer.n_tokens() != self.config.n_vocab {
            return Err(Error::new(
                ErrorKind::MissingTokenizer,
                format!(
                    "tokenizer: expected {} tokens, one per row of `token_embd.weight`, found {}",
                    self.config.n_vocab,
                    tokenizer.n_tokens()
                ),
            ));
        }
        Ok(self.tokenizer.get_or_init(|| tokenizer))
    }

    /// The chat template in the file, if it has one.
    ///
    /// # Errors
    /// [`ErrorKind::Gguf`] if the key is no text.
    pub fn chat_template(&self) -> Result<Option<ChatTemplate>> {
        ChatTemplate::from_gguf(&self.file)
    }

    /// Every matrix product that a token takes part in.
    #[must_use]
    pub fn linears(&self) -> Vec<LinearInfo> {
        self.weights.linears(&self.config)
    }

    pub(crate) const fn file(&self) -> &File {
        &self.file
    }

    pub(crate) const fn weights(&self) -> &Weights {
        &self.weights
    }
}
