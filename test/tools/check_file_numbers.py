#!/usr/bin/env python3
"""Numbers of files: config.json, GGUF, safetensors, prompts. What does not fit is
an error that names the field; nothing is cut to fewer bits.

  check_file_numbers.py MARIMBA WORK
"""

import json
import os
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from checker import Checker, run_cases
from tiny_models import F32, F64, I32, I64, U32, U64, Chain, save_safetensors, write_gguf

SECONDS = 60
# As JSON has them. `right` plus a power of two would be right if it were cut.
WRONG = ["2147483648", "4294967296", "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616", "-1", "-9223372036854775808", "1.5", "1e300", "NaN", "Infinity", '"8"', "true", "[8]"]


class Files(Checker):
    def __init__(self, marimba, work):
        super().__init__(work)
        self.marimba = marimba
        os.environ["MARIMBA_CACHE_DIR"] = self.path("cache")
        self.chain = Chain()
        self.count = 0

    def run(self, *args):
        return subprocess.run([self.marimba, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False)

    def refused(self, what, done, *names):
        good = done.returncode == 1 and done.stderr.startswith("error: ")
        self.expect(f"{what}: refused by name", good and any(name in done.stderr for name in names), (done.returncode, done.stderr))

    def inspect_all(self, jobs):
        """Each (what, path, names) is a model that is refused."""
        with ThreadPoolExecutor(2) as pool:
            for (what, _, names), done in zip(jobs, pool.map(lambda job: self.run("inspect", job[1]), jobs)):
                self.refused(what, done, *names)

    def with_field(self, field, text):
        """A model whose config.json has this text for a number."""
        self.count += 1
        folder = self.path(f"config-{self.count}")
        os.makedirs(folder)
        config = {**self.chain.config(), field: "@@"}
        with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
            file.write(json.dumps(config).replace('"@@"', text))
        os.symlink(self.path("whole/model.safetensors"), os.path.join(folder, "model.safetensors"))
        return folder

    def case_config(self):
        self.chain.write(self.path("whole"))
        sizes = ["vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim"]
        right = self.chain.config()
        jobs = []
        for field in sizes:
            for text in WRONG + [str(right[field] + 2**32), str(right[field] + 2**64), "0"]:
                jobs.append((f"config.json: {field} {text}", self.with_field(field, text), [field]))
        for field in ("rms_norm_eps", "rope_theta"):
            for text in ("1e-300", "1e300", "0", "-1.0", "NaN", "-Infinity", '"1"', "1e-39"):
                jobs.append((f"config.json: {field} {text}", self.with_field(field, text), [field]))
        for field in ("eos_token_id", "bos_token_id"):
            for text in ("2147483648", "4294967298", "18446744073709551618", "1.5", '"2"', "[2, 4294967298]"):
                jobs.append((f"config.json: {field} {text}", self.with_field(field, text), [field]))
        self.inspect_all(jobs)
        # What is right in another spelling is right.
        for text in (f"{right['vocab_size']}.0", f"{right['vocab_size']}e0"):
            done = self.run("inspect", self.with_field("vocab_size", text))
            self.expect(f"vocab_size {text}", done.returncode == 0, done.stderr)

    def case_gguf(self):
        keys, tensors = self.chain.gguf()
        jobs = []
        for name in ("embedding_length", "block_count", "feed_forward_length", "attention.head_count", "attention.head_count_kv", "attention.key_length", "attention.value_length", "rope.dimension_count"):
            key = "llama." + name
            right = keys[key][1]
            values = [(U64, right + 2**32), (I64, right + 2**32), (U64, 2**64 - 1), (U64, 2**63), (I64, -1), (I32, -1), (U32, 2**31), (U32, 2**32 - 1), (F32, 1.5), (F64, 1e300)]
            for kind, value in values:
                path = self.path(f"{name}-{kind}-{value}.gguf")
                write_gguf(path, {**keys, key: (kind, value)}, tensors)
                jobs.append((f"GGUF: {key} {kind} {value}", path, [key]))
        for key, values in {
            "llama.attention.layer_norm_rms_epsilon": [(F64, 1e-300), (F32, float("nan")), (F32, float("inf")), (F64, 1e300)],
            "llama.rope.freq_base": [(F64, 1e-300), (F32, float("nan")), (F64, 1e300), (I32, -1)],
            "general.alignment": [(U64, 2**32 + 32), (U64, 2**63), (I64, -32), (U32, 0)],
        }.items():
            for kind, value in values:
                path = self.path(f"{key}-{kind}-{value}.gguf")
                write_gguf(path, {**keys, key: (kind, value)}, tensors)
                jobs.append((f"GGUF: {key} {kind} {value}", path, [key]))
        self.inspect_all(jobs)

    def case_safetensors(self):
        n = self.chain.size
        norm = "model.norm.weight"
        self.chain.write(self.path("shapes"))
        jobs = []
        for shape in ([n + 2**32], [2**32, n], [n, 2**62, 4], [2**63 - 1], [-1]):
            folder = self.path(f"shapes-{len(jobs)}")
            self.chain.write(folder)
            tensors = self.chain.tensors()
            dtype, _, raw = tensors[norm]
            tensors[norm] = (dtype, shape, raw)
            save_safetensors(os.path.join(folder, "model.safetensors"), tensors)
            jobs.append((f"shape {shape}", folder, [norm]))
        for begin, end in ((2**32, 2**32 + 4 * n), (2**64, 2**64 + 4 * n), (2**63 - 1, 2**63), (-4, 4 * n - 4), (0.5, 4 * n + 0.5)):
            folder = self.path(f"offsets-{len(jobs)}")
            self.chain.write(folder)
            path = os.path.join(folder, "model.safetensors")
            with open(path, "rb") as file:
                whole = file.read()
            (size,) = struct.unpack_from("<Q", whole)
            header = json.loads(whole[8 : 8 + size])
            header[norm]["data_offsets"] = [begin, end]
            text = json.dumps(header).encode()
            with open(path, "wb") as file:
                file.write(struct.pack("<Q", len(text)) + text + whole[8 + size :])
            jobs.append((f"offsets {begin} {end}", folder, [norm]))
        self.inspect_all(jobs)

    def case_prompts(self):
        folder = self.chain.write(self.path("prompts"))
        for ids in ("[4294967301]", "[18446744073709551621]", "[9223372036854775807]", "[-1]", "[1.5]", '["5"]', "[1e300]", "[true]", "5"):
            with open(self.path("p.jsonl"), "w", encoding="utf-8") as file:
                file.write(f'{{"ids": {ids}}}\n')
            done = self.run("run", folder, "--prompts", self.path("p.jsonl"), "-o", self.path("o.jsonl"))
            self.refused(f"ids {ids}", done, "p.jsonl:1: \"ids\"")
        for field in ('"ids": [4294967301]', '"ids": [5], "split": [4294967297]', '"ids": [5], "greedy": 4294967296', '"ids": [5], "greedy": -1', '"ids": [5], "greedy": 1.5', '"ids": [5], "greedy": 9223372036854775808'):
            with open(self.path("b.json"), "w", encoding="utf-8") as file:
                file.write(f'[{{{field}}}]')
            done = self.run("logits", folder, "--batch", self.path("b.json"), "-o", self.path("l"))
            self.refused(f"logits {field}", done, "b.json")
        for about in ("1.5", '"3"', "9223372036854775808", "1e300"):
            with open(self.path("r.jsonl"), "w", encoding="utf-8") as file:
                file.write(f'{{"text": "a", "answer": "b", "context_tokens_about": {about}}}\n')
            done = self.run("eval", folder, "--recall", self.path("r.jsonl"))
            self.refused(f"recall {about}", done, "r.jsonl:1: context_tokens_about")


if __name__ == "__main__":
    sys.exit(run_cases(Files))
