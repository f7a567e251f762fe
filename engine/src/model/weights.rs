//! Tensor names to fields, with the shape at each field. Norms are decoded; matrices stay in the file's bytes.

use std::{collections::BTreeSet, ops::Range};

use super::Config;
use crate::{
    Error, ErrorKind, Result,
    gguf::{File, Tensor},
    quant::{BlockFormat, Shape},
};

/// All weights of a model.
#[derive(Debug)]
pub(crate) struct Weights {
    /// `[n_vocab, n_embd]`, F16 or F32: the gather table.
    pub(crate) token_embd: Linear,
    /// `[n_layers]`.
    pub(crate) layers: Vec<Layer>,
    /// `[n_embd]`.
    pub(crate) output_norm: Vec<f32>,
    /// `[n_vocab, n_embd]`: `output.weight`, or the embedding where the file ties them.
    pub(crate) output: Linear,
    /// `[head_dim / 2]`: what each RoPE frequency is divided by, where the model was trained on for longer contexts.
    pub(crate) rope_factors: Option<Vec<f32>>,
}

/// One transformer block.
#[derive(Debug)]
pub(crate) struct Layer {
    /// `[n_embd]`.
    pub(crate) attn_norm: Vec<f32>,
    /// `[n_heads · head_dim, n_embd]`.
    pub(crate) attn_q: Linear,
    /// `[n_kv_heads · head_dim, n_embd]`.
    pub(crate) attn_k: Linear,
    /// `[n_kv_heads · head_dim, n_embd]`.
    pub(crate) attn_v: Linear,
    /// `[n_heads · head_dim]`, before the output projection; `None` in graphs without sub-norms.
    pub(crate) attn_sub_norm: Option<Vec<f32>>,
    /// `[n_embd, n_heads · head_dim]`.
    pub(crate) attn_output: Linear,
    /// `[n_embd]`.
    pub(crate) ffn_norm: Vec<f32>,
    /// `[n_ff, n_embd]`.
    pub(crate) ffn_gate: Linear,
    /// `[n_ff, n_embd]`.
    pub(crate) ffn_up: Linear,
    /// `[n_ff]`, before the down projection; likewise.
    pub(crate) ffn_sub_norm: Option<Vec<f32>>,
    /// `[n_embd, n_ff]`.
    pub(crate) ffn_down: Linear,
}

/// One matrix: where its bytes are and how they are stored.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    /// Which kind of product it is; the place of its counter.
    pub(crate) kind: usize,
    /// Outputs, inputs, and tiles if it has any.
    pub(crate) shape: Shape,
    /// How it is stored.
    pub(crate) format: &'static dyn BlockFormat,
    /// What all of its weights are multiplied by.
    pub(crate) scale: f32,
    /// All bytes of the tensor in the file.
    pub(crate) range: Range<usize>,
    /// Where they start in the copy of all layers, if there can be one,
    pub(crate) copied: Option<usize>,
    /// and where they are in that in fewer bits.
    pub(crate) packed: Option<Range<usize>>,
}

impl Layer {
    /// Its matrices, in the order of the graph.
    pub(crate) fn linears_mut(&mut self) -> [&mut Linear; 7] {
        let Self { attn_q, attn_k, attn_v, attn_output, ffn_gate, ffn_up, ffn_down, .. } = self;
        [attn_q, attn_k, attn_v, attn_output, ffn_gate, ffn_up, ffn_down]
    }

    /// The same to be read.
    pub(crate) const fn linears(&self) -> [&Linear; 7] {
        let Self { attn_q, attn_k, attn_v, attn_output, ffn_gate, ffn_up, ffn_down, .. } = self;
        [attn_q, attn_k, attn_v, attn_output, ffn_gate, ffn_up, ffn_down]
    }
}

impl Linear {
    /// Row `row` of the tensor's bytes as floats, in units of `scale`.
    ///
    /// # Panics
    /// If the row is not there.
    pub(crate) fn widen(&self, bytes: &[u8], row: usize, out: &mut [f32]) {
        self.format.row(bytes, self.shape, row, out).expect("a row of a tensor that was checked");
    }
}

/// One kind of matrix product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinearInfo {
    /// Tensor name without layer and `.weight`; `output` for the head.
    pub name: &'static str,
    /// Outputs.
    pub rows: usize,
    /// Inputs.
    pub cols: usize,
    /// Storage format.
    pub format: &'static str,
    /// How many of them the model has.
    pub n: usize,
    /// Bytes of one of them.
    pub bytes: usize,
    /// True for the head: a prefill applies it to its last token only.
    pub once_per_sequence: bool,
}

/// Names of the products, in the order of the graph; a `Linear::kind` is a place in this list.
pub(crate) const LINEAR_NAMES: [&str; 8] =
    ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down", "output"];
const OUTPUT: usize = 7;

impl Weights {
    /// Bytes on the heap of what was decoded.
    pub(crate) fn heap_size(&self) -> usize {
        let layers = self.layers.iter().flat_map(|layer| {
            let sub_norms = [&layer.attn_sub_norm, &layer.ffn_sub_norm];
            [&layer.attn_norm, &layer.ffn_norm].into_iter().chain(sub_norms.into_iter().flatten())
        });
        let values: usize =
            layers.chain([&self.output_norm]).chain(&self.rope_factors).map(Vec::capacity).sum();
        values * size_of::<f32>() + self.layers.capacity() * size_of::<Layer>()
    }

