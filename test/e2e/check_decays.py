#!/usr/bin/env python3
"""Linear attention by all its forms: with log-decays from 0 to -300 within a
chunk, and minus infinity, of heads and of key channels, with the delta rule and
without. What is no number reaches no earlier token and no other row.

  check_decays.py MARIMBA WORK

The state begins as something, tokens are valid up to a rest, two heads share
keys, and a call has all rows: y and the state are compared with float64.
Standard library only.
"""

import math
import os
import random
import subprocess
import sys

import compare
import op_entry
from op_entry import Entry, tensor, tensor_type

TOKENS, HEADS, GROUPS, KEYS, VALUES = 75, 4, 2, 17, 20
TOLERANCE, TOLERANCE_BF16 = 1e-5, 3e-2
# Where the rounded key is not of length 1, what is undone is not what was
# written, and the rests of all tokens add up.
TOLERANCE_BF16_REPEATED = 1e-1
SUMS = (0.0, 0.5, 30.0, 300.0)  # of decays over a chunk of 64
# Rows of a call, and how many of their tokens are valid. In "bursts" all of the
# decay is at a few tokens, and is all that there is in "endless"; "repeated" has
# one key and no decay, so that each token undoes what the one before wrote.
ROWS = {
    "even": TOKENS,
    "bursts": TOKENS,
    "endless": TOKENS,
    "spoiled": TOKENS,
    "repeated": TOKENS,
    "padded": 66,
    "nothing": 0,
}
# Whether decays are of channels, and whether there is the delta rule.
KINDS = {
    "heads": (False, False),
    "delta": (False, True),
    "channels": (True, False),
    "kimi": (True, True),
}
FORMS = [
    ["--linear-attention=recurrent", "--threads=1"],
    ["--linear-attention=chunked", "--threads=2"],
    ["--linear-attention=chunked", "--linear-attention-chunk=16", "--isa=avx2"],
    ["--linear-attention=chunked", "--linear-attention-chunk=7", "--threads=1"],
    ["--linear-attention=chunked", "--linear-attention-chunk=256"],
    ["--linear-attention=chunked", "--dtype=bf16"],
    ["--reference"],
]


def decays(rng, row, channels):
    """By token and head, or key channel of it."""
    steps = []
    for t in range(TOKENS):
        for h in range(HEADS):
            for n in range(KEYS if channels else 1):
                each = SUMS[(h + n) % 4] / 64 * rng.uniform(0.5, 1.5)
                now = t % 32 == 5 * h + n % 3
                if row == "repeated":
                    each = 0.0
                elif row == "bursts":
                    each = SUMS[(h + n) % 4] / 2 * now
                elif row == "endless" and now:
                    each = math.inf if h % 2 else 3e38
                steps.append(each)
    return steps


def random_keys(rng, row):
    """Of length 1."""
    keys, key = [], None
    for i in range(TOKENS * GROUPS):
        if key is None or row != "repeated":
            key = [rng.uniform(-1, 1) for _ in range(KEYS)]
            length = math.sqrt(sum(k * k for k in key))
        keys += [k / length for k in key]
    return keys


def row_of(row, channels, seed):
    """Queries, keys, values, log-decays, betas and the state."""
    rng = random.Random(seed)

    def numbers(*shape):
        return [rng.uniform(-1, 1) for _ in range(math.prod(shape))]

    q, k = numbers(TOKENS, GROUPS, KEYS), random_keys(rng, row)
    v = numbers(TOKENS, HEADS, VALUES)
    g = [-d for d in decays(rng, row, channels)]
    low = 1.9 if row == "repeated" else 0
    beta = [rng.uniform(low, 2) for _ in range(TOKENS * HEADS)]
    if row == "spoiled":  # a query, a key of a group and a value, of four tokens
        q[(27 * GROUPS + 1) * KEYS + 2] = math.nan
        k[(52 * GROUPS + 1) * KEYS] = math.nan
        for t, what in ((39, math.nan), (46, math.inf)):
            v[t * HEADS * VALUES + 3] = what
    return q, k, v, g, beta, numbers(HEADS, KEYS, VALUES)


