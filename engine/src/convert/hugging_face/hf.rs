//! The walk over a Hugging Face folder: each tensor under its GGUF name, in the order of the graph.

use std::path::Path;

use super::{
    Converted, Options,
    config::{Config, FILE},
    json,
    linears::Linears,
    llama::permute,
    shards::Shards,
    ternary, tokenizer,
};
use crate::{
    Error, ErrorKind, Result,
    gguf::Writer,
    quant::{self, BlockFormat, Shape, f32::F32},
};

/// Linears of a layer: transformers' name, GGUF's name.
const LINEARS: [(&str, &str); 7] = [
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];
const EMBEDDING: &str = "model.embed_tokens.weight";
const HEAD: &str = "lm_head.weight";

pub(super) fn convert(folder: &Path, options: &Options) -> Result<Converted> {
    let config = json::find(folder, FILE)?
        .ok_or_else(|| Error::new(ErrorKind::Io, format!("{FILE}: found no such file")))?;
    let config = Config::read(&config)?;
    let mut warnings = Vec::new();
    let mut writer = Writer::new();
    write_keys(&mut writer, folder, &config, options);
    tokenizer::write(&mut writer, folder, &config, &mut warnings)?;
    let shards = Shards::open(folder)?;
    let mut walk = Walk { config: &config, shards, options, writer, n_tensors: 0 };
    walk.write_tensors(&mut warnings)?;
    Ok(Converted {
        bytes: walk.writer.to_bytes(),
        architecture: config.architecture,
        n_tensors: walk.n_tensors,
        warnings,
    })
}

fn write_keys(writer: &mut Writer, folder: &Path, config: &Config, options: &Options) {
    let arch = config.architecture;
    let name = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = name.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy());
    writer.string("general.architecture", arch).string("general.name", &name);
    let mut count = |key: &str, value: usize| {
        // Sizes in config.json are at most 2^21.
        writer.u32(&format!("{arch}.{key}"), u32::try_from(value).unwrap_or(u32::MAX));
    };
    count("vocab_size", config.n_vocab);
    count("context_length", config.n_ctx);
    count("embedding_length", config.n_embd);
    count("block_count", config.n_layers);
    count("feed_forward_length", config.n_ff);
    count("rope.dimension_count", config.head_dim);
    count("attention.head_count", config.n_heads);
    count("attention.head_count_kv", config.n_kv_heads);
    count("attention.key_length", config.head_dim);
    count("attention.value_length", config.head_dim);
    writer.f32(&format!("{arch}.attention.layer_norm_rms_epsilon"), config.rms_eps);
    writer.f32(&format!("{arch}.rope.freq_base"), config.rope.base);
    let most = if config.linears == Linears::Dense { options.float } else { options.ternary };
    if let Some(file_type) = file_type(most.name()) {
        writer.u32("general.file_type", file_type);
    }
    writer.u32("general.quantization_version", 2);
}

/// What most of a file is stored in, as `general.file_type` numbers it (`I2_S`, TL1, TL2 as in bitnet.cpp).
fn file_type(format: &str) -> Option<u32> {
    let known = [
        ("f32", 0),
        ("f16", 1),
        ("tq1_0", 36),
        ("tq2_0", 37),
        ("tl1", 38),
        ("tl2", 39),
        ("i2_s", 40),
    ];
    known.into_iter().find(|(name, _)| *name == format).map(|(_, number)| number)
}

struct Walk<'a> {
    config: &'a Config,
    shards: Shards,
    options: &'a Options,
    writer: Writer,
    n_tensors: usize,
}

