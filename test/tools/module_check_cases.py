"""Entries whose inputs have to fit together, and inputs that do not: what
check_module_checks.py calls, and what the message has to say. These are of the
dialect's ops; module_check_upstream.py has those of upstream."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
from op_entry import Entry, tensor, tensor_type, zeros

INT_MIN = -(2**31)


def ones(*shape):
    return tensor(shape, [1] * len(zeros(shape).values))


def ints(values, *shape):
    return tensor(shape or [len(values)], values, "i")


class Case:
    """An entry, built line by line, and its bad inputs: for each the tensors that
    are other ones, and parts of the message."""

    def __init__(self, name):
        self.entry, self.bad = Entry(name), []

    def input(self, name, value, dynamic, element="f32"):
        type = tensor_type(value.shape, element, dynamic)
        return self.entry.input(name, value, type)

    def ids(self, name, value, dynamic=None):
        dynamic = len(value.shape) if dynamic is None else dynamic
        return self.input(name, value, dynamic, "i32")

    def state(self, name, value, type):
        return self.entry.state(name, value, type)

    def op(self, text, result=None):
        return self.entry.op(text, result)

    def result(self, value, shape, dynamic, name="y", element="f32"):
        type = tensor_type(shape, element, dynamic)
        self.entry.result(name, value, shape, type)

    def fails(self, changes, *wanted):
        self.bad.append((changes, wanted))
        return self


CASES = []


def case(build):
    made = Case(build.__name__)
    build(made)
    CASES.append(made)


def empty(c, source, type, dims, name):
    """A new tensor with the sizes `dims` of a value."""
    sizes = []
    for dim in dims:
        c.op(f"arith.constant {dim} : index", f"{name}_{dim}")
        c.op(f"tensor.dim {source}, %{name}_{dim} : {type[0]}", f"{name}_size{dim}")
        sizes.append(f"%{name}_size{dim}")
    return c.op(f"tensor.empty({', '.join(sizes)}) : {type[1]}", name)


@case
def scan(c):
    """discretize, scan and readout, which fuse."""
    u = c.input("u", ones(2, 3, 4), 2)
    dt = c.input("dt", ones(2, 3, 4), 2)
    b, cc = c.input("B", ones(2, 3, 5), 2), c.input("C", ones(2, 3, 5), 2)
    a = c.input("A", ones(5, 4), 0)
    valid = c.ids("valid", ints([3, 3]))
    kind, states = "tensor<?x5x4xf32>", "tensor<?x?x5x4xf32>"
    x, bc = "tensor<?x?x4xf32>", "tensor<?x?x5xf32>"
    h = c.state("h", zeros([2, 5, 4]), kind)
    c.op(
        f"marimba.discretize euler {dt}, {a}, {b}, {u}"
        f" : {x}, tensor<5x4xf32>, {bc} -> {states}",
        "decay, gain",
    )
    e = empty(c, u, (x, states), (0, 1), "e")
    c.op(
        f"marimba.scan %decay, %gain valid({valid} : tensor<?xi32>)"
        f" outs({e}, {h} : {states}, {kind}) : {states}, {states}"
        f" -> {states}, {kind}",
        "all, last",
    )
    y = c.op(f"marimba.readout %all, {cc} : {states}, {bc} -> {x}", "read")
    c.result(y, [2, 3, 4], 2)
    c.entry.returns("%last", kind)
    c.fails({"B": ones(1, 1, 5)}, "argument 'B'", "argument 'dt'", "is 1", "expected 2")
    c.fails({"u": ones(2, 1, 4)}, "argument 'u'", "argument 'dt'")
    c.fails({"C": ones(2, 9, 5)}, "argument 'C'", "is 9", "expected 3")
    c.fails({"h": zeros([1, 5, 4])}, "argument 'h'", "is 1", "expected 2")
    c.fails({"valid": ints([3])}, "argument 'valid'", "is 1", "expected 2")
    c.fails({"valid": ints([3, 4])}, "valid[1] is 4", "less than 4", "T is")
    c.fails({"valid": ints([-1, 3])}, "valid[0] is -1")


@case
def lti(c):
    u, valid = c.input("u", ones(2, 3, 4), 2), c.ids("valid", ints([3, 2]))
    n = "tensor<5x4xf32>"
    rows = [c.input(name, ones(5, 4), 0) for name in ("decay", "gain", "C")]
    h = c.state("h", zeros([2, 5, 4]), "tensor<?x5x4xf32>")
    out = c.entry.output("y", [2, 3, 4], "tensor<?x?x4xf32>")
    c.op(
        f"marimba.lti_scan {u}, {', '.join(rows)} valid({valid} : tensor<?xi32>)"
        f" outs({out}, {h} : tensor<?x?x4xf32>, tensor<?x5x4xf32>)"
        f" : tensor<?x?x4xf32>, {n}, {n}, {n}"
        " -> tensor<?x?x4xf32>, tensor<?x5x4xf32>",
        "r, last",
    )
    c.entry.returns("%r", "tensor<?x?x4xf32>")
    c.entry.returns("%last", "tensor<?x5x4xf32>")
    c.fails({"y": zeros([2, 2, 4])}, "argument 'y'", "is 2", "expected 3")
    c.fails({"h": zeros([3, 5, 4])}, "argument 'h'", "is 3", "expected 2")
    c.fails({"valid": ints([3, 2**31 - 1])}, "valid[1] is 2147483647")


@case
def conv(c):
    x, w = c.input("x", ones(2, 3, 4), 2), c.input("w", ones(4, 4), 0)
    kept = "tensor<?x3x4xf32>"
    state = c.state("s", zeros([2, 3, 4]), kept)
    out = c.entry.output("y", [2, 3, 4], "tensor<?x?x4xf32>")
    t = "tensor<?x?x4xf32>"
    c.op(
        f"marimba.causal_conv1d {x}, {w} outs({out}, {state} : {t}, {kept})"
        f" : {t}, tensor<4x4xf32> -> {t}, {kept}",
        "r, last",
    )
    c.entry.returns("%r", t)
    c.entry.returns("%last", kept)
    c.fails({"s": zeros([1, 3, 4])}, "argument 's'", "is 1", "expected 2")


@case
def embedding(c):
    ids, table = c.ids("ids", ints([0, 7], 1, 2)), c.input("E", ones(8, 4), 0)
    y = c.op(
        f"marimba.embedding {ids}, {table} : tensor<?x?xi32>, tensor<8x4xf32>"
        " -> tensor<?x?x4xf32>",
        "x",
    )
    c.result(y, [1, 2, 4], 2)
    for bad in (8, -1, 10**8, INT_MIN):
        c.fails({"ids": ints([0, bad], 1, 2)}, f"ids[0, 1] is {bad}", "less than 8")
    c.fails({"y": zeros([1, 3, 4])}, "is 2", "expected 3", "argument 'y'")


@case
def open_table(c):
    """A table whose rows are not known before."""
    ids, table = c.ids("ids", ints([0, 7], 1, 2)), c.input("E", ones(8, 4), 2)
    y = c.op(
        f"marimba.embedding {ids}, {table} : tensor<?x?xi32>, tensor<?x?xf32>"
        " -> tensor<?x?x4xf32>",
        "x",
    )
    c.result(y, [1, 2, 4], 2)
    c.fails({"E": ones(7, 4)}, "ids[0, 1] is 7", "less than 7", "argument 'E'")
    c.fails({"E": ones(8, 5)}, "argument 'E'", "is 5", "expected 4")


@case
def gather_tokens(c):
    x, at = c.input("x", ones(1, 3, 4), 2), c.ids("at", ints([2], 1, 1))
    y = c.op(
        f"marimba.gather_tokens {x}, {at} : tensor<?x?x4xf32>, tensor<?x?xi32>"
        " -> tensor<?x?x4xf32>",
        "g",
    )
    c.result(y, [1, 1, 4], 2)
    c.fails({"at": ints([3], 1, 1)}, "positions[0, 0] is 3", "less than 3")
    c.fails({"at": ints([-1], 1, 1)}, "positions[0, 0] is -1")
    c.fails({"at": ints([0, 0], 2, 1)}, "argument 'at'", "is 2", "expected 1")


@case
def permute_channels(c):
    x, order = c.input("x", ones(1, 3, 4), 2), c.ids("order", ints([2, 0, 3, 1], 4), 0)
    y = c.op(f"marimba.permute_channels {x}, {order} : tensor<?x?x4xf32>, tensor<4xi32>", "p")
    c.result(y, [1, 3, 4], 2)
    c.fails({"order": ints([2, 0, 4, 1], 4)}, "order[2] is 4", "less than 4")
    c.fails({"order": ints([2, 0, -1, 1], 4)}, "order[2] is -1")


@case
def attention(c):
    q, kv, cache = "tensor<?x?x2x8xf32>", "tensor<?x?x1x8xf32>", "tensor<?x1x?x8xf32>"
    x = c.input("q", ones(1, 2, 2, 8), 2)
    k, v = c.input("k", ones(1, 2, 1, 8), 2), c.input("v", ones(1, 2, 1, 8), 2)
    past, valid = c.ids("past", ints([1])), c.ids("valid", ints([2]))
    k0 = c.state("key", zeros([1, 1, 4, 8]), cache)
    v0 = c.state("value", zeros([1, 1, 4, 8]), cache)
    out = c.entry.output("y", [1, 2, 2, 8], q)
    c.op(
        f"marimba.attention {x}, {k}, {v} past({past}) valid({valid} : tensor<?xi32>)"
        f" outs({out}, {k0}, {v0} : {q}, {cache}, {cache}) {{scale = 0.5 : f64}}"
        f" : {q}, {kv}, {kv}, tensor<?xi32> -> {q}, {cache}, {cache}",
        "r, k1, v1",
    )
    for value, type in (("%r", q), ("%k1", cache), ("%v1", cache)):
        c.entry.returns(value, type)
    c.fails({"past": ints([3])}, "past[0] is 3 with 2 more tokens", "less than 5")
    c.fails({"past": ints([-1])}, "past[0] is -1")
    c.fails({"valid": ints([3])}, "valid[0] is 3")
    c.fails({"value": zeros([1, 1, 3, 8])}, "'value'", "is 3", "expected 4", "'key'")
    c.fails({"k": ones(1, 1, 1, 8)}, "argument 'k'", "is 1", "expected 2")
    c.fails({"past": ints([1, 1])}, "argument 'past'", "is 2", "expected 1")


@case
def rotary(c):
    past, t = c.ids("past", ints([1, 2])), "tensor<?x?x2xf32>"
    x = c.input("x", ones(2, 3, 1, 8), 2)
    cos, sin = c.input("cos", ones(2, 3, 2), 2), c.entry.output("sin", [2, 3, 2], t)
    c.op(
        f"marimba.rotary_table {past} outs({cos}, {sin} : {t}, {t})"
        f" {{frequencies = array<f32: 1.0, 0.5>}} : tensor<?xi32> -> {t}, {t}",
        "a, b",
    )
    e = empty(c, x, ("tensor<?x?x1x8xf32>", "tensor<?x?x1x8xf32>"), (0, 1), "e")
    y = c.op(
        f"marimba.rotary_embedding {x}, %a, %b outs({e} : tensor<?x?x1x8xf32>)"
        f" : tensor<?x?x1x8xf32>, {t}, {t} -> tensor<?x?x1x8xf32>",
        "turned",
    )
    c.result(y, [2, 3, 1, 8], 2)
    c.entry.returns("%b", t)
    c.fails({"past": ints([1])}, "argument 'past'", "expected 1", "is 2")
    c.fails({"x": ones(2, 1, 1, 8)}, "argument 'x'", "is 3", "expected 1")


@case
def experts(c):
    x, t = c.input("x", ones(1, 2, 4), 2), "tensor<?x?x4xf32>"
    w, e = c.input("w", ones(1, 2, 2), 2), c.ids("e", ints([0, 2, 1, 0], 1, 2, 2), 2)
    gate, down = c.input("gate", ones(3, 8, 4), 0), c.input("down", ones(3, 4, 8), 0)
    y = c.op(
        f"marimba.experts {x}, {w}, {e}, {gate}, {gate}, {down} : {t},"
        " tensor<?x?x2xf32>, tensor<?x?x2xi32>, tensor<3x8x4xf32>,"
        " tensor<3x8x4xf32>, tensor<3x4x8xf32>",
        "r",
    )
    c.result(y, [1, 2, 4], 2)
    c.fails({"e": ints([0, 2, 3, 0], 1, 2, 2)}, "experts[0, 1, 0] is 3", "less than 3")
    c.fails({"e": ints([-1, 2, 1, 0], 1, 2, 2)}, "experts[0, 0, 0] is -1")
    c.fails({"w": ones(1, 1, 2)}, "argument 'w'", "is 1", "expected 2")


@case
def rows(c):
    """What `experts` becomes."""
    x, pairs = c.input("x", ones(2, 4), 1), c.ids("pairs", ints([0, 3]))
    weights = c.input("w", ones(4), 1)
    out = c.entry.output("y", [2, 4], "tensor<?x4xf32>")
    c.op("arith.constant 0 : index", "zero")
    c.op(f"tensor.dim {pairs}, %zero : tensor<?xi32>", "n")
    c.op("tensor.empty(%n) : tensor<?x4xf32>", "room")
    c.op(
        f"marimba.gather_rows {x}, {pairs} outs(%room : tensor<?x4xf32>)"
        " {top_k = 2 : i64} : tensor<?x4xf32>, tensor<?xi32> -> tensor<?x4xf32>",
        "group",
    )
    c.op(
        f"marimba.scatter_add_rows %group, {pairs}, {weights}"
        f" outs({out} : tensor<?x4xf32>) {{top_k = 2 : i64}}"
        " : tensor<?x4xf32>, tensor<?xi32>, tensor<?xf32> -> tensor<?x4xf32>",
        "sum",
    )
    c.entry.returns("%sum", "tensor<?x4xf32>")
    c.fails({"pairs": ints([0, 4])}, "pairs[1] is 4", "less than 4")
    c.fails({"pairs": ints([-2, 0])}, "pairs[0] is -2")
    c.fails({"w": ones(3)}, "argument 'w'", "(R*K)", "is 3", "expected 4")


@case
def groups(c):
    e = c.ids("e", ints([0, 2, 1, 0], 2, 2), 1)
    pairs = c.entry.output("pairs", [4], "tensor<?xi32>")
    offsets = c.entry.output("offsets", [4], "tensor<?xi32>")
    c.op(
        f"marimba.group_by_expert {e} outs({pairs}, {offsets} : tensor<?xi32>,"
        " tensor<?xi32>) : tensor<?x2xi32> -> tensor<?xi32>, tensor<?xi32>",
        "p, o",
    )
    c.entry.returns("%p", "tensor<?xi32>")
    c.entry.returns("%o", "tensor<?xi32>")
    c.fails({"e": ints([0, 3, 1, 0], 2, 2)}, "experts[0, 1] is 3", "less than 3")
    c.fails({"pairs": zeros([3], "i")}, "(R*K)", "is 3", "expected 4")


@case
def linear(c):
    x, w = c.input("x", ones(2, 4), 2), c.input("w", ones(3, 4), 2)
    b = c.input("b", ones(3), 1)
    y = c.op(
        f"marimba.linear {x}, {w} bias({b} : tensor<?xf32>)"
        " : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?xf32>",
        "r",
    )
    c.result(y, [2, 3], 2)
    c.fails({"w": ones(3, 5)}, "argument 'w'", "(in)", "is 5", "expected 4")
    c.fails({"b": ones(4)}, "argument 'b'", "(out)", "is 4", "expected 3")


@case
def norm(c):
    x, w = c.input("x", ones(2, 4), 1), c.input("w", ones(4), 1)
    t = "tensor<?x4xf32>"
    c.op(f"marimba.rms_norm {x} weight({w} : tensor<?xf32>) eps(1.0e-6) : {t}", "n")
    gate, up = c.input("gate", ones(2, 4), 1), "%n"
    c.result(c.op(f"marimba.swiglu {gate}, {up} : {t}", "r"), [2, 4], 1)
    c.fails({"w": ones(5)}, "argument 'w'", "(H)", "is 5", "expected 4")
    c.fails({"gate": ones(3, 4)}, "argument 'x'", "is 2", "expected 3")


@case
def quantized(c):
    stored = "tensor<64x64xi8, #marimba.quantized<group 64, scale f32>>"
    codes = c.input("w", tensor([4352], [0] * 4352, "b"), 0, "i8")
    ids = c.ids("ids", ints([0, 63], 1, 2))
    first = c.ids("first", ints([0]), 0)
    c.op("arith.constant 0 : index", "zero")
    c.op(f"tensor.extract {first}[%zero] : tensor<1xi32>", "f")
    c.op("arith.index_cast %f : i32 to index", "at")
    out = c.entry.output("y", [1, 2, 64], "tensor<?x?x64xf32>")
    tile = c.entry.output("tile", [64, 64], "tensor<64x64xf32>")
    c.op(
        f"marimba.quantized_embedding {ids}, {codes} as {stored}"
        f" outs({out} : tensor<?x?x64xf32>) : tensor<?x?xi32>, tensor<4352xi8>"
        " -> tensor<?x?x64xf32>",
        "r",
    )
    c.op(
        f"marimba.dequantize {codes} from %at as {stored}"
        f" outs({tile} : tensor<64x64xf32>) : tensor<4352xi8> -> tensor<64x64xf32>",
        "d",
    )
    c.entry.returns("%r", "tensor<?x?x64xf32>")
    c.entry.returns("%d", "tensor<64x64xf32>")
    c.fails({"ids": ints([0, 64], 1, 2)}, "ids[0, 1] is 64", "less than 64")
    c.fails({"first": ints([64])}, "first is 64", "less than 1", "a multiple of 64")
    c.fails({"first": ints([-64])}, "first is -64")
