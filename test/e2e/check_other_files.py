#!/usr/bin/env python3
"""Gives what people have in place of a model: each must give one message that
says what it is, what was expected and what to do, and exit code 1.

  check_other_files.py MARIMBA GOLDENS WORK
"""

import json
import os
import shutil
import sys

import check_bad_input
from check_bad_input import logits, write_text
from tiny_models import Chain, save_safetensors, write_gguf

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 134217728\n"
POINTS = "is a Git LFS pointer, not the file itself: 'git lfs pull'"
INDEX = "model.safetensors.index.json"
ZIP = b"PK\3\4" + bytes(60)


def write_bytes(path, data):
    with open(path, "wb") as file:
        file.write(data)


class OtherFiles(check_bad_input.Cases):
    def folder(self, *files, config=True):
        """A directory with these files, empty ones, and perhaps a config.json."""
        folder = os.path.join(self.work, "folder")
        os.makedirs(folder)
        for name in files:
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            write_bytes(path, ZIP)
        if config:
            source = os.path.join(self.goldens, "llama_main", "config.json")
            shutil.copyfile(source, os.path.join(folder, "config.json"))
        return folder

    def file(self, name, data):
        path = os.path.join(self.work, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write_bytes(path, data)
        return path

    def weights(self, data):
        model, path = self.copy()
        write_bytes(path, data)
        return model

    def index(self, change, golden="jamba_odd_sharded"):
        """A sharded model; `change` is given the names of tensors and shards."""
        model, _ = self.copy(golden)
        path = os.path.join(model, INDEX)
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        content["weight_map"] = change(content["weight_map"])
        write_text(path, json.dumps(content))
        return model

    # Pointers, and other contents under the right name.

    def case_pointer_weights(self):
        return logits(self.weights(POINTER.encode())), ["model.safetensors: " + POINTS]

    def case_pointer_shard(self):
        model, _ = self.copy("jamba_odd_sharded")
        shard = "model-00003-of-00004.safetensors"
        write_text(os.path.join(model, shard), POINTER)
        return logits(model), [f"{shard}: {POINTS}"]

    def case_pointer_index(self):
        model, _ = self.copy("jamba_odd_sharded")
        write_text(os.path.join(model, INDEX), POINTER)
        return logits(model), [f"{INDEX}: {POINTS}"]

    def case_pointer_config(self):
        model, _ = self.copy()
        write_text(os.path.join(model, "config.json"), POINTER)
        return logits(model), ["config.json: " + POINTS]

    def case_pointer_gguf(self):
        return logits(self.file("m.gguf", POINTER.encode())), ["m.gguf: " + POINTS]

    def case_pointer_model(self):
        return logits(self.file("m.bin", POINTER.encode())), ["m.bin': " + POINTS]

    def case_pointer_single(self):
        """Under the name that would do for model.safetensors."""
        folder = self.folder()
        write_text(os.path.join(folder, "weights.safetensors"), POINTER)
        return logits(folder), ["weights.safetensors: " + POINTS]

    def case_pickle_called_safetensors(self):
        return logits(self.weights(ZIP)), ["model.safetensors: is a zip archive, as PyTorch's"]

    def case_page_called_safetensors(self):
        page = b"<!DOCTYPE html>\n<html>Log in</html>"
        return logits(self.weights(page)), ["model.safetensors: is an HTML page"]

    def case_gguf_called_safetensors(self):
        return logits(self.weights(b"GGUF" + bytes(60))), ["is a GGUF file, expected safetensors"]

    def case_page_called_config(self):
        model, _ = self.copy()
        write_text(os.path.join(model, "config.json"), "<html></html>")
        return logits(model), ["config.json: is an HTML page"]

    def case_ggml(self):
        return logits(self.file("m.gguf", b"lmgg" + bytes(60))), ["a GGML file from before GGUF"]

    # Weights of other programs.

    def other(self, *files):
        return logits(self.folder(*files)), [f"'{files[0]}' is there", "no weights"]

    def case_pickle(self):
        arguments, words = self.other("pytorch_model.bin")
        return arguments, [*words, "save_pretrained"]

    def case_pickle_shards(self):
        return self.other("pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin", "pytorch_model.bin.index.json")

    def case_pickle_other(self):
        return self.other("model.pth")

    def case_consolidated_pickle(self):
        arguments, words = self.other("consolidated.00.pth")
        return arguments, [*words, "Meta's"]

    def case_consolidated(self):
        arguments, words = self.other("consolidated.safetensors")
        return arguments, [*words, "Mistral's"]

    def case_tensorflow(self):
        return self.other("tf_model.h5")

    def case_flax(self):
        return self.other("flax_model.msgpack")

    def case_onnx(self):
        return self.other("model.onnx")

    def case_adapter(self):
        arguments, words = self.other("adapter_model.safetensors", "adapter_config.json")
        return arguments, [*words, "LoRA"]

    def case_gguf_beside_config(self):
        return self.other("model-q8_0.gguf")

    def case_quantize_pickle(self):
        folder = self.folder("pytorch_model.bin")
        out = os.path.join(self.work, "quantised")
        return ["quantize", folder, "--weights=int8", "-o", out], ["pytorch_model.bin"]

    def case_package_pickle(self):
        folder = self.folder("pytorch_model.bin")
        return ["compile", folder, "--emit=package", "-o", check_bad_input.OUT], ["pytorch_model.bin"]

    def case_several_safetensors(self):
        folder = self.folder("a.safetensors", "b.safetensors")
        return logits(folder), ["holds 2 safetensors files (a.safetensors, b.safetensors)", INDEX]

    def case_part_of_a_set(self):
        folder = self.folder("model-00001-of-00003.safetensors", "model-00003-of-00003.safetensors")
        return logits(folder), ["2 safetensors files", INDEX]

    # Directories that are no model's.

    def case_native(self):
        folder = self.folder("params.json", "consolidated.00.pth", config=False)
        return logits(folder), ["has no config.json", "'params.json'"]

    def case_diffusers(self):
        return logits(self.folder("model_index.json", config=False)), ["diffusers"]

    def case_only_adapter(self):
        return logits(self.folder("adapter_model.bin", config=False)), ["LoRA"]

    def case_folder_of_gguf(self):
        folder = self.folder("llama-q4.gguf", config=False)
        return logits(folder), [f"'{folder}/llama-q4.gguf'", "GGUF"]

    def case_folder_of_gguf_tokenize(self):
        folder = self.folder("llama-q4.gguf", config=False)
        return ["tokenize", folder, "--text", "a"], [f"'{folder}/llama-q4.gguf'"]

    def case_cache_of_the_hub(self):
        snapshot = "snapshots/0a1b2c/config.json"
        folder = self.folder(snapshot, "refs/main", "blobs/77", config=False)
        return logits(folder), [f"'{folder}/snapshots/0a1b2c'", "Hugging Face's cache"]

    def case_folder_above(self):
        folder = self.folder("llama/config.json", config=False)
        return ["run", folder, "--prompt", "a"], [f"'{folder}/llama'"]

    # Files and names.

    def case_one_of_its_files(self):
        model, weights = self.copy()
        return logits(weights), ["is a safetensors file", f"its folder is '{model}'"]

    def case_its_configuration(self):
        model, weights = self.copy()
        path = os.path.join(model, "config.json")
        return ["run", path, "--prompt", "a"], ["is not a directory", f"its folder is '{model}'"]

    def case_its_index(self):
        model, _ = self.copy("jamba_odd_sharded")
        return logits(os.path.join(model, INDEX)), [f"its folder is '{model}'"]

    def case_pickle_as_model(self):
        return logits(self.file("pytorch_model.bin", ZIP)), ["is a zip archive", "GGUF file"]

    def case_home(self):
        return logits("~/models/llama"), ["'~/models/llama'", "~ is for a shell"]

    def case_name_of_the_hub(self):
        for arguments in (["run", "ai21labs/Jamba-v0.1", "--prompt", "a"],):
            return arguments, ["hf download ai21labs/Jamba-v0.1", "not downloaded"]

    def case_name_of_the_hub_logits(self):
        return logits("state-spaces/mamba-130m-hf"), ["hf download state-spaces/mamba-130m-hf"]

    def case_gguf_with_slash(self):
        return logits(self.file("m.gguf", b"GGUF") + "/"), ["m.gguf"]

    # Indices.

    def case_index_above(self):
        above = lambda shards: {name: "../model/" + shard for name, shard in shards.items()}
        return logits(self.index(above)), [INDEX, '"../model/', "expected the name of a file beside the index"]

    def case_index_above_inside(self):
        above = lambda shards: {name: "a/../" + shard for name, shard in shards.items()}
        return logits(self.index(above)), [INDEX, '"a/../']

    def case_index_absolute(self):
        model = os.path.join(self.work, "model")
        there = lambda shards: {name: os.path.join(model, shard) for name, shard in shards.items()}
        return logits(self.index(there)), [INDEX, "expected the name of a file beside the index"]

    def case_index_folder(self):
        folder = lambda shards: {name: "./" for name in shards}
        return logits(self.index(folder)), [INDEX, '"./"']

    def case_index_null(self):
        none = lambda shards: {name: None for name in shards}
        return logits(self.index(none)), [INDEX, "null"]

    def case_index_without_map(self):
        return logits(self.index(lambda shards: None)), [f"{INDEX}: has no object 'weight_map'"]

    def case_index_empty(self):
        model, _ = self.copy("jamba_odd_sharded")
        write_text(os.path.join(model, INDEX), "\ufeff ")
        return logits(model), [f"{INDEX}: is empty"]

    # GGUF files that are no model.

    def gguf(self, **changes):
        keys, tensors = Chain().gguf(**changes)
        return logits(write_gguf(os.path.join(self.work, "m.gguf"), keys, tensors))

    def case_vision(self):
        changes = {"general.architecture": (8, "clip"), "general.type": (8, "mmproj")}
        return self.gguf(**changes), ["m.gguf", "mmproj"]

    def case_vision_old(self):
        return self.gguf(**{"general.architecture": (8, "clip")}), ["m.gguf", "mmproj"]

    def case_adapter_gguf(self):
        return self.gguf(**{"general.type": (8, "adapter")}), ["m.gguf", "LoRA"]

    def case_split_gguf(self):
        changes = {"split.count": (2, 3), "split.no": (2, 0), "split.tensors.count": (5, 12)}
        return self.gguf(**changes), ["split.count", "is 3", "NAME-00001-of-0000N.gguf"]

    def case_mlx(self):
        model = self.edit_config(quantization={"group_size": 64, "bits": 4})
        return logits(model), ["quantization", "MLX"]


if __name__ == "__main__":
    sys.exit(check_bad_input.main(OtherFiles))
