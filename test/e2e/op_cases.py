"""One function per operator of Inputs/ops: it makes an Entry of a case, or
says in a string why the dialect has no such op.

  operator(name, parameters, inputs, outputs) -> Entry, list of Entry or str

Inputs and outputs are the golden's tensors without their prefix. To add an
operator: write the function, put it into OPERATORS.
"""

import array
import math

from linear_attention_cases import delta_rule, lightning_attention, log_decay, ssd
from op_entry import Entry, tensor, tensor_type, zeros
from ssm_cases import causal_conv1d, selective_scan, short_conv, ssm_lti


def leading(value, dynamic=2):
    """At least three dimensions: [B, T, ...], as every op here takes them."""
    shape = [1] * (3 - len(value.shape)) + list(value.shape)
    return value.reshape(*shape), tensor_type(shape, dynamic=dynamic)


def rmsnorm(name, parameters, inputs, outputs):
    entry = Entry(name)
    x, type = leading(inputs["x"])
    text = f"marimba.rms_norm {entry.input('x', x, type)}"
    if "weight" in inputs:
        size = inputs["weight"].shape[0]
        own = tensor_type([size])
        text += f" weight({entry.weight('weight', inputs['weight'])} : {own})"
    flag = " {zero_centered}" if parameters.get("one_plus_weight") else ""
    y = entry.op(f"{text} eps({parameters['eps']:.9e}){flag} : {type}", "y")
    entry.result("out", y, x.shape, type)
    entry.expect("out", outputs["y"].reshape(*x.shape))
    return entry


def qk_norm(name, parameters, inputs, outputs):
    """Over each head, or over the whole projection."""
    entry = Entry(name)
    x = inputs["x"]
    shape = [1, x.shape[0], x.shape[1]]
    if parameters["over"] == "each head":
        shape[2:] = [parameters["n_heads"], parameters["head_dim"]]
    type = tensor_type(shape, dynamic=2)
    value = entry.input("x", x.reshape(*shape), type)
    weight = entry.weight("weight", inputs["weight"])
    flag = " {zero_centered}" if parameters["one_plus_weight"] else ""
    y = entry.op(
        f"marimba.rms_norm {value} weight({weight} :"
        f" {tensor_type(inputs['weight'].shape)}) eps({parameters['eps']:.9e}){flag}"
        f" : {type}",
        "y",
    )
    entry.result("out", y, shape, type)
    entry.expect("out", outputs["y"].reshape(*shape))
    return entry


def group_gated_rmsnorm(name, parameters, inputs, outputs):
    """Of x times the gate silu(z), or the gate after the norm."""
    entry = Entry(name)
    x, type = leading(inputs["x"])
    value = entry.input("x", x, type)
    z = entry.input("z", leading(inputs["z"])[0], type)
    weight = entry.weight("weight", inputs["weight"])
    own = tensor_type(inputs["weight"].shape)
    gate = entry.op(f"marimba.silu {z} : {type}", "gate")

    def gated(value):
        return entry.op(f"arith.mulf {value}, {gate} : {type}", "gated")

    first = parameters["order"] == "gate_first"
    y = entry.op(
        f"marimba.rms_norm {gated(value) if first else value} weight({weight} : {own})"
        f" groups({parameters['groups']}) eps({parameters['eps']:.9e}) : {type}",
        "normed",
    )
    entry.result("out", y if first else gated(y), x.shape, type)
    entry.expect("out", outputs["y"].reshape(*x.shape))
    return entry


def head_gated_rmsnorm(name, parameters, inputs, outputs):
    """Of each head; the gate, of z, after the norm."""
    entry = Entry(name)
    x, type = leading(inputs["x"])
    value, z = entry.input("x", x, type), entry.input("z", inputs["z"], type)
    gate = entry.op(f"marimba.{parameters['gate']} {z} : {type}", "gate")
    weight, own = inputs["weight"], tensor_type(inputs["weight"].shape)
    y = entry.op(
        f"marimba.rms_norm {value} weight({entry.weight('weight', weight)} : {own})"
        f" eps({parameters['eps']:.9e}) : {type}",
        "normed",
    )
    gated = entry.op(f"arith.mulf {y}, {gate} : {type}", "gated")
    entry.result("out", gated, x.shape, type)
    entry.expect("out", outputs["y"])
    return entry


