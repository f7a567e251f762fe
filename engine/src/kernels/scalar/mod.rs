//! The definition of correct: plain Rust, one operation at a time, in the order of `docs/numerics.md`.
//! The bodies are generic over nothing and inlined, so that the wider instruction sets can reuse the element-wise ones.

pub(super) mod act;
pub(super) mod attend;
pub(crate) mod attend_int8;
pub(super) mod blocks256;
pub(super) mod blocks32;
pub(super) mod dot;
pub(super) mod i2_s;
pub(super) mod int8;
pub(super) mod norm;
pub(super) mod pairs;
pub(super) mod peak;
pub(super) mod q4_0;
pub(super) mod q4_1;
pub(super) mod q4_k;
pub(super) mod q5_0;
pub(super) mod q5_1;
pub(super) mod q5_k;
pub(super) mod q6_k;
pub(super) mod q8_0;
pub(super) mod rope;
pub(super) mod screen;
pub(super) mod softmax;
mod sub_blocks;
pub(super) mod tl1;
pub(super) mod tl2;
mod tq1_0;
mod tq2_0;
pub(super) mod triples;
mod trit_blocks;

use super::{Isa, Kernels, Packing, ProductKernel, Sealed};

/// In the order of `Input`.
const PACKINGS: &[Packing] =
    &[int8::PACKING, pairs::PACKING, triples::PACKING, blocks32::PACKING, blocks256::PACKING];

/// Sorted by format.
const PRODUCTS: &[ProductKernel] = &[
    i2_s::KERNEL,
    q4_0::KERNEL,
    q4_1::KERNEL,
    q4_k::KERNEL,
    q5_0::KERNEL,
    q5_1::KERNEL,
    q5_k::KERNEL,
    q6_k::KERNEL,
    q8_0::KERNEL,
    tl1::KERNEL,
    tl2::KERNEL,
    tq1_0::KERNEL,
    tq2_0::KERNEL,
];

/// Always there.
#[expect(clippy::unnecessary_wraps, reason = "the register's shape: other entries probe the CPU")]
pub(super) fn kernels() -> Option<Kernels> {
    Some(Kernels {
        isa: Isa::Scalar,
        dot: dot::dot,
        dot_4: dot::dot_4,
        dot_f16: dot::dot_f16,
        widen_f16: dot::widen_f16,
        rms_norm: |x, w, eps, out| norm::rms_norm(dot::dot, x, w, eps, out),
        add: act::add,
        relu2_mul: act::relu2_mul,
        silu_mul: act::silu_mul,
        rope: rope::rope,
        rope_interleaved: rope::rope_interleaved,
        scores: attend::scores,
        softmax: softmax::softmax,
        weigh: attend::weigh,
        screen_quantize: screen::quantize,
        screen_first: screen::first,
        screen_rest: screen::rest,
        packings: PACKINGS,
        products: PRODUCTS,
        packed: None,
        int8_peak: peak::int8_peak,
        read: peak::read,
        _sealed: Sealed,
    })
}
