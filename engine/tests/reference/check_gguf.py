"""Reads model files with PyPI `gguf` and compares their ternary weights: what our writer wrote is what others read.

Usage: python check_gguf.py FIRST.gguf OTHER.gguf…
Prints each file's tensors by type. Exits 1 unless every file has the first one's trits and scales, tensor by tensor: TQ1_0 and
TQ2_0 through the package's own dequantize, I2_S (which the package does not know) through the layout of docs/formats.md.
A tensor `x.scale` of one number multiplies `x.weight`.
"""

import collections
import sys

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

# The package has no I2_S: a type of that number, 128 elements in 32 bytes, with the scale behind the tensor.
I2_S = int.__new__(Type, 36)
I2_S._name_, I2_S._value_ = "I2_S", 36
Type._value2member_map_[36] = I2_S
gguf.constants.GGML_QUANT_SIZES[I2_S] = (128, 32)


def i2_s(tensor, file):
    codes = tensor.data.reshape(-1, 32)
    fields = np.stack([codes >> shift & 3 for shift in (6, 4, 2, 0)], axis=1)
    scale = file[tensor.data_offset + codes.size :][:4].view(np.float32)[0]
    return fields.reshape(-1).astype(np.int8) - 1, float(scale)


def ternary(path):
    """Trits and scale of each ternary tensor, and how many tensors there are of each type."""
    reader = gguf.GGUFReader(path)
    file = np.fromfile(path, dtype=np.uint8)
    beside = {t.name: float(t.data.reshape(-1)[0]) for t in reader.tensors if t.name.endswith(".scale")}
    found = {}
    for tensor in reader.tensors:
        factor = beside.get(tensor.name.removesuffix(".weight") + ".scale", 1.0)
        if tensor.tensor_type == I2_S:
            trits, scale = i2_s(tensor, file)
        elif tensor.tensor_type in (Type.TQ1_0, Type.TQ2_0):
            values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape(-1)
            scale = float(np.abs(values).max())
            trits = np.sign(values).astype(np.int8)
            assert np.array_equal(trits * np.float32(scale), values), tensor.name
        else:
            continue
        found[tensor.name] = (trits, scale * factor)
    types = collections.Counter(t.tensor_type.name for t in reader.tensors)
    file_type = reader.fields["general.file_type"].contents()
    return found, f"file_type {file_type}, " + ", ".join(f"{n} {t}" for t, n in sorted(types.items()))


first = None
failed = False
for path in sys.argv[1:]:
    found, said = ternary(path)
    print(f"{path}: {said}")
    if first is None:
        first = found
        continue
    same = [n for n in first if n in found and np.array_equal(first[n][0], found[n][0]) and first[n][1] == found[n][1]]
    print(f"  {len(same)} of {len(first)} ternary tensors have the first file's trits and scale")
    failed |= len(same) != len(first) or found.keys() != first.keys()
sys.exit(failed)
