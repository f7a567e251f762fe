//! Wire forms of `record/subject.rs`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::{Hex, Mirror, mirror, present};
use crate::record as domain;

/// The program that wrote the record.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tool {
    name: String,
    version: String,
    #[serde(deserialize_with = "present")]
    commit: Option<String>,
    #[serde(deserialize_with = "present")]
    dirty: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-since" = "1.2"))]
    tree: Option<String>,
    toolchain: String,
    profile: String,
    target: String,
    features: Vec<String>,
}

mirror!(Tool for domain::Tool { name, version, commit, dirty, tree, toolchain, profile, target, features });

/// What was measured, its fields known to fit each other.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Subject(Fields);

impl JsonSchema for Subject {
    fn schema_name() -> Cow<'static, str> {
        "Subject".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Fields::json_schema(generator)
    }
}

/// What was measured: the engine (`model` and `settings`), or an external command (`command`, the other two null).
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    binary: Hex,
    binary_bytes: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-since" = "1.1"))]
    layouts: Vec<Layout>,
    #[serde(deserialize_with = "present")]
    model: Option<ModelInfo>,
    #[serde(deserialize_with = "present")]
    settings: Option<Settings>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-since" = "1.1"))]
    command: Option<CommandInfo>,
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Fields::deserialize(deserializer)?;
        let Fields { model, settings, command, .. } = &fields;
        match (model, settings, command) {
            (Some(_), Some(_), None) | (None, None, Some(_)) => Ok(Self(fields)),
            _ => Err(de::Error::custom(
                "expected `model` and `settings` of the engine, or `command` and null in both, found another mixture",
            )),
        }
    }
}

impl Mirror<domain::Subject> for Subject {
    fn of(subject: &domain::Subject) -> Self {
        let domain::Subject { binary, binary_bytes, layouts, what } = subject;
        let (model, settings, command) = match what {
            domain::What::Engine(domain::Engine { model, settings }) => {
                (Some(Mirror::of(model)), Some(Mirror::of(settings)), None)
            }
            domain::What::Command(command) => (None, None, Some(Mirror::of(command))),
        };
        let (binary, binary_bytes) = (Mirror::of(binary), Mirror::of(binary_bytes));
        let layouts = Mirror::of(layouts);
        Self(Fields { binary, binary_bytes, layouts, model, settings, command })
    }

    fn into_domain(self) -> domain::Subject {
        let Fields { binary, binary_bytes, layouts, model, settings, command } = self.0;
        let what = match (model, settings, command) {
            (Some(model), Some(settings), None) => domain::What::Engine(domain::Engine {
                model: model.into_domain(),
                settings: settings.into_domain(),
            }),
            (None, None, Some(command)) => domain::What::Command(command.into_domain()),
            _ => unreachable!("checked where it is deserialized, and made from one of the two"),
        };
        domain::Subject {
            binary: binary.into_domain(),
            binary_bytes: binary_bytes.into_domain(),
            layouts: layouts.into_domain(),
            what,
        }
    }
}

/// One link of a build.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Layout {
    binary: Hex,
    seed: u64,
}

mirror!(Layout for domain::Layout { binary, seed });

/// A command line and how it is run.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CommandInfo {
    line: String,
    #[serde(deserialize_with = "present")]
    shell: Option<String>,
    #[serde(deserialize_with = "present")]
    setup: Option<String>,
    #[serde(deserialize_with = "present")]
    prepare: Option<String>,
    #[serde(deserialize_with = "present")]
    cleanup: Option<String>,
    parameters: Vec<String>,
    timeout_ms: u64,
    ignore_failure: bool,
    same_output: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-since" = "1.1"))]
    bench: Option<BenchTarget>,
}

mirror!(CommandInfo for domain::CommandInfo {
    line, shell, setup, prepare, cleanup, parameters, timeout_ms, ignore_failure, same_output, bench,
});

/// A Criterion bench target.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BenchTarget {
    package: String,
    name: String,
    #[serde(deserialize_with = "present")]
    commit: Option<String>,
}

mirror!(BenchTarget for domain::BenchTarget { package, name, commit });

/// A model as its own file describes it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ModelInfo {
    name: String,
    digest: Hex,
    file_bytes: u64,
    architecture: String,
    n_layers: u64,
    n_embd: u64,
    n_ff: u64,
    n_heads: u64,
    n_kv_heads: u64,
    head_dim: u64,
    n_vocab: u64,
    n_ctx: u64,
    linears: Vec<Linear>,
}

mirror!(ModelInfo for domain::ModelInfo {
    name, digest, file_bytes, architecture, n_layers, n_embd, n_ff, n_heads, n_kv_heads, head_dim, n_vocab, n_ctx,
    linears,
});

/// One kind of matrix product of the model.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Linear {
    name: String,
    rows: u64,
    cols: u64,
    format: String,
    n: u64,
    bytes: u64,
    once_per_sequence: bool,
}

mirror!(Linear for domain::Linear { name, rows, cols, format, n, bytes, once_per_sequence });

/// How the engine was set up.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    isa: String,
    threads: u64,
    pinned: bool,
    activations: String,
    batch: u64,
    device_requested: String,
    device_selected: String,
    #[serde(deserialize_with = "present")]
    fallback: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-since" = "1.4"))]
    head: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-since" = "1.4"))]
    weights_copied_bytes: Option<u64>,
}

mirror!(Settings for domain::Settings {
    isa, threads, pinned, activations, batch, device_requested, device_selected, fallback, head, weights_copied_bytes,
});
