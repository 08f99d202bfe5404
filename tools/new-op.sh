#!/usr/bin/env bash
# Writes the skeleton of an op that is a pure function of tensors: its entry in
# the .td file of its subject, its table of shapes, verifier and work in the .cpp
# file, tests of its syntax, of what its verifier says, and of its work.
#
#   tools/new-op.sh SUBJECT NAME     tools/new-op.sh Model gated_norm
#
# SUBJECT is that of dialects/Marimba/IR/<SUBJECT>Ops.td; a new one gets files of
# its own. An op with state derives from another class: docs/contributing.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  echo "new-op.sh: $1" >&2
  exit 1
}

[[ $# -eq 2 ]] || fail "expected SUBJECT and NAME, found $# arguments"
subject=${1%Ops*}
name=$2
[[ $subject =~ ^[A-Z][A-Za-z0-9]*$ ]] || fail "expected a subject such as Model, found '$1'"
[[ $name =~ ^[a-z][a-z0-9]*(_[a-z0-9]+)*$ ]] || fail "expected a name such as gated_norm, found '$name'"
ir=dialects/Marimba/IR
grep -qE "<\"$name\"" "$ir"/*Ops.td && fail "the dialect has an op '$name' already"

python3 - "$subject" "$name" <<'PYTHON'
import os, re, sys
subject, name = sys.argv[1:]
ir, tests = "dialects/Marimba/IR", "test/dialects/Marimba"
op = "".join(word.capitalize() for word in name.split("_")) + "Op"
stem = f"{ir}/{subject}Ops"
wrote = []

def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()

def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    wrote.append(path)

def edit(path, pattern, text, after=True):
    """Writes `text` after (or before) the last match of `pattern`."""
    old = read(path)
    matches = list(re.finditer(pattern, old, re.M))
    if not matches:
        sys.exit(f"new-op.sh: {path}: found no place to write to")
    at = matches[-1].end() if after else matches[-1].start()
    write(path, old[:at] + text + old[at:])

def title(text, end):
    return text + " " + "-" * max(1, 79 - len(text) - len(end)) + end

def new_subject():
    guard = f"MARIMBA_{subject.upper()}_OPS_TD"
    td_title = title(f"//===- {subject}Ops.td - One line on the subject", "*- tablegen -*-===//")
    rule = "//===" + "-" * 70 + "===//"
    head = f"//\n// Part of Marimba.\n//\n{rule}\n\n"
    write(f"{stem}.td", f'''{td_title}
{head}#ifndef {guard}
#define {guard}

include "MarimbaBase.td"

#endif // {guard}
''')
    cpp_title = title(f"//===- {subject}Ops.cpp - One line on the subject", "===//")
    write(f"{stem}.cpp", f'''{cpp_title}
{head}#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/Verify.h"

using namespace mlir;
using namespace mlir::marimba;
''')
    edit(f"{ir}/MarimbaOps.td", r'^include "\w+Ops.td"\n', f'include "{subject}Ops.td"\n')
    edit(f"{ir}/CMakeLists.txt", r"^  \w+Ops.cpp\n", f"  {subject}Ops.cpp\n")

if not os.path.exists(f"{stem}.td"):
    new_subject()

edit(f"{stem}.td", r"^#endif", f'''def Marimba_{op} : Marimba_ValueOp<"{name}"> {{
  let summary = "what it computes, in a line";
  let description = [{{
    `result[b,t,h] = ...`, the formula and where it comes from (Author year).

    Shapes: input, result `[B,T,H]`.

    Example:

    ```mlir
    %y = marimba.{name} %x : tensor<?x?x192xf32> -> tensor<?x?x192xf32>
    ```
  }}];
  let arguments = (ins Marimba_Activation:$input);
  let results = (outs Marimba_Activation:$result);
  let assemblyFormat = [{{
    $input attr-dict `:` type($input) `->` type($result)
  }}];
}}

''', after=False)
edit(f"{ir}/Shapes.h", r"^OpShapes shapesOf\(\w+Op op\);\n", f"OpShapes shapesOf({op} op);\n")
rule = "//===" + "-" * 70 + "===//"
write(f"{stem}.cpp", read(f"{stem}.cpp") + f'''
{rule}
// {op}
{rule}

OpShapes mlir::marimba::shapesOf({op} op) {{
  return {{.values = {{{{"input", op.getInput(), "B T H"}},
                     {{"result", op.getResult(), "B T H"}}}}}};
}}

LogicalResult {op}::verify() {{
  return ShapeChecker(*this).check(shapesOf(*this)).result();
}}

/// Name the operations of the formula.
OpWork {op}::getWork(DynamicSize size) {{
  OpWork work;
  work.f32 = LetterSizes(shapesOf(*this), size)("B T H");
  return work;
}}
''')

def add_test(kind, run, case, between):
    path = f"{tests}/{kind}-{subject.lower()}.mlir"
    old = read(path).rstrip("\n") + "\n" if os.path.exists(path) else run
    write(path, old + (between if "func.func" in old else "\n") + case)

add_test("ops", "// RUN: marimba-opt %s --verify-roundtrip | FileCheck %s\n", f'''// CHECK-LABEL: func @{name}
func.func @{name}(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {{
  // CHECK: marimba.{name} %{{{{.*}}}} : tensor<?x?x8xf32> -> tensor<?x?x8xf32>
  %y = marimba.{name} %x : tensor<?x?x8xf32> -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}}
''', "\n")
add_test("invalid", "// RUN: marimba-opt %s -split-input-file -verify-diagnostics\n", f'''func.func @{name}(%x: tensor<?x?x8xf32>) {{
  // expected-error@+1 {{{{result has size 4 in dimension 2 (H), expected 8: dimension 2 of input}}}}
  %y = marimba.{name} %x : tensor<?x?x8xf32> -> tensor<?x?x4xf32>
  return
}}
''', "\n// -----\n\n")
edit("test/dialects/unit/OpWorkTest.cpp", r"^};\n\nclass OpWorkTest\b", f'''    {{"%x: tensor<?x?x8xf32>",
     "marimba.{name} %x : tensor<?x?x8xf32> -> tensor<?x?x8xf32>",
     {{.f32 = kTokens * 8, .bytes = 2 * kTokens * 8 * 4}}}},
''', after=False)
print("wrote " + ", ".join(dict.fromkeys(wrote)))
PYTHON
if command -v clang-format-22 >/dev/null; then
  clang-format-22 -i test/dialects/unit/OpWorkTest.cpp
fi
