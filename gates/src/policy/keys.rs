//! The keys a policy may have, table by table, and the nearest one for a key it may not.
//! In: a parsed TOML table. Out: nothing, or what is wrong with which key.

use toml::{Table, Value};

/// Every table with its keys. Arrays of tables stand under the name of the array.
const KEYS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "budgets", "exact", "gated", "gates", "levels", "pairs", "physics", "routes",
            "verdict", "version", "waiver",
        ],
    ),
    ("budgets", &["accuracy", "inference", "kernels", "load", "time"]),
    ("budgets.accuracy", &["minimum", "positions"]),
    ("budgets.inference", &["decode", "limit_ms", "prefill", "tokens"]),
    ("budgets.kernels", &["minimum_mega_macs_per_s"]),
    ("budgets.load", &["judge", "limit_ms", "model", "workload"]),
    ("budgets.time", &["limit_us", "metric", "workload"]),
    ("exact", &["max_increase", "metric", "required"]),
    ("gated", &["margin_negligible", "margin_unacceptable", "metric", "workload"]),
    ("gates", &["protected", "required"]),
    ("levels", &["fail", "pass"]),
    ("pairs", &["looks"]),
    ("physics", &["slack"]),
    (
        "routes",
        &[
            "fail",
            "fail_unconfirmed",
            "from",
            "incomparable",
            "inconclusive",
            "invalid",
            "max_attempts",
            "max_remeasurements",
            "pass",
            "rework",
        ],
    ),
    ("verdict", &["conclusion_when_inconclusive", "fail_on"]),
    ("waiver", &["ceiling", "expires", "metric", "owner", "reason", "workload"]),
];

/// The first unknown key of `table`, which stands at `path`, as the text of an error.
pub(super) fn unknown(table: &Table, path: &str) -> Option<String> {
    let (_, known) = KEYS.iter().find(|(name, _)| *name == path)?;
    for (key, value) in table {
        let here = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        if !known.contains(&key.as_str()) {
            let nearest = nearest(key, known);
            return Some(format!("policy key `{here}` is unknown; nearest: `{nearest}`"));
        }
        let found = match value {
            Value::Table(inner) => unknown(inner, &here),
            Value::Array(items) => {
                items.iter().filter_map(Value::as_table).find_map(|inner| unknown(inner, &here))
            }
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// The known name with the fewest edits to `name`; the first of equals.
fn nearest<'a>(name: &str, known: &[&'a str]) -> &'a str {
    let closest = known.iter().min_by_key(|candidate| strsim::damerau_levenshtein(name, candidate));
    closest.expect("every table of a policy has keys")
}

#[cfg(test)]
mod tests {
    use toml::Table;

    use super::{KEYS, unknown};
    use crate::policy::DEFAULT_POLICY;

    /// Whether the table at `path` has `key`; of an array of tables the first.
    fn has(policy: &Table, path: &str, key: &str) -> bool {
        let mut table = policy;
        for part in path.split('.').filter(|part| !part.is_empty()) {
            let Some(value) = table.get(part) else { return false };
            let first = value.as_array().and_then(|items| items.first()).unwrap_or(value);
            table = first.as_table().expect("a path of the register is a table");
        }
        table.contains_key(key)
    }

    #[test]
    fn tables_and_keys_are_sorted_and_the_shipped_policy_has_them_all() {
        assert!(KEYS.is_sorted_by_key(|(name, _)| *name));
        // The waiver stands there as an example, each line after a `#` without a blank.
        let with_example: Vec<&str> = DEFAULT_POLICY
            .lines()
            .map(|line| {
                line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', '#'])).unwrap_or(line)
            })
            .collect();
        let with_example = with_example.join("\n");
        crate::Policy::parse(&with_example).expect("the example is a waiver");
        let shipped: Table = with_example.parse().expect("the shipped policy is TOML");
        assert_eq!(unknown(&shipped, ""), None);
        let engine: Table =
            include_str!("../../../ci/policy-engine.toml").parse().expect("the other is TOML");
        assert_eq!(unknown(&engine, ""), None);
        for (path, keys) in KEYS {
            assert!(keys.is_sorted(), "{path}");
            for key in *keys {
                assert!(
                    [&shipped, &engine].iter().any(|policy| has(policy, path, key)),
                    "`{path}.{key}` is in the register, not in a policy of ci"
                );
            }
        }
    }

    /// Every kind of load has its limit and its margins, and the policies of ci can't drift apart.
    ///
    /// Requirement: L1, L2.
    #[test]
    fn the_policy_of_the_full_suite_is_the_default_one_and_loads_from_a_file() {
        let full =
            crate::Policy::parse(include_str!("../../../ci/policy-full.toml")).expect("read");
        let mut shipped = crate::Policy::parse(DEFAULT_POLICY).expect("read");
        let limits = |policy: &crate::Policy| -> Vec<(String, String, u64)> {
            let entry =
                |b: &crate::policy::LoadBudget| (b.model.clone(), b.workload.clone(), b.limit_ms);
            policy.budgets.load.iter().map(entry).collect()
        };
        let entry = |model: &str, workload: &str, ms| (model.to_owned(), workload.to_owned(), ms);
        assert_eq!(
            limits(&full),
            [
                entry("stories", "load", 99),
                entry("stories", "load-cold", 99),
                entry("stories", "load-warm", 99),
                entry("synthetic:bitnet-2b-4t", "load", 2000),
            ]
        );
        shipped.budgets.load.splice(1..1, full.budgets.load[1..3].iter().cloned());
        let gated: Vec<(&str, &str)> =
            full.gated[1..3].iter().map(|g| (g.workload.as_str(), g.metric.as_str())).collect();
        assert_eq!(gated, [("load-cold", "load_ns"), ("load-warm", "load_ns")]);
        shipped.gated.splice(1..1, full.gated[1..3].iter().cloned());
        assert_eq!(full, shipped);
    }

    /// Requirement: T6.
    #[test]
    fn the_page_explains_every_key_and_no_other() {
        let page = include_str!("../../docs/policy.md");
        let (_, section) = page.split_once("## Keys").expect("the page has keys");
        let (section, _) = section.split_once("\n## ").expect("more follows");
        let row = |line: &str| Some(line.strip_prefix("| `")?.split_once("` |")?.0.to_owned());
        let explained: Vec<String> = section.lines().filter_map(row).collect();
        let mut keys: Vec<String> = KEYS
            .iter()
            .flat_map(|(path, keys)| keys.iter().map(move |key| format!("{path}.{key}")))
            .map(|key| key.trim_start_matches('.').to_owned())
            .filter(|key| !KEYS.iter().any(|(path, _)| path == key))
            .collect();
        keys.sort();
        let mut sorted = explained;
        sorted.sort();
        assert_eq!(sorted, keys);
    }

    #[test]
    fn a_planted_key_in_any_table_is_found_with_its_nearest_name() {
        let text = DEFAULT_POLICY.replace("minimum = 0.99", "minimun = 0.99");
        let found = unknown(&text.parse().expect("still TOML"), "").expect("the key is unknown");
        assert_eq!(found, "policy key `budgets.accuracy.minimun` is unknown; nearest: `minimum`");
        let text = DEFAULT_POLICY.replace("judge = \"every-run\"", "juge = \"every-run\"");
        let found = unknown(&text.parse().expect("still TOML"), "").expect("the key is unknown");
        assert_eq!(found, "policy key `budgets.load.juge` is unknown; nearest: `judge`");
    }
}
