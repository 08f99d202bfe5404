"""The cases of module_check_cases.py that are of upstream's ops."""

from module_check_cases import CASES, INT_MIN, case, ints, ones
from op_entry import zeros

__all__ = ["CASES"]


@case
def add(c):
    x, z = c.input("x", ones(3), 1), c.input("z", ones(3), 1)
    c.result(c.op(f"arith.addf {x}, {z} : tensor<?xf32>", "s"), [3], 1)
    c.fails({"z": ones(1)}, "argument 'z'", "argument 'x'", "is 1", "expected 3")
    c.fails({"x": ones(2), "z": ones(2)}, "argument 'y'", "is 2", "expected 3")


@case
def select(c):
    x, z = c.input("x", ones(3), 1), c.input("z", ones(3), 1)
    c.op(f"arith.cmpf olt, {x}, {z} : tensor<?xf32>", "less")
    y = c.op(f"arith.select %less, {x}, {z} : tensor<?xi1>, tensor<?xf32>", "s")
    c.result(c.op(f"math.exp {y} : tensor<?xf32>", "e"), [3], 1)
    c.fails({"z": ones(4)}, "argument 'z'", "is 4", "expected 3")


@case
def cast(c):
    x = c.input("x", ones(3, 4), 1)
    y = c.op(f"tensor.cast {x} : tensor<?x4xf32> to tensor<3x4xf32>", "s")
    c.result(y, [3, 4], 0)
    for rows_found in (0, 1, 5):
        changes = {"x": ones(rows_found, 4)}
        c.fails(changes, f"is {rows_found}, expected 3", "argument 'x'")


@case
def generic(c):
    x, row = c.input("x", ones(2, 4), 2), c.input("row", ones(4), 1)
    out = c.entry.output("y", [2, 4], "tensor<?x?xf32>")
    c.op(
        "linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>,"
        " affine_map<(a, b) -> (b)>, affine_map<(a, b) -> (a, b)>],"
        ' iterator_types = ["parallel", "parallel"]}'
        f" ins({x}, {row} : tensor<?x?xf32>, tensor<?xf32>)"
        f" outs({out} : tensor<?x?xf32>) {{\n"
        "  ^bb0(%p: f32, %q: f32, %o: f32):\n    %s = arith.addf %p, %q : f32\n"
        "    linalg.yield %s : f32\n  } -> tensor<?x?xf32>",
        "r",
    )
    c.entry.returns("%r", "tensor<?x?xf32>")
    c.fails({"row": ones(3)}, "argument 'row'", "is 3", "expected 4")
    c.fails({"y": zeros([3, 4])}, "argument 'y'", "is 3", "expected 2")


@case
def matmul(c):
    x, w = c.input("x", ones(2, 4), 2), c.input("w", ones(4, 3), 2)
    out = c.entry.output("y", [2, 3], "tensor<?x?xf32>")
    t = "tensor<?x?xf32>"
    c.op(f"linalg.matmul ins({x}, {w} : {t}, {t}) outs({out} : {t}) -> {t}", "r")
    c.entry.returns("%r", t)
    c.fails({"w": ones(5, 3)}, "argument 'w'", "is 5", "expected 4")


@case
def window(c):
    """Indices that are sums."""
    x, w = c.input("x", ones(6), 1), c.input("w", ones(3), 1)
    out, t = c.entry.output("y", [4], "tensor<?xf32>"), "tensor<?xf32>"
    c.op(f"linalg.conv_1d ins({x}, {w} : {t}, {t}) outs({out} : {t}) -> {t}", "r")
    c.entry.returns("%r", t)
    c.fails({"w": ones(4)}, "argument 'x'", "is 6", "from 0 to 6")


def index_of(c, name, value):
    """An index that comes in as a number of a tensor."""
    source = c.ids(name, ints([value]), 0)
    c.op("arith.constant 0 : index", f"{name}_0")
    c.op(f"tensor.extract {source}[%{name}_0] : tensor<1xi32>", f"{name}_i")
    return c.op(f"arith.index_cast %{name}_i : i32 to index", f"{name}_index")


