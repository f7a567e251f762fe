//! The tiny checkpoints of cases.json, drawn as `make_goldens.py` draws them and written as Hugging Face folders.

use std::path::{Path, PathBuf};

use engine::quant::{BlockFormat as _, Shape, f16::F16, f32::F32};
use safetensors::{Dtype, SafeTensors, serialize, tensor::TensorView};
use serde_json::{Value, json};

/// One checkpoint.
pub(crate) struct Case {
    pub(crate) name: String,
    seed: u64,
    dtype: Dtype,
    n_shards: usize,
    pub(crate) config: Value,
}

/// A tensor as a file holds it.
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

impl Tensor {
    fn view(&self) -> TensorView<'_> {
        TensorView::new(self.dtype, self.shape.clone(), &self.bytes).unwrap()
    }
}

fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/reference")
}

impl Case {
    /// The case of this name.
    pub(crate) fn named(name: &str) -> Self {
        let cases = std::fs::read(reference().join("cases.json")).unwrap();
        let cases: Vec<Value> = serde_json::from_slice(&cases).unwrap();
        let case = cases.into_iter().find(|case| case["name"] == name);
        let case = case.unwrap_or_else(|| panic!("no case {name}"));
        let dtype = match case["dtype"].as_str() {
            Some("f32") => Dtype::F32,
            Some("f16") => Dtype::F16,
            Some("bf16") => Dtype::BF16,
            other => panic!("{name}: {other:?}"),
        };
        let n_shards = usize::try_from(case["shards"].as_u64().unwrap()).unwrap();
        let (seed, config) = (case["seed"].as_u64().unwrap(), case["config"].clone());
        Self { name: name.to_owned(), seed, dtype, n_shards, config }
    }

    /// The ids and their logits, `[ids, vocab]`, that transformers gave.
    pub(crate) fn golden(&self) -> (Vec<u32>, Vec<f32>) {
        let path = reference().join(format!("logits-{}.safetensors", self.name));
        let file = std::fs::read(path).unwrap();
        let tensors = SafeTensors::deserialize(&file).unwrap();
        let words = |name: &str| tensors.tensor(name).unwrap().data().as_chunks::<4>().0.to_vec();
        let ids = words("ids").into_iter().map(u32::from_le_bytes).collect();
        (ids, words("logits").into_iter().map(f32::from_le_bytes).collect())
    }

    /// Writes the folder.
    pub(crate) fn write(&self, folder: &Path) {
        self.write_tensors(folder, &self.tensors());
    }

    /// Writes a folder with these tensors.
    pub(crate) fn write_tensors(&self, folder: &Path, tensors: &[Tensor]) {
        std::fs::write(folder.join("config.json"), self.config.to_string()).unwrap();
        let shard = |i: usize| tensors.iter().skip(i).step_by(self.n_shards);
        let write = |i: usize, name: &str| {
            let views = shard(i).map(|tensor| (&tensor.name, tensor.view()));
            std::fs::write(folder.join(name), serialize(views, None).unwrap()).unwrap();
        };
        if self.n_shards == 1 {
            return write(0, "model.safetensors");
        }
        let mut weight_map = json!({});
        for i in 0..self.n_shards {
            let name = format!("model-{:05}-of-{:05}.safetensors", i + 1, self.n_shards);
            write(i, &name);
            shard(i).for_each(|tensor| weight_map[&tensor.name] = json!(name));
        }
        let index = json!({"metadata": {}, "weight_map": weight_map});
        std::fs::write(folder.join("model.safetensors.index.json"), index.to_string()).unwrap();
    }

