//! RoPE as config.json states it: the base, and what long-context training divides each frequency by.

use std::f64::consts::TAU;

use super::json::Object;
use crate::Result;

/// Frequencies `base^(-2i/d)`, each divided by a factor where there are any.
#[derive(Debug)]
pub(super) struct Rope {
    pub(super) base: f32,
    pub(super) factors: Option<Llama3>,
}

/// Llama 3.1's scaling: short wavelengths stay, long ones are divided by `factor`, those between by something between.
#[derive(Debug)]
pub(super) struct Llama3 {
    factor: f64,
    low: f64,
    high: f64,
    n_ctx_original: f64,
}

impl Rope {
    /// `rope_parameters` (transformers 5), or `rope_theta` and `rope_scaling` (before).
    pub(super) fn read(config: Object<'_>, base: f32, n_ctx: usize) -> Result<Self> {
        let parameters = config.object("rope_parameters")?;
        let old_base = config.find_positive("rope_theta")?;
        let new_base = match parameters {
            Some(parameters) => parameters.find_positive("rope_theta")?,
            None => None,
        };
        let base = new_base.or(old_base).unwrap_or(base);
        if base < 1.0 {
            return Err(config.refuse("rope_theta", "a number of at least 1"));
        }
        let Some(scaling) = parameters.or(config.object("rope_scaling")?) else {
            return Ok(Self { base, factors: None });
        };
        let key = if scaling.get("rope_type").is_some() { "rope_type" } else { "type" };
        let factors = match scaling.find_text(key)? {
            None | Some("default") => None,
            Some("llama3") => Some(Llama3::read(scaling, n_ctx)?),
            Some(_) => return Err(scaling.refuse(key, "default or llama3")),
        };
        if scaling.find_positive("partial_rotary_factor")?.is_some_and(|factor| factor < 1.0) {
            return Err(scaling.refuse("partial_rotary_factor", "1: RoPE turns whole heads"));
        }
        Ok(Self { base, factors })
    }
}

impl Llama3 {
    fn read(scaling: Object<'_>, n_ctx: usize) -> Result<Self> {
        let number = |key: &str| scaling.positive(key).map(f64::from);
        let (low, high) = (number("low_freq_factor")?, number("high_freq_factor")?);
        if low >= high {
            return Err(
                scaling.refuse("high_freq_factor", &format!("more than the low one, {low}"))
            );
        }
        let n_ctx_original =
            scaling.find_count("original_max_position_embeddings")?.unwrap_or(n_ctx);
        #[expect(clippy::cast_precision_loss, reason = "a length far below 2^53")]
        Ok(Self { factor: number("factor")?, low, high, n_ctx_original: n_ctx_original as f64 })
    }

    /// What each of the `head_dim / 2` frequencies is divided by: the tensor `rope_freqs.weight`.
    ///
    /// With wavelength `L = 2π / frequency` and the original context `C`: 1 where `L < C / high`, `factor` where
    /// `L > C / low`, else `1 / ((1 - s) / factor + s)`, `s = (C / L - low) / (high - low)`.
    /// Source: transformers, `modeling_rope_utils.py`; llama.cpp, `conversion/llama.py`.
    pub(super) fn divisors(&self, base: f32, head_dim: usize) -> Vec<f32> {
        let divisor = |i: usize| {
            #[expect(clippy::cast_precision_loss, reason = "sizes of a head, far below 2^53")]
            let frequency = libm::pow(f64::from(base), -2.0 * i as f64 / head_dim as f64);
            let turns = self.n_ctx_original * frequency / TAU;
            let divisor = if turns > self.high {
                1.0
            } else if turns < self.low {
                self.factor
            } else {
                let s = (turns - self.low) / (self.high - self.low);
                1.0 / ((1.0 - s) / self.factor + s)
            };
            #[expect(clippy::cast_possible_truncation, reason = "the tensor is of f32")]
            let divisor = divisor as f32;
            divisor
        };
        (0..head_dim / 2).map(divisor).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn long_wavelengths_are_divided_short_ones_stay() {
        // Llama 3.1: base 5e5, heads of 128, factor 8, 1, 4, original context 8192. The ends are as stated; where they
        // begin is where the wavelength passes 2048 and 8192, computed by hand: i = 28.2 and 35.0.
        let scaling = json!({
            "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192
        });
        let config = json!({"rope_theta": 500_000.0, "rope_scaling": scaling});
        let rope = Rope::read(Object::of("config.json", &config).unwrap(), 1e4, 131_072).unwrap();
        let divisors = rope.factors.unwrap().divisors(rope.base, 128);
        assert_eq!(divisors.len(), 64);
        assert!(divisors[..29].iter().all(|d| d.to_bits() == 1.0_f32.to_bits()));
        assert!(divisors[35..].iter().all(|d| d.to_bits() == 8.0_f32.to_bits()), "{divisors:?}");
        assert!(divisors[28..36].is_sorted() && divisors[29] > 1.0 && divisors[34] < 8.0);
    }

    #[test]
    fn the_base_is_found_in_both_places_and_odd_scalings_are_refused() {
        let read = |value| Rope::read(Object::of("config.json", &value).unwrap(), 1e4, 64);
        let base = |value| read(value).unwrap().base;
        assert!((base(json!({})) - 1e4).abs() < 1e-9);
        assert!((base(json!({"rope_theta": 5e5})) - 5e5).abs() < 1e-9);
        let new = json!({"rope_parameters": {"rope_type": "default", "rope_theta": 2e4}});
        assert!((base(new) - 2e4).abs() < 1e-9);
        for value in [
            json!({"rope_theta": 0.5}),
            json!({"rope_theta": "x"}),
            json!({"rope_scaling": []}),
            json!({"rope_scaling": {"rope_type": "yarn"}}),
            json!({"rope_scaling": {"rope_type": 3}}),
            json!({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}),
            json!({"rope_parameters": {"partial_rotary_factor": 0.5}}),
            json!({"rope_scaling":
                {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 4.0, "high_freq_factor": 4.0}}),
        ] {
            assert!(read(value.clone()).is_err(), "{value}");
        }
    }
}
