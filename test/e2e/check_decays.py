#!/usr/bin/env python3
"""Linear attention with log-decays from 0 to -300 within a chunk, and minus
infinity, in both forms. What is no number reaches no earlier token.

  check_decays.py MARIMBA WORK

The state begins as something, tokens are valid up to a rest, and two heads share
keys: y and the state are compared with float64. Standard library only.
"""

import math
import os
import random
import subprocess
import sys

import compare
import op_entry
from op_entry import Entry, tensor, tensor_type

TOKENS, HEADS, KEYS, VALUES = 75, 4, 5, 20
TOLERANCE, TOLERANCE_BF16 = 1e-5, 3e-2
SUMS = (0.0, 0.5, 30.0, 300.0)  # of a head's decays over a chunk of 64
FORMS = [
    ["--linear-attention=recurrent"],
    ["--linear-attention=chunked"],
    ["--linear-attention=chunked", "--linear-attention-chunk=16", "--isa=avx2"],
    ["--linear-attention=chunked", "--linear-attention-chunk=7"],
    ["--linear-attention=chunked", "--dtype=bf16"],
    ["--reference"],
]


def decays(rng, kind):
    """By token and head; in "bursts" all of it is at a few tokens, and is all
    that there is in "endless"."""
    steps = []
    for t in range(TOKENS):
        for h in range(HEADS):
            each = SUMS[h] / 64 * rng.uniform(0.5, 1.5)
            now = t % 32 == 5 * h
            if kind == "bursts":
                each = SUMS[h] / 2 * now
            elif kind == "endless" and now:
                each = math.inf if h % 2 else 3e38
            steps.append(each)
    return steps


def expected(q, k, v, log_decay, state, valid):
    y, last = [0.0] * (TOKENS * HEADS * VALUES), list(state)
    for h in range(HEADS):
        group = h // 2
        for t in range(valid):
            factor = math.exp(log_decay[t * HEADS + h])
            value = v[(t * HEADS + h) * VALUES :][:VALUES]
            for n in range(KEYS):
                at = (h * KEYS + n) * VALUES
                key = k[(t * 2 + group) * KEYS + n]
                query = q[(t * 2 + group) * KEYS + n]
                for p in range(VALUES):
                    last[at + p] = factor * last[at + p] + key * value[p]
                    y[(t * HEADS + h) * VALUES + p] += query * last[at + p]
    return y, last


def case(name, seed, valid, spoiled=False):
    rng = random.Random(seed)
    entry = Entry(name)

    def random_tensor(*shape):
        values = [rng.uniform(-1, 1) for _ in range(math.prod(shape))]
        return tensor(list(shape), values)

    q, k = random_tensor(1, TOKENS, 2, KEYS), random_tensor(1, TOKENS, 2, KEYS)
    v = random_tensor(1, TOKENS, HEADS, VALUES)
    g = tensor([1, TOKENS, HEADS], [-d for d in decays(rng, name)])
    state = random_tensor(1, HEADS, KEYS, VALUES)
    if spoiled:  # a query, a key of a group and a value, of three tokens
        q.values[(27 * 2 + 1) * KEYS + 2] = math.nan
        k.values[(52 * 2 + 1) * KEYS] = math.nan
        for t, what in ((39, math.nan), (46, math.inf)):
            v.values[t * HEADS * VALUES + 3] = what
    types = {n: tensor_type(x.shape, dynamic=2) for n, x in zip("qkvg", (q, k, v, g))}
    kept = tensor_type(state.shape, dynamic=1)
    names = {
        n: entry.input(n, x, types[n]) for n, x in zip("qkvg", (q, k, v, g))
    }
    rows = entry.input("valid", tensor([1], [valid], "i"), "tensor<?xi32>")
    before = entry.state("S", state, kept)
    out = entry.output("y", v.shape, types["v"])
    result = entry.op(
        f"marimba.linear_attention {names['q']}, {names['k']}, {names['v']}"
        f" decay({names['g']} : {types['g']}) valid({rows} : tensor<?xi32>)"
        f" outs({out}, {before} : {types['v']}, {kept})"
        f" : {types['q']}, {types['k']}, {types['v']} -> {types['v']}, {kept}",
        "read, last",
    )
    entry.returns(result[0], types["v"])
    entry.returns(result[1], kept)
    y, last = expected(q.values, k.values, v.values, g.values, state.values, valid)
    entry.expect("y", tensor(v.shape, y))
    entry.expect("S", tensor(state.shape, last))
    return entry


def head_differences(expected, actual):
    """Of each head relative to its largest value: one of them hides no other.
    Heads are the last dimension but one of y, the second one of S."""
    shape = expected.shape
    inner = VALUES if shape[1] == TOKENS else KEYS * VALUES
    for h in range(HEADS):
        pairs = [
            (a, b)
            for i, (a, b) in enumerate(zip(expected.values, actual.values))
            if i // inner % HEADS == h
        ]
        scale = max((abs(a) for a, _ in pairs if math.isfinite(a)), default=0) or 1.0
        yield max(difference(a, b) for a, b in pairs) / scale


def difference(expected, actual):
    if math.isfinite(expected) and math.isfinite(actual):
        return abs(expected - actual)
    return 0 if math.isfinite(expected) == math.isfinite(actual) else math.inf


def main():
    marimba, work = sys.argv[1:]
    os.makedirs(work, exist_ok=True)
    entries = [
        case("even", 1, TOKENS),
        case("bursts", 2, TOKENS),
        case("endless", 5, TOKENS),
        case("spoiled", 6, TOKENS, spoiled=True),
        case("padded", 3, 66),
        case("nothing", 4, 0),
    ]
    module, inputs = os.path.join(work, "m.mlir"), os.path.join(work, "in.safetensors")
    with open(module, "w", encoding="utf-8") as file:
        file.write(op_entry.module_text(entries))
    compare.save(inputs, op_entry.module_inputs(entries))
    failed = False
    for flags in FORMS:
        out = os.path.join(work, "out.safetensors")
        command = [marimba, "execute", module, "--all", "--inputs", inputs, "-o", out]
        subprocess.run(command + flags, check=True)
        found = compare.load(out)
        tolerance = TOLERANCE_BF16 if "--dtype=bf16" in flags else TOLERANCE
        for entry in entries:
            for name, value, *_ in entry.expected:
                actual = found[f"{entry.name}.{name}"]
                worst = max(head_differences(value, actual))
                good = worst <= tolerance
                failed |= not good
                word = "ok  " if good else "FAIL"
                print(word, " ".join(flags), entry.name, name, f"{worst:.2e}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
