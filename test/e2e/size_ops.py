"""The ops of the dialect by the letters of their shapes (docs/reference), for
check_sizes.py: each is tried with every letter at 0 and at 1. To add an op: add
it to OPS; size_cases.py says how it is written. Recurrences: size_recurrences.py."""

from size_cases import Case
from size_recurrences import OPS, add, silu

# One token has loops of its own.
for name, extra, kept, left_open, tried, time in (
    ("", "", "f32", "B T C", "", 3),
    ("_window", ", window = 2, softcap = 5.0 : f64", "f32", "B T C", "T C", 3),
    ("_bf16", "", "bf16", "B T C", "C dh", 3),
    ("_decode", "", "f32", "B C", "B Hq dh", 1),
):
    add(
        f"attention{name}",
        "attention %q, %k, %v past(%past) valid(%valid : {valid})"
        " outs(%y, %keys, %vals : {y}, {keys}, {vals}) {{scale = 0.5 : f64"
        f"{extra}}}}} : {{q}}, {{k}}, {{v}}, {{past}} -> {{y}}, {{keys}}, {{vals}}",
        [
            "q: B T Hq dh",
            "k: B T Hkv dh",
            "v: B T Hkv dh",
            "past: B|past",
            "valid: B|valid",
            "y: B T Hq dh|output",
            f"keys: B Hkv C dh|{kept}|state",
            f"vals: B Hkv C dh|{kept}|state",
        ],
        outs="y keys vals",
        open=left_open,
        tried=tried,
        sizes={"T": time},
        refused={
            ("Hq", 0): "has 0 query heads (Hq), expected at least 1",
            ("Hkv", 0): "expected a multiple of the 0 key/value heads",
        },
    )
for name, left_open, time in (("", "B T C", 3), ("_decode", "B C", 1)):
    add(
        f"latent_attention{name}",
        "attention %q, %k past(%past) outs(%y, %keys : {y}, {keys})"
        " {{scale = 0.5 : f64}} : {q}, {k}, {past} -> {y}, {keys}",
        [
            "q: B T Hq dh",
            "k: B T Hkv dh",
            "past: B|past",
            "y: B T Hq dv|output",
            "keys: B Hkv C dh|state",
        ],
        outs="y keys",
        open=left_open,
        tried="dv",
        sizes={"T": time, "dh": 7},
    )
add(
    "rotary_table",
    "rotary_table %past outs(%cos, %sin : {cos}, {sin})"
    " {{frequencies = array<f32: 1.0, 0.5, 0.25>}} : {past} -> {cos}, {sin}",
    ["past: B|below9", "cos: B T 3|output", "sin: B T 3|output"],
    outs="cos sin",
)
add(
    "rotary_embedding",
    "rotary_embedding %x, %cos, %sin outs(%y : {y}) : {x}, {cos}, {sin} -> {y}",
    ["x: B T Hq dh", "cos: B T J", "sin: B T J", "y: B T Hq dh|output"],
    outs="y",
)
for name, flag in (("", ""), ("_normalize", " {{normalize}}")):
    add(
        f"route{name}",
        "route %logits outs(%weights, %experts : {weights}, {experts})"
        f"{flag} : {{logits}} -> {{weights}}, {{experts}}",
        ["logits: B T E", "weights: B T K|output", "experts: B T K|i32|output"],
        outs="weights experts",
        tried="E K" if flag else "",
        refused={
            ("E", 0): "chooses 2 experts (K), expected at most the 0 there are (E)",
            ("K", 0): "chooses 0 experts (K), expected at least 1",
        },
    )
