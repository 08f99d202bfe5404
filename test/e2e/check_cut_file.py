#!/usr/bin/env python3
"""Cuts the weights of a model while it runs: a message that names the file, and
exit code 1, not a signal.

  check_cut_file.py MARIMBA GOLDEN WORK
"""

import os
import shutil
import subprocess
import sys


def main():
    marimba, golden, work = sys.argv[1:]
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(golden, work)
    weights = os.path.join(work, "model.safetensors")
    # Through loops, which read the weights where they are mapped.
    command = [marimba, "run", work, "--ids", "3,17,5", "--max-tokens", "1000000"]
    command += ["--no-eos", "--no-cache", "--matmul=loops", "--dtype=f32", "--quiet"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    # The first token has come: everything is loaded.
    if not process.stdout.read(1):
        print("FAIL: no token came", process.communicate()[1])
        return 1
    os.truncate(weights, 0)
    _, message = process.communicate(timeout=60)
    expected = f"error: {weights}: became shorter while it was in use"
    text = message.decode(errors="replace")
    print(process.returncode, text)
    return 0 if process.returncode == 1 and text.startswith(expected) else 1


if __name__ == "__main__":
    sys.exit(main())
