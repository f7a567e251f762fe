//! Writes a store of years: N scripted records of S series, one every six hours, with a step planted here and there, and each of a commit of its own.
//!
//! `cargo run --release -p tritgate-harness --example years -- FOLDER 10000 20`, then
//! `bench report --store FOLDER --out report.html`.

use std::{env, error::Error, fs, path::Path};

use baselines::{
    Digest,
    testing::{Day, day},
};

const SIX_HOURS_MS: i64 = 6 * 3_600_000;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [folder, n_records, n_series] = &args[..] else {
        return Err("expected FOLDER RECORDS SERIES".into());
    };
    let (n_records, n_series): (u32, u32) = (n_records.parse()?, n_series.parse()?);
    let records = Path::new(folder).join("records");
    fs::create_dir_all(&records)?;
    for nth in 0..n_records {
        let record = day(&Day {
            seed: u64::from(nth),
            at_ms: i64::from(nth) * SIX_HOURS_MS,
            commit: Some(Digest::of(&nth.to_le_bytes()).to_string()[..40].to_owned()),
            levels: (0..n_series).map(|series| level(nth, series, n_records)).collect(),
        });
        let bytes = record.to_json();
        fs::write(records.join(format!("{}.json", Digest::of(&bytes))), bytes)?;
    }
    Ok(())
}

/// Every third series has steps: 10 % slower at a third, 5 % faster at two thirds.
fn level(nth: u32, series: u32, n_records: u32) -> f64 {
    match (series % 3, 3 * nth / n_records) {
        (0, 1) => 1.1,
        (0, 2) => 1.1 * 0.95,
        _ => 1.0,
    }
}
