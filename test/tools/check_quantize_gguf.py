#!/usr/bin/env python3
"""What `marimba quantize -o FILE.gguf` says, refuses and leaves behind, and the
tokenizers that it writes; the tensors are checked by test/e2e/written-gguf.test.

  check_quantize_gguf.py MARIMBA TEST WORK

TEST is the folder test.
"""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys

import checker
from quantized_files import Checkpoint, floats, write_checkpoint

SECONDS = 60
TEXTS = (
    "Once upon a time, there was a little girl.",
    "  two  spaces\tand\n\nlines 1234567, she'd SHE'D",
    "Größe, 你好世界, мир \U0001f600",
)


class Checker(checker.Checker):
    def __init__(self, marimba, test, work):
        super().__init__(work)
        self.marimba, self.test = marimba, test
        sys.path.insert(0, os.path.join(test, "e2e"))

    def golden(self, name):
        return os.path.join(self.test, "e2e/Inputs/goldens", name)

    def run(self, *arguments, command="quantize", **options):
        return subprocess.run(
            [self.marimba, command, *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=SECONDS, **options,
        )

    def copy(self, golden, name):
        target = self.path(name)
        shutil.copytree(self.golden(golden), target)
        os.remove(os.path.join(target, "golden.safetensors"))
        return target

    def change(self, directory, name, index, value):
        tensors = Checkpoint(directory).tensors
        dtype, shape, data = tensors[name]
        values = floats(dtype, data)
        values[index] = value
        tensors[name] = (dtype, shape, values.tobytes())
        write_checkpoint(directory, tensors)
        return shape

    # -- cases --

    def case_summary(self):
        file = self.path("summary.gguf")
        done = self.run(self.golden("jamba_main"), "-o", file, "--weights=q4_0")
        self.equal("summary: exit code", 0, done.returncode)
        text = r"quantised +\d+ matrices, [\d,]+ weights of \d\.\d+ bits, scales included\ntypes +\d+ F16, \d+ F32, \d+ Q4_0, 8 Q8_0\nkept .*\nbytes .*\nerror .*\nseconds .*\n"
        self.expect("summary", re.fullmatch(text, done.stdout), done.stdout)
        done = self.run(self.golden("jamba_main"), "-o", file, "--weights=f32")
        self.expect("summary of f32", re.fullmatch(r"types +\d+ F32\nkept .*\nbytes .*\nseconds .*\n", done.stdout), done.stdout)
        self.equal("one file", ["summary.gguf"], os.listdir(self.work))

    def case_keep(self):
        from gguf_file import read_gguf

        file = self.path("keep.gguf")
        keep = [r"--keep=blk\.0\.ffn", r"--keep=layers\.1\.self_attn\.[qk]_proj"]
        self.equal("keep", 0, self.run(self.golden("llama_bf16_sharded"), "-o", file, "--weights=q8_0", *keep).returncode)
        _, tensors = read_gguf(file)
        kept = sorted(name for name, (_, kind, _) in tensors.items() if kind == "BF16")
        expected = [f"blk.0.ffn_{n}.weight" for n in ("down", "gate", "up")] + [f"blk.1.attn_{n}.weight" for n in "kq"]
        self.equal("keep: what stays", expected, kept)
        self.refused(".*: --keep: 'florb' matches no tensor that would be quantised", self.golden("llama_main"), "-o", self.path("new.gguf"), "--weights=q8_0", "--keep=florb")
        os.remove(file)

    def case_refused(self):
        model, new = self.golden("llama_main"), ["-o", self.path("new.gguf")]
        q8 = "--weights=q8_0"
        self.refused("quantize: expected --weights=f32, .* or q6_k with -o FILE.gguf", model, *new)
        self.refused("quantize: expected --weights=f32, .* or q6_k with -o FILE.gguf", model, *new, "--weights=int4")
        self.refused("quantize: expected --weights=int8 or --weights=int4, or -o FILE.gguf .*", model, "-o", self.path("new"), q8)
        for option in ("--group=32", "--zero-point", "--scales=f16", "--head=keep", "--calibrate=x", "--calibrate-tokens=5", "--calibrate-memory=5"):
            name = option.partition("=")[0]
            self.refused(f"{name}: expected an output directory with it, found -o FILE.gguf", model, *new, q8, option)
        self.refused(
            ".*/zamba2_blocks2: is a model of the family zamba2, expected one that can be written as a GGUF file: jamba, mamba, .*",
            self.golden("zamba2_blocks2"), *new, q8)
        self.refused(".*/none': No such file or directory.*", self.path("none"), *new, q8)
        self.refused(".*nowhere/new.gguf: .*", model, "-o", self.path("nowhere/new.gguf"), q8)
        os.mkdir(self.path("bare"))
        shutil.copy(os.path.join(model, "config.json"), self.path("bare"))
        self.refused(".*/bare has no weights .*", self.path("bare"), *new, q8)
        source = self.copy("qwen3_moe", "unnormed")
        config = os.path.join(source, "config.json")
        with open(config, encoding="utf-8") as file:
            fields = json.load(file)
        with open(config, "w", encoding="utf-8") as file:
            json.dump({**fields, "norm_topk_prob": False}, file)
        self.refused("config.json: field 'norm_topk_prob' is false, expected true, as the readers of GGUF files take it to be", source, *new, q8)

    def case_not_finite(self):
        source = self.copy("llama_main", "not-finite")
        name = "model.layers.1.self_attn.v_proj.weight"
        shape = self.change(source, name, 0, float("nan"))
        new = ["-o", self.path("new.gguf")]
        self.refused(f".*/model.safetensors: tensor '{name}': row 0, column 0 is -?nan, expected finite weights", source, *new, "--weights=q4_0")
        self.refused(f".*/model.safetensors: tensor '{name}': has -?nan at element 0, expected finite weights", source, *new, "--weights=f32")
        self.change(source, name, shape[1] + 1, 1e5)
        self.change(source, name, 0, 1.0)
        self.refused(f".*/model.safetensors: tensor '{name}': has 100000.0+ at element {shape[1] + 1}, which F16 cannot represent", source, *new, "--weights=f16")

    def case_full_disk(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

        file = self.path("full.gguf")
        with open(file, "wb") as old:
            old.write(b"old")
        source = self.path("source.gguf")
        self.equal("a source", 0, self.run(self.golden("llama_main"), "-o", source, "--weights=f32").returncode)
        self.refused(".*/full.gguf: cannot be written: File too large", source, "-o", file, "--weights=q8_0", preexec_fn=limit, restore_signals=False)
        os.remove(source)
        with open(file, "rb") as old:
            self.equal("what was there stays", b"old", old.read())
        os.remove(file)

    def model_with(self, tokenizer, name):
        """A golden that has so many tokens, of zeros."""
        source = self.copy("llama_main", name)
        with open(tokenizer, encoding="utf-8") as file:
            document = json.load(file)
        document = document.get("tokenizer", document)
        ids = [*document["model"]["vocab"].values(), *(token["id"] for token in document["added_tokens"])]
        config = os.path.join(source, "config.json")
        with open(config, encoding="utf-8") as file:
            fields = json.load(file)
        fields.update(vocab_size=max(ids) + 4, bos_token_id=1, eos_token_id=0)
        with open(config, "w", encoding="utf-8") as file:
            json.dump(fields, file)
        tensors = Checkpoint(source).tensors
        for tensor in ("model.embed_tokens.weight", "lm_head.weight"):
            if tensor in tensors:
                width = tensors[tensor][1][1]
                tensors[tensor] = ("F32", [max(ids) + 4, width], 4 * (max(ids) + 4) * width)
        write_checkpoint(source, tensors)
        with open(os.path.join(source, "tokenizer.json"), "w", encoding="utf-8") as file:
            json.dump(document, file)
        with open(os.path.join(source, "chat_template.jinja"), "w", encoding="utf-8") as file:
            file.write("{{ messages }}")
        return source, document

    def case_tokenizers(self):
        from gguf_file import read_gguf
        from gguf_tokenizer import tokenizer_keys

        for name, pre in (("bytelevel", "gpt-2"), ("split-regex", "llama-bpe"), ("sp-prepend", "llama")):
            source, document = self.model_with(os.path.join(self.test, f"runtime/Inputs/tokenizer-{name}.json"), name)
            file = self.path(f"{name}.gguf")
            done = self.run(source, "-o", file, "--weights=q8_0")
            self.equal(f"{name}: exit code and notes", (0, ""), (done.returncode, done.stderr))
            keys, _ = read_gguf(file)
            for key, (_, value) in tokenizer_keys(document, pre).items():
                if key.endswith((".bos_token_id", ".eos_token_id")):
                    continue
                found = keys.get(key)
                if isinstance(value, tuple):
                    # Rows of the embedding that the tokenizer does not have.
                    value, found = list(value[1]), found and found[: len(value[1])]
                self.expect(f"{name}: {key}", found == value, f"{str(found)[:200]}, expected {str(value)[:200]}")
            self.equal(f"{name}: template", "{{ messages }}", keys.get("tokenizer.chat_template"))
            for text in TEXTS:
                ids = [self.run(model, "--text", text, command="tokenize").stdout for model in (source, file)]
                self.expect(f"{name}: {text}", ids[0] == ids[1] and ids[0], ids)

    def case_unknown_tokenizer(self):
        from gguf_file import read_gguf

        source, document = self.model_with(os.path.join(self.test, "runtime/Inputs/tokenizer-bytelevel.json"), "unknown")
        document["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": "xyz"}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]}
        with open(os.path.join(source, "tokenizer.json"), "w", encoding="utf-8") as file:
            json.dump(document, file)
        file = self.path("unknown.gguf")
        done = self.run(source, "-o", file, "--weights=q8_0")
        self.expect("unknown: note", re.fullmatch("note: tokenizer.json: pre_tokenizer .* has no name in GGUF: the new file has no tokenizer\n", done.stderr), done.stderr)
        keys, _ = read_gguf(file)
        self.equal("unknown: model", "none", keys["tokenizer.ggml.model"])
        self.expect("unknown: tokens", "tokenizer.ggml.tokens" not in keys)


if __name__ == "__main__":
    sys.exit(checker.run_cases(Checker))
