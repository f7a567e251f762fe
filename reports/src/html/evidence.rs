//! What the numbers rest on: digests, outputs, the machine and what it could do, and the commands that make it again.

use std::collections::BTreeSet;

use baselines::{
    Digest, Evidence, RunRecord,
    evidence::BaselineOutput,
    record::{Accuracy, Host, Probe, ProbeKind, ProbeWhen},
};
use maud::{Markup, html};

use super::table::scroll;
use crate::quantity::{counted, grouped, value};

/// The section.
pub(super) fn section(evidence: &Evidence) -> Markup {
    let head = &evidence.head;
    html! {
        section aria-labelledby="evidence" {
            h2 id="evidence" { "Evidence" }
            h3 { "Make it again" }
            (commands(evidence))
            h3 { "Output" }
            (outputs(evidence))
            @if let Some(accuracy) = &head.accuracy { (quality(accuracy)) }
            h3 { "Machine" }
            (machine(&head.host))
            h3 { "Marks" }
            (marks(evidence))
            h3 { "Probes of this session" }
            (probes(&head.probes))
            h3 { "Digests" }
            (digests(evidence))
        }
    }
}

/// What the header says of it: machine, subject and the command that measures it again.
pub(super) fn at_a_glance(evidence: &Evidence) -> Markup {
    let head = &evidence.head;
    html! {
        dl {
            dt { "Machine" }
            dd {
                @if let Some(gpu) = head.gpu() { (gpu.name) " (" code { (gpu.id) } "), " }
                (head.host.cpu_model) ", " (head.host.cpus) " CPUs, " (head.host.memory_gib) "\u{a0}GiB, " code { (head.host.fingerprint.short()) }
            }
            dt { "Measured" }
            dd { (super::subject::name(head)) ", suite " (head.suite.name) ", " (head.started_at) }
            dt { "Make it again" }
            dd { code { (command(evidence)) } }
        }
    }
}

/// The command that measures it again, in one line.
fn command(evidence: &Evidence) -> String {
    let head = &evidence.head;
    if let (Some(base), Some(head)) = (evidence.base.subject.command(), head.subject.command()) {
        return format!("bench gate --base-command '{}' --head-command '{}'", base.line, head.line);
    }
    let deterministic = if head.deterministic { "BITNET_DETERMINISTIC=1 " } else { "" };
    // Where a GPU was neither asked for nor taken, no build for GPUs is needed; what is no name of a device is not for a shell.
    let is_name = |text: &&str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == ':');
    let settings = head.subject.engine().map(|engine| &engine.settings);
    let asked = settings
        .filter(|settings| {
            settings.device_selected != "cpu"
                || !["auto", "cpu"].contains(&&*settings.device_requested)
        })
        .map(|settings| settings.device_requested.as_str())
        .filter(is_name);
    let (features, device) = asked.map_or_else(Default::default, |device| {
        (" --features gpu".to_owned(), format!(" --device {device}"))
    });
    format!(
        "{deterministic}BITNET_SEED={} cargo run --release{features} -- gate{device}",
        head.seed
    )
}

fn commands(evidence: &Evidence) -> Markup {
    let head = &evidence.head;
    let of_engine = head.subject.engine().is_some();
    html! {
        pre tabindex="0" {
            @if let (true, Some(commit), Some(false)) = (of_engine, &head.tool.commit, head.tool.dirty) {
                "git checkout " (commit) "\n"
            }
            (command(evidence)) "\n"
            "bench verify ci"
        }
        p { code { "gate" } " measures again; " code { "bench verify ci" } " derives the gate files from the evidence again and compares them byte for byte." }
    }
}

