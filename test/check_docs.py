#!/usr/bin/env python3
"""check_docs.py ROOT [PROGRAM...]: what README.md and docs/*.md name is there.

  - links lead to files, and their #anchors to headings
  - sources and folders in `code` exist: `lowering/Pipelines.cpp`, `Passes.td`
  - every `--flag` is one that a PROGRAM's help, a script of tools/ or test/, or
    another project's program (FOREIGN) has

  check_docs.py --self-test       that each of these finds what it is for"""

import glob
import itertools
import os
import re
import subprocess
import sys
import tempfile

# Flags of git, cmake, debootstrap and so on that documents mention.
FOREIGN = {"--build", "--depth", "--gtest_filter", "--include", "--install", "--prefix", "--preset", "--rbind", "--variant"}
# Whose existence is checked wherever they are named.
SOURCES = (".c", ".cpp", ".h", ".td", ".py", ".sh", ".test", ".cmake", ".map", ".md")
TOPS = ("bench", "dialects", "docs", "examples", "importer", "lowering", "passes", "runtime", "test", "tools")

FENCE = re.compile(r"^ *```")
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*)")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9_-]*")
# A path in code: no spaces, no <placeholder>, no $VARIABLE.
WORD = re.compile(r"[\w./{},*+-]+")


def braces(text):
    """a{b,c} -> ab, ac"""
    parts = re.split(r"\{([^{}]*)\}", text)
    choices = [part.split(",") if i % 2 else [part] for i, part in enumerate(parts)]
    return ["".join(choice) for choice in itertools.product(*choices)]


