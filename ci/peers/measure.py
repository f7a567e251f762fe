"""Runs both engines by turns, one process at a time, and keeps every run.

In: the two binaries, the models of this folder, the number of rounds. Out: peers.json after each round; the table on stdout; exit 1
if a run gave no figures, which ends nothing before its time. The next round takes the runs in the opposite order.
"""

import argparse
import json
import os
import subprocess
import sys
import time

import figures
import machine
import table

BOTH = {"prefill": 512, "decode": 128}
# Eight sequences at once generate as many tokens each.
SEQUENCES = 8
ALL = {**BOTH, "batch": SEQUENCES * BOTH["decode"]}
# Neighbours here are compared: what drifts within a round drifts least between them.
RUNS = [
    {"run": "2b-ours-one-thread", "engine": "ours", "model": "2b-i2_s.gguf", "threads": 1, "isa": None, "n": {"prefill": 512}},
    {"run": "2b-ours", "engine": "ours", "model": "2b-i2_s.gguf", "threads": 2, "isa": None, "n": ALL},
    {"run": "2b-llama.cpp", "engine": "llama.cpp", "model": "2b-llama.gguf", "threads": 2, "isa": None, "n": BOTH},
    {"run": "2b-ours-avx2", "engine": "ours", "model": "2b-i2_s.gguf", "threads": 2, "isa": "avx2", "n": BOTH},
    {"run": "stories-ours", "engine": "ours", "model": None, "threads": 2, "isa": None, "n": {"decode": 400}},
    {"run": "smollm2-ours", "engine": "ours", "model": "smollm2.gguf", "threads": 2, "isa": None, "n": BOTH},
    {"run": "smollm2-llama.cpp", "engine": "llama.cpp", "model": "smollm2.gguf", "threads": 2, "isa": None, "n": BOTH},
]
# CPUs in use by something else, beyond which a run is not one of a quiet machine.
QUIET_CPUS = 0.05
# Far beyond the slowest run of a slow machine: a hang becomes a line, not a night.
LIMIT_S = 1800


def command(run, binaries):
    """The command line of one run, and how its output is read."""
    model = os.path.join("models", run["model"]) if run["model"] else "stories"
    threads, n = str(run["threads"]), run["n"]
    if run["engine"] == "ours":
        sequences = SEQUENCES if "batch" in n else 0
        keys = [f"{key}={n.get(key, 0)}" for key in BOTH] + [f"batch={sequences}", "context=0", f"threads={threads}"]
        return [binaries["ours"], model, *keys, *([f"isa={run['isa']}"] if run["isa"] else [])], figures.of_rates
    tests = ["-p", str(n.get("prefill", 0)), "-n", str(n.get("decode", 0)), "-r", "1"]
    return [binaries["llama.cpp"], "-m", model, "-t", threads, *tests, "-o", "json"], figures.of_llama_bench


def measure(run, idx, binaries):
    """One process. An error becomes part of the run."""
    line, read = command(run, binaries)
    kept = {"round": idx, "run": run["run"], "arguments": line[1:], "load_average": os.getloadavg(), "results": [], "error": None}
    start, busy, own = time.monotonic(), machine.busy_s(), machine.children_s()
    try:
        done = subprocess.run(line, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        if done.returncode != 0:
            raise figures.Unexpected(f"expected exit code 0, found {done.returncode}: {done.stderr.strip()[-300:]}")
        kept["results"] = read(done.stdout, run)
    except (figures.Unexpected, OSError, subprocess.TimeoutExpired) as error:
        kept["error"] = str(error)
    kept["process_s"] = round(time.monotonic() - start, 3)
    kept["others_cpus"] = others(machine.busy_s(), busy, machine.children_s() - own, kept["process_s"])
    return kept


def others(after, before, own_s, wall_s):
    """How many CPUs everything else used meanwhile, on average."""
    if after is None or before is None or wall_s == 0:
        return None
    return round(max(after - before - own_s, 0) / wall_s, 3)


def tell(kept, n_rounds):
    timed = [one for one in kept["results"] if "tokens_per_s" in one]
    said = ", ".join(f"{one['test']} {one['tokens_per_s']:.1f}" for one in timed)
    print(f"round {kept['round']} of {n_rounds}, {kept['run']}: {kept['error'] or f'{said} tokens/s'}", file=sys.stderr, flush=True)


def write(document, out):
    """A whole document or the one before."""
    with open(f"{out}.part", "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")
    os.replace(f"{out}.part", out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, required=True)
    for name in ("rates", "llama-bench", "llama-version", "checkout", "out"):
        parser.add_argument(f"--{name}", required=True)
    asked = parser.parse_args()

    binaries = {"ours": asked.rates, "llama.cpp": asked.llama_bench}
    models = {model: os.path.join("models", model) for model in sorted({run["model"] for run in RUNS if run["model"]})}
    document = {
        "machine": machine.facts(),
        "versions": machine.versions(asked.checkout, asked.rates, asked.llama_bench, asked.llama_version, models),
        "n_rounds": asked.rounds,
        "runs": [],
    }
    for idx in range(1, asked.rounds + 1):
        for run in RUNS if idx % 2 else reversed(RUNS):
            document["runs"].append(measure(run, idx, binaries))
            tell(document["runs"][-1], asked.rounds)
        document["rows"] = table.rows(document["runs"])
        document["unmeasured"] = table.unmeasured(document["runs"])
        write(document, asked.out)
    print(table.markdown(document["runs"]))
    for line in document["unmeasured"]:
        print(f"not measured: {line}", file=sys.stderr)
    disturbed = [run for run in document["runs"] if (run["others_cpus"] or 0) > QUIET_CPUS]
    if disturbed:
        worst = max(run["others_cpus"] for run in disturbed)
        print(f"{len(disturbed)} of {len(document['runs'])} runs were not alone: others used up to {worst:.2f} CPUs", file=sys.stderr)
    return 1 if document["unmeasured"] else 0


if __name__ == "__main__":
    sys.exit(main())
