//! The published schema of the policy, from its types. In: nothing. Out: JSON schema (draft 2020-12), keys sorted.
//! TOML has the data model of JSON here, so editors and other programs can check a policy by it.

use schemars::{generate::SchemaSettings, transform::RecursiveTransform};

use super::Policy;
use crate::gate::Sorted;

/// File name and text of every schema that this crate publishes: what `cargo xtask schemas` writes to `gates/schema/`.
///
/// # Panics
/// Never: a schema has string keys and finite numbers.
#[must_use]
pub fn schemas() -> Vec<(&'static str, String)> {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(
        |schema: &mut schemars::Schema| {
            // How wide a number is in memory is no matter of the file.
            schema.remove("format");
        },
    ));
    let mut schema = settings.into_generator().into_root_schema_for::<Policy>();
    schema.insert("$id".to_owned(), "urn:tritgate:policy.v1.json".into());
    let text = serde_json::to_string_pretty(&Sorted(schema.as_value()));
    vec![("policy.v1.json", format!("{}\n", text.expect("a schema has string keys")))]
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::schemas;
    use crate::policy::{DEFAULT_POLICY, command_policy};

    fn schema() -> Value {
        let (name, text) = schemas().remove(0);
        assert_eq!(name, "policy.v1.json");
        serde_json::from_str(&text).expect("JSON")
    }

    fn errors(policy: &str) -> Vec<String> {
        let table: toml::Table = policy.parse().expect("TOML");
        let value = serde_json::to_value(table).expect("TOML has the data model of JSON here");
        let validator = jsonschema::validator_for(&schema()).expect("a schema");
        validator.iter_errors(&value).map(|error| error.to_string()).collect()
    }

    /// Requirement: T6.
    #[test]
    fn the_schema_accepts_what_ships_and_refuses_planted_faults() {
        assert_eq!(errors(DEFAULT_POLICY), [""; 0]);
        assert_eq!(errors(&command_policy(&[("a", "wall_ns")])), [""; 0]);
        for (good, bad) in [
            ("slack = 0.10", "slak = 0.10"),
            ("slack = 0.10", "slack = \"a lot\""),
            ("slack = 0.10", "slack = 5.0"),
            ("version = 1", "version = 2"),
            ("looks = [16, 24, 32, 40]", "looks = []"),
            ("looks = [16, 24, 32, 40]", "looks = [5]"),
            ("minimum = 0.99", "minimum = 99"),
            ("margin_unacceptable = 1.05", "margin_unacceptable = 0.9"),
            ("from = ", "form = "),
            ("fail_on = \"standard\"", "fail_on = \"never\""),
            ("max_attempts = 3", "max_attempts = -1"),
            ("metric = \"load_ns\"\n", ""),
        ] {
            assert!(DEFAULT_POLICY.contains(good), "{good}");
            assert!(!errors(&DEFAULT_POLICY.replacen(good, bad, 1)).is_empty(), "{bad}");
        }
    }

    /// The keys that have defaults so that policies in bundles of older versions are read: not required, all others are.
    #[test]
    fn only_keys_with_a_default_are_not_required() {
        let schema = schema();
        let required = schema["$defs"]["Routes"]["required"].as_array().expect("a list");
        assert_eq!(required.len(), 7);
        for key in ["rework", "max_remeasurements", "max_attempts"] {
            assert!(!required.contains(&Value::from(key)), "{key}");
            assert!(schema["$defs"]["Routes"]["properties"].get(key).is_some(), "{key}");
        }
    }
}
