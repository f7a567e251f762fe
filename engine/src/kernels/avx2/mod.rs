//! AVX2 with FMA and F16C: the table and the probe that hands it out.

#![expect(unsafe_code, reason = "entering a target_feature function from ordinary code")]

mod attend;
mod attend_int8;
mod blocks256;
mod blocks32;
mod dot;
mod elementwise;
mod i2_s;
mod int8;
mod lanes;
mod lookup;
pub(super) mod pairs;
mod peak;
mod q4_0;
mod q4_1;
mod q4_k;
mod q5_0;
mod q5_1;
mod q5_k;
mod q6_k;
mod q8_0;
mod screen;
mod sub_blocks;
mod tables;
pub(super) mod tl1;
pub(super) mod tl2;
mod tq1_0;
mod tq2_0;
pub(super) mod triples;
mod trit_blocks;

use super::{Isa, Kernels, Sealed};

/// The table, if this CPU has the instructions.
pub(super) fn kernels() -> Option<Kernels> {
    let present = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c");
    present.then_some(Kernels {
        isa: Isa::Avx2,
        // SAFETY: the probe above found every feature this function is compiled with.
        dot: |a, b| unsafe { dot::dot(a, b) },
        // SAFETY: the probe above found every feature this function is compiled with.
        dot_4: |w, x| unsafe { dot::dot_4(w, x) },
        // SAFETY: the probe above found every feature this function is compiled with.
        dot_f16: |w, x| unsafe { dot::dot_f16(w, x) },
        // SAFETY: the probe above found every feature this function is compiled with.
        widen_f16: |w, out| unsafe { dot::widen_f16(w, out) },
        // SAFETY: the probe above found every feature this function is compiled with.
        rms_norm: |x, w, eps, out| unsafe { elementwise::rms_norm(x, w, eps, out) },
        // SAFETY: the probe above found every feature this function is compiled with.
        add: |x, y| unsafe { elementwise::add(x, y) },
        // SAFETY: the probe above found every feature this function is compiled with.
        relu2_mul: |gate, up| unsafe { elementwise::relu2_mul(gate, up) },
        // SAFETY: the probe above found every feature this function is compiled with.
        rope: |x, cos, sin| unsafe { elementwise::rope(x, cos, sin) },
        // SAFETY: the probe above found every feature this function is compiled with.
        silu_mul: |gate, up| unsafe { elementwise::silu_mul(gate, up) },
        // SAFETY: the probe above found every feature this function is compiled with.
        rope_interleaved: |x, cos, sin| unsafe { elementwise::rope_interleaved(x, cos, sin) },
        // SAFETY: the probe above found every feature this function is compiled with.
        scores: |chunk, q, scale, out| unsafe { attend::scores(chunk, q, scale, out) },
        // SAFETY: the probe above found every feature this function is compiled with.
        softmax: |x, n| unsafe { elementwise::softmax(x, n) },
        // SAFETY: the probe above found every feature this function is compiled with.
        weigh: |chunk, p, out| unsafe { attend::weigh(chunk, p, out) },
        // SAFETY: the probe above found every feature this function is compiled with.
        screen_quantize: |w, first, rest| unsafe { screen::quantize(w, first, rest) },
        // SAFETY: the probe above found every feature this function is compiled with.
        screen_first: |first, x, sums| unsafe { screen::first(first, x, sums) },
        // SAFETY: the probe above found every feature this function is compiled with.
        screen_rest: |rest, x| unsafe { screen::rest(rest, x) },
        packings: tables::PACKINGS,
        products: tables::PRODUCTS,
        packed: None,
        // SAFETY: the probe above found every feature this function is compiled with.
        int8_peak: |turns| unsafe { peak::int8_peak(turns) },
        // SAFETY: the probe above found every feature this function is compiled with.
        read: |buffer| unsafe { peak::read(buffer) },
        _sealed: Sealed,
    })
}
