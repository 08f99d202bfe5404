#!/usr/bin/env python3
"""check_reference.py ROOT: docs/reference/ is what mlir-tblgen makes of the .td
files today (the target marimba-doc writes it). Pages are compared in memory."""

import difflib
import os
import re
import subprocess
import sys

CALL = re.compile(r"marimba_add_doc\((\S+) (\S+) ([^)]*)\)")


def pages(root):
    """(folder, .td file, page, arguments) of each marimba_add_doc."""
    for top in ("dialects", "passes", "lowering", "runtime", "importer"):
        for folder, folders, files in os.walk(os.path.join(root, top)):
            folders.sort()
            if "CMakeLists.txt" in files:
                with open(os.path.join(folder, "CMakeLists.txt"), encoding="utf-8") as file:
                    for td, page, arguments in CALL.findall(file.read()):
                        yield folder, td, page, arguments.split()


def main():
    root = os.path.realpath(sys.argv[1])
    include = subprocess.run(
        ["llvm-config", "--includedir"], check=True, capture_output=True, text=True
    ).stdout.strip()
    count = failures = 0
    for folder, td, page, arguments in pages(root):
        count += 1
        made = subprocess.run(
            ["mlir-tblgen", *arguments, "-I", folder, "-I", root, "-I", include, os.path.join(folder, td)],
            check=True, capture_output=True, text=True,
        ).stdout
        path = f"docs/reference/{page}.md"
        try:
            with open(os.path.join(root, path), encoding="utf-8") as file:
                kept = file.read()
        except FileNotFoundError:
            kept = ""
        if made != kept:
            failures += 1
            print(f"{path}: not what {td} says; run: ninja -C build marimba-doc")
            lines = difflib.unified_diff(kept.splitlines(), made.splitlines(), path, td, lineterm="", n=1)
            print("\n".join(list(lines)[:20]))
    print(f"{count} pages, {failures} failures")
    return 1 if failures or not count else 0


if __name__ == "__main__":
    sys.exit(main())
