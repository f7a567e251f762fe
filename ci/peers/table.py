"""The table of a comparison: medians, ranges, and the ratio that was demanded.

`table.py peers.json`. In: the document that measure.py writes. Out: Markdown. A ratio is taken inside each round, and the median of
those ratios is judged: what slows the machine for a while slows both sides of a round.
"""

import json
import statistics
import sys

# One row: its words; the two sides, each a run of measure.py, a test, and the figure of it where that is not tokens a second;
# the ratio of the first to the second that is demanded. The second side can be a number.
ROWS = [
    ("2B, prefill of 512", ("2b-ours", "prefill"), ("2b-llama.cpp", "prefill"), 2.7),
    ("2B, decode of 128", ("2b-ours", "decode"), ("2b-llama.cpp", "decode"), 2.3),
    ("2B, prefill of 512, ours on AVX2", ("2b-ours-avx2", "prefill"), ("2b-llama.cpp", "prefill"), 1.2),
    ("2B, decode of 128, ours on AVX2", ("2b-ours-avx2", "decode"), ("2b-llama.cpp", "decode"), 1.5),
    ("2B, prefill of 512, our two threads to our one", ("2b-ours", "prefill"), ("2b-ours-one-thread", "prefill"), 1.85),
    ("2B, batch of 8 to prefill", ("2b-ours", "batch"), ("2b-ours", "prefill"), 0.6),
    ("2B, decode: GB/s to the machine's", ("2b-ours", "decode", "gb_per_s"), ("2b-ours", "decode", "machine_gb_per_s"), 0.8),
    ("2B, prefill: G multiply-adds/s to the machine's", ("2b-ours", "prefill", "gmac_per_s"), ("2b-ours", "prefill", "machine_gmac_per_s"), 0.65),
    ("stories, decode of 400, to a number", ("stories-ours", "decode"), 4500.0, 1.0),
    ("SmolLM2, prefill of 512", ("smollm2-ours", "prefill"), ("smollm2-llama.cpp", "prefill"), 1.0),
    ("SmolLM2, decode of 128", ("smollm2-ours", "decode"), ("smollm2-llama.cpp", "decode"), 1.0),
]


def rates(runs, side):
    """The figure of one side, by round. A round whose run failed has none."""
    if isinstance(side, float):
        return {run["round"]: side for run in runs}
    name, test, key = (*side, "tokens_per_s")[:3]
    return {
        run["round"]: result[key]
        for run in runs
        if run["run"] == name
        for result in run["results"]
        if result["test"] == test
    }


def spread(values):
    """Median, least and most; nothing of nothing."""
    values = list(values)
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "n": len(values)} if values else None


def rows(runs):
    """All figures of ROWS, as data."""
    found = []
    for what, first, second, demanded in ROWS:
        a, b = rates(runs, first), rates(runs, second)
        ratios = [a[idx] / b[idx] for idx in sorted(a.keys() & b.keys())]
        ratio = spread(ratios)
        found.append(
            {
                "what": what,
                "first": spread(a.values()),
                "second": spread(b.values()),
                "ratio": ratio,
                "ratios": ratios,
                "demanded": demanded,
                "holds": ratio["median"] >= demanded if ratio else None,
                "n_rounds_held": sum(one >= demanded for one in ratios),
            }
        )
    return found


def unmeasured(runs):
    """A line for each run that gave no figures, and for each row without a ratio."""
    failed = [f"round {run['round']}, {run['run']}: {run['error']}" for run in runs if run["error"]]
    return failed + [f"{row['what']}: no round with both sides" for row in rows(runs) if row["ratio"] is None]


def markdown(runs):
    lines = [
        "| tokens a second, or what is said: median (least–most) | ours | llama.cpp, or what is said | ratio, by rounds | demanded | holds (rounds) |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows(runs):
        holds = {True: "yes", False: "no", None: "not measured"}[row["holds"]]
        cells = [
            row["what"],
            figure(row["first"], 1),
            figure(row["second"], 1),
            figure(row["ratio"], 2),
            f"{row['demanded']:.2f}",
            f"{holds} ({row['n_rounds_held']} of {len(row['ratios'])})",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def figure(one, digits):
    if one is None:
        return "not measured"
    return f"{one['median']:.{digits}f} ({one['min']:.{digits}f}–{one['max']:.{digits}f})"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("expected table.py peers.json")
    with open(sys.argv[1], encoding="utf-8") as file:
        print(markdown(json.load(file)["runs"]))
