#!/usr/bin/env bash
# Writes the skeleton of a pass: its entry in Passes.td, its file, its line in
# passes/CMakeLists.txt, its test.
#
#   tools/new-pass.sh FOLDER NAME     tools/new-pass.sh experts SortExperts
#
# FOLDER is one of passes/. The test says what the pass leaves alone, which is
# everything so far. The stage that runs it is yours: lowering/CPU/CPUTarget.cpp,
# lowering/Target/Target.cpp or both (docs/contributing.md).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  echo "new-pass.sh: $1" >&2
  exit 1
}

[[ $# -eq 2 ]] || fail "expected FOLDER and NAME, found $# arguments"
folder=${1#passes/}
name=$2
td="passes/$folder/Passes.td"
[[ -e $td ]] || fail "expected a folder of passes/ with a Passes.td, found '$1'"
[[ $name =~ ^([A-Z]+[a-z0-9]+)+$ ]] || fail "expected a name such as SortExperts, found '$name'"
source="passes/$folder/$name.cpp"
flag=$(sed -E 's/([a-z0-9])([A-Z])/\1-\2/g' <<<"$name" | tr '[:upper:]' '[:lower:]')
test="test/passes/$folder/$flag.mlir"
[[ ! -e $source && ! -e $test ]] || fail "$source or $test is there already"
grep -q "^def $name\b" "$td" && fail "$td has $name already"
macro=$(tr '[:lower:]' '[:upper:]' <<<"$name")

# A line of comment of 80 columns.
title=$(printf '//===- %s.cpp - One line on what it does ' "$name")
while ((${#title} < 64)); do title+=-; done
title+=-*-\ C++\ -*-===//

cat >"$source" <<CPP
$title
//
// Part of Marimba. See $td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "passes/$folder/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

#define DEBUG_TYPE "$flag"

namespace mlir::marimba {
#define GEN_PASS_DEF_$macro
#include "passes/$folder/$name.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// What becomes what, and when not.
struct ${name}Pattern : OpRewritePattern<SiluOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SiluOp op,
                                PatternRewriter &rewriter) const override {
    return rewriter.notifyMatchFailure(op, "is not written yet");
  }
};

struct ${name}Pass
    : mlir::marimba::impl::${name}Base<${name}Pass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<${name}Pattern>(&getContext());
    CountRewrites counter(DEBUG_TYPE, numRewritten, isAnyOf<SiluOp>);
    walkAndApplyPatterns(getOperation(), std::move(patterns), &counter);
  }
};

} // namespace
CPP
if command -v clang-format-22 >/dev/null; then
  clang-format-22 -i "$source"
fi

mkdir -p "$(dirname "$test")"
cat >"$test" <<MLIR
// RUN: marimba-opt %s -$flag --split-input-file | FileCheck %s

// Nothing to do.
// CHECK-LABEL: func @left_alone
func.func @left_alone(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
  // CHECK-NEXT: %[[Y:.*]] = marimba.silu
  // CHECK-NEXT: return %[[Y]]
  %y = marimba.silu %x : tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}
MLIR

python3 - "$td" "$name" "$flag" "$folder" <<'PYTHON'
import re, sys
td, name, flag, folder = sys.argv[1:]

def edit(path, change):
    with open(path, encoding="utf-8") as file:
        old = file.read()
    new = change(old)
    if new == old:
        sys.exit(f"new-pass.sh: {path}: found no place to write to")
    with open(path, "w", encoding="utf-8") as file:
        file.write(new)

entry = f'''def {name} : Pass<"{flag}", "::mlir::func::FuncOp"> {{
  let summary = "what it does, in a line";
  let description = [{{
    What becomes what, and when not.
  }}];
  let statistics = [
    Statistic<"numRewritten", "num-rewritten", "ops that became what">,
  ];
}}

'''
edit(td, lambda text: re.sub(r"(?=^#endif)", lambda _: entry, text, flags=re.M))

def add_line(text):
    def grown(call):
        lines = call[2].split("\n")
        sources = [i for i, line in enumerate(lines) if line.strip().endswith(".cpp")]
        line = f"  {folder}/{name}.cpp"
        at = next((i for i in sources if lines[i] > line), sources[-1] + 1)
        return call[1] + "\n".join(lines[:at] + [line] + lines[at:])
    return re.sub(r"(marimba_add_library\(MLIRMarimbaPasses\n)(.*?\n\))", grown, text, flags=re.S)

edit("passes/CMakeLists.txt", add_line)
PYTHON

echo "wrote $source, $test, an entry in $td, a line in passes/CMakeLists.txt"
echo "next: a stage that runs it, in lowering/CPU/CPUTarget.cpp, lowering/Target/Target.cpp or both;"
echo "then 'ninja -C build marimba-doc' renews docs/reference/"
