//! GPT-2's alphabet: every byte as one printable character, so that tokens of bytes can be stored as text.
//!
//! Bytes 0x21-0x7E, 0xA1-0xAC and 0xAE-0xFF stand for themselves; the other 68, in order, are U+0100, U+0101, ….
//! Source: openai/gpt-2, `src/encoder.py`, `bytes_to_unicode`.

/// The byte `character` stands for.
pub(super) fn byte_of(character: char) -> Option<u8> {
    match u32::from(character) {
        0x100..=0x120 => nth(0x00, character, 0x100), // 0x00-0x20
        0x121..=0x142 => nth(0x7f, character, 0x121), // 0x7f-0xa0
        0x143 => Some(0xad),
        0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff => u8::try_from(character).ok(),
        _ => None,
    }
}

/// The byte as far after `first` as `character` is after `start`.
fn nth(first: u8, character: char, start: u32) -> Option<u8> {
    u8::try_from(u32::from(character) - start).ok().and_then(|i| first.checked_add(i))
}

/// The characters that stand for the 256 bytes, by byte.
pub(crate) fn characters() -> [char; 256] {
    let mut out = ['\0'; 256];
    for character in (0x21..=0x143).filter_map(char::from_u32) {
        if let Some(byte) = byte_of(character) {
            out[usize::from(byte)] = character;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_pairs_hold() {
        for (byte, character) in [
            (0x00, '\u{100}'),
            (0x20, '\u{120}'),
            (0x0a, '\u{10a}'),
            (0x7f, '\u{121}'),
            (0xa0, '\u{142}'),
            (0xad, '\u{143}'),
            (b'!', '!'),
            (b'~', '~'),
            (0xa1, '¡'),
            (0xac, '¬'),
            (0xae, '®'),
            (0xff, 'ÿ'),
        ] {
            assert_eq!(characters()[usize::from(byte)], character, "byte {byte:#04x}");
        }
    }

    #[test]
    fn all_bytes_have_one_character_and_only_those() {
        let known = (0..=0x10_ffff).filter_map(char::from_u32).filter(|&c| byte_of(c).is_some());
        assert_eq!(known.count(), 256);
        for (byte, character) in (0_u8..=255).zip(characters()) {
            assert_eq!(byte_of(character), Some(byte));
        }
    }
}
