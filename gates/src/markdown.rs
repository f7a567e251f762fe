//! Markdown where a service takes only so many bytes: cut between lines, and never inside what would swallow the rest.

use std::borrow::Cow;

/// `text`, or as much of it as fits into `max_bytes`.
///
/// A longer text keeps the longest beginning of whole lines, outside code blocks and `<details>`, that leaves room for a last
/// paragraph: how many lines are missing, and `rest`, which says where they are.
///
/// # Panics
/// Never: where not even that paragraph fits, nothing is left.
#[must_use]
pub fn cut<'a>(text: &'a str, max_bytes: usize, rest: &str) -> Cow<'a, str> {
    if text.len() <= max_bytes {
        return text.into();
    }
    let n_lines = text.lines().count();
    let notice = |n_kept: usize| format!("\n… {} more lines: {rest}\n", n_lines - n_kept);
    // The first notice is the longest: it counts the most lines.
    let Some(room) = max_bytes.checked_sub(notice(0).len()) else { return "".into() };
    let (mut end, mut kept) = (0, 0);
    let mut at = 0;
    let mut open = Open::default();
    for (i, line) in text.split_inclusive('\n').enumerate() {
        at += line.len();
        if at > room {
            break;
        }
        open.take(line.trim());
        if open == Open::default() && line.ends_with('\n') {
            (end, kept) = (at, i + 1);
        }
    }
    format!("{}{}", &text[..end], notice(kept)).into()
}

/// What has begun and not ended.
#[derive(Debug, Default, PartialEq)]
struct Open {
    /// The mark of a code block.
    fence: Option<String>,
    details: usize,
}

impl Open {
    fn take(&mut self, line: &str) {
        let mark: String = ["`", "~"]
            .iter()
            .map(|mark| mark.repeat(line.len() - line.trim_start_matches(mark).len()))
            .find(|mark| mark.len() >= 3)
            .unwrap_or_default();
        match &self.fence {
            // As long as the one that opened it or longer, and nothing behind it.
            Some(fence) if mark.starts_with(fence) && line == mark => self.fence = None,
            None if !mark.is_empty() => self.fence = Some(mark),
            None if line.starts_with("<details") => self.details += 1,
            None if line == "</details>" => self.details = self.details.saturating_sub(1),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::cut;

    const REST: &str = "see the evidence";

    #[test]
    fn what_fits_is_left_alone_to_the_byte() {
        let text = "a\nä\n";
        assert_eq!(cut(text, text.len(), REST), text);
        assert_eq!(cut("", 0, REST), "");
    }

    #[test]
    fn every_budget_is_kept_and_cuts_at_a_line() {
        let text: String = (0..100).map(|i| format!("| row {i} | ✅ ä |\n")).collect();
        let mut longest = 0;
        for budget in 0..text.len() {
            let cut = cut(&text, budget, REST);
            assert!(cut.len() <= budget, "{budget}: {}", cut.len());
            let Some((kept, notice)) = cut.split_once("\n… ") else {
                assert_eq!(cut, "", "{budget}");
                continue;
            };
            assert!(
                text.starts_with(kept) && (kept.is_empty() || kept.ends_with(" |\n")),
                "{budget}"
            );
            let n_kept = kept.lines().count();
            assert_eq!(notice, format!("{} more lines: {REST}\n", 100 - n_kept), "{budget}");
            assert!(n_kept >= longest, "{budget}: a larger budget keeps no less");
            longest = n_kept;
        }
        assert!(longest >= 97, "{longest}");
    }

    #[test]
    fn code_and_details_are_kept_whole_or_left_out() {
        let block = "```json\n{\n  \"a\": \"```\"\n}\n```\n";
        let details =
            "<details>\n<summary>s</summary>\n\n~~~~\n</details>\n~~~\n~~~~\n\n</details>\n";
        let text = format!("head\n{block}between\n{details}{}", "end\n".repeat(50));
        for budget in 60..text.len() {
            let cut = cut(&text, budget, REST);
            let (kept, _) = cut.split_once("\n… ").unwrap();
            let wholly = |part: &str| kept.contains(part.trim_end());
            assert!(wholly(block) || !kept.contains('{'), "{budget}: {kept}");
            assert!(wholly(details) || !kept.contains("<details>"), "{budget}: {kept}");
        }
        // A fence that never ends lets nothing behind it through.
        let open = format!("head\n````\n```\n{}", "code\n".repeat(100));
        assert!(cut(&open, 200, REST).starts_with("head\n\n… 102 more lines"));
    }
}
