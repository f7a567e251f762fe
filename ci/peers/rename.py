"""The same model under the name by which upstream llama.cpp knows its architecture.

`rename.py IN.gguf OUT.gguf`: `bitnet-b1.58` becomes `bitnet`, in `general.architecture` and as the prefix of keys. All other keys
and every tensor's bytes stay; the file written is read again and held against the one given. Needs the package `gguf`.
"""

import sys

import gguf

OURS, UPSTREAM = "bitnet-b1.58", "bitnet"
ARCHITECTURE = "general.architecture"


def main(source, out):
    old = gguf.GGUFReader(source)
    found = old.fields[ARCHITECTURE].contents()
    if found != OURS:
        raise SystemExit(f"{source}: expected the architecture {OURS}, found {found}")
    write(old, out)
    hold(old, gguf.GGUFReader(out), out)


def write(old, out):
    writer = gguf.GGUFWriter(out, UPSTREAM)
    for name, field in keys(old).items():
        if name != ARCHITECTURE:
            kind = field.types[0]
            inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(renamed(name), field.contents(), kind, sub_type=inner)
    for tensor in old.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def keys(reader):
    """What the file says; the reader shows counts of the header as keys, too."""
    return {name: field for name, field in reader.fields.items() if not name.startswith("GGUF.")}


def renamed(name):
    return UPSTREAM + name.removeprefix(OURS) if name.startswith(f"{OURS}.") else name


def hold(old, new, out):
    """Fails unless `new` is `old` but for the name."""
    want = {renamed(name): field.contents() for name, field in keys(old).items()} | {ARCHITECTURE: UPSTREAM}
    if {name: field.contents() for name, field in keys(new).items()} != want:
        raise SystemExit(f"{out}: expected the keys of the file given, renamed, found others")
    if len(new.tensors) != len(old.tensors):
        raise SystemExit(f"{out}: expected {len(old.tensors)} tensors, found {len(new.tensors)}")
    for a, b in zip(old.tensors, new.tensors):
        same = (a.name, a.tensor_type, a.shape.tolist()) == (b.name, b.tensor_type, b.shape.tolist())
        if not same or a.data.tobytes() != b.data.tobytes():
            raise SystemExit(f"{out}: tensor `{a.name}`: expected the bytes of the file given, found others")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("expected rename.py IN.gguf OUT.gguf")
    main(*sys.argv[1:])