def slug(heading):
    """The anchor of a heading, as the usual renderers make it."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", text).strip().replace(" ", "-")


class Tree:
    """The files of a source tree; what is built is left out."""

    def __init__(self, root):
        self.root = root
        self.paths = set()
        for path, folders, files in os.walk(root):
            folders[:] = [f for f in folders if not f.startswith((".", "build")) and f != "__pycache__"]
            for name in folders + files:
                self.paths.add(os.path.relpath(os.path.join(path, name), root))
        self.names = {path.rsplit("/", 1)[-1] for path in self.paths}

    def has(self, path, folder):
        """Whether a document in `folder` may name `path`: from the root, from
        its own folder, or by the end of a path."""
        path = path.rstrip("/").removeprefix("./")
        if any(letter in path for letter in "*"):
            patterns = [os.path.join(self.root, path), os.path.join(self.root, "**", path)]
            return any(glob.glob(pattern, recursive=True) for pattern in patterns)
        if os.path.normpath(os.path.join(folder, path)) in self.paths or path in self.paths:
            return True
        if "/" not in path:
            return path in self.names
        return any(known.endswith("/" + path) for known in self.paths)


def named_paths(code):
    """Words of a piece of code that stand for files or folders of this tree."""
    if "<" in code or "$" in code:
        return
    for word in WORD.findall(code):
        word = word.rstrip(".,")
        for path in braces(word):
            stem = os.path.splitext(os.path.basename(path))[0]
            # FILE.mlir, fuzz-NAME: to be filled in. build/: made.
            if path.startswith(("/", "-", "build", ".")) or re.search(r"(^|[^a-z])[A-Z]{3,}([^a-z]|$)", stem):
                continue
            inside = path.split("/")[0] in TOPS and "/" in path
            if inside or (path.endswith(SOURCES) and stem):
                yield path


def pieces(lines):
    """(line number, text, whether it is code) of a document."""
    fenced = False
    for number, line in enumerate(lines, 1):
        if FENCE.match(line):
            fenced = not fenced
        elif fenced:
            yield number, line, True
        else:
            yield number, SPAN.sub(" ", line), False
            for code in SPAN.findall(line):
                yield number, code, True


def anchors(path):
    with open(path, encoding="utf-8") as file:
        return {slug(m[1]) for m in map(HEADING.match, file.read().splitlines()) if m}


def check_link(target, document, root):
    """What is wrong with the target of a link, or None."""
    if re.match(r"[a-z]+:", target):
        return None
    path, _, anchor = target.partition("#")
    full = os.path.join(root, os.path.dirname(document), path) if path else os.path.join(root, document)
    if not os.path.exists(full):
        return f"links to {target}, which is not there"
    if anchor and full.endswith(".md") and anchor not in anchors(full):
        return f"links to {target}, which has no such heading"
    return None


def documents(root):
    paths = [os.path.join(root, "README.md"), *sorted(glob.glob(os.path.join(root, "docs", "*.md")))]
    return [os.path.relpath(path, root) for path in paths if os.path.exists(path)]


def check(root, flags):
    """All that is wrong, one line each, and the number of documents read."""
    tree, found = Tree(root), []
    for document in documents(root):
        with open(os.path.join(root, document), encoding="utf-8") as file:
            lines = file.read().splitlines()
        for number, text, code in pieces(lines):
            problems = []
            if code:
                problems += [
                    f"names {path}, which is not there"
                    for path in named_paths(text)
                    if not tree.has(path, os.path.dirname(document))
                ]
                problems += [f"names {flag}, which no help lists" for flag in FLAG.findall(text) if flag not in flags]
            else:
                problems += [check_link(target, document, root) for target in LINK.findall(text)]
            found += [f"{document}:{number}: {problem}" for problem in problems if problem]
    return found, len(documents(root))


def known_flags(root, programs):
    """Flags of the programs' help, of their commands, and of our scripts."""

    def help_of(*command):
        done = subprocess.run([*command], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    texts = []
    for program in programs:
        text = help_of(program, "--help-hidden") + help_of(program, "--help")
        texts.append(text)
        subcommands = re.search(r"SUBCOMMANDS:\n(.*?)\n *Type", text, re.S)
        for name in re.findall(r"^ +(\w+) +-", subcommands[1] if subcommands else "", re.M):
            texts.append(help_of(program, name, "--help-hidden") + help_of(program, name, "--help"))
    for pattern in ("tools/*.sh", "test/**/*.py", "bench/*.py", "bench/*.sh", "bench/*.cpp", "tools/*.py"):
        for path in glob.glob(os.path.join(root, pattern), recursive=True):
            # Its own cases name flags that are not there.
            if os.path.basename(path) != "check_docs.py":
                with open(path, encoding="utf-8") as file:
                    texts.append(file.read())
    return set(FOREIGN).union(*(FLAG.findall(text) for text in texts))


# text of docs/a.md, part of the message (None: nothing is wrong)
CASES = [
    ("see [b](b.md) and [top](../README.md)", None),
    ("see [b](c.md)", "links to c.md"),
    ("# A `b`, c\n[here](#a-b-c) [there](b.md#bee)", None),
    ("# A\n[here](#b)", "no such heading"),
    ("[there](b.md#sea)", "no such heading"),
    ("[out](https://example.org/x.md)", None),
    ("`lowering/X.cpp` `X.cpp` `lowering/` `lowering/{X,Y}.cpp` `lowering/*.cpp` `build/x.h`", None),
    ("`lowering/Z.cpp`", "names lowering/Z.cpp"),
    ("`lowering/{X,Z}.cpp`", "names lowering/Z.cpp"),
    ("`Z.cpp`", "names Z.cpp"),
    ("`passes/none/`", "names passes/none/"),
    ("`lowering/<Name>.cpp` `FILE.h` `config.json`", None),
    ("```\ntools/none.sh\n```", "names tools/none.sh"),
    ("run `x --known=3`, --unknown in prose", None),
    ("run `x --unknown`", "names --unknown"),
]


def self_test():
    failures = 0
    for text, expected in CASES:
        with tempfile.TemporaryDirectory() as root:
            for name in ("README.md", "docs/a.md", "docs/b.md", "lowering/X.cpp", "lowering/Y.cpp"):
                path = os.path.join(root, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as stream:
                    stream.write({"docs/a.md": text, "docs/b.md": "## Bee"}.get(name, "") + "\n")
            found, _ = check(root, {"--known"})
        if not (len(found) == 1 and expected in found[0] if expected else not found):
            failures += 1
            print(f"FAIL {text!r}\n  expected {expected}, found {found}")
    print(f"{len(CASES)} cases, {failures} failures")
    return 1 if failures else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = os.path.realpath(sys.argv[1])
    flags = known_flags(root, sys.argv[2:])
    found, count = check(root, flags)
    print("\n".join(found + [f"{count} documents, {len(flags)} flags, {len(found)} failures"]))
    return 1 if found or not count else 0


if __name__ == "__main__":
    sys.exit(main())
