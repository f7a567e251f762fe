//! Ratios and shares for people, the same in every report. In: log ratios and shares. Out: text, rounded once.

use baselines::Evidence;

/// A log ratio as a change in percent: `+1.2 %`.
#[must_use]
pub(crate) fn change(log_ratio: f64) -> String {
    let percent = log_ratio.exp_m1() * 100.0;
    // "−0.0 %" would name a direction that the rounding has removed.
    let percent = if percent.abs() < 0.05 { 0.0 } else { percent };
    format!("{percent:+.1} %")
}

/// What the head is compared with: "baseline `main` (0123456789ab)", "revision `HEAD~1` (0123456789ab)".
#[must_use]
pub(crate) fn base(evidence: &Evidence) -> String {
    match (&evidence.baseline, &evidence.given) {
        (Some(baseline), _) => {
            format!("baseline `{}` ({})", plain(&baseline.name), baseline.record.short())
        }
        (None, Some(given)) => match &given.commit {
            Some(commit) => {
                let short: String = plain(commit).chars().take(12).collect();
                format!("revision `{}` ({short})", plain(&given.asked))
            }
            None => format!("`{}` ({})", plain(&given.asked), evidence.base.subject.binary.short()),
        },
        (None, None) => "nothing that is named".to_owned(),
    }
}

/// A share in percent: `99.87 %`.
#[must_use]
pub(crate) fn share(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

/// Text with names from a record in it: kept on one line, and without a mark that it was not given.
#[must_use]
pub(crate) fn inline(text: &str) -> String {
    let harmless = |character: char| match character {
        '✅' | '❌' => '·',
        other if other.is_control() => ' ',
        other => other,
    };
    text.chars().map(harmless).collect()
}

/// Text from a record as Markdown that says nothing but itself: also no table cell, code, link or tag.
#[must_use]
pub fn plain(text: &str) -> String {
    inline(text).replace(['|', '`', '<', '>', '*', '[', ']', '#'], "·")
}

/// Whether a character has no width, or turns the direction of what follows.
#[must_use]
pub const fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::{change, inline, plain, share};

    #[test]
    fn text_of_a_record_cannot_draw_a_check_mark_or_a_heading() {
        assert_eq!(inline("a\n## ✅ `b`"), "a ## · `b`");
        assert_eq!(plain("mock`\n## ✅ | <b>"), "mock· ·· · · ·b·");
    }

    #[test]
    fn numbers_read_as_a_person_says_them() {
        assert_eq!(change(1.05_f64.ln()), "+5.0 %");
        assert_eq!(change(-0.000_1), "+0.0 %");
        assert_eq!(change(0.9_f64.ln()), "-10.0 %");
        assert_eq!(share(0.9987), "99.87 %");
    }
}