fn outputs(evidence: &Evidence) -> Markup {
    let workloads: BTreeSet<&str> = [&evidence.base, &evidence.head]
        .into_iter()
        .flat_map(|record| &record.processes)
        .flat_map(|process| process.outputs.iter().map(|output| output.workload.as_str()))
        .chain(stored_outputs(evidence).map(|output| output.workload.as_str()))
        .collect();
    html! {
        @if let Some(command) = evidence.head.subject.command() {
            p {
                @if command.same_output { "Every run of both arms wrote the same bytes to stdout, by digest; `bench verify` holds them against each other." }
                @else { "Not compared: nobody asked for the same output." }
            }
        } @else if workloads.is_empty() {
            p { "No workload of this session generates text." }
        } @else {
            (scroll("Outputs", &html! {
                table {
                    thead { tr {
                        th scope="col" { "Workload" }
                        th scope="col" { "Base" }
                        th scope="col" { "Head" }
                        th scope="col" { "Stored baseline" }
                        th scope="col" { "Same output" }
                    } }
                    tbody { @for workload in workloads { (output(evidence, workload)) } }
                }
            }))
            p.note { "Ids / logits: SHA-256 of the sampled ids and of the bits of the logits, first 12 digits." }
        }
    }
}

fn output(evidence: &Evidence, workload: &str) -> Markup {
    let base = output_digests(&evidence.base, workload);
    let head = output_digests(&evidence.head, workload);
    let stored: BTreeSet<(Digest, Digest)> = stored_outputs(evidence)
        .filter(|output| output.workload == workload)
        .map(|output| (output.output_ids_digest, output.logits_digest))
        .collect();
    let same = head.len() == 1 && base == head && (evidence.baseline.is_none() || stored == head);
    html! {
        tr {
            th scope="row" { (workload) }
            @for digests in [&base, &head, &stored] {
                td {
                    @if digests.is_empty() { "none" }
                    @for (ids, logits) in digests.iter().take(3) { code { (ids.short()) " / " (logits.short()) } br; }
                    @if digests.len() > 3 { "and " (digests.len() - 3) " more" }
                }
            }
            td { @if same { "= yes" } @else { strong { "≠ no" } } }
        }
    }
}

fn stored_outputs(evidence: &Evidence) -> impl Iterator<Item = &BaselineOutput> {
    evidence.baseline.iter().flat_map(|baseline| &baseline.outputs)
}

/// The different outputs of one arm: ids and logits.
fn output_digests(record: &RunRecord, workload: &str) -> BTreeSet<(Digest, Digest)> {
    record
        .processes
        .iter()
        .flat_map(|process| &process.outputs)
        .filter(|output| output.workload == workload)
        .map(|output| (output.output_ids_digest, output.logits_digest))
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "positions are far below 2^53")]
fn quality(accuracy: &Accuracy) -> Markup {
    if accuracy.positions == 0 {
        return html! { p { "Accuracy: no position was scored." } };
    }
    let positions = accuracy.positions as f64;
    let percent = 100.0 * accuracy.top1_equal as f64 / positions;
    let perplexity = |nll: f64| libm::exp(nll / positions);
    html! {
        p {
            "Accuracy of the head (" (accuracy.format) ") against its own float-activation run on held-out text: same most likely token on "
            (grouped(accuracy.top1_equal)) " of " (grouped(accuracy.positions)) " positions ("
            (format!("{percent:.2}\u{a0}%")) "); perplexity " (format!("{:.4}", perplexity(accuracy.nll_int8)))
            " against " (format!("{:.4}", perplexity(accuracy.nll_float))) "."
        }
    }
}

fn machine(host: &Host) -> Markup {
    html! {
        dl {
            dt { "Processor" } dd { (host.cpu_model) ", signature " (host.cpu_signature) ", microcode " (host.microcode) }
            dt { "Flags" } dd { (host.cpu_flags.join(" ")) }
            dt { "CPUs, memory" } dd { (host.cpus) " CPUs, " (host.memory_gib) "\u{a0}GiB" }
            dt { "System" } dd { (host.os) "; governor " (host.governor) "; virtualization " (host.virtualization) }
        }
    }
}

