//! The nonce of a session: what its challenge comes from. Drawn by the operating system, or given by who will verify it.

use anyhow::{Result, anyhow};
use baselines::record::NONCE_DIGITS;

/// 32 hex digits that nobody can know before.
pub(crate) fn draw() -> Result<String> {
    let mut bytes = [0_u8; NONCE_DIGITS / 2];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow!("failed to draw a nonce: {error}; give one with `--nonce`"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A nonce from the command line.
pub(crate) fn parse(text: &str) -> Result<String, String> {
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() == NONCE_DIGITS && text.bytes().all(digit) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "expected {NONCE_DIGITS} lowercase hex digits, found {} characters; `openssl rand -hex {}` makes one",
        text.chars().count(),
        NONCE_DIGITS / 2
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawn_nonce_is_one_that_can_be_given_and_no_two_are_equal() {
        let drawn = [draw().unwrap(), draw().unwrap()];
        assert_ne!(drawn[0], drawn[1]);
        for nonce in drawn {
            assert_eq!(parse(&nonce), Ok(nonce.clone()));
        }
        for bad in
            ["", "0123", "0123456789ABCDEF0123456789ABCDEF", "0123456789abcdef0123456789abcde "]
        {
            assert!(
                parse(bad).unwrap_err().contains("expected 32 lowercase hex digits"),
                "{bad:?}"
            );
        }
    }
}
