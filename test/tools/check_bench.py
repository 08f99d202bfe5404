#!/usr/bin/env python3
"""check_bench.py ANSWER CONFIG: holds `marimba bench --profile --json` of a Mamba against a count by hand."""

import json
import math
import os
import sys

with open(sys.argv[1]) as file:
    answer = json.load(file)
with open(sys.argv[2]) as file:
    config = json.load(file)


def check(condition, what):
    if not condition:
        sys.exit(f"check_bench.py: {what}\n{json.dumps(answer, indent=1)}")


def near(a, b, what):
    check(math.isclose(a, b, rel_tol=1e-6), f"{what}: {a}, expected {b}")


limits, prefill, decode = answer["limits"], answer["prefill"], answer["decode"]
rates = [limits[name] for name in ("f32_gflops", "bf16_gflops", "int8_gops", "int4_gops", "dram_read_gbps", "exp_gops")]
rates += [prefill["tokens_per_s"], prefill["efficiency"]]
rates += [decode["tokens_per_s"], decode["weight_gbps"], decode["efficiency"]]
for rate in rates:
    check(0 < rate["min"] <= rate["median"] <= rate["max"], f"{rate} is not in order")
check(answer["threads"] == 1 and limits == answer["limits_one_thread"], "one thread, but two kinds of limits")
for name in ("bf16_gflops", "int8_gops", "int4_gops"):
    check(limits[name]["max"] >= limits["f32_gflops"]["max"], f"{name}: less than by widening to f32")
check(set(answer["routes"]) == {"bf16", "int8", "int4"} and all(answer["routes"].values()), "no word on how bf16 and int8 are multiplied")
check(limits["int4_gops"]["max"] >= limits["int8_gops"]["max"], "codes of 4 bits: less than by widening to 8")
for name, tiles in (("bf16_gflops", "bf16_tiles_gflops"), ("int8_gops", "int8_tiles_gops")):
    # Not with sanitizers, where many threads share few cores.
    if tiles in limits and "MARIMBA_SANITIZED" not in os.environ:
        check(limits[tiles]["max"] >= 0.9 * limits[name]["max"], f"{tiles}: less than with operands from the cache")
check(decode["regions_per_token"] == 0 and decode["regions_per_layer"] == 0, "one thread, but forks and joins")
check(answer["random_weights"], "weights came from somewhere")
check(answer["peak_rss_mib"] > 0 and answer["compile_s"] > 0, "no memory or no time")
check(prefill["tokens"] == 40 and decode["context"] == 40, "the options were not heard")

hidden, states, layers = config["hidden_size"], config["state_size"], config["num_hidden_layers"]
rank, window, vocabulary = config["time_step_rank"], config["conv_kernel"], config["vocab_size"]
inner = config["expand"] * hidden
projections = 2 * inner * hidden + (rank + 2 * states) * inner + inner * rank + hidden * inner
# Norm, A and the convolution with their biases, the bias of dt, D.
vectors = hidden + states * inner + (window + 1) * inner + 2 * inner
head = vocabulary * hidden
tokens = prefill["tokens"]

flops = 2 * (tokens * layers * projections + head)
updates = tokens * layers * inner * states
compute = flops / limits["f32_gflops"]["max"] + updates / limits["exp_gops"]["max"]
weights = 4 * (layers * (projections + vectors) + head + hidden)
prefill_bytes = weights + 4 * tokens * hidden
decode_bytes = weights + 4 * hidden + 4 * layers * inner * (states + window - 1)
bandwidth = limits["dram_read_gbps"]["max"]
near(prefill["allowed_s"] * 1e9, max(compute, prefill_bytes / bandwidth), "allowed time of prefill")
near(decode["allowed_s"] * 1e9, decode_bytes / bandwidth, "allowed time of decode")
for name in ("min", "median", "max"):
    near(prefill["efficiency"][name], prefill["allowed_s"] * prefill["tokens_per_s"][name] / tokens, name)
    near(decode["efficiency"][name], decode["allowed_s"] * decode["tokens_per_s"][name], name)

# The profile: the sum is the whole, and every op of the model has its row.
steps = {"prefill": tokens, "decode": 1}
for phase, count in steps.items():
    profile = answer["profile"][phase]
    rows = profile["rows"]
    check(profile["plain_s"] > 0, f"{phase}: no time without probes")
    near(sum(row["seconds"] for row in rows), profile["seconds"], f"{phase}: sum of the rows")
    near(sum(row["share"] for row in rows), 1, f"{phase}: sum of the shares")
    check(rows == sorted(rows, key=lambda row: -row["seconds"]), f"{phase}: rows are not in order")
    check(all(row["seconds"] >= 0 for row in rows), f"{phase}: a negative time")
    named = {(row["function"], row["op"]): row for row in rows}
    check(len(named) == len(rows), f"{phase}: an op with two rows")
    # The generated kernel of one token or many takes the residual.
    ops = "norm in_proj conv1d x_proj dt_proj readout out_proj"
    expected = {("mamba", op): layers for op in ops.split()}
    expected |= {(phase, op): 1 for op in "embeddings gather_tokens norm_f lm_head".split()}
    calls = {key: row["calls"] for key, row in named.items()}
    check(calls.pop(("", "")) == 0, f"{phase}: calls outside of all ops")
    check(calls == expected, f"{phase}: calls of each op: {calls}, expected {expected}")
    check(named["mamba", "in_proj"]["kind"] == "linear", f"{phase}: in_proj is not linear")
    scan = named["mamba", "readout"]
    joined = {"delta", "gate", "gated"}
    check(scan["kind"] == "selective_scan" and set(scan["with"]) == joined, f"{phase}: {scan}")
    check(named["mamba", "out_proj"]["with"] == ["mixer_residual"], f"{phase}: {named['mamba', 'out_proj']}")

    flops = 2 * count * 2 * inner * hidden
    moved = 4 * (2 * inner * hidden + count * (hidden + 2 * inner))
    allowed = layers * max(flops / limits["f32_gflops"]["max"], moved / bandwidth)
    near(named["mamba", "in_proj"]["allowed_s"] * 1e9, allowed, f"{phase}: in_proj")
    # Updates, the gate's exponential, the exponential and the logarithm of softplus; A, D and the state, of each token
    # u, delta, z, B, C and what comes out.
    exps = count * inner * (states + 1 + 2)
    # delta u, the skip D u, two operations each of softplus and SiLU.
    floats = count * inner * (1 + 2 + 2 + 2)
    moved = 4 * (states * inner + inner + states * inner + count * (4 * inner + 2 * states))
    computed = floats / limits["f32_gflops"]["max"] + exps / limits["exp_gops"]["max"]
    allowed = layers * max(computed, moved / bandwidth)
    if phase == "prefill":
        near(scan["allowed_s"] * 1e9, allowed, f"{phase}: readout")
    head_flops, head_bytes = 2 * head, 4 * (head + hidden + vocabulary)
    allowed = max(head_flops / limits["f32_gflops"]["max"], head_bytes / bandwidth)
    near(named[phase, "lm_head"]["allowed_s"] * 1e9, allowed, f"{phase}: lm_head")
    for row in rows:
        if "allowed_s" in row and row["seconds"]:
            near(row["efficiency"], row["allowed_s"] / row["seconds"], f"{phase}: efficiency")
