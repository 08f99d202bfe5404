#!/usr/bin/env bash
# Compile time, model to object code, best of five: stories-jamba's description
# with 8 layers and with 32 of the same kinds. The second must stay under 1.2
# times the first, because layers of one kind share one function.
#
#   bench/compile_time.sh [FLAGS OF marimba compile...]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
exec python3 - "$root" "$@" <<'PYTHON'
import json, os, subprocess, sys, tempfile, time

root, *flags = sys.argv[1:]
marimba = os.path.join(root, "build/bin/marimba")
with open(os.path.join(root, "examples/stories-jamba/config.json")) as file:
    config = json.load(file)
best = {}
with tempfile.TemporaryDirectory() as work:
    for layers in (8, 32):
        model = os.path.join(work, f"model-{layers}")
        os.mkdir(model)
        with open(os.path.join(model, "config.json"), "w") as file:
            json.dump({**config, "num_hidden_layers": layers}, file)
    for _ in range(5):
        for layers in (8, 32):
            command = [marimba, "compile", os.path.join(work, f"model-{layers}")]
            command += ["--emit=obj", "-o", os.path.join(work, "out.o"), *flags]
            start = time.monotonic()
            subprocess.run(command, check=True)
            seconds = time.monotonic() - start
            best[layers] = min(seconds, best.get(layers, seconds))
print("| layers | seconds |\n|---|---|")
for layers, seconds in best.items():
    print(f"| {layers} | {seconds:.3f} |")
print(f"\n32 layers take {best[32] / best[8]:.2f} times 8 layers")
sys.exit(best[32] >= 1.2 * best[8])
PYTHON
