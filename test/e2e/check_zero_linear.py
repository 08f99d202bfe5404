#!/usr/bin/env python3
"""A projection with a size of 0 is right on every route: sums of nothing are 0,
bias, activation, product and residual are what is left.

  check_zero_linear.py MARIMBA WORK

Standard library only.
"""

import itertools
import math
import os
import subprocess
import sys

import compare
import tiny_models

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))
import checker  # noqa: E402

ROUTES = {
    "default": ["--dtype=f32"],
    "bf16": ["--dtype=bf16"],
    "generated": ["--matmul=generated"],
    "generated bf16": ["--matmul=generated", "--dtype=bf16"],
    "library": ["--matmul=onednn"],
    "loops": ["--matmul=loops"],
    "reference": ["--reference"],
}
# What stands behind the projection %p; %m and %r are other inputs.
TAILS = {
    "plain": ("%p", lambda p, m, r: p),
    "silu": ("%s", lambda p, m, r: p / (1 + math.exp(-p))),
    "mul": ("%q", lambda p, m, r: p * m),
    "residual": ("%t", lambda p, m, r: p + r),
}
MODULE = """marimba.weight @w : tensor<{n}x{k}xf32> from ["w"]
marimba.weight @b : tensor<{n}xf32> from ["b"]
func.func @prefill(%x: tensor<?x?x{k}xf32> {{marimba.input = "x"}},
    %m: tensor<?x?x{n}xf32> {{marimba.input = "m"}}, %r: tensor<?x?x{n}xf32> {{marimba.input = "r"}},
    %o: tensor<?x?x{n}xf32> {{marimba.output = "y"}}) -> tensor<?x?x{n}xf32> attributes {{marimba.entry = "prefill"}} {{
  %w = marimba.get_weight @w : tensor<{n}x{k}xf32>
  %b = marimba.get_weight @b : tensor<{n}xf32>
  %p = marimba.linear %x, %w {bias} : tensor<?x?x{k}xf32>, tensor<{n}x{k}xf32> -> tensor<?x?x{n}xf32>
  %s = marimba.silu %p : tensor<?x?x{n}xf32>
  %q = arith.mulf %p, %m : tensor<?x?x{n}xf32>
  %t = arith.addf %p, %r : tensor<?x?x{n}xf32>
  %y = bufferization.materialize_in_destination {result} in %o
    : (tensor<?x?x{n}xf32>, tensor<?x?x{n}xf32>) -> tensor<?x?x{n}xf32>
  return %y : tensor<?x?x{n}xf32>
}}
"""


class Checker(checker.Checker):
    def __init__(self, marimba, work):
        super().__init__(work)
        self.marimba = marimba

    def check(self, route, batch, time, k, n, tail, biased):
        case = f"{route}: {batch} x {time} rows, k {k}, n {n}, {tail}{', bias' if biased else ''}"
        result, after = TAILS[tail]
        rows = batch * time
        source, inputs, out = self.path("m.mlir"), self.path("i.safetensors"), self.path("o.safetensors")
        with open(source, "w", encoding="ascii") as file:
            bias = f"bias(%b : tensor<{n}xf32>)" if biased else ""
            file.write(MODULE.format(k=k, n=n, bias=bias, result=result))
        b = [0.5 + c for c in range(n)]
        m = [1 + i / 8 for i in range(rows * n)]
        r = [2 - i / 4 for i in range(rows * n)]
        tensors = {
            "x": ([batch, time, k], [1.0] * (rows * k)),
            "w": ([n, k], [1.0] * (n * k)),
            "b": ([n], b),
            "m": ([batch, time, n], m),
            "r": ([batch, time, n], r),
        }
        tiny_models.save_safetensors(
            inputs, {name: ("F32", shape, tiny_models.f32(values)) for name, (shape, values) in tensors.items()}
        )
        done = subprocess.run(
            [self.marimba, "execute", source, "--inputs", inputs, "-o", out, "--threads=1", *ROUTES[route]],
            capture_output=True,
            text=True,
        )
        if not self.expect(case, done.returncode == 0, done.stderr):
            return
        found = list(compare.load(out)["y"].values)
        expected = [after(k + (b[i % n] if biased else 0), m[i], r[i]) for i in range(rows * n)]
        good = len(found) == len(expected) and all(abs(f - e) < 1e-5 for f, e in zip(found, expected))
        self.expect(case, good, (found, expected))

    def case_no_inputs(self):
        for route in ROUTES:
            for tail, biased in itertools.product(TAILS, (False, True)):
                self.check(route, 2, 3, 0, 5, tail, biased)
            self.check(route, 2, 1, 0, 5, "silu", True)

    def case_nothing_to_write(self):
        for route in ROUTES:
            for batch, time, n in ((0, 3, 5), (2, 0, 5), (2, 3, 0)):
                for k in (0, 4):
                    self.check(route, batch, time, k, n, "residual", True)


if __name__ == "__main__":
    sys.exit(checker.run_cases(Checker))
