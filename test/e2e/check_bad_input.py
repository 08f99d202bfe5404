#!/usr/bin/env python3
"""Breaks models in many ways: each must give one clear message and exit code 1,
never a crash, and leave no output file.

  check_bad_input.py MARIMBA GOLDENS WORK

GOLDENS holds jamba_main (one file) and jamba_odd_sharded. A case is a function
`case_...`: it prepares a folder and returns the arguments of marimba (OUT stands
for the output file) and words that the message must hold.
"""

import json
import os
import shutil
import struct
import subprocess
import sys

OUT = object()
TENSOR = "model.layers.1.feed_forward.router.weight"


def logits(model, ids="3,17,5"):
    return ["logits", model, "--ids", ids, "-o", OUT]


def read_raw(path):
    """Header and data of a safetensors file, as they stand."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(size)), file.read()


def write_raw(path, header, data):
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def write_text(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class Cases:
    def __init__(self, goldens, work):
        self.goldens, self.work = goldens, work

    def copy(self, golden="jamba_main"):
        """A copy of a golden's model, and the path of its weights."""
        model = os.path.join(self.work, "model")
        os.makedirs(model)
        source = os.path.join(self.goldens, golden)
        for name in os.listdir(source):
            if not name.startswith("golden."):
                shutil.copyfile(os.path.join(source, name), os.path.join(model, name))
        return model, os.path.join(model, "model.safetensors")

    def edit_config(self, **fields):
        model, _ = self.copy()
        path = os.path.join(model, "config.json")
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
        write_text(path, json.dumps({**config, **fields}))
        return model

    # The checkpoint.

    def case_truncated_data(self):
        model, weights = self.copy()
        os.truncate(weights, os.path.getsize(weights) - 100)
        return logits(model), ["model.safetensors"]

    def case_truncated_header(self):
        model, weights = self.copy()
        os.truncate(weights, 1000)
        return logits(model), ["model.safetensors"]

    def case_empty_file(self):
        model, weights = self.copy()
        os.truncate(weights, 0)
        return logits(model), ["model.safetensors"]

    def case_huge_header(self):
        model, weights = self.copy()
        with open(weights, "r+b") as file:
            file.write(struct.pack("<Q", 1 << 60))
        return logits(model), ["model.safetensors"]

    def case_header_is_no_json(self):
        model, weights = self.copy()
        with open(weights, "r+b") as file:
            file.seek(8)
            file.write(b"\xff\xfe[[[")
        return logits(model), ["model.safetensors"]

    def case_offsets_beyond_the_file(self):
        model, weights = self.copy()
        header, data = read_raw(weights)
        begin, end = header[TENSOR]["data_offsets"]
        header[TENSOR]["data_offsets"] = [begin + (1 << 40), end + (1 << 40)]
        write_raw(weights, header, data)
        return logits(model), ["model.safetensors", TENSOR]

    def case_missing_tensor(self):
        model, weights = self.copy()
        header, data = read_raw(weights)
        header["another.weight"] = header.pop(TENSOR)
        write_raw(weights, header, data)
        return logits(model), [TENSOR]

    def case_wrong_shape(self):
        model, weights = self.copy()
        header, data = read_raw(weights)
        header[TENSOR]["shape"].reverse()
        write_raw(weights, header, data)
        return logits(model), [TENSOR]

    def case_wrong_dtype(self):
        model, weights = self.copy()
        header, data = read_raw(weights)
        header[TENSOR]["dtype"] = "I32"
        write_raw(weights, header, data)
        return logits(model), [TENSOR, "I32"]

    def case_missing_shard(self):
        model, _ = self.copy("jamba_odd_sharded")
        shard = "model-00002-of-00004.safetensors"
        os.remove(os.path.join(model, shard))
        return logits(model), [shard]

    def case_index_names_the_wrong_shard(self):
        model, _ = self.copy("jamba_odd_sharded")
        path = os.path.join(model, "model.safetensors.index.json")
        with open(path, encoding="utf-8") as file:
            index = json.load(file)
        shards = sorted(set(index["weight_map"].values()))
        tensor, shard = sorted(index["weight_map"].items())[0]
        index["weight_map"][tensor] = shards[0] if shard != shards[0] else shards[1]
        write_text(path, json.dumps(index))
        return logits(model), [tensor]

    def case_no_weights(self):
        # A description alone can be compiled, but not run.
        model, weights = self.copy()
        os.remove(weights)
        return logits(model), ["safetensors"]

    # The configuration.

    def case_unknown_model_type(self):
        return logits(self.edit_config(model_type="florbnet")), ["florbnet", "jamba"]

    def case_no_model_type(self):
        return logits(self.edit_config(model_type=None)), ["model_type"]

    def case_field_of_the_wrong_kind(self):
        model = self.edit_config(num_attention_heads="three")
        return logits(model), ["num_attention_heads", "three"]

    def case_field_out_of_range(self):
        return logits(self.edit_config(num_hidden_layers=-4)), ["num_hidden_layers"]

    def case_field_disagrees_with_the_weights(self):
        return logits(self.edit_config(hidden_size=128)), ["[199, 64]"]

    def case_configuration_is_no_json(self):
        model, _ = self.copy()
        write_text(os.path.join(model, "config.json"), '{"model_type": "jamba",')
        return logits(model), ["config.json"]

    def case_no_configuration(self):
        model, _ = self.copy()
        os.remove(os.path.join(model, "config.json"))
        return logits(model), ["config.json"]

    def case_no_such_configuration(self):
        model, _ = self.copy()
        arguments = logits(model) + ["--config-file", "nowhere.json"]
        return arguments, ["nowhere.json"]

    # Not a model at all.

    def case_empty_directory(self):
        model = os.path.join(self.work, "empty")
        os.makedirs(model)
        return logits(model), ["empty"]

    def case_no_such_directory(self):
        return logits(os.path.join(self.work, "nowhere")), ["nowhere"]

    def case_file_for_a_directory(self):
        path = os.path.join(self.work, "file")
        write_text(path, "not a model\n")
        return logits(path), ["file"]

    # Arguments.

    def case_id_beyond_the_vocabulary(self):
        return logits(self.copy()[0], "3,199,5"), ["199"]

    def case_negative_id(self):
        return logits(self.copy()[0], "3,-1"), ["-1"]

    def case_id_that_is_no_number(self):
        return logits(self.copy()[0], "3,x"), ["x"]

    def case_no_ids(self):
        return logits(self.copy()[0], ""), ["ids"]

    def case_output_cannot_be_written(self):
        out = os.path.join(self.work, "nowhere", "out.safetensors")
        return ["logits", self.copy()[0], "--ids", "3", "-o", out], ["nowhere"]

    def case_run_without_tokenizer(self):
        return ["run", self.copy()[0], "--prompt", "Hello"], ["tokenizer"]

    # Files of IR.

    def compile(self, text, kind="obj"):
        path = os.path.join(self.work, "bad.mlir")
        write_text(path, text)
        return ["compile", path, f"--emit={kind}", "-o", OUT]

    def case_malformed_ir(self):
        return self.compile("func.func @f(%x: tensor<"), ["bad.mlir", "1:"]

    def case_unknown_op(self):
        text = "func.func @f() {\n  marimba.nothing\n  return\n}\n"
        return self.compile(text), ["bad.mlir", "2:", "marimba.nothing"]

    def case_ir_that_does_not_verify(self):
        text = (
            "func.func @f(%x: tensor<?x?x8xf32>, %w: tensor<4x9xf32>)"
            " -> tensor<?x?x4xf32> {\n"
            "  %y = marimba.linear %x, %w : tensor<?x?x8xf32>, tensor<4x9xf32>"
            " -> tensor<?x?x4xf32>\n"
            "  return %y : tensor<?x?x4xf32>\n}\n"
        )
        return self.compile(text), ["bad.mlir", "2:", "marimba.linear"]

    def case_no_such_ir(self):
        path = os.path.join(self.work, "nowhere.mlir")
        return ["compile", path, "--emit=llvm", "-o", OUT], ["nowhere.mlir"]

    def case_no_such_stage(self):
        arguments = self.compile("module {}\n", "mlir") + ["--stop-after=nowhere"]
        return arguments, ["nowhere"]