add(
    "route_sigmoid",
    "route %logits bias(%bias : {bias}) outs(%weights, %experts : {weights},"
    " {experts}) {{sigmoid, normalize, epsilon = 1.0e-20 : f64, scale = 2.5 : f64,"
    " groups = 2 : i64}} : {logits} -> {weights}, {experts}",
    [
        "logits: B T E",
        "bias: E",
        "weights: B T K|output",
        "experts: B T K|i32|output",
    ],
    outs="weights experts",
    tried="B T",
)
add(
    "experts",
    "experts %x, %p, %e, %gate, %up, %down"
    " : {x}, {p}, {e}, {gate}, {up}, {down}",
    [
        "x: B T H",
        "p: B T K",
        "e: B T K|belowE",
        "gate: E I H|weight",
        "up: E I H|weight",
        "down: E H I|weight",
    ],
    values=["y: B T H"],
    refused={
        ("E", 0): "chooses 2 experts (K), expected at most the 0 there are (E)",
        ("K", 0): "chooses 0 experts (K), expected at least 1",
    },
)
add(
    "experts_relu2",
    "experts %x, %p, %e, %up, %down : {x}, {p}, {e}, {up}, {down}",
    [
        "x: B T H",
        "p: B T K",
        "e: B T K|belowE",
        "up: E I H|weight",
        "down: E H I|weight",
    ],
    values=["y: B T H"],
    tried="T H I",
)
add(
    "group_by_expert",
    "group_by_expert %experts outs(%pairs, %offsets : {pairs}, {offsets})"
    " : {experts} -> {pairs}, {offsets}",
    ["experts: R K|belowE", "pairs: R*K|i32|output", "offsets: E+1|i32|output"],
    outs="pairs offsets",
    open="R",
    refused={("E", 0): "offsets has size 1, expected at least 2: one expert more"},
)
add(
    "group_by_expert_in_order",
    "group_by_expert %experts outs(%pairs, %offsets, %order : {pairs}, {offsets},"
    " {order}) : {experts} -> {pairs}, {offsets}, {order}",
    [
        "experts: R K|belowE",
        "pairs: R*K|i32|output",
        "offsets: E+1|i32|output",
        "order: E|i32|output",
    ],
    outs="pairs offsets order",
    open="R",
    tried="R K",
)
add(
    "gather_rows",
    "gather_rows %x, %pairs outs(%y : {y}) {{top_k = 2 : i64}}"
    " : {x}, {pairs} -> {y}",
    ["x: R H", "pairs: G|belowR", "y: P H|output"],
    outs="y",
    open="R G P",
    sizes={"P": 4},
)
add(
    "scatter_add_rows",
    "scatter_add_rows %x, %pairs, %w outs(%y : {y}) {{top_k = 1 : i64}}"
    " : {x}, {pairs}, {w} -> {y}",
    ["x: G H", "pairs: G|belowR", "w: R", "y: R H|state"],
    outs="y",
    open="R G",
)
add(
    "embedding",
    "embedding %ids, %table : {ids}, {table} -> {y}",
    ["ids: B T|belowV", "table: V H|bf16|weight"],
    values=["y: B T H"],
)
add(
    "gather_tokens",
    "gather_tokens %x, %at : {x}, {at} -> {y}",
    ["x: B T H", "at: B P|belowT"],
    values=["y: B P H"],
    open="B T P",
    maybe="H",
)
add(
    "permute_channels",
    "permute_channels %x, %order : {x}, {order}",
    ["x: B T K", "order: K|belowK"],
    values=["y: B T K"],
    open="B T K",
)
for name, element in (("", "f32"), ("_bf16", "bf16")):
    add(
        f"linear{name}",
        "linear %x, %w bias(%bias : {bias}) : {x}, {w} -> {y}",
        ["x: B T in", f"w: out in|{element}|weight", "bias: out|weight"],
        values=["y: B T out"],
        tried="" if element == "f32" else "in out",
        empty={
            "in": lambda case: {
                "y_out": list(case.tensors["bias"].values)
                * (case.sizes["B"] * case.sizes["T"])
            }
        },
    )
