//! The linears are those of a transformer of the stated sizes, and take the bytes that their format takes.

use baselines::{
    RunRecord,
    format::{self, FORMATS},
    record::{Linear, ModelInfo},
};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "model-shape",
    class: Class::Invalid,
    demand: "The model's linears have the shapes that its sizes imply, and the bytes that their format takes.",
    way_out: "write the record with `bench run`, which reads shapes from the model file; work is counted with them",
    check: Check::Record(check),
};

/// Bytes beside the weights of one tensor: scales, alignment.
const SLACK_BYTES: u64 = 256;

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    let Some(engine) = record.subject.engine() else { return Vec::new() };
    let model = &engine.model;
    let mut faults = Vec::new();
    for (name, rows, cols, n) in shapes(model) {
        let Some(linear) = model.linears.iter().find(|linear| linear.name == name) else {
            faults.push(Fault::new(
                format!("subject.model.linears[{name}]"),
                format!("[{rows}, {cols}]"),
                "no such linear",
            ));
            continue;
        };
        if (linear.rows, linear.cols, linear.n) != (rows, cols, n)
            || linear.once_per_sequence != (name == "output")
        {
            let found = format!("{} of [{}, {}]", linear.n, linear.rows, linear.cols);
            faults.push(Fault::new(
                format!("subject.model.linears[{name}]"),
                format!("{n} of [{rows}, {cols}]"),
                found,
            ));
        }
    }
    faults.extend(Fault::unless_equal("subject.model.linears", 8, model.linears.len()));
    faults.extend(model.linears.iter().filter_map(bytes));
    faults
}

/// Name, rows, cols and number of every linear of the graph.
fn shapes(model: &ModelInfo) -> [(&'static str, u64, u64, u64); 8] {
    let ModelInfo { n_layers, n_embd, n_ff, n_heads, n_kv_heads, head_dim, n_vocab, .. } = *model;
    let (q, kv) = (n_heads.saturating_mul(head_dim), n_kv_heads.saturating_mul(head_dim));
    [
        ("attn_q", q, n_embd, n_layers),
        ("attn_k", kv, n_embd, n_layers),
        ("attn_v", kv, n_embd, n_layers),
        ("attn_output", n_embd, q, n_layers),
        ("ffn_gate", n_ff, n_embd, n_layers),
        ("ffn_up", n_ff, n_embd, n_layers),
        ("ffn_down", n_embd, n_ff, n_layers),
        ("output", n_vocab, n_embd, 1),
    ]
}

fn bytes(linear: &Linear) -> Option<Fault> {
    let weights = linear.rows.saturating_mul(linear.cols);
    let Some(format) = format::find(&linear.format) else {
        let field = format!("subject.model.linears[{}].format", linear.name);
        let known: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
        return Some(Fault::new(
            field,
            format!("one of {}", known.join(", ")),
            linear.format.clone(),
        ));
    };
    let least = format.bytes(weights);
    // Each row of TL2 is padded to 64 bytes + 5 bits for three of all but 256 elements.
    let padding = if format.name == "tl2" { linear.rows.saturating_mul(11) } else { 0 };
    let expected = least..=least.saturating_add(SLACK_BYTES).saturating_add(padding);
    let holds = weights > 0 && expected.contains(&linear.bytes);
    let field = || format!("subject.model.linears[{}].bytes", linear.name);
    (!holds).then(|| {
        Fault::new(field(), format!("{least} to {}", expected.end()), linear.bytes.to_string())
    })
}
