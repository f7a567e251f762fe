"""The figures and the table themselves: fixed runs give the rows worked out by hand, and each planted fault is found.

In: nothing. Out: exit 0, or what was expected and found. compare.sh runs it before it measures.
"""

import copy
import json
import sys

sys.dont_write_bytecode = True

import figures
import table

ASKED = {"threads": 2, "isa": "avx2", "n": {"prefill": 512, "decode": 128}}

RATES = "\n".join(
    [
        '{"test": "probe", "threads": 2, "isa": "avx2", "gb_per_s": 50.0, "gmac_per_s": 370.0}',
        '{"test": "ready", "s": 0.5}',
        "Screening { rows: 0 } Some(Count { products: 2 })",
        '{"test": "prefill", "n": 512, "context": 0, "threads": 2, "isa": "avx2", "s": 4.0, "tokens_per_s": 128.0, "gb_per_s": 0.5, "gmac_per_s": 260.0}',
        '{"test": "probe", "threads": 2, "isa": "avx2", "gb_per_s": 30.0, "gmac_per_s": 350.0}',
        '{"test": "decode", "n": 128, "context": 0, "threads": 2, "isa": "avx2", "s": 4.0, "tokens_per_s": 32.0, "gmac_per_s": 77.0, "gb_per_s": 30.1}',
        '{"test": "probe", "threads": 2, "isa": "avx2", "gb_per_s": 34.0, "gmac_per_s": 360.0}',
    ]
)

LLAMA_BENCH = json.dumps(
    [
        {"backends": "CPU", "n_threads": 2, "n_prompt": 512, "n_gen": 0, "n_depth": 0, "samples_ns": [8_000_000_000]},
        {"backends": "CPU", "n_threads": 2, "n_prompt": 0, "n_gen": 128, "n_depth": 0, "samples_ns": [4_000_000_000]},
    ]
)

# By round: prefill and decode of each run, and for the run that is held against the machine what else it says.
SESSION = {
    "2b-ours-one-thread": [(150.0, None), (160.0, None), (140.0, None)],
    "2b-ours": [
        (300.0, 40.0, {"batch": 150.0, "moved": 32.0, "reads": 40.0, "done": 300.0, "peak": 400.0}),
        (300.0, 50.0, {"batch": 240.0, "moved": 40.0, "reads": 40.0, "done": 300.0, "peak": 500.0}),
        (250.0, 36.0, {"batch": 150.0, "moved": 30.0, "reads": 60.0, "done": 250.0, "peak": 500.0}),
    ],
    "2b-llama.cpp": [(100.0, 20.0), (150.0, 20.0), (100.0, 15.0)],
    "2b-ours-avx2": [(130.0, 30.0), (150.0, 32.0), (120.0, 21.0)],
    "stories-ours": [(None, 4500.0), (None, 9000.0), (None, 2250.0)],
    "smollm2-ours": [(900.0, 120.0), (800.0, 100.0), (700.0, 110.0)],
    "smollm2-llama.cpp": [(1000.0, 120.0), (800.0, 125.0), (500.0, 100.0)],
}

