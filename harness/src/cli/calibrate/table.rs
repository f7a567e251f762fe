//! A calibration for people: rates beside their demands, what was planted and what it came to, noise, and what that allows.
//! In: a calibration and its summary. Out: text of at most 80 columns.

use gates::calibration::{Group, MINUTES, Rate, Summary};

use super::super::table::{table, text, wrapped};
use crate::calibrate::Calibration;

/// The whole of it.
pub(super) fn human(calibration: &Calibration, summary: &Summary) -> String {
    let names: Vec<String> = calibration
        .subject
        .metrics
        .iter()
        .map(|metric| format!("{}/{}", metric.workload, metric.metric))
        .collect();
    [
        heading(calibration, &names),
        rates(summary),
        planted(summary, &names),
        noise(summary, &names),
        explained(summary),
        closing(calibration, summary),
    ]
    .join("\n")
}

fn heading(calibration: &Calibration, names: &[String]) -> String {
    let subject = &calibration.subject;
    let slowed = calibration.comparisons.iter().filter(|one| one.planted_percent > 0.0).count();
    let said = format!(
        "comparisons of this build with itself: {}, with the head slowed: {slowed}; {}; {}, threads: {}, {}, looks at {:?} \
         pairs",
        calibration.comparisons.len() - slowed,
        names.join(", "),
        subject.isa,
        subject.threads,
        subject.cpu_model,
        subject.looks,
    );
    wrapped(&said, "") + "\n"
}

/// How often each verdict fell.
fn rates(summary: &Summary) -> String {
    let mut rates = table(&["", "demand", "found", "95 % interval", ""], 2..4);
    for group in &summary.groups {
        let name = name(group);
        let fail = if group.planted > 0.0 { "FAIL (found)" } else { "false FAIL" };
        let demand = group.demand.map_or("–".to_owned(), |demand| demand.text(group.fail.n));
        let mark = match group.holds() {
            Some(true) => "✔",
            Some(false) if group.fail.n == 0 => "✘ not run",
            Some(false) => "✘ broken",
            None => "shown",
        };
        let mut row = |what: &str, demand: String, rate: Rate, mark: &str| {
            let (found, interval) = (format!("{} of {}", rate.hits, rate.n), interval(rate));
            let cells = [format!("{name}: {what}"), demand, found, interval, mark.to_owned()];
            rates.add_row(cells);
        };
        row(fail, demand, group.fail, mark);
        let false_improved = ("false improved", group.improved);
        let others = if group.planted > 0.0 { ("PASS", group.pass) } else { false_improved };
        for (what, rate) in [others, ("inconclusive", group.inconclusive)] {
            row(what, "–".to_owned(), rate, "shown");
        }
    }
    text(&rates)
}

/// What was planted, and what it came to.
fn planted(summary: &Summary, names: &[String]) -> String {
    let header = ["", "realised", "95 % interval", "pairs", "s each"];
    let mut realised = table(&header, 1..5);
    for group in &summary.groups {
        for (idx, (found, metric)) in group.realised.iter().zip(names).enumerate() {
            let name = match names {
                [_] => name(group),
                _ => format!("{} {metric}", name(group)),
            };
            let once = |value: Option<f64>| match value {
                Some(value) if idx == 0 => format!("{value:.1}"),
                _ => String::new(),
            };
            realised.add_row([
                name,
                found.as_ref().map_or("–".to_owned(), |found| percent(found.estimate)),
                found.as_ref().and_then(|found| found.interval).map_or("–".to_owned(), |ends| {
                    format!("{} to {}", percent(ends.0), percent(ends.1))
                }),
                once(group.mean_pairs),
                once(group.mean_seconds),
            ]);
        }
    }
    text(&realised)
}

/// The spread of a pair, and the slow-downs that it lets a gate see.
fn noise(summary: &Summary, names: &[String]) -> String {
    let minutes = MINUTES.map(|minutes| format!("{minutes} min"));
    let mut header = vec!["", "pair SD", "95 % interval"];
    header.extend(minutes.iter().map(String::as_str));
    let mut noise = table(&header, 1..header.len());
    for (found, name) in summary.noise.iter().zip(names) {
        let share = |sd: f64| format!("{:.2}", 100.0 * sd);
        let mut cells = vec![
            name.clone(),
            found.pair_sd.map_or("–".to_owned(), |(sd, _, _)| format!("{} %", share(sd))),
            found.pair_sd.map_or("–".to_owned(), |(_, low, high)| {
                format!("{}–{}", share(low), share(high))
            }),
        ];
        cells
            .extend(found.smallest.iter().map(|smallest| smallest.map_or("–".to_owned(), percent)));
        noise.add_row(cells);
    }
    text(&noise)
}

fn explained(summary: &Summary) -> String {
    let per_pair = summary
        .seconds_per_pair
        .map_or(String::new(), |seconds| format!(", at {seconds:.2} s a pair"));
    let lines = [
        "A rate of false alarms is met up to the count that the policy's level gives, or exceeds, in more than 1 run of 20; \
         a slow-down of the unacceptable margin or more must be found 95 times in 100."
            .to_owned(),
        "Realised: over comparisons, from the pairs of their first looks. Threads that wait by spinning can make a slow-down \
         greater than what was planted."
            .to_owned(),
        format!(
            "Minutes: the smallest slow-down that fails 9 times in 10 within them; computed from the noise, not \
             measured{per_pair}, for an unacceptable margin no greater than it; –: fewer pairs than the first look."
        ),
    ];
    lines.map(|line| wrapped(&line, "") + "\n").concat()
}

fn closing(calibration: &Calibration, summary: &Summary) -> String {
    let plan = &calibration.plan;
    let asked = plan.comparisons + plan.planted_percent.len() * plan.planted_comparisons;
    let done: u64 = summary.groups.iter().map(|group| group.fail.n).sum();
    let met = |holds| summary.groups.iter().filter(|group| group.holds() == Some(holds)).count();
    let (met, broken) = (met(true), met(false));
    let glyph = if summary.holds { "✔" } else { "✘" };
    let cut_short = match done < asked as u64 {
        true => format!("; {done} of {asked} comparisons were run, the rest with `--resume`"),
        false => String::new(),
    };
    let said = format!("{glyph} {} demands: {met} met, {broken} broken{cut_short}", met + broken);
    wrapped(&said, "") + "\n"
}

fn name(group: &Group) -> String {
    if group.planted > 0.0 {
        // As it was asked for: 0.07 is not quite 7 ÷ 100.
        format!("planted {} %", (group.planted * 1e6).round() / 1e4)
    } else {
        "A/A".to_owned()
    }
}

fn interval(rate: Rate) -> String {
    let (low, high) = rate.interval_95();
    format!("{:.1}–{:.1} %", 100.0 * low, 100.0 * high)
}

/// A log ratio as a change.
fn percent(log_ratio: f64) -> String {
    format!("{:+.1} %", 100.0 * log_ratio.exp_m1())
}
