"""The state-space operators of Inputs/ops, for op_cases.py.

The goldens keep channels before states, [D, N]; the dialect has them last,
[N, D]. A complex system holds 2N rows: real parts, then imaginary parts.
"""

from op_entry import Entry, tensor, tensor_type, zeros


def states_first(*parts):
    """[..., D, N] as [..., N, D], imaginary rows behind the real ones."""
    rank = len(parts[0].shape)
    order = [*range(rank - 2), rank - 1, rank - 2]
    turned = [part.transpose(*order) for part in parts]
    if len(turned) == 1:
        return turned[0]
    shape = turned[0].shape
    size = shape[-1] * shape[-2]
    values = []
    for at in range(0, len(turned[0].values), size):
        for part in turned:
            values.extend(part.values[at : at + size])
    shape = [*shape[:-2], 2 * shape[-2], shape[-1]]
    return tensor(shape, values, turned[0].values.typecode)


def wide_type(shape):
    """[B, T, D] of any batch and time."""
    return tensor_type(shape, dynamic=2)


def state_type(shape):
    """[B, N, D] of any batch."""
    return tensor_type(shape, dynamic=1)


def sizes(entry, value, type):
    """The first two dimensions of a value, as a list for tensor.empty."""
    names = []
    for dim in (0, 1):
        at = entry.op(f"arith.constant {dim} : index", f"c{dim}")
        names.append(entry.op(f"tensor.dim {value}, {at} : {type}", f"size{dim}"))
    return ", ".join(names)


def selective_scan_operands(entry, inputs):
    u = inputs["u"]
    batch, _, channels = u.shape
    states = inputs["A"].shape[1]
    wide = wide_type(u.shape)
    narrow = tensor_type(inputs["B"].shape, dynamic=2)
    values = {name: entry.input(name, inputs[name], wide) for name in ("u", "delta")}
    values.update({n: entry.input(n, inputs[n], narrow) for n in ("B", "C")})
    values["A"] = entry.weight("A", states_first(inputs["A"]))
    for name in ("D", "delta_bias"):
        if name in inputs:
            values[name] = entry.weight(name, inputs[name])
    if "z" in inputs:
        values["z"] = entry.input("z", inputs["z"], wide)
    start = inputs.get("h0")
    start = states_first(start) if start else zeros([batch, states, channels])
    values["state"] = entry.state("h", start, state_type(start.shape))
    return values, wide, narrow, tensor_type([states, channels])


def expect_scan(entry, outputs):
    entry.expect("y", outputs["y"])
    entry.expect("h", states_first(outputs["h_last"]))


def selective_scan_fused(name, parameters, inputs, outputs):
    """The op with everything in it."""
    entry = Entry(name)
    v, wide, narrow, matrix = selective_scan_operands(entry, inputs)
    channel = tensor_type(inputs["u"].shape[2:])
    state = state_type([0, *inputs["A"].shape[::-1]])
    extras = f" skip({v['D']} : {channel})" if "D" in v else ""
    extras += f" gate({v['z']} : {wide})" if "z" in v else ""
    if "delta_bias" in v:
        extras += f" delta_bias({v['delta_bias']} : {channel})"
    flag = " {delta_softplus}" if parameters["delta_softplus"] else ""
    out = entry.output("y", inputs["u"].shape, wide)
    y, last = entry.op(
        f"marimba.selective_scan {v['u']}, {v['delta']}, {v['A']}, {v['B']}, {v['C']}"
        f"{extras} outs({out}, {v['state']} : {wide}, {state}){flag}"
        f" : {wide}, {wide}, {matrix}, {narrow}, {narrow} -> {wide}, {state}",
        "result, last",
    )
    entry.returns(y, wide)
    entry.returns(last, state)
    expect_scan(entry, outputs)
    return entry


