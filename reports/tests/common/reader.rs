//! A page as its reader has it: without tags, charts and script.

/// What a reader sees, tags and charts aside, in one line.
pub(crate) fn visible(page: &str) -> String {
    let body =
        page.split_once("<body>").expect("a body").1.split_once("<script>").expect("a script").0;
    let mut text = String::new();
    let mut rest = body;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        let inside = if tag.starts_with("svg") { "</svg>" } else { ">" };
        rest = tag.split_once(inside).expect("every tag is closed").1;
    }
    text.replace('\u{a0}', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}
