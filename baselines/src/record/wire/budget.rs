//! What a document may take in memory, told from its bytes before anything of it is parsed.
//!
//! In: bytes. Out: an error where they would become more than a stated maximum: `[0,0,…]` is two bytes a value in a
//! file and eight in memory, and an array of empty strings twelve times its size.

use crate::{Error, ErrorKind, Result};

/// Memory that all values of one document take, as counted here.
///
/// Two million samples take 16 MiB; a bundle is in memory up to four times at once (as read, parsed, and twice as written), which must stay below 300 MB.
pub const MAX_PARSED_BYTES: usize = 40 << 20;
/// Bytes of one string as it stands in the file; the longest that is written is what is kept of a command's output, 1 MiB, of which
/// each byte may be escaped by six.
pub const MAX_TEXT_BYTES: usize = 6 << 20;
/// A number, or the place of another value.
const VALUE_BYTES: usize = 8;
/// What a string takes beside its bytes: its place, and the allocator's own.
const TEXT_BYTES: usize = 64;

/// Counts values (a comma, a colon or an opening each) and strings. What is no JSON is the parser's business.
pub(super) fn check(what: &str, bytes: &[u8]) -> Result<()> {
    let (mut parsed, mut rest) = (0, bytes);
    while let Some(at) =
        rest.iter().position(|byte| matches!(byte, b'"' | b',' | b':' | b'[' | b'{'))
    {
        let found = rest[at];
        rest = &rest[at + 1..];
        parsed += VALUE_BYTES;
        if found == b'"' {
            let n_bytes = text_bytes(rest);
            if n_bytes > MAX_TEXT_BYTES {
                let expected = format!("strings of at most {MAX_TEXT_BYTES} bytes");
                return Err(too_large(what, &expected, "a longer one"));
            }
            parsed += TEXT_BYTES + n_bytes;
            rest = rest.get(n_bytes + 1..).unwrap_or_default();
        }
        if parsed > MAX_PARSED_BYTES {
            let expected = format!("values that take at most {MAX_PARSED_BYTES} bytes of memory");
            return Err(too_large(what, &expected, "more"));
        }
    }
    Ok(())
}

/// Bytes up to the quote that ends a string, escapes as written.
fn text_bytes(rest: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = rest.get(at) {
        match byte {
            b'"' => break,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at.min(rest.len())
}

fn too_large(what: &str, expected: &str, found: &str) -> Error {
    let text = format!(
        "{what}: expected {expected}, found {found}; measure fewer iterations or workloads"
    );
    Error::new(ErrorKind::Malformed, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(element: &str, n: usize) -> Vec<u8> {
        format!("[{element}{}]", format!(",{element}").repeat(n - 1)).into_bytes()
    }

    /// Requirement: C1.
    #[test]
    fn values_are_counted_outside_of_strings_and_refused_one_beyond_the_maximum() {
        let most = MAX_PARSED_BYTES / VALUE_BYTES;
        check("x", &array("0", most)).unwrap();
        let found = check("x", &array("0", most + 1)).unwrap_err();
        assert_eq!(found.kind(), ErrorKind::Malformed);
        assert!(found.to_string().contains("at most 41943040 bytes of memory"), "{found}");
        // Empty strings take more than their bytes.
        check("x", &array("\"\"", most / 16)).unwrap();
        check("x", &array("\"\"", most / 8)).unwrap_err();
        // Commas within a string are bytes of it.
        let commas = format!("\"{}\"", ",".repeat(60_000));
        check("x", &array(&commas, 600)).unwrap();
    }

    /// Requirement: C1.
    #[test]
    fn a_long_string_is_refused_and_an_escaped_quote_does_not_end_one() {
        let of = |n: usize| format!("{{\"x\":\"{}\"}}", "a".repeat(n)).into_bytes();
        check("x", &of(MAX_TEXT_BYTES)).unwrap();
        let found = check("x", &of(MAX_TEXT_BYTES + 1)).unwrap_err();
        assert!(found.to_string().contains("strings of at most 6291456 bytes"), "{found}");
        let quotes = format!("[\"{}\"]", "\\\"".repeat(MAX_TEXT_BYTES));
        check("x", quotes.as_bytes()).unwrap_err();
        for cut in [&b"\""[..], b"\"\\", b"\"a", b"", b"\xff"] {
            check("x", cut).unwrap();
        }
    }
}