def selective_scan_apart(name, parameters, inputs, outputs):
    """As the paper has it, op by op: fusion is the compiler's business."""
    entry = Entry(name + ".apart")
    v, wide, narrow, matrix = selective_scan_operands(entry, inputs)
    channels = inputs["u"].shape[2]
    channel = tensor_type([channels])
    states = inputs["A"].shape[1]
    state = state_type([0, states, channels])
    all_states = tensor_type([0, 0, states, channels], dynamic=2)
    count = sizes(entry, v["u"], wide)
    delta = v["delta"]
    if "delta_bias" in v:
        empty = entry.op(f"tensor.empty({count}) : {wide}", "wide")
        delta = entry.op(
            "linalg.generic {indexing_maps = [affine_map<(b, t, d) -> (b, t, d)>,"
            " affine_map<(b, t, d) -> (d)>, affine_map<(b, t, d) -> (b, t, d)>],"
            ' iterator_types = ["parallel", "parallel", "parallel"]}'
            f" ins({delta}, {v['delta_bias']} : {wide}, {channel})"
            f" outs({empty} : {wide}) {{\n"
            "  ^bb0(%a: f32, %b: f32, %c: f32):\n"
            "    %s = arith.addf %a, %b : f32\n    linalg.yield %s : f32\n"
            f"  }} -> {wide}",
            "biased",
        )
    if parameters["delta_softplus"]:
        delta = entry.op(f"marimba.softplus {delta} : {wide}", "step")
    decay, change = entry.op(
        f"marimba.discretize euler {delta}, {v['A']}, {v['B']}, {v['u']}"
        f" : {wide}, {matrix}, {narrow} -> {all_states}",
        "decay, change",
    )
    empty = entry.op(f"tensor.empty({count}) : {all_states}", "all")
    found, last = entry.op(
        f"marimba.scan {decay}, {change}"
        f" outs({empty}, {v['state']} : {all_states}, {state})"
        f" : {all_states}, {all_states} -> {all_states}, {state}",
        "states, last",
    )
    skip = f" skip({v['D']}, {v['u']} : {channel}, {wide})" if "D" in v else ""
    y = entry.op(
        f"marimba.readout {found}, {v['C']}{skip} : {all_states}, {narrow} -> {wide}",
        "read",
    )
    if "z" in v:
        gate = entry.op(f"marimba.silu {v['z']} : {wide}", "gate")
        y = entry.op(f"arith.mulf {y}, {gate} : {wide}", "gated")
    entry.result("y", y, inputs["u"].shape, wide)
    entry.returns(last, state)
    expect_scan(entry, outputs)
    return entry


def selective_scan(*case):
    return [selective_scan_fused(*case), selective_scan_apart(*case)]


def ssm_lti_system(entry, parameters, inputs):
    """dt, the continuous system and its first state."""
    complex = parameters["complex"]
    suffixes = ("_re", "_im") if complex else ("",)

    def states(name):
        return states_first(*(inputs[name + suffix] for suffix in suffixes))

    values = {name: entry.weight(name, states(name)) for name in ("A", "B", "C")}
    values["dt"] = entry.weight("dt", inputs["dt"])
    values["D"] = entry.weight("D", inputs["D"])
    u = inputs["u"]
    rows = (2 if complex else 1) * parameters["d_state"]
    if parameters["has_h0"]:
        start = states("h0")
    else:
        start = zeros([u.shape[0], rows, u.shape[2]])
    values["state"] = entry.state("h", start, state_type(start.shape))
    values["u"] = entry.input("u", u, wide_type(u.shape))
    matrix = tensor_type([rows, u.shape[2]])
    channel = tensor_type([u.shape[2]])
    flag = " {complex}" if complex else ""
    values["decay"], values["gain"] = entry.op(
        f"marimba.discretize_lti {parameters['discretization']}"
        f" {values['dt']}, {values['A']}, {values['B']}{flag} : {channel}, {matrix}",
        "decay, gain",
    )
    return values, matrix, flag


def lti_tables(entry, v, matrix, length, flag):
    """The kernel and the powers that a convolution in blocks needs."""
    rows = matrix[len("tensor<") :]
    powers = f"tensor<{length}x{rows}"
    kernel = f"tensor<{length}x{rows.partition('x')[2]}"
    inject = entry.op(
        f"marimba.lti_powers {v['gain']}, {v['decay']} from 0{flag}"
        f" : {matrix} -> {powers}",
        f"inject{length}",
    )
    readout = entry.op(
        f"marimba.lti_powers {v['C']}, {v['decay']} from 1{flag}"
        f" : {matrix} -> {powers}",
        f"readout{length}",
    )
    k = entry.op(
        f"marimba.lti_kernel {v['C']}, {inject}{flag}"
        f" : {matrix}, {powers} -> {kernel}",
        f"kernel{length}",
    )
    return k, kernel, inject, readout, powers


def expect_lti(entry, parameters, outputs, names):
    suffixes = ("_re", "_im") if parameters["complex"] else ("",)
    for found, golden in names.items():
        parts = (outputs[golden + suffix] for suffix in suffixes)
        entry.expect(found, states_first(*parts))
    entry.expect("y", outputs["y"])


def lti_output(entry, v, inputs, matrix, flag, op, types):
    """y and the last state of an op, given as far as `skip`, and the types of
    its operands between u's and the results'."""
    u = inputs["u"]
    wide, state = wide_type(u.shape), matrix.replace("<", "<?x")
    out = entry.output("y", u.shape, wide)
    y, last = entry.op(
        f"marimba.{op} skip({v['D']} : {tensor_type(u.shape[2:])})"
        f" outs({out}, {v['state']} : {wide}, {state}){flag}"
        f" : {', '.join([wide, *types])} -> {wide}, {state}",
        "result, last",
    )
    entry.returns(y, wide)
    entry.returns(last, state)


