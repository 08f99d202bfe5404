#!/usr/bin/env python3
"""Puts folders, pipes and links to nowhere where a model's files stand, and lets
files nest deep: each must give one clear message and exit code 1, and never
wait for a pipe or run out of stack.

  check_odd_places.py MARIMBA GOLDENS WORK
"""

import os
import sys

import check_bad_input
from check_bad_input import OUT, logits, write_text

DEEP = 100_000


class OddPlaces(check_bad_input.Cases):
    def replaced(self, name, make):
        """A model with something else in the place of a file."""
        model, _ = self.copy()
        path = os.path.join(model, name)
        if os.path.exists(path):
            os.remove(path)
        make(path)
        return model

    def ir(self, text):
        path = os.path.join(self.work, "deep.mlir")
        write_text(path, text)
        return ["compile", path, "--emit=mlir", "--stop-after=import", "-o", OUT]

    # Where a file should be.

    def case_weights_folder(self):
        return logits(self.replaced("model.safetensors", os.mkdir)), [
            "model.safetensors",
            "is not a regular file",
        ]

    def case_weights_pipe(self):
        return logits(self.replaced("model.safetensors", os.mkfifo)), [
            "model.safetensors",
            "is not a regular file",
        ]

    def case_weights_link_to_itself(self):
        link = lambda path: os.symlink("model.safetensors", path)
        return logits(self.replaced("model.safetensors", link)), ["model.safetensors"]

    def case_weights_link_to_nowhere(self):
        link = lambda path: os.symlink("../nowhere", path)
        return logits(self.replaced("model.safetensors", link)), ["model.safetensors"]

    def case_config_folder(self):
        return logits(self.replaced("config.json", os.mkdir)), [
            "config.json: is not a regular file"
        ]

    def case_config_pipe(self):
        return logits(self.replaced("config.json", os.mkfifo)), [
            "config.json: is not a regular file"
        ]

    def case_tokenizer_pipe(self):
        model = self.replaced("tokenizer.json", os.mkfifo)
        return ["tokenize", model, "--text", "a"], [
            "tokenizer.json: is not a regular file"
        ]

    def case_tokenizer_folder(self):
        model = self.replaced("tokenizer.json", os.mkdir)
        return ["tokenize", model, "--text", "a"], [
            "tokenizer.json: is not a regular file"
        ]

    def case_generation_config_pipe(self):
        model = self.replaced("generation_config.json", os.mkfifo)
        return ["run", model, "--ids", "3"], [
            "generation_config.json: is not a regular file"
        ]

    def case_state_pipe(self):
        model, _ = self.copy()
        pipe = os.path.join(self.work, "a.state")
        os.mkfifo(pipe)
        return ["run", model, "--ids", "3", "--load-state", pipe], ["a.state"]

    def case_gguf_pipe(self):
        pipe = os.path.join(self.work, "a.gguf")
        os.mkfifo(pipe)
        return logits(pipe), ["a.gguf"]

    def case_output_folder(self):
        model, _ = self.copy()
        folder = os.path.join(self.work, "folder")
        os.mkdir(folder)
        return [*logits(model)[:-1], folder], ["folder: is not a regular file"]

    # Nesting.

    def case_deep_config(self):
        return logits(self.edit_config_text('{"a":' * DEEP)), [
            "config.json: JSON nests deeper than 64 levels"
        ]

    def edit_config_text(self, text):
        return self.replaced("config.json", lambda path: write_text(path, text))

    def case_deep_generation_config(self):
        deep = '{"a":' + "[" * DEEP + "]" * DEEP + "}"
        model = self.replaced(
            "generation_config.json", lambda path: write_text(path, deep)
        )
        return ["run", model, "--ids", "3"], [
            "generation_config.json: JSON nests deeper than 64 levels"
        ]

    def case_deep_tokenizer(self):
        # In a field that nothing reads.
        deep = '{"truncation":' + "[" * DEEP + "]" * DEEP + "}"
        model = self.replaced("tokenizer.json", lambda path: write_text(path, deep))
        return ["tokenize", model, "--text", "a"], ["nested more than 64 deep"]

    def case_deep_batch(self):
        model, _ = self.copy()
        path = os.path.join(self.work, "ids.json")
        write_text(path, "[" * DEEP)
        return ["logits", model, "--batch", path, "-o", OUT], [
            "ids.json: JSON nests deeper than 64 levels"
        ]

    def case_deep_regions(self):
        text = "module {\n" * DEEP + "}\n" * DEEP
        return self.ir(text), ["deep.mlir:257: brackets nest deeper than 256 levels"]

    def case_deep_types(self):
        text = "func.func private @f(" + "tuple<" * DEEP + ">" * DEEP + ")"
        return self.ir(text), ["deep.mlir:1: brackets nest deeper"]

    def case_deep_attributes(self):
        text = "module attributes {a = " + "[" * DEEP + "]" * DEEP + "} {}"
        return self.ir(text), ["deep.mlir:1: brackets nest deeper"]

    def case_long_affine_sum(self):
        text = "#map = affine_map<(d0) -> (d0" + " + d0" * DEEP + ")>"
        return self.ir(text), ["deep.mlir:1: an expression has more than 1024"]

    def case_long_affine_sign(self):
        text = "#map = affine_map<(d0) -> (" + "-" * DEEP + "d0)>"
        return self.ir(text), ["deep.mlir:1: an expression has more than 1024"]


if __name__ == "__main__":
    sys.exit(check_bad_input.main(OddPlaces))
