//! Packings and products as tables: format, name, how the activations are packed, and the function that is entered.

#![expect(unsafe_code, reason = "entering a target_feature function from ordinary code")]

use super::{
    super::{Input, PackedKernel, Packing, ProductKernel, scalar},
    blocks32, blocks256, i2_s, int8, packed, pairs, q4_0, q4_1, q4_k, q5_0, q5_1, q5_k, q6_k, q8_0,
    tl1, tl2, tq1_0, tq2_0, triples,
};

/// In the order of `Input`.
pub(super) const PACKINGS: &[Packing] = &[
    Packing {
        input: Input::Int8,
        row_len: int8::row_len,
        // SAFETY: the table of this instruction set is only handed out where the CPU has every feature.
        pack: |x, packed| unsafe { int8::pack(x, packed) },
    },
    Packing {
        input: Input::Pairs,
        row_len: scalar::pairs::row_len,
        // SAFETY: the table of this instruction set is only handed out where the CPU has every feature.
        pack: |x, packed| unsafe { pairs::pack(x, packed) },
    },
    Packing {
        input: Input::Triples,
        row_len: scalar::triples::row_len,
        // SAFETY: the table of this instruction set is only handed out where the CPU has every feature.
        pack: |x, packed| unsafe { triples::pack(x, packed) },
    },
    Packing {
        input: Input::Blocks32,
        row_len: scalar::blocks32::row_len,
        // SAFETY: the table of this instruction set is only handed out where the CPU has every feature.
        pack: |x, packed| unsafe { blocks32::pack(x, packed) },
    },
    Packing {
        input: Input::Blocks256,
        row_len: scalar::blocks256::row_len,
        // SAFETY: the table of this instruction set is only handed out where the CPU has every feature.
        pack: |x, packed| unsafe { blocks256::pack(x, packed) },
    },
];

/// Only handed out where the CPU has VBMI as well.
pub(super) const PACKED: &PackedKernel = &PackedKernel {
    kernel: ProductKernel {
        format: "i2_s",
        name: "ternary_i8_packed.avx512",
        input: Input::Int8,
        // SAFETY: it is only handed out where the CPU has every feature.
        product: |product, out| unsafe { packed::product(product, out) },
    },
    // SAFETY: it is only handed out where the CPU has every feature.
    pack: |codes, cols, out| unsafe { packed::pack(codes, cols, out) },
};

/// Sorted by format.
pub(super) const PRODUCTS: &[ProductKernel] = &[
    ProductKernel {
        format: "i2_s",
        name: "ternary_i8.avx512",
        input: Input::Int8,
        // SAFETY: the table of this instruction set is only handed out where the CPU has every feature.
        product: |product, out| unsafe { i2_s::product(product, out) },
    },
    ProductKernel {
        format: "q4_0",
        name: "q4_0_q8.avx512",
        input: Input::Blocks32,
        // SAFETY: the table of this instruction set is only handed out where the CPU has every feature.
        product: |product, out| unsafe { q4_0::product(product, out) },
    },
    ProductKernel {
        format: "q4_1",
        name: "q4_1_q8.avx512",
        input: Input::Blocks32,
        // SAFETY: the table of this instruction set is only handed out where the CPU has every feature.
        product: |product, out| unsafe { q4_1::product(product, out) },
    },
    ProductKernel {
        format: "q4_k",
        name: "q4_k_q8.avx512",
        input: Input::Blocks256,
        // SAFETY: the table of this instruction set is only handed out where the CPU has every feature.
        product: |product, out| unsafe { q4_k::product(product, out) },
    },
    ProductKernel {
        format: "q5_0",
        name: "q5_0_q8.avx512",
        input: Input::Blocks32,
        // SAFETY: the table of this instruction set is only handed out where the CPU has every feature.
        product: |product, out| unsafe { q5_0::product(product, out) },
    },
    ProductKernel {
        format: "q5_1",
        name: "q5_1_q8.avx512",
        input: Input::Blocks32,
        // SAFETY: the table of this instruction set is only handed out where the CPU has every feature.
        product: |product, out| unsafe { q5_1::product(product, out) },
    },
    ProductKernel {
        format: "q5_k",
        name: "q5_k_q8.avx512",
        input: Input::Blocks256,
        // SAFETY: the table of this instruction set is only handed out where the CPU has every feature.
        product: |product, out| unsafe { q5_k::product(product, out) },
    },
    ProductKernel {
        format: "q6_k",
        name: "q6_k_q8.avx512",
        input: Input::Blocks256,
        // SAFETY: the table of this instruction set is only handed out where the CPU has every feature.
        product: |product, out| unsafe { q6_k::product(product, out) },
    },
    ProductKernel {
        format: "q8_0",
        name: "q8_0_q8.avx512",
        input: Input::Blocks32,
        // SAFETY: the table of this instruction set is only handed out where the CPU has every feature.
        product: |product, out| unsafe { q8_0::product(product, out) },
    },
    ProductKernel {
        format: "tl1",
        name: "tl1_lut.avx512",
        input: Input::Pairs,
        // SAFETY: the table of this instruction set is only handed out where the CPU has every feature.
        product: |product, out| unsafe { tl1::product(product, out) },
    },
    ProductKernel {
        format: "tl2",
        name: "tl2_lut.avx512",
        input: Input::Triples,
        // SAFETY: the table of this instruction set is only handed out where the CPU has every feature.
        product: |product, out| unsafe { tl2::product(product, out) },
    },
    ProductKernel {
        format: "tq1_0",
        name: "tq1_0_i8.avx512",
        input: Input::Int8,
        // SAFETY: the table of this instruction set is only handed out where the CPU has every feature.
        product: |product, out| unsafe { tq1_0::product(product, out) },
    },
    ProductKernel {
        format: "tq2_0",
        name: "tq2_0_i8.avx512",
        input: Input::Int8,
        // SAFETY: the table of this instruction set is only handed out where the CPU has every feature.
        product: |product, out| unsafe { tq2_0::product(product, out) },
    },
];
