"""One function per operator of Inputs/ops: it makes an Entry of a case, or
says in a string why the dialect has no such op.

  operator(name, parameters, inputs, outputs) -> Entry, list of Entry or str

Inputs and outputs are the golden's tensors without their prefix. To add an
operator: write the function, put it into OPERATORS.
"""

from attention_cases import attention, gated_attention, latent_attention
from linear_attention_cases import delta_rule, lightning_attention, log_decay, ssd
from op_entry import Entry, tensor, tensor_type, zeros
from rotary_cases import mrope, partial_rope, rope_table
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


OPERATORS = {
    function.__name__: function
    for function in (
        attention,
        causal_conv1d,
        elementwise,
        gated_attention,
        group_gated_rmsnorm,
        head_gated_rmsnorm,
        latent_attention,
        lightning_attention,
        moe,
        mrope,
        partial_rope,
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