def qk_norm(name, parameters, inputs, outputs):
    """Of queries or keys, for each head or over all of them."""
    size = parameters["head_dim"]
    shape = [1, inputs["x"].shape[0], parameters["n_heads"], size]
    if parameters["over"] == "each head":
        parts = {"x": inputs["x"].reshape(*shape), "weight": inputs["weight"]}
        return rmsnorm(name, parameters, parts, {"y": outputs["y"].reshape(*shape)})
    return rmsnorm(name, parameters, inputs, outputs)


def softmax(name, _, inputs, outputs):
    """route with as many choices as there are experts: a sorted softmax."""
    entry = Entry(name)
    x, type = leading(inputs["x"])
    size = x.shape[2]
    logits = entry.input("x", x, type)
    chosen_type = tensor_type(x.shape, "i32", dynamic=2)
    weights = entry.output("weights", x.shape, type)
    experts = entry.output("experts", x.shape, chosen_type)
    found = entry.op(
        f"marimba.route {logits} outs({weights}, {experts} : {type}, {chosen_type})"
        f" : {type} -> {type}, {chosen_type}",
        "p, e",
    )
    entry.returns(found[0], type)
    entry.returns(found[1], chosen_type)

    def unsort(sorted_values, found):
        values = [0.0] * len(sorted_values.values)
        pairs = zip(sorted_values.values, found["experts"].values)
        for i, (p, e) in enumerate(pairs):
            values[i // size * size + e] = p
        return tensor(sorted_values.shape, values)

    entry.expect("weights", outputs["y"].reshape(*x.shape), convert=unsort)
    return entry


def elementwise(name, _, inputs, outputs):
    entry = Entry(name)
    x, type = leading(inputs["x"])
    value = entry.input("x", x, type)
    for op in ("silu", "softplus"):
        y = entry.op(f"marimba.{op} {value} : {type}", f"{op}_y")
        entry.result(op, y, x.shape, type)
        entry.expect(op, outputs[op].reshape(*x.shape), each=True)
    return entry


def linear(entry, x, x_type, weight, name, result_shape):
    """x Wᵀ for a golden's weight [out, in]; the value and its type."""
    type = tensor_type(result_shape, dynamic=2)
    w = entry.weight(f"{name}_weight", weight)
    y = entry.op(
        f"marimba.linear {x}, {w} : {x_type}, {tensor_type(weight.shape)} -> {type}",
        name,
    )
    return y, type


def swiglu_mlp(name, _, inputs, outputs):
    entry = Entry(name)
    x, type = leading(inputs["x"])
    value = entry.input("x", x, type)
    inner = x.shape[:2] + [inputs["gate_proj"].shape[0]]
    gate, inner_type = linear(entry, value, type, inputs["gate_proj"], "gate", inner)
    up, _ = linear(entry, value, type, inputs["up_proj"], "up", inner)
    both = entry.op(f"marimba.swiglu {gate}, {up} : {inner_type}", "both")
    y, _ = linear(entry, both, inner_type, inputs["down_proj"], "down", x.shape)
    entry.result("out", y, x.shape, type)
    entry.expect("out", outputs["y"].reshape(*x.shape))
    return entry


def moe(name, parameters, inputs, outputs):
    """Jamba keeps the softmax over all experts; Mixtral divides by the sum of
    the chosen, which is what Granite's softmax over the chosen is, too."""
    entry = Entry(name)
    x, type = leading(inputs["x"])
    value = entry.input("x", x, type)
    count, top_k = parameters["n_experts"], parameters["top_k"]
    logits, logits_type = linear(
        entry, value, type, inputs["router"], "router", x.shape[:2] + [count]
    )
    shape = x.shape[:2] + [top_k]
    weights_type = tensor_type(shape, dynamic=2)
    experts_type = tensor_type(shape, "i32", dynamic=2)
    weights = entry.output("weights", shape, weights_type)
    experts = entry.output("experts", shape, experts_type)
    flag = " {normalize}" if parameters["order"] != "jamba" else ""
    p, e = entry.op(
        f"marimba.route {logits} outs({weights}, {experts} : {weights_type},"
        f" {experts_type}){flag} : {logits_type} -> {weights_type}, {experts_type}",
        "p, e",
    )
    entry.returns(p, weights_type)
    entry.returns(e, experts_type)
    parts = ("gate_proj", "up_proj", "down_proj")
    values = ", ".join(entry.weight(part, inputs[part]) for part in parts)
    types = ", ".join(tensor_type(inputs[part].shape) for part in parts)
    y = entry.op(
        f"marimba.experts {value}, {p}, {e}, {values}"
        f" : {type}, {weights_type}, {experts_type}, {types}",
        "y",
    )
    entry.result("out", y, x.shape, type)
    entry.expect("weights", outputs["topk_weights"].reshape(*shape))
    entry.expect("experts", outputs["topk_index"].reshape(*shape), tolerance=0)
    entry.expect("out", outputs["y"].reshape(*x.shape))
    return entry


def router(name, parameters, inputs, outputs):
    """The weights of the chosen experts; softmax or sigmoid, groups, a bias."""
    entry = Entry(name)
    x, type = leading(inputs["x"])
    value = entry.input("x", x, type)
    count, top_k = parameters["n_experts"], parameters["top_k"]
    logits, logits_type = linear(
        entry, value, type, inputs["weight"], "router", x.shape[:2] + [count]
    )
    shape = x.shape[:2] + [top_k]
    weights_type = tensor_type(shape, dynamic=2)
    experts_type = tensor_type(shape, "i32", dynamic=2)
    weights = entry.output("weights", shape, weights_type)
    experts = entry.output("experts", shape, experts_type)
    bias = ""
    if parameters["has_bias"]:
        own = tensor_type([count])
        bias = f" bias({entry.weight('bias', inputs['bias'])} : {own})"
    flags = ["sigmoid"] if parameters["kind"] == "sigmoid" else []
    if parameters["normalise"]:
        flags.append("normalize")
        if parameters["normalise_eps"]:
            flags.append(f"epsilon = {parameters['normalise_eps']:.9e} : f64")
    flags.append(f"scale = {parameters['scaling']:.9e} : f64")
    flags.append(f"groups = {parameters['n_group']} : i64")
    flags.append(f"top_groups = {parameters['topk_group']} : i64")
    p, e = entry.op(
        f"marimba.route {logits}{bias} outs({weights}, {experts} : {weights_type},"
        f" {experts_type}) {{{', '.join(flags)}}}"
        f" : {logits_type} -> {weights_type}, {experts_type}",
        "p, e",
    )
    entry.returns(p, weights_type)
    entry.returns(e, experts_type)
    entry.expect("weights", outputs["weights"].reshape(*shape))
    entry.expect("experts", outputs["index"].reshape(*shape), tolerance=0)
    return entry


def unpad(value, mask):
    """Rows of [B, T, ...] padded on the left as rows padded on the right."""
    rows, length = mask.shape
    size = len(value.values) // (rows * length)
    values = []
    for row in range(rows):
        real = list(mask.rows(row, row + 1).values)
        for t in [t for t in range(length) if real[t]]:
            at = (row * length + t) * size
            values.extend(value.values[at : at + size])
        values.extend([0] * (size * real.count(0)))
    return tensor(value.shape, values, value.values.typecode)


def cached(value, past, capacity):
    """The first `past` tokens of [B, T, Hkv, dh] as a cache [B, Hkv, C, dh]."""
    batch, _, heads, size = value.shape
    cache = zeros([batch, capacity, heads, size])
    for row in range(batch):
        own = value.rows(row, row + 1).take(1, 0, past).values
        at = row * capacity * heads * size
        cache.values[at : at + len(own)] = own if past else own[:0]
    return cache.transpose(0, 2, 1, 3)


def rotary_frequencies(theta, size):
    """theta^(-2j/size), rounded to float32 after every step."""

    def f32(value):
        return array.array("f", [value])[0]

    powers = [f32(theta ** f32(2 * j / size)) for j in range(size // 2)]
    return [f32(1.0 / power) for power in powers]


def position_table(entry, rows, frequencies, sizes):
    """Cosines and sines of `sizes` tokens from `rows` on, and their type."""
    type = tensor_type([1, 1, len(frequencies)], dynamic=2)
    empty = entry.op(f"tensor.empty({', '.join(sizes)}) : {type}", "table")
    listed = ", ".join(f"{frequency:.9e}" for frequency in frequencies)
    values = entry.op(
        f"marimba.rotary_table {rows} outs({empty}, {empty} : {type}, {type})"
        f" {{frequencies = array<f32: {listed}>}} : tensor<?xi32> -> {type}, {type}",
        "cos, sin",
    )
    return values, type


def sizes_of(entry, value, type, count):
    """The first `count` sizes of a value."""
    names = []
    for at in range(count):
        index = entry.op(f"arith.constant {at} : index", f"c{at}")
        names.append(entry.op(f"tensor.dim {value}, {index} : {type}", f"size{at}"))
    return names


def rope_table(name, parameters, inputs, outputs):
    """Each position as a row of one token. The golden's angles are float64's,
    ours and transformers' float32's, which differ where they are large: there
    only the cosine of the rounded angle can be expected."""
    entry = Entry(name)
    count = inputs["positions"].shape[0]
    past = tensor([count], inputs["positions"].values, "i")
    rows = entry.input("past", past, "tensor<?xi32>")
    sizes = sizes_of(entry, rows, "tensor<?xi32>", 1)
    sizes.append(entry.op("arith.constant 1 : index", "one"))
    frequencies = outputs["inv_freq"].values
    values, type = position_table(entry, rows, frequencies, sizes)
    shape = [count, 1, len(frequencies)]
    factor = parameters["factor_on_cos_sin"]
    angles = array.array("f", [p * f for p in past.values for f in frequencies])
    small = sum(position < 256 for position in past.values)

    def first_rows(found, _):
        return found.rows(0, small)

    for part, value in zip(("cos", "sin"), values):
        text = f"marimba.scale {value} by({factor:.17e}) : {type}"
        value = entry.op(text, f"{part}_scaled")
        out, golden = f"{part}_out", outputs[part].reshape(*shape)
        entry.result(out, value, shape, type)
        entry.expect(out, golden.rows(0, small), convert=first_rows)
        rounded = [factor * getattr(math, part)(angle) for angle in angles]
        entry.expect(out, tensor(shape, rounded, "d"), 1e-6)
    return entry


def partial_rope(name, parameters, inputs, outputs):
    entry = Entry(name)
    x, y = inputs["x"], outputs["y"]
    positions = inputs["positions"]
    batch, time = x.shape[:2]
    own = tensor_type(x.shape, dynamic=2)
    value = entry.input("x", x, own)
    starts = [positions.values[row * time] for row in range(batch)]
    rows = entry.input("past", tensor([batch], starts, "i"), "tensor<?xi32>")
    sizes = sizes_of(entry, value, own, 2)
    frequencies = inputs["inv_freq"].values
    (cos, sin), type = position_table(entry, rows, frequencies, sizes)
    memory = entry.output("out", x.shape, own)
    result = entry.op(
        f"marimba.rotary_embedding {value}, {cos}, {sin} outs({memory} : {own})"
        f" : {own}, {type}, {type} -> {own}",
        "turned",
    )
    entry.returns(result, own)
    entry.expect("out", y)
    return entry


def mrope(name, parameters, inputs, outputs):
    """Of text the three positions of a token are one."""
    positions = inputs["positions"]
    time, height, width = (
        list(positions.rows(axis, axis + 1).values) for axis in range(3)
    )
    if time != height or time != width:
        return "positions of images"
    inputs = {**inputs, "positions": positions.rows(0, 1)}
    return partial_rope(name, parameters, inputs, outputs)


def rotate(entry, parameters, rows, values):
    """Query and key, as (value, tensor, type), turned by their positions; also
    written to the outputs q_rot and k_rot."""
    pairs = parameters["rotary_dim"] // 2
    frequencies = rotary_frequencies(parameters["rope_theta"], 2 * pairs)
    value, _, own = values[0]
    sizes = sizes_of(entry, value, own, 2)
    (cos, sin), type = position_table(entry, rows, frequencies, sizes)
    turned = []
    for name, (value, golden, own) in zip(("q_rot", "k_rot"), values):
        memory = entry.output(name, golden.shape, own)
        result = entry.op(
            f"marimba.rotary_embedding {value}, {cos}, {sin} outs({memory} : {own})"
            f" : {own}, {type}, {type} -> {own}",
            f"{name}_after",
        )
        entry.returns(result, own)
        turned.append(result)
    return turned


def attention(name, parameters, inputs, outputs):
    entry = Entry(name)
    past, rope = parameters["past"], parameters["rope_theta"] is not None
    q, k, v, y = inputs["q"], inputs["k"], inputs["v"], outputs["y"]
    batch, time = q.shape[:2]
    q_rot, k_rot = outputs.get("q_rot"), outputs.get("k_rot")
    valid = [time] * batch
    if "key_mask" in inputs:
        mask = inputs["key_mask"]
        valid = [sum(mask.rows(row, row + 1).values) for row in range(batch)]
        q, k, v, y = (unpad(value, mask) for value in (q, k, v, y))
        if rope:
            q_rot, k_rot = unpad(q_rot, mask), unpad(k_rot, mask)

    def new(value):
        return value.take(1, past, past + time)

    q_type = tensor_type(q.shape, dynamic=2)
    k_type = tensor_type(new(k).shape, dynamic=2)
    query = entry.input("q", q, q_type)
    key = entry.input("k", new(k), k_type)
    value = entry.input("v", new(v), k_type)
    rows = entry.input("past", tensor([batch], [past] * batch, "i"), "tensor<?xi32>")
    real = entry.input("valid", tensor([batch], valid, "i"), "tensor<?xi32>")
    if rope:
        pair = [(query, q, q_type), (key, new(k), k_type)]
        query, key = rotate(entry, parameters, rows, pair)
    out = entry.output("out", q.shape, q_type)
    capacity = past + time + 3
    kept = k_rot.cast("f") if rope else k
    caches = [cached(t, past, capacity) for t in (kept, v)]
    c_type = f"tensor<?x{k.shape[2]}x?x{k.shape[3]}xf32>"
    keys = entry.state("key", caches[0], c_type)
    values = entry.state("value", caches[1], c_type)
    attributes = [f"scale = {parameters['scale']:.17e} : f64"]
    if parameters["window"] is not None:
        attributes.append(f"window = {parameters['window']}")
    if parameters["softcap"] is not None:
        attributes.append(f"softcap = {parameters['softcap']:.17e} : f64")
    results = entry.op(
        f"marimba.attention {query}, {key}, {value} past({rows})"
        f" valid({real} : tensor<?xi32>)\n"
        f"      outs({out}, {keys}, {values} : {q_type}, {c_type}, {c_type})"
        f" {{{', '.join(attributes)}}}\n"
        f"      : {q_type}, {k_type}, {k_type}, tensor<?xi32>"
        f" -> {q_type}, {c_type}, {c_type}",
        "y, keys_after, values_after",
    )
    for result, type in zip(results, (q_type, c_type, c_type)):
        entry.returns(result, type)

    def real_rows(found, _):
        """What stands behind the real tokens of a row is unspecified."""
        result = tensor(found.shape, found.values)
        size = len(found.values) // (batch * time)
        for row, count in enumerate(valid):
            begin, end = (row * time + count) * size, (row + 1) * time * size
            result.values[begin:end] = zeros([end - begin]).values
        return result

    entry.expect("out", y, convert=real_rows)
    if rope:
        entry.expect("q_rot", q_rot, convert=real_rows)
        entry.expect("k_rot", new(k_rot), convert=real_rows)
    return entry


OPERATORS = {
    function.__name__: function
    for function in (
        attention,
        causal_conv1d,
        elementwise,
        gated_attention,
        group_gated_rmsnorm,
        head_gated_rmsnorm,
        lightning_attention,
        moe,
        qk_norm,
        rmsnorm,
        rope_table,
        router,
        selective_scan,
        short_conv,
        softmax,
        ssd,
        ssm_lti,
        swiglu_mlp,
    )
}
OPERATORS.update(dict.fromkeys(("gdn_gate", "kda_gate"), log_decay))
OPERATORS.update(
    dict.fromkeys(("gated_delta_rule", "gated_delta_rule2", "kda"), delta_rule)
)
