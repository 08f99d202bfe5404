#!/usr/bin/env python3
"""Experts are read where they are stored, and only those that a token chose:
counts the pages of a checkpoint that are in memory after one token, and runs a
prompt where half of the checkpoint fits into memory.

    check_experts_memory.py MARIMBA WORK

What the system does not allow (control groups, pages that leave memory) is
passed over, with a line that says so.
"""

import ctypes
import json
import mmap
import os
import random
import struct
import subprocess
import sys

EXPERTS, CHOSEN, HIDDEN, INNER, LAYERS = 64, 2, 512, 512, 4
HEADS, VOCABULARY = 8, 4096
PAGE = mmap.PAGESIZE


def shapes():
    """Names and shapes of all tensors: dense ones in front of the experts."""
    yield "model.embed_tokens.weight", (VOCABULARY, HIDDEN)
    yield "lm_head.weight", (VOCABULARY, HIDDEN)
    yield "model.norm.weight", (HIDDEN,)
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        yield prefix + "input_layernorm.weight", (HIDDEN,)
        yield prefix + "post_attention_layernorm.weight", (HIDDEN,)
        for name in "qkvo":
            yield prefix + f"self_attn.{name}_proj.weight", (HIDDEN, HIDDEN)
        yield prefix + "block_sparse_moe.gate.weight", (EXPERTS, HIDDEN)
        for e in range(EXPERTS):
            expert = prefix + f"block_sparse_moe.experts.{e}."
            yield expert + "w1.weight", (INNER, HIDDEN)
            yield expert + "w2.weight", (HIDDEN, INNER)
            yield expert + "w3.weight", (INNER, HIDDEN)


def numbers(source, count):
    """bf16 of either sign, from 2^-8 to 2^-5."""
    data = bytearray(source.randbytes(2 * count))
    table = bytes((i & 0x80) | (0x3B + i % 2) for i in range(256))
    data[1::2] = data[1::2].translate(table)
    return bytes(data)


def make_model(folder):
    """Writes it; (name, begin, end) of each expert's matrix in the file."""
    os.makedirs(folder, exist_ok=True)
    config = {
        "model_type": "mixtral", "architectures": ["MixtralForCausalLM"],
        "hidden_size": HIDDEN, "intermediate_size": INNER,
        "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS, "num_local_experts": EXPERTS,
        "num_experts_per_tok": CHOSEN, "vocab_size": VOCABULARY,
        "rms_norm_eps": 1e-5, "tie_word_embeddings": False,
        "max_position_embeddings": 2048, "dtype": "bfloat16",
        "bos_token_id": 1, "eos_token_id": 2,
    }  # fmt: skip
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(config, file)
    header, at, places = {}, 0, []
    for name, shape in shapes():
        size = 2
        for s in shape:
            size *= s
        header[name] = {
            "dtype": "BF16", "shape": shape, "data_offsets": [at, at + size],
        }  # fmt: skip
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    source = random.Random(3)
    block = numbers(source, VOCABULARY * HIDDEN)
    path = os.path.join(folder, "model.safetensors")
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in shapes():
            begin, end = (8 + len(text) + x for x in header[name]["data_offsets"])
            if ".experts." in name:
                places.append((name, begin, end))
            start = 2 * source.randrange(HIDDEN)
            data = block[start : start + end - begin]
            file.write(data + block[: end - begin - len(data)])
        file.flush()
        os.fsync(file.fileno())
    return path, places


def forget(path):
    """Drops the file's pages from memory."""
    file = os.open(path, os.O_RDONLY)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(file)


def resident(path):
    """One byte for each page of the file: whether it is in memory."""
    with open(path, "rb") as file:
        view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    count = (len(view) + PAGE - 1) // PAGE
    vector = (ctypes.c_ubyte * count)()
    start = ctypes.c_char.from_buffer(view)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
    if libc.mincore(ctypes.addressof(start), len(view), vector) != 0:
        raise OSError(ctypes.get_errno(), "mincore")
    pages = bytes(v & 1 for v in vector)
    del start
    view.close()
    return pages


def run(marimba, folder, work, ids, before=None):
    """The logits' file of a call with these tokens."""
    tokens, out = (os.path.join(work, name) for name in ("ids", "logits"))
    with open(tokens, "w") as file:
        file.write(" ".join(map(str, ids)))
    subprocess.run(
        [marimba, "logits", folder, "--ids-file", tokens, "-o", out,
         "--cache-dir", os.path.join(work, "cache")],
        check=True, preexec_fn=before,
    )  # fmt: skip
    with open(out, "rb") as file:
        return file.read()


def check_pages(marimba, folder, work, path, places):
    forget(path)
    if any(resident(path)):
        print("not checked: pages of files stay in memory here")
        return
    run(marimba, folder, work, [17])
    pages = resident(path)
    for layer in range(LAYERS):
        whole = 0
        for name, begin, end in places:
            if f".layers.{layer}." not in name:
                continue
            # Pages that belong to it alone.
            own = pages[(begin + PAGE - 1) // PAGE : end // PAGE]
            if all(own):
                whole += 1
            elif any(own):
                sys.exit(f"{name}: {sum(own)} of {len(own)} pages were read")
        if whole != 3 * CHOSEN:
            sys.exit(
                f"layer {layer}: {whole} matrices of experts were read, expected"
                f" the {3 * CHOSEN} of the {CHOSEN} chosen ones"
            )


def make_group(limit):
    """A control group with a limit of memory: the file that takes processes."""
    for folder, name in (
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
        ("/sys/fs/cgroup", "memory.max"),
    ):
        group = os.path.join(folder, f"marimba-test-{os.getpid()}")
        try:
            os.mkdir(group)
            with open(os.path.join(group, name), "w") as file:
                file.write(str(limit))
            return group
        except OSError:
            if os.path.isdir(group):
                os.rmdir(group)
    return None


def check_limit(marimba, folder, work, path):
    ids = [(7919 * i) % VOCABULARY for i in range(300)]
    expected = run(marimba, folder, work, ids)  # compiles, too
    size = os.path.getsize(path)
    forget(path)
    group = make_group(size // 2)
    if not group:
        print("not checked: no control group can be made here")
        return

    def enter():
        with open(os.path.join(group, "cgroup.procs"), "w") as file:
            file.write(str(os.getpid()))

    try:
        if run(marimba, folder, work, ids, enter) != expected:
            sys.exit("the logits depend on how much memory there is")
        told = subprocess.run(
            [marimba, "inspect", folder], check=True, preexec_fn=enter,
            capture_output=True, text=True,
        ).stdout  # fmt: skip
        if "more than the" not in told or "disk's speed" not in told:
            sys.exit("inspect does not say that memory is too small:\n" + told)
    finally:
        os.rmdir(group)


def main():
    marimba, work = sys.argv[1:]
    folder = os.path.join(work, "model")
    path, places = make_model(folder)
    try:
        check_pages(marimba, folder, work, path, places)
        check_limit(marimba, folder, work, path)
    finally:
        os.remove(path)


main()
