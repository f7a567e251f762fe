//! What a run achieved beside what its session's own probes say the machine can do.
//!
//! In: a record. Out: a row for each prompt, decode step and step of a batch: the weights' bytes and the multiply-adds that the
//! dispatcher counted for one sample, over the median time of one; the best bandwidth of a probe of that working set, and the int8
//! peak; the shares. And lines on the head and on what memory the weights lay in.

use baselines::{
    RunRecord,
    record::{Screening, Settings},
    unit::{Rate, Unit},
};
use gates::roofline::{Roofline, rooflines};

use super::{as_f64, table, text};

const HEADER: [&str; 7] = ["", "weights read", "of", "share", "multiply-adds", "of", "share"];

/// The rows as a table, nothing without one.
pub(super) fn human(record: &RunRecord) -> String {
    let rows = rows(record);
    if rows.is_empty() {
        return String::new();
    }
    let mut achieved = table(&HEADER, 1..7);
    for row in rows {
        achieved.add_row(row);
    }
    text(&achieved)
}

/// The same in Markdown.
pub(super) fn markdown(record: &RunRecord) -> String {
    let rows = rows(record);
    if rows.is_empty() {
        return String::new();
    }
    let mut said = format!("| {} |\n|---|---:|---:|---:|---:|---:|---:|\n", HEADER.join(" | "));
    for row in rows {
        said += &format!("| {} |\n", row.join(" | "));
    }
    said + "\n"
}

fn rows(record: &RunRecord) -> Vec<[String; 7]> {
    let of_metric = |found: &Roofline| {
        matches!(found.metric.as_str(), "batch_step_ns" | "decode_step_ns" | "prefill_ns")
    };
    rooflines(record)
        .iter()
        .filter(|found| of_metric(found))
        .map(|found| row(record, found))
        .collect()
}

fn row(record: &RunRecord, found: &Roofline) -> [String; 7] {
    let (bytes, macs) = counted(record, found).unwrap_or((found.bytes, found.macs));
    // The probe's rate is what the floor was made of.
    let of = |work: f64, floor_ns: Option<f64>| floor_ns.map(|ns| work / ns * 1e9);
    let [read, read_of, read_share] =
        cells(Rate::Bytes, bytes, of(found.bytes, found.bytes_floor_ns), found.median_ns);
    let [done, done_of, done_share] =
        cells(Rate::Macs, macs, of(found.macs, found.macs_floor_ns), found.median_ns);
    [found.workload.clone(), read, read_of, read_share, done, done_of, done_share]
}

fn cells(rate: Rate, work: f64, most: Option<f64>, ns: f64) -> [String; 3] {
    let reached = work / ns * 1e9;
    let none = || "–".to_owned();
    [
        rate.text(reached),
        most.map_or_else(none, |most| rate.text(most)),
        most.map_or_else(none, |most| format!("{:.0} %", reached / most * 100.0)),
    ]
}

/// Bytes and multiply-adds of one sample, over all samples that were counted, those of the warm-up among them.
fn counted(record: &RunRecord, found: &Roofline) -> Option<(f64, f64)> {
    let (mut n_samples, mut bytes, mut macs) = (0.0, 0.0, 0.0);
    for process in &record.processes {
        let output = process.outputs.iter().find(|output| output.workload == found.workload)?;
        let mut all = process.series.iter();
        let series = all.find(|series| {
            (&series.workload, &series.metric) == (&found.workload, &found.metric)
        })?;
        n_samples += as_f64(output.iterations) * as_f64(series.per_iteration);
        for counts in process.counts.iter().filter(|counts| counts.workload == found.workload) {
            bytes += as_f64(counts.bytes);
            macs += as_f64(counts.macs);
        }
    }
    (n_samples > 0.0 && bytes > 0.0).then(|| (bytes / n_samples, macs / n_samples))
}

/// How the head found its tokens, and what memory the weights lay in; nothing of a record that does not say.
pub(super) fn weights(record: &RunRecord, settings: &Settings) -> String {
    let Settings { head: Some(head), weights_copied_bytes: Some(copied), .. } = settings else {
        return String::new();
    };
    let place = match copied {
        0 => "weights where the system keeps the file".to_owned(),
        _ => format!("{} of weights read into memory{}", bytes(*copied), in_huge_pages(record)),
    };
    super::wrapped(&format!("head {}; {place}", super::one_line(head)), "  ") + "\n"
}

