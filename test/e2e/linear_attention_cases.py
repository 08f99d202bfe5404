"""Recurrences with a matrix state of Inputs/ops, for op_cases.py: Mamba-2's
(ssd), gated delta rules, Kimi's (kda) and lightning attention.

The goldens of ssd keep a state as [P, N]; all others, as the dialect, [N, P].
"""

import math

from op_entry import Entry, tensor, tensor_type, zeros
from ssm_cases import state_type, states_first, wide_type


def linear_attention(entry, queries, keys, values, inputs, extras, flags, start=None):
    """The op on (value, type) of queries, keys and values, into the output y and
    the state S."""
    batch, _, _, size = inputs[0].shape
    keys_of = inputs[1].shape[3]
    state = start or zeros([batch, inputs[0].shape[2], keys_of, size])
    kept = state_type(state.shape)
    before = entry.state("S", state, kept)
    out = entry.output("y", inputs[0].shape, values[1])
    y, last = entry.op(
        f"marimba.linear_attention {queries[0]}, {keys[0]}, {values[0]}\n     {extras}\n"
        f"      outs({out}, {before} : {values[1]}, {kept}){flags}\n"
        f"      : {queries[1]}, {keys[1]}, {values[1]} -> {values[1]}, {kept}",
        "result, last",
    )
    entry.returns(y, values[1])
    entry.returns(last, kept)


def step_of(entry, parameters, inputs):
    """softplus(dt + bias), within the limits; all cases have the softplus."""
    assert parameters["dt_softplus"]
    type, heads = wide_type(inputs["dt"].shape), tensor_type(inputs["A"].shape)
    dt = entry.input("dt", inputs["dt"], type)
    bias = entry.weight("dt_bias", inputs["dt_bias"])
    least, most = parameters["dt_limit"]
    bounds = f" min({least:.9e})" if least else ""
    bounds += f" max({most:.9e})" if most is not None else ""
    text = f"marimba.softplus {dt} bias({bias} : {heads}){bounds} : {type}"
    return entry.op(text, "delta"), type


def mamba2(fused):
    """With the step in the op, or discretised before as the importer has it."""

    def make(name, parameters, inputs, outputs):
        entry = Entry(name if fused else name + ".apart")
        wide, group = wide_type(inputs["x"].shape), wide_type(inputs["B"].shape)
        heads = tensor_type(inputs["A"].shape)
        x = entry.input("x", inputs["x"], wide)
        keys = entry.input("B", inputs["B"], group)
        queries = entry.input("C", inputs["C"], group)
        decay = entry.weight("A", inputs["A"])
        step, step_type = step_of(entry, parameters, inputs)
        skip = ""
        if "D" in inputs:
            skip = f"skip({entry.weight('D', inputs['D'])}, {x} : {heads}, {wide})"
        values = x
        extras = f"decay({decay} : {heads}) step({step} : {step_type}) {skip}"
        if not fused:
            log_decay, values = entry.op(
                f"marimba.discretize_heads {step}, {decay}, {x}"
                f" : {step_type}, {heads}, {wide} -> {step_type}, {wide}",
                "log_decay, values",
            )
            extras = f"decay({log_decay} : {step_type}) {skip}"
        shapes = (inputs["x"], inputs["B"])
        start = states_first(inputs["h0"]) if "h0" in inputs else None
        linear_attention(
            entry, (queries, group), (keys, group), (values, wide), shapes, extras, "", start
        )
        entry.result("step", step, inputs["dt"].shape, step_type)
        entry.expect("step", outputs["dt"])
        entry.expect("y", outputs["y"])
        entry.expect("S", states_first(outputs["h_last"]))
        return entry

    return make


def ssd(*case):
    return [mamba2(fused=True)(*case), mamba2(fused=False)(*case)]


def delta_rule(name, parameters, inputs, outputs):
    """Decays [B, T, H], or [B, T, H, N] of Kimi's."""
    entry = Entry(name)
    group, wide = wide_type(inputs["k"].shape), wide_type(inputs["v"].shape)
    queries = entry.input("q", inputs["q"], group)
    keys = entry.input("k", inputs["k"], group)
    values = entry.input("v", inputs["v"], wide)
    if parameters["l2norm_qk"]:
        flag = f"eps({parameters['l2_eps']:.9e}) : {group}"
        queries = entry.op(f"marimba.l2_norm {queries} {flag}", "q_normed")
        keys = entry.op(f"marimba.l2_norm {keys} {flag}", "k_normed")
    decay, beta = wide_type(inputs["g"].shape), wide_type(inputs["beta"].shape)
    extras = (
        f"decay({entry.input('g', inputs['g'], decay)} : {decay})"
        f" beta({entry.input('beta', inputs['beta'], beta)} : {beta})"
    )
    flags = f" {{scale = {parameters['scale']:.17e} : f64, delta_rule}}"
    linear_attention(
        entry,
        (queries, group),
        (keys, group),
        (values, wide),
        (inputs["v"], inputs["k"]),
        extras,
        flags,
        inputs.get("h0"),
    )
    entry.expect("y", outputs["y"])
    entry.expect("S", outputs["h_last"])
    return entry


def log_decay(name, parameters, inputs, outputs):
    """-exp(A_log) softplus(x + bias), per head or key channel."""
    if "lower_bound" in parameters:
        return "no family here has a log-decay with a lower bound"
    entry = Entry(name)
    x = inputs["a"] if "a" in inputs else inputs["f"]
    A_log, bias = inputs["A_log"], inputs["dt_bias"]
    A = tensor(A_log.shape, [-math.exp(a) for a in A_log.values])
    type, heads, own = (
        wide_type(x.shape),
        tensor_type(A.shape),
        tensor_type(bias.shape),
    )
    g = entry.op(
        f"marimba.log_decay {entry.input('x', x, type)}, {entry.weight('A', A)}"
        f" bias({entry.weight('bias', bias)} : {own}) : {type}, {heads}",
        "g",
    )
    entry.result("out", g, x.shape, type)
    entry.expect("out", outputs["g"])
    return entry


def lightning_attention(name, _, inputs, outputs):
    """One constant decay for each head: minus its slope."""
    entry = Entry(name)
    wide, heads = wide_type(inputs["v"].shape), tensor_type(inputs["slope"].shape)
    q, k, v = (entry.input(part, inputs[part], wide) for part in "qkv")
    slopes = inputs["slope"]
    decay = tensor(slopes.shape, [-slope for slope in slopes.values])
    extras = f"decay({entry.weight('decay', decay)} : {heads})"
    linear_attention(
        entry,
        (q, wide),
        (k, wide),
        (v, wide),
        (inputs["v"], inputs["k"]),
        extras,
        "",
        inputs.get("h0"),
    )
    entry.expect("y", outputs["y"])
    entry.expect("S", outputs["h_last"])
    return entry
