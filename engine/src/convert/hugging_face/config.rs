//! config.json to hyper-parameters. What the graph has no place for (biases, another activation, a part of a head without
//! RoPE) is refused here.

use serde_json::Value;

use super::{FAMILIES, Family, json::Object, linears::Linears, rope::Rope, wrong};
use crate::{Error, ErrorKind, Result};

/// Where all of this stands.
pub(super) const FILE: &str = "config.json";

/// Hyper-parameters of a checkpoint. All lengths are in elements.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) family: &'static Family,
    pub(super) architecture: &'static str,
    pub(super) n_layers: usize,
    pub(super) n_embd: usize,
    pub(super) n_ff: usize,
    pub(super) n_heads: usize,
    pub(super) n_kv_heads: usize,
    pub(super) head_dim: usize,
    pub(super) n_vocab: usize,
    pub(super) n_ctx: usize,
    pub(super) rms_eps: f32,
    pub(super) rope: Rope,
    pub(super) linears: Linears,
    /// Whether the head is the embedding; `None` where the file doesn't say.
    pub(super) tied: Option<bool>,
    /// Ids of the tokens that begin and end a text.
    pub(super) bos: Option<u32>,
    pub(super) eos: Option<u32>,
}

impl Config {
    pub(super) fn read(value: &Value) -> Result<Self> {
        let config = Object::of(FILE, value)?;
        let family = family(config)?;
        refuse_unknown_parts(config)?;
        let (n_embd, n_heads) =
            (config.count("hidden_size")?, config.count("num_attention_heads")?);
        let n_kv_heads = config.find_count("num_key_value_heads")?.unwrap_or(n_heads);
        if !n_heads.is_multiple_of(n_kv_heads) {
            return Err(
                config.refuse("num_key_value_heads", &format!("a divisor of {n_heads} heads"))
            );
        }
        let head_dim = match config.find_count("head_dim")? {
            Some(head_dim) => head_dim,
            None if n_embd.is_multiple_of(n_heads) => n_embd / n_heads,
            None => {
                let text =
                    format!("a divisor of the hidden size {n_embd}, since there is no `head_dim`");
                return Err(config.refuse("num_attention_heads", &text));
            }
        };
        if !head_dim.is_multiple_of(2) {
            let text = format!("an even size of a head, as RoPE needs, which here is {head_dim}");
            return Err(config.refuse("head_dim", &text));
        }
        let n_ctx = config.count("max_position_embeddings")?;
        let config = Self {
            family,
            architecture: architecture(config, family)?,
            n_layers: config.count("num_hidden_layers")?,
            n_embd,
            n_ff: config.count("intermediate_size")?,
            n_heads,
            n_kv_heads,
            head_dim,
            n_vocab: config.count("vocab_size")?,
            n_ctx,
            rms_eps: config.positive("rms_norm_eps")?,
            rope: Rope::read(config, family.rope_base, n_ctx)?,
            linears: Linears::read(config, family)?,
            tied: config.find_flag("tie_word_embeddings")?,
            bos: token(config, "bos_token_id"),
            eos: token(config, "eos_token_id"),
        };
        config.refuse_sizes_of_2b_4t()?;
        Ok(config)
    }

    /// Readers of the architecture `bitnet` tell a squared gate by its sizes alone (`model/arch/bitnet.rs`).
    fn refuse_sizes_of_2b_4t(&self) -> Result<()> {
        let base = self.rope.base.to_bits() == 500_000_f32.to_bits();
        if self.architecture != "bitnet" || self.n_vocab != 128_256 || !base {
            return Ok(());
        }
        Err(wrong(format!(
            "{FILE}: expected other sizes than those of BitNet 2B-4T for a SiLU gate, found its vocabulary and RoPE base: \
             readers would take the gate for a squared one"
        )))
    }

    /// Width of all query heads together.
    pub(super) const fn q_width(&self) -> usize {
        self.n_heads * self.head_dim
    }

    /// Width of all key (or value) heads together.
    pub(super) const fn kv_width(&self) -> usize {
        self.n_kv_heads * self.head_dim
    }
}

