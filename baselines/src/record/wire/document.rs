//! A versioned JSON document: size first, then name and version, then the rest.

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, value::RawValue};

use super::{MAX_BYTES, budget, scalar::parse_version};
use crate::{Error, ErrorKind, Result, record::SCHEMA_VERSION};

/// One kind of document.
pub(crate) struct Document {
    /// What a person calls it: `run record`.
    pub(crate) what: &'static str,
    /// What its field `schema` says.
    pub(crate) schema: &'static str,
}

/// The two fields that every version of every document has, as written: whatever is there, nothing is built of it.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    schema: Option<&'a RawValue>,
    #[serde(borrow)]
    version: Option<&'a RawValue>,
}

/// Bytes of a value that an error shows.
const SHOWN_BYTES: usize = 80;

/// The text of a string.
fn text(value: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(value?.get()).ok()
}

/// A value as an error shows it.
fn shown(value: Option<&RawValue>) -> String {
    let Some(value) = value.map(RawValue::get) else { return "nothing".to_owned() };
    match value.char_indices().find(|(at, _)| *at >= SHOWN_BYTES) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value.to_owned(),
    }
}

impl Document {
    /// Reads `bytes` as `W`, after the header has shown that this build knows the version.
    pub(crate) fn read<W: DeserializeOwned>(&self, bytes: &[u8]) -> Result<W> {
        let what = self.what;
        if bytes.len() > MAX_BYTES {
            return Err(malformed(format!(
                "{what}: expected at most {MAX_BYTES} bytes, found {}",
                bytes.len()
            )));
        }
        budget::check(what, bytes)?;
        // serde also reads structs from arrays, which the schema does not allow.
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(malformed(format!("{what}: expected a JSON object, found something else")));
        }
        let header: Header<'_> = serde_json::from_slice(bytes)
            .map_err(|error| malformed(format!("{what}: no JSON object: {error}")))?;
        self.check(&header)?;

        // A third faster than with the path, which is asked for only where there is something to say about it.
        if let Ok(value) = serde_json::from_slice(bytes) {
            return Ok(value);
        }
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            let place = if path == "." { String::new() } else { format!(" `{path}`") };
            malformed(format!("{what}{place}: {}", error.into_inner()))
        })?;
        json.end().map_err(|error| malformed(format!("{what}: {error}")))?;
        Ok(value)
    }

    fn check(&self, header: &Header<'_>) -> Result<()> {
        let Self { what, schema } = self;
        if text(header.schema).as_deref() != Some(schema) {
            let found = shown(header.schema);
            return Err(malformed(format!("{what} `schema`: expected {schema:?}, found {found}")));
        }
        let Some(version) = text(header.version).as_deref().and_then(parse_version) else {
            let found = shown(header.version);
            return Err(malformed(format!(
                "{what} `version`: expected a schema version like \"1.0\", found {found}"
            )));
        };
        if version > SCHEMA_VERSION {
            let text = format!(
                "{what} schema {version} is newer than this bench reads ({SCHEMA_VERSION}): upgrade bench"
            );
            return Err(Error::new(ErrorKind::Version, text));
        }
        if version.major < SCHEMA_VERSION.major {
            let text = format!(
                "{what} schema {version} is older than this bench reads ({SCHEMA_VERSION}): record it again, or read \
                 it with an older bench"
            );
            return Err(Error::new(ErrorKind::Version, text));
        }
        Ok(())
    }
}

fn malformed(context: String) -> Error {
    Error::new(ErrorKind::Malformed, context)
}

/// Compact JSON and a newline.
pub(crate) fn write(document: &impl Serialize) -> Vec<u8> {
    let mut bytes =
        serde_json::to_vec(document).expect("wire types have string keys and no failing field");
    bytes.push(b'\n');
    bytes
}

/// The JSON schema of `T`: keys sorted, every property required (readers accept `null`, never a missing field), but for
/// those that a later minor version added (`x-since`): they are left out where they have nothing to say.
pub(crate) fn schema_of<T: JsonSchema>(id: &str) -> Value {
    let schema: Schema =
        SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    let mut value = tidy(schema.to_value());
    if let Some(object) = value.as_object_mut() {
        object.insert("$id".to_owned(), Value::from(format!("urn:tritgate:{id}")));
    }
    // Again, because `insert` appends where some crate of the build turned on serde_json's `preserve_order`.
    tidy(value)
}

fn tidy(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<(String, Value)> = object.into_iter().collect();
            let names = entries
                .iter()
                .find(|(key, _)| key == "properties")
                .and_then(|(_, value)| value.as_object());
            if let Some(names) = names {
                let first = names.iter().filter(|(_, property)| property.get("x-since").is_none());
                let mut names: Vec<String> = first.map(|(name, _)| name.clone()).collect();
                names.sort();
                entries.retain(|(key, _)| key != "required");
                entries.push(("required".to_owned(), Value::from(names)));
            }
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(
                entries.into_iter().map(|(key, value)| (key, tidy(value))).collect::<Map<_, _>>(),
            )
        }
        Value::Array(values) => Value::Array(values.into_iter().map(tidy).collect()),
        other => other,
    }
}
