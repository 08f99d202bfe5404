#!/usr/bin/env python3
"""Breaks GGUF files in many ways: each must give a message that names the file
and what is wrong in it, and exit code 1, never a crash, and no output file.

  check_bad_gguf.py MARIMBA GOLDENS WORK

A case is a function `case_...` that returns the bytes of a file, or what
make_gguf.py is to write, and words that the message must hold.
"""

import os
import struct
import subprocess
import sys

import gguf_file
import make_gguf
from gguf_file import ARRAY, FLOAT32, INT32, STRING, UINT32, UINT64

HUGE = 2**64 - 1
HEADER = 24  # magic, version, two counts
CUTS = (0, 3, 4, 7, 8, 15, 20, 23, 24, 31, 40, 60, 100, 300, 700, 1000, 1500, 2500)


class Cases:
    def __init__(self, goldens, work):
        self.goldens, self.path = goldens, os.path.join(work, "model.gguf")

    def model(self, golden="llama_main"):
        """Keys and tensors of a golden, to be changed."""
        config, tensors = make_gguf.read_model(os.path.join(self.goldens, golden))
        return make_gguf.metadata(config), make_gguf.convert(config, tensors, "F32")

    def bytes_of(self, keys, tensors):
        gguf_file.write_gguf(self.path, keys, tensors)
        with open(self.path, "rb") as file:
            return bytearray(file.read())

    def whole(self):
        return self.bytes_of(*self.model())

    def patched(self, at, layout, value):
        data = self.whole()
        struct.pack_into(layout, data, at, value)
        return data

    def behind(self, text, skip, layout, value):
        """The first string `text` found, and a value `skip` bytes behind it."""
        data = self.whole()
        at = data.index(gguf_file.pack_string(text)) + 8 + len(text) + skip
        struct.pack_into(layout, data, at, value)
        return data

    def with_key(self, key, value, golden="llama_main"):
        keys, tensors = self.model(golden)
        keys[key] = value
        return self.bytes_of(keys, tensors)

    def without_key(self, key, golden="llama_main"):
        keys, tensors = self.model(golden)
        del keys[key]
        return self.bytes_of(keys, tensors), [key, "absent"]

    # The header.

    def case_magic(self):
        return self.patched(0, "<I", 0x46554748), ["GGUF"]

    def case_version(self):
        return self.patched(4, "<I", 9), ["version 9", "2 or 3"]

    def case_big_endian(self):
        return self.patched(4, ">I", 3), ["big-endian"]

    def case_tensor_count(self):
        return self.patched(8, "<Q", HUGE), ["tensors"]

    def case_key_count(self):
        return self.patched(16, "<Q", HUGE), ["keys"]

    def case_more_tensors(self):
        return self.patched(8, "<Q", 10000), ["tensor "]

    # Keys.

    def case_key_length(self):
        return self.patched(HEADER, "<Q", HUGE), ["key 0"]

    def case_value_type(self):
        data = self.behind("general.name", 0, "<I", 77)
        return data, ["general.name", "value type 77"]

    def case_string_length(self):
        data = self.behind("general.name", 4, "<Q", HUGE - 3)
        return data, ["general.name"]

    def case_array_length(self):
        data = self.with_key("x.numbers", (ARRAY, (UINT64, [1, 2, 3])))
        at = data.index(b"x.numbers") + 9 + 8
        struct.pack_into("<Q", data, at, 2**61 + 1)
        return data, ["x.numbers", "elements"]

    def case_string_array_length(self):
        data = self.with_key("x.words", (ARRAY, (STRING, ["a", "b"])))
        struct.pack_into("<Q", data, data.index(b"x.words") + 7 + 8, 2**60)
        return data, ["x.words", "strings"]

    def case_nested_array(self):
        value = (ARRAY, (ARRAY, [(INT32, [1])]))
        return self.with_key("x.nested", value), ["x.nested", "array of arrays"]

    def case_key_twice(self):
        data = self.with_key("general.nama", (STRING, "x"))
        at = data.index(b"general.nama")
        data[at : at + 12] = b"general.name"
        return data, ["general.name", "twice"]

    def case_alignment(self):
        data = self.with_key("general.alignment", (UINT32, 24))
        return data, ["general.alignment", "power of two"]

    def case_alignment_zero(self):
        data = self.with_key("general.alignment", (UINT32, 0))
        return data, ["general.alignment"]

    def case_architecture(self):
        data = self.with_key("general.architecture", (STRING, "gpt2"))
        names = (
            '"jamba", "mamba", "mamba2", "granitehybrid" (which bamba and'
            ' granitemoehybrid are), "falcon-h1", "llama" (which mixtral is, too),'
            ' "qwen2", "qwen3", "qwen3moe" (which qwen3_moe is), "granite", "gemma2",'
            ' "gemma3", "nemotron_h", "nemotron_h_moe", "kimi-linear", "qwen3next"'
            ' (which qwen3_next is), "qwen35" (which qwen3_5_text is), "qwen35moe"'
            ' (which qwen3_5_moe_text is), "lfm2" or "lfm2moe" (which lfm2_moe is)'
        )
        return data, ["general.architecture", "gpt2", names]

    def case_architecture_number(self):
        data = self.with_key("general.architecture", (UINT32, 5))
        return data, ["general.architecture", "5"]

    def case_no_architecture(self):
        return self.without_key("general.architecture")

    def case_no_layers(self):
        return self.without_key("llama.block_count")

    def case_no_width(self):
        return self.without_key("llama.embedding_length")

    def case_no_epsilon(self):
        return self.without_key("llama.attention.layer_norm_rms_epsilon")

    def case_no_state_size(self):
        return self.without_key("mamba.ssm.state_size", "mamba_main")

    def case_no_key_heads(self):
        return self.without_key("jamba.attention.head_count_kv", "jamba_main")

    def case_layers_text(self):
        data = self.with_key("llama.block_count", (STRING, "three"))
        return data, ["llama.block_count", "three"]

    def case_layers_huge(self):
        data = self.with_key("llama.block_count", (UINT64, HUGE))
        return data, ["llama.block_count"]

    def case_heads_zero(self):
        data = self.with_key("llama.attention.head_count", (UINT32, 0))
        return data, ["llama.attention.head_count"]

    def case_key_heads_few(self):
        value = (ARRAY, (INT32, [1]))
        data = self.with_key("jamba.attention.head_count_kv", value, "jamba_main")
        return data, ["jamba.attention.head_count_kv", "1 elements", "expected 8"]

    def case_key_heads_no_pattern(self):
        value = (ARRAY, (INT32, [0, 0, 2, 2, 0, 0, 0, 2]))
        data = self.with_key("jamba.attention.head_count_kv", value, "jamba_main")
        return data, ["jamba.attention.head_count_kv", "layer"]

    def case_experts_huge(self):
        data = self.with_key("llama.expert_count", (UINT32, 2**31), "mixtral_main")
        return data, ["llama.expert_count"]

    def case_experts_other(self):
        data = self.with_key("llama.expert_count", (UINT32, 3), "mixtral_main")
        return data, ["ffn_", "_exps.weight", "3 matrices", "llama.expert_count"]

    def case_rope_scaling(self):
        data = self.with_key("llama.rope.scaling.type", (STRING, "longrope"))
        return data, ["llama.rope.scaling.type", "longrope", "linear"]

    def case_rope_attention_factor(self):
        keys, tensors = self.model("llama_main")
        keys["llama.rope.scaling.type"] = (STRING, "yarn")
        keys["llama.rope.scaling.factor"] = (FLOAT32, 4.0)
        keys["llama.rope.scaling.attn_factor"] = (FLOAT32, 1.25)
        data = self.bytes_of(keys, tensors)
        return data, ["llama.rope.scaling.attn_factor", "1.25"]

    def case_rope_part(self):
        data = self.with_key("llama.rope.dimension_count", (UINT32, 8))
        return data, ["llama.rope.dimension_count", "8", "16"]

    def case_split(self):
        return self.with_key("split.count", (UINT32, 2)), ["split.count", "2"]

    def case_width_other(self):
        data = self.with_key("llama.feed_forward_length", (UINT32, 80))
        return data, ["blk.0.ffn_gate.weight", "llama.feed_forward_length", "80"]

    # Tensors.

    def case_tensor_type(self):
        data = self.behind("output.weight", 4 + 16, "<I", 4321)
        return data, ["output.weight", "unknown type 4321"]

    def case_tensor_quantised(self):
        keys, tensors = self.model()
        shape, _, raw = tensors["blk.0.attn_v.weight"]
        gguf_file.TYPES["Q8_K"] = 15
        tensors["blk.0.attn_v.weight"] = shape, "Q8_K", raw
        words = ["blk.0.attn_v.weight", "Q8_K", "Q8_0"]
        return self.bytes_of(keys, tensors), words

    def block_model(self, kind):
        """A model whose matrices are in blocks, to be changed."""
        config, tensors = make_gguf.read_model(os.path.join(self.goldens, "llama_main"))
        return make_gguf.metadata(config), make_gguf.convert(config, tensors, kind)

    def cut_blocks(self, kind):
        """A file that ends in the blocks of its last tensor."""
        keys, tensors = self.block_model(kind)
        tensors["blk.0.attn_v.weight"] = tensors.pop("blk.0.attn_v.weight")
        data = self.bytes_of(keys, tensors)
        return data[: len(data) - 64], ["blk.0.attn_v.weight", "truncated"]

    def part_of_block(self, kind):
        """Rows that end within a block."""
        keys, tensors = self.block_model(kind)
        shape, own, raw = tensors["blk.0.attn_v.weight"]
        tensors["blk.0.attn_v.weight"] = [shape[0], shape[1] - 8], own, raw
        words = ["blk.0.attn_v.weight", "whole blocks of 32", kind]
        return self.bytes_of(keys, tensors), words

    def wrong_blocks(self, kind):
        """A matrix of whole blocks, but not of the model's."""
        keys, tensors = self.block_model(kind)
        shape, own, raw = tensors["blk.0.attn_v.weight"]
        tensors["blk.0.attn_v.weight"] = [shape[0] // 2, shape[1]], own, raw
        return self.bytes_of(keys, tensors), ["blk.0.attn_v.weight", "expected"]

    def case_cut_q4_1(self):
        return self.cut_blocks("Q4_1")

    def case_cut_q5_0(self):
        return self.cut_blocks("Q5_0")

    def case_cut_q5_1(self):
        return self.cut_blocks("Q5_1")

    def case_part_q4_1(self):
        return self.part_of_block("Q4_1")

    def case_part_q5_0(self):
        return self.part_of_block("Q5_0")

    def case_part_q5_1(self):
        return self.part_of_block("Q5_1")

    def case_part_q6_k(self):
        """Rows of 64 in a type with blocks of 256."""
        keys, tensors = self.model()
        shape, _, raw = tensors["blk.0.attn_v.weight"]
        tensors["blk.0.attn_v.weight"] = shape, "Q6_K", raw
        words = ["blk.0.attn_v.weight", "whole blocks of 256", "Q6_K"]
        return self.bytes_of(keys, tensors), words

    def case_wrong_q4_1(self):
        return self.wrong_blocks("Q4_1")

    def case_wrong_q5_0(self):
        return self.wrong_blocks("Q5_0")

    def case_wrong_q5_1(self):
        return self.wrong_blocks("Q5_1")

    def case_tensor_rank(self):
        data = self.behind("output.weight", 0, "<I", 1000)
        return data, ["output.weight", "dimensions"]

    def case_tensor_dimension(self):
        data = self.behind("output.weight", 4, "<Q", HUGE)
        return data, ["output.weight", "dimension"]

    def case_tensor_product(self):
        data = self.behind("output.weight", 4, "<Q", 2**62)
        return data, ["output.weight", "2^64"]

    def case_tensor_large(self):
        data = self.behind("output.weight", 4, "<Q", 2**40)
        return data, ["output.weight", "truncated"]

    def case_tensor_offset(self):
        data = self.behind("output.weight", 4 + 16 + 4, "<Q", HUGE - 31)
        return data, ["output.weight", "offset"]

    def case_tensor_unaligned(self):
        data = self.behind("output.weight", 4 + 16 + 4, "<Q", 4)
        return data, ["output.weight", "multiple of 32"]

    def case_tensor_broken_blocks(self):
        data = self.behind("blk.0.ffn_down.weight", 4 + 16, "<I", 8)
        return data, ["blk.0.ffn_down.weight", "whole blocks of 32"]

    def case_tensor_overlap(self):
        data = self.behind("blk.0.ffn_down.weight", 4 + 16 + 4, "<Q", 0)
        return data, ["blk.0.ffn_down.weight", "overlap"]

    def case_tensor_twice(self):
        keys, tensors = self.model()
        tensors["output.weighs"] = tensors["output.weight"]
        data = self.bytes_of(keys, tensors)
        at = data.index(b"output.weighs")
        data[at : at + 13] = b"output.weight"
        return data, ["output.weight", "twice"]

    def case_tensor_missing(self):
        keys, tensors = self.model()
        del tensors["blk.1.ffn_up.weight"]
        return self.bytes_of(keys, tensors), ["blk.1.ffn_up.weight", "missing"]

    def case_mixer_missing(self):
        keys, tensors = self.model("mamba_main")
        del tensors["blk.2.ssm_a"]
        return self.bytes_of(keys, tensors), ["blk.2.ssm_a", "missing"]

    def case_experts_missing(self):
        keys, tensors = self.model("mixtral_main")
        del tensors["blk.1.ffn_down_exps.weight"]
        return self.bytes_of(keys, tensors), ["blk.1.ffn_down_exps.weight"]

    def case_embedding_missing(self):
        keys, tensors = self.model()
        del tensors["token_embd.weight"]
        return self.bytes_of(keys, tensors), ["token_embd.weight", "missing"]

    def case_tensor_empty_beyond_the_file(self):
        keys, _ = self.model()
        data = self.bytes_of(keys, {"empty": ([0], "F32", b"")})
        end = data.index(b"empty") + 5 + 24
        assert end % 32 != 0, "the data would begin at the end of the file"
        return data[:end], ["tensor 'empty'", "truncated"]

    def case_experts_empty(self):
        keys, tensors = self.model("mixtral_main")
        name = "blk.0.ffn_up_exps.weight"
        tensors[name] = [4, 0, 48], "F32", b""
        return self.bytes_of(keys, tensors), [name, "matrices"]


def run(marimba, model, out):
    """What is wrong with the run, and what it wrote to stderr."""
    command = [marimba, "logits", model, "--ids", "3,17,5", "-o", out]
    done = subprocess.run(command, capture_output=True, check=False, timeout=300)
    text = done.stderr.decode(errors="replace")
    problems = []
    if done.returncode != 1:
        problems.append(f"exit code {done.returncode}, expected 1")
    if not text.startswith("error: ") or "model.gguf" not in text:
        problems.append("no message that names the file")
    if done.stdout:
        problems.append("something on stdout")
    if os.path.exists(out):
        problems.append("an output file is left")
        os.remove(out)
    return problems, text


def main():
    marimba, goldens, work = sys.argv[1:]
    os.makedirs(work, exist_ok=True)
    cases = Cases(goldens, work)
    out = os.path.join(work, "out.safetensors")
    wholes = {name: getattr(cases, name) for name in dir(cases)}
    inputs = [
        (name, case())
        for name, case in wholes.items()
        if name.startswith("case_")
    ]
    data = cases.whole()
    cuts = [*CUTS, len(data) // 2, len(data) - gguf_file.ALIGNMENT]
    inputs += [(f"cut at {cut}", (data[:cut], [])) for cut in cuts]
    failures = 0
    for name, (contents, words) in inputs:
        with open(cases.path, "wb") as file:
            file.write(contents)
        problems, text = run(marimba, cases.path, out)
        problems += [f"'{word}' is not named" for word in words if word not in text]
        print("FAIL" if problems else "ok  ", name, "; ".join(problems))
        if problems:
            print(text)
        failures += bool(problems)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
