#!/usr/bin/env python3
"""Gives the tensors of checkpoints other names, as programs that train and save
models do. Where it is plain what is meant the module must be the same as with
the usual names; elsewhere there is one line about it.

  check_weight_names.py MARIMBA GOLDENS WORK
"""

import json
import os
import shutil
import subprocess
import sys

import check_foreign
import compare
from tiny_models import Chain, load_safetensors, save_safetensors

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tools"))
from checker import Checker, run_cases

INDEX = "model.safetensors.index.json"


def front(prefix):
    return lambda name: prefix + name


def without(prefix):
    return lambda name: name.removeprefix(prefix)


def inside(word):
    """model.layers.0.x to model.layers.0.<word>.x, as a wrapped layer."""

    def change(name):
        parts = name.split(".")
        at = parts.index("layers") + 2 if "layers" in parts else len(parts)
        return ".".join([*parts[:at], word, *parts[at:]]) if at < len(parts) else name

    return change


def apart(prefix, module="model."):
    """Another prefix for all but the head."""
    return lambda name: prefix + name.removeprefix(module) if name.startswith(module) else name


# name: what it makes of a name; for families whose tensors begin with "model."
CHANGES = {
    "none": without("model."),
    "module": front("module."),
    "orig_mod": front("_orig_mod."),
    "stacked": front("module._orig_mod."),
    "language_model": front("language_model."),
    "vision": apart("model.language_model."),
    "inner": apart("language_model.model."),
    "transformer": apart("transformer."),
    "peft": front("base_model.model."),
    "twice": front("model."),
    "wrapped-layers": inside("_orig_mod"),
    "wrapped-parts": inside("_fsdp_wrapped_module"),
    "head-inside": lambda name: "model." + name if name.startswith("lm_head") else name,
}


