"""One function per operator of Inputs/ops: it makes an Entry of a case, or
says in a string why the dialect has no such op.

  operator(name, parameters, inputs, outputs) -> Entry, list of Entry or str

Inputs and outputs are the golden's tensors without their prefix. To add an
operator: write the function, put it into OPERATORS.
"""

from ssm_cases import causal_conv1d, selective_scan, ssm_lti

from op_entry import Entry, tensor, tensor_type, zeros


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
        weight = entry.weight("weight", inputs["weight"])
        if parameters.get("one_plus_weight"):
            one = entry.op(f"arith.constant dense<1.0> : {own}", "one")
            weight = entry.op(f"arith.addf {weight}, {one} : {own}", "one_plus")
        text += f" weight({weight} : {own})"
    y = entry.op(f"{text} eps({parameters['eps']:.9e}) : {type}", "y")
    entry.result("out", y, x.shape, type)
    entry.expect("out", outputs["y"].reshape(*x.shape))
    return entry


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


def attention(name, parameters, inputs, outputs):
    for field in ("rope_theta", "window", "softcap"):
        if parameters[field] is not None:
            return f"marimba.attention has no {field}"
    entry = Entry(name)
    past = parameters["past"]
    q, k, v, y = inputs["q"], inputs["k"], inputs["v"], outputs["y"]
    batch, time = q.shape[:2]
    valid = [time] * batch
    if "key_mask" in inputs:
        mask = inputs["key_mask"]
        valid = [sum(mask.rows(row, row + 1).values) for row in range(batch)]
        q, k, v, y = (unpad(value, mask) for value in (q, k, v, y))

    new = [t.take(1, past, past + time) for t in (k, v)]
    q_type = tensor_type(q.shape, dynamic=2)
    k_type = tensor_type(new[0].shape, dynamic=2)
    query = entry.input("q", q, q_type)
    key = entry.input("k", new[0], k_type)
    value = entry.input("v", new[1], k_type)
    rows = entry.input("past", tensor([batch], [past] * batch, "i"), "tensor<?xi32>")
    real = entry.input("valid", tensor([batch], valid, "i"), "tensor<?xi32>")
    out = entry.output("out", q.shape, q_type)
    caches = [cached(t, past, past + time + 3) for t in (k, v)]
    c_type = tensor_type(caches[0].shape).replace(
        f"<{batch}x{k.shape[2]}x{past + time + 3}x", f"<?x{k.shape[2]}x?x"
    )
    keys = entry.state("key", caches[0], c_type)
    values = entry.state("value", caches[1], c_type)
    names = entry.op(
        f"marimba.attention {query}, {key}, {value} past({rows})"
        f" valid({real} : tensor<?xi32>)\n"
        f"      outs({out}, {keys}, {values} : {q_type}, {c_type}, {c_type})"
        f" {{scale = {parameters['scale']:.17e} : f64}}\n"
        f"      : {q_type}, {k_type}, {k_type}, tensor<?xi32>"
        f" -> {q_type}, {c_type}, {c_type}",
        "y, keys_after, values_after",
    )
    for result, type in zip(names, (q_type, c_type, c_type)):
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
    return entry


OPERATORS = {
    function.__name__: function
    for function in (
        attention,
        causal_conv1d,
        elementwise,
        moe,
        rmsnorm,
        selective_scan,
        softmax,
        ssm_lti,
        swiglu_mlp,
    )
}