# By hand. The first: rounds 300/100, 300/150, 250/100 are 3, 2, 2.5; their median is 2.5, and only 3 reaches 2.7.
ROWS = [
    "| 2B, prefill of 512 | 300.0 (250.0–300.0) | 100.0 (100.0–150.0) | 2.50 (2.00–3.00) | 2.70 | no (1 of 3) |",
    "| 2B, decode of 128 | 40.0 (36.0–50.0) | 20.0 (15.0–20.0) | 2.40 (2.00–2.50) | 2.30 | yes (2 of 3) |",
    "| 2B, prefill of 512, ours on AVX2 | 130.0 (120.0–150.0) | 100.0 (100.0–150.0) | 1.20 (1.00–1.30) | 1.20 | yes (2 of 3) |",
    "| 2B, decode of 128, ours on AVX2 | 30.0 (21.0–32.0) | 20.0 (15.0–20.0) | 1.50 (1.40–1.60) | 1.50 | yes (2 of 3) |",
    "| 2B, prefill of 512, our two threads to our one | 300.0 (250.0–300.0) | 150.0 (140.0–160.0) | 1.88 (1.79–2.00) | 1.85 | yes (2 of 3) |",
    "| 2B, batch of 8 to prefill | 150.0 (150.0–240.0) | 300.0 (250.0–300.0) | 0.60 (0.50–0.80) | 0.60 | yes (2 of 3) |",
    "| 2B, decode: GB/s to the machine's | 32.0 (30.0–40.0) | 40.0 (40.0–60.0) | 0.80 (0.50–1.00) | 0.80 | yes (2 of 3) |",
    "| 2B, prefill: G multiply-adds/s to the machine's | 300.0 (250.0–300.0) | 500.0 (400.0–500.0) | 0.60 (0.50–0.75) | 0.65 | no (1 of 3) |",
    "| stories, decode of 400, to a number | 4500.0 (2250.0–9000.0) | 4500.0 (4500.0–4500.0) | 1.00 (0.50–2.00) | 1.00 | yes (2 of 3) |",
    "| SmolLM2, prefill of 512 | 800.0 (700.0–900.0) | 800.0 (500.0–1000.0) | 1.00 (0.90–1.40) | 1.00 | yes (2 of 3) |",
    "| SmolLM2, decode of 128 | 110.0 (100.0–120.0) | 120.0 (100.0–125.0) | 1.00 (0.80–1.10) | 1.00 | yes (2 of 3) |",
]

# Output that is not the measurement asked for: what, whose, the text to replace, the text put there.
FOREIGN = [
    ("another number of threads", "rates", '"threads": 2', '"threads": 1'),
    ("another instruction set", "rates", '"isa": "avx2"', '"isa": "avx512"'),
    ("another number of tokens", "rates", '"n": 128', '"n": 64'),
    ("a decode behind a context", "rates", '"context": 0', '"context": 4096'),
    ("a test that is missing", "rates", '"decode"', '"other"'),
    ("a test that comes twice", "rates", '"decode"', '"prefill"'),
    ("a rate of nothing", "rates", '"tokens_per_s": 32.0', '"tokens_per_s": 0'),
    ("a rate without end", "rates", '"tokens_per_s": 32.0', '"tokens_per_s": Infinity'),
    ("a line cut short", "rates", '"gb_per_s": 30.1}', '"gb_per'),
    ("bytes that did not move", "rates", '"gb_per_s": 30.1', '"gb_per_s": 0'),
    ("a run without multiply-adds", "rates", '"gmac_per_s": 77.0, ', ""),
    ("a machine that does nothing", "rates", '"gmac_per_s": 370.0', '"gmac_per_s": 0'),
    ("no word of the machine", "rates", '"probe"', '"other"'),
    ("no word of it before", "rates", '{"test": "probe", "threads": 2, "isa": "avx2", "gb_per_s": 50.0', '{"test": "other", "gb_per_s": 50.0'),
    ("no word of it between", "rates", '{"test": "probe", "threads": 2, "isa": "avx2", "gb_per_s": 30.0', '{"test": "other", "gb_per_s": 30.0'),
    ("no word of it behind", "rates", '{"test": "probe", "threads": 2, "isa": "avx2", "gb_per_s": 34.0', '{"test": "other", "gb_per_s": 34.0'),
    ("another number of threads", "llama-bench", '"n_threads": 2', '"n_threads": 4'),
    ("a GPU", "llama-bench", '"CPU"', '"CUDA"'),
    ("another number of tokens", "llama-bench", '"n_prompt": 512', '"n_prompt": 256'),
    ("prompt and generation in one test", "llama-bench", '"n_prompt": 0', '"n_prompt": 512'),
    ("a second sample", "llama-bench", "[4000000000]", "[4000000000, 1]"),
    ("a sample of no time", "llama-bench", "[4000000000]", "[0]"),
    ("no document", "llama-bench", LLAMA_BENCH, ""),
    ("an error instead of a list", "llama-bench", LLAMA_BENCH, '{"error": "x"}'),
]


def session():
    return [
        {"round": idx, "run": name, "error": None, "results": results(*pair)}
        for name, pairs in SESSION.items()
        for idx, pair in enumerate(pairs, start=1)
    ]


