"""Makes format-vectors.json: blocks of storage formats, encoded and decoded by gguf-py.

Usage: python make_format_vectors.py > format-vectors.json      (PyPI gguf 0.19.0, numpy 2.4.6)

`encoded`: values (f32, little endian, in hex), the bytes that gguf-py's `quantize` makes of them, and what its `dequantize`
makes of those. `decoded`: bytes that no encoder wrote, random but for their f16 scales, and what `dequantize` makes of them.
"""

import json

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf.quants import dequantize, quantize

rng = np.random.default_rng(5)


def blocks_of_32():
    ramp = (np.arange(32, dtype=np.float32) - 16) / 8
    sign = np.where(np.arange(32) % 3 == 0, -1, 1).astype(np.float32)
    return [
        ramp,
        -ramp,
        np.zeros(32, np.float32),
        -np.zeros(32, np.float32),
        np.full(32, 0.75, np.float32),
        np.full(32, -0.75, np.float32),
        ramp * np.float32(1e-9),  # the f16 scale rounds to 0
        ramp * np.float32(3e-7),  # the f16 scale is subnormal
        sign * np.float32(60000),
        rng.standard_normal(32).astype(np.float32),
        (rng.standard_normal(32) * 30 + 100).astype(np.float32),
        (rng.standard_normal(32) * 10.0 ** rng.integers(-3, 3, 32)).astype(np.float32),
    ]


def encoded(type, rows):
    values = np.stack(rows)
    data = quantize(values, type)
    return entry(type, data, dequantize(data, type), values)


def decoded(type, size, scales, n):
    data = rng.integers(0, 256, (n, size), dtype=np.uint8)
    for at in scales:
        d = np.array([-0.0, 6e-8, 65504.0, -0.0123, 0.0, -1e-3, 1.5, -7.0], np.float16)[:n]
        data[:, at : at + 2] = rng.permutation(d).reshape(n, 1).view(np.uint8)
    return entry(type, data, dequantize(data, type))


def entry(type, data, back, values=None):
    out = {"format": type.name.lower(), "rows": data.shape[0], "bytes": hexed(data), "values": hexed(back)}
    return out if values is None else {**out, "from": hexed(values)}


def hexed(array):
    return np.ascontiguousarray(array).tobytes().hex()


def main():
    rounded = np.array([[np.pi, -np.pi, 0, -0.0, 1 + 2**-8, 1 + 3 * 2**-8, 1e-40, 3.38e38]], np.float32)
    lines = [encoded(Type.BF16, [rounded[0]])]
    small = [(Type.Q4_0, 18, [0]), (Type.Q4_1, 20, [0, 2]), (Type.Q5_0, 22, [0]), (Type.Q5_1, 24, [0, 2])]
    small.append((Type.Q8_0, 34, [0]))
    lines += [encoded(type, blocks_of_32()) for type, _, _ in small]
    lines += [decoded(type, size, scales, 8) for type, size, scales in small]
    large = [(Type.Q4_K, 144, [0, 2]), (Type.Q5_K, 176, [0, 2]), (Type.Q6_K, 210, [208])]
    lines += [decoded(type, size, scales, 4) for type, size, scales in large]
    print("[\n" + ",\n".join(json.dumps(line) for line in lines) + "\n]")


if __name__ == "__main__":
    main()
