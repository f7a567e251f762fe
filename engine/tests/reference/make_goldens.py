"""Makes logits-NAME.safetensors for every case of cases.json: the logits of PyPI `transformers` in float32 on a CPU.

Usage: python make_goldens.py            writes beside this script
Made with: Python 3.11, torch 2.15.0 (CPU), transformers 5.24.0, accelerate 1.15.0, safetensors 0.8.0, numpy 2.4.6.

Weights are not stored: both this script and engine/tests/convert/folder.rs draw them (class `Draw` here). A word is SplitMix64
seeded with FNV-1a of "SEED/TENSOR"; `bell` is the sum of its bytes, centred and quartered: an integer from -255 to 255, so
every weight has at most 8 significant bits and is the same number in bf16, f16 and f32.

The script stops unless transformers computes what it is meant to: each ternary linear of layer 0 is compared with a product
written out here (int8 activations per token, trits, scale), and must differ from the product with unquantised activations.
"""

import json
import os
import pathlib
import tempfile

os.environ["TORCHDYNAMO_DISABLE"] = "1"  # `@torch.compile` in the integration would ask for a C++ compiler

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM
from transformers.integrations.bitnet import pack_weights

HERE = pathlib.Path(__file__).parent
N_IDS = 24
DTYPES = {"bf16": torch.bfloat16, "f16": torch.float16, "f32": torch.float32}


def flat(name):
    """Queries and keys are small, so that attention looks at several positions and one int8 code turned by the last bit of
    a sum (37,000 codes a case) stays a small thing."""
    return "q_proj" in name or "k_proj" in name


class Draw:
    """Seeded tensors by name."""

    def __init__(self, seed):
        self.seed = seed

    def words(self, name, n):
        state = 0xCBF29CE484222325
        for byte in f"{self.seed}/{name}".encode():
            state = (state ^ byte) * 0x100000001B3 % 2**64
        with np.errstate(over="ignore"):
            z = np.uint64(state) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))

    def bell(self, name, n):
        return (self.words(name, n).view(np.uint8).reshape(n, 8).sum(axis=1, dtype=np.int64) - 1020) >> 2

    def weights(self, name, shape):
        k = self.bell(name, int(np.prod(shape)))
        if name.endswith("norm.weight"):
            values = (128 + (k >> 2)) / 128
        elif name in ("model.embed_tokens.weight", "lm_head.weight"):
            values = k / 128
        else:
            values = k / (512 if flat(name) else 256)
        return torch.from_numpy(values.reshape(shape).astype(np.float32))

    def trits(self, name, shape):
        trits = self.words(name, shape[0] * shape[1]) % np.uint64(3)
        return torch.from_numpy(trits.astype(np.int8).reshape(shape)) - 1

    def weight_scale(self, name, divides):
        scale = 160 + (int(self.bell(name, 1)[0]) >> 2)
        if divides:
            return torch.tensor([scale / (16 if flat(name) else 32)], dtype=torch.float32)
        return torch.tensor([scale / (2048 if flat(name) else 1024)], dtype=torch.float32)


