//! The spans of a pass: what each is called in tables, and the matrix products that lie in it.

/// One span, as its metric `span_NAME_ns` has it.
#[derive(Debug)]
pub(super) struct SpanDef {
    pub(super) name: &'static str,
    /// What it does, in words that fit a table.
    pub(super) about: &'static str,
    /// Linears whose products it holds.
    pub(super) linears: &'static [&'static str],
}

/// All spans, in the order of a pass.
pub(super) const SPANS: &[SpanDef] = &[
    SpanDef { name: "embed", about: "rows of the embedding", linears: &[] },
    SpanDef { name: "attn_norm", about: "norm, quantize", linears: &[] },
    SpanDef { name: "attn_qkv", about: "product", linears: &["attn_q", "attn_k", "attn_v"] },
    SpanDef { name: "rope", about: "rotate, write keys and values", linears: &[] },
    SpanDef { name: "attend", about: "scores, softmax, weighted sum", linears: &[] },
    SpanDef { name: "attn_sub_norm", about: "norm, quantize", linears: &[] },
    SpanDef { name: "attn_output", about: "product", linears: &["attn_output"] },
    SpanDef { name: "ffn_norm", about: "norm, quantize", linears: &[] },
    SpanDef { name: "ffn_gate_up", about: "product, gate", linears: &["ffn_gate", "ffn_up"] },
    SpanDef { name: "ffn_sub_norm", about: "norm, quantize", linears: &[] },
    SpanDef { name: "ffn_down", about: "product", linears: &["ffn_down"] },
    SpanDef { name: "output_norm", about: "norm", linears: &[] },
    SpanDef { name: "output", about: "likeliest tokens or all logits", linears: &["output"] },
];

impl SpanDef {
    /// Its metric.
    pub(super) fn metric(&self) -> String {
        format!("span_{}_ns", self.name)
    }
}

#[cfg(test)]
mod tests {
    use baselines::metric::{METRICS, SPAN_PREFIX};

    use super::*;

    #[test]
    fn every_span_has_a_metric_and_every_metric_of_a_span_is_one_of_these() {
        let mut ours: Vec<String> = SPANS.iter().map(SpanDef::metric).collect();
        ours.sort();
        let theirs: Vec<&str> = METRICS
            .iter()
            .map(|metric| metric.name)
            .filter(|name| name.starts_with(SPAN_PREFIX) && name.ends_with("_ns"))
            .collect();
        assert_eq!(ours, theirs);
    }
}
