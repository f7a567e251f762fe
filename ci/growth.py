"""How the time of a token grows: with the context, with layers and width, with threads; beside what predicts it.

`growth.py RATES MODEL [--repeat N]`: the example `rates`, built, and a GGUF file of the 2B shape. Out: Markdown for
`engine/docs/speed.md`. A prediction is the larger of bytes over what the machine read, and multiply-adds over what it multiplied, just
before and after each repetition; the residual is the median of what was measured over what was predicted, less 1.
"""

import argparse
import json
import statistics
import subprocess

CONTEXTS = (128, 512, 1024, 2048, 4096)
# Name, and what `rates` draws; the last three are the register's own.
SHAPES = (
    ("6 x 384", "tiny,layers=6,width=384,ff=1024,heads=6,kv_heads=2"),
    ("12 x 1,024", "tiny,layers=12,width=1024,ff=2816,heads=16,kv_heads=4"),
    ("24 x 1,536", "tiny,layers=24,width=1536,ff=4096,heads=12,kv_heads=4"),
    ("18 x 2,048, falcon3-1b-1.58", "falcon3-1b-1.58"),
    ("30 x 2,560, bitnet-2b-4t", "bitnet-2b-4t"),
    ("32 x 4,096, llama3-8b-1.58", "llama3-8b-1.58"),
)


def measured(binary, model, **keys):
    """The repetitions of a decode: seconds, bytes and multiply-adds of a token, and what the machine did around each."""
    words = [f"{key}={value}" for key, value in {"prefill": 0, **keys}.items()]
    run = subprocess.run([binary, model, *words], check=True, capture_output=True, text=True)
    lines = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    found = []
    for before, one, after in zip(lines, lines[1:], lines[2:]):
        if one["test"] != "decode":
            continue
        if not before["test"] == after["test"] == "probe":
            raise SystemExit(f"{model}: expected the machine before and after each decode, found {before} and {after}")
        s = one["s"] / one["n"]
        machine = {key: (before[key] + after[key]) / 2 * 1e9 for key in ("gb_per_s", "gmac_per_s")}
        total = {key: one[key] * 1e9 * s for key in machine}
        predicted = max(total[key] / machine[key] for key in machine)
        found.append({"s": s, "bytes": total["gb_per_s"], "predicted": predicted, "read": machine["gb_per_s"]})
    if not found:
        raise SystemExit(f"{model}: expected a decode, found {run.stdout[:200]!r}")
    return found


def row(words, repetitions):
    def median(of):
        return statistics.median(of(one) for one in repetitions)

    def spread(of, form):
        return form.format(median(of)) + f" ({form.format(min(map(of, repetitions)))}–{form.format(max(map(of, repetitions)))})"

    residual = median(lambda one: one["s"] / one["predicted"]) - 1
    cells = [
        *words,
        f"{median(lambda one: one['bytes']) / 1e6:,.0f}",
        spread(lambda one: one["read"] / 1e9, "{:.0f}"),
        spread(lambda one: one["s"] * 1e3, "{:.2f}"),
        f"{median(lambda one: one['predicted']) * 1e3:.2f}",
        f"{residual:+.0%}",
    ]
    print(f"| {' | '.join(cells)} |", flush=True)


def table(first):
    names = [*first, "MB a token", "machine, GB/s", "ms a token", "predicted", "residual"]
    print(f"\n| {' | '.join(names)} |\n|{'---|' * len(names)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rates")
    parser.add_argument("model")
    parser.add_argument("--repeat", type=int, default=7)
    args = parser.parse_args()

    table(("context", "keys and values"))
    for kv in ("f32", "int8"):
        for context in CONTEXTS:
            # Reading a long context takes most of the time: fewer repetitions.
            repeat = args.repeat if context <= 512 else 3 if context <= 2048 else 2
            # The last token of the longest one is the model's last.
            found = measured(args.rates, args.model, kv=kv, context=context - 24, decode=24, repeat=repeat)
            row((f"{context:,}", kv), found)
    table(("layers x width",))
    for name, shape in SHAPES:
        row((name,), measured(args.rates, f"synthetic:{shape}", decode=32, repeat=args.repeat))
    table(("threads",))
    for threads in (1, 2):
        row((f"{threads}",), measured(args.rates, args.model, decode=32, threads=threads, repeat=args.repeat))


if __name__ == "__main__":
    main()
