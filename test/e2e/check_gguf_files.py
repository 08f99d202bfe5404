#!/usr/bin/env python3
"""What is in a GGUF file besides a plain model: lists with a number for each
layer, older versions, keys and tensors that mean nothing here, a vision part;
and files that are no model: what `inspect` says of each.

  check_gguf_files.py MARIMBA GOLDENS TOKENIZER WORK

TOKENIZER is one of test/runtime/Inputs.
"""

import json
import os
import struct
import subprocess
import sys

import gguf_file
import make_gguf
from gguf_file import ARRAY, BOOL, FLOAT32, INT32, STRING, UINT32
from gguf_tokenizer import tokenizer_keys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tools"))
from checker import Checker, run_cases

# What llama.cpp reads as one number or one for each layer.
EACH = ("attention.head_count", "attention.head_count_kv", "feed_forward_length", "attention.key_length")
EACH = (*EACH, "attention.value_length", "rope.dimension_count", "attention.sliding_window")


class Files(Checker):
    def __init__(self, marimba, goldens, tokenizer, work):
        super().__init__(work)
        self.marimba, self.goldens = marimba, goldens
        with open(tokenizer, encoding="utf-8") as file:
            self.tokenizer = tokenizer_keys(json.load(file)["tokenizer"], "gpt-2")

    def call(self, *arguments):
        return subprocess.run(
            [self.marimba, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )

    def model(self, golden="llama_main", kind="F32"):
        config, tensors = make_gguf.read_model(os.path.join(self.goldens, golden))
        return make_gguf.metadata(config), make_gguf.convert(config, tensors, kind)

    def write(self, keys, tensors, name="model.gguf"):
        path = self.path(name)
        gguf_file.write_gguf(path, keys, tensors)
        return path

    def module(self, path):
        """The imported module, and what is said on stderr."""
        done = self.call("compile", path, "--stop-after=import")
        self.expect("is read", done.returncode == 0, done.stderr)
        return done.stdout, done.stderr

    def refused(self, what, path, *words):
        """By `logits`, and by `inspect`, which says what the file is first."""
        out = self.path("out.safetensors")
        done = self.call("logits", path, "--ids", "1", "-o", out)
        lacking = [word for word in (os.path.basename(path), *words) if word not in done.stderr]
        good = done.returncode == 1 and not lacking and not done.stdout and not os.path.exists(out)
        self.expect(f"{what}: refused", good, f"{done.stderr} lacks {lacking}")
        shown = self.call("inspect", path, "--json")
        self.expect(f"{what}: inspect fails, too", shown.returncode == 1 and shown.stderr == done.stderr, shown.stderr)
        facts = json.loads(shown.stdout)["gguf"]
        self.expect(f"{what}: inspect says the types", bool(facts["types"]) or "no tensors" in shown.stderr, shown.stdout)
        return facts

    def inspect(self, path, *flags):
        done = self.call("inspect", path, "--json", *flags)
        self.expect("inspect", done.returncode == 0, done.stderr)
        return json.loads(done.stdout)

    # What may be in the file of a model.

    def case_a_number_for_each_layer(self):
        goldens = ("llama_main", "qwen3_moe", "gemma2", "jamba_main", "falcon_h1_mup", "lfm2")
        for golden in goldens:
            keys, tensors = self.model(golden)
            arch = keys["general.architecture"][1]
            layers = keys[f"{arch}.block_count"][1]
            plain = self.module(self.write(keys, tensors))
            lists = 0
            for key in (f"{arch}.{name}" for name in EACH):
                kind, value = keys.get(key, (ARRAY, 0))
                if kind == ARRAY:
                    continue
                lists += 1
                each = {**keys, key: (ARRAY, (kind, [value] * layers))}
                self.expect(f"{golden}: {key}", self.module(self.write(each, tensors)) == plain)
                each[key] = (ARRAY, (kind, [value] * (layers - 1) + [value + 1]))
                done = self.call("inspect", self.write(each, tensors))
                good = done.returncode == 1 and key in done.stderr and "expected" in done.stderr
                self.expect(f"{golden}: {key} that differ", good, done.stderr)
            self.expect(f"{golden}: some are lists", lists >= 2, f"{lists}")

    def case_version_two(self):
        keys, tensors = self.model()
        path = self.write(keys, tensors)
        plain = self.module(path)
        with open(path, "r+b") as file:
            file.seek(4)
            file.write(struct.pack("<I", 2))
        self.expect("version 2", self.module(path) == plain)
        self.expect("is said", self.inspect(path)["gguf"]["version"] == 2)

    def case_keys_and_tensors_unknown(self):
        keys, tensors = self.model()
        plain = self.module(self.write(keys, tensors))
        keys["llama.flux.capacity"] = (UINT32, 88)
        keys["x"] = (ARRAY, (STRING, ["a", "b"]))
        keys["general.tags"] = (ARRAY, (STRING, ["text"]))
        tensors["blk.0.flux.weight"] = [2, 2], "F32", bytes(16)
        path = self.write(keys, tensors)
        self.expect("they change nothing", self.module(path) == plain)
        facts = self.inspect(path)
        self.expect("tensor", facts["unused_tensors"] == ["blk.0.flux.weight"], facts["unused_tensors"])
        unused = facts["gguf"]["unused_keys"]
        self.expect("keys", "llama.flux.capacity" in unused and "x" in unused, unused)
        read = ("llama.block_count", "llama.attention.head_count", "llama.context_length", "general.tags")
        self.expect("those that are read are not", not set(read) & set(unused), unused)
        text = self.call("inspect", path).stdout
        self.expect("as text", "unused      blk.0.flux.weight\n" in text and "llama.flux.capacity" in text, text)

    def case_vision_part_inside(self):
        keys, tensors = self.model()
        plain, _ = self.module(self.write(keys, tensors))
        for name in ("v.patch_embd.weight", "mm.0.weight", "a.conv1d.weight"):
            tensors[name] = [2, 2], "F32", bytes(16)
        path = self.write(keys, tensors)
        module, notes = self.module(path)
        self.expect("the text model", module == plain)
        self.expect("a note", "3 tensors of the vision or audio part set aside" in notes, notes)
        self.expect("not unused", not self.inspect(path)["unused_tensors"])

    # Files that are no model.

    def case_kinds(self):
        keys, tensors = self.model()
        for kind, words in (
            ("adapter", "an adapter (LoRA)"),
            ("mmproj", "vision or audio part of a model (mmproj)"),
            ("imatrix", "an importance matrix"),
            ("vocab", "a vocabulary without a model"),
            ("x", "something else"),
        ):
            path = self.write({**keys, "general.type": (STRING, kind)}, tensors)
            facts = self.refused(kind, path, f"'general.type' is \"{kind}\"", words)
            self.expect("its architecture", facts["architecture"] == "llama", facts)
        path = self.write({**keys, "general.architecture": (STRING, "clip")}, tensors)
        self.refused("clip", path, "'general.architecture' is \"clip\"", "vision or audio part")
        path = self.write({"general.architecture": (STRING, "controlvector")}, tensors)
        self.refused("controlvector", path, "a control vector")
        # As imatrix files are: no architecture.
        path = self.write({"general.type": (STRING, "imatrix"), "imatrix.chunk_count": (UINT32, 3)}, tensors)
        self.refused("imatrix", path, "an importance matrix")

    def case_vocabulary_alone(self):
        keys, _ = self.model()
        path = self.write({**keys, **self.tokenizer}, {})
        facts = self.refused("a vocabulary", path, "has no tensors", "tokenize reads")
        self.expect("its tokens", facts["tokenizer"] == "gpt2" and facts["pre"] == "gpt-2" and facts["tokens"] > 0, facts)
        done = self.call("tokenize", path, "--text", "a")
        self.expect("tokenize", done.returncode == 0, done.stderr)
        self.refused("nothing", self.write(keys, {}), "has no tensors, expected a model")

    def case_architectures(self):
        keys, tensors = self.model()
        for found, near in (("qwen3vl", "qwen3"), ("mamba3", ""), ("jmaba", "jamba"), ("gpt2", "")):
            path = self.write({**keys, "general.architecture": (STRING, found)}, tensors)
            words = [f"'general.architecture' is \"{found}\"", '"jamba", "mamba", "mamba2"']
            self.refused(found, path, *words, *([f'the nearest is "{near}"'] if near else []))

    def case_types(self):
        keys, tensors = self.model()
        shape, _, raw = tensors["blk.0.attn_v.weight"]
        for number, name, words in ((31, "Q4_0_4_4", "no longer"), (15, "Q8_K", "expected F32"), (99, "", "unknown type 99")):
            gguf_file.TYPES["X"] = number
            path = self.write(keys, {**tensors, "blk.0.attn_v.weight": (shape, "X", raw)})
            out = self.call("inspect", path, "--json")
            self.expect(f"type {number}", out.returncode == 1 and name in out.stderr and words in out.stderr, out.stderr)
            if number == 15:
                types = {t["type"]: t for t in json.loads(out.stdout)["gguf"]["types"]}
                self.expect("is not read", not types["Q8_K"]["read"] and types["F32"]["read"], types)
        # Of what the model has no use for, any type will do.
        gguf_file.TYPES["X"] = 15
        path = self.write(keys, {**tensors, "flux": (shape, "X", raw)})
        self.expect("unused", self.inspect(path)["unused_tensors"] == ["flux"])

    def case_versions(self):
        path = self.write(*self.model())
        for layout, version, words in (("<I", 1, "version 1, expected 2 or 3"), (">I", 3, "big-endian")):
            with open(path, "r+b") as file:
                file.seek(4)
                file.write(struct.pack(layout, version))
            done = self.call("inspect", path)
            self.expect(words, done.returncode == 1 and words in done.stderr and not done.stdout, done.stderr)

    # Inspect.

    def case_inspect(self):
        keys, tensors = self.model("jamba_main", "Q4_0")
        keys.update(self.tokenizer)
        keys["general.size_label"] = (STRING, "8x4M")
        keys["general.file_type"] = (UINT32, 1024 + 15)
        keys["general.quantization_version"] = (UINT32, 2)
        path = self.write(keys, tensors)
        facts = self.inspect(path)["gguf"]
        expected = {
            "version": 3,
            "architecture": "jamba",
            "name": "jamba",
            "size_label": "8x4M",
            "file_type": "Q4_K_M",
            "quantization_version": 2,
            "context_length": 4096,
            "tokenizer": "gpt2",
            "pre": "gpt-2",
            "tokens": len(self.tokenizer["tokenizer.ggml.tokens"][1][1]),
            "files": [{"file": "model.gguf", "bytes": os.path.getsize(path), "tensors": len(tensors)}],
        }
        for name, value in expected.items():
            self.expect(name, facts[name] == value, f"{facts[name]}, expected {value}")
        types = {}
        for _, kind, raw in tensors.values():
            count = types.setdefault(kind, [0, 0])
            count[0] += 1
            count[1] += len(raw)
        found = {t["type"]: [t["tensors"], t["bytes"]] for t in facts["types"]}
        self.expect("types", found == types, f"{found}, expected {types}")
        self.expect("all are read", all(t["read"] for t in facts["types"]))

        def uses(*flags):
            # Each tensor is used in one way here: the numbers are those of the types.
            multiplied = self.inspect(path, *flags)["gguf"]["multiplied"]
            total = {}
            for use in multiplied:
                total[use["type"]] = total.get(use["type"], 0) + use["tensors"]
            self.expect("all tensors", total == {kind: count for kind, (count, _) in types.items()}, total)
            return {(use["type"], use["how"]): use["tensors"] for use in multiplied}

        # What a recurrence multiplies up is never rounded.
        exact = sum(
            kind == "Q4_0" and (".ssm_x." in name or ".ssm_dt." in name)
            for name, (_, kind, _) in tensors.items()
        )
        self.expect("some are exact, there is a head", exact > 0 and "output.weight" in tensors, f"{exact}")
        stored = types["Q4_0"][0] - 1
        floats = uses("--activations=f32")
        self.expect("by floats", floats[("Q4_0", "as stored, by products of f32")] == stored, floats)
        integers = uses()
        self.expect("by integers", integers[("Q4_0", "as stored, by products of integers")] == stored - exact, integers)
        self.expect("exact", integers[("Q4_0", "as stored, by products of f32")] == exact, integers)
        for found in (floats, integers):
            self.expect("the embedding", found[("Q4_0", "as stored, rows are looked up")] == 1, found)
            self.expect("as they are", found[("F32", "as it is")] == types["F32"][0], found)
        text = self.call("inspect", path).stdout
        for line in ("GGUF        version 3, architecture jamba, \"jamba\", size 8x4M\n", "file type   Q4_K_M, quantisation version 2\n"):
            self.expect(line.strip(), line in text, text)

    def case_inspect_parts(self):
        keys, tensors = self.model()
        counts = [1, 2, len(tensors) - 3]
        paths = gguf_file.write_split(self.path("cut"), keys, tensors, counts)
        for path in paths:
            facts = self.inspect(path)
            found = [(file["file"], file["tensors"]) for file in facts["gguf"]["files"]]
            expected = [(os.path.basename(p), count) for p, count in zip(paths, counts)]
            self.expect("files", found == expected and facts["name"] == "cut", found)


if __name__ == "__main__":
    sys.exit(run_cases(Files))
