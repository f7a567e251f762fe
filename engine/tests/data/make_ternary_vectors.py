"""Makes ternary-vectors.json: what PyPI `gguf` writes in TQ1_0 and TQ2_0 for given values, and what it reads back.

Usage: python make_ternary_vectors.py > ternary-vectors.json
Values and decoded values are f32, little endian, in hex. Both formats decode to the same numbers.
"""

import json
import sys

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T

f32 = np.float32
rng = np.random.default_rng(34)
i = np.arange(256)
trits = rng.integers(-1, 2, (4, 256)).astype(f32)
half = f32(0.7) / 2

cases = {
    "the worked example, scale 0.75": (((i + 2 * (i // 32)) % 3) - 1).astype(f32) * f32(0.75),
    "random trits, scale 0.7, which f16 rounds": trits[0] * f32(0.7),
    "random trits of four blocks with scales of their own, one of zeros": (
        trits * np.array([1, 0.3, 0, 1000], dtype=f32)[:, None]
    ).ravel(),
    "a normal distribution": rng.normal(0, 0.02, 512).astype(f32),
    "numbers around half the largest": np.resize(
        np.array([0.7, half, -half, np.nextafter(half, f32(0)), -np.nextafter(half, f32(1))], dtype=f32), 256
    ),
    "one number among zeros": np.where(i == 240, f32(-3e-5), f32(0)).astype(f32),
    "numbers too small for the scale": (trits[1] * f32(1e-9)).astype(f32),
    "the largest scale": trits[2] * f32(65504),
}

rows = []
for name, values in cases.items():
    packed = {t: gguf.quants.quantize(values, t) for t in (T.TQ1_0, T.TQ2_0)}
    decoded = [gguf.quants.dequantize(packed[t], t).astype("<f4").tobytes() for t in packed]
    assert decoded[0] == decoded[1], name
    rows.append(
        {
            "name": name,
            "values": values.astype("<f4").tobytes().hex(),
            "tq1_0": packed[T.TQ1_0].tobytes().hex(),
            "tq2_0": packed[T.TQ2_0].tobytes().hex(),
            "decoded": decoded[0].hex(),
        }
    )
json.dump(rows, sys.stdout, indent=0)
print()
