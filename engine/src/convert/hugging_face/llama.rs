//! Llama checkpoints: dense, or ternary by `quantization_config` (Llama3-8B-1.58, Falcon3, Falcon-E).

use super::{Family, linears::Linears};

/// Source: transformers, `models/llama/modeling_llama.py`; the permutation: llama.cpp, `conversion/llama.py`.
pub(super) const LLAMA: Family = Family {
    class: "LlamaForCausalLM",
    architectures: &[("silu", "llama")],
    sub_norms: None,
    permutes: true,
    rope_base: 10_000.0,
    linears: Some(Linears::Dense),
};

/// Rows of Q or K from transformers' order (RoPE turns row `i` of a head with row `i + d/2`) to the order of GGUF (row `2i`
/// with row `2i + 1`). `rows`: `[heads · head_dim, cols]`, row-major.
pub(super) fn permute<T: Copy>(rows: &[T], cols: usize, head_dim: usize) -> Vec<T> {
    let half = head_dim / 2;
    let source = |row: usize| {
        let (head, within) = (row / head_dim, row % head_dim);
        head * head_dim + within / 2 + within % 2 * half
    };
    (0..rows.len() / cols).flat_map(|row| &rows[source(row) * cols..][..cols]).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_halves_become_neighbours_head_by_head() {
        // Two heads of four rows, two columns: row r holds (r, r + 10).
        let rows: Vec<i8> = (0..8).flat_map(|row| [row, row + 10]).collect();
        let permuted = permute(&rows, 2, 4);
        let first: Vec<i8> = permuted.iter().copied().step_by(2).collect();
        assert_eq!(first, [0, 2, 1, 3, 4, 6, 5, 7]);
        assert!(permuted.chunks(2).all(|row| row[1] == row[0] + 10));
    }
}
