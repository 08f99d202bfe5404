#!/usr/bin/env python3
"""What a GGUF file takes in memory: every matrix once, as kernels read it, and
nothing of the file besides, whether it is repacked, packed or read by rows, too.

    check_gguf_memory.py MARIMBA WORK
"""

import os
import random
import subprocess
import sys

import gguf_file
from gguf_file import FLOAT32, STRING, UINT32

HIDDEN, INNER, LAYERS, HEADS, VOCABULARY = 1024, 4096, 2, 16, 32768
MIB = 1 << 20
# What a process takes besides: libraries, code, scratch memory of the prompt;
# and what compiling takes at first. Any matrix that was there twice would be
# more than the first: of the tied table alone 35, 67 and 134 MB.
RUNNING, COMPILING = 64 * MIB, 300 * MIB
# Bytes and numbers of a block.
BLOCKS = {"Q8_0": (34, 32), "BF16": (2, 1), "F32": (4, 1)}


def metadata():
    keys = {"general.architecture": (STRING, "llama"), "general.name": (STRING, "memory")}
    for name, value in (
        ("block_count", LAYERS), ("embedding_length", HIDDEN), ("feed_forward_length", INNER),
        ("attention.head_count", HEADS), ("attention.head_count_kv", HEADS),
        ("context_length", 2048), ("vocab_size", VOCABULARY),
        ("rope.dimension_count", HIDDEN // HEADS),
    ):  # fmt: skip
        keys["llama." + name] = (UINT32, value)
    keys["llama.attention.layer_norm_rms_epsilon"] = (FLOAT32, 1e-5)
    return keys


def shapes():
    yield "token_embd.weight", (VOCABULARY, HIDDEN)
    yield "output_norm.weight", (HIDDEN,)
    for layer in range(LAYERS):
        prefix = f"blk.{layer}."
        yield prefix + "attn_norm.weight", (HIDDEN,)
        for name in ("q", "k", "v", "output"):
            yield prefix + f"attn_{name}.weight", (HIDDEN, HIDDEN)
        yield prefix + "ffn_norm.weight", (HIDDEN,)
        yield prefix + "ffn_gate.weight", (INNER, HIDDEN)
        yield prefix + "ffn_up.weight", (INNER, HIDDEN)
        yield prefix + "ffn_down.weight", (HIDDEN, INNER)


def write_model(path, kind):
    """Matrices repeat some random rows: little memory of this process, which a
    child's peak would begin with."""
    source = random.Random(5)
    size, elements = BLOCKS[kind]
    values = [source.uniform(-0.03, 0.03) for _ in range(32768)]
    pattern = gguf_file.encode(values, kind)
    ones = gguf_file.encode([1.0] * HIDDEN, "F32")
    tensors = {}
    for name, shape in shapes():
        if len(shape) == 1:
            tensors[name] = (shape, "F32", 4 * HIDDEN)
        else:
            tensors[name] = (shape, kind, shape[0] * shape[1] // elements * size)
    # Sizes are multiples of the alignment.
    with open(path, "wb") as file:
        file.write(gguf_file.pack_header(metadata(), tensors))
        for name, (shape, _, length) in tensors.items():
            if len(shape) == 1:
                file.write(ones)
                continue
            while length > 0:
                length -= file.write(pattern[:length])


def peak(marimba, path, *flags):
    ids = ",".join(str(7919 * i % VOCABULARY) for i in range(300))
    command = [marimba, "run", path, "--ids", ids, "--max-tokens", "2", "--quiet",
               "--threads", "2", *flags]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{path}: the run fails")
    return usage.ru_maxrss * 1024, text


def main():
    marimba, work = sys.argv[1:]
    failed = False
    for kind in BLOCKS:
        path = os.path.join(work, f"model-{kind}.gguf")
        write_model(path, kind)
        size = os.path.getsize(path)
        texts, kept = set(), ["--cache-dir", os.path.join(work, "cache")]
        for what, allowed, *flags in (
            ("that compiles", COMPILING, *kept),
            ("with kept code", RUNNING, *kept),
            ("that packs into memory", COMPILING, "--no-cache"),
        ):
            bytes_taken, text = peak(marimba, path, *flags)
            texts.add(text)
            more = (bytes_taken - size) / MIB
            good = bytes_taken <= size + allowed
            failed |= not good
            print("ok  " if good else "FAIL", f"{kind}, {size / MIB:.0f} MiB: a run {what} takes"
                  f" {more:.0f} MiB more, at most {allowed / MIB:.0f} expected")  # fmt: skip
        if len(texts) != 1:
            sys.exit(f"{kind}: the tokens depend on what was kept")
        os.remove(path)
    sys.exit(failed)


if __name__ == "__main__":
    main()
