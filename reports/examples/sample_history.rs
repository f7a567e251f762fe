//! Writes the page of a scripted history, to look at and for the checks in a browser:
//! `cargo run -p tritgate-reports --example sample_history -- OUT.html typical|hostile|mixed|empty|one|years|session`

#![forbid(unsafe_code)]

use std::error::Error;

use reports::History;

#[path = "../tests/common/history.rs"]
mod history;
#[path = "../tests/common/mod.rs"]
mod session;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let out = args.next().ok_or("expected the path of the page to write")?;
    let kind = args.next().unwrap_or_else(|| "typical".to_owned());
    let found = match kind.as_str() {
        "typical" | "session" => history::typical(),
        "hostile" => history::hostile(),
        "mixed" => history::mixed(),
        "empty" => {
            History { command: "bench report --store .bench".to_owned(), ..History::default() }
        }
        "one" => history::history(1, 6, &[]),
        "years" => history::history(10_000, 20, &[(2_500, 0.05), (5_000, -0.03), (9_990, 0.04)]),
        other => {
            return Err(format!(
                "expected typical, hostile, mixed, empty, one, years or session, found `{other}`"
            )
            .into());
        }
    };
    let evidence = session::evidence(1.2, 12);
    let findings = session::findings(&evidence);
    let summary = session::summary(&findings);
    let judged = session::judged(&evidence, &summary, &findings);
    let page = reports::history_page(&found, (kind == "session").then_some(judged))?;
    std::fs::write(out, page)?;
    Ok(())
}