    pub(super) fn read(file: &File, config: &Config) -> Result<Self> {
        let mut reader = Reader { file, used: BTreeSet::new() };
        let (n_embd, n_ff, n_vocab) = (config.n_embd, config.n_ff, config.n_vocab);
        let (q, kv) = (config.q_width(), config.kv_width());
        let token_embd = reader.linear("token_embd", OUTPUT, n_vocab, n_embd)?;
        let mut layers = Vec::new();
        for layer in 0..config.n_layers {
            let mut norm =
                |name: &str, len| reader.norm(&format!("blk.{layer}.{name}.weight"), len);
            let attn_norm = norm("attn_norm", n_embd)?;
            let attn_sub_norm = config.sub_norms.then(|| norm("attn_sub_norm", q)).transpose()?;
            let ffn_norm = norm("ffn_norm", n_embd)?;
            let ffn_sub_norm = config.sub_norms.then(|| norm("ffn_sub_norm", n_ff)).transpose()?;
            let mut linear = |kind: usize, rows, cols| {
                reader.linear(&format!("blk.{layer}.{}", LINEAR_NAMES[kind]), kind, rows, cols)
            };
            layers.push(Layer {
                attn_norm,
                attn_q: linear(0, q, n_embd)?,
                attn_k: linear(1, kv, n_embd)?,
                attn_v: linear(2, kv, n_embd)?,
                attn_sub_norm,
                attn_output: linear(3, n_embd, q)?,
                ffn_norm,
                ffn_gate: linear(4, n_ff, n_embd)?,
                ffn_up: linear(5, n_ff, n_embd)?,
                ffn_sub_norm,
                ffn_down: linear(6, n_embd, n_ff)?,
            });
        }
        let output_norm = reader.norm("output_norm.weight", n_embd)?;
        let output = match file.find_tensor("output.weight") {
            Some(_) => reader.linear("output", OUTPUT, n_vocab, n_embd)?,
            None => token_embd.clone(),
        };
        let rope_factors = reader.rope_factors(config.head_dim / 2)?;
        reader.refuse_unused()?;
        Ok(Self { token_embd, layers, output_norm, output, rope_factors })
    }

    pub(super) fn linears(&self, config: &Config) -> Vec<LinearInfo> {
        let all = self.layers[0].linears().into_iter().chain([&self.output]);
        let info = |linear: &Linear| LinearInfo {
            name: LINEAR_NAMES[linear.kind],
            rows: linear.shape.rows,
            cols: linear.shape.cols,
            format: linear.format.name(),
            n: if linear.kind == OUTPUT { 1 } else { config.n_layers },
            bytes: linear.range.len(),
            once_per_sequence: linear.kind == OUTPUT,
        };
        all.map(info).collect()
    }
}

struct Reader<'a> {
    file: &'a File,
    used: BTreeSet<String>,
}

impl Reader<'_> {
    fn tensor(&mut self, name: &str, rows: usize, cols: usize) -> Result<&Tensor> {
        let tensor = self.file.tensor(name)?;
        let vector = rows == 1 && tensor.dims().len() == 1;
        let matrix = tensor.dims().len() == 2;
        if !(vector || matrix) || tensor.cols() != cols || tensor.rows() != rows {
            return Err(Error::new(
                ErrorKind::Shape,
                format!(
                    "tensor `{name}`: expected dims [{cols}, {rows}], found {:?}",
                    tensor.dims()
                ),
            ));
        }
        self.used.insert(name.to_owned());
        Ok(tensor)
    }

    fn norm(&mut self, name: &str, len: usize) -> Result<Vec<f32>> {
        let file = self.file;
        let tensor = self.tensor(name, 1, len)?;
        let mut values = vec![0.0; len];
        tensor.format().decode(file.tensor_bytes(tensor), tensor.shape(), 0, &mut values)?;
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(values),
            Some(i) => Err(Error::new(
                ErrorKind::NonFinite,
                format!("tensor `{name}`: expected finite weights, found {} at {i}", values[i]),
            )),
        }
    }

    /// The matrix `name.weight`, and `name.scale`, which multiplies its output, where there is one.
    fn linear(&mut self, name: &str, kind: usize, rows: usize, cols: usize) -> Result<Linear> {
        let file = self.file;
        let weight = format!("{name}.weight");
        let tensor = self.tensor(&weight, rows, cols)?;
        let (format, shape, bytes) = (tensor.format(), tensor.shape(), file.tensor_bytes(tensor));
        let range = tensor.range();
        // Plain numbers are as many as the largest tensors have; one that is not finite shows in the logits.
        if format.block_len() > 1 {
            format
                .check(bytes, shape)
                .map_err(|error| Error::new(error.kind(), format!("tensor `{weight}`: {error}")))?;
        }
        let mut scale = format.scale(bytes, shape);
        let name = format!("{name}.scale");
        if file.find_tensor(&name).is_some() {
            scale *= self.norm(&name, 1)?[0];
        }
        Ok(Linear { kind, shape, format, scale, range, copied: None, packed: None })
    }

    fn rope_factors(&mut self, len: usize) -> Result<Option<Vec<f32>>> {
        const NAME: &str = "rope_freqs.weight";
        if self.file.find_tensor(NAME).is_none() {
            return Ok(None);
        }
        let factors = self.norm(NAME, len)?;
        match factors.iter().position(|factor| *factor <= 0.0) {
            None => Ok(Some(factors)),
            Some(i) => Err(Error::gguf(format!(
                "tensor `{NAME}`: expected divisors above 0, found {} at {i}",
                factors[i]
            ))),
        }
    }

    fn refuse_unused(&self) -> Result<()> {
        let unused = self.file.tensors().iter().find(|tensor| !self.used.contains(tensor.name()));
        unused.map_or(Ok(()), |tensor| {
            Err(Error::gguf(format!(
                "tensor `{}`: the graph has no place for it, so leaving it out would give other outputs than the \
                 model's own; expected only the tensors of the architecture",
                tensor.name()
            )))
        })
    }
}
