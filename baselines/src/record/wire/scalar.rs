//! Values that carry a rule with them: digests, timestamps, samples, versions, session ids, metric names.
//! Each is checked where it is deserialized, so that the error knows its JSON path.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Mirror;
use crate::{CheckRecord, Digest, record::SchemaVersion, timestamp};

/// Reads an `Option` that must be there, if only as `null`: serde's default also takes a missing field.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

/// Reads a map whose keys are each given once: serde's own keeps the last of several.
pub(super) fn unique<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, T>, D::Error> {
    struct Unique<T>(std::marker::PhantomData<T>);

    impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Unique<T> {
        type Value = BTreeMap<String, T>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a map")
        }

        fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = BTreeMap::new();
            while let Some((key, value)) = map.next_entry::<String, T>()? {
                if found.contains_key(&key) {
                    return Err(de::Error::custom(format!("duplicate key `{key}`")));
                }
                found.insert(key, value);
            }
            Ok(found)
        }
    }

    deserializer.deserialize_map(Unique(std::marker::PhantomData))
}

/// A newtype written as text: `text!(Wire for Domain, "SchemaName", schema, check)`.
macro_rules! text {
    ($(#[$doc:meta])* $wire:ident for $domain:ty, $schema:tt, $parse:expr) => {
        $(#[$doc])*
        pub(crate) struct $wire($domain);

        impl Serialize for $wire {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $wire {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let parse: fn(&str) -> Result<$domain, String> = $parse;
                parse(&text).map(Self).map_err(de::Error::custom)
            }
        }

        impl JsonSchema for $wire {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($wire).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }

        impl Mirror<$domain> for $wire {
            fn of(domain: &$domain) -> Self {
                Self(domain.clone())
            }

            fn into_domain(self) -> $domain {
                self.0
            }
        }
    };
}

text! {
    /// A SHA-256 digest.
    Hex for Digest, { "type": "string", "pattern": "^[0-9a-f]{64}$" },
    |text| text.parse().map_err(|_| format!("expected a SHA-256 as 64 lowercase hex digits, found {text:?}"))
}

text! {
    /// A UTC time.
    Timestamp for String,
    { "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$" },
    |text| match timestamp::parse_ms(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(format!("expected a UTC time like 2026-03-02T09:00:00.125Z, found {text:?}")),
    }
}

text! {
    /// The name of a session.
    SessionId for String, { "type": "string", "pattern": "^[0-9a-f]{32}$" },
    |text| hex_digits(text, "a session id")
}

text! {
    /// The nonce of a session.
    Nonce for String, { "type": "string", "pattern": "^[0-9a-f]{32}$" },
    |text| hex_digits(text, "a nonce")
}

/// 32 lowercase hex digits.
fn hex_digits(text: &str, what: &str) -> Result<String, String> {
    if text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Ok(text.to_owned());
    }
    Err(format!("expected {what} of 32 lowercase hex digits, found {text:?}"))
}

text! {
    /// `major.minor`.
    Version for SchemaVersion, { "type": "string", "pattern": "^[0-9]+\\.[0-9]+$" },
    |text| parse_version(text).ok_or_else(|| format!("expected a schema version like \"1.0\", found {text:?}"))
}

text! {
    /// The name of a metric: of the register, or of the suite's own (see [`super::known`]).
    MetricName for String, { "type": "string", "pattern": "^[a-z][a-z0-9_]*$" },
    |text| {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        match text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(known) {
            true => Ok(text.to_owned()),
            false => Err(format!("expected the name of a metric in snake case, found {text:?}")),
        }
    }
}

text! {
    /// The name of a check's gate, without `review:gate:`.
    GateName for String, { "type": "string", "pattern": "^[a-z][a-z0-9-]{0,39}$", "not": { "enum": ["benchmarks", "perf"] } },
    |text| match CheckRecord::is_gate(text) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "expected the name of a check's gate (a-z, 0-9 and dashes, not that of a measured gate), found {text:?}"
        )),
    }
}

/// `1.0`: two whole numbers, no sign, no leading zero.
pub(super) fn parse_version(text: &str) -> Option<SchemaVersion> {
    let (major, minor) = text.split_once('.')?;
    let version = SchemaVersion { major: major.parse().ok()?, minor: minor.parse().ok()? };
    (version.to_string() == text).then_some(version)
}

/// A finite number that is not negative. Integral ones below 2^53 are written as integers.
pub(crate) struct Number(f64);

/// Whole numbers up to here are exact in f64.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.0;
        if value.fract() == 0.0 && (0.0..EXACT).contains(&value) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "whole, 0 ≤ value < 2^53"
            )]
            return serializer.serialize_u64(value as u64);
        }
        serializer.serialize_f64(value)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde_json reads no NaN, and refuses 1e999 as out of range; infinity is checked for other formats.
        let value = f64::deserialize(deserializer)?;
        if value.is_finite() && value.is_sign_positive() {
            return Ok(Self(value));
        }
        Err(de::Error::custom(format!(
            "expected a finite number that is not negative, found {value}"
        )))
    }
}

impl JsonSchema for Number {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Number".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0 })
    }
}

impl Mirror<f64> for Number {
    fn of(domain: &f64) -> Self {
        Self(*domain)
    }

    fn into_domain(self) -> f64 {
        self.0
    }
}
