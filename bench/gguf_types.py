#!/usr/bin/env python3
"""What types of GGUF cost in exactness, beside llama.cpp v0.5.0: prints a table.

  gguf_types.py --peer FOLDER perplexity F32.gguf TEXT ... [--types T,...] [--threads N]
  gguf_types.py --peer FOLDER logits F32.gguf [--types T,...] [--tokens N] [--threads N]

The model, in f32, is quantised to each type by llama.cpp's own library: to a type
of files (Q4_K_M, ...) by its `quantize`, to one of blocks (pure:IQ2_XS) in all
matrices whose rows fit. The bars:

  perplexity   of each text, within 0.5 % of what the exactly widened weights
               give in f32
  logits       f32: with f32 activations within 1e-4, of the largest, of the
               exactly widened model; int8: with 8 bits no further from llama.cpp
               with the same file than that is from f32 (RMS): from the widened
               model (met), or from the model that was quantised (met*)

FOLDER has llama.cpp, as README.md beside this file says.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

import numpy

import gguf_file

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
MARIMBA = os.environ.get("MARIMBA", os.path.join(ROOT, "build", "bin", "marimba"))
# Whose rows of 192 to 512 are whole blocks, and those of files.
SMALL = "Q4_0,Q4_1,Q5_0,Q5_1,Q8_0,IQ4_NL,MXFP4_MOE,pure:MXFP4,pure:NVFP4,pure:Q2_0"
LARGE = (
    "Q4_0,Q4_1,Q5_0,Q5_1,Q8_0,IQ4_NL,MXFP4_MOE,Q2_K,Q3_K_S,Q3_K_M,Q4_K_S,Q4_K_M,Q5_K_M,"
    "Q6_K,IQ4_XS,IQ3_S,TQ1_0,TQ2_0,pure:Q2_K,pure:Q3_K,pure:Q4_K,pure:Q5_K,pure:Q6_K,"
    "pure:IQ4_NL,pure:IQ4_XS,pure:IQ3_XXS,pure:IQ3_S,pure:IQ2_XXS,pure:IQ2_XS,pure:IQ2_S,"
    "pure:IQ1_S,pure:IQ1_M,pure:TQ1_0,pure:TQ2_0,pure:MXFP4,pure:NVFP4,pure:Q1_0,pure:Q2_0"
)
# The type of blocks that most matrices of a type of files have.
MOSTLY = {"MXFP4_MOE": ("MXFP4", "Q8_0")}


def run(*command, **environment):
    done = subprocess.run(
        list(map(str, command)),
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr[-2000:]}")
    return done.stdout


class Work:
    unquantised = None  # llama.cpp's logits of the model itself

    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.library = gguf_file.Library(args.peer)
        self.source = gguf_file.File(args.model)

    def path(self, name):
        return os.path.join(self.folder, name)

    def peer(self, program, *arguments):
        libraries = {"LLAMA_LIB_DIR": self.library.folder}
        return run(os.path.join(self.args.peer, program), *arguments, **libraries)

    def quantise(self, name):
        """The model in a type, and the same numbers in f32; what types its
        matrices have."""
        path, wide = self.path("quantised.gguf"), self.path("widened.gguf")
        if name.startswith("pure:"):
            name = name.partition(":")[2]
            self.source.write(path, gguf_file.quantized(self.source, self.library, name))
        else:
            self.peer("quantize", self.args.model, path, name)
        file = gguf_file.File(path)
        types = file.types(self.library)
        expected = MOSTLY.get(name, (re.sub("_[SML]$", "", name) if "_K_" in name else name,))
        if not any(kind in types for kind in expected):
            sys.exit(f"{name}: has {types}, expected {' or '.join(expected)}")
        file.write(wide, gguf_file.widened(file, self.library))
        return path, wide, types

    def few(self):
        """The tokens in calls of 1 and of few, behind the first half."""
        half = len(self.ids) // 2
        rest = len(self.ids) - half
        return ",".join(map(str, [half, *([1] * (rest - rest // 5 * 4)), *([4] * (rest // 5))]))

    def logits(self, model, *flags):
        """Of marimba: [tokens, vocabulary]."""
        out = self.path("logits.safetensors")
        flags = ["--dtype=f32", f"--threads={self.args.threads}", *flags]
        run(MARIMBA, "logits", model, "--ids", ",".join(map(str, self.ids)), "-o", out, *flags)
        with open(out, "rb") as file:
            raw = file.read()
        size = int.from_bytes(raw[:8], "little")
        facts = json.loads(raw[8 : 8 + size])["logits"]
        begin, end = facts["data_offsets"]
        found = numpy.frombuffer(raw[8 + size + begin : 8 + size + end], numpy.float32)
        return found.reshape(len(self.ids), -1)

    def peer_logits(self, model):
        ids, out = self.path("ids.txt"), self.path("logits.f32")
        with open(ids, "w", encoding="utf-8") as file:
            print(*self.ids, file=file)
        self.peer("logits", model, ids, out, self.args.threads)
        return numpy.fromfile(out, numpy.float32).reshape(len(self.ids), -1)

    def perplexity(self, model, text, *flags):
        flags = [f"--threads={self.args.threads}", *flags]
        answer = run(MARIMBA, "eval", model, "--text", text, "--json", *flags)
        return json.loads(answer)["perplexity"]


def describe(types):
    return ", ".join(f"{count} {name}" for name, count in sorted(types.items()))


def perplexity_row(work, name):
    path, wide, types = work.quantise(name)
    worst, cells = 0.0, []
    for text in work.args.texts:
        expected = work.perplexity(wide, text, "--dtype=f32", "--activations=f32")
        found = work.perplexity(path, text)
        lost = found / expected - 1
        worst = max(worst, abs(lost))
        cells += [f"{expected:.4f}", f"{found:.4f}", f"{100 * lost:+.3f} %"]
    return cells, "met" if worst <= 0.005 else "MISSED", types


def distance(a, b):
    """Root of the mean square, of that of b."""
    a, b = a.astype(numpy.float64), b.astype(numpy.float64)
    return numpy.sqrt(numpy.mean((a - b) ** 2) / numpy.mean(b**2))


def logits_row(work, name):
    path, wide, types = work.quantise(name)
    expected = work.logits(wide, "--activations=f32")
    split = "--split=" + work.few()
    exact = work.logits(path, "--activations=f32", split)
    ours = work.logits(path, "--activations=int8", split)
    theirs, theirs_wide = work.peer_logits(path), work.peer_logits(wide)
    largest = numpy.abs(expected).max()
    lost = numpy.abs(exact - expected).max() / largest
    if work.unquantised is None:
        work.unquantised = work.peer_logits(work.args.model)
    to_wide, to_model = distance(theirs, expected), distance(theirs, work.unquantised)
    to_peer = distance(ours, theirs)
    cells = [f"{lost:.1e}"]
    numbers = (distance(theirs_wide, expected), to_wide, to_model, to_peer)
    cells += [f"{value:.2e}" for value in (*numbers, distance(ours, expected))]
    if lost > 1e-4 or to_peer > max(to_wide, to_model):
        return cells, "MISSED", types
    return cells, "met" if to_peer <= to_wide else "met*", types


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", required=True, metavar="FOLDER")
    parser.add_argument("what", choices=("perplexity", "logits"))
    parser.add_argument("model", metavar="F32.gguf")
    parser.add_argument("texts", nargs="*", metavar="TEXT")
    parser.add_argument("--types")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    of_texts = args.what == "perplexity"
    kinds = (args.types or (SMALL if of_texts else LARGE)).split(",")
    titles = ["widened, f32", "as stored", "lost"] * len(args.texts)
    if not of_texts:
        titles = ["f32", "llama.cpp f32 to ours", "llama.cpp to widened"]
        titles += ["llama.cpp to f32 model", "int8 to llama.cpp", "int8 to widened"]
    print("| type |", " | ".join(titles), "| bar | matrices |")
    print("|---" * (len(titles) + 3) + "|")
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        work = Work(args, folder)
        work.ids = [(7 * i * i + 3 * i) % 97 + 3 for i in range(args.tokens)]
        row = perplexity_row if of_texts else logits_row
        for name in kinds:
            cells, mark, types = row(work, name)
            print("|", " | ".join([name, *cells, mark, describe(types)]), "|", flush=True)
            if mark == "MISSED":
                failed.append(name)
    print("missed by:", ", ".join(failed) if failed else "none")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
