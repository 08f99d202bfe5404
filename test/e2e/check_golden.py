#!/usr/bin/env python3
"""Runs `marimba logits` on a golden model and compares everything it computes
with what transformers computed in float64 (README.md beside this script
describes the files).

  check_golden.py MARIMBA GOLDEN WORK [--only PART,...] [-- flags of marimba]

Without flags on three routes: the default, loops and reference.

MARIMBA is the program, GOLDEN a folder with a model and golden.safetensors,
WORK a folder for what marimba writes. Parts: whole, hub, state, greedy, split,
pad; and, only where they are asked for, bf16, with --dtype=bf16, and kv, with
--kv=bf16 or --kv=int8. All others run with --dtype=f32. Exits with 1 where anything is beyond its tolerance.

A part first yields its cases (`marimba logits --batch`) and gets their tensors
back: so all parts share one run of the program per configuration. Compiling
takes most of the time. The output for hidden states changes what the default
route fuses, so that code with it is another; on loops and reference, which fuse
nothing there, all cases run in the code that has it. The second spelling of the
configuration gives the same module, and so it runs on the default route only.
"""

import argparse
import json
import os
import subprocess
import sys

import compare

LENGTHS = (1, 7, 64, 257)
TOLERANCE = 1e-4  # to the float64 golden
# Of a prompt in pieces to the same prompt as a whole, on the reference route.
# On the others kernels for few rows may sum in another order than those for
# many (oneDNN's on AVX2; attention of one token with 16 lanes): two float32
# results, each of which may be as far from float64 as transformers' own
# float32 is.
SPLIT_TOLERANCE = 1e-5
# Products of bf16: how far the logits may be from float64, in terms of how far
# transformers' own are when it computes in bf16.
BF16_FACTOR = 1.5
ROUTES = {"default": [], "loops": ["--matmul=loops"], "reference": ["--reference"]}
# All of 64 tokens: borders at 1, before the end, primes, odd sizes, every token.
SPLITS = (
    [1, 63],
    [63, 1],
    [2, 3, 5, 7, 11, 13, 23],
    [30, 1, 1, 32],
    [1] * 64,
)
STATE_SPLIT = [1, 20, 1, 42]
# Where transformers' states are [N, P], too: a key's elements, then a value's.
KEYS_FIRST = (
    "kimi_linear",
    "minimax",
    "olmo_hybrid",
    "qwen3_next",
    "qwen3_5",
    "qwen3_5_text",
    "qwen3_5_moe_text",
)
# Tokens of p64 which the last bits of a model's input move by up to 6e-5 (the
# embeddings' lowest bit changed): there two float32 results say nothing about
# each other beyond what each may be off float64.
ILL_CONDITIONED = {"qwen3_5_moe_text": (17,)}
# Those with latent attention.
LATENT = ("kimi_linear",)


