//! `bench worker`: one process, one replication. Reads a request, measures when it is told to, writes what it found.
//! In: the protocol's request and orders on stdin. Out: its events on stdout; an error becomes the event `failed` and exit 1.

pub(crate) mod protocol;
mod spawn;

use std::io::{BufRead, Write};

use anyhow::{Context as _, Result, ensure};
use baselines::record::{Series, samples_digest};

pub(crate) use spawn::{Limits, Report, Worker};

use self::protocol::{Event, Job, Order, PROTOCOL, Request};
use crate::{
    Hooks,
    accuracy::{self, Scoring},
    environment, failure,
    measure::{Clock, Planted, Tally},
    subject::{
        device::{self, Asked},
        engine::Source,
        lane::Lane,
    },
    workload::{Bench, Trace, Workloads},
};

/// Serves one request. The error, if any, is written as an event too.
pub(crate) fn serve(
    input: impl BufRead,
    output: &mut impl Write,
    clock: &dyn Clock,
    hooks: &Hooks,
) -> Result<()> {
    let served = measure(input, output, clock, hooks);
    if let Err(error) = &served {
        // The parent may have gone; then nobody reads either line.
        let (message, kind) = (format!("{error:#}"), failure::kind(error).to_owned());
        let _ = send(output, &Event::Failed { message, kind });
    }
    served
}

fn measure(
    mut input: impl BufRead,
    output: &mut impl Write,
    clock: &dyn Clock,
    hooks: &Hooks,
) -> Result<()> {
    send(output, &Event::Hello { protocol: PROTOCOL, pid: u64::from(std::process::id()) })?;
    send(output, &Event::Tool(environment::tool()))?;
    let mut line = String::new();
    input.read_line(&mut line).context("failed to read the request")?;
    let request: Request = serde_json::from_str(&line)
        .context("failed to read the request: `bench worker` is started by `bench run` and `bench gate`, not by hand")?;
    ensure!(
        request.protocol == PROTOCOL,
        "failed to serve the request: expected protocol {PROTOCOL}, found {}",
        request.protocol
    );

    let source = Source::named(&request.model);
    let model = source.open()?;
    let mut options = source.options(request.isa.as_deref(), request.threads)?;
    options.memory_limit =
        request.memory_limit.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    if request.pin {
        options.cpus = places(options.threads);
    }
    let info = source.describe(&model);
    let linears = info.linears.clone();
    send(output, &Event::Model(info))?;
    for linear in linears {
        send(output, &Event::Linear(linear))?;
    }
    // What a test build plants in the kernels is for the gate to find: the self-test is of the engine's own.
    let asked = Asked { device: device::parse(&request.device)?, is_strict: request.strict_device };
    let size = device::size_of_suite(&request.suite, request.prompt.as_deref());
    let lane = Lane::open(&model, &options, asked, size)?;
    send(output, &Event::Settings(source.settings(&model, &options, &lane)?))?;

    match request.job {
        Job::Suite => {
            let tally = Tally::default();
            let bench = Bench {
                source: &source,
                model: &model,
                options: &options,
                lane: &lane,
                seed: request.seed,
                challenge_seed: request.challenge_seed,
                prompt: request.prompt.as_deref(),
                clock,
                hooks,
                planted: Planted::of(request.planted_share)?,
                tally: &tally,
                spans: request.spans,
            };
            let mut workloads =
                Workloads::prepare(bench, &request.suite, || send(output, &Event::Alive))?;
            send(output, &Event::Ready)?;
            while let Order::Turn { round, workload } = next_order(&mut input)? {
                workloads.take_turn(round, workload)?;
                send(output, &Event::Took { round, workload })?;
            }
            let mut traces = workloads.traces();
            let series: Vec<Series> =
                traces.iter_mut().flat_map(|trace| std::mem::take(&mut trace.series)).collect();
            let digest = samples_digest(&request.taker, &series);
            for series in series {
                send(output, &Event::Series(series))?;
            }
            send(output, &Event::SamplesDigest(digest))?;
            for trace in traces {
                send_trace(output, trace)?;
            }
            if let Some(used) = lane.usage() {
                send(output, &Event::Device(used))?;
            }
        }
        Job::Accuracy => {
            let scoring =
                Scoring { options: &options, lane: &lane, hooks, positions: request.positions };
            let formats = accuracy::formats(&request.suite);
            let alive = || send(output, &Event::Alive);
            let scored = accuracy::score(&model, scoring, formats, alive)
                .context("failed to score held-out text")?;
            for accuracy in scored {
                send(output, &Event::Accuracy(accuracy))?;
            }
        }
    }
    let weights_huge_bytes = model.huge_size().map(|bytes| bytes as u64);
    send(output, &Event::Done { peak_rss_bytes: environment::peak_rss_bytes(), weights_huge_bytes })
}

/// A CPU for each of `threads` threads where they fill the machine exactly, so that there is no choice to make: this one
/// is put on the first. Otherwise none, and the system's scheduler chooses.
fn places(threads: usize) -> Vec<usize> {
    let cpus = engine::cpus::allowed();
    let first = cpus.first().filter(|_| cpus.len() == threads);
    if first.is_some_and(|cpu| engine::cpus::stay_on(*cpu)) { cpus } else { Vec::new() }
}

/// Waits for the parent's next order. A parent that has gone gives none.
fn next_order(input: &mut impl BufRead) -> Result<Order> {
    let mut line = String::new();
    let n = input.read_line(&mut line).context("failed to read an order")?;
    ensure!(n > 0, "failed to read an order: the parent closed the pipe before `finish`");
    serde_json::from_str(&line).with_context(|| {
        format!("failed to read an order: expected `turn` or `finish`, found {:?}", line.trim_end())
    })
}

/// What a workload found besides its series.
fn send_trace(output: &mut impl Write, trace: Trace) -> Result<()> {
    let outputs = trace.output.into_iter().map(Event::Output);
    let ids = trace.ids.into_iter().map(Event::Ids);
    let challenge = trace.challenge.into_iter().map(Event::Challenge);
    let counts = trace.counts.into_iter().map(Event::Counts);
    let screening = trace.screening.into_iter().map(Event::Screening);
    let allocations = trace.allocations.into_iter().map(Event::Allocations);
    let counted = counts.chain(screening).chain(allocations);
    for event in outputs.chain(ids).chain(challenge).chain(counted) {
        send(output, &event)?;
    }
    Ok(())
}

fn send(output: &mut impl Write, event: &Event) -> Result<()> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    output.write_all(&line).and_then(|()| output.flush()).context("failed to write to the parent")
}