add(
    "rms_norm",
    "rms_norm %x weight(%w : {w}) eps(1.0e-6) : {x}",
    ["x: B T H", "w: H"],
    values=["y: B T H"],
)
add(
    "rms_norm_zero_centered",
    "rms_norm %x weight(%w : {w}) eps(1.0e-6) {{zero_centered}} : {x}",
    ["x: B T H", "w: H"],
    values=["y: B T H"],
)
add(
    "l2_norm",
    "l2_norm %x eps(1.0e-6) scale(0.25) : {x}",
    ["x: B T H"],
    values=["y: B T H"],
)
add(
    "quantize_rows",
    "quantize_rows %x outs(%codes, %scales, %sums : {codes}, {scales}, {sums})"
    " : {x} -> {codes}, {scales}, {sums}",
    ["x: B T in", "codes: B T KP|i8|state", "scales: B T S|state", "sums: B T S|state"],
    outs="codes scales sums",
    tried="B T in KP",
)
for name in ("silu", "sigmoid", "relu2", "softplus", "gelu"):
    add(
        name,
        f"{name} %x : {{x}}",
        ["x: B T D"],
        values=["y: B T D"],
        maybe="D",
    )
add(
    "softplus_step",
    "softplus %x bias(%bias : {bias}) min(0.25) max(0.5) : {x}",
    ["x: B T H", "bias: H"],
    values=["y: B T H"],
    maybe="H",
)
add(
    "gelu_with_tanh",
    "gelu %x {{with_tanh}} : {x}",
    ["x: B T D"],
    values=["y: B T D"],
    maybe="D",
)
add(
    "softcap",
    "softcap %x cap(3.0) : {x}",
    ["x: B T D"],
    values=["y: B T D"],
    maybe="D",
)
add(
    "scale",
    "scale %x by(0.375) : {x}",
    ["x: B T D"],
    values=["y: B T D"],
    maybe="D",
)
add(
    "swiglu",
    "swiglu %g, %x : {g}",
    ["g: B T D", "x: B T D"],
    values=["y: B T D"],
    maybe="D",
)

#: More than registers hold, whole passes and a rest: op, letter, its size and
#: other sizes. What is unrolled here takes minutes to compile.
LARGE = [
    ("selective_scan", "N", 37, {"T": 40}),
    ("selective_scan", "N", 100, {}),
    ("selective_scan", "N", 1024, {}),
    ("selective_scan_narrow", "N", 100, {"T": 200, "B": 1}),
    ("selective_scan", "N", 4096, {}),
    ("layer", "N", 100, {"T": 40}),
    ("layer", "N", 4096, {}),
    ("scan_summary", "N", 100, {}),
    ("linear_attention", "N", 2048, {"T": 40}),
    ("linear_attention_heads", "Pv", 2048, {"T": 40}),
    ("linear_attention_delta", "N", 256, {"T": 37, "Pv": 100}),
    ("lti_scan", "N", 100, {}),
    ("lti_scan_complex", "N", 1024, {}),
    ("long_convolution", "L", 40, {"T": 81}),
    ("long_convolution_complex", "L", 200, {"T": 201, "N": 3}),
    ("causal_conv1d", "W", 16, {"T": 20}),
    ("causal_conv1d", "W", 17, {"T": 20}),
    ("causal_conv1d_silu", "W", 64, {"T": 80}),
    ("causal_conv1d", "W", 1024, {"T": 5}),
    ("attention", "dh", 1024, {}),
    ("attention_decode", "dh", 1024, {}),
    ("attention_decode", "Hq", 256, {}),
    ("rotary_embedding", "J", 1000, {"dh": 2001}),
    ("route", "E", 512, {"K": 64}),
    ("experts", "E", 512, {"K": 64}),
    ("quantize_rows", "KP", 4096, {"S": 1}),
]


def large_cases(prefixes):
    """Cases of LARGE whose ops begin so."""
    ops = {op.name: op for op in OPS}
    for name, letter, size, others in LARGE:
        if name.startswith(prefixes):
            case = Case(ops[name], letter, size, ops[name].open.split(), "")
            case.sizes.update(others)
            yield case
