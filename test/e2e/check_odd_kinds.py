#!/usr/bin/env python3
"""Puts a pipe, a folder, a socket, an endless device and a link to nowhere in
the place of every file that is read: each gives one message that names it, and
exit code 1, and is not waited for.

  check_odd_kinds.py MARIMBA EXAMPLES INPUTS WORK

INPUTS has sentencepiece-bpe.model.
"""

import json
import os
import shutil
import socket
import subprocess
import sys

import tiny_models

SECONDS = 60  # what waits for a pipe waits for ever
NOWHERE = "cannot be read: No such file or directory"


def make_socket(path):
    # The name of a socket is at most 107 bytes long; one made here may be moved.
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        socket.socket(socket.AF_UNIX).bind(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
    finally:
        os.close(folder)


KINDS = {
    "pipe": os.mkfifo,
    "folder": os.mkdir,
    "socket": make_socket,
    "endless": lambda path: os.symlink("/dev/zero", path),
    "nowhere": lambda path: os.symlink("nowhere", path),
}


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.remove(path)


class Places:
    def __init__(self, marimba, examples, inputs, work):
        self.marimba, self.work, self.failures, self.count = marimba, work, 0, 0
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        chain = tiny_models.Chain()
        self.model = chain.write(self.path("m"), tokenizer_config={}, generation={}, template="x")
        self.sentencepiece = chain.write(self.path("sp"), tokenizer=False, tokenizer_config={})
        shutil.copyfile(
            os.path.join(inputs, "sentencepiece-bpe.model"), os.path.join(self.sentencepiece, "tokenizer.model")
        )
        self.sharded = chain.write(self.path("sharded"))
        shard = os.path.join(self.sharded, "a.safetensors")
        os.rename(os.path.join(self.sharded, "model.safetensors"), shard)
        owners = {name: "a.safetensors" for name in chain.tensors()}
        with open(os.path.join(self.sharded, "model.safetensors.index.json"), "w") as file:
            json.dump({"weight_map": owners}, file)
        self.gguf = tiny_models.write_gguf(self.path("a.gguf"), *chain.gguf())
        self.ir = self.path("x.mlir")
        shutil.copyfile(os.path.join(examples, "ssm-layer.mlir"), self.ir)
        self.package = self.path("p.marimba")
        done = self.run(["compile", self.model, "--emit=package", "-o", self.package])
        assert done.returncode == 0, done.stderr

    def path(self, name):
        return os.path.join(self.work, name)

    def run(self, args, text=""):
        return subprocess.run(
            [self.marimba, *args], input=text, capture_output=True, timeout=SECONDS, check=False, text=True
        )

    def places(self):
        """(the file, the command, its stdin, kinds that are no fault)."""
        out = self.path("out")
        tokenize = lambda model: ["tokenize", model, "--text", "a"]
        logits = lambda model: ["logits", model, "--ids", "3", "-o", out]
        chat = ["chat", self.model, "--quiet"]
        inside = lambda model, name: os.path.join(model, name)
        yield inside(self.model, "config.json"), logits(self.model), "", ()
        yield inside(self.model, "model.safetensors"), logits(self.model), "", ()
        yield inside(self.model, "tokenizer.json"), tokenize(self.model), "", ()
        yield inside(self.model, "tokenizer_config.json"), chat, "Hi\n", ()
        yield inside(self.model, "chat_template.jinja"), chat, "Hi\n", ()
        yield inside(self.model, "generation_config.json"), ["run", self.model, "--ids", "3"], "", ()
        yield inside(self.sentencepiece, "tokenizer.model"), tokenize(self.sentencepiece), "", ()
        yield inside(self.sentencepiece, "tokenizer_config.json"), tokenize(self.sentencepiece), "", ()
        yield inside(self.sharded, "model.safetensors.index.json"), logits(self.sharded), "", ()
        yield inside(self.sharded, "a.safetensors"), logits(self.sharded), "", ()
        yield self.ir, ["compile", self.ir, "-o", out], "", ()
        # A folder of that name is a model directory without a configuration.
        yield self.gguf, logits(self.gguf), "", ("folder",)
        yield self.path("in.st"), ["execute", self.ir, "--inputs", self.path("in.st"), "-o", out], "", ()
        state = self.path("s")
        yield state, ["run", self.model, "--ids", "3", "--load-state", state], "", ()
        yield state, chat, f"/load {state}\n", ()
        yield inside(self.package, "model.json"), ["inspect", self.package], "", ()
        # Texts may come through a pipe.
        text, piped = self.path("text"), ("pipe",)
        yield text, ["tokenize", self.model, "--file", text], "", piped
        yield text, ["run", self.model, "--prompt-file", text], "", piped
        yield text, [*chat, "--tools", text], "Hi\n", piped
        yield text, ["eval", self.model, "--text", text], "", piped
        yield text, ["eval", self.model, "--recall", text], "", piped
        yield text, ["quantize", self.model, "--weights=int8", "--calibrate", text, "-o", out], "", piped
        yield text, ["run", self.model, "--prompts", text, "-o", out], "", piped
        yield text, ["logits", self.model, "--ids-file", text, "-o", out], "", piped
        yield text, ["logits", self.model, "--batch", text, "-o", out], "", piped

    def check(self, place, command, text, kind):
        old = place + ".old"
        if os.path.lexists(place):
            os.rename(place, old)
        KINDS[kind](place)
        try:
            done = self.run(command, text)
            # Notes of the cache may stand in front.
            found = (done.returncode, done.stderr.strip().split("\n")[-1])
        except subprocess.TimeoutExpired:
            found = (None, "it waits")
        name = os.path.basename(place)
        wanted = [f"{name}: {NOWHERE}"] if kind == "nowhere" else [f"{name}: is not a regular file"]
        if kind == "endless":
            wanted.append(f"{name}: is longer than the ")
        # Said of a directory and of a shard in other words.
        if kind == "nowhere" and name in ("config.json", "a.safetensors", "a.gguf"):
            wanted = [name]
        good = found[0] == 1 and found[1].startswith("error: ") and any(word in found[1] for word in wanted)
        if not good or os.path.lexists(self.path("out")):
            self.failures += 1
            print("FAIL", kind, command, found)
        self.count += 1
        remove(place)
        remove(self.path("out"))
        if os.path.lexists(old):
            os.rename(old, place)

    def all(self):
        for place, command, text, right in self.places():
            for kind in KINDS:
                if kind not in right:
                    self.check(place, command, text, kind)
        print(f"{self.count} places, {self.failures} failures")
        return 1 if self.failures else 0


if __name__ == "__main__":
    sys.exit(Places(*sys.argv[1:]).all())