fn family(config: Object<'_>) -> Result<&'static Family> {
    let classes = config.get("architectures").and_then(Value::as_array);
    let class = classes.and_then(|classes| classes.first()).and_then(Value::as_str);
    let found = FAMILIES.iter().copied().find(|f| class.is_some_and(|c| f.class == c));
    found.ok_or_else(|| {
        let known: Vec<&str> = FAMILIES.iter().map(|family| family.class).collect();
        let text = format!(
            "{FILE} key `architectures`: expected one of {}, found {}",
            known.join(", "),
            class.map_or_else(|| "none".to_owned(), |class| format!("{class:?}"))
        );
        Error::new(ErrorKind::UnsupportedArchitecture, text)
    })
}

fn architecture(config: Object<'_>, family: &Family) -> Result<&'static str> {
    let activation = config.find_text("hidden_act")?;
    let known = family.architectures.iter();
    let found = known.clone().find(|(name, _)| activation == Some(name));
    found.map(|(_, architecture)| *architecture).ok_or_else(|| {
        let names: Vec<&str> = known.map(|(name, _)| *name).collect();
        config.refuse("hidden_act", &names.join(" or "))
    })
}

/// Parts of other models: the engine's graphs have no place for them.
fn refuse_unknown_parts(config: Object<'_>) -> Result<()> {
    for key in ["attention_bias", "mlp_bias"] {
        if config.find_flag(key)? == Some(true) {
            return Err(config.refuse(key, "false: the engine's graphs have no biases"));
        }
    }
    if config.find_positive("partial_rotary_factor")?.is_some_and(|factor| factor < 1.0) {
        return Err(config.refuse("partial_rotary_factor", "1: RoPE turns whole heads"));
    }
    Ok(())
}

/// An id, the first of several.
fn token(config: Object<'_>, key: &str) -> Option<u32> {
    let value = config.get(key)?;
    let value = value.as_array().map_or(Some(value), |ids| ids.first())?;
    value.as_u64().and_then(|id| u32::try_from(id).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn llama() -> Value {
        json!({
            "architectures": ["LlamaForCausalLM"], "hidden_act": "silu", "hidden_size": 128, "intermediate_size": 384,
            "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 320, "max_position_embeddings": 64,
            "rms_norm_eps": 1e-5, "eos_token_id": [7, 8],
        })
    }

    fn refused(key: &str, value: Value) -> String {
        let mut config = llama();
        config[key] = value;
        Config::read(&config).unwrap_err().to_string()
    }

    #[test]
    fn what_a_config_leaves_out_has_the_defaults_of_transformers() {
        let config = Config::read(&llama()).unwrap();
        assert_eq!((config.n_kv_heads, config.head_dim), (4, 32));
        assert_eq!((config.tied, config.bos, config.eos), (None, None, Some(7)));
        assert!((config.rope.base - 10_000.0).abs() < 1e-9 && config.rope.factors.is_none());
    }

    #[test]
    fn what_the_graph_has_no_place_for_is_refused_by_key() {
        for (key, value, expected) in [
            ("hidden_size", json!("big"), "whole number"),
            ("hidden_size", json!(0), "whole number"),
            ("hidden_size", json!(1_u64 << 40), "whole number"),
            ("hidden_size", json!(130), "divisor"),
            ("hidden_size", json!(4), "even"),
            ("num_key_value_heads", json!(3), "divisor"),
            ("head_dim", json!(33), "even"),
            ("rms_norm_eps", json!(-1.0), "above 0"),
            ("vocab_size", json!(null), "whole number"),
            ("attention_bias", json!(true), "biases"),
            ("mlp_bias", json!(true), "biases"),
            ("partial_rotary_factor", json!(0.5), "whole heads"),
            ("hidden_act", json!("gelu"), "silu"),
            ("rope_scaling", json!({"type": "linear", "factor": 2.0}), "llama3"),
            ("quantization_config", json!({"quant_method": "awq"}), "bitnet"),
        ] {
            let text = refused(key, value.clone());
            assert!(
                text.contains("config.json") && text.contains(expected),
                "{key} {value}: {text}"
            );
        }
    }

    #[test]
    fn a_silu_gate_with_the_sizes_of_2b_4t_is_refused_since_no_reader_would_see_it() {
        let mut config = llama();
        config["architectures"] = json!(["BitnetForCausalLM"]);
        assert_eq!(Config::read(&config).unwrap().architecture, "bitnet");
        (config["vocab_size"], config["rope_theta"]) = (json!(128_256), json!(500_000.0));
        assert!(Config::read(&config).unwrap_err().to_string().contains("2B-4T"));
        config["rope_theta"] = json!(10_000.0);
        assert_eq!(Config::read(&config).unwrap().architecture, "bitnet");
    }

    #[test]
    fn an_unknown_class_lists_the_known_ones() {
        let error = |value: Value| {
            let mut config = llama();
            config["architectures"] = value;
            Config::read(&config).unwrap_err()
        };
        for value in [json!(["GemmaForCausalLM"]), json!([]), json!(null), json!(3)] {
            let error = error(value);
            assert_eq!(error.kind(), ErrorKind::UnsupportedArchitecture);
            assert!(error.to_string().contains("BitNetForCausalLM"), "{error}");
        }
        assert!(Config::read(&json!([])).is_err());
    }
}
