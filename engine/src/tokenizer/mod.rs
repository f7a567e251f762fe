//! Text to token ids and back, built from the model file's own metadata: byte-level BPE with the `tokenizers` crate, or
//! SentencePiece's.
//!
//! In: a parsed [`gguf::File`](crate::gguf::File). Out: a [`Tokenizer`], and a [`TokenStream`] that never cuts a UTF-8
//! character. Two kinds of text are told apart: [`Tokenizer::encode`] takes text as text, so that a prompt cannot smuggle
//! in a control token; [`Tokenizer::encode_with_control`] reads `<|eos|>` and the like as the tokens they name.

pub(crate) mod alphabet;
mod bpe;
mod from_gguf;
mod known;
mod pre;
mod special;
mod spm;
mod stream;
mod text;
mod vocabulary;

pub use stream::TokenStream;
pub use text::Tokenizer;