def expected(parts, channels, delta, valid):
    """y and the last state of a row."""
    q, k, v, log_decay, betas, state = parts
    y, last = [0.0] * (TOKENS * HEADS * VALUES), list(state)
    for h in range(HEADS):
        rows = [last[(h * KEYS + n) * VALUES :][:VALUES] for n in range(KEYS)]
        for t in range(valid):
            at = t * HEADS + h
            of_keys = (t * GROUPS + h // (HEADS // GROUPS)) * KEYS
            key, query = k[of_keys:][:KEYS], q[of_keys:][:KEYS]
            value = v[at * VALUES :][:VALUES]
            for n in range(KEYS):
                factor = math.exp(log_decay[at * KEYS + n if channels else at])
                rows[n] = [factor * s for s in rows[n]]
            columns = list(zip(*rows))
            if delta:
                known = [sum(map(float.__mul__, key, c)) for c in columns]
                value = [betas[at] * (a - b) for a, b in zip(value, known)]
            for n in range(KEYS):
                rows[n] = [s + key[n] * u for s, u in zip(rows[n], value)]
            read = [sum(map(float.__mul__, query, c)) for c in zip(*rows)]
            y[at * VALUES : (at + 1) * VALUES] = read
        last[h * KEYS * VALUES : (h + 1) * KEYS * VALUES] = sum(rows, [])
    return y, last


def case(name, channels, delta):
    rows = len(ROWS)
    parts = [row_of(row, channels, seed) for seed, row in enumerate(ROWS)]
    names = ("q", "k", "v", "g", "beta", "S")
    decay = [KEYS] if channels else []
    shapes = [
        [rows, TOKENS, GROUPS, KEYS],
        [rows, TOKENS, GROUPS, KEYS],
        [rows, TOKENS, HEADS, VALUES],
        [rows, TOKENS, HEADS] + decay,
        [rows, TOKENS, HEADS],
        [rows, HEADS, KEYS, VALUES],
    ]
    tensors = {
        part: tensor(shape, sum(values, []))
        for part, shape, values in zip(names, shapes, zip(*parts))
    }
    if not delta:
        del tensors["beta"]
    entry, kept = Entry(name), tensor_type(shapes[5], dynamic=1)
    types = {n: tensor_type(x.shape, dynamic=2) for n, x in tensors.items()}
    before = entry.state("S", tensors["S"], kept)
    values = {n: entry.input(n, x, types[n]) for n, x in tensors.items() if n != "S"}
    valid = tensor([rows], list(ROWS.values()), "i")
    valid = entry.input("valid", valid, "tensor<?xi32>")
    out = entry.output("y", shapes[2], types["v"])
    extras = f"decay({values['g']} : {types['g']})"
    if delta:
        extras += f" beta({values['beta']} : {types['beta']})"
    result = entry.op(
        f"marimba.linear_attention {values['q']}, {values['k']}, {values['v']}"
        f" {extras} valid({valid} : tensor<?xi32>)"
        f" outs({out}, {before} : {types['v']}, {kept})"
        f" {'{delta_rule}' if delta else ''}"
        f" : {types['q']}, {types['k']}, {types['v']} -> {types['v']}, {kept}",
        "read, last",
    )
    entry.returns(result[0], types["v"])
    entry.returns(result[1], kept)
    ys, states = [], []
    for i, count in enumerate(ROWS.values()):
        stored = []  # what f32 has of it
        for part in names:
            x = tensors.get(part)
            length = len(x.values) // rows if x else 0
            stored.append(list(x.values[i * length : (i + 1) * length]) if x else [])
        y, last = expected(stored, channels, delta, count)
        ys += y
        states += last
    entry.expect("y", tensor(shapes[2], ys))
    entry.expect("S", tensor(shapes[5], states))
    return entry


def row_differences(expected, actual):
    """Of each row the worst head's, relative to the head's largest value: one of
    them hides no other. Heads are the last dimension but one of y, the second
    one of S."""
    inner = VALUES if expected.shape[1] == TOKENS else KEYS * VALUES
    length = len(expected.values) // len(ROWS)
    for i, row in enumerate(ROWS):
        part = slice(i * length, (i + 1) * length)
        pairs = list(zip(expected.values[part], actual.values[part]))
        heads = [[] for _ in range(HEADS)]
        for at, pair in enumerate(pairs):
            heads[at // inner % HEADS].append(pair)
        yield row, max(map(head_difference, heads))


def head_difference(pairs):
    scale = max((abs(a) for a, _ in pairs if math.isfinite(a)), default=0) or 1.0
    return max(difference(a, b) for a, b in pairs) / scale


def difference(expected, actual):
    if math.isfinite(expected) and math.isfinite(actual):
        return abs(expected - actual)
    return 0 if math.isfinite(expected) == math.isfinite(actual) else math.inf


def main():
    marimba, work = sys.argv[1:]
    os.makedirs(work, exist_ok=True)
    entries = [case(name, *kind) for name, kind in KINDS.items()]
    shared = op_entry.Shared(entries)
    module, inputs = os.path.join(work, "m.mlir"), os.path.join(work, "in.safetensors")
    with open(module, "w", encoding="utf-8") as file:
        file.write(shared.text())
    compare.save(inputs, shared.inputs())
    failed = False
    for flags in FORMS:
        out = os.path.join(work, "out.safetensors")
        command = [marimba, "execute", module, "--all", "--inputs", inputs, "-o", out]
        subprocess.run(command + flags, check=True)
        found = shared.results(compare.load(out))
        bf16 = "--dtype=bf16" in flags
        for entry in entries:
            for name, value, *_ in entry.expected:
                actual = found[f"{entry.name}.{name}"]
                for row, worst in row_differences(value, actual):
                    tolerance = TOLERANCE_BF16 if bf16 else TOLERANCE
                    if bf16 and row == "repeated":
                        tolerance = TOLERANCE_BF16_REPEATED
                    good = worst <= tolerance
                    failed |= not good
                    word = "ok  " if good else "FAIL"
                    print(word, " ".join(flags), entry.name, row, name, f"{worst:.2e}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
