//! Writes the page of a scripted session, to look at while working on its design:
//! `cargo run -p tritgate-reports --example sample_page -- OUT.html [HEAD_FACTOR] [SESSIONS_IN_HISTORY]`

#![forbid(unsafe_code)]

use std::error::Error;

#[path = "../tests/common/mod.rs"]
mod common;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let out = args.next().ok_or("expected the path of the page to write")?;
    let head_factor = args.next().map_or(Ok(1.0), |text| text.parse())?;
    let n_history = args.next().map_or(Ok(12), |text| text.parse())?;
    let evidence = common::evidence(head_factor, n_history);
    let findings = common::findings(&evidence);
    let page = reports::page(common::judged(&evidence, &common::summary(&findings), &findings))?;
    std::fs::write(out, page)?;
    Ok(())
}
