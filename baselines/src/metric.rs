//! The register of metrics: name, unit, direction, meaning. A series whose metric is not here is refused.

use crate::unit::Unit;

/// Which direction is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Smaller is better.
    Lower,
    /// Larger is better.
    Higher,
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Snake-case name, unit last.
    pub name: &'static str,
    /// Base unit of the samples.
    pub unit: Unit,
    /// Which direction is better.
    pub better: Better,
    /// What one sample is.
    pub meaning: &'static str,
}

/// All metrics, sorted by name.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "batch_step_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "one decode step of several sequences together: from their sampled tokens to their next ones",
    },
    Metric {
        name: "blocks_read_count",
        unit: Unit::Count,
        better: Better::Lower,
        meaning: "blocks of 512 bytes that one run of a command had the system read from a disk",
    },
    Metric {
        name: "blocks_written_count",
        unit: Unit::Count,
        better: Better::Lower,
        meaning: "blocks of 512 bytes that one run of a command had the system write to a disk",
    },
    Metric {
        name: "cpu_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "processor time, user and system, of one run of a command and the children it waited for",
    },
    Metric {
        name: "decode_step_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "one decode step: from a sampled token to the next sampled token",
    },
    Metric {
        name: "e2e_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "prompt text to last token's text: tokenize, prefill, decode, detokenize",
    },
    Metric {
        name: "gemm_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "pack the activations of some tokens and multiply them with one stored matrix",
    },
    Metric {
        name: "generation_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "one short generation by the production engine: prompt text to last token's text",
    },
    Metric {
        name: "involuntary_switches_count",
        unit: Unit::Count,
        better: Better::Lower,
        meaning: "times during one run of a command that the system took it off a CPU",
    },
    Metric {
        name: "iteration_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "one iteration of a Criterion benchmark: the time of a sample over its iterations",
    },
    Metric {
        name: "load_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "model bytes to a session ready for its first token, digest apart",
    },
    Metric {
        name: "major_faults_count",
        unit: Unit::Count,
        better: Better::Lower,
        meaning: "page faults during one run of a command that read from a disk",
    },
    Metric {
        name: "matmul_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "one token through every linear of one layer, at the model's shapes",
    },
    Metric {
        name: "max_rss_bytes",
        unit: Unit::Bytes,
        better: Better::Lower,
        meaning: "largest resident set of one run of a command, or of the largest of its children",
    },
    Metric {
        name: "minor_faults_count",
        unit: Unit::Count,
        better: Better::Lower,
        meaning: "page faults during one iteration, or one run of a command, that read nothing from disk",
    },
    Metric {
        name: "preemptions_count",
        unit: Unit::Count,
        better: Better::Lower,
        meaning: "times during one iteration that the system took the first thread off its CPU",
    },
    Metric {
        name: "prefill_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "prompt ids to the logits of the last prompt token",
    },
    Metric {
        name: "quantize_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "quantize and dequantize one seeded f32 tensor",
    },
    Metric {
        name: "rss_bytes",
        unit: Unit::Bytes,
        better: Better::Lower,
        meaning: "resident set of the process after a generation",
    },
    Metric {
        name: "sample_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "choose one token of given logits, every stage of the sampler on",
    },
    Metric {
        name: "settings_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "one seeded request in every setting: threads, instruction sets, batches, with and without a kept prefix",
    },
    Metric {
        name: "span_attend_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "the attention spans of one sample: scores, softmax, and the weighted sum of values",
    },
    Metric {
        name: "span_attn_norm_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "the spans before attention: norm, and packing for the products with it",
    },
    Metric {
        name: "span_attn_output_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "the spans of the product behind attention",
    },
    Metric {
        name: "span_attn_qkv_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "the spans of the products that make queries, keys and values",
    },
    Metric {
        name: "span_attn_sub_norm_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "the spans behind attention: norm, where there is one, and packing",
    },
    Metric {
        name: "span_embed_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "the span of the embedding's rows",
    },
    Metric {
        name: "span_ffn_down_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "the spans of the down product",
    },
    Metric {
        name: "span_ffn_gate_up_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "the spans of the gate and up products, and of the activation function",
    },
    Metric {
        name: "span_ffn_norm_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "the spans before the feed-forward part: norm, and packing",
    },
    Metric {
        name: "span_ffn_sub_norm_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "the spans before the down product: norm, where there is one, and packing",
    },
    Metric {
        name: "span_output_norm_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "the span of the last norm",
    },
    Metric {
        name: "span_output_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "the span of the output matrix",
    },
    Metric {
        name: "span_packed_rows_count",
        unit: Unit::Count,
        better: Better::Lower,
        meaning: "rows of activations packed for products, by one sample",
    },
    Metric {
        name: "span_rope_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "the spans of the rotation of queries and keys, and of writing keys and values",
    },
    Metric {
        name: "span_stamps_count",
        unit: Unit::Count,
        better: Better::Lower,
        meaning: "readings of the clock for the spans of one sample",
    },
    Metric {
        name: "span_wait_turns_count",
        unit: Unit::Count,
        better: Better::Lower,
        meaning: "turns of a loop in which the first thread waited for the others, in one sample",
    },
    Metric {
        name: "system_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "processor time that the system took for one run of a command and the children it waited for",
    },
    Metric {
        name: "thousand_stamps_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "a thousand readings of the clock that stamps spans",
    },
    Metric {
        name: "thousand_turns_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "a thousand turns of the loop in which threads wait for each other",
    },
    Metric {
        name: "tokenize_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "a text of a given size to token ids",
    },
    Metric {
        name: "ttft_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "prompt to the first token, as the caller gets it",
    },
    Metric {
        name: "user_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "processor time that one run of a command and the children it waited for took themselves",
    },
    Metric {
        name: "voluntary_switches_count",
        unit: Unit::Count,
        better: Better::Lower,
        meaning: "times during one run of a command that it waited, and left its CPU for that",
    },
    Metric {
        name: "wall_ns",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        meaning: "one run of a command on the monotonic clock: start of the process to its end",
    },
];

