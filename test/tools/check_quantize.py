#!/usr/bin/env python3
"""Decodes what `marimba quantize` writes, by docs/quantization.md alone, and holds
it against the checkpoint; provokes what it must refuse.

  check_quantize.py MARIMBA GOLDENS WORK

GOLDENS is the folder of the golden models (test/e2e/Inputs/goldens).
"""

import json
import os
import pty
import re
import resource
import select
import shutil
import signal
import struct
import subprocess
import sys
import time

import checker
from quantized_files import CHANNELS, Checkpoint, StoredMatrix, floats, product, write_checkpoint

SECONDS = 60
# Which tensors of any of the goldens are quantised, said without the compiler.
LAYERS = re.compile(
    r"(self_attn\.[qkvo]_proj|(mamba|mixer)\.(in|out)_proj"
    r"|(feed_forward|mlp|shared_mlp|experts\.\d+|block_sparse_moe\.\d+)\.(gate|up|down)_proj"
    r"|experts\.\d+\.w[123]|shared_mlp\.output_linear)\.weight$"
)
HEAD = re.compile(r"(lm_head|embed_tokens|embeddings)\.weight$")
TOKENIZER = {
    "tokenizer.json": b'{"tokens": []}',
    "tokenizer_config.json": b"{}\n",
    "special_tokens_map.json": b"{ }",
    "chat_template.jinja": b"{{ messages }}",
    "additional_chat_templates/rag.jinja": b"{{ documents }}",
}


def files_below(folder):
    return {os.path.relpath(os.path.join(at, file), folder) for at, _, files in os.walk(folder) for file in files}


# Of Granite's names for stacks, what they hold.
LINEAR = {"input_linear.weight": "gate_up", "output_linear.weight": "down"}


