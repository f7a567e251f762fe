//! Keys and values of a model file as text: what is long is abbreviated.

use engine::gguf::{Array, File, Value};

/// Elements of an array that are shown.
const N_SHOWN: usize = 3;

/// Key, type and value of each entry, in file order.
pub(super) fn keys(file: &File) -> Vec<(String, String, String)> {
    file.entries()
        .map(|(key, value)| {
            (String::from_utf8_lossy(key).into_owned(), value.described(), text(&value))
        })
        .collect()
}

fn text(value: &Value<'_>) -> String {
    match value {
        Value::U8(v) => v.to_string(),
        Value::I8(v) => v.to_string(),
        Value::U16(v) => v.to_string(),
        Value::I16(v) => v.to_string(),
        Value::U32(v) => v.to_string(),
        Value::I32(v) => v.to_string(),
        Value::F32(v) => v.to_string(),
        Value::Bool(v) => v.to_string(),
        Value::U64(v) => v.to_string(),
        Value::I64(v) => v.to_string(),
        Value::F64(v) => v.to_string(),
        Value::String(v) => String::from_utf8_lossy(v).into_owned(),
        Value::Array(array) => list(array),
    }
}

/// `[4096: "<s>", "</s>", "a", …]`
fn list(array: &Array<'_>) -> String {
    let quoted = |value: Value<'_>| match value {
        Value::String(_) => format!("{:?}", text(&value)),
        value => text(&value),
    };
    let shown: Vec<String> = array.iter().take(N_SHOWN).map(quoted).collect();
    let more = if array.len() > N_SHOWN { ", …" } else { "" };
    format!("[{}: {}{more}]", array.len(), shown.join(", "))
}

#[cfg(test)]
mod tests {
    use engine::gguf::Writer;

    use super::*;

    #[test]
    fn long_arrays_say_how_long_and_how_they_begin() {
        let mut writer = Writer::new();
        writer.strings("a", &["<s>", "\n", "x", "y"]).i32s("b", &[-1, 2]).f32("c", 0.5);
        writer.string("d", "text").bool("e", true).strings::<&str>("f", &[]);
        let file = File::parse(writer.to_bytes().into()).unwrap();
        let all: Vec<String> =
            keys(&file).into_iter().map(|(k, kind, v)| format!("{k} {kind} {v}")).collect();
        let want = [
            r#"a array of string [4: "<s>", "\n", "x", …]"#,
            "b array of i32 [2: -1, 2]",
            "c f32 0.5",
            "d string text",
            "e bool true",
            "f array of string [0: ]",
        ];
        assert_eq!(all, want);
    }
}
