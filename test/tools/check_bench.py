#!/usr/bin/env python3
"""check_bench.py ANSWER CONFIG: holds `marimba bench --json` of a Mamba against a count by hand."""

import json
import math
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
rates = [limits[name] for name in ("f32_gflops", "bf16_gflops", "int8_gops", "dram_read_gbps", "exp_gops")]
rates += [prefill["tokens_per_s"], prefill["efficiency"]]
rates += [decode["tokens_per_s"], decode["weight_gbps"], decode["efficiency"]]
for rate in rates:
    check(0 < rate["min"] <= rate["median"] <= rate["max"], f"{rate} is not in order")
check(answer["threads"] == 1 and limits == answer["limits_one_thread"], "one thread, but two kinds of limits")
for name in ("bf16_gflops", "int8_gops"):
    check(limits[name]["max"] >= limits["f32_gflops"]["max"], f"{name}: less than by widening to f32")
check(set(answer["routes"]) == {"bf16", "int8"} and all(answer["routes"].values()), "no word on how bf16 and int8 are multiplied")
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
