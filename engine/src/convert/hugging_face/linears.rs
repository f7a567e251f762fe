//! How a checkpoint stores its linears: `quantization_config` in config.json.

use serde_json::Value;

use super::{Family, config::FILE, json::Object, wrong};
use crate::Result;

/// What the tensor NAME.weight of a linear holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Linears {
    /// The weights of a dense model.
    Dense,
    /// Weights that are made ternary whenever they are used (`online`).
    Master,
    /// Trits, four in a byte, with a `weight_scale` beside them (`offline`).
    Packed(Scale),
}

/// What `weight_scale` does to an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// Class `AutoBitLinear`.
    Multiplies,
    /// Class `BitLinear`.
    Divides,
}

impl Linears {
    /// Source: transformers, `utils/quantization_config.py` (`BitNetQuantConfig`, with its defaults) and
    /// `integrations/bitnet.py`.
    pub(super) fn read(config: Object<'_>, family: &Family) -> Result<Self> {
        let Some(quantization) = config.object("quantization_config")? else {
            return default(config, family);
        };
        if quantization.find_text("quant_method")? != Some("bitnet") {
            return Err(quantization.refuse("quant_method", "bitnet"));
        }
        if quantization.find_flag("use_rms_norm")? == Some(true) {
            return Err(quantization.refuse("use_rms_norm", "false: the graphs have no such norms"));
        }
        let head_only = |names: &Value| {
            let names = names.as_array();
            names.is_some_and(|names| names.iter().all(|name| name.as_str() == Some("lm_head")))
        };
        if quantization.get("modules_to_not_convert").is_some_and(|names| !head_only(names)) {
            return Err(quantization.refuse("modules_to_not_convert", "no more than lm_head"));
        }
        let class = quantization.find_text("linear_class")?.unwrap_or("bitlinear");
        let mode = quantization.find_text("quantization_mode")?.unwrap_or("offline");
        match (class, mode) {
            // The class has packed weights only, whatever the mode.
            ("bitlinear", "online" | "offline") => Ok(Self::Packed(Scale::Divides)),
            ("autobitlinear", "offline") => Ok(Self::Packed(Scale::Multiplies)),
            ("autobitlinear", "online") => Ok(Self::Master),
            ("bitlinear" | "autobitlinear", _) => {
                Err(quantization.refuse("quantization_mode", "online or offline"))
            }
            _ => Err(quantization.refuse("linear_class", "bitlinear or autobitlinear")),
        }
    }
}

/// Without `quantization_config`. 1bitLLM's class has `weight_bits` and `input_bits` in place of it.
fn default(config: Object<'_>, family: &Family) -> Result<Linears> {
    for (key, bits) in [("weight_bits", 1), ("input_bits", 8)] {
        if config.find_count(key)?.is_some_and(|found| found != bits) {
            return Err(config.refuse(key, &bits.to_string()));
        }
    }
    family.linears.ok_or_else(|| {
        wrong(format!(
            "{FILE} key `quantization_config`: expected one with `quant_method` bitnet, found none, which means dense linears \
             to transformers; for master weights add linear_class autobitlinear, quantization_mode online"
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{
        bitnet::{BITNET, BITNET_1BITLLM},
        llama::LLAMA,
    };
    use super::*;

    fn read(value: &Value, family: &Family) -> Result<Linears> {
        Linears::read(Object::of(FILE, value).unwrap(), family)
    }

    #[test]
    fn class_and_mode_say_what_is_stored_and_what_the_scale_does() {
        let of = |class: Value, mode: Value| {
            let quantization =
                json!({"quant_method": "bitnet", "linear_class": class, "quantization_mode": mode});
            read(&json!({"quantization_config": quantization}), &LLAMA).ok()
        };
        let (auto, plain) = (json!("autobitlinear"), json!("bitlinear"));
        assert_eq!(of(auto.clone(), json!("online")), Some(Linears::Master));
        assert_eq!(of(auto.clone(), json!("offline")), Some(Linears::Packed(Scale::Multiplies)));
        assert_eq!(of(plain, json!("offline")), Some(Linears::Packed(Scale::Divides)));
        assert_eq!(of(json!(null), json!(null)), Some(Linears::Packed(Scale::Divides)));
        assert_eq!(of(auto, json!("sometimes")), None);
        assert_eq!(of(json!("linear"), json!("online")), None);
    }

    #[test]
    fn a_bitnet_without_a_word_about_its_linears_is_refused() {
        assert_eq!(read(&json!({}), &LLAMA).unwrap(), Linears::Dense);
        assert!(read(&json!({}), &BITNET).unwrap_err().to_string().contains("online"));
        let bits = |bits: u64| json!({"weight_bits": bits, "input_bits": 8});
        assert_eq!(read(&bits(1), &BITNET_1BITLLM).unwrap(), Linears::Master);
        assert!(read(&bits(2), &BITNET_1BITLLM).is_err());
    }

    #[test]
    fn other_quantisations_are_refused() {
        for quantization in [
            json!({}),
            json!("bitnet"),
            json!({"quant_method": "gptq"}),
            json!({"quant_method": "bitnet", "use_rms_norm": true}),
            json!({"quant_method": "bitnet", "modules_to_not_convert": ["model.layers.0"]}),
        ] {
            let config = json!({"quantization_config": quantization});
            assert!(read(&config, &LLAMA).is_err(), "{config}");
        }
        let head = json!({"quant_method": "bitnet", "modules_to_not_convert": ["lm_head"]});
        assert!(read(&json!({"quantization_config": head}), &LLAMA).is_ok());
    }
}
