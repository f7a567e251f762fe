//! NVIDIA GPUs, through the driver and NVRTC, which are loaded when they are asked for: nothing of CUDA is needed to build or to start.
//!
//! In: a model, where its bytes lie. Out: an [`Executor`](super::Executor) whose results are the CPU's, bit for bit.
//!
//! ```text
//! kernels/*.cu ─► program (NVRTC, kept on disk) ─► launch ─┐
//! mapped file ──► weights (as they are) ───────────────────┼─► passes: one token as a graph, several as they come
//! tokens ───────► cache (pages of keys and values) ────────┘
//! ```

mod backend;
mod cache;
mod driver;
mod launch;
mod passes;
mod probe;
mod program;
mod self_test;
mod weights;

pub use backend::Cuda;