def linears(config):
    """Name within a layer, outputs, inputs."""
    head_dim = config.get("head_dim", config["hidden_size"] // config["num_attention_heads"])
    hidden, ffn = config["hidden_size"], config["intermediate_size"]
    q, kv = head_dim * config["num_attention_heads"], head_dim * config["num_key_value_heads"]
    return [
        ("self_attn.q_proj", q, hidden),
        ("self_attn.k_proj", kv, hidden),
        ("self_attn.v_proj", kv, hidden),
        ("self_attn.o_proj", hidden, q),
        ("mlp.gate_proj", ffn, hidden),
        ("mlp.up_proj", ffn, hidden),
        ("mlp.down_proj", hidden, ffn),
    ]


def norms(config):
    hidden, ffn = config["hidden_size"], config["intermediate_size"]
    plain = [("input_layernorm", hidden), ("post_attention_layernorm", hidden)]
    if config["model_type"] != "bitnet":
        return plain
    return plain + [("self_attn.attn_sub_norm", hidden), ("mlp.ffn_sub_norm", ffn)]


def checkpoint(case):
    """The tensors of a folder. They hold the same numbers in the dtype that the case is about, but stand in f32 here, since
    transformers loads some of a packed checkpoint in the dtype of the file, whatever it is told."""
    config, draw, dtype = case["config"], Draw(case["seed"]), DTYPES[case["dtype"]]
    quantized = config.get("quantization_config")
    packed = quantized is not None and quantized["quantization_mode"] == "offline"
    tensors = {}

    def plain(name, *shape):
        exact = draw.weights(name, shape)
        assert torch.equal(exact.to(dtype).float(), exact), name
        tensors[name] = exact

    plain("model.embed_tokens.weight", config["vocab_size"], config["hidden_size"])
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        for name, n in norms(config):
            plain(f"{prefix}{name}.weight", n)
        for name, rows, cols in linears(config):
            name = f"{prefix}{name}.weight"
            if not packed:
                plain(name, rows, cols)
                continue
            trits = draw.trits(name, (rows, cols))
            codes = (trits + 1).to(torch.uint8).reshape(4, rows // 4, cols)
            bytes_ = codes[0] | codes[1] << 2 | codes[2] << 4 | codes[3] << 6
            assert torch.equal(bytes_, pack_weights(trits.clone())), "the layout is that of transformers"
            tensors[name] = bytes_.contiguous()
            scale = draw.weight_scale(f"{name}_scale", quantized["linear_class"] == "bitlinear")
            assert torch.equal(scale.to(dtype).float(), scale), name
            tensors[f"{name}_scale"] = scale
    plain("model.norm.weight", config["hidden_size"])
    if not config["tie_word_embeddings"]:
        plain("lm_head.weight", config["vocab_size"], config["hidden_size"])
    return tensors


def write_folder(folder, case, tensors):
    (folder / "config.json").write_text(json.dumps(case["config"]))
    n = case["shards"]
    if n == 1:
        return save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    names = [f"model-{i + 1:05}-of-{n:05}.safetensors" for i in range(n)]
    weight_map = {tensor: names[i % n] for i, tensor in enumerate(tensors)}
    for name in names:
        part = {tensor: tensors[tensor] for tensor in tensors if weight_map[tensor] == name}
        save_file(part, folder / name, {"format": "pt"})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


def written_out(case, name, rows, cols):
    """Trits and the factor of one linear of layer 0, without transformers."""
    config, draw = case["config"], Draw(case["seed"])
    quantized, name = config["quantization_config"], f"model.layers.0.{name}.weight"
    if quantized["quantization_mode"] == "offline":
        divides = quantized["linear_class"] == "bitlinear"
        scale = float(draw.weight_scale(f"{name}_scale", divides)[0])
        return draw.trits(name, (rows, cols)).numpy().astype(np.float64), 1 / scale if divides else scale
    weights = draw.weights(name, (rows, cols)).numpy().astype(np.float64)
    mean = max(np.abs(weights).mean(), 1e-5)
    # No weight lies where a last bit of the mean would turn its trit.
    assert np.abs(np.abs(weights / mean) - 0.5).min() > 1e-5, "a weight on the edge of two trits"
    return np.clip(np.rint(weights / mean), -1, 1), mean


def check_quantized(case, model, ids):
    seen = {}
    layer = model.model.layers[0]

    def keep(name):
        return lambda _module, inputs, output: seen.update({name: (inputs[0][0].numpy(), output[0].numpy())})

    handles = [layer.get_submodule(name).register_forward_hook(keep(name)) for name, _, _ in linears(case["config"])]
    model(ids)
    for handle in handles:
        handle.remove()
    for name, rows, cols in linears(case["config"]):
        trits, factor = written_out(case, name, rows, cols)
        x, y = (array.astype(np.float64) for array in seen[name])
        # Torch divides a number by a tensor as a product with the reciprocal, which shows where x * s is nearly a tie.
        s = np.float32(127) * (np.float32(1) / np.abs(x).max(axis=1, keepdims=True).clip(1e-5).astype(np.float32))
        q = np.clip(np.rint(x.astype(np.float32) * s), -128, 127).astype(np.float64)
        want, plain = q @ trits.T / s * factor, x @ trits.T * factor
        size = np.abs(want).max()
        quantized, unquantized = np.abs(y - want).max() / size, np.abs(y - plain).max() / size
        assert quantized < 2e-6 and unquantized > 2e-4, f"{case['name']} {name}: {quantized} {unquantized}"


@torch.no_grad()
def golden(case):
    config = case["config"]
    ids = torch.from_numpy((Draw(case["seed"]).words("ids", N_IDS) % np.uint64(config["vocab_size"])).astype(np.int64))
    with tempfile.TemporaryDirectory() as folder:
        write_folder(pathlib.Path(folder), case, checkpoint(case))
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    others = {n: p.dtype for n, p in model.state_dict().items() if p.dtype not in (torch.float32, torch.uint8)}
    assert not others, others
    if "quantization_config" in config:
        check_quantized(case, model, ids[None])
    logits = model(ids[None]).logits[0].contiguous()
    assert torch.equal(logits, model(ids[None]).logits[0]), "the same twice"
    save_file({"ids": ids.to(torch.int32), "logits": logits}, HERE / f"logits-{case['name']}.safetensors")
    top = logits.topk(2).values
    margins = (top[:, 0] - top[:, 1]).sort().values
    best = logits.argmax(dim=1)
    print(
        f"{case['name']:20} sd {logits.std():.2f}  distinct best {len(set(best.tolist()))}  best is the input "
        f"{int((best == ids).sum())}  margins min {margins[0]:.4f} median {margins[N_IDS // 2]:.2f} "
        f"above 0.02: {int((margins > 0.02).sum())} of {N_IDS}"
    )


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    for case in json.loads((HERE / "cases.json").read_text()):
        golden(case)