    /// All tensors, in the script's order.
    pub(crate) fn tensors(&self) -> Vec<Tensor> {
        let size = |key: &str| usize::try_from(self.config[key].as_u64().unwrap()).unwrap();
        let (hidden, ffn, vocab) =
            (size("hidden_size"), size("intermediate_size"), size("vocab_size"));
        let heads = size("num_attention_heads");
        let head_dim =
            if self.config["head_dim"].is_null() { hidden / heads } else { size("head_dim") };
        let (q, kv) = (head_dim * heads, head_dim * size("num_key_value_heads"));
        let mut out = vec![self.floats("model.embed_tokens.weight", &[vocab, hidden])];
        for layer in 0..size("num_hidden_layers") {
            let mut norms = vec![("input_layernorm", hidden), ("post_attention_layernorm", hidden)];
            if self.config["model_type"] == "bitnet" {
                norms.extend([("self_attn.attn_sub_norm", hidden), ("mlp.ffn_sub_norm", ffn)]);
            }
            for (name, len) in norms {
                out.push(self.floats(&format!("model.layers.{layer}.{name}.weight"), &[len]));
            }
            for (name, rows, cols) in [
                ("self_attn.q_proj", q, hidden),
                ("self_attn.k_proj", kv, hidden),
                ("self_attn.v_proj", kv, hidden),
                ("self_attn.o_proj", hidden, q),
                ("mlp.gate_proj", ffn, hidden),
                ("mlp.up_proj", ffn, hidden),
                ("mlp.down_proj", hidden, ffn),
            ] {
                let name = format!("model.layers.{layer}.{name}.weight");
                if self.config["quantization_config"]["quantization_mode"] == "offline" {
                    out.extend(self.packed(&name, rows, cols));
                } else {
                    out.push(self.floats(&name, &[rows, cols]));
                }
            }
        }
        out.push(self.floats("model.norm.weight", &[hidden]));
        if self.config["tie_word_embeddings"] == false {
            out.push(self.floats("lm_head.weight", &[vocab, hidden]));
        }
        out
    }

    fn floats(&self, name: &str, shape: &[usize]) -> Tensor {
        let value = |k: f32| match name {
            _ if name.ends_with("norm.weight") => (128.0 + (k / 4.0).floor()) / 128.0,
            "model.embed_tokens.weight" | "lm_head.weight" => k / 128.0,
            _ => k / if flat(name) { 512.0 } else { 256.0 },
        };
        let n = shape.iter().product();
        let values: Vec<f32> = self.words(name).take(n).map(|word| value(bell(word))).collect();
        self.tensor(name, shape, &values)
    }

    fn tensor(&self, name: &str, shape: &[usize], values: &[f32]) -> Tensor {
        let bytes = match self.dtype {
            Dtype::F32 => F32.encode(values, Shape::vector(values.len())).unwrap(),
            Dtype::F16 => F16.encode(values, Shape::vector(values.len())).unwrap(),
            // Exact: no weight has more than 8 significant bits.
            _ => values
                .iter()
                .flat_map(|value| value.to_bits().to_le_bytes()[2..].to_vec())
                .collect(),
        };
        Tensor { name: name.to_owned(), dtype: self.dtype, shape: shape.to_vec(), bytes }
    }

    /// Four rows in a byte, and the scale.
    fn packed(&self, name: &str, rows: usize, cols: usize) -> [Tensor; 2] {
        let codes: Vec<u8> = self
            .words(name)
            .take(rows * cols)
            .map(|word| [0, 1, 2][usize::try_from(word % 3).unwrap()])
            .collect();
        let plane = |i: usize| &codes[i * rows / 4 * cols..][..rows / 4 * cols];
        let byte = |i: usize| plane(0)[i] | plane(1)[i] << 2 | plane(2)[i] << 4 | plane(3)[i] << 6;
        let bytes = (0..rows / 4 * cols).map(byte).collect();
        let divides = self.config["quantization_config"]["linear_class"] == "bitlinear";
        let scale_name = format!("{name}_scale");
        let k = self.words(&scale_name).map(bell).next().unwrap();
        let scale = (160.0 + (k / 4.0).floor())
            / match (divides, flat(name)) {
                (true, true) => 16.0,
                (true, false) => 32.0,
                (false, true) => 2048.0,
                (false, false) => 1024.0,
            };
        let shape = vec![rows / 4, cols];
        let weight = Tensor { name: name.to_owned(), dtype: Dtype::U8, shape, bytes };
        [weight, self.tensor(&scale_name, &[1], &[scale])]
    }

    /// `SplitMix64`, seeded with FNV-1a of "SEED/NAME".
    fn words(&self, name: &str) -> impl Iterator<Item = u64> + use<> {
        let text = format!("{}/{name}", self.seed);
        let mut state = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |state, byte| {
            (state ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        std::iter::repeat_with(move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ z >> 31
        })
    }
}

/// Queries and keys are small: attention looks at several positions.
fn flat(name: &str) -> bool {
    name.contains("q_proj") || name.contains("k_proj")
}

/// The sum of a word's bytes, centred and quartered: a whole number from -255 to 255.
fn bell(word: u64) -> f32 {
    let sum: i16 = word.to_le_bytes().into_iter().map(i16::from).sum();
    f32::from((sum - 1020) >> 2)
}
