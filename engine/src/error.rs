//! What can go wrong in the engine: one error type, a stable kind, and a sentence for a person.

/// Stable kinds: callers choose exit codes and tests match on them, never on text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The file system said no.
    Io,
    /// Bytes that are no GGUF file this build reads: truncated, inconsistent, a key missing or of another type.
    Gguf,
    /// A checkpoint that can't be converted: a file of it is damaged, or says something that the model file can't.
    Checkpoint,
    /// `general.architecture`, or the class of a checkpoint, names a graph this build does not know.
    UnsupportedArchitecture,
    /// A tensor is stored in a format this build does not decode.
    UnsupportedTensorType,
    /// A length or a dimension is not the one the operation needs.
    Shape,
    /// The model file carries no tokenizer, or one of a family this build does not build.
    MissingTokenizer,
    /// The model's chat template is broken, or refuses the conversation.
    ChatTemplate,
    /// More positions were asked for than the context holds.
    ContextExceeded,
    /// The instruction set asked for is not available on this processor.
    Isa,
    /// The compute device failed or does not exist.
    Device,
    /// A number that must be finite is not.
    NonFinite,
    /// The memory limit, or the system, has no room for what was asked.
    OutOfMemory,
    /// The caller ended it.
    Cancelled,
    /// The time that the caller gave was up.
    TimeLimit,
    /// An argument is outside its documented range.
    InvalidArgument,
}

impl ErrorKind {
    /// Its name in files that machines read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Io => "io",
            Self::Gguf => "gguf",
            Self::Checkpoint => "checkpoint",
            Self::UnsupportedArchitecture => "unsupported_architecture",
            Self::UnsupportedTensorType => "unsupported_tensor_type",
            Self::Shape => "shape",
            Self::MissingTokenizer => "missing_tokenizer",
            Self::ChatTemplate => "chat_template",
            Self::ContextExceeded => "context_exceeded",
            Self::Isa => "isa",
            Self::Device => "device",
            Self::NonFinite => "non_finite",
            Self::OutOfMemory => "out_of_memory",
            Self::Cancelled => "cancelled",
            Self::TimeLimit => "time_limit",
            Self::InvalidArgument => "invalid_argument",
        }
    }
}

/// What, where, expected, found, way out: a lowercase fragment that follows "failed to …".
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct Error {
    kind: ErrorKind,
    context: String,
}

impl Error {
    /// An error of `kind`, with its context.
    pub(crate) fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into() }
    }

    /// An error of kind [`ErrorKind::Gguf`]: what in the file, where, expected, found.
    pub(crate) fn gguf(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Gguf, context)
    }

    /// Its stable kind.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
