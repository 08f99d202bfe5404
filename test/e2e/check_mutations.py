#!/usr/bin/env python3
"""Changes models in many ways. Each run must end by itself: with exit code 0 and
an output, the same one where nothing that counts was changed; or with exit code
1, a message that names a file of the model, and no output.

  check_mutations.py MARIMBA GOLDENS TOKENIZER WORK [--count N] [--seed S] [--only I]
                     [--kinds KIND,...]

Which changes are made follows from the kinds of models, the seed and the number
of the case alone. TOKENIZER is one of test/runtime/Inputs.
"""

import argparse
import json
import os
import random
import shutil
import struct
import subprocess
import sys

import gguf_blocks
import gguf_file
import make_gguf
from compare import load
from gguf_tokenizer import tokenizer_keys

SECONDS = 10  # of processor time, after which a run counts as one that hangs
SAME, ANY = "the same output", "any end"
KINDS = ["cache", "gguf", "gguf_blocks", "gguf_codebooks", "gguf_split", "jamba_main", "jamba_odd_sharded", "kimi_linear", "lfm2_moe", "mamba_main", "qwen3_5_hub", "qwen3_next", "state", "tokenizer"]
NUMBERS = [0, -1, 1, 3, 2**31, 2**31 - 1, 2**32, 2**53, 2**63, 2**64, 1e308, 0.5, -1e-9]
VALUES = [None, True, "", "x", "\u0000\u2028", [], {}, [1], {"a": 1}, ["a"] * 300]


# JSON.


def places(value, path=()):
    """Paths of all values inside a value."""
    items = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def parent_of(document, path):
    for key in path[:-1]:
        document = document[key]
    return document


def misspelled(rng, word):
    at = rng.randrange(len(word)) if word else 0
    return word[:at] + rng.choice(["", "_", "x", word[at : at + 1] * 2]) + word[at + 1 :]


def shuffled(rng, value):
    if isinstance(value, dict):
        items = [(key, shuffled(rng, inner)) for key, inner in value.items()]
        rng.shuffle(items)
        return dict(items)
    return value


def change_json(rng, text):
    """Another text, and what must come of it."""
    document = json.loads(text)
    kind = rng.randrange(10)
    if kind == 0:
        return json.dumps(shuffled(rng, document), indent=rng.randrange(5)), SAME
    paths = list(places(document))
    if not paths:
        return "[]", ANY
    # Not only what there is much of.
    depth = rng.choice(sorted({len(path) for path in paths}))
    path = rng.choice([p for p in paths if len(p) == depth])
    parent, key = parent_of(document, path), path[-1]
    if kind == 1:
        del parent[key]
    elif kind == 2 and isinstance(parent, dict):
        parent[misspelled(rng, key)] = parent.pop(key)
    elif kind in (3, 4):
        parent[key] = rng.choice(NUMBERS)
    elif kind == 5:
        parent[key] = rng.choice(VALUES)
    elif kind == 6:
        other = rng.choice(paths)
        there = parent_of(document, other)
        copy = json.loads(json.dumps(there[other[-1]]))
        parent[key] = copy
    elif kind == 7:
        mark = "%deep%"
        parent[key] = mark
        deep = "[" * rng.choice([10, 70, 100_000])
        return json.dumps(document).replace(f'"{mark}"', deep), ANY
    elif kind == 8 and isinstance(parent, dict):
        # Twice the same name.
        first = json.dumps({key: rng.choice(NUMBERS)})[1:-1]
        text = json.dumps(document)
        return text.replace("{", "{" + first + ",", 1), ANY
    else:
        name = "x" * rng.choice([1, 300, 70_000])
        if isinstance(document, dict):
            document[name] = rng.choice(NUMBERS + VALUES)
    return json.dumps(document), ANY


# Bytes.


