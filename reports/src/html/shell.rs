//! What every page has: head, policy of contents, style, script, footer. In: title, body and footer. Out: a document.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use baselines::Digest;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::theme;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// No source is allowed but the page itself: styles stand in it, the empty icon is a data URL, and the one script is named by its
/// digest, so that nothing else on the page can run.
fn policy() -> String {
    let digest = BASE64_STANDARD.encode(Digest::of(SCRIPT.as_bytes()).bytes());
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:; base-uri 'none'; \
         form-action 'none'"
    )
}

/// The whole document.
pub(super) fn document(title: &str, body: &Markup, footer: &Markup) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(theme::css())) (PreEscaped(STYLE)) }
            }
            body {
                main { (body) }
                footer { (footer) }
                div id="tip" role="tooltip" hidden {}
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    document.into_string()
}

#[cfg(test)]
mod tests {
    use super::{SCRIPT, STYLE};

    #[test]
    fn script_and_style_cannot_end_their_elements() {
        assert!(!SCRIPT.contains("</") && !STYLE.contains("</"));
    }
}
