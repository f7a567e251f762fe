//! The published schemas, as text: what `cargo xtask schemas` writes to `baselines/schema/` and compares.

use serde_json::Value;

use crate::{check, evidence, record, store};

/// File name and text of every published schema.
#[must_use]
pub fn schemas() -> Vec<(&'static str, String)> {
    vec![
        ("baseline-entry.v1.json", text(&store::entry_schema())),
        ("baseline-head.v1.json", text(&store::head_schema())),
        ("check-record.v1.json", text(&check::wire::schema())),
        ("evidence.v1.json", text(&evidence::wire::schema())),
        ("run-record.v1.json", text(&record::wire::schema())),
    ]
}

fn text(schema: &Value) -> String {
    format!("{schema:#}\n")
}
