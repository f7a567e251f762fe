"""What the two programs print, as figures of one shape.

In: the standard output of our `rates` or of `llama-bench -o json`, and what was asked for. Out: [{ test, n, tokens_per_s, s }],
each test that was asked for once; of `rates` also what the run moved and multiplied a second, and what the machine did before and
after it, on average. Output that shows another measurement than the one asked for is an error, never a figure.
"""

import json
import math


# What a run moves and multiplies a second, and what the machine does: the probes before and after it have the same keys.
MACHINE = ("gb_per_s", "gmac_per_s")


class Unexpected(Exception):
    """Output that is not the measurement asked for."""


def of_rates(text, asked):
    """Lines of JSON, among others that are none; keys that are not used here are left alone."""
    results, probe = [], None
    for line in text.splitlines():
        if not line.startswith("{"):
            continue
        figure = parsed(line)
        if figure.get("test") == "probe":
            expect(figure, {"threads": asked["threads"]})
            before, probe = probe, above_zero({key: figure.get(key) for key in ("test", *MACHINE)}, MACHINE)
            if results and results[-1].pop("waits", False):
                results[-1].update({f"machine_{key}": (before[key] + probe[key]) / 2 for key in MACHINE})
        if figure.get("test") in asked["n"]:
            expect(figure, {"threads": asked["threads"], "context": 0})
            if asked["isa"]:
                expect(figure, {"isa": asked["isa"]})
            results.append({key: figure.get(key) for key in ("test", "n", "tokens_per_s", "s", "isa", "threads", *MACHINE)})
            above_zero(results[-1], MACHINE)
            results[-1]["waits"] = True
            if probe is None:
                raise Unexpected(f"test `{figure['test']}`: expected what the machine does before it, found nothing")
    for one in results:
        if one.get("waits"):
            raise Unexpected(f"test `{one['test']}`: expected what the machine does after it, found nothing")
    return complete(results, asked)


def of_llama_bench(text, asked):
    """One document: a list with an object for each test, in it a list of repetitions."""
    document = parsed(text)
    if not isinstance(document, list) or not all(isinstance(figure, dict) for figure in document):
        raise Unexpected(f"expected a list of objects, found {text[:80]!r}")
    results = []
    for figure in document:
        expect(figure, {"n_threads": asked["threads"], "n_depth": 0, "backends": "CPU"})
        n_prompt, n_gen, samples_ns = figure.get("n_prompt"), figure.get("n_gen"), figure.get("samples_ns")
        if (n_prompt == 0) == (n_gen == 0) or not isinstance(samples_ns, list) or len(samples_ns) != 1:
            found = f"{n_prompt} + {n_gen} tokens, samples {samples_ns}"
            raise Unexpected(f"expected one sample of a prefill or a decode, found {found}")
        test, n = ("prefill", n_prompt) if n_prompt else ("decode", n_gen)
        s = samples_ns[0] / 1e9
        results.append({"test": test, "n": n, "tokens_per_s": n / s if s else 0, "s": s, "raw": figure})
    return complete(results, asked)


def parsed(text):
    try:
        return json.loads(text)
    except ValueError as error:
        raise Unexpected(f"expected JSON, found {text[:80]!r} ({error})") from error


def expect(figure, want):
    for key, value in want.items():
        if figure.get(key) != value:
            raise Unexpected(f"key `{key}`: expected {value!r}, found {figure.get(key)!r}")


def complete(results, asked):
    """`results` if they are the tests asked for, each once, with as many tokens, and a rate above 0."""
    found = sorted((one["test"], one["n"]) for one in results)
    if found != sorted(asked["n"].items()):
        raise Unexpected(f"expected the tests {sorted(asked['n'].items())}, found {found}")
    for one in results:
        above_zero(one, ("tokens_per_s",))
    return results


def above_zero(one, keys):
    """`one` if its rates are such."""
    for key in keys:
        rate = one[key]
        if not (isinstance(rate, (int, float)) and math.isfinite(rate) and rate > 0):
            raise Unexpected(f"test `{one['test']}`, key `{key}`: expected a rate above 0, found {rate!r}")
    return one