/// Those of the process that had the fewest.
fn in_huge_pages(record: &RunRecord) -> String {
    let all: Option<Vec<u64>> =
        record.processes.iter().map(|process| process.weights_huge_bytes).collect();
    let least = all.and_then(|all| all.into_iter().min());
    least.map_or_else(
        || ", the system does not say in what pages".to_owned(),
        |least| format!(", {} of it in huge pages", bytes(least)),
    )
}

fn bytes(n: u64) -> String {
    Unit::Bytes.text(as_f64(n))
}

/// A line for each workload of a screened head: the shares of its rows that it looked at again.
pub(super) fn screenings(record: &RunRecord) -> String {
    let of_process = |name: &str| {
        let all = record.processes.iter().flat_map(|process| &process.screenings);
        let name = name.to_owned();
        all.filter(move |screening| screening.workload == name)
    };
    let line = |name: &String| {
        let sum =
            |rows: fn(&Screening) -> u64| of_process(name).map(|s| as_f64(rows(s))).sum::<f64>();
        let all = sum(|s| s.screened_rows);
        let share = |rows: f64| format!("{:.2} %", rows / all * 100.0);
        (all > 0.0).then(|| {
            let line = format!(
                "{name}: the screened head looked at {} of its rows again, and multiplied {} in full",
                share(sum(|s| s.refined_rows)),
                share(sum(|s| s.rescored_rows))
            );
            super::wrapped(&line, "  ") + "\n"
        })
    };
    record.suite.workloads.iter().filter_map(|def| line(&def.name)).collect()
}

#[cfg(test)]
mod tests {
    use baselines::testing;

    use super::*;

    /// The scripted step reads all weights in about 412 µs; the expected numbers are made of the model and the probes alone.
    #[test]
    fn a_row_is_counted_work_over_the_median_beside_the_probes_rate() {
        let record = testing::record(42);
        let linears = &record.subject.engine().unwrap().model.linears;
        let bytes: u64 = linears.iter().map(|linear| linear.n * linear.bytes).sum();
        let all = rooflines(&record);
        let decode = all.iter().find(|found| found.metric == "decode_step_ns").unwrap();
        let (of_step, _) = counted(&record, decode).unwrap();
        assert!((of_step - as_f64(bytes)).abs() < 1e-6, "{of_step} {bytes}");
        let rate = as_f64(bytes) / decode.median_ns * 1e9;
        let found = rows(&record);
        let row = found.iter().find(|row| row[0] == "decode-64").unwrap();
        assert_eq!(row[1], Rate::Bytes.text(rate));
        // The script's best cache probe, which holds a model of this size: 120 GB/s.
        assert!(row[2].ends_with(" GB/s") && row[2].starts_with("12"), "{row:?}");
        assert_eq!(found.len(), 2, "a prompt and a step: {found:?}");
        for line in human(&record).lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn without_probes_a_row_has_no_share_and_a_command_has_no_row() {
        let mut record = testing::record(42);
        record.probes.clear();
        assert!(rows(&record).iter().all(|row| row[3] == "–" && row[6] == "–" && row[1] != "–"));
        assert_eq!(human(&testing::commands(3, 1.0).head), "");
    }

    #[test]
    fn a_screened_head_says_its_shares_and_another_nothing() {
        let mut record = testing::record(42);
        assert_eq!(screenings(&record), "");
        for process in &mut record.processes {
            process.screenings.push(Screening {
                workload: "decode-64".to_owned(),
                screened_rows: 40_960,
                refined_rows: 512,
                rescored_rows: 20,
            });
        }
        assert_eq!(
            screenings(&record),
            "decode-64: the screened head looked at 1.25 % of its rows again, and\n  multiplied 0.05 % in full\n"
        );
    }

    #[test]
    fn the_least_of_the_processes_is_said_of_huge_pages() {
        let mut record = testing::record(42);
        let said = |record: &RunRecord| weights(record, &record.subject.engine().unwrap().settings);
        assert_eq!(said(&record), "head full; weights where the system keeps the file\n");
        let settings = &mut record.subject.engine_mut().unwrap().settings;
        settings.weights_copied_bytes = Some(1_200_000_000);
        let end = "the system does not say in what pages\n";
        let flat = said(&record).replace("\n  ", " ");
        assert!(flat.ends_with(end), "{flat}");
        for (process, huge) in record.processes.iter_mut().zip((1..).map(|n| n * 100_000_000)) {
            process.weights_huge_bytes = Some(huge);
        }
        assert!(
            said(&record).replace("\n  ", " ").contains("100 MB of it in huge pages"),
            "{}",
            said(&record)
        );
        record.subject.engine_mut().unwrap().settings.head = None;
        assert_eq!(said(&record), "", "a record from before");
    }
}
