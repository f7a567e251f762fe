//! `bench worker`: one process, one replication. Reads a request, measures, writes what it found line by line.
//! In: the protocol's request on stdin. Out: its events on stdout; an error becomes the event `failed` and exit 1.

pub(crate) mod protocol;
mod spawn;

use std::io::{BufRead, Write};

use anyhow::{Context as _, Result, ensure};

pub(crate) use protocol::Ids;
pub(crate) use spawn::{Limits, Report, run};

use self::protocol::{Event, Job, PROTOCOL, Request};
use crate::{
    Hooks, accuracy, environment,
    measure::Clock,
    subject::engine::Source,
    workload::{self, Bench, Trace},
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
        let _ = send(output, &Event::Failed { message: format!("{error:#}") });
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
    let options = source.options(request.isa.as_deref(), request.threads)?;
    let info = source.describe(&model);
    let linears = info.linears.clone();
    send(output, &Event::Model(info))?;
    for linear in linears {
        send(output, &Event::Linear(linear))?;
    }
    send(output, &Event::Settings(source.settings(&model, &options)?))?;

    match request.job {
        Job::Suite => {
            let bench = Bench {
                source: &source,
                model: &model,
                options: &options,
                seed: request.seed,
                prompt: request.prompt.as_deref(),
                clock,
                hooks,
            };
            let defs: Vec<_> = request.workloads.into_iter().map(|line| line.0).collect();
            let traces = workload::measure(bench, &defs, || send(output, &Event::Alive))?;
            for trace in traces {
                send_trace(output, trace)?;
            }
        }
        Job::Accuracy => {
            let accuracy = accuracy::score(&model, &options, request.positions)
                .context("failed to score held-out text")?;
            send(output, &Event::Accuracy(accuracy))?;
        }
    }
    send(output, &Event::Done { peak_rss_bytes: environment::peak_rss_bytes() })
}

fn send_trace(output: &mut impl Write, trace: Trace) -> Result<()> {
    let series = trace.series.into_iter().map(Event::Series);
    let outputs = trace.output.into_iter().map(Event::Output);
    let ids = trace.ids.into_iter().map(Event::Ids);
    let counts = trace.counts.into_iter().map(Event::Counts);
    for event in series.chain(outputs).chain(ids).chain(counts) {
        send(output, &event)?;
    }
    Ok(())
}

fn send(output: &mut impl Write, event: &Event) -> Result<()> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    output.write_all(&line).and_then(|()| output.flush()).context("failed to write to the parent")
}
