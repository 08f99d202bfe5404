#!/usr/bin/env python3
"""Writes "none", numbers and booleans in all the ways that files have them: the
model must be the one that the usual way describes.

  check_none_values.py MARIMBA WORK

The model is a Chain that says Yes and stops.
"""

import json
import os
import subprocess
import sys

import tiny_models
from tiny_models import ARRAY, BOOL, F32, F64, I8, I16, I32, I64, STRING, U8, U16, U32, U64, Chain, write_gguf

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tools"))
from checker import Checker, run_cases

INTEGERS = (U8, I8, U16, I16, U32, I32, U64, I64)
NONES = ((U32, 2**32 - 1), (I32, -1), (U64, 2**64 - 1), (I64, -1), (U64, 2**32 - 1), (F32, -1.0))
BOM = "\ufeff"
IDS = ("bos", "eos", "unknown", "padding", "eot", "eom", "seperator", "mask", "cls")


def parameter(kind, value):
    return f"{value} of type {kind}"


class NoneValues(Checker):
    def __init__(self, marimba, work):
        super().__init__(work)
        self.marimba = marimba
        self.chain = Chain()
        self.chain.say("\n", "Y", "e", "s", "</s>")

    def call(self, *arguments):
        return subprocess.run(
            [self.marimba, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )

    def inspect(self, what, model, *notes, tied=False):
        """The facts that inspect finds are those of the usual model."""
        done = self.call("inspect", model, "--json")
        if not self.expect(what, done.returncode == 0, done.stderr):
            return {}
        facts = json.loads(done.stdout)
        right = facts["vocab_size"] == self.chain.size and facts["tied_embeddings"] == tied
        self.expect(what + ": facts", right, done.stdout)
        for note in notes:
            self.expect(f"{what}: {note}", note in done.stderr, done.stderr)
        if not notes:
            self.expect(what + ": no message", not done.stderr, done.stderr)
        return facts

    def says_yes(self, what, model, expected="\nYes\n"):
        done = self.call("run", model, "--prompt", "\n", "--max-tokens", "9", "--quiet")
        self.expect(what, done.stdout == expected, done.stdout + done.stderr)

    def refused(self, what, model, *words):
        done = self.call("inspect", model)
        self.expect(what, done.returncode == 1, done.stdout)
        for word in words:
            self.expect(f"{what}: {word}", word in done.stderr, done.stderr)

    # GGUF.

    def gguf(self, **changes):
        keys, tensors = self.chain.gguf()
        for key, value in changes.items():
            keys.pop(key, None)
            if value is not None:
                keys[key] = value
        return write_gguf(self.path("m.gguf"), keys, tensors)

    def case_gguf_ids(self):
        for name in IDS:
            for kind, value in NONES:
                model = self.gguf(**{f"tokenizer.ggml.{name}_token_id": (kind, value)})
                facts = self.inspect(f"{name} {parameter(kind, value)}", model)
                if name in ("bos", "eos") and facts:
                    found = facts[f"{name}_token_id" if name == "bos" else "eos_token_ids"]
                    self.expect(f"{name} is none", found in (None, []), found)
        model = self.gguf(**{f"tokenizer.ggml.{name}_token_id": (U32, 2**32 - 1) for name in IDS if name != "eos"})
        self.says_yes("all ids but the end", model)

    def case_gguf_ids_of_a_llama_vocabulary(self):
        """What is none is the default: the ids 1 and 2."""
        chain = self.chain
        keys, tensors = chain.gguf()
        keys["tokenizer.ggml.model"] = (STRING, "llama")
        for name in ("pre", "merges"):
            del keys["tokenizer.ggml." + name]
        keys["tokenizer.ggml.scores"] = (ARRAY, (F32, [0.0] * chain.size))
        for kind, value in NONES:
            for name in ("bos", "eos", "unknown"):
                keys[f"tokenizer.ggml.{name}_token_id"] = (kind, value)
            facts = self.inspect(parameter(kind, value), write_gguf(self.path("m.gguf"), keys, tensors))
            if facts:
                self.expect("defaults", (facts["bos_token_id"], facts["eos_token_ids"]) == (1, [2]), facts)

    def case_gguf_ids_beyond_the_vocabulary(self):
        for name in ("bos", "eos", "padding"):
            for value in (self.chain.size, 2**31, 2**32 - 2):
                key = f"tokenizer.ggml.{name}_token_id"
                model = self.gguf(**{key: (U32, value)})
                note = f"key '{key}' is {value}, but there are {self.chain.size} tokens: read as none"
                self.inspect(f"{name} {value}", model, note)
        self.says_yes("beyond", self.gguf(**{"tokenizer.ggml.bos_token_id": (U32, 999)}))

    def case_gguf_integers(self):
        end = self.chain.ids["</s>"]
        for kind in (*INTEGERS, F32, F64):
            value = lambda number: (kind, float(number) if kind in (F32, F64) else number)
            model = self.gguf(
                **{
                    "llama.block_count": value(1),
                    "llama.attention.head_count": value(1),
                    "llama.attention.head_count_kv": value(1),
                    "llama.attention.key_length": value(16),
                    "llama.attention.value_length": value(16),
                    "llama.feed_forward_length": value(16),
                    "llama.embedding_length": value(self.chain.size),
                    "llama.rope.dimension_count": value(16),
                    "llama.expert_count": value(0),
                    "general.alignment": value(32),
                    "split.count": value(0),
                    "tokenizer.ggml.eos_token_id": value(end),
                    "tokenizer.ggml.add_bos_token": value(0),
                    "tokenizer.ggml.add_eos_token": value(0),
                }
            )
            facts = self.inspect(f"numbers of type {kind}", model)
            if facts:
                self.expect(f"the end of type {kind}", facts["eos_token_ids"] == [end], facts)
        self.says_yes("numbers of type F64", model)
        model = self.gguf(**{"llama.block_count": (BOOL, 1), "llama.attention.head_count": (BOOL, 1)})
        self.inspect("booleans for 1", model)
        for kind, number in ((F32, 1.5), (F64, 1e300), (F32, float("nan")), (STRING, "1"), (I8, -1)):
            model = self.gguf(**{"llama.block_count": (kind, number)})
            self.refused(f"{number} layers", model, "llama.block_count", "an integer of 1 to 4096")

    def case_gguf_booleans(self):
        """An end after each text, which none may add."""
        for kind in (BOOL, *INTEGERS, F32, F64):
            number = float if kind in (F32, F64) else int
            for start in (0, 1):
                model = self.gguf(**{"tokenizer.ggml.add_bos_token": (kind, number(start))})
                done = self.call("tokenize", model, "--text", "Y")
                expected = ["1"] * start + [str(self.chain.id("Y"))]
                self.expect(f"add_bos_token {start} of type {kind}", done.stdout.strip().split(",") == expected, done)
        # Of a boolean all but 0 is true, as llama.cpp has it.
        for byte in (1, 2, 255):
            done = self.call("tokenize", self.gguf(**{"tokenizer.ggml.add_bos_token": (BOOL, byte)}), "--text", "Y")
            self.expect(f"boolean {byte}", done.stdout.startswith("1,"), done)
        done = self.call("tokenize", self.gguf(**{"tokenizer.ggml.add_bos_token": (U8, 2)}), "--text", "Y")
        self.expect("2 is no boolean", done.returncode == 1 and "add_bos_token" in done.stderr, done.stderr)

    def case_gguf_layers(self):
        """One number for each layer, and empty lists and strings."""
        for kind in INTEGERS:
            names = ("attention.head_count", "attention.head_count_kv", "feed_forward_length")
            changes = {f"llama.{name}": (ARRAY, (kind, [16 if "feed" in name else 1])) for name in names}
            self.inspect(f"arrays of type {kind}", self.gguf(**changes))
        for values in ([1, 1], []):
            model = self.gguf(**{"llama.attention.head_count": (ARRAY, (I32, values))})
            self.refused(f"{values} heads", model, "llama.attention.head_count", "the same for all layers")
        for kind in (U8, STRING, F32):
            model = self.gguf(**{"tokenizer.ggml.merges": (ARRAY, (kind, []))})
            self.says_yes(f"no merges of type {kind}", model)
        empty = {key: (STRING, "") for key in ("general.type", "llama.rope.scaling.type", "tokenizer.ggml.pre", "x.y")}
        self.inspect("empty strings", self.gguf(**empty))
        done = self.call("tokenize", self.gguf(**{"tokenizer.ggml.merges": None}), "--text", "a")
        self.expect("merges absent", done.returncode == 1 and "tokenizer.ggml.merges' is absent" in done.stderr, done.stderr)

    def case_gguf_window(self):
        for kind, value in (*NONES, (U32, 0), (BOOL, 0), (U32, 4096), (U64, 2**40)):
            model = self.gguf(**{"llama.attention.sliding_window": (kind, value)})
            self.inspect(f"window {parameter(kind, value)}", model)
        model = self.gguf(**{"llama.attention.sliding_window": (U32, 4095)})
        self.refused("a window", model, "llama.attention.sliding_window", "4095")
        for kind, value in ((F32, 0.0), (U32, 0)):
            keys = {"llama.rope.scaling.type": (STRING, "linear"), "llama.rope.scaling.factor": (kind, value)}
            self.inspect("a factor of 0", self.gguf(**keys))

    # Directories.

    def directory(self, text=None, **changes):
        folder = self.chain.write(self.path("d"), config=changes)
        if text:
            path = os.path.join(folder, "config.json")
            with open(path, encoding="utf-8") as file:
                content = text(file.read())
            with open(path, "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode())
        return folder

    def case_config_nulls(self):
        # Of the usual value.
        for field in ("rope_scaling", "rope_parameters", "hidden_act", "dtype", "sliding_window", "architectures",
                      "quantization_config", "attention_bias", "mlp_bias", "tie_word_embeddings", "pad_token_id", "max_position_embeddings",
                      "pretraining_tp", "torch_dtype", "attn_implementation"):
            self.inspect(f"{field} null", self.directory(**{field: None}))
        for changes in ({"quantization_config": {}}, {"rope_scaling": {}}, {"rope_parameters": {}}, {"architectures": []},
                        {"hidden_act": "swish"}, {"dtype": "auto"}, {"dtype": None, "torch_dtype": "auto"}, {"dtype": "half"},
                        {"num_key_value_heads": None}, {"rope_scaling": {"type": None, "factor": None}}):
            self.inspect(str(changes), self.directory(**changes))

    def case_config_ids(self):
        for none in (None, [], -1, [-1], -1.0, 2**32 - 1, 2**64 - 1, [None]):
            facts = self.inspect(f"ids {none}", self.directory(bos_token_id=none, eos_token_id=none, pad_token_id=none))
            if facts:
                found = facts["bos_token_id"], facts["eos_token_ids"], facts["pad_token_id"]
                self.expect(f"ids {none}", found == (None, [], None), found)
        facts = self.inspect("a list", self.directory(bos_token_id=[1], eos_token_id=[2, 3.0, -1], pad_token_id=[]))
        if facts:
            self.expect("the list", (facts["bos_token_id"], facts["eos_token_ids"]) == (1, [2, 3]), facts)
        for bad in ("2", [[2]], {}, 1.5, -7, 2**31, True):
            self.refused(f"id {bad}", self.directory(eos_token_id=bad), "eos_token_id", "a token id or a list of token ids")

    def case_config_numbers(self):
        whole = {"num_hidden_layers": 1.0, "hidden_size": float(self.chain.size), "head_dim": 16.0, "num_attention_heads": 1.0,
                 "rms_norm_eps": 1, "rope_theta": 10000, "intermediate_size": 16.0, "vocab_size": float(self.chain.size)}
        self.inspect("whole floats", self.directory(**whole))
        self.inspect("0 and 1 for booleans", self.directory(tie_word_embeddings=0, attention_bias=0.0, mlp_bias=False))
        self.inspect("1 for true", self.directory(tie_word_embeddings=1), tied=True)
        # What no family reads may be anything.
        odd = {"time_step_limit": [0.0, float("inf")], "a": float("nan"), "b": [-float("inf")], "c": {"d": None}}
        self.inspect("Infinity and NaN", self.directory(**odd))
        self.refused("Infinity", self.directory(rms_norm_eps=float("inf")), "rms_norm_eps")
        self.refused("2 for a boolean", self.directory(tie_word_embeddings=2), "tie_word_embeddings", "true or false")

    def case_config_text(self):
        self.inspect("byte order mark", self.directory(lambda text: BOM + text))
        twice = lambda text: text.replace('"vocab_size"', '"vocab_size": 7, "vocab_size"')
        self.inspect("a name twice", self.directory(twice))
        self.inspect("lines of Windows", self.directory(lambda text: text.replace("\n", "\r\n") + "\r\n\r\n"))
        for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
            self.refused(encoding, self.directory(lambda text: text.encode(encoding)), "config.json", "UTF-8")
        for text in (" ", BOM, "\n\n"):
            self.refused(f"{text!r} only", self.directory(lambda _: text), "config.json: is empty, expected JSON")
        self.refused("zeros", self.directory(lambda _: bytes(100)), "config.json: holds zero bytes")

    def case_sizes_of_mixtral(self):
        """Whose heads have a size by default, and which has a window."""
        config = {"model_type": "mixtral", "vocab_size": 48, "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1,
                  "num_attention_heads": 4, "num_key_value_heads": 2}
        folder = self.path("mixtral")
        os.makedirs(folder)

        def sizes(window):
            with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
                json.dump(config | {"sliding_window": window, "head_dim": None}, file)
            return self.call("inspect", folder, "--json")

        for window in (None, 0, -1, False, 0.0):
            done = sizes(window)
            self.expect(f"window {window}", done.returncode == 0 and "sliding_window" not in done.stdout, done.stderr)
        self.expect("head_dim null", '"head_dim": 16' in sizes(None).stdout)
        for window in (7, 7.0):
            self.expect(f"window {window}", '"sliding_window": 7' in sizes(window).stdout)
        for window in (-2, "none", True, 1.5):
            self.expect(f"window {window}", "sliding_window" in sizes(window).stderr)

    def case_generation_config(self):
        path = os.path.join(self.directory(), "generation_config.json")
        for text in ("", " \n", BOM, "{}", '{"eos_token_id": null}', '{"eos_token_id": []}', '{"eos_token_id": -1}',
                     '{"eos_token_id": 4294967295}', BOM + '{"eos_token_id": [2]}'):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            self.says_yes(f"generation_config.json {text!r}", self.path("d"))
        os.remove(path)

    def case_safetensors(self):
        """Headers as they may be, and tensors that no model needs."""
        folder = self.directory()
        tensors = self.chain.tensors()
        tensors |= {"a.scalar": ("F32", [], bytes(4)), "a.none": ("F32", [0, 7], b""), "a.f8": ("F8_E4M3", [3], bytes(3)),
                    "a.new": ("F4_X", [3], bytes(5)), "a.flags": ("BOOL", [3], bytes(3)), "a.complex": ("C64", [1], bytes(8))}
        path = os.path.join(folder, "model.safetensors")
        # The first makes all that follow lie at odd addresses.
        tiny_models.save_safetensors(path, {"a.odd": ("U8", [1], b"\0"), **tensors})
        with open(path, "rb") as file:
            data = file.read()
        size = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + size])
        for what, change in (
            ("as it is", lambda text: text),
            ("spaces behind", lambda text: text + b" " * 77),
            ("byte order mark", lambda text: BOM.encode() + text),
            ("metadata null", lambda text: text.replace(b"{", b'{"__metadata__": null, ', 1)),
            ("metadata", lambda text: text.replace(b"{", b'{"__metadata__": {"format": "pt"}, ', 1)),
        ):
            text = change(json.dumps(header).encode())
            with open(path, "wb") as file:
                file.write(len(text).to_bytes(8, "little") + text + data[8 + size :])
            self.says_yes("header: " + what, folder)
        # A hole in front of the data.
        for entry in header.values():
            entry["data_offsets"] = [at + 100 for at in entry["data_offsets"]]
        text = json.dumps(header).encode()
        with open(path, "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text + bytes(100) + data[8 + size :])
        self.says_yes("header: a hole", folder)
        tensors["model.norm.weight"] = ("F8_E4M3", [self.chain.size], bytes(self.chain.size))
        tiny_models.save_safetensors(path, tensors)
        self.refused("F8 that is needed", folder, "model.norm.weight", "F8_E4M3", "expected F32, F16 or BF16")


if __name__ == "__main__":
    sys.exit(run_cases(NoneValues))