def ssm_lti_recurrence(name, parameters, inputs, outputs):
    entry = Entry(name)
    v, matrix, flag = ssm_lti_system(entry, parameters, inputs)
    op = f"lti_scan {v['u']}, {v['decay']}, {v['gain']}, {v['C']}"
    lti_output(entry, v, inputs, matrix, flag, op, [matrix] * 3)
    shape = [int(size) for size in matrix[len("tensor<") :].split("x")[:2]]
    entry.result("Abar", v["decay"], shape, matrix)
    entry.result("Bbar", v["gain"], shape, matrix)
    names = {"h": "h_last", "Abar": "Abar", "Bbar": "Bbar"}
    expect_lti(entry, parameters, outputs, names)
    return entry


def ssm_lti_convolution(length):
    """In blocks of `length` tokens; of the whole input where that is None."""

    def make(name, parameters, inputs, outputs):
        block = length or inputs["u"].shape[1]
        entry = Entry(f"{name}.blocks{length or ''}")
        v, matrix, flag = ssm_lti_system(entry, parameters, inputs)
        k, kernel, inject, readout, powers = lti_tables(entry, v, matrix, block, flag)
        op = f"long_convolution {v['u']}, {k}, {v['decay']}, {inject}, {readout}"
        types = [kernel, matrix, powers, powers]
        lti_output(entry, v, inputs, matrix, flag, op, types)
        if not length:
            entry.result("K", k, outputs["K"].shape, kernel)
            entry.expect("K", outputs["K"])
        expect_lti(entry, parameters, outputs, {"h": "h_last"})
        return entry

    return make


# The kernel of the whole input has an unrolled triangle: short inputs only.
LONGEST_WHOLE = 21


def ssm_lti(name, parameters, inputs, outputs):
    case = (name, parameters, inputs, outputs)
    makers = [ssm_lti_recurrence, ssm_lti_convolution(4), ssm_lti_convolution(8)]
    if parameters["length"] <= LONGEST_WHOLE:
        makers.append(ssm_lti_convolution(None))
    return [make(*case) for make in makers]


def convolve(entry, value, x, parameters, inputs):
    """What comes of a convolution of `value`, which has the shape of x."""
    batch, _, channels = x.shape
    width = parameters["kernel"]
    wide = wide_type(x.shape)
    matrix = tensor_type([width, channels])
    state = state_type([0, width - 1, channels])
    weight = entry.weight("weight", states_first(inputs["weight"]))
    bias = ""
    if "bias" in inputs:
        b = entry.weight("bias", inputs["bias"])
        bias = f" bias({b} : {tensor_type([channels])})"
    start = inputs.get("state")
    start = states_first(start) if start else zeros([batch, width - 1, channels])
    before = entry.state("columns", start, state)
    empty = entry.op(
        f"tensor.empty({sizes(entry, value, wide)}) : {wide}", "convolved"
    )
    y, last = entry.op(
        f"marimba.causal_conv1d {value}, {weight}{bias}"
        f" outs({empty}, {before} : {wide}, {state})"
        f" : {wide}, {matrix} -> {wide}, {state}",
        "conv, columns_after",
    )
    if parameters["activation"] == "silu":
        y = entry.op(f"marimba.silu {y} : {wide}", "activated")
    return y, (last, state)


def causal_conv1d(name, parameters, inputs, outputs):
    entry = Entry(name)
    x = inputs["x"]
    wide = wide_type(x.shape)
    value = entry.input("x", x, wide)
    y, last = convolve(entry, value, x, parameters, inputs)
    entry.result("y", y, x.shape, wide)
    entry.returns(*last)
    entry.expect("y", outputs["y"])
    if parameters["kernel"] > 1:
        entry.expect("columns", states_first(outputs["state_last"]))
    return entry


def without_oldest(columns):
    """[B, D, W] without the first of the W, which nothing reads."""
    *shape, width = columns.shape
    values = [v for i, v in enumerate(columns.values) if i % width]
    return tensor([*shape, width - 1], values, columns.values.typecode)


def short_conv(name, parameters, inputs, outputs):
    """C conv(B x), with what the importer puts around the convolution."""
    entry = Entry(name)
    x = inputs["x"]
    wide = wide_type(x.shape)
    inputs = dict(inputs)
    if "state" in inputs:
        inputs["state"] = without_oldest(inputs["state"])
    value = entry.input("x", x, wide)
    if parameters["gated"]:
        before = entry.input("B", inputs["B"], wide)
        value = entry.op(f"arith.mulf {before}, {value} : {wide}", "Bx")
    y, last = convolve(entry, value, x, parameters, inputs)
    if parameters["gated"]:
        after = entry.input("C", inputs["C"], wide)
        y = entry.op(f"arith.mulf {after}, {y} : {wide}", "gated")
    entry.result("y", y, x.shape, wide)
    entry.returns(*last)
    entry.expect("y", outputs["y"])
    entry.expect("columns", states_first(without_oldest(outputs["state_last"])))
    return entry
