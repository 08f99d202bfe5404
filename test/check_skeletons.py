#!/usr/bin/env python3
"""check_skeletons.py ROOT BUILD WORK: what tools/new-pass.sh and tools/new-op.sh
write compiles. Both run on a copy of the tree in the folder WORK; mlir-tblgen and
clang read what they wrote, and clang-format and the check of layers have no more
to say of it than of the rest."""

import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "tools"))
from checker import Checker, run_cases

COPIED = ("dialects", "passes", "test/passes", "test/dialects", "tools/new-op.sh", "tools/new-pass.sh", ".clang-format")
IR = "dialects/Marimba/IR"


class Skeletons(Checker):
    def __init__(self, root, build, work):
        super().__init__(work)
        self.root, self.build, self.tree = os.path.realpath(root), os.path.realpath(build), self.path("tree")
        for name in COPIED:
            source, target = os.path.join(root, name), os.path.join(self.tree, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if os.path.isdir(source):
                shutil.copytree(source, target)
            else:
                shutil.copy(source, target)
        self.include = self.output("llvm-config", "--includedir").strip()

    def run(self, *command):
        return subprocess.run(command, cwd=self.tree, capture_output=True, text=True, check=False)

    def output(self, *command):
        done = self.run(*command)
        self.expect(" ".join(command), done.returncode == 0, (done.stderr or done.stdout)[-2000:])
        return done.stdout

    def refused(self, message, *command):
        done = self.run(*command)
        self.expect(" ".join(command), done.returncode == 1 and message in done.stderr, done.stderr)

    def holds(self, path, text):
        with open(os.path.join(self.tree, path), encoding="utf-8") as file:
            self.expect(f"{path} has {text!r}", text in file.read())

    def tblgen(self, td, out, *arguments):
        """Makes `out` in the folder of generated headers from a .td file."""
        made = self.output("mlir-tblgen", *arguments, "-I", self.tree, "-I", os.path.dirname(td), "-I", self.include, td)
        out = os.path.join(self.path("made"), out)
        os.makedirs(os.path.dirname(out), exist_ok=True)
        with open(out, "w", encoding="utf-8") as file:
            file.write(made)

    def compiles(self, source):
        """What the copy generated comes before what the build did."""
        folders = (self.path("made"), self.tree, self.build, os.path.join(self.root, "runtime/include"))
        includes = [f"-I{path}" for path in folders]
        self.output(
            "clang++-22", "-std=c++20", "-fsyntax-only", "-fno-exceptions", "-Wall", "-Wextra", "-Werror",
            "-Wno-unused-parameter", *includes, f"-isystem{self.include}", source,
        )
        self.output("clang-format-22", "--dry-run", "-Werror", source)

    def is_layered(self):
        self.output(sys.executable, os.path.join(self.root, "test/check_layering.py"), self.tree)

    def case_pass(self):
        self.output("tools/new-pass.sh", "experts", "SortExperts")
        self.holds("passes/CMakeLists.txt", "  experts/SortExperts.cpp\n")
        self.holds("test/passes/experts/sort-experts.mlir", "marimba-opt %s -sort-experts")
        made = "passes/experts/Passes.all.inc"
        self.tblgen("passes/experts/Passes.td", made, "-gen-pass-decls", "-name", "MarimbaExperts")
        self.output(
            "cmake", f"-DGENERATED={self.path('made')}/{made}", f"-DFOLDER={self.path('made')}/passes/experts",
            "-P", "dialects/cmake/SplitPasses.cmake",
        )
        self.compiles("passes/experts/SortExperts.cpp")
        self.is_layered()

    def case_op(self):
        self.output("tools/new-op.sh", "Model", "gated_norm")
        self.output("tools/new-op.sh", "Example", "delta_rule")
        for path, text in (
            ("ModelOps.cpp", "LogicalResult GatedNormOp::verify()"),
            ("MarimbaOps.td", 'include "ExampleOps.td"\n'),
            ("CMakeLists.txt", "  ExampleOps.cpp\n"),
            ("Shapes.h", "OpShapes shapesOf(DeltaRuleOp op);\n"),
        ):
            self.holds(f"{IR}/{path}", text)
        for kind in ("ops", "invalid"):
            self.holds(f"test/dialects/Marimba/{kind}-model.mlir", "marimba.gated_norm")
            self.holds(f"test/dialects/Marimba/{kind}-example.mlir", "marimba.delta_rule")
        work = "test/dialects/unit/OpWorkTest.cpp"
        for name in ("gated_norm", "delta_rule"):
            self.holds(work, f'"marimba.{name} %x : ')
        self.output("clang-format-22", "--dry-run", "-Werror", work)
        self.is_layered()
        self.tblgen(f"{IR}/MarimbaOps.td", f"{IR}/MarimbaOps.h.inc", "-gen-op-decls")
        self.compiles(f"{IR}/ExampleOps.cpp")

    def case_refused(self):
        self.refused("expected a folder of passes/", "tools/new-pass.sh", "none", "SortExperts")
        self.refused("is there already", "tools/new-pass.sh", "experts", "DecomposeExperts")
        self.refused("expected a name such as SortExperts", "tools/new-pass.sh", "experts", "sort_experts")
        self.refused("has an op 'softplus' already", "tools/new-op.sh", "Model", "softplus")
        self.refused("expected a name such as gated_norm", "tools/new-op.sh", "Model", "GatedNorm")


if __name__ == "__main__":
    sys.exit(run_cases(Skeletons))