def results(prefill, decode, more=None):
    found = [{"test": test, "tokens_per_s": rate} for test, rate in (("prefill", prefill), ("decode", decode)) if rate is not None]
    if more:
        found[0] |= {"gmac_per_s": more["done"], "machine_gmac_per_s": more["peak"]}
        found[1] |= {"gb_per_s": more["moved"], "machine_gb_per_s": more["reads"]}
        found.append({"test": "batch", "tokens_per_s": more["batch"]})
    return found


def wrong_rows(runs):
    """What differs from ROWS, a line each."""
    found = table.markdown(runs).splitlines()[2:]
    pairs = zip(ROWS + [""] * len(found), found + [""] * (len(ROWS) - len(found)))
    return [f"row: expected {want}\n     found    {got}" for want, got in pairs if want != got]


def check_table():
    wrong = wrong_rows(session())
    if table.unmeasured(session()):
        wrong.append(f"complete runs: expected nothing unmeasured, found {table.unmeasured(session())}")
    # A planted wrong figure has to show in the table, whichever it is.
    for idx, run in enumerate(session()):
        for result, kept in enumerate(run["results"]):
            for key in kept.keys() - {"test"}:
                planted = copy.deepcopy(session())
                planted[idx]["results"][result][key] *= 3
                if not wrong_rows(planted):
                    wrong.append(f"round {run['round']}, {run['run']}, {key}: expected a figure thrice as high to show in a row, it did not")
    return wrong


def check_gaps():
    """A run that failed takes its round out of the row, and is named; with all of them gone the row says so."""
    wrong = []
    runs = session()
    for run in runs:
        if run["run"] == "2b-llama.cpp" and run["round"] == 3:
            run.update(error="killed", results=[])
    want = "| 2B, prefill of 512 | 300.0 (250.0–300.0) | 125.0 (100.0–150.0) | 2.50 (2.00–3.00) | 2.70 | no (1 of 2) |"
    got = table.markdown(runs).splitlines()[2]
    if got != want:
        wrong.append(f"two rounds of three: expected {want}\n     found    {got}")
    if table.unmeasured(runs) != ["round 3, 2b-llama.cpp: killed"]:
        wrong.append(f"a failed run: expected it to be named, found {table.unmeasured(runs)}")

    runs = [run for run in session() if run["run"] != "smollm2-ours"]
    want = "| SmolLM2, decode of 128 | not measured | 120.0 (100.0–125.0) | not measured | 1.00 | not measured (0 of 0) |"
    got = table.markdown(runs).splitlines()[-1]
    if got != want or len(table.unmeasured(runs)) != 2:
        wrong.append(f"a side without runs: expected {want}, and two lines\n     found    {got}, and {table.unmeasured(runs)}")
    return wrong


def check_figures():
    sides = {"rates": (RATES, figures.of_rates), "llama-bench": (LLAMA_BENCH, figures.of_llama_bench)}
    wrong = []
    wanted = {"rates": {"prefill": 128.0, "decode": 32.0}, "llama-bench": {"prefill": 64.0, "decode": 32.0}}
    for name, want in wanted.items():
        text, read = sides[name]
        got = {one["test"]: one["tokens_per_s"] for one in read(text, ASKED)}
        if got != want:
            wrong.append(f"output of {name}: expected {want}, found {got}")
    # What the machine did before and after each, on average.
    want = [(40.0, 360.0), (32.0, 355.0)]
    got = [tuple(one[f"machine_{key}"] for key in figures.MACHINE) for one in figures.of_rates(RATES, ASKED)]
    if got != want:
        wrong.append(f"the machine: expected {want}, found {got}")
    for what, name, old, new in FOREIGN:
        text, read = sides[name]
        if old not in text:
            wrong.append(f"fault “{what}” of {name}: expected its place in the text, found none: {old}")
        try:
            got = read(text.replace(old, new), ASKED)
            wrong.append(f"fault “{what}” of {name}: expected an error, found the figures {got}")
        except figures.Unexpected:
            pass
    return wrong


if __name__ == "__main__":
    lines = check_table() + check_gaps() + check_figures()
    for line in lines:
        print(line)
    print(f"ci/peers, planted faults: {len(FOREIGN)} outputs, each figure of {len(session())} runs; {len(lines)} line(s) of what is wrong")
    sys.exit(1 if lines else 0)
