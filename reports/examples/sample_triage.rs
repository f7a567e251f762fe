//! Writes the page of a scripted triage, to look at and for the checks in a browser:
//! `cargo run -p tritgate-reports --example sample_triage -- OUT.html typical|silent|counted|refused|hostile`

#![forbid(unsafe_code)]

use std::error::Error;

#[path = "../tests/common/triage.rs"]
mod scripted;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let out = args.next().ok_or("expected the path of the page to write")?;
    let kind = args.next().unwrap_or_else(|| "typical".to_owned());
    let view = match kind.as_str() {
        "typical" => scripted::typical(),
        "silent" => scripted::silent(),
        "counted" => scripted::counted(),
        "refused" => scripted::refused(),
        "hostile" => scripted::hostile(),
        other => {
            let expected = "typical, silent, counted, refused or hostile";
            return Err(format!("expected {expected}, found `{other}`").into());
        }
    };
    std::fs::write(out, reports::triage_page(&view)?)?;
    Ok(())
}
