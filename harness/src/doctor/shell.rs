//! Text from the machine as a word of a command that a person will paste.

/// `text` as one word for a POSIX shell.
pub(super) fn word(text: &str) -> String {
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | ':' | ',' | '@');
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Writes `value` into a file of the system.
pub(super) fn write(value: &str, path: &str) -> String {
    format!("echo {} | sudo tee {}", word(value), word(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_command_in_it_stays_a_name() {
        assert_eq!(word("/sys/a-b_c.max"), "/sys/a-b_c.max");
        assert_eq!(word("$(reboot)"), "'$(reboot)'");
        assert_eq!(word("a'; reboot; '"), r"'a'\''; reboot; '\'''");
        assert_eq!(word(""), "''");
        assert_eq!(write("max", "/sys/x y"), "echo max | sudo tee '/sys/x y'");
    }
}
