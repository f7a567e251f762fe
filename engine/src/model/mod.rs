//! A model: its file, its hyper-parameters and its weights by name. Immutable, shared by any number of sessions.
//!
//! In: GGUF bytes. Out: [`Model`], checked whole: each tensor the graph needs is there in the right shape, and the file
//! holds none that the graph doesn't use.

mod arch;
mod config;
mod copies;
mod screen;
mod weights;

use std::{path::Path, sync::OnceLock};

pub use arch::{ARCHS, Architecture, Gate, Rope};
pub use config::Config;
use copies::Copies;
pub(crate) use screen::Screen;
pub use weights::LinearInfo;
pub(crate) use weights::{LINEAR_NAMES, Layer, Linear, Weights};

use crate::{
    Bytes, ChatTemplate, Error, ErrorKind, Pool, Result, Tokenizer, builtin,
    gguf::File,
    kernels::{Kernels, PackedKernel},
};

/// Bytes of a file from which its weights are copied: smaller ones stay in a cache anyway.
const COPIED_FROM: usize = 64 << 20;

/// A loaded model.
#[derive(Debug)]
pub struct Model {
    name: String,
    file: File,
    config: Config,
    weights: Weights,
    tokenizer: OnceLock<Tokenizer>,
    screen: OnceLock<Option<Screen>>,
    copies: Option<Copies>,
}

impl Model {
    /// Opens the GGUF file at `path` and checks it. It is mapped; of one that no cache holds, what every token reads is copied
    /// into memory of its own, in huge pages where the system gives them ([`Model::huge_size`]), as sessions need it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if it can't be read; [`ErrorKind::Gguf`], [`ErrorKind::UnsupportedArchitecture`],
    /// [`ErrorKind::UnsupportedTensorType`], [`ErrorKind::Shape`] or [`ErrorKind::NonFinite`] if it isn't a model this
    /// engine runs.
    pub fn open(path: &Path) -> Result<Self> {
        let mut model = Self::map(path)?;
        if model.bytes().len() >= COPIED_FROM {
            model.copies = Some(Copies::plan(&mut model.weights));
        }
        Ok(model)
    }

    /// The same without a copy, however large it is: pages are shared with the system's cache, and reading them all takes longer.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn map(path: &Path) -> Result<Self> {
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
        Ok(Self {
            name,
            file,
            config,
            weights,
            tokenizer: OnceLock::new(),
            screen: OnceLock::new(),
            copies: None,
        })
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

    /// Bytes of weights that were copied into memory of their own.
    #[must_use]
    pub fn copied_size(&self) -> usize {
        self.copies.as_ref().map_or(0, Copies::size)
    }

    /// How many of those lie in huge pages; `None` where nothing was copied, or the system does not say.
    #[must_use]
    pub fn huge_size(&self) -> Option<usize> {
        self.copies.as_ref().and_then(Copies::huge_size)
    }

    /// Bytes on the heap of what was decoded or copied of the weights, and of the file where it is not mapped.
    #[must_use]
    pub fn heap_size(&self) -> usize {
        self.file.heap_size() + self.weights.heap_size() + self.copied_size()
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

    /// What tells which tokens can't be among the likeliest; made at the first call. `None` where the head is no plain F16
    /// matrix of finite numbers.
    pub(crate) fn screen(&self, kernels: &Kernels, pool: &Pool) -> Result<Option<&Screen>> {
        if self.screen.get().is_none() {
            let output = &self.weights.output;
            let screen = if self.is_screened() {
                let screen = Screen::new(self.bytes_of(output), output.shape.cols, kernels, pool)?;
                if self.copies.is_some() {
                    self.file.release(output.range.clone());
                }
                screen
            } else {
                None
            };
            // Another session may have been faster.
            let _ = self.screen.set(screen);
        }
        Ok(self.screen.get().and_then(Option::as_ref))
    }

    /// Bytes of that, if its weights are numbers.
    pub(crate) fn screen_bytes(&self) -> usize {
        let shape = self.weights.output.shape;
        if self.is_screened() { Screen::bytes_of(shape.rows, shape.cols) } else { 0 }
    }

    /// Makes the copy of the layers that a product of one token with packed weights needs, or without one the copy for all
    /// others; where weights are copied at all.
    pub(crate) fn copy_layers(&self, kernel: Option<&PackedKernel>) -> Result<()> {
        let copies = self.copies.as_ref();
        copies.map_or(Ok(()), |copies| copies.copy_layers(&self.file, &self.weights, kernel))
    }

    /// Bytes that sessions of one sequence or of several will so add to [`Model::heap_size`], with such a product or without.
    pub(crate) fn size_to_come(&self, is_packed: bool, for_several: bool) -> usize {
        self.copies.as_ref().map_or(0, |copies| copies.size_to_come(is_packed, for_several))
    }

    /// The bytes of one of its matrices in fewer bits, if there is such a copy.
    pub(crate) fn packed_of(&self, linear: &Linear) -> Option<&[u8]> {
        let packed = self.copies.as_ref()?.packed()?;
        Some(&packed[linear.packed.clone()?])
    }

    /// Makes the copy of the output matrix, where weights are copied at all.
    pub(crate) fn copy_output(&self) -> Result<()> {
        let Some(copies) = &self.copies else { return Ok(()) };
        let range = self.weights.output.range.clone();
        copies.copy_output(&self.file.bytes()[range.clone()])?;
        self.file.release(range);
        Ok(())
    }

    /// The bytes of one of its matrices, from a copy where there is one.
    pub(crate) fn bytes_of(&self, linear: &Linear) -> &[u8] {
        let range = linear.range.clone();
        let copies = self.copies.as_ref();
        let copy = match linear.copied {
            Some(start) => {
                copies.and_then(Copies::layers).map(|layers| &layers[start..][..range.len()])
            }
            None if range == self.weights.output.range => copies.and_then(Copies::output),
            None => None,
        };
        copy.unwrap_or_else(|| &self.file.bytes()[range])
    }

    fn is_screened(&self) -> bool {
        let output = &self.weights.output;
        output.format.name() == "f16" && output.scale.to_bits() == 1.0_f32.to_bits()
    }

    pub(crate) const fn weights(&self) -> &Weights {
        &self.weights
    }
}
