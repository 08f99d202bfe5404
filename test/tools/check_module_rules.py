#!/usr/bin/env python3
"""Modules written by hand that cannot be compiled: one error, with file, line and
column, from `compile` and from `execute` alike, and nothing written.

  check_module_rules.py MARIMBA WORK

A case is the text of a module and what the message says; `<>` in the text is the
place that the message names, and is taken out.
"""

import array
import os
import subprocess
import sys

from checker import Checker, run_cases

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
import compare

SECONDS = 60


def entry(arguments, body="", results=None, returned="", name="prefill", head=""):
    """A function that is an entry."""
    arrow = f" -> {results}" if results else ""
    return (
        f"{head}func.func @f({arguments}){arrow}"
        f' attributes {{marimba.entry = "{name}"}} {{\n{body}'
        f"  return {returned}\n}}\n"
    )


def one(argument, **more):
    """An entry with a good output and one other argument."""
    good = '%o: tensor<4xf32> {marimba.output = "y"}'
    return entry(argument + ", " + good, **more)


def typed(type):
    return one(f'<>%x: {type} {{marimba.input = "x"}}')


WANTED = "expected a tensor of f32, f16, bf16, i32, i64 or i8"
NUMBER = "expected a ranked tensor or a number"
ELEMENTS = "expected elements of i1 to i64, index, f16, bf16, f32 or f64"
F = '%x: tensor<4xf32> {marimba.input = "x"}'
WEIGHT = 'marimba.weight @W : tensor<4xf32> from ["W"]\n'
DERIVED = "marimba.weight @W : tensor<4xf32> derived\n"

