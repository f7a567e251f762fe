//! The keys a policy may have, table by table, and the nearest one for a key it may not.
//! In: a parsed TOML table. Out: nothing, or what is wrong with which key.

use toml::{Table, Value};

/// Every table with its keys. Arrays of tables stand under the name of the array.
const KEYS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "budgets", "exact", "gated", "gates", "levels", "pairs", "physics", "routes",
            "verdict", "version",
        ],
    ),
    ("budgets", &["accuracy", "inference", "load"]),
    ("budgets.accuracy", &["minimum", "positions"]),
    ("budgets.inference", &["decode", "limit_ms", "prefill", "tokens"]),
    ("budgets.load", &["judge", "limit_ms", "model", "workload"]),
    ("exact", &["max_increase", "metric", "required"]),
    ("gated", &["margin_negligible", "margin_unacceptable", "metric", "workload"]),
    ("gates", &["required"]),
    ("levels", &["fail", "pass"]),
    ("pairs", &["looks"]),
    ("physics", &["slack"]),
    (
        "routes",
        &["fail", "fail_unconfirmed", "from", "incomparable", "inconclusive", "invalid", "pass"],
    ),
    ("verdict", &["conclusion_when_inconclusive", "fail_on"]),
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

    #[test]
    fn tables_and_keys_are_sorted_and_the_shipped_policy_has_them_all() {
        assert!(KEYS.is_sorted_by_key(|(name, _)| *name));
        let shipped: Table = DEFAULT_POLICY.parse().expect("the shipped policy is TOML");
        assert_eq!(unknown(&shipped, ""), None);
        for (path, keys) in KEYS {
            assert!(keys.is_sorted(), "{path}");
            let mut table = &shipped;
            for part in path.split('.').filter(|part| !part.is_empty()) {
                let value = &table[part];
                let first = value.as_array().and_then(|items| items.first()).unwrap_or(value);
                table = first.as_table().expect("a path of the register is a table");
            }
            for key in *keys {
                assert!(
                    table.contains_key(*key),
                    "`{path}.{key}` is in the register, not in ci/policy.toml"
                );
            }
        }
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