@case
def slices(c):
    x = c.input("x", ones(4), 1)
    at, size, step = (index_of(c, *item) for item in (("a", 1), ("n", 2), ("s", 2)))
    y = c.op(
        f"tensor.extract_slice {x}[{at}] [{size}] [{step}]"
        " : tensor<?xf32> to tensor<?xf32>",
        "cut",
    )
    c.result(y, [2], 1)
    c.fails({"a": ints([2])}, "offset 2, size 2 and stride 2", "argument 'x'", "is 4")
    c.fails({"a": ints([-1])}, "offset -1")
    c.fails({"n": ints([-1])}, "size -1")
    c.fails({"s": ints([0])}, "stride 0")
    c.fails({"s": ints([2**31 - 1])}, "stride 2147483647")
    c.fails({"n": ints([1])}, "argument 'y'", "is 1", "expected 2")


@case
def inserts(c):
    x, t = c.input("x", ones(2), 1), "tensor<?xf32>"
    out, at = c.entry.output("y", [4], t), index_of(c, "a", 1)
    c.op("arith.constant 2 : index", "two")
    c.op(f"tensor.insert_slice {x} into {out}[{at}] [%two] [1] : {t} into {t}", "r")
    c.entry.returns("%r", t)
    c.fails({"a": ints([3])}, "offset 3, size 2")
    c.fails({"x": ones(3)}, "argument 'x'", "is 3", "expected 2")


@case
def elements(c):
    x, at = c.input("x", ones(4), 1), index_of(c, "a", 1)
    out = c.entry.output("y", [4], "tensor<?xf32>")
    c.op(f"tensor.extract {x}[{at}] : tensor<?xf32>", "v")
    to = index_of(c, "b", 1)
    c.op(f"tensor.insert %v into {out}[{to}] : tensor<?xf32>", "r")
    c.entry.returns("%r", "tensor<?xf32>")
    for name in "ab":
        c.fails({name: ints([4])}, "index #0 is 4", "less than 4")
        c.fails({name: ints([-1])}, "index #0 is -1")


@case
def gather(c):
    """An index inside of a linalg.generic."""
    x, ids = c.input("x", ones(4), 1), c.ids("ids", ints([3, 0, 1]))
    out = c.entry.output("y", [3], "tensor<?xf32>")
    c.op(
        "linalg.generic {indexing_maps = [affine_map<(a) -> (a)>,"
        ' affine_map<(a) -> (a)>], iterator_types = ["parallel"]}'
        f" ins({ids} : tensor<?xi32>) outs({out} : tensor<?xf32>) {{\n"
        "  ^bb0(%p: i32, %o: f32):\n    %q = arith.index_cast %p : i32 to index\n"
        f"    %s = tensor.extract {x}[%q] : tensor<?xf32>\n"
        "    linalg.yield %s : f32\n  } -> tensor<?xf32>",
        "r",
    )
    c.entry.returns("%r", "tensor<?xf32>")
    c.fails({"ids": ints([3, 0, 4])}, "index #0 is 4")
    c.fails({"ids": ints([3, -1, 0])}, "index #0 is -1")


@case
def shapes(c):
    x, n = c.input("x", ones(6), 1), index_of(c, "n", 2)
    t = "tensor<?x3xf32>"
    y = c.op(
        f"tensor.expand_shape {x} [[0, 1]] output_shape [{n}, 3]"
        f" : tensor<?xf32> into {t}",
        "wide",
    )
    c.result(y, [2, 3], 1)
    c.fails({"n": ints([3])}, "is 9, expected 6", "argument 'x'")
    c.fails({"x": ones(7)}, "is 6, expected 7")
    c.fails({"n": ints([-2])}, "expected 6")