ENTRIES = {
    # Types that no file of tensors has.
    "i1": (typed("tensor<4xi1>"), [WANTED, "tensor<4xi1>", "'x'"]),
    "i7": (typed("tensor<4xi7>"), [WANTED]),
    "i16": (typed("tensor<4xi16>"), [WANTED]),
    "si32": (typed("tensor<4xsi32>"), [ELEMENTS]),
    "i65": (typed("tensor<4xi65>"), [ELEMENTS]),
    "index": (typed("tensor<4xindex>"), [WANTED]),
    "f64": (typed("tensor<4xf64>"), [WANTED]),
    "f8": (typed("tensor<4xf8E4M3FN>"), [ELEMENTS]),
    "complex": (typed("tensor<4xcomplex<f32>>"), [ELEMENTS]),
    "vector elements": (typed("tensor<4xvector<2xf32>>"), [ELEMENTS]),
    "scalar": (typed("f32"), [WANTED]),
    "index scalar": (typed("index"), [WANTED]),
    "none": (typed("none"), [NUMBER]),
    "tuple": (typed("tuple<f32, f32>"), [NUMBER]),
    "memref": (typed("memref<4xf32>"), [NUMBER]),
    "vector": (typed("vector<4xf32>"), [NUMBER]),
    "unranked": (typed("tensor<*xf32>"), [NUMBER]),
    "encoding": (typed("tensor<4xf32, 3 : i32>"), ["has an encoding"]),
    "quantised": (
        typed("tensor<64x64xi8, #marimba.quantized<group 64, scale bf16>>"),
        [WANTED],
    ),
    "rank": (typed("tensor<1x1x1x1x1x1x1xf32>"), ["7 dimensions", "at most 6"]),
    "too large": (
        typed("tensor<4294967296x4294967296x4294967296xf32>"),
        ["is larger than any memory"],
    ),
    # Names.
    "no attribute": (one("<>%x: tensor<4xf32>"), ["has no name", "marimba.input"]),
    "misspelt": (
        one('<>%x: tensor<4xf32> {marimba.inptu = "x"}'),
        ["unknown attribute 'marimba.inptu'"],
    ),
    "number": (one("<>%x: tensor<4xf32> {marimba.input = 3}"), ["= 3", "a string"]),
    "unit": (one("<>%x: tensor<4xf32> {marimba.input}"), ["a string"]),
    "array": (one('<>%x: tensor<4xf32> {marimba.state = ["a"]}'), ["a string"]),
    "empty": (one('<>%x: tensor<4xf32> {marimba.input = ""}'), ["not empty"]),
    "two kinds": (
        one('<>%x: tensor<4xf32> {marimba.input = "a", marimba.state = "b"}'),
        ["'marimba.input' and 'marimba.state'"],
    ),
    "input twice": (
        one(F + ', <>%z: tensor<4xf32> {marimba.input = "x"}'),
        ["argument #1", "'x', as argument #0"],
    ),
    "input and output": (
        entry(F + ', <>%o: tensor<4xf32> {marimba.output = "x"}'),
        ["'x', as argument #0"],
    ),
    "input and state": (
        entry(F + ', <>%o: tensor<4xf32> {marimba.state = "x"}'),
        ["'x', as argument #0"],
    ),
    "input and weight": (
        one('<>%x: tensor<4xf32> {marimba.input = "W"}', head=WEIGHT),
        ["as a source of weight 'W'"],
    ),
    # Weights as arguments.
    "weight in prefill": (
        one('<>%x: tensor<4xf32> {marimba.weight = "W"}', head=DERIVED),
        ["only the entry 'prepare' may write"],
    ),
    "weight from a file": (
        entry(
            '<>%x: tensor<4xf32> {marimba.weight = "W"}', name="prepare", head=WEIGHT
        ),
        ["the name of a derived weight"],
    ),
    "weight that is none": (
        entry('<>%x: tensor<4xf32> {marimba.weight = "V"}', name="prepare"),
        ["the name of a derived weight"],
    ),
    "weight of another type": (
        entry(
            '<>%x: tensor<5xf32> {marimba.weight = "W"}', name="prepare", head=DERIVED
        ),
        ["expected 'tensor<4xf32>'"],
    ),
    "derived by nobody": ("<>" + DERIVED + entry(F), ["no entry 'prepare' writes it"]),
    "weight of open size": (
        '<>marimba.weight @W : tensor<?xf32> from ["W"]\n',
        ["expected a static tensor"],
    ),
    # Results.
    "result that is no argument's": (
        "<>" + entry(F, results="tensor<4xf32>", returned="%x : tensor<4xf32>"),
        ["result #0", "expected that of an output or a state"],
    ),
    "scalar result": (
        "<>"
        + one(
            F,
            body="  %c = arith.constant 1.0 : f32\n",
            results="f32",
            returned="%c : f32",
        ),
        ["result #0", "'f32'"],
    ),
    # Entries.
    "entry twice": (
        entry("") + "<>" + entry("").replace("@f", "@g"),
        ["'prefill' is there a second time"],
    ),
    "entry number": (
        "<>func.func @f() attributes {marimba.entry = 3} {\n  return\n}\n",
        ["expected a name of letters"],
    ),
    "entry empty": ("<>" + entry("", name=""), ["expected a name of letters"]),
    "entry with a space": ("<>" + entry("", name="a b"), ["expected a name of letters"]),
    "entry of the runtime": (
        "<>" + entry("", name="arena_alloc"),
        ["a name of the runtime"],
    ),
    "entry without body": (
        '<>func.func private @f() attributes {marimba.entry = "prefill"}\n',
        ["has no body"],
    ),
    "private entry": (
        "<>" + entry("").replace("func.func @f", "func.func private @f"),
        ["private"],
    ),
    "name of the runtime": (
        "<>func.func @marimba_prefill() {\n  return\n}\n",
        ["begin with 'marimba_'"],
    ),
    # Functions that call.
    "recursion": (
        "func.func @f() {\n  <>call @f() : () -> ()\n  return\n}\n",
        ["calls 'f'", "call themselves"],
    ),
    "mutual recursion": (
        "func.func @f() {\n  call @g() : () -> ()\n  return\n}\n"
        "func.func @g() {\n  <>call @f() : () -> ()\n  return\n}\n",
        ["calls 'f'", "call themselves"],
    ),
    "call of an entry": (
        entry("") + "func.func @g() {\n  <>call @f() : () -> ()\n  return\n}\n",
        ["'f', which is an entry"],
    ),
    "declaration": ("<>func.func private @f(f32)\n", ["has no body"]),
    # What stands at the top.
    "cycle": (
        "module {\n  %c = <>arith.constant 0 : index\n"
        "  %0 = arith.addi %c, %0 : index\n}\n",
        ["'arith.constant' stands at the top"],
    ),
    "cycle in a nested module": (
        "module {\n  <>module {\n    %0 = arith.addi %0, %0 : index\n  }\n}\n",
        ["'builtin.module' stands at the top"],
    ),
    "nested entry": (
        "module {\n  <>module @inner {\n" + entry("") + "  }\n}\n",
        ["'builtin.module' stands at the top"],
    ),
    "global": (
        "<>memref.global @g : memref<4xf32>\n",
        ["'memref.global' stands at the top"],
    ),
    "function of LLVM": ("<>llvm.func @g()\n", ["'llvm.func' stands at the top"]),
    # What stands in functions.
    "module in a function": (
        "func.func @f() {\n  <>builtin.module {\n  }\n  return\n}\n",
        ["'builtin.module' is not allowed in a hand-written function"],
    ),
    "blocks": (
        "<>func.func @f() {\n  cf.br ^a\n^a:\n  return\n}\n",
        ["several blocks"],
    ),
    "unreachable cycle": (
        "<>func.func @f() {\n  return\n^a:\n  %0 = arith.addi %0, %0 : index\n"
        "  cf.br ^a\n}\n",
        ["several blocks"],
    ),
    "blocks in a region": (
        "func.func @f() {\n  <>scf.execute_region {\n    cf.br ^a\n  ^a:\n"
        "    scf.yield\n  }\n  return\n}\n",
        ["region of several blocks"],
    ),
    "memory": (
        "func.func @f() {\n  %0 = <>memref.alloc() : memref<4xf32>\n  return\n}\n",
        ["'memref.alloc' is not allowed in a hand-written function"],
    ),
    "affine": (
        "func.func @f(%i: index) {\n"
        "  %0 = <>affine.apply affine_map<(d0) -> (d0 + 1)>(%i)\n  return\n}\n",
        ["'affine.apply' is not allowed in a hand-written function"],
    ),
    "cast": (
        "func.func @f(%x: tensor<4xf32>) {\n"
        "  %0 = <>builtin.unrealized_conversion_cast %x : tensor<4xf32> to f32\n"
        "  return\n}\n",
        ["is not allowed in a hand-written function"],
    ),
    "steering": (
        '<>func.func @f() attributes {llvm.linkage = "x"} {\n  return\n}\n',
        ["'llvm.linkage', which only the compiler may set"],
    ),
    "nested loops": (
        "func.func @f(%a: index, %b: index, %c: index) {\n"
        + "".join(f"  scf.for %i{n} = %a to %b step %c {{\n" for n in range(12))
        + "  <>scf.for %j = %a to %b step %c {\n  }\n"
        + "  }\n" * 12
        + "  return\n}\n",
        ["nested in more than 12 loops or branches"],
    ),
    "dimension": (
        "func.func @f(%x: tensor<?xf32>) {\n"
        "  %c = arith.constant 2147483648 : index\n"
        "  %0 = <>tensor.dim %x, %c : tensor<?xf32>\n  return\n}\n",
        ["dimension 2147483648 of 'tensor<?xf32>'"],
    ),
    "wide integer": (
        "func.func @f() {\n  %0 = <>arith.constant 1 : i128\n  return\n}\n",
        ["type 'i128'"],
    ),
    "huge value": (
        "func.func @f() {\n"
        "  %0 = <>tensor.empty() : tensor<9223372036854775807x4xf32>\n  return\n}\n",
        ["is larger than any memory"],
    ),
    "branches of other sizes": (
        "func.func @f(%k: i1, %x: tensor<?xf32>, %z: tensor<?xf32>) {\n"
        "  %0 = <>scf.if %k -> (tensor<?xf32>) {\n    scf.yield %x : tensor<?xf32>\n"
        "  } else {\n    scf.yield %z : tensor<?xf32>\n  }\n  return\n}\n",
        ["result #0 of 'scf.if' has type 'tensor<?xf32>'"],
    ),
    "large coefficient": (
        "func.func @f(%x: tensor<?xf32>, %o: tensor<?xf32>) {\n"
        "  %0 = <>linalg.generic {indexing_maps = [affine_map<(d0) -> (d0 * 2305843009213693952)>,"
        ' affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}'
        " ins(%x : tensor<?xf32>) outs(%o : tensor<?xf32>) {\n"
        "  ^bb0(%a: f32, %b: f32):\n    linalg.yield %a : f32\n"
        "  } -> tensor<?xf32>\n  return\n}\n",
        ["a map with the number 2305843009213693952"],
    ),
    "result that is an input": (
        entry(F + ', %o: tensor<4xf32> {marimba.output = "y"}', results="tensor<4xf32>", returned="%x : tensor<4xf32>")
        .replace("  return", "  <>return"),
        ["result #0 is the input"],
    ),
    "elided": (
        "func.func @f() {\n  %0 = <>arith.constant"
        " dense_resource<__elided__> : tensor<4xf32>\n  return\n}\n",
        ["'__elided__' are not the 'tensor<4xf32>'"],
    ),
    "resource that is too short": (
        "func.func @f() {\n  %0 = <>arith.constant"
        " dense_resource<blob> : tensor<4xf32>\n  return\n}\n"
        '{-# dialect_resources: { builtin: { blob: "0x0400000001000000" } } #-}\n',
        ["'blob' are not the 'tensor<4xf32>'"],
    ),
    "sparse": (
        "func.func @f() {\n  %0 = <>arith.constant"
        " sparse<[[0]], [1.0]> : tensor<4xf32>\n  return\n}\n",
        ["sparse values"],
    ),
}