/// Metrics of external commands, sorted: on no other workload, and there beside the suite's own only.
pub const COMMAND_METRICS: [&str; 3] = ["cpu_ns", "max_rss_bytes", "wall_ns"];

/// What a session of triage reads of commands beside these, sorted: parts of the wall time, and counts of the system's.
pub const COMMAND_TRIAGE_METRICS: [&str; 8] = [
    "blocks_read_count",
    "blocks_written_count",
    "involuntary_switches_count",
    "major_faults_count",
    "minor_faults_count",
    "system_ns",
    "user_ns",
    "voluntary_switches_count",
];

/// Both parts of processor time. Either may be 0: a system that counts whole ticks may give all of a short run to the other.
pub const PROCESSOR_TIMES: [&str; 2] = ["system_ns", "user_ns"];

/// What a loop of a fixed length takes that touches no memory: on a machine that nothing disturbs the same to the nanosecond each time.
pub const LOOP_COSTS: [&str; 2] = ["thousand_stamps_ns", "thousand_turns_ns"];

/// How the names of metrics of spans begin: parts of what a sample of the workload's own metric times, or counts about it; one
/// sample for each of its samples.
pub const SPAN_PREFIX: &str = "span_";

/// The one metric of Criterion benchmarks, and of no other workload.
pub const BENCH_METRIC: &str = "iteration_ns";

impl Metric {
    /// Whether its samples are intervals on one clock, of which no two may overlap: processor time adds up over threads,
    /// an iteration of a benchmark is a share of one, spans are parts of another metric's samples, and what a loop costs may be the same
    /// again and again.
    #[must_use]
    pub fn is_interval(&self) -> bool {
        self.unit == Unit::Nanoseconds
            && !["cpu_ns", BENCH_METRIC].contains(&self.name)
            && !PROCESSOR_TIMES.contains(&self.name)
            && !LOOP_COSTS.contains(&self.name)
            && !self.name.starts_with(SPAN_PREFIX)
    }
}

/// The metric called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_sorted_and_unique() {
        for two in METRICS.windows(2) {
            assert!(two[0].name < two[1].name, "{} before {}", two[0].name, two[1].name);
        }
    }

    #[test]
    fn names_are_snake_case_and_end_in_their_unit() {
        for metric in METRICS {
            let name = metric.name;
            assert!(name.starts_with(|c: char| c.is_ascii_lowercase()), "{name}");
            assert!(name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_')), "{name}");
            assert!(!name.contains("__"), "{name}");
            assert!(name.ends_with(metric.unit.suffix()), "{name} is in {:?}", metric.unit);
            assert!(!metric.meaning.is_empty(), "{name}");
        }
    }

    #[test]
    fn metrics_of_commands_are_in_the_register_and_only_known_ones_are_no_intervals() {
        let all = COMMAND_METRICS.into_iter().chain(COMMAND_TRIAGE_METRICS);
        for name in all.chain([BENCH_METRIC]) {
            assert!(find(name).is_some(), "{name}");
        }
        let others = METRICS.iter().filter(|m| {
            m.unit == Unit::Nanoseconds && !m.is_interval() && !m.name.starts_with(SPAN_PREFIX)
        });
        let [stamps, turns] = LOOP_COSTS;
        assert_eq!(
            others.map(|m| m.name).collect::<Vec<_>>(),
            ["cpu_ns", BENCH_METRIC, "system_ns", stamps, turns, "user_ns"]
        );
    }

    #[test]
    fn every_metric_is_found_by_its_name_and_no_other_is() {
        for metric in METRICS {
            assert_eq!(find(metric.name), Some(metric));
        }
        assert_eq!(find("decode_step"), None);
    }
}
