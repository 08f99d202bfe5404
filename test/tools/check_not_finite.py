#!/usr/bin/env python3
"""Numbers that are NaN or infinite: an error that says where they come from, in
every command, and JSON without them.

  check_not_finite.py MARIMBA LIBRARY WORK
"""

import ctypes
import json
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from checker import Checker, run_cases
from marimba_library import Error, Library, Options
from tiny_models import Chain, f32, load_safetensors, save_safetensors, write_gguf

SECONDS = 120
NAN, INF = float("nan"), float("inf")
TEXT = "Hello world\nthis is it\n" * 5


def values_of(raw):
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))


class NotFinite(Checker):
    def __init__(self, marimba, library, work):
        super().__init__(work)
        self.marimba, self.library = marimba, library
        os.environ["MARIMBA_CACHE_DIR"] = self.path("cache")
        self.chain = Chain()
        with open(self.path("t.txt"), "w", encoding="utf-8") as file:
            file.write(TEXT)

    def model(self, name, **changes):
        """A model with other tensors: {name: {element: value}}; "_" is a dot."""
        folder = self.chain.write(self.path(name))
        path = os.path.join(folder, "model.safetensors")
        tensors = load_safetensors(path)
        for tensor, elements in changes.items():
            dtype, shape, raw = tensors[tensor]
            values = values_of(raw)
            for element, value in elements.items():
                values[element] = value
            tensors[tensor] = (dtype, shape, f32(values))
        save_safetensors(path, tensors)
        return folder

    def run(self, *args, stdin=None):
        return subprocess.run([self.marimba, *args], input=stdin, stdin=None if stdin else subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False)

    def fails(self, what, done, *parts):
        """Exit code 1 and one error with all of these."""
        errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        self.expect(f"{what}: exit code 1", done.returncode == 1, done)
        self.expect(f"{what}: one error", len(errors) == 1, done.stderr)
        for part in parts:
            self.expect(f"{what}: says {part!r}", any(part in line for line in errors), done.stderr)

    def case_weights_are_named(self):
        norm = "model.layers.0.post_attention_layernorm.weight"
        for tensor, element, value, text in (
            ("model.norm.weight", 3, NAN, "NaN"),
            ("model.embed_tokens.weight", 5, NAN, "NaN"),
            ("lm_head.weight", 7, INF, "inf"),
            ("model.layers.0.self_attn.q_proj.weight", 11, -INF, "-inf"),
            (norm, 0, NAN, "NaN"),
        ):
            folder = self.model("weights", **{tensor: {element: value}})
            done = self.run("run", folder, "--ids", "5,6", "--max-tokens", "3", "--quiet")
            if tensor == "model.embed_tokens.weight" and done.returncode == 0:
                continue  # of a token that nobody used
            self.fails(tensor, done, "logits", f"tensor '{tensor}' holds {text} at element {element}")

    def case_every_command(self):
        folder = self.model("commands", **{"model.norm.weight": {1: NAN}})
        where = "tensor 'model.norm.weight' holds NaN at element 1"
        self.fails("greedy", self.run("run", folder, "--ids", "5,6"), where)
        self.fails("sampled", self.run("run", folder, "--ids", "5,6", "--temperature", "1", "--top-k", "3"), where)
        self.fails("penalty", self.run("run", folder, "--prompt", "ab", "--repetition-penalty", "1.5"), where)
        self.fails("chat", self.run("chat", folder, stdin="hello\n"), where)
        self.fails("logits", self.run("logits", folder, "--ids", "5,6", "-o", self.path("l.safetensors")), where)
        self.expect("logits: no file", not os.path.exists(self.path("l.safetensors")))
        with open(self.path("p.jsonl"), "w", encoding="utf-8") as file:
            file.write('{"prompt": "ab"}\n{"ids": [7]}\n')
        done = self.run("run", folder, "--prompts", self.path("p.jsonl"), "-o", self.path("o.jsonl"))
        self.fails("batch", done, "p.jsonl: prompt 1: ", where)
        self.expect("batch: no file", not os.path.exists(self.path("o.jsonl")))
        text = self.path("t.txt")
        self.fails("eval", self.run("eval", folder, "--text", text, "--window", "32"), where)
        with open(self.path("r.jsonl"), "w", encoding="utf-8") as file:
            file.write('{"text": "ab", "answer": "c"}\n')
        self.fails("recall", self.run("eval", folder, "--recall", self.path("r.jsonl")), where)

    def strict(self, what, text):
        """JSON without NaN and Infinity."""
        def refuse(name):
            raise ValueError(name)

        try:
            return json.loads(text, parse_constant=refuse)
        except ValueError as error:
            self.expect(f"{what}: JSON", False, (str(error), text))
            return {}

    def case_json(self):
        folder = self.model("json", **{"model.norm.weight": {1: NAN}})
        good = self.model("good")
        flags = ["--text", self.path("t.txt"), "--window", "32", "--json"]
        done = self.run("eval", folder, *flags)
        answer = self.strict("eval", done.stdout)
        self.expect("eval: null and an error", answer.get("perplexity", 0) is None and "NaN" in answer.get("error", ""), answer)
        self.fails("eval --json", done, "NaN")
        for models, failed in (([folder, folder], 0), ([good, folder], 1)):
            done = self.run("eval", models[0], *flags, "--compare", models[1])
            answer = self.strict("compare", done.stdout)
            rows = answer.get("models", [])
            self.expect("compare: which one", [bool(row["error"]) for row in rows] == [i == failed for i in range(2)], answer)
            self.expect("compare: no agreement", all(row["top1_agreement"] is None for row in rows), answer)
            self.fails("compare --json", done, "NaN")
        done = self.run("eval", good, *flags[:-1], "--compare", folder)
        self.fails("compare", done, "NaN")
        self.expect("compare: no table", "%" not in done.stdout, done.stdout)

    def case_numbers_without_end(self):
        """Perplexities that no double holds are null, and a note says so."""
        head = self.chain.size
        folder = self.model("steep", **{"lm_head.weight": {i: 1e30 for i in range(head)}})
        done = self.run("eval", folder, "--text", self.path("t.txt"), "--window", "32", "--json")
        answer = self.strict("steep", done.stdout)
        self.expect("steep: null", done.returncode == 0 and answer.get("perplexity", 0) is None, done)
        self.expect("steep: a note", "note: perplexity is not finite" in done.stderr, done.stderr)

    def case_layers_are_named(self):
        """Weights that are finite and results that are not."""
        big = {element: 3e38 for element in range(self.chain.size * 16)}
        mlp = "model.layers.0.mlp."
        folder = self.model("overflow", **{mlp + "gate_proj.weight": big, mlp + "up_proj.weight": big, mlp + "down_proj.weight": big})
        for route in (["--dtype=f32"], ["--reference"], ["--matmul=loops", "--no-cache"]):
            done = self.run("run", folder, "--ids", "5,6", *route)
            self.fails(f"overflow {route}", done, "layer 0 (attention+dense) is the first whose output is not finite")
        steep = {i: 3e38 for i in range(self.chain.size)}
        folder = self.model("steep-norm", **{"model.norm.weight": steep, "lm_head.weight": {i: 3e38 for i in range(self.chain.size**2)}})
        done = self.run("run", folder, "--ids", "5,6")
        self.fails("the end", done, "the final norm or the output head")

    def case_tokens_that_never_come(self):
        """Some logits of -inf are allowed: a head's rows cannot be -inf without
        NaN elsewhere, so they overflow."""
        # x has one 1, so a row with -3e38 twice sums to -3e38 only; a norm of 2
        # makes -inf of it where x is 1 and 0 elsewhere.
        n = self.chain.size
        head = {n * 9 + 5: -3e38}
        folder = self.model("masked", **{"lm_head.weight": head, "model.norm.weight": {5: 2.0}})
        done = self.run("run", folder, "--ids", "5", "--max-tokens", "2", "--quiet", "--dtype=f32")
        self.expect("masked: goes on", done.returncode == 0, done)

    def case_gguf(self):
        keys, tensors = self.chain.gguf()
        shape, kind, raw = tensors["output_norm.weight"]
        tensors["output_norm.weight"] = (shape, kind, f32([NAN] + values_of(raw)[1:]))
        path = write_gguf(self.path("nan.gguf"), keys, tensors)
        self.fails("gguf", self.run("run", path, "--ids", "5,6"), "norm.weight' holds NaN at element 0")

    def case_packages_and_programs(self):
        folder = self.model("library", **{"model.norm.weight": {1: NAN}})
        package = self.path("m.marimba")
        done = self.run("compile", folder, "--emit=package", "-o", package)
        self.expect("package", done.returncode == 0, done)
        done = self.run("inspect", package, "--json")
        self.expect("inspect", done.returncode == 0, done)
        library = Library(self.library)

        def load():
            model = ctypes.c_void_p()
            options = Options(size=ctypes.sizeof(Options), threads=1, cache_folder=b"")
            library.call("marimba_model_load", folder.encode(), ctypes.byref(options), ctypes.byref(model))
            from marimba_library import Model

            return Model(library, model)

        for name, model in (("package", library.open(package, cache_folder=b"")), ("directory", load())):
            session = model.session()
            try:
                session.append([5, 6])
                self.expect(f"{name}: an error", False)
            except Error as error:
                self.expect(f"{name}: MARIMBA_FAILED", error.code == 4, error.code)
                self.expect(f"{name}: the tensor", "tensor 'model.norm.weight' holds NaN" in str(error), str(error))
            length = library.lib.marimba_session_length
            length.argtypes, length.restype = [ctypes.c_void_p], ctypes.c_size_t
            self.expect(f"{name}: empty after it", length(session.handle) == 0)

    def case_quantize(self):
        for tensor, value, extra in (
            ("model.norm.weight", NAN, []),
            ("model.layers.0.input_layernorm.weight", -INF, []),
            ("model.embed_tokens.weight", INF, ["--head=keep"]),
            ("model.layers.0.mlp.up_proj.weight", NAN, []),
            ("lm_head.weight", INF, ["--keep=lm_head"]),
        ):
            folder = self.model("quantize", **{tensor: {9: value}})
            done = self.run("quantize", folder, "-o", self.path("q"), "--weights=int8", *extra)
            self.fails(f"quantize {tensor} {value} {extra}", done, f"tensor '{tensor}'", "expected finite weights")
            self.expect("quantize: nothing written", not os.path.exists(self.path("q")))
        folder = self.model("calibrated", **{"model.layers.0.mlp.up_proj.weight": {9: NAN}})
        with open(self.path("long.txt"), "w", encoding="utf-8") as file:
            file.write(TEXT * 20)
        done = self.run("quantize", folder, "-o", self.path("q"), "--weights=int8", "--calibrate", self.path("long.txt"))
        self.fails("quantize --calibrate", done, "tensor 'model.layers.0.mlp.up_proj.weight'", "element 9")


if __name__ == "__main__":
    sys.exit(run_cases(NotFinite))