class Checker:
    def __init__(self, args, flags, report):
        self.args = args
        self.flags = flags
        self.plain = bool({"--matmul=loops", "--reference"} & set(flags))
        self.golden = compare.load(os.path.join(args.golden, "golden.safetensors"))
        with open(os.path.join(args.golden, "golden.json"), encoding="utf-8") as file:
            self.facts = json.load(file)
        with open(os.path.join(args.golden, "config.json"), encoding="utf-8") as file:
            self.model_type = json.load(file).get("model_type")
        name = os.path.basename(os.path.normpath(args.golden))
        self.ill_conditioned = ILL_CONDITIONED.get(name, ())
        self.report = report
        os.makedirs(args.work, exist_ok=True)

    def split_tolerance(self, whole):
        if "--reference" in self.flags:
            return SPLIT_TOLERANCE
        if {"--kv=bf16", "--kv=int8"} & set(self.flags):
            # Sums in another order round a few keys and values the other way:
            # much less than what rounding all of them changes.
            return 0.1 * compare.difference(self.golden["p64.logits"], whole)
        return max(SPLIT_TOLERANCE, 2 * self.facts["diff_f32"]["64"])

    def hidden_tolerance(self):
        # In zamba2_blocks2 one token's norm divides by next to nothing:
        # transformers' own float32 is 9e-5 off there.
        return max(TOLERANCE, 2 * self.facts.get("diff_f32_hidden", 0))

    def check(self, parts):
        """Runs the cases of all parts, then lets each part compare."""
        waiting = []
        batches = {}  # one per compilation: the configuration, and hidden or not
        for part in parts:
            steps = PARTS[part](self)
            cases = next(steps, [])
            for index, case in enumerate(cases):
                hidden = case.get("hidden", False) and not self.plain
                key = case.pop("config", None), hidden
                case["name"] = f"{part}{index}"
                batches.setdefault(key, []).append(case)
            waiting.append((steps, [case["name"] for case in cases]))
        found = {}
        for (config, _), cases in batches.items():
            found.update(self.run(cases, config))
        for steps, names in waiting:
            try:
                steps.send([found[name] for name in names])
            except StopIteration:
                pass

    def run(self, cases, config):
        """The tensors of every case, by the case's name."""
        out = os.path.join(self.args.work, "out.safetensors")
        batch = os.path.join(self.args.work, "cases.json")
        if os.path.exists(out):
            os.remove(out)
        with open(batch, "w", encoding="utf-8") as file:
            json.dump(cases, file)
        command = [self.args.marimba, "logits", self.args.golden]
        command += ["--batch", batch, "-o", out, *self.flags]
        if not any(flag.startswith("--dtype") for flag in self.flags):
            command.append("--dtype=f32")
        if config:
            command += ["--config-file", config]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            print("FAIL", " ".join(command), "exit code", done.returncode)
            sys.exit(1)
        found = {case["name"]: {} for case in cases}
        for name, tensor in compare.load(out).items():
            case, _, name = name.partition(".")
            found[case][name] = tensor
        return found

    def ids(self, length):
        return list(self.golden[f"p{length}.input_ids"].values)

    def part_whole(self, config=None):
        found = yield [{"ids": self.ids(n), "config": config} for n in LENGTHS]
        for length, out in zip(LENGTHS, found):
            expected = self.golden[f"p{length}.logits"]
            name = f"{config or 'config.json'} logits, {length} tokens"
            self.report.compare(name, expected, out["logits"], TOLERANCE)

    def part_hub(self):
        yield from self.part_whole("config.hub.json")

    def part_state(self):
        """Hidden states and caches, as a whole and after a split. The caches
        are those of the code without the output for hidden states."""
        splits = [[64], STATE_SPLIT]
        kinds = [{"hidden": True}, {"state": True}]
        found = yield [
            {"ids": self.ids(64), "split": split, **kind}
            for split in splits
            for kind in kinds
        ]
        for split, with_hidden, with_state in zip(splits, found[0::2], found[1::2]):
            label = "state" if len(split) == 1 else "state after a split"
            expected, actual = self.golden["p64.hidden"], with_hidden["hidden"]
            tolerance = self.hidden_tolerance()
            self.report.compare(f"{label}: hidden", expected, actual, tolerance)
            for name, expected in self.golden.items():
                if name.startswith("p64.cache."):
                    self.compare_state(label, name, expected, with_state)

    def state(self, layer, kind, found):
        """Of latent attention one cache holds what theirs has as keys, the
        latent vectors, and as values, what further keys share."""
        held = self.golden.get(f"p64.cache.{layer}.{kind}")
        if kind not in ("key", "value") or self.model_type not in LATENT:
            return found.get(f"layers.{layer}.{kind}")
        both = found.get(f"layers.{layer}.key")
        if both is None:
            return None
        size, width = held.shape[3], both.shape[3]
        begin = 0 if kind == "key" else width - size
        return both.take(3, begin, begin + size)

    def compare_state(self, label, name, expected, found):
        _, _, layer, kind = name.split(".")
        actual = self.state(layer, kind, found)
        if actual is None:
            self.report.row(f"{label}: {name}", "-", False, "missing")
            return
        if kind == "conv":
            # Ours holds the W-1 inputs that the next token needs.
            width = expected.shape[2]
            expected = expected.take(2, 1, width).swap_last()
        elif kind == "ssm" and self.model_type not in KEYS_FIRST:
            expected = expected.swap_last()
        elif kind in ("key", "value"):
            # Theirs holds what a window leaves to the next token, ours all.
            tokens = actual.shape[2]
            actual = actual.take(2, tokens - expected.shape[2], tokens)
        self.report.compare(f"{label}: {name}", expected, actual, TOLERANCE)

    def part_greedy(self):
        prompt = list(self.golden["greedy.prompt"].values)
        tokens = self.golden["greedy.tokens"]
        (out,) = yield [{"ids": prompt, "greedy": len(tokens.values)}]
        self.report.equal("greedy tokens", tokens.values, out["tokens"].values)
        expected, actual = self.golden["greedy.logits"], out["greedy_logits"]
        self.report.compare("greedy logits", expected, actual, TOLERANCE)

    def part_split(self):
        splits = [[64], *SPLITS]
        whole, *found = yield [{"ids": self.ids(64), "split": s} for s in splits]
        tolerance = self.split_tolerance(whole["logits"])
        for split, out in zip(SPLITS, found):
            text = ",".join(map(str, split))
            label = "token by token" if len(split) == 64 else f"split {text}"
            expected, actual = whole["logits"], out["logits"]
            begin = 0
            for token in (*self.ill_conditioned, expected.shape[1]):
                pair = [x.take(1, begin, token) for x in (expected, actual)]
                part = f"{label}, tokens from {begin}" if begin else label
                self.report.compare(part, *pair, tolerance)
                begin = token + 1
            for token in self.ill_conditioned:
                pair = [x.take(1, token, token + 1) for x in (expected, actual)]
                self.report.compare(f"{label}, token {token}", *pair, TOLERANCE)

    def part_pad(self):
        """Every row of the padded batch by itself, without its padding."""
        if not self.facts["pad_supported"]:
            return
        ids, mask = self.golden["pad.input_ids"], self.golden["pad.attention_mask"]
        greedy = self.golden["pad.greedy"]
        rows, length = ids.shape
        # Padding is on the left.
        begins = [list(mask.rows(r, r + 1).values).index(1) for r in range(rows)]
        found = yield [
            {
                "ids": list(ids.rows(row, row + 1).values[begin:]),
                "greedy": greedy.shape[1],
            }
            for row, begin in enumerate(begins)
        ]
        for row, (begin, out) in enumerate(zip(begins, found)):
            name = f"row {row} of the padded batch"
            expected = self.golden["pad.logits"].rows(row, row + 1)
            expected = expected.take(1, begin, length)
            label = f"{name}, {length - begin} tokens"
            self.report.compare(label, expected, out["logits"], TOLERANCE)
            if self.facts.get("pad_greedy_equals_single"):
                expected = greedy.rows(row, row + 1).values
                actual = out["tokens"].values
                self.report.equal(f"{name}, greedy", expected, actual)

    def part_bf16(self):
        prompt = list(self.golden["greedy.prompt"].values)
        tokens = list(self.golden["greedy.tokens"].values)
        whole, greedy = yield [
            {"ids": self.ids(64)},
            {"ids": prompt, "greedy": len(tokens)},
        ]
        theirs = self.facts["diff_bf16"]
        expected, actual = self.golden["p64.logits"], whole["logits"]
        most = BF16_FACTOR * theirs["max"]
        self.report.compare("bf16 logits, 64 tokens", expected, actual, most)
        mean = compare.mean_difference(expected, actual)
        most = BF16_FACTOR * theirs["mean"]
        self.report.row(
            "their mean distance", f"{mean:.3e}", mean <= most, f"(<= {most:g})"
        )
        self.compare_decided(tokens, greedy, compare.difference(expected, actual))

    def compare_decided(self, tokens, greedy, distance):
        """A choice is decided where its margin is above the distance; behind a
        choice that was not, and fell otherwise, the texts differ."""
        logits, found = self.golden["greedy.logits"], greedy["tokens"].values
        decided = []
        for step, (token, other) in enumerate(zip(tokens, found)):
            best, second = sorted(logits.rows(step, step + 1).values)[:-3:-1]
            if best - second > distance:
                decided.append((token, other))
            elif token != other:
                break
        self.report.equal("decided tokens", *zip(*decided))

    def part_kv(self):
        """Rounded keys and values. Those of the first layer that has some are
        those of the golden, rounded; what that changes is less than what
        transformers' bf16 changes, where the golden knows it."""
        prompt = list(self.golden["greedy.prompt"].values)
        tokens = list(self.golden["greedy.tokens"].values)
        whole, greedy = yield [
            {"ids": self.ids(64), "state": True},
            {"ids": prompt, "greedy": len(tokens)},
        ]
        layers = [
            int(name.split(".")[2]) for name in self.golden if name.endswith(".key")
        ]
        for kind in ("key", "value"):
            state = f"layers.{min(layers)}.{kind}"
            kept = self.state(min(layers), kind, whole)
            scales = "key" if self.model_type in LATENT else kind
            scales = whole.get(f"layers.{min(layers)}.{scales}_scales")
            expected = self.golden[f"p64.cache.{min(layers)}.{kind}"]
            self.compare_kept(state, expected, kept, scales)
        expected, actual = self.golden["p64.logits"], whole["logits"]
        theirs = self.facts.get("diff_bf16")
        if theirs:
            self.report.compare("logits, 64 tokens", expected, actual, theirs["max"])
            mean = compare.mean_difference(expected, actual)
            good = mean <= theirs["mean"]
            note = f"(<= {theirs['mean']:g})"
            self.report.row("their mean distance", f"{mean:.3e}", good, note)
        self.compare_decided(tokens, greedy, compare.difference(expected, actual))

    def compare_kept(self, name, expected, kept, scales):
        """Half a step of bf16 is 2^-8 of a number at most, one of codes half of
        the scale; and the numbers that are rounded may differ by TOLERANCE."""
        # Those that a window leaves to the next token.
        tokens, count = kept.shape[2], expected.shape[2]
        kept = kept.take(2, tokens - count, tokens)
        scales = scales and scales.take(2, tokens - count, tokens)
        size, worst = kept.shape[-1], 0.0
        for i, (a, b) in enumerate(zip(expected.values, kept.values, strict=True)):
            if scales:
                b, step = b * scales.values[i // size], scales.values[i // size]
            else:
                step = abs(a) * 2.0**-7
            worst = max(worst, abs(a - b) / (0.5 * step + TOLERANCE))
        self.report.row(f"{name}, half steps", f"{worst:.3f}", worst <= 1.0, "(<= 1)")


PARTS = {
    name[len("part_") :]: getattr(Checker, name)
    for name in vars(Checker)
    if name.startswith("part_")
}


def main():
    argv, flags = compare.split_flags(sys.argv[1:])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("marimba")
    parser.add_argument("golden")
    parser.add_argument("work")
    parser.add_argument("--only")
    args = parser.parse_args(argv)
    routes = {" ".join(flags): flags} if flags else ROUTES
    report = compare.Report()
    for name, flags in routes.items():
        print(f"{name}:")
        checker = Checker(args, flags, report)
        usual = [part for part in PARTS if part not in ("bf16", "kv")]
        if checker.plain:
            usual.remove("hub")
        checker.check(args.only.split(",") if args.only else usual)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