def apart_from_stacks(tensors):
    """Replaces experts that stand in one tensor by those that each have their own,
    and gate and up in one by these."""
    for name in list(tensors):
        if match := re.fullmatch(r"(.*\.experts\.)(gate_up|down)_proj|(.*\.(?:block_sparse_moe|shared_mlp)\.)(\w+_linear\.weight)", name):
            dtype, shape, data = tensors[name]
            if match[4]:
                match = (name, match[3], LINEAR[match[4]])
            if len(shape) == 2:
                if match[2] == "gate_up":
                    del tensors[name]
                    rows, half = shape[0] // 2, len(data) // 2
                    tensors[match[1] + "gate_proj.weight"] = (dtype, [rows, shape[1]], data[:half])
                    tensors[match[1] + "up_proj.weight"] = (dtype, [rows, shape[1]], data[half:])
                continue
            count, rows, inputs = shape
            del tensors[name]
            parts = match[2].split("_")
            size = len(data) // count // len(parts)
            for i in range(count * len(parts)):
                expert, part = divmod(i, len(parts))
                tensors[f"{match[1]}{expert}.{parts[part]}_proj.weight"] = (
                    dtype, [rows // len(parts), inputs], data[i * size : (i + 1) * size])


class Checker(checker.Checker):
    def __init__(self, marimba, goldens, work):
        super().__init__(work)
        self.marimba, self.goldens = marimba, goldens

    def run(self, *arguments, **options):
        return subprocess.run(
            [self.marimba, "quantize", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            **options,
        )

    def copy(self, golden, name):
        """A golden with a tokenizer, to be changed."""
        target = self.path(name)
        shutil.copytree(os.path.join(self.goldens, golden), target)
        os.remove(os.path.join(target, "golden.safetensors"))
        os.mkdir(os.path.join(target, "additional_chat_templates"))
        for file, data in TOKENIZER.items():
            with open(os.path.join(target, file), "wb") as out:
                out.write(data)
        return target

    # -- the format --

    def check_matrix(self, new, name, source, bits, group, zero_point, scale_dtype, method):
        """Decodes one matrix; the sums of squared errors and weights."""
        dtype, (rows, inputs), data = source
        weights = floats(dtype, data)
        stored = StoredMatrix(new, name, rows, inputs, bits, group, zero_point)
        self.equal(name, stored.expected(scale_dtype), stored.found)
        lowest, highest = (-127, 127) if bits == 8 else (0, 15)
        error = energy = 0.0
        bad, far = [], []
        for channel in range(stored.blocks * CHANNELS):
            for i in range(stored.padded):
                code, zero, scale = stored.element(channel, i)
                if channel >= rows or i >= inputs:
                    if code != zero or (channel >= rows and scale != 0):
                        bad.append((channel, i, code, zero, scale))
                    continue
                weight = weights[channel * inputs + i]
                off = abs(weight - (code - zero) * scale)
                error += off * off
                energy += weight * weight
                # A code inside the range is the nearest one; the last ones may
                # stand for weights beyond them.
                most = 0.5 * (1 + 1e-5) + 1e-6 * abs(code - zero)
                if code in (lowest, highest):
                    most = 1.1 if method == "nearest" else 4
                if off > most * abs(scale) or not lowest <= code <= highest:
                    far.append((channel, i, weight, code, zero, scale))
        self.expect(name + ": padding means 0", not bad, bad[:3])
        self.expect(name + ": the nearest codes", not far, far[:3])
        return error, energy

    def check_model(self, source, *flags, bits=4, group=64, zero_point=False, scale="BF16", head=(8, False), method="search", keep=None):
        """Quantises `source` and checks all of the new directory; its report."""
        what = f"{os.path.basename(source)} {' '.join(flags)}"
        out = self.path("out")
        shutil.rmtree(out, ignore_errors=True)
        done = self.run(source, "-o", out, "--json", *flags)
        if not self.equal(what + ": exit code", 0, done.returncode):
            print(done.stderr)
            return None
        report = json.loads(done.stdout)
        old, new = Checkpoint(source), Checkpoint(out)
        same = {*TOKENIZER, "generation_config.json"} & files_below(source)
        self.equal(what + ": the files", sorted({*same, "config.json", "model.safetensors"}), sorted(files_below(out)))
        for name in same:
            with open(os.path.join(source, name), "rb") as a, open(os.path.join(out, name), "rb") as b:
                self.equal(f"{what}: {name}", a.read(), b.read())
        with open(os.path.join(source, "config.json"), encoding="utf-8") as file:
            expected = json.load(file)
        expected["quantization_config"] = {
            "quant_method": "marimba",
            "version": 1,
            "bits": bits,
            "group_size": group,
            "zero_point": zero_point,
            "scale_dtype": {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}[scale],
            "head_bits": head[0] if head else None,
            "method": method,
        }
        with open(os.path.join(out, "config.json"), encoding="utf-8") as file:
            self.equal(what + ": config.json", expected, json.load(file))

        error = energy = 0.0
        bases, kept, weights = [], [], 0
        apart_from_stacks(old.tensors)
        for name, (dtype, shape, data) in old.tensors.items():
            is_head = HEAD.search(name)
            if not (LAYERS.search(name) or (is_head and head)) or (keep and re.search(keep, name)):
                kept.append(name)
                continue
            form = (*head,) if is_head else (bits, zero_point)
            # What leaves a mixer with a matrix state.
            if name.endswith(".out_proj.weight") and name.replace("out_proj.weight", "dt_bias") in old.tensors:
                form = (8, False)
            bases.append((name, form))
            lost, all_of_it = self.check_matrix(new, name, (dtype, shape, data), form[0], group, form[1], scale, method)
            error, energy = error + lost, energy + all_of_it
            weights += product(shape)
        for name in kept:
            self.equal(f"{what}: {name} stays", old.tensors[name], new.tensors.get(name))

        # The order: quantised, then kept by name; no gaps; multiples of 64.
        suffixes = {True: [".codes", ".scales", ".zeros"], False: [".codes", ".scales"]}
        wanted = {base + suffix for base, form in bases for suffix in suffixes[form[1]]}
        count = len(wanted)
        self.equal(what + ": quantised tensors first", wanted, set(new.order[:count]))
        self.equal(what + ": then those kept", sorted(kept), new.order[count:])
        at = new.begin
        for name in new.order:
            begin, end = new.places[name]
            if not self.equal(f"{what}: {name} follows", at, begin):
                break
            if name in wanted:
                self.equal(f"{what}: {name} begins at a multiple of 64", 0, begin % 64)
            at = end
        self.equal(what + ": the file ends", at, new.end)
        for base, form in bases:
            first = new.order.index(base + ".codes")
            chain = [base + suffix for suffix in suffixes[form[1]]]
            stack = re.sub(r"(.*experts\.)(\d+)(\..*)", lambda m: f"{m[1]}{int(m[2]) + 1}{m[3]}", base)
            if stack != base and (stack, form) in bases:
                chain.append(stack + ".codes")
            self.equal(f"{what}: order", chain, new.order[first : first + len(chain)])

        # The report.
        quantised = sum(new.places[name][1] - new.places[name][0] for name in wanted)
        self.equal(what + ": matrices", len(bases), report["matrices"])
        self.equal(what + ": weights", weights, report["weights"])
        self.equal(what + ": kept tensors", len(kept), report["kept_tensors"])
        self.equal(what + ": bytes after", new.end - new.begin, report["bytes_after"])
        self.expect(what + ": bits", abs(report["bits_per_weight"] - 8 * quantised / weights) < 1e-9, report)
        self.expect(what + ": error", abs(report["relative_error"] - error / energy) < 1e-4 * error / energy, (report, error / energy))
        return report

    def golden(self, name):
        return os.path.join(self.goldens, name)

    def case_int4(self):
        near = self.check_model(self.golden("jamba_odd_sharded"), "--weights=int4", "--method=nearest", method="nearest")
        best = self.check_model(self.golden("jamba_odd_sharded"), "--weights=int4")
        self.expect("search is better", best["relative_error"] < 0.95 * near["relative_error"], (near, best))
        with open(self.path("out/model.safetensors"), "rb") as file:
            first = file.read()
        self.check_model(self.golden("jamba_odd_sharded"), "--weights=int4")
        with open(self.path("out/model.safetensors"), "rb") as file:
            self.expect("the same bytes again", file.read() == first)

    def case_zero_point(self):
        self.check_model(
            self.golden("mixtral_main"), "--weights=int4", "--group", "32", "--zero-point", "--head=int4", "--scales=f16",
            group=32, zero_point=True, head=(4, True), scale="F16",
        )

    def case_int8(self):
        self.check_model(self.golden("mamba_bf16_sharded"), "--weights=int8", bits=8, group=0, scale="F32")
        self.check_model(self.golden("jamba_dense_tied"), "--weights=int8", "--group=128", "--head=keep", bits=8, group=128, head=None)

    def case_matrix_state(self):
        self.check_model(self.golden("mamba2_main"), "--weights=int4", "--zero-point", zero_point=True)
        self.check_model(self.golden("granite_moe_hybrid"), "--weights=int4")

    def case_keep(self):
        report = self.check_model(
            self.golden("mixtral_main"), "--weights=int4", "--keep", r"self_attn\.k", "--keep", r"layers\.0\..*w2", "--keep", r"1\..*\.3\.w1",
            keep=r"self_attn\.k_proj|layers\.0\..*\.w2|layers\.1\..*\.w1",  # one expert keeps its stack
        )
        self.equal("nothing is left out", [], report["left_out"])

    def case_stacked(self):
        """Experts in one tensor, f16 weights, files beside them, a tensor too many."""
        source = self.copy("jamba_main", "stacked")
        tensors = Checkpoint(source).tensors
        for name in filter(LAYERS.search, tensors):
            dtype, shape, data = tensors[name]
            values = floats(dtype, data)
            tensors[name] = ("F16", shape, struct.pack(f"<{len(values)}e", *values))
        apart = self.copy("jamba_main", "apart")
        write_checkpoint(apart, tensors)
        stacks = {}
        for name in list(tensors):
            if match := re.fullmatch(r"(.*\.experts\.)(\d+)\.(\w+)_proj\.weight", name):
                stacks.setdefault(match[1], {})[int(match[2]), match[3]] = tensors.pop(name)
        for base, parts in stacks.items():
            count = max(e for e, _ in parts) + 1
            for new, names in (("gate_up", ["gate", "up"]), ("down", ["down"])):
                data = b"".join(parts[e, name][2] for e in range(count) for name in names)
                rows, inputs = parts[0, names[0]][1]
                tensors[f"{base}{new}_proj"] = ("F16", [count, rows * len(names), inputs], data)
        write_checkpoint(source, tensors)
        keep = r"layers\.3\..*up_proj"
        self.check_model(source, "--weights=int4", "--keep", keep, keep=keep)
        # It is the model that comes of the other spelling.
        files = []
        for spelling in source, apart:
            shutil.rmtree(self.path("out"))
            self.check_model(spelling, "--weights=int4")
            with open(self.path("out/model.safetensors"), "rb") as file:
                files.append(file.read())
        self.expect("both spellings give one file", files[0] == files[1])
        tensors["model.nobody_asked.weight"] = ("F32", [1], b"\0\0\0\0")
        write_checkpoint(source, tensors)
        shutil.rmtree(self.path("out"))
        done = self.run(source, "-o", self.path("out"), "--weights=int4")
        self.equal("a tensor too many", "note: the model has no use for model.nobody_asked.weight: left out\n", done.stderr)
        self.expect("a summary", re.match(r"quantised +\d+ matrices, [\d,]+ weights of \d\.\d+ bits", done.stdout), done.stdout)

    # -- what is refused --

    def case_refused(self):
        model, new = self.golden("llama_main"), ["-o", self.path("new")]
        int4 = ["--weights=int4"]
        self.refused("quantize: expected MODEL, a model directory or a GGUF file", *new, *int4)
        self.refused("quantize: expected an output directory: -o DIR, or -o FILE.gguf", model, *int4)
        self.refused("quantize: expected --weights=int8 or --weights=int4, or -o FILE.gguf with the other formats", model, *new)
        self.refused("--group: expected 32, 64, 128 or 0, found 48", model, *new, *int4, "--group=48")
        self.refused("--group: expected 32, 64 or 128 with --weights=int4, found 0", model, *new, *int4, "--group=0")
        self.refused("--zero-point: expected --weights=int4 with it", model, *new, "--weights=int8", "--zero-point")
        self.refused("--scales: expected --group of .*", model, *new, "--weights=int8", "--scales=f16")
        self.refused("--head: expected --group of .*", model, *new, "--weights=int8", "--head=int4")
        self.refused(r".*: --keep: expected a regular expression, found '\(': parentheses not balanced", model, *new, *int4, "--keep=(")
        self.refused(".*: --keep: 'florb' matches no tensor that would be quantised", model, *new, *int4, "--keep=q_proj", "--keep=florb")
        self.refused(".*: nothing is left to quantise", model, *new, *int4, "--head=keep", "--keep=proj")
        self.refused(".*/none': No such file or directory.*", self.path("none"), *new, *int4)
        self.refused(".*/nowhere' is not a directory", model, "-o", self.path("nowhere/new"), *int4)

        os.mkdir(self.path("full"))
        with open(self.path("full/file"), "w", encoding="utf-8"):
            pass
        self.refused(".*/full: is not empty, expected a new or empty directory", model, "-o", self.path("full"), *int4)
        self.refused(".*/file: is a file, expected a new or empty directory", model, "-o", self.path("full/file"), *int4)
        with open(self.path("x.gguf"), "wb") as file:
            file.write(b"GGUF")
        self.refused(".*x.gguf: is a GGUF file, expected a model directory with safetensors, or -o FILE.gguf", self.path("x.gguf"), *new, *int4)
        os.mkdir(self.path("bare"))
        shutil.copy(os.path.join(model, "config.json"), self.path("bare"))
        self.refused(".*/bare has no weights .*", self.path("bare"), *new, *int4)

        # An empty directory is taken; what it becomes is refused.
        os.mkdir(self.path("empty"))
        done = self.run(model, "-o", self.path("empty"), *int4)
        self.equal("an empty directory", 0, done.returncode)
        self.expect("an empty directory", os.path.exists(self.path("empty/model.safetensors")))
        self.refused(".*/empty: config.json has a quantization_config, expected a model that is not quantised", self.path("empty"), *new, *int4)

    def case_not_finite(self):
        source = self.copy("llama_main", "not-finite")
        tensors = Checkpoint(source).tensors
        name = "model.layers.1.mlp.down_proj.weight"
        dtype, shape, data = tensors[name]
        values = floats(dtype, data)
        values[5 * shape[1] + 87] = float("nan")
        tensors[name] = (dtype, shape, values.tobytes())
        write_checkpoint(source, tensors)
        self.refused(
            f".*/model.safetensors: tensor '{name}': row 5, column 87 is -?nan, expected finite weights",
            source, "-o", self.path("new"), "--weights=int4",
        )

    def case_full_disk(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

        self.refused(
            ".*/new/model.safetensors: cannot be written: File too large",
            self.golden("llama_main"), "-o", self.path("new"), "--weights=int4",
            preexec_fn=limit, restore_signals=False,
        )

    def case_interrupted(self):
        """Ctrl-C when the progress bar has moved: nothing is left."""
        try:
            terminal, theirs = pty.openpty()
        except OSError:
            print("skip case_interrupted: this machine has no pseudo-terminals")
            return
        source = self.copy("llama_main", "large")
        rows, inputs = 1 << 20, 64  # of the embedding and of the head: zeros, a file with holes
        with open(os.path.join(source, "config.json"), encoding="utf-8") as file:
            config = json.load(file)
        config["vocab_size"] = rows
        with open(os.path.join(source, "config.json"), "w", encoding="utf-8") as file:
            json.dump(config, file)
        tensors = Checkpoint(source).tensors
        for name in filter(HEAD.search, tensors):
            tensors[name] = ("F32", [rows, inputs], 4 * rows * inputs)
        write_checkpoint(source, tensors)

        before = sorted(os.listdir(self.work))
        process = subprocess.Popen(
            [self.marimba, "quantize", source, "-o", self.path("new"), "--weights=int4"], stdout=subprocess.PIPE, stderr=theirs
        )
        os.close(theirs)
        seen, sent = b"", False
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                data = os.read(terminal, 65536)
            except OSError:  # the other side is closed
                break
            seen += data
            if not sent and b"\r[" in seen:
                process.send_signal(signal.SIGINT)
                sent = True
        os.close(terminal)
        out, _ = process.communicate(timeout=SECONDS)
        self.equal("Ctrl-C: exit code", 130, process.returncode)
        self.equal("Ctrl-C: stdout", b"", out)
        self.expect("Ctrl-C: the bar is gone", seen.endswith(b"\x1b[K"), seen[-80:])
        self.equal("Ctrl-C: nothing is left", before, sorted(os.listdir(self.work)))
        shutil.rmtree(source)


if __name__ == "__main__":
    sys.exit(checker.run_cases(Checker))
