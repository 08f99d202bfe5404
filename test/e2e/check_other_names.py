#!/usr/bin/env python3
"""Models whose files have other names than usual, but can be nothing else: they
run, with a note where something was guessed.

  check_other_names.py MARIMBA WORK

The model is a Chain that says Yes and stops.
"""

import json
import os
import subprocess
import sys

from tiny_models import Chain, save_safetensors, write_gguf

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tools"))
from checker import Checker, run_cases

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"


class OtherNames(Checker):
    def __init__(self, marimba, work):
        super().__init__(work)
        self.marimba = os.path.abspath(marimba)
        self.chain = Chain()
        self.chain.say("\n", "Y", "e", "s", "</s>")

    def says_yes(self, what, model, note=None, **options):
        command = [self.marimba, "run", model, "--prompt", "\n", "--max-tokens", "9", "--quiet"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **options)
        self.expect(what, done.stdout == "\nYes\n", done.stdout + done.stderr)
        if note:
            self.expect(f"{what}: {note}", f"note: {note}" in done.stderr, done.stderr)
        else:
            self.expect(f"{what}: no note", "note:" not in done.stderr, done.stderr)

    def directory(self, name):
        """All are called alike: their code is compiled once."""
        return self.chain.write(self.path(f"{name}/m"))

    def sharded(self, name, shards, weight_map=None, index=INDEX):
        """The tensors, dealt out to files of these names."""
        folder = self.directory(name)
        os.remove(os.path.join(folder, SINGLE))
        tensors = list(self.chain.tensors().items())
        owners = {}
        for i, shard in enumerate(shards):
            path = os.path.join(folder, shard)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            part = dict(tensors[i :: len(shards)])
            save_safetensors(path, part)
            owners |= {tensor: shard for tensor in part}
        if weight_map:
            content = {"metadata": None, "weight_map": weight_map(owners)}
            with open(os.path.join(folder, index), "w", encoding="utf-8") as file:
                file.write("\ufeff" + json.dumps(content))
        return folder

    def case_one_file(self):
        for name in ("model-00001-of-00001.safetensors", "diffusion_pytorch_model.safetensors", "weights.safetensors", "a b.safetensors"):
            folder = self.directory(name + ".d")
            os.rename(os.path.join(folder, SINGLE), os.path.join(folder, name))
            self.says_yes(name, folder, f"{name}: read for model.safetensors, which is not there")
        # Beside what is no model's.
        for name in ("consolidated.safetensors", "adapter_model.safetensors", "pytorch_model.bin", "optimizer.safetensors"):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(b"PK\3\4")
        self.says_yes("beside others", folder, "a b.safetensors: read for")
        os.rename(os.path.join(folder, "a b.safetensors"), os.path.join(folder, SINGLE))
        self.says_yes("the usual name beside others", folder)

    def case_set_without_index(self):
        names = [f"model-{i:05}-of-00003.safetensors" for i in (1, 2, 3)]
        self.says_yes("a whole set", self.sharded("set", names), "model-00001-of-00003.safetensors and the 2 that follow")

    def case_index(self):
        same = lambda owners: owners
        names = ["one.safetensors", "two.safetensors"]
        self.says_yes("metadata null", self.sharded("plain", names, same))
        dotted = lambda owners: {tensor: "./" + shard for tensor, shard in owners.items()}
        self.says_yes("./", self.sharded("dotted", names, dotted))
        self.says_yes("folders", self.sharded("below", ["a/one.safetensors", "b/c/two.safetensors"], same))
        some = lambda owners: {tensor: shard for i, (tensor, shard) in enumerate(owners.items()) if i % 3}
        self.says_yes("tensors that the index leaves out", self.sharded("some", names, some))
        other = "diffusion_pytorch_model.safetensors.index.json"
        folder = self.sharded("index", names, same, other)
        self.says_yes("another index", folder, f"{other}: read for {INDEX}, which is not there")

    def case_left_out_twice(self):
        """Nobody knows which of the two counts."""
        names = ["one.safetensors", "two.safetensors"]
        less = lambda owners: {tensor: shard for tensor, shard in owners.items() if tensor != "model.norm.weight"}
        folder = self.sharded("twice", names, less)
        tensors = self.chain.tensors()
        for i, name in enumerate(names):
            part = dict(list(tensors.items())[i::2])
            part["model.norm.weight"] = tensors["model.norm.weight"]
            save_safetensors(os.path.join(folder, name), part)
        done = subprocess.run([self.marimba, "inspect", folder], capture_output=True, text=True, check=False)
        self.expect("twice", done.returncode == 1 and "'model.norm.weight' is missing" in done.stderr, done.stderr)

    def case_gguf(self):
        keys, tensors = self.chain.gguf()
        for name in ("sha256-6a0746a1ec1a", "model.bin", "model", "model.GGUF", "a.gguf.part"):
            self.says_yes(name, write_gguf(self.path(name), keys, tensors))

    def case_paths(self):
        folder = self.directory("path")
        for path in (folder + "/", folder + "//", folder + "/.", os.path.join(folder, "..", "m")):
            self.says_yes(path, path)
        self.says_yes(".", ".", cwd=folder)

    def case_cache_of_the_hub(self):
        """Snapshots there are folders of links."""
        folder = self.directory("real")
        snapshot = self.path("models--a--b/snapshots/m")
        blobs = self.path("models--a--b/blobs")
        os.makedirs(snapshot)
        os.makedirs(blobs)
        for i, name in enumerate(sorted(os.listdir(folder))):
            os.rename(os.path.join(folder, name), os.path.join(blobs, str(i)))
            os.symlink(f"../../blobs/{i}", os.path.join(snapshot, name))
        self.says_yes("links", snapshot)
        gguf = write_gguf(self.path("blob"), *self.chain.gguf())
        os.symlink(gguf, self.path("link.gguf"))
        self.says_yes("a link to a GGUF file", self.path("link.gguf"))

    def case_package(self):
        """Shards in folders are part of a package; its MODEL is not itself."""
        folder = self.sharded("below-too", ["a/one.safetensors", "two.safetensors"], lambda owners: owners)
        package = self.path("m.marimba")
        command = [self.marimba, "compile", folder, "--emit=package", "-o", package]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.expect("package", done.returncode == 0, done.stderr)
        command = [self.marimba + "-generate-package", package, "9", "\n"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.expect("run of the package", done.stdout.strip() == "Yes", done.stdout + done.stderr)


if __name__ == "__main__":
    sys.exit(run_cases(OtherNames))