fn marks(evidence: &Evidence) -> Markup {
    let arms = [("base", &evidence.base), ("head", &evidence.head)];
    let marks: Vec<_> = arms
        .into_iter()
        .flat_map(|(arm, record)| record.marks.iter().map(move |mark| (arm, mark)))
        .collect();
    let is_shared = |mark| evidence.base.marks.contains(mark) && evidence.head.marks.contains(mark);
    html! {
        @if marks.is_empty() {
            p { "None: nothing unusual was seen before the timings were read." }
        } @else {
            ul {
                @for (arm, mark) in &marks {
                    @if !is_shared(mark) {
                        li { code { (mark.name) } ": " (mark.detail) " (" (arm) ")" }
                    } @else if *arm == "base" {
                        li { code { (mark.name) } ": " (mark.detail) }
                    }
                }
            }
        }
    }
}

fn probes(probes: &[Probe]) -> Markup {
    html! {
        @if probes.is_empty() {
            p { "None ran." }
        } @else {
            (scroll("Probes", &html! {
                table {
                    thead { tr {
                        th scope="col" { "Probe" }
                        th scope="col" { "When" }
                        th.number scope="col" { "Threads" }
                        th.number scope="col" { "Working set" }
                        th.number scope="col" { "Repetitions" }
                        th.number scope="col" { "Best rate" }
                    } }
                    tbody { @for probe in probes {
                        tr {
                            th scope="row" { (probe_name(probe.kind)) }
                            td { (match probe.when { ProbeWhen::Before => "before", ProbeWhen::After => "after" }) }
                            td.number { (probe.threads) }
                            td.number { (working_set(probe)) }
                            td.number { (probe.samples_ns.len()) }
                            td.number { (rate(probe)) }
                        }
                    } }
                }
            }))
            p.note { "Rates are recomputed here: work of one repetition ÷ the shortest repetition." }
        }
    }
}

const fn probe_name(kind: ProbeKind) -> &'static str {
    match kind {
        ProbeKind::BandwidthCache => "read bandwidth, caches",
        ProbeKind::BandwidthPages4k => "read bandwidth, 4 KiB pages",
        ProbeKind::BandwidthHugePages => "read bandwidth, huge pages",
        ProbeKind::Int8Peak => "int8 peak",
        ProbeKind::DeviceBandwidth => "GPU: copy bandwidth, read and written",
        ProbeKind::DeviceCacheBandwidth => "GPU: read bandwidth, second-level cache",
        ProbeKind::DeviceInt8Peak => "GPU: int8 peak",
    }
}

#[expect(clippy::cast_precision_loss, reason = "a working set is far below 2^53 bytes")]
fn working_set(probe: &Probe) -> String {
    if probe.kind.counts_macs() {
        return "–".to_owned();
    }
    value(probe.working_set_bytes as f64, baselines::unit::Unit::Bytes)
}

fn rate(probe: &Probe) -> String {
    let unit = if probe.kind.counts_macs() { "GMAC/s" } else { "GB/s" };
    match probe.best_rate() {
        Some(rate) if rate.is_finite() => format!("{:.1}\u{a0}{unit}", rate / 1e9),
        _ => "none".to_owned(),
    }
}

fn digests(evidence: &Evidence) -> Markup {
    let (base, head) = (&evidence.base, &evidence.head);
    let mut rows = vec![
        ("Base binary", base.subject.binary),
        ("Head binary", head.subject.binary),
        ("Base suite", base.suite.digest),
        ("Head suite", head.suite.digest),
        ("Base machine", base.host.fingerprint),
        ("Head machine", head.host.fingerprint),
    ];
    for (name, record) in [("Base model", base), ("Head model", head)] {
        rows.extend(record.subject.engine().map(|engine| (name, engine.model.digest)));
    }
    rows.push(("Policy", Digest::of(evidence.policy.as_bytes())));
    html! {
        dl {
            @for (name, digest) in rows { dt { (name) } dd { code { (digest) } } }
            @if let Some(baseline) = &evidence.baseline {
                dt { "Baseline record" }
                dd { code { (baseline.record) } }
            }
            dt { "Session" }
            dd {
                code { (head.session) } ", " (head.started_at) " to " (head.ended_at) ", "
                (counted(base.processes.len() + head.processes.len(), "process", "processes"))
            }
        }
    }
}
