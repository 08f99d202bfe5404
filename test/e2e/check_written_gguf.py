#!/usr/bin/env python3
"""Golden models as the GGUF files that `marimba quantize` writes of them.

  check_written_gguf.py MARIMBA GOLDENS WORK GOLDEN[:WEIGHTS] ...

Of f32, which is the default, the file has the keys and the bytes of the file that
make_gguf.py makes, which knows nothing of the compiler, and gives the logits of
the directory. Of other types it has the tensors' types that llama-quantize would
choose (types_of), gives the logits of a directory with the numbers that its blocks
stand for, and the same bytes on one thread. Written anew from the f32 file it is
the same.
"""

import json
import os
import subprocess
import sys

import compare
from gguf_file import decode, read_gguf
from make_gguf import convert, read_model
from gguf_keys import metadata
from check_gguf import LENGTH, REORDERED, logits

TO_DIRECTORY = 1e-5
# What our files have and make_gguf.py leaves out, or says otherwise: names, how
# long texts may be, what follows from the tensors.
FREE = ("general.type", "general.name", "general.alignment", "general.file_type",
        "general.quantization_version", "tokenizer.ggml.model",
        "tokenizer.ggml.padding_token_id", "tokenizer.ggml.eos_token_id",
        "tokenizer.ggml.eot_token_id", "tokenizer.ggml.bos_token_id")
FREE_SUFFIXES = (".context_length", ".vocab_size", ".attention.key_length",
                 ".attention.value_length", ".rope.dimension_count",
                 ".rope.dimension_sections", ".rope.freq_base",
                 ".attn_logit_softcapping", ".expert_count", ".expert_used_count",
                 ".attention.sliding_window_pattern", ".full_attention_interval",
                 ".rope.scaling.finetuned", ".expert_weights_scale")
KEPT = ("ffn_gate_inp", "ssm_conv1d", "shortconv.conv")
# That decays and steps come from.
STEPS = (".ssm_x.", ".ssm_dt.", ".ssm_alpha.", ".ssm_beta.", ".ssm_ba.")
FALL_BACK = {"Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0"}
BLOCKS = {"F32": 1, "F16": 1, "BF16": 1, "Q4_K": 256, "Q5_K": 256, "Q6_K": 256}


def layer_of(name):
    return int(name.split(".")[1]) if name.startswith("blk.") else -1


def types_of(shapes, weights, layers, experts):
    """The type of each tensor by the rules of llama-quantize."""
    base, _, size = weights.upper().partition("_K")
    base += "_K" if "_K" in weights.upper() else ""
    medium = size == "_M" or (size == "" and base in ("Q4_K", "Q5_K"))
    order = sorted(shapes, key=lambda name: (layer_of(name), name))
    values = [n for n in order if "attn_v.weight" in n or "attn_qkv.weight" in n]
    tied = "output.weight" not in shapes

    def more(i, count):
        return i < count // 8 or i >= 7 * count // 8 or (i - count // 8) % 3 == 2

    result, downs = {}, 0
    for name in order:
        shape, kind = shapes[name], base
        while len(shape) > 1 and shape[0] == 1:
            shape = shape[1:]
        if (len(shape) < 2 or not name.endswith("weight") or "_norm.weight" in name
                or any(part in name for part in KEPT)):
            result[name] = "F32"
            continue
        if BLOCKS.get(base, 32) > 1:
            width = shape[-1]
            if name == "output.weight" or (tied and name == "token_embd.weight"):
                kind = "Q8_0" if width % BLOCKS.get(base, 32) or base == "Q8_0" else "Q6_K"
            elif any(part in name for part in STEPS):
                kind = "Q8_0"
            elif name in values:
                i = values.index(name)
                if medium and more(i, len(values)):
                    kind = "Q6_K"
                elif weights == "q4_k_s" and i < 4:
                    kind = "Q5_K"
                if experts == 8:
                    kind = "Q8_0"
            elif "attn_k.weight" in name and experts == 8:
                kind = "Q8_0"
            elif "ffn_down" in name:
                i = layer_of(name) if experts > 1 else downs
                downs += 1
                if medium and more(i, layers):
                    kind = "Q6_K"
                elif weights == "q4_k_s" and i < layers // 8:
                    kind = "Q5_K"
            elif "attn_output.weight" in name and experts == 8 and base == "Q4_K":
                kind = "Q5_K"
            if width % BLOCKS.get(kind, 32):
                kind = FALL_BACK.get(kind, kind)
            if width % BLOCKS.get(kind, 32):
                kind = "F16"
        result[name] = kind
    return result


def write(marimba, source, target, weights, *flags):
    command = [marimba, "quantize", source, "-o", target, f"--weights={weights}", "--json"]
    done = subprocess.run([*command, *flags], stdin=subprocess.DEVNULL, check=True,
                          capture_output=True, text=True)
    return json.loads(done.stdout)