@case
def divisions(c):
    x, z = c.ids("x", ints([7, 8])), c.ids("z", ints([2, 3]))
    c.op(f"arith.divsi {x}, {z} : tensor<?xi32>", "q")
    d = index_of(c, "d", 3)
    c.op(f"arith.remui %d_index, {d} : index", "rest")
    c.op("arith.index_cast %rest : index to i32", "rest32")
    c.op("tensor.from_elements %rest32 : tensor<1xi32>", "one")
    c.result("%q", [2], 1, element="i32")
    c.result("%one", [1], 0, name="rest_of_d", element="i32")
    c.fails({"z": ints([2, 0])}, "divides 8 by 0")
    c.fails({"x": ints([INT_MIN, 1]), "z": ints([-1, 1])}, f"divides {INT_MIN} by -1")
    c.fails({"d": ints([0])}, "divides 0 by 0")


@case
def loops(c):
    step = index_of(c, "step", 1)
    out = c.entry.output("y", [4], "tensor<?xf32>")
    c.op("arith.constant 0 : index", "zero")
    c.op("arith.constant 4 : index", "four")
    c.op("arith.constant 1.0 : f32", "one")
    c.op(
        f"scf.for %i = %zero to %four step {step} iter_args(%acc = {out})"
        " -> (tensor<?xf32>) {\n"
        "    %next = tensor.insert %one into %acc[%i] : tensor<?xf32>\n"
        "    scf.yield %next : tensor<?xf32>\n  }",
        "r",
    )
    c.entry.returns("%r", "tensor<?xf32>")
    c.fails({"step": ints([0])}, "the step of a loop is 0")
    c.fails({"step": ints([-1])}, "the step of a loop is -1")
    c.fails({"y": zeros([3])}, "index #0 is 3", "less than 3")


@case
def parallel(c):
    """A check that fails on a thread of the team."""
    x, n = c.input("x", ones(64), 1), index_of(c, "n", 64)
    out = c.entry.output("y", [64], "tensor<?xf32>")
    c.op(
        f"scf.forall (%i) in ({n}) shared_outs(%o = {out}) -> (tensor<?xf32>) {{\n"
        f"    %v = tensor.extract {x}[%i] : tensor<?xf32>\n"
        "    %e = tensor.from_elements %v : tensor<1xf32>\n"
        "    scf.forall.in_parallel {\n"
        "      tensor.parallel_insert_slice %e into %o[%i] [1] [1]"
        " : tensor<1xf32> into tensor<?xf32>\n    }\n  }",
        "r",
    )
    c.entry.returns("%r", "tensor<?xf32>")
    c.fails({"x": ones(63)}, "index #0 is 63", "argument 'x'")
    c.fails({"y": zeros([60])}, "size 1 and stride 1 leave the tensor", "argument 'y'")


@case
def scratch(c):
    """Sizes of tensors that the code makes for itself."""
    x, n = c.input("x", ones(4), 1), index_of(c, "n", 4)
    m = index_of(c, "m", 1)
    c.op("arith.constant 0.5 : f32", "half")
    c.op("arith.constant 0 : index", "zero")
    c.op(f"tensor.empty({n}, {m}) : tensor<?x?xf32>", "e")
    c.op(
        "linalg.fill ins(%half : f32) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>",
        "full",
    )
    at = index_of(c, "at", 0)
    c.op(f"tensor.insert %half into %full[{at}, %zero] : tensor<?x?xf32>", "other")
    c.op("tensor.extract %other[%zero, %zero] : tensor<?x?xf32>", "v")
    out = c.entry.output("y", [4], "tensor<?xf32>")
    c.op(f"tensor.insert %v into {out}[%zero] : tensor<?xf32>", "r")
    c.entry.returns("%r", "tensor<?xf32>")
    c.fails({"n": ints([-1])}, "a size is -1")
    big = ints([2**31 - 1])
    c.fails({"n": big, "m": big}, "no room for scratch", "2147483647, 2147483647")
    c.fails({"at": ints([4])}, "index #0 is 4")