impl Walk<'_> {
    fn write_tensors(&mut self, warnings: &mut Vec<String>) -> Result<()> {
        let config = self.config;
        let embedding = Shape::new(config.n_vocab, config.n_embd);
        self.write_float(EMBEDDING, "token_embd.weight", embedding)?;
        if let Some(factors) = &config.rope.factors {
            let factors = factors.divisors(config.rope.base, config.head_dim);
            self.write_vector("rope_freqs.weight", &factors)?;
        }
        for layer in 0..config.n_layers {
            self.write_layer(layer)?;
        }
        self.write_norm("model.norm.weight", "output_norm.weight", config.n_embd)?;
        self.write_head(embedding, warnings)?;
        self.shards.refuse_left()
    }

    fn write_layer(&mut self, layer: usize) -> Result<()> {
        let config = self.config;
        let (n_embd, n_ff, q, kv) =
            (config.n_embd, config.n_ff, config.q_width(), config.kv_width());
        let (from, to) = (format!("model.layers.{layer}"), format!("blk.{layer}"));
        let norm = |walk: &mut Self, source: &str, name: &str, len| {
            walk.write_norm(&format!("{from}.{source}.weight"), &format!("{to}.{name}.weight"), len)
        };
        norm(self, "input_layernorm", "attn_norm", n_embd)?;
        norm(self, "post_attention_layernorm", "ffn_norm", n_embd)?;
        if let Some([attn, ffn]) = config.family.sub_norms {
            norm(self, attn, "attn_sub_norm", q)?;
            norm(self, ffn, "ffn_sub_norm", n_ff)?;
        }
        let shapes = [
            (q, n_embd),
            (kv, n_embd),
            (kv, n_embd),
            (n_embd, q),
            (n_ff, n_embd),
            (n_ff, n_embd),
            (n_embd, n_ff),
        ];
        for ((source, name), (rows, cols)) in LINEARS.into_iter().zip(shapes) {
            let permutes = config.family.permutes && ["attn_q", "attn_k"].contains(&name);
            let (source, name) = (format!("{from}.{source}"), format!("{to}.{name}.weight"));
            self.write_linear(&source, &name, Shape::new(rows, cols), permutes)?;
        }
        Ok(())
    }

    fn write_linear(
        &mut self,
        source: &str,
        name: &str,
        shape: Shape,
        permutes: bool,
    ) -> Result<()> {
        let Shape { rows, cols, .. } = shape;
        let head_dim = self.config.head_dim;
        if self.config.linears == Linears::Dense {
            let weight = format!("{source}.weight");
            let mut values = self.shards.take_floats(&weight, &[rows, cols])?;
            if permutes {
                values = permute(&values, cols, head_dim);
            }
            return self.write_values(&weight, name, shape, self.options.float, &values);
        }
        fits(self.options.ternary, source, shape)?;
        let (mut trits, scale) =
            ternary::take(&mut self.shards, source, rows, cols, self.config.linears)?;
        if permutes {
            trits = permute(&trits, cols, head_dim);
        }
        self.write_trits(name, shape, &trits, scale).map_err(|error| at(source, &error))
    }

    /// In the format's own scale, or, where it has none in f32, in one beside the matrix (`convert/ternary.rs`).
    fn write_trits(&mut self, name: &str, shape: Shape, trits: &[i8], scale: f32) -> Result<()> {
        let format = self.options.ternary;
        let Some(ternary) = format.ternary() else {
            let text = format!("expected a format of ternary weights, found {}", format.name());
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        };
        let inside = ternary.has_tensor_scale();
        let bytes = ternary.pack(trits, if inside { scale } else { 1.0 }, shape)?;
        self.write(name, shape, format, &bytes);
        if !inside {
            self.write_vector(&name.replace(".weight", ".scale"), &[scale])?;
        }
        Ok(())
    }

    /// The head, unless it is the embedding.
    fn write_head(&mut self, shape: Shape, warnings: &mut Vec<String>) -> Result<()> {
        let stored = self.shards.has(HEAD);
        match self.config.tied {
            Some(true) if stored => {
                // Transformers ties them whatever the file holds.
                self.shards.drop_tensor(HEAD);
                warnings.push(format!("tensor `{HEAD}` is left out: {FILE} ties the head to the embedding"));
            }
            Some(true) => {}
            None if !stored => warnings.push(format!(
                "there is no `{HEAD}`, and {FILE} has no `tie_word_embeddings`: the head is taken to be the embedding"
            )),
            _ => self.write_float(HEAD, "output.weight", shape)?,
        }
        Ok(())
    }

    fn write_norm(&mut self, source: &str, name: &str, len: usize) -> Result<()> {
        let values = self.shards.take_floats(source, &[len])?;
        self.write_vector(name, &values)
    }

    fn write_vector(&mut self, name: &str, values: &[f32]) -> Result<()> {
        let bytes = F32.encode(values, Shape::vector(values.len()))?;
        self.writer.tensor(name, &[values.len() as u64], F32.id(), &bytes);
        self.n_tensors += 1;
        Ok(())
    }

    fn write_float(&mut self, source: &str, name: &str, shape: Shape) -> Result<()> {
        let values = self.shards.take_floats(source, &[shape.rows, shape.cols])?;
        self.write_values(source, name, shape, self.options.float, &values)
    }

    fn write_values(
        &mut self,
        source: &str,
        name: &str,
        shape: Shape,
        format: &dyn BlockFormat,
        values: &[f32],
    ) -> Result<()> {
        let bytes = format.encode(values, shape).map_err(|error| match error.kind() {
            ErrorKind::NonFinite => {
                let text = format!(
                    "tensor `{source}`: expected numbers that {} holds, found one beyond its range; write f32 instead",
                    format.name()
                );
                Error::new(ErrorKind::NonFinite, text)
            }
            _ => at(source, &error),
        })?;
        self.write(name, shape, format, &bytes);
        Ok(())
    }

    fn write(&mut self, name: &str, shape: Shape, format: &dyn BlockFormat, bytes: &[u8]) {
        let dims = [shape.cols as u64, shape.rows as u64];
        self.writer.stored(name, &dims, format, shape, bytes);
        self.n_tensors += 1;
    }
}

/// Whether the ternary format holds a linear of this shape; the error names the others.
fn fits(format: &dyn BlockFormat, source: &str, shape: Shape) -> Result<()> {
    format.fits(shape).map_err(|error| {
        let others = quant::FORMATS.iter().copied();
        let others = others.filter(|other| other.ternary().is_some() && other.fits(shape).is_ok());
        let others: Vec<&str> = others.map(BlockFormat::name).collect();
        let way_out = if others.is_empty() {
            "no ternary format of this build can hold it".to_owned()
        } else {
            format!("choose a format that can hold it: {}", others.join(", "))
        };
        Error::new(error.kind(), format!("linear `{source}`: {error}; {way_out}"))
    })
}

fn at(source: &str, error: &Error) -> Error {
    Error::new(error.kind(), format!("tensor `{source}`: {error}"))
}
