//! A triage as Markdown, for a pull request or a check run. In: a triage and its bundle. Out: text; names from records say nothing
//! but themselves.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Attribution, Triage};
use crate::text::plain;

impl Triage {
    /// The document.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut said = "## Triage: where the time went, head against base\n\n".to_owned();
        for refusal in &self.refusals {
            let _ = writeln!(
                said,
                "- refused by the rule `{}`: {}: expected {}, found {}",
                refusal.rule,
                plain(&refusal.field),
                plain(&refusal.expected),
                plain(&refusal.found)
            );
        }
        if !self.refusals.is_empty() {
            return said;
        }
        let _ =
            writeln!(said, "{} pairs, {} left out as disturbed.", self.n_pairs, self.n_disturbed);
        for workload in &self.workloads {
            said += &table(workload);
        }
        if self.products.iter().any(|product| product.change.is_sure()) {
            said += "\n| product by itself | base ns | head ns | change | 95 % together |\n|---|---:|---:|---:|---:|\n";
        }
        for product in self.products.iter().filter(|product| product.change.is_sure()) {
            let change = &product.change;
            let _ = writeln!(
                said,
                "| {} | {:.0} | {:.0} | {} | {} to {} |",
                plain(&product.workload),
                change.base_ns,
                change.head_ns,
                percent(change.share),
                percent(change.low),
                percent(change.high)
            );
        }
        if !self.hints.is_empty() {
            said.push('\n');
        }
        for hint in &self.hints {
            let _ = writeln!(said, "- **{}**: {}", hint.kind, plain(&hint.text));
        }
        if self.is_silent() {
            said += "\nNo difference was found: nothing to explain within these intervals.\n";
        }
        said
    }

    /// The same in short, for a route: what is named, with its interval, and what else differs.
    pub(crate) fn to_value(&self) -> Value {
        let named = self.workloads.iter().flat_map(|workload| {
            workload.named().map(|part| {
                json!({
                    "workload": workload.workload,
                    "span": part.name,
                    "kernels": part.kernels,
                    "change_of_whole": part.change.share,
                    "low": part.change.low,
                    "high": part.change.high,
                    "evidence": part.evidence,
                })
            })
        });
        let products = self.products.iter().filter(|product| product.change.is_sure());
        let hints = self.hints.iter().filter(|hint| hint.explains);
        json!({
            "headline": self.headline(),
            "pairs": self.n_pairs,
            "spans": named.collect::<Vec<_>>(),
            "products": products
                .map(|product| json!({
                    "product": product.workload,
                    "change": product.change.share,
                    "low": product.change.low,
                    "high": product.change.high,
                }))
                .collect::<Vec<_>>(),
            "hints": hints.map(|hint| json!({ "kind": hint.kind, "text": hint.text })).collect::<Vec<_>>(),
            "refused": self.refusals.iter().map(|refusal| refusal.rule).collect::<Vec<_>>(),
        })
    }

    /// What was found, in a line: the parts that are named, and the kinds of hints.
    #[must_use]
    pub fn headline(&self) -> String {
        let named = self.workloads.iter().flat_map(|workload| {
            workload.named().map(|part| {
                format!("{}/{} {}", workload.workload, part.name, percent(part.change.share))
            })
        });
        let hints = self.hints.iter().filter(|hint| hint.explains).map(|hint| hint.kind.to_owned());
        let all: Vec<String> = named.chain(hints).collect();
        if all.is_empty() { "no difference was found".to_owned() } else { plain(&all.join(", ")) }
    }
}

fn table(workload: &Attribution) -> String {
    let whole = &workload.whole;
    let mut said = format!(
        "\n**{}** {}: {:.0} → {:.0} ns, {} ({} to {})\n\n",
        plain(&workload.workload),
        plain(&workload.metric),
        whole.base_ns,
        whole.head_ns,
        percent(whole.share),
        percent(whole.low),
        percent(whole.high)
    );
    let part = if workload.is_of_command() { "part" } else { "span" };
    let _ = write!(
        said,
        "| {part} | base ns | head ns | change, of the whole | 95 % together | share of the change |\n|---|---:|---:|---:|---:|---:|\n"
    );
    let named: Vec<&str> = workload.named().map(|part| part.name.as_str()).collect();
    for part in &workload.parts {
        let mark = if named.contains(&part.name.as_str()) { "**" } else { "" };
        let _ = writeln!(
            said,
            "| {mark}{}{mark} | {:.0} | {:.0} | {} | {} to {} | {} |",
            plain(&part.name),
            part.change.base_ns,
            part.change.head_ns,
            percent(part.change.share),
            percent(part.change.low),
            percent(part.change.high),
            part.of_whole.map_or_else(String::new, |share| format!("{:.0} %", share * 100.0))
        );
    }
    said
}

fn percent(share: f64) -> String {
    format!("{:+.2} %", share * 100.0)
}
