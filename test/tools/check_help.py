#!/usr/bin/env python3
"""check_help.py MARIMBA: holds the options that `marimba COMMAND --help` lists against those that the command has."""

import re
import subprocess
import sys

COMPILE = "activations config-file dtype dump-ir experts isa kv linear-attention linear-attention-chunk lti-form matmul matmul-table no-fuse-scan reference target vector-bits"
LOAD = COMPILE + " cache-dir no-cache threads"
SESSION = LOAD + " chunk"
SAMPLER = " frequency-penalty min-p presence-penalty repetition-penalty seed stop temperature top-k top-p"
MLIR = " mlir-disable-threading mlir-output-format mlir-pass-pipeline-crash-reproducer mlir-pass-pipeline-local-reproducer mlir-pass-statistics mlir-pass-statistics-display"
MLIR += " mlir-print-ir-after-all mlir-print-ir-after-change mlir-print-ir-after-failure mlir-print-ir-before-all mlir-print-ir-module-scope mlir-print-ir-tree-dir"
MLIR += " mlir-timing mlir-timing-display"
OPTIONS = {
    "bench": SESSION + " context-sweep decode json matrix matrix-rows matrix-shapes matrix-types o prefill profile quiet random-weights repeat weights with write-table",
    "cache": "cache-dir clear json",
    "chat": SESSION + SAMPLER + " checkpoint hide-thoughts json load-state max-tokens quiet system template template-values think tools",
    "compile": COMPILE + MLIR + " emit list-stages list-targets o remarks stop-after target-cpu threads",
    "eval": SESSION + " compare json limit-context recall text window",
    "execute": LOAD + " all entry inputs o",
    "inspect": SESSION + " context json",
    "logits": SESSION + " batch greedy hidden ids ids-file load-state o save-state split state",
    "quantize": "calibrate calibrate-memory calibrate-tokens group head json keep method o scales weights zero-point",
    "run": SESSION + SAMPLER + " batch ids json load-state max-tokens no-eos o prompt prompt-file prompts quiet save-state",
    "serve": SESSION + " api-key cache-bytes context embeddings host max-body max-tokens parallel port queue quiet session-bytes sessions template timeout",
    "tokenize": "decode file json no-special text",
}


def help_of(*command):
    return subprocess.run([sys.argv[1], *command, "--help"], check=True, capture_output=True, text=True).stdout


# A command that is not in this table is noticed, too.
commands = re.findall(r"^  (\w+) +- ", help_of().split("SUBCOMMANDS:")[1].split("OPTIONS:")[0], re.M)
if sorted(commands) != sorted(OPTIONS):
    sys.exit(f"check_help.py: the commands are {commands}")
for command, expected in OPTIONS.items():
    found = set(re.findall(r"^  --?([a-z][a-z-]*)", help_of(command), re.M)) - {"help", "help-list"}
    if found != set(expected.split()):
        sys.exit(f"check_help.py: {command}: differs in {sorted(found ^ set(expected.split()))}")
