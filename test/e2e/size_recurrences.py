"""The recurrences of size_ops.py, and how an op is added to its list."""

import math

from size_cases import Op


def silu(x):
    return x / (1 + math.exp(-x))


def skip(case, gated=False):
    """D u, and by the gate: what is left of a system without states."""
    t = case.tensors
    width, values = case.sizes["D"], []
    for i, u in enumerate(t["u"].values):
        y = t["D"].values[i % width] * u
        values.append(y * silu(t["z"].values[i]) if gated else y)
    return values


def convolved(case):
    """D u and the kernel's products: a convolution without states."""
    t, s = case.tensors, case.sizes
    values, channels, length = skip(case), s["D"], s["L"]
    u, kernel = t["u"].values, t["kernel"].values
    for at in range(len(values)):
        d, time = at % channels, at // channels % s["T"]
        for j in range(time % length + 1):
            values[at] += kernel[j * channels + d] * u[at - j * channels]
    return values


def skip_heads(case):
    """D x, with a D for each head."""
    t, width = case.tensors, case.sizes["Pv"]
    return [
        t["D"].values[i // width % case.sizes["Hv"]] * x
        for i, x in enumerate(t["x"].values)
    ]


OPS = []


def add(*args, **named):
    OPS.append(Op(*args, **named))


for rule in ("euler", "zoh", "bilinear"):
    add(
        f"discretize_{rule}",
        f"discretize {rule} %delta, %A, %B, %u : {{delta}}, {{A}}, {{B}} -> {{decay}}",
        ["delta: B T D|positive", "A: N D|negative", "B: B T N", "u: B T D"],
        values=["decay: B T N D", "in: B T N D"],
        maybe="D",
        tried="" if rule == "euler" else "N D",
    )
for flag, rows in (("", "N"), (" {{complex}}", "2N")):
    name = "_complex" if flag else ""
    tried = "T N D" if flag else ""
    add(
        f"scan{name}",
        "scan %decay, %in valid(%valid : {valid}) outs(%states, %state : {states},"
        f" {{state}}){flag} : {{decay}}, {{in}} -> {{states}}, {{state}}",
        [
            f"decay: B T {rows} D",
            f"in: B T {rows} D",
            "valid: B|valid",
            f"states: B T {rows} D|output",
            f"state: B {rows} D|state",
        ],
        outs="states state",
        maybe="D" if flag else "D N",
        tried=tried,
    )
    for rule in ("zoh", "bilinear", "euler"):
        add(
            f"discretize_lti_{rule}{name}",
            f"discretize_lti {rule} %dt, %A, %B{flag} : {{dt}}, {{A}}",
            ["dt: D|positive", f"A: {rows} D", f"B: {rows} D"],
            values=[f"decay: {rows} D|small", f"gain: {rows} D"],
        )
    add(
        f"lti_powers{name}",
        f"lti_powers %in, %decay from 1{flag} : {{in}} -> {{powers}}",
        [f"in: {rows} D", f"decay: {rows} D"],
        values=[f"powers: L {rows} D"],
    )
    add(
        f"lti_kernel{name}",
        f"lti_kernel %C, %powers{flag} : {{C}}, {{powers}} -> {{kernel}}",
        [f"C: {rows} D", f"powers: L {rows} D"],
        values=["kernel: L D"],
        empty={"N": lambda case: {"kernel_out": [0.0] * 20 * case.sizes["L"]}},
    )
    add(
        f"lti_scan{name}",
        "lti_scan %u, %decay, %gain, %C skip(%D : {D}) valid(%valid : {valid})"
        f" outs(%y, %state : {{y}}, {{state}}){flag}"
        " : {u}, {decay}, {gain}, {C} -> {y}, {state}",
        [
            "u: B T D",
            f"decay: {rows} D|small",
            f"gain: {rows} D",
            f"C: {rows} D",
            "D: D|bf16" if flag else "D: D",
            "valid: B|valid",
            "y: B T D|output",
            f"state: B {rows} D|state",
        ],
        outs="y state",
        tried=tried,
        empty={} if flag else {"N": lambda case: {"y": skip(case)}},
    )
    add(
        f"long_convolution{name}",
        "long_convolution %u, %kernel, %decay, %inject, %readout skip(%D : {D})"
        f" outs(%y, %state : {{y}}, {{state}}){flag} : {{u}}, {{kernel}}, {{decay}},"
        " {inject}, {readout} -> {y}, {state}",
        [
            "u: B T D",
            "kernel: L D",
            f"decay: {rows} D|small",
            f"inject: L {rows} D",
            f"readout: L {rows} D",
            "D: D",
            "y: B T D|output",
            f"state: B {rows} D|state",
        ],
        outs="y state",
        # With tables of any numbers a block that ends early has one token.
        sizes={"T": 9},
        tried=tried and tried + " L",
        empty={"N": lambda case: {"y": convolved(case)}},
        refused={("L", 0): "L is 0, expected a block of at least one token"},
    )
add(
    "readout",
    "readout %states, %C skip(%D, %u : {D}, {u}) : {states}, {C} -> {y}",
    ["states: B T N D", "C: B T N", "D: D", "u: B T D"],
    values=["y: B T D"],
    maybe="D N",
    empty={"N": lambda case: {"y_out": skip(case)}},
)
add(
    "readout_plain",
    "readout %states, %C : {states}, {C} -> {y}",
    ["states: B T N D", "C: B T N"],
    values=["y: B T D"],
    tried="N D",
)
# Few channels: with two threads, stretches of time at once.
for name, width, tried in (("", 20, ""), ("_narrow", 8, "B T N D")):
    add(
        f"selective_scan{name}",
        "selective_scan %u, %delta, %A, %B, %C skip(%D : {D}) gate(%z : {z})"
        " valid(%valid : {valid}) outs(%y, %state : {y}, {state})"
        " : {u}, {delta}, {A}, {B}, {C} -> {y}, {state}",
        [
            "u: B T D",
            "delta: B T D|positive",
            "A: N D|negative",
            "B: B T N",
            "C: B T N",
            "D: D",
            "z: B T D",
            "valid: B|valid",
            "y: B T D|output",
            "state: B N D|state",
        ],
        outs="y state",
        maybe="D",
        sizes={"D": width},
        tried=tried,
        empty={"N": lambda case: {"y": skip(case, gated=True)}},
    )
# As a model has it: what becomes of it is the business of --no-fuse-scan.
add(
    "layer",
    "swiglu %z, %sum : {z}",
    [
        "u: B T D",
        "delta: B T D|positive",
        "A: N D|negative|weight",
        "B: B T N",
        "C: B T N",
        "D: D|weight",
        "z: B T D",
        "valid: B|valid",
        "state: B N D|state",
    ],
    values=["y: B T D"],
    types=["states: B T N D"],
    before="""%c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %batch = tensor.dim %u, %c0 : {u}
  %time = tensor.dim %u, %c1 : {u}
  %decay, %in = marimba.discretize euler %delta, %A, %B, %u
      : {delta}, {A}, {B} -> {states}
  %empty = tensor.empty({open}) : {states}
  %h, %last = marimba.scan %decay, %in valid(%valid : {valid})
      outs(%empty, %state : {states}, {state})
      : {states}, {states} -> {states}, {state}
  %sum = marimba.readout %h, %C skip(%D, %u : {D}, {u})
      : {states}, {C} -> {u}""",
    also={"state": "%last"},
    empty={"N": lambda case: {"y_out": skip(case, gated=True)}},
)
add(
    "selective_scan_softplus",
    "selective_scan %u, %delta, %A, %B, %C delta_bias(%bias : {bias})"
    " outs(%y, %state : {y}, {state}) {{delta_softplus}}"
    " : {u}, {delta}, {A}, {B}, {C} -> {y}, {state}",
    [
        "u: B T D",
        "delta: B T D",
        "A: N D|negative",
        "B: B T N",
        "C: B T N",
        "bias: D",
        "y: B T D|output",
        "state: B N D|state",
    ],
    outs="y state",
    tried="N",
    empty={"N": lambda case: {"y": [0.0] * len(case.tensors["u"].values)}},
)
add(
    "scan_summary",
    "scan_summary %u, %delta, %A, %B outs(%state, %elapsed : {state}, {elapsed})"
    " : {u}, {delta}, {A}, {B} -> {state}, {elapsed}",
    [
        "u: B T D",
        "delta: B T D|positive",
        "A: N D|negative",
        "B: B T N",
        "state: B N D|state",
        "elapsed: B D|state",
    ],
    outs="state elapsed",
    maybe="D",
)
add(
    "discretize_heads",
    "discretize_heads %delta, %A, %x : {delta}, {A}, {x} -> {g}, {v}",
    ["delta: B T Hv|positive", "A: Hv|negative", "x: B T Hv Pv"],
    values=["g: B T Hv", "v: B T Hv Pv"],
)
add(
    "log_decay",
    "log_decay %a, %A bias(%bias : {bias}) : {a}, {A}",
    ["a: B T Hv", "A: Hv|negative", "bias: Hv"],
    values=["g: B T Hv"],
)
add(
    "log_decay_channels",
    "log_decay %a, %A bias(%bias : {bias}) : {a}, {A}",
    ["a: B T Hv N", "A: Hv|negative", "bias: Hv N"],
    values=["g: B T Hv N"],
    maybe="N",
)
# Gk and Pv: G and P are those of gather_rows.
HEADS = ["q: B T Gk N", "k: B T Gk N", "x: B T Hv Pv"]
HEADS_OUT = ["y: B T Hv Pv|output", "s: B Hv N Pv|state"]
HEADS_TYPES = "outs(%y, %s : {y}, {s}){flags} : {q}, {k}, {x} -> {y}, {s}"
for name, extras, flags, operands, tried in (
    (
        "",
        "decay(%A : {A}) step(%dt : {dt}) skip(%D, %x : {D}, {x})"
        " valid(%valid : {valid})",
        "",
        ["A: Hv|negative", "dt: B T Hv|positive", "D: Hv", "valid: B|valid"],
        "",
    ),
    ("_heads", "decay(%g : {g})", "", ["g: B T Hv|negative"], "T Pv"),
    ("_constant", "decay(%g : {g})", "", ["g: Hv|negative"], "N"),
    ("_plain", "", "", [], "Pv"),
    (
        "_delta",
        "decay(%g : {g}) beta(%beta : {beta}) valid(%valid : {valid})",
        " {{scale = 0.5 : f64, delta_rule}}",
        ["g: B T Hv N|negative", "beta: B T Hv|positive", "valid: B|valid"],
        "T N Pv",
    ),
):
    nothing = {
        "": lambda case: {"y": skip_heads(case)},
    }.get(name, lambda case: {"y": [0.0] * len(case.tensors["x"].values)})
    add(
        f"linear_attention{name}",
        f"linear_attention %q, %k, %x {extras} "
        + HEADS_TYPES.replace("{flags}", flags),
        HEADS + operands + HEADS_OUT,
        outs="y s",
        tried=tried,
        empty={"N": nothing},
        refused={
            ("Gk", 0): "has 4 heads of values (Hv), expected a multiple of the 0"
            " groups of keys (G)",
        },
    )
for name, width, flag in (("", 4, ""), ("_silu", 3, " {{silu}}"), ("_wide", 37, "")):
    add(
        f"causal_conv1d{name}",
        "causal_conv1d %x, %w bias(%bias : {bias}) valid(%valid : {valid})"
        f" outs(%y, %state : {{y}}, {{state}}){flag} : {{x}}, {{w}}"
        " -> {y}, {state}",
        [
            "x: B T D",
            "w: W D",
            "bias: D",
            "valid: B|valid",
            "y: B T D|output",
            "state: B W-1 D|state",
        ],
        outs="y state",
        maybe="D",
        sizes={"W": width},
        tried="" if width == 4 else "T W",
        refused={("W", 0): "weight has width 0, expected at least 1"},
    )
