//! Parts of the graph in isolation, for benchmarks: the same kernels, the same threads; each proves its result before any
//! time of it counts.

mod gemm;
mod layer;

pub use gemm::Gemm;
pub use layer::LayerMatmul;