class WeightNames(Checker):
    def __init__(self, marimba, goldens, work):
        super().__init__(work)
        self.marimba, self.goldens = marimba, goldens

    def call(self, *arguments):
        return subprocess.run(
            [self.marimba, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )

    def module(self, model):
        return self.call("compile", model, "--emit=mlir", "--stop-after=import")

    def model(self, golden, kind, change=None, edit=None):
        """A golden with other names; `edit` changes the tensors. The directory
        is called as the golden is: its name is in the module."""
        folder = os.path.join(self.work, kind, golden)
        shutil.copytree(os.path.join(self.goldens, golden), folder)
        for file in os.listdir(folder):
            path = os.path.join(folder, file)
            if file.endswith(".safetensors") and not file.startswith("golden"):
                tensors = load_safetensors(path)
                if change:
                    tensors = {change(name): tensor for name, tensor in tensors.items()}
                save_safetensors(path, edit(tensors) if edit else tensors)
        index = os.path.join(folder, INDEX)
        if change and os.path.exists(index):
            with open(index, encoding="utf-8") as file:
                content = json.load(file)
            content["weight_map"] = {change(name): shard for name, shard in content["weight_map"].items()}
            content["metadata"] = None
            with open(index, "w", encoding="utf-8") as file:
                json.dump(content, file)
        return folder

    def expect_same(self, what, expected, folder):
        found = self.module(folder)
        good = found.returncode == 0 and found.stdout == expected and "prefix" in found.stderr
        self.expect(what, good, found.stderr[:1000])
        self.expect(what + ": one line", found.stderr.count("\n") == 1, found.stderr)

    def expect_refused(self, what, folder, *words):
        found = self.module(folder)
        self.expect(what, found.returncode == 1, found.stderr)
        self.expect(what + ": one line", found.stderr.count("\n") == 1, found.stderr)
        for word in words:
            self.expect(f"{what}: {word}", word in found.stderr, found.stderr)

    def case_families(self):
        some = ("none", "stacked", "vision", "peft", "wrapped-parts")
        kinds = {
            "llama_main": CHANGES,
            "llama_bf16_sharded": some,
            "mixtral_main": some,
            "jamba_main": some,
            "jamba_dense_tied": some,
            "mamba_main": (),
            "falcon_mamba_main": (),
        }
        for golden, names in kinds.items():
            expected = self.module(os.path.join(self.goldens, golden)).stdout
            changes = {name: CHANGES[name] for name in names} or {
                "none": without("backbone."),
                "model": apart("model.", "backbone."),
                "module": front("module."),
                "language_model": front("language_model."),
            }
            for name, change in changes.items():
                self.expect_same(f"{golden} {name}", expected, self.model(golden, name, change))

    def case_state_spaces(self):
        """Their name of the embedding beside another prefix."""
        rename = lambda name: "module." + name.replace("embeddings.", "embedding.")
        expected = self.module(self.model("mamba_main", "embedding", lambda name: rename(name)[7:]))
        self.expect("embedding", expected.returncode == 0, expected.stderr)
        self.expect_same("module.embedding", expected.stdout, self.model("mamba_main", "their", rename))

    def case_stacked_experts(self):
        """All experts of a layer in one tensor, a name that only the second look
        asks for."""

        def stack(tensors):
            made = {}
            for name, (dtype, shape, raw) in tensors.items():
                at = name.find(".experts.")
                if at < 0:
                    made[name] = (dtype, shape, raw)
                    continue
                base, e, part = name[: at + 9], *name[at + 9 :].split(".")[:2]
                made.setdefault(base, {}).setdefault(part, {})[int(e)] = (dtype, shape, raw)
            for base in [name for name in made if name.endswith(".experts.")]:
                parts = made.pop(base)
                count = len(parts["down_proj"])
                dtype, (rows, columns), _ = parts["gate_proj"][0]
                both = b"".join(parts[part][e][2] for e in range(count) for part in ("gate_proj", "up_proj"))
                made[base + "gate_up_proj"] = (dtype, [count, 2 * rows, columns], both)
                down = b"".join(parts["down_proj"][e][2] for e in range(count))
                made[base + "down_proj"] = (dtype, [count, columns, rows], down)
            return made

        expected = self.module(self.model("jamba_main", "experts", edit=stack))
        self.expect("stacked", expected.returncode == 0 and "gate_up" in expected.stdout, expected.stderr)
        folder = self.model("jamba_main", "experts-module", front("module."), stack)
        self.expect_same("module. and stacked", expected.stdout, folder)

    def case_quantised(self):
        """Our own, and AWQ's, whose qweight, scales and qzeros are one matrix."""
        source, ours = os.path.join(self.goldens, "jamba_main"), self.path("q/jamba_main")
        os.makedirs(self.path("q"))
        done = self.call("quantize", source, "-o", ours, "--weights=int8")
        self.expect("quantize", done.returncode == 0, done.stderr)
        expected = self.module(ours).stdout
        # A copy that is written of other names has the usual ones.
        again = self.path("again")
        done = self.call("quantize", self.model("jamba_main", "to-quantise", front("module.")), "-o", again, "--weights=int8")
        self.expect("quantize: note", done.returncode == 0 and "prefix" in done.stderr, done.stderr)
        tensors = [load_safetensors(os.path.join(folder, "model.safetensors")) for folder in (ours, again)]
        self.expect("quantize: the same tensors", tensors[0] == tensors[1])
        goldens, self.goldens = self.goldens, self.path("q")
        self.expect_same("our own", expected, self.model("jamba_main", "q-none", without("model.")))
        self.expect_same("our own, module.", expected, self.model("jamba_main", "q-module", front("module.")))
        self.goldens = goldens

        maker = check_foreign.Checker(self.marimba, self.path("awq"))
        theirs, _ = maker.make("awq")
        expected = self.module(maker.write("model", theirs, check_foreign.FORMATS["awq"])).stdout
        for kind, change in (("none", without("model.")), ("language_model", front("language_model."))):
            shutil.rmtree(self.path("awq/model"))
            renamed = {change(name): tensor for name, tensor in theirs.items()}
            self.expect_same("awq " + kind, expected, maker.write("model", renamed, check_foreign.FORMATS["awq"]))

    def case_numbers(self):
        """The data is that of the tensors, not only the names."""
        out = self.path("out.safetensors")
        for golden, change in (("jamba_main", "inner"), ("llama_main", "none")):
            logits = []
            for folder in (os.path.join(self.goldens, golden), self.model(golden, "numbers", CHANGES[change])):
                done = self.call("logits", folder, "--ids", "3,17,5", "-o", out)
                self.expect(f"{golden}: logits", done.returncode == 0, done.stderr)
                logits.append(compare.load(out)["logits"].values)
            self.expect(f"{golden}: the same logits", logits[0] == logits[1])

    def chain(self, name, tensors, **config):
        chain = Chain()
        chain.say("\n", "Y", "e", "s", "</s>")
        folder = chain.write(self.path(name), config=config)
        save_safetensors(os.path.join(folder, "model.safetensors"), tensors(chain.tensors()))
        return folder

    def case_tied_head(self):
        """One matrix that is stored by its second name."""

        def only_head(tensors):
            tensors["lm_head.weight"] = tensors.pop("model.embed_tokens.weight")
            return tensors

        folder = self.chain("tied", only_head, tie_word_embeddings=True)
        done = self.call("run", folder, "--prompt", "Hi", "--max-tokens", "1", "--quiet")
        self.expect("tied", done.returncode == 0 and done.stdout == "Hii\n", done.stderr + done.stdout)

    # What cannot be told.

    def case_ambiguous(self):
        both = lambda one, two: lambda tensors: {
            prefix + name: tensor for name, tensor in tensors.items() for prefix in (one, two)
        }
        self.expect_refused(
            "two copies", self.chain("copies", both("student.", "teacher.")), "'student.model.'", "'teacher.model.'"
        )
        self.expect_refused("two wrappers", self.chain("wrappers", both("module.", "_orig_mod.")), "wrapper's prefix")

        def two_heads(tensors):
            tensors = {"language_model." + name: tensor for name, tensor in tensors.items()}
            tensors["lm_head.weight"] = tensors["language_model.lm_head.weight"]
            return tensors

        self.expect_refused("two heads", self.chain("heads", two_heads), "'language_model.lm_head.weight'", "twice")

        def half(tensors):
            names = sorted(name for name in tensors if "layers." in name)
            return {("old." if name in names[::2] else "") + name: tensor for name, tensor in tensors.items()}

        self.expect_refused("half of them", self.chain("half", half), "'model.'", "'old.model.'")

    def case_exact_names_count(self):
        """Another copy, of other numbers, does not matter beside them."""

        def copied(tensors):
            return tensors | {"ema." + name: (kind, shape, bytes(len(raw))) for name, (kind, shape, raw) in tensors.items()}

        folder = self.chain("ema", copied)
        done = self.call("run", folder, "--prompt", "\n", "--max-tokens", "4", "--quiet")
        self.expect("exact names", done.stdout == "\nYes\n", done.stdout + done.stderr)
        self.expect("no note", not done.stderr, done.stderr)

    def case_beside_another_model(self):
        """Of a model that sees only a part is ours, though the other's layers
        are called alike."""

        def with_vision(tensors):
            tensors = {"language_model." + name: tensor for name, tensor in tensors.items()}
            for layer in range(3):
                for part in "qkv":
                    name = f"vision_tower.encoder.layers.{layer}.self_attn.{part}_proj.weight"
                    tensors[name] = ("F32", [4, 4], bytes(64))
            return tensors | {"multi_modal_projector.linear.weight": ("F32", [4, 4], bytes(64))}

        folder = self.chain("sees", with_vision)
        done = self.call("run", folder, "--prompt", "\n", "--max-tokens", "4", "--quiet")
        self.expect("part of a model", done.stdout == "\nYes\n", done.stdout + done.stderr)

    def case_null_for_tied(self):
        """mamba's default is true; null is no default but none."""
        for golden, head in (("falcon_mamba_main", True), ("mamba_main", False)):
            folder = self.model(golden, "null")
            path = os.path.join(folder, "config.json")
            with open(path, encoding="utf-8") as file:
                config = json.load(file)
            with open(path, "w", encoding="utf-8") as file:
                json.dump(config | {"tie_word_embeddings": None}, file)
            expected = self.module(os.path.join(self.goldens, golden)).stdout
            self.expect(f"{golden} null", self.module(folder).stdout == expected)
            self.expect(f"{golden} has a head", ("@lm_head" in expected) == head)

    def case_foreign_names(self):
        def meta(tensors):
            return {
                name.removeprefix("model.").replace("self_attn.q_proj", "attention.wq"): tensor
                for name, tensor in tensors.items()
                if "layers" not in name or "q_proj" in name
            }

        self.expect_refused("Meta's", self.chain("meta", meta), "'layers.0.attention.wq.weight'", "Meta's")
        gpt = lambda tensors: {f"transformer.h.0.{i}.weight": tensor for i, tensor in enumerate(tensors.values())}
        self.expect_refused(
            "GPT-2's", self.chain("gpt", gpt), "'transformer.h.0.0.weight'", "'model.layers.0.input_layernorm.weight'"
        )

    def case_adapter(self):
        def lora(tensors):
            shape, raw = [4, 112], bytes(4 * 4 * 112)
            tensors = {"base_model.model." + name: tensor for name, tensor in tensors.items()}
            name = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
            return tensors | {name: ("F32", shape, raw)}

        self.expect_refused("LoRA", self.chain("lora", lora), "lora_A", "merge_and_unload")

    def case_missing(self):
        """With another prefix, one that is missing is named as the file would."""

        def lacks(tensors):
            del tensors["model.layers.0.mlp.up_proj.weight"]
            return {"module." + name: tensor for name, tensor in tensors.items()}

        name = "'module.model.layers.0.mlp.up_proj.weight' is missing"
        self.expect_refused("one missing", self.chain("lacks", lacks), name)

        def headless(tensors):
            del tensors["lm_head.weight"]
            return {name.removeprefix("model."): tensor for name, tensor in tensors.items()}

        self.expect_refused("no head", self.chain("headless", headless), "'lm_head.weight' is missing", "tie_word_embeddings")


if __name__ == "__main__":
    sys.exit(run_cases(WeightNames))