def run_case(marimba, goldens, work, cases, name):
    """What is wrong with the answer to one case; empty where nothing is."""
    shutil.rmtree(work, ignore_errors=True)
    out_folder = os.path.join(work, "out")
    os.makedirs(out_folder)
    arguments, words = getattr(cases(goldens, work), name)()
    out = os.path.join(out_folder, "file")
    command = [marimba] + [out if a is OUT else a for a in arguments]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    message = done.stderr.decode("utf-8", "replace")
    problems = []
    if done.returncode != 1:
        problems.append(f"exit code {done.returncode}, expected 1")
    if "error:" not in message:
        problems.append("no error on stderr")
    for crash in ("Stack dump", "PLEASE submit", "terminate called", "Assertion"):
        if crash in message:
            problems.append(f"the message holds '{crash}'")
    if len(message) > 4000:
        problems.append(f"the message has {len(message)} characters")
    for word in words:
        if word not in message:
            problems.append(f"the message does not hold '{word}'")
    if done.stdout:
        problems.append("something on stdout")
    if os.listdir(out_folder):
        problems.append(f"left behind: {os.listdir(out_folder)}")
    first = message.strip().splitlines()[:1]
    print("FAIL" if problems else "ok  ", name, "|", *first)
    if problems:
        print("     " + "\n     ".join(problems) + "\n     " + message[:2000])
    return problems


def main(cases=Cases):
    marimba, goldens, work = sys.argv[1:4]
    names = [name for name in vars(cases) if name.startswith("case_")]
    failed = 0
    for name in names:
        own = os.path.join(work, name)
        failed += bool(run_case(marimba, goldens, own, cases, name))
    print(f"{len(names)} cases, {failed} failures")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