def check_f32(report, marimba, golden, work):
    name = os.path.basename(golden)
    file = os.path.join(work, f"{name}-f32.gguf")
    write(marimba, golden, file, "f32")
    keys, tensors = read_gguf(file)
    config, source = read_model(golden)
    expected = convert(config, source, "F32")
    report.row(f"{name}: tensors", str(sorted(set(expected) ^ set(tensors))), set(expected) == set(tensors))
    for tensor, (shape, _, raw) in expected.items():
        found = tensors.get(tensor)
        if not found:
            continue
        # The gate of a shared expert is one row, or a vector.
        shape = list(shape[1:] if "ffn_gate_inp_shexp" in tensor else shape)
        same = found[:2] == (shape, "F32")
        if not same or found[2] != raw:
            report.row(f"{name}: {tensor}", f"{found[:2]}, expected {list(shape)}", False)
    for key, (_, value) in metadata(config).items():
        if key in FREE or key.endswith(FREE_SUFFIXES):
            continue
        value = value[1] if isinstance(value, tuple) else value
        found = keys.get(key)
        good = found is not None and (
            list(found) == list(value) if isinstance(found, (list, tuple))
            else found == value if isinstance(value, (str, bool, int))
            else abs(found - value) <= 1e-6 * abs(value))
        if not good:
            report.row(f"{name}: key {key}", f"{found!r}, expected {value!r}", False)
    return file


def check_logits(report, label, marimba, expected_model, found_model, golden, work, flags=()):
    name = os.path.basename(golden)
    numbers = compare.load(os.path.join(golden, "golden.safetensors"))
    ids = numbers[f"p{LENGTH}.input_ids"].values
    out = os.path.join(work, "out.safetensors")
    tolerance = TO_DIRECTORY
    if name in REORDERED:
        flags = (*flags, "--reference")
    expected = logits(marimba, expected_model, ids, out, flags)
    report.compare(label, expected, logits(marimba, found_model, ids, out, flags), tolerance)


def check_quantized(report, marimba, golden, work, weights, f32):
    name = os.path.basename(golden)
    label = f"{name} {weights}"
    file = os.path.join(work, f"{name}-{weights}.gguf")
    told = write(marimba, golden, file, weights)
    keys, tensors = read_gguf(file)
    arch = keys["general.architecture"]
    shapes = {tensor: shape for tensor, (shape, _, _) in tensors.items()}
    expected = types_of(shapes, weights, keys[f"{arch}.block_count"], keys.get(f"{arch}.expert_count", 0))
    found = {tensor: kind for tensor, (_, kind, _) in tensors.items()}
    report.row(f"{label}: types", str({n: k for n, k in found.items() if k != expected[n]}), found == expected)
    counts = {kind: list(found.values()).count(kind) for kind in found.values()}
    report.row(f"{label}: types told", str(told["types"]), told["types"] == counts)

    # What was lost is as told, and not more than rounding would.
    _, full = read_gguf(f32)
    error = energy = 0.0
    for tensor, (_, kind, raw) in tensors.items():
        if BLOCKS.get(kind, 32) == 1:
            continue
        own, old = decode(raw, kind), decode(full[tensor][2], "F32")
        error += sum((a - b) ** 2 for a, b in zip(own, old))
        energy += sum(b * b for b in old)
    if energy:
        good = abs(error / energy - told["relative_error"]) < 1e-4 * error / energy
        report.row(f"{label}: error", f"{error / energy:.3e}, told {told['relative_error']:.3e}", good)

    again = os.path.join(work, "again.gguf")
    command = ["taskset", "-c", "0", marimba, "quantize", golden, "-o", again, f"--weights={weights}"]
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    with open(file, "rb") as one, open(again, "rb") as other:
        same = one.read() == other.read()
    report.row(f"{label}: the same on one processor", "", same)
    write(marimba, f32, again, weights)
    other_keys, other = read_gguf(again)
    report.row(f"{label}: the same of the f32 file", "", other == tensors and other_keys == keys)

    # The same numbers as f32.
    plain = os.path.join(work, f"{name}-{weights}-as-f32.gguf")
    write(marimba, file, plain, "f32")
    _, wide = read_gguf(plain)
    good = all(list(decode(wide[t][2], "F32")) == list(decode(raw, kind)) for t, (_, kind, raw) in tensors.items())
    report.row(f"{label}: widened", "", good)
    check_logits(report, f"{label} to its numbers", marimba, plain, file, golden, work, ("--activations=f32",))


#: Whose f32 files are run: those of others have the bytes of the files that
#: gguf.test runs.
RUN = ("jamba_main", "llama_bf16_sharded", "granite_moe_hybrid", "qwen3_5_text")


def main():
    marimba, goldens, work, *models = sys.argv[1:]
    os.makedirs(work, exist_ok=True)
    report = compare.Report()
    for model in models:
        name, _, weights = model.partition(":")
        golden = os.path.join(goldens, name)
        f32 = check_f32(report, marimba, golden, work)
        if weights:
            check_quantized(report, marimba, golden, work, weights, f32)
        elif name in RUN:
            check_logits(report, f"{name} f32 to its directory", marimba, golden, f32, golden, work)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