class Rules(Checker):
    def __init__(self, marimba, work):
        super().__init__(work)
        self.marimba = marimba
        with open(self.path("none.safetensors"), "wb") as file:
            file.write(b"\x02\0\0\0\0\0\0\0{}")

    def call(self, *arguments, **more):
        return subprocess.run(
            [self.marimba, *arguments],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            **more,
        )

    def refused(self, name, done, output, wanted):
        lines = done.stderr.splitlines()
        errors = [line for line in lines if line.startswith("error: ")]
        good = (
            done.returncode == 1
            and len(errors) == 1
            and all(line.startswith(("error: ", "note: ")) for line in lines)
            and all(text in errors[0] for text in wanted)
            and not os.path.exists(output)
        )
        self.expect(name, good, (done.returncode, done.stderr, wanted))

    def case_entries(self):
        inputs, output = self.path("none.safetensors"), self.path("out")
        for name, (text, wanted) in ENTRIES.items():
            before = text[: text.index("<>")]
            line, column = before.count("\n") + 1, len(before.split("\n")[-1]) + 1
            path = self.path("case.mlir")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace("<>", ""))
            wanted = [f"case.mlir:{line}:{column}: ", *wanted]
            for command in (
                ["compile", path, "--emit=obj", "-o", output],
                ["execute", path, "--inputs", inputs, "-o", output],
            ):
                done = self.call(*command)
                self.refused(f"{name}: {command[0]}", done, output, wanted)

    def case_from_stdin(self):
        """What comes from a pipe is read by the same rules."""
        text = "module {\n  %c = arith.constant 0 : index\n}\n"
        done = self.call("compile", "-", "--emit=obj", "-o", self.path("o"), input=text)
        self.refused("stdin", done, self.path("o"), ["arith.constant", ":2:8: "])

    def case_aliases(self):
        """Aliases that double: what a message would print of them never ends."""
        path = self.path("aliases.mlir")
        for begin, double, use in (
            ("!a0 = f32", "tuple<!a{0},!a{0}>", "%x: !a40"),
            ("!a0 = () -> ()", "(!a{0}) -> !a{0}", "%x: !a40"),
        ):
            lines = [begin] + [f"!a{i + 1} = " + double.format(i) for i in range(40)]
            with open(path, "w", encoding="utf-8") as file:
                file.write("\n".join(lines) + f"\nfunc.func @f({use}) {{\n  return\n}}\n")
            done = self.call("compile", path, "--emit=obj", "-o", self.path("o"))
            self.refused(double, done, self.path("o"), ["aliases.mlir:", "an alias is longer than"])

    def case_list(self):
        """A list that MLIR's parser of linalg takes for integers, and crashes."""
        path = self.path("list.mlir")
        for dimensions in ("[2.0]", "3", "[99999999999999999999]", "[0"):
            with open(path, "w", encoding="utf-8") as file:
                file.write(
                    "func.func @f(%x: tensor<4xf32>, %o: tensor<4x4xf32>) {\n"
                    "  %0 = linalg.broadcast ins(%x : tensor<4xf32>)"
                    f" outs(%o : tensor<4x4xf32>) dimensions = {dimensions}\n"
                    "  return\n}\n"
                )
            done = self.call("compile", path, "-o", self.path("o"))
            wanted = ["list.mlir:2: expected a list of integers"]
            self.refused(dimensions, done, self.path("o"), wanted)
        for type in ("index", "tensor<4xf32>", "none", "%x"):
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"module attributes {{\n  a.b = array<{type}: 1>}} {{\n}}\n")
            done = self.call("compile", path, "-o", self.path("o"))
            wanted = ["list.mlir:2: expected an array of i1"]
            self.refused(type, done, self.path("o"), wanted)

    def case_bytecode(self):
        """Bytecode is refused whatever the file is called."""
        for name in ("a.mlirbc", "a.mlir", "a.bc", "a", "a.gguf"):
            path = self.path(name)
            with open(path, "wb") as file:
                file.write(b"ML\xefR\x0dMLIR22\0" + bytes(64))
            wanted = ["bytecode of MLIR, expected text", "marimba-opt"]
            for command in (["compile", path], ["execute", path]):
                done = self.call(*command, "-o", self.path("o"))
                self.refused(f"{name}: {command[0]}", done, self.path("o"), wanted)
        with open(self.path("a.mlir"), "rb") as file:
            done = subprocess.run(
                [self.marimba, "compile", "-"],
                stdin=file,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        self.refused("stdin", done, self.path("o"), wanted)

    def splat(self, count):
        """Writes 1.5 + x twice, with a constant as large as x."""
        type = f"tensor<{count}xf32>"
        path = self.path(f"splat-{count}.mlir")
        with open(path, "w", encoding="utf-8") as file:
            file.write(
                entry(
                    f'%x: {type} {{marimba.input = "x"}},'
                    f' %o: {type} {{marimba.output = "y"}},'
                    f' %p: {type} {{marimba.output = "z"}}',
                    f"  %c = arith.constant dense<1.5> : {type}\n"
                    f"  %s = arith.addf %x, %c : {type}\n"
                    "  %r = bufferization.materialize_in_destination %s in %o"
                    f" : ({type}, {type}) -> {type}\n"
                    "  %q = bufferization.materialize_in_destination %c in %p"
                    f" : ({type}, {type}) -> {type}\n",
                    f"({type}, {type})",
                    f"%r, %q : {type}, {type}",
                )
            )
        return path

    def case_splat(self):
        """A constant of one value is not spelled out, whatever its size."""
        for emit in ("obj", "llvm"):
            output = self.path("splat")
            path = self.splat(2**32)
            done = self.call("compile", path, f"--emit={emit}", "-o", output)
            good = done.returncode == 0 and os.path.getsize(output) < 100_000
            self.expect(f"splat: {emit}", good, (done.returncode, done.stderr))
        count = 8192  # just past what stays a constant
        inputs, output = self.path("in.safetensors"), self.path("out.safetensors")
        values = array.array("f", range(count))
        compare.save(inputs, {"x": compare.Tensor([count], values)})
        for route in ([], ["--reference"]):
            path = self.splat(count)
            self.call("execute", path, "--inputs", inputs, "-o", output, *route)
            found = compare.load(output)
            good = all(y == x + 1.5 for x, y in zip(values, found["y"].values))
            good = good and all(z == 1.5 for z in found["z"].values)
            self.expect(f"splat: numbers {route}", good)

    def case_what_compiles(self):
        """No entry at all, no argument, a function that is called twice."""
        for name, text in {
            "empty": "module {\n}\n",
            "no arguments": entry(""),
            "pads": "func.func @f(%x: tensor<?xf32>, %i: index) -> f32 {\n"
            "  %z = arith.constant 0.0 : f32\n  %p = tensor.pad %x low[1] high[1] {\n"
            "  ^bb0(%q: index):\n    tensor.yield %z : f32\n"
            "  } : tensor<?xf32> to tensor<?xf32>\n"
            "  %s = tensor.extract_slice %p[%i] [%i] [1]"
            " : tensor<?xf32> to tensor<?xf32>\n"
            "  %v = tensor.extract %s[%i] : tensor<?xf32>\n  return %v : f32\n}\n",
            "helper": "func.func private @g(%i: index) -> index {\n"
            "  return %i : index\n}\n"
            + entry(
                "",
                body="  %c = arith.constant 1 : index\n"
                "  %0 = call @g(%c) : (index) -> index\n"
                "  %1 = call @g(%0) : (index) -> index\n",
            ),
        }.items():
            path = self.path("good.mlir")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            done = self.call("compile", path, "--emit=obj", "-o", self.path("good.o"))
            good = done.returncode == 0 and not done.stderr
            self.expect(name, good, (done.returncode, done.stderr))


if __name__ == "__main__":
    sys.exit(run_cases(Rules))