def change_bytes(rng, data):
    data = bytearray(data)
    size = len(data)
    kind = rng.randrange(8)
    if kind == 0:
        # Cuts are likeliest where something begins.
        return data[: rng.choice([0, 1, 7, 8, 9, size // 2, size - 1, rng.randrange(size + 1)])]
    at = rng.randrange(min(size, rng.choice([64, 4096, size])))
    length = rng.choice([1, 8, 100])
    if kind in (1, 2):
        for _ in range(rng.choice([1, 1, 5, 50])):
            data[rng.randrange(at, min(size, at + 100))] ^= 1 << rng.randrange(8)
    elif kind == 3:
        data[at : at + 8] = struct.pack("<Q", rng.choice([0, 1, 2**31, 2**40, 2**63, 2**64 - 1]))
    elif kind == 4:
        del data[at : at + length]
    elif kind == 5:
        data[at:at] = bytes(rng.randrange(256) for _ in range(length))
    elif kind == 6:
        data[at : at + length] = bytes(min(length, size - at))
    else:
        other = rng.randrange(size)
        one, two = data[at : at + length], data[other : other + length]
        data[at : at + len(two)] = two
        data[other : other + len(one)] = one
    return data


def change_header(rng, data):
    """Of a safetensors file, whose header stands for all JSON in it."""
    (size,) = struct.unpack("<Q", data[:8])
    text, end = change_json(rng, data[8 : 8 + size])
    text = text.encode()
    return struct.pack("<Q", len(text)) + text + data[8 + size :], end


# Files.


def write(path, data):
    with open(path, "wb") as file:
        file.write(data if isinstance(data, (bytes, bytearray)) else data.encode())


def read(path):
    with open(path, "rb") as file:
        return file.read()


def change_place(rng, folder, name):
    """What stands at the place of a file."""
    path = os.path.join(folder, name)
    others = sorted(set(os.listdir(folder)) - {name})
    kind = rng.randrange(7)
    if kind == 0:
        os.remove(path)
    elif kind == 1:
        os.rename(path, os.path.join(folder, misspelled(rng, name) or "x"))
    elif kind == 2 and others:
        other = os.path.join(folder, rng.choice(others))
        one, two = read(path), read(other)
        write(path, two)
        write(other, one)
    elif kind == 3:
        os.remove(path)
        os.mkdir(path)
    elif kind == 4:
        os.remove(path)
        os.symlink(rng.choice([name, "nowhere", "."]), path)
    elif kind == 5:
        os.remove(path)
        os.mkfifo(path)
    else:
        write(os.path.join(folder, "another.file"), b"\xff")
        return SAME
    return ANY


def change_file(rng, folder, name):
    path = os.path.join(folder, name)
    if rng.randrange(5) == 0:
        return change_place(rng, folder, name)
    data, end = read(path), ANY
    if name.endswith(".json") and rng.randrange(4):
        data, end = change_json(rng, data)
    elif name.endswith(".safetensors") and rng.randrange(2):
        data, end = change_header(rng, data)
    else:
        data = change_bytes(rng, data)
    write(path, data)
    return end


# Of the nine matrices of a model; those of the codebooks begin with the embedding.
BLOCKS = ("Q4_K", "Q5_K", "Q6_K", "Q2_K", "Q3_K", "IQ4_XS", "MXFP4", "NVFP4", "Q8_0")
CODEBOOKS = ("IQ3_S", "IQ3_XXS", "IQ2_S", "IQ2_XS", "IQ2_XXS", "IQ1_M", "IQ1_S", "TQ1_0", "TQ2_0")
WIDTH, KEYS, VOCABULARY = 256, 128, 32


def wide_model(goldens, kinds):
    """Keys and tensors of a Llama of one layer whose rows are of whole blocks."""
    with open(os.path.join(goldens, "llama_main", "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    config.update(hidden_size=WIDTH, intermediate_size=WIDTH, num_hidden_layers=1, vocab_size=VOCABULARY)
    config.update(num_attention_heads=4, num_key_value_heads=2, head_dim=64)
    rows = {"token_embd": VOCABULARY, "output": VOCABULARY, "blk.0.attn_k": KEYS, "blk.0.attn_v": KEYS}
    for name in ("attn_q", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        rows[f"blk.0.{name}"] = WIDTH
    rng, tensors = random.Random(5), {}
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        tensors[f"{name}.weight"] = [WIDTH], "F32", gguf_file.encode([1.0] * WIDTH, "F32")
    for kind, (name, count) in zip(kinds, rows.items()):
        if kind in gguf_blocks.KINDS:
            gguf_file.TYPES[kind] = gguf_blocks.KINDS[kind][0]
            blocks = [block for _, block in gguf_blocks.library(kind)]
            raw = b"".join(rng.choice(blocks) for _ in range(count * WIDTH // gguf_blocks.KINDS[kind][1]))
        else:
            raw = gguf_file.encode([rng.gauss(0, 0.06) for _ in range(count * WIDTH)], kind)
        tensors[f"{name}.weight"] = [count, WIDTH], kind, raw
    return make_gguf.metadata(config), tensors


class Models:
    """What is changed: folders, the command that reads each, its output."""

    def __init__(self, marimba, goldens, tokenizer, work, kinds):
        self.marimba, self.work, self.kinds = marimba, work, kinds
        self.bases = os.path.join(work, "bases")
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(self.bases)
        with open(tokenizer, encoding="utf-8") as file:
            document = json.load(file)["tokenizer"]
        # What is read along with a session and a cache stays as it is.
        self.model = os.path.join(goldens, "mamba_main")
        self.outputs = {}
        for kind in kinds:
            folder = os.path.join(self.bases, kind)
            os.mkdir(folder)
            self.make(kind, folder, goldens, document)
            done = self.run(self.command(kind, folder), check=True)
            self.outputs[kind] = self.output(done)

    def make(self, kind, folder, goldens, document):
        if kind == "tokenizer":
            write(os.path.join(folder, "tokenizer.json"), json.dumps(document))
        elif kind == "gguf":
            config, tensors = make_gguf.read_model(os.path.join(goldens, "llama_main"))
            keys = {**make_gguf.metadata(config), **tokenizer_keys(document, "gpt-2")}
            tensors = make_gguf.convert(config, tensors, "Q4_0")
            gguf_file.write_gguf(os.path.join(folder, "model.gguf"), keys, tensors)
        elif kind in ("gguf_blocks", "gguf_codebooks"):
            keys, tensors = wide_model(goldens, BLOCKS if kind == "gguf_blocks" else CODEBOOKS)
            gguf_file.write_gguf(os.path.join(folder, "model.gguf"), keys, tensors)
        elif kind == "gguf_split":
            config, tensors = make_gguf.read_model(os.path.join(goldens, "llama_main"))
            tensors = make_gguf.convert(config, tensors, "Q4_1")
            counts = [0, len(tensors) // 2, (len(tensors) + 1) // 2]
            stem = os.path.join(folder, "model")
            gguf_file.write_split(stem, make_gguf.metadata(config), tensors, counts)
        elif kind == "state":
            state = os.path.join(folder, "a.state")
            command = ["run", self.model, "--ids", "3,17,5", "--max-tokens", "0", "--quiet"]
            self.run([*command, "--save-state", state, *FLAGS], check=True)
        elif kind == "cache":
            self.output(self.run(self.command(kind, folder), check=True))
        else:
            source = os.path.join(goldens, kind)
            for name in os.listdir(source):
                if not name.startswith("golden."):
                    shutil.copyfile(os.path.join(source, name), os.path.join(folder, name))
            if kind == "jamba_main":
                ends = {"eos_token_id": [2, 3], "do_sample": False}
                write(os.path.join(folder, "generation_config.json"), json.dumps(ends))

    def command(self, kind, folder):
        out = os.path.join(self.work, "out.safetensors")
        logits = ["--ids", "3,17,5", "-o", out, *FLAGS]
        if kind == "state":
            return ["logits", self.model, "--load-state", f"{folder}/a.state", *logits]
        if kind == "cache":
            flags = ["--ids", "3,17,5", "-o", out, "--threads=1"]
            return ["logits", self.model, "--cache-dir", folder, *flags]
        if kind == "gguf":
            model = os.path.join(folder, "model.gguf")
            return ["run", model, "--prompt", "bQz1", "--max-tokens", "3", "--json", *FLAGS]
        if kind.startswith("gguf_"):
            name = "model-00001-of-00003.gguf" if kind == "gguf_split" else "model.gguf"
            return ["logits", os.path.join(folder, name), *logits]
        if kind == "tokenizer":
            return ["tokenize", folder, "--text", "Once upon a time, 1234", "--json"]
        if kind == "jamba_main":
            return ["run", folder, "--ids", "3,17,5", "--max-tokens", "4", *FLAGS]
        return ["logits", folder, *logits]

    def run(self, arguments, check=False):
        """The process, which has ended, with its message in `message`."""
        limit = ["prlimit", f"--cpu={SECONDS}", "--core=0"]
        environment = {**os.environ, "MARIMBA_CACHE_DIR": os.path.join(self.work, "kept")}
        done = subprocess.run(
            limit + [self.marimba, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            timeout=30 * SECONDS,
            check=False,
        )
        done.message = done.stderr.decode(errors="replace")
        if check and done.returncode != 0:
            sys.exit(f"{arguments} failed: {done.message}")
        return done

    def output(self, done):
        """What a run has made: its file, or what it has printed."""
        out = os.path.join(self.work, "out.safetensors")
        if not os.path.exists(out):
            if done.stdout[:1] != b"{":
                return done.stdout
            # Tokens may have no text.
            answer = json.loads(done.stdout)
            return [answer[name] for name in ("ids", "text", "tokens") if name in answer]
        tensors = load(out)
        os.remove(out)
        return tensors["logits"].values.tobytes()


FLAGS = ["--dtype=f32", "--matmul=loops", "--threads=1"]


def check_case(models, seed, number):
    """What is wrong with the end of a run; empty where nothing is."""
    rng = random.Random(f"{seed} {number}")
    kind = models.kinds[number % len(models.kinds)]
    folder = os.path.join(models.work, "changed")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(os.path.join(models.bases, kind), folder)
    files = [
        os.path.relpath(os.path.join(path, name), folder)
        for path, _, names in os.walk(folder)
        for name in names
    ]
    name = rng.choice(sorted(files))
    parent = os.path.join(folder, os.path.dirname(name))
    # Caches are a matter of time alone.
    end = change_file(rng, parent, os.path.basename(name))
    if kind == "cache":
        end = SAME
    what = f"{number}: {kind}/{name}"
    try:
        done = models.run(models.command(kind, folder))
    except subprocess.TimeoutExpired:
        return f"{what}: waits for ever"
    output = models.output(done)
    if done.returncode == 0:
        if not output:
            return f"{what}: no output"
        if end == SAME and output != models.outputs[kind]:
            return f"{what}: another output"
        return ""
    words = done.message[:500].strip()
    if done.returncode != 1:
        return f"{what}: exit code {done.returncode}: {words}"
    if end == SAME:
        return f"{what}: is refused: {words}"
    if "error: " not in done.message or "Stack dump" in done.message:
        return f"{what}: no message: {words}"
    # By name, or by that of the folder where a file is missing.
    names = [os.path.basename(file) for file in files] + [folder]
    if not any(name in done.message for name in names):
        return f"{what}: the message names no file: {words}"
    if output:
        return f"{what}: exit code 1, and an output"
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("marimba")
    parser.add_argument("goldens")
    parser.add_argument("tokenizer")
    parser.add_argument("work")
    parser.add_argument("--count", type=int, default=35)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    parser.add_argument("--kinds", default=",".join(KINDS))
    args = parser.parse_args()
    kinds = args.kinds.split(",")
    for kind in kinds:
        if kind not in KINDS:
            parser.error(f"unknown kind '{kind}', expected some of {','.join(KINDS)}")
    models = Models(args.marimba, args.goldens, args.tokenizer, args.work, kinds)
    numbers = range(args.count) if args.only is None else [args.only]
    problems = 0
    for number in numbers:
        problem = check_case(models, args.seed, number)
        if problem:
            problems += 1
            print(problem, flush=True)
    print(f"{len(numbers)} changes, {problems} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
